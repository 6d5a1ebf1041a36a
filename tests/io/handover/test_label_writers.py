"""What all writers of label volumes do when something goes wrong, and that they stream."""

import errno
import os
import re

import numpy as np
import pytest

from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.label_image import LabelImage, LegendEntry
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import open_volume, writing
from sxtstudio.io.handover import amira, mib_model, nifti, nrrd
from sxtstudio.io.legend import read_legend
from tests.io.handover.cases import LEGEND, ORIGIN, VOXEL, asymmetric, label_image

resource = pytest.importorskip("resource")  # of POSIX systems

WRITERS = {
    "a.model": (mib_model, mib_model.write_mib_model, "model_legend"),
    "a.am": (amira, amira.write_amira_labels, "materials_in"),
    "a.seg.nrrd": (nrrd, nrrd.write_seg_nrrd, "segments_in"),
    "a.nii": (nifti, nifti.write_nifti_labels, "names_in"),
    "a.nii.gz": (nifti, nifti.write_nifti_labels, "names_in"),
    "a.mask": (mib_model, mib_model.write_mib_mask, None),
}


@pytest.fixture(params=WRITERS)
def name(request, monkeypatch):
    monkeypatch.setattr(writing, "SLAB_BYTES", 100)  # a slab for each slice
    return request.param


class Volume(ArrayVolume):
    """Labels that do something when the third slice is read."""

    def __init__(self, labels, then):
        super().__init__(labels, VOXEL)
        self.boxes, self._then = [], then

    def read(self, box):
        self.boxes.append(box)
        if box.start[0] == 2:
            self._then()
        return super().read(box)


def image_that(then, labels=None):
    labels = asymmetric() if labels is None else labels
    return LabelImage("cell", Volume(labels, then), LEGEND, VOXEL, ORIGIN)


def fail(error):
    def raise_it():
        raise error

    return raise_it


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left"), ValueError("odd")], ids=["full", "odd"]
)
def test_a_former_file_stays_when_writing_fails(tmp_path, name, error):
    (tmp_path / name).write_bytes(b"former")
    with pytest.raises((UserError, ValueError)) as caught:
        WRITERS[name][1](tmp_path / name, image_that(fail(error)), Progress())
    if isinstance(error, OSError):
        assert "disk is full" in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == [name] and (tmp_path / name).read_bytes() == b"former"


def test_a_cancel_half_way_leaves_nothing(tmp_path, name):
    progress = Progress()
    with pytest.raises(Cancelled):
        WRITERS[name][1](tmp_path / name, image_that(progress.cancel), progress)
    assert not [*tmp_path.iterdir()]


def test_a_limit_of_the_size_of_files_leaves_nothing(tmp_path, name):
    """As a full disk: the system refuses to write, whoever does it."""
    noise = np.random.default_rng(1).integers(0, 60, (20, 200, 200)).astype(np.uint8)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4_000 if name == "a.mask" else 100_000, before[1]))
        with pytest.raises(UserError, match=r"disk is full"):
            WRITERS[name][1](tmp_path / name, label_image(noise), Progress())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("folder", ["missing", "file"])
def test_folders_that_are_none(tmp_path, name, folder):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match=r"cannot be written"):
        WRITERS[name][1](tmp_path / folder / name, label_image(), Progress())


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_read_only(tmp_path, name):
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="No permission"):
        WRITERS[name][1](tmp_path / name, label_image(), Progress())
    tmp_path.chmod(0o700)


def test_volumes_go_through_slab_by_slab(tmp_path, name):
    image = image_that(lambda: None)
    WRITERS[name][1](tmp_path / name, image, Progress())
    assert [box.shape[0] for box in image.volume.boxes] == [1, 1, 1, 1]


def test_more_names_than_any_program_reads_are_left_out(tmp_path, name):
    legend = tuple(LegendEntry(n, f"Object {n}", (1, 2, 3)) for n in range(1, 70_001))
    labels = asymmetric().astype(np.uint32)
    labels[3, 5, 8] = 70_000
    done = WRITERS[name][1](tmp_path / name, label_image(labels, legend), Progress())
    assert read_legend(done.path) == () and any("ames" in loss for loss in done.losses)
    assert "names" not in done.verified
    with open_volume(done.path) as back:
        assert int(back.read(Box.whole(back.shape)).max()) == (1 if name == "a.mask" else 70_000)


def test_few_names_of_large_numbers_make_no_long_list(tmp_path, name):
    """They are kept where the format names values one by one, and no entries are made for the gaps."""
    legend = (LegendEntry(3, "Körper", (250, 0, 7)), LegendEntry(70_000, "ER", (0, 250, 7)))
    labels = np.where(asymmetric() == 2, 70_000, np.where(asymmetric() > 0, 3, 0)).astype(np.uint32)
    done = WRITERS[name][1](tmp_path / name, label_image(labels, legend), Progress())
    names = [entry.name for entry in read_legend(done.path)]
    is_list = name in ("a.model", "a.am")
    assert names == ([] if is_list or name == "a.mask" else ["Körper", "ER"])
    assert any("more than" in loss or "each number up to" in loss for loss in done.losses) == is_list
    assert done.path.stat().st_size < 5_000


def test_names_that_are_read_back_otherwise_are_found(tmp_path, name, monkeypatch):
    module, write, reader = WRITERS[name]
    if reader is None:
        pytest.skip("a mask has no names")
    wrong = (LegendEntry(1, "else", (1, 2, 3)),)
    monkeypatch.setattr(module, reader, lambda path: wrong)
    with pytest.raises(UserError, match="names or colours"):
        write(tmp_path / name, label_image(), Progress())
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i4", "i8", "?"])
def test_the_smallest_type_holds_the_values(tmp_path, name, dtype):
    """A value that no legend lets expect makes the type larger on the way."""
    labels = asymmetric().astype(dtype)
    legend = LEGEND[:1]
    if np.dtype(dtype).itemsize > 1:
        labels[3, 5, 8] = 300
    done = WRITERS[name][1](tmp_path / name, label_image(labels, legend), Progress())
    right = labels != 0 if name == "a.mask" else labels
    with open_volume(done.path) as back:
        np.testing.assert_array_equal(back.read(Box.whole(back.shape)), right)
        large = np.dtype(dtype).itemsize > 1 and name != "a.mask"
        assert back.dtype == (np.uint16 if large else np.uint8)
    if name != "a.mask" and not large:
        assert re.fullmatch("K(ö|oe)rper", read_legend(done.path)[0].name)


@pytest.mark.parametrize(
    ("name", "module", "part", "as_written", "wrong"),
    [
        ("a.seg.nrrd", nrrd, "_field_lines", "space origin: (1.0", "space origin: (1.1"),
        ("a.am", amira, "_lines", "BoundingBox 1.0 1.08", "BoundingBox 1.1 1.18"),
    ],
    ids=["nrrd", "amira"],
)
def test_a_position_that_is_read_back_otherwise_is_found(
    tmp_path, monkeypatch, name, module, part, as_written, wrong
):
    done = WRITERS[name][1](tmp_path / name, label_image(), Progress())
    assert done.verified == "read back and compared: every voxel, voxel size, position, names and colours"
    real = getattr(module, part)

    def lines(*given):
        made = [*real(*given)]
        assert any(as_written in line for line in made), made
        return (line.replace(as_written, wrong) for line in made)

    monkeypatch.setattr(module, part, lines)
    with pytest.raises(UserError, match="in its position"):
        WRITERS[name][1](tmp_path / f"b{name[1:]}", label_image(), Progress())
    assert [p.name for p in tmp_path.iterdir()] == [name]
