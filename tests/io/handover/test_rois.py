"""ROIs for ImageJ, read by roifile and filled by scikit-image."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import roifile
from asymmetric_labels import COLOURS, NAMES, ORIGIN, VOXEL, asymmetric
from skimage.draw import polygon2mask

from sxtstudio.core.errors import UserError
from sxtstudio.core.label_image import LabelImage, LegendEntry
from sxtstudio.core.progress import Progress
from sxtstudio.core.verified import NotAsWritten
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io.handover import rois
from sxtstudio.io.handover.rois import write_rois


def image_of(labels, names=NAMES):
    legend = tuple(LegendEntry(value, name, COLOURS.get(value, (9, 8, 7))) for value, name in names.items())
    return LabelImage("Zelle", ArrayVolume(labels), legend, VOXEL, ORIGIN)


def contents(folder):
    return sorted(p.name for p in folder.iterdir())


def filled(found, shape, value_of):
    labels = np.zeros(shape, int)
    for roi in found:
        inside = np.zeros(shape[1:], int)
        for polygon in roi.coordinates(multi=True):
            inside += polygon2mask(shape[1:], np.asarray(polygon)[:, ::-1] - 0.5)
        labels[roi.position - 1][inside % 2 == 1] = value_of(roi.name)
    return labels


def test_a_roi_for_each_label_and_slice(tmp_path):
    receipt = write_rois(tmp_path / "rois.zip", image_of(asymmetric()))
    found = roifile.roiread(tmp_path / "rois.zip")
    assert [roi.name for roi in found] == [
        "Lipidtröpfchen z0001",
        *(f"Zellkern mit Höhle z000{z}" for z in (2, 3, 4)),
        "Ω ≥ 5 µm z0006",
    ]
    assert [roi.position for roi in found] == [1, 2, 3, 4, 6]
    # With a hole and an island in it, and where pixels meet in a corner only.
    assert [roi.composite for roi in found] == [False, True, True, False, False]
    assert found[0].stroke_color == bytes((255, 75, 160, 235))
    values = {name: value for value, name in NAMES.items()}
    labels = filled(found, asymmetric().shape, lambda name: values[name.rsplit(" z", 1)[0]])
    assert (labels == asymmetric()).all()
    assert dict(receipt.details) == {"ROIs": "5", "Labels": "3"} and receipt.losses == ()


def test_names_that_are_no_names_of_files(tmp_path):
    labels = np.zeros((1, 2, 12), np.uint8)
    labels[0, 0] = np.arange(1, 13)
    names = {1: "../../etc/passwd", 2: "ER", 3: "er", 4: "a\nb", 5: "...", 6: "Label 7", 8: 'C:\\x*?"<>|'}
    write_rois(tmp_path / "rois.zip", image_of(labels, names))
    with zipfile.ZipFile(tmp_path / "rois.zip") as archive:
        found = archive.namelist()
    assert found[:8] == [
        f"{name} z0001.roi"
        for name in ("_.._etc_passwd", "ER", "er (2)", "a_b", "Label", "Label 7", "Label 7_", "C__x______")
    ]
    assert len({name.casefold() for name in found}) == 12


@pytest.mark.parametrize("name", ["𝛼" * 9, "🦠🦠🦠 phage", "\ud83e\udda0 lone", "a🦠"])
def test_names_of_letters_that_are_two_units_are_whole(tmp_path, name):
    write_rois(tmp_path / "rois.zip", image_of(np.ones((1, 2, 2), np.uint8), {1: name}))
    roi = roifile.roiread(tmp_path / "rois.zip")[0]
    wanted = "".join("_" if "\ud800" <= letter <= "\udfff" else letter for letter in name)
    assert roi.name == f"{wanted} z0001"
    with zipfile.ZipFile(tmp_path / "rois.zip") as archive:
        assert archive.namelist() == [f"{wanted} z0001.roi"]


def test_the_same_labels_give_the_same_file(tmp_path, monkeypatch):
    write_rois(tmp_path / "a.zip", image_of(asymmetric()))
    monkeypatch.setattr("sxtstudio.core.walk.SLAB_VOXELS", 700)
    write_rois(tmp_path / "b.zip", image_of(asymmetric()))
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_no_labels(tmp_path):
    receipt = write_rois(tmp_path / "rois.zip", image_of(np.zeros((2, 3, 4), np.uint8), {}))
    assert zipfile.ZipFile(tmp_path / "rois.zip").namelist() == []
    assert "no labels" in receipt.losses[0]


def test_ten_thousand_labels(tmp_path):
    labels = np.zeros((2, 200, 200), np.uint32)
    labels[1, ::2, ::2] = np.arange(1, 10_001).reshape(100, 100)
    write_rois(tmp_path / "rois.zip", image_of(labels, {}))
    found = roifile.roiread(tmp_path / "rois.zip")
    assert (
        filled(found[::997], labels.shape, lambda name: int(name.split()[1]))
        == np.where(labels % 997 == 1, labels, 0)
    ).all()


def test_bounds(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="reach to pixel 32767"):
        write_rois(tmp_path / "a.zip", image_of(np.zeros((1, 1, 32_768), np.uint8)))
    monkeypatch.setattr(rois, "_MOST_ROIS", 4)
    with pytest.raises(UserError, match="more than 4 ROIs"):
        write_rois(tmp_path / "a.zip", image_of(asymmetric()))
    assert contents(tmp_path) == []


def test_an_outline_of_more_points_than_sixteen_bits_count(tmp_path):
    """A comb with teeth on both sides."""
    labels = np.zeros((1, 3, 32_767), np.uint8)
    labels[0, 1] = 1
    labels[0, ::2, ::2] = 1
    write_rois(tmp_path / "rois.zip", image_of(labels, {}))
    with zipfile.ZipFile(tmp_path / "rois.zip") as archive:
        (roi,) = (roifile.ImagejRoi.frombytes(archive.read(name)) for name in archive.namelist())
    assert roi.n_coordinates == 131_068
    x, y = roi.coordinates().astype(float).T
    assert abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2 == np.count_nonzero(labels)


def test_what_is_read_back_differently_is_not_kept(tmp_path, monkeypatch):
    real = rois._path
    monkeypatch.setattr(rois, "_path", lambda polygon: real(polygon + 1))
    with pytest.raises(NotAsWritten, match="differs in slice"):
        write_rois(tmp_path / "a.zip", image_of(asymmetric()))
    assert contents(tmp_path) == []


def test_full_disk(tmp_path):
    resource = pytest.importorskip("resource")
    (tmp_path / "a.zip").write_text("former")
    noise = np.random.default_rng(0).integers(0, 9, (3, 60, 60)).astype("u1")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, hard))
    try:
        with pytest.raises(UserError, match="disk is full"):
            write_rois(tmp_path / "a.zip", image_of(noise, {}))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert contents(tmp_path) == ["a.zip"] and (tmp_path / "a.zip").read_text() == "former"


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that not even root can write to")
def test_folder_that_cannot_be_written_to():
    with pytest.raises(UserError, match=r"cannot be written|No permission"):
        write_rois(Path("/proc/a.zip"), image_of(asymmetric()))


def test_progress_goes_on_to_the_end(tmp_path):
    seen = []
    progress = Progress(listener=lambda state: seen.append(state.fraction))
    write_rois(tmp_path / "a.zip", image_of(asymmetric()), progress)
    assert seen[-1] == pytest.approx(1) and seen == sorted(seen) and len(seen) > 2


def test_names_and_colours_that_are_read_back_otherwise_are_found(tmp_path, monkeypatch):
    receipt = write_rois(tmp_path / "a.zip", image_of(asymmetric()))
    assert receipt.verified == "read back and compared: every voxel within the outlines, names and colours"
    real = rois._content
    for wanted, wrong in (
        ("Zellkern".encode("utf-16-be"), "Zellkorn".encode("utf-16-be")),
        (b"\xff\x4b", b"\xff\x4c"),
    ):
        monkeypatch.setattr(rois, "_content", lambda roi, a=wanted, b=wrong: real(roi).replace(a, b))
        with pytest.raises(NotAsWritten, match="names or colours"):
            write_rois(tmp_path / "b.zip", image_of(asymmetric()))
    assert contents(tmp_path) == ["a.zip"]
