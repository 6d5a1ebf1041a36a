"""An input that is replaced while it is read gives no result; one that was only touched does."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import tifffile

from sxtstudio.core.checked_volume import CheckedVolume, InputChangedError
from sxtstudio.core.cleanup import CleanParameters
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import export_volume
from sxtstudio.io import fingerprint as fingerprints
from sxtstudio.io.fingerprint import fingerprint
from sxtstudio.segment import SegmentParameters
from sxtstudio.workflow.jobs import cleaning
from sxtstudio.workflow.jobs.cleaning import CleanJob, CleanUp, clean_file
from sxtstudio.workflow.jobs.segmenting import SegmentJob, partial_folder, segment_file

FIRST, SECOND = (np.random.default_rng(seed).normal(size=(7, 48, 40)).astype(np.float32) for seed in (1, 2))
KINDS = ["mrc", "tif", "h5", "zarr", "slices"]


def write(path: Path, voxels: np.ndarray) -> Path:
    if path.name == "slices":
        path.mkdir()
        for z, plane in enumerate(voxels):
            tifffile.imwrite(path / f"slice_{z:03}.tif", plane)
    elif path.suffix == ".mrc":
        with mrcfile.new(path) as file:
            file.set_data(voxels)
    elif path.suffix == ".h5":
        import h5py

        with h5py.File(path, "w") as file:
            file["data"] = voxels
    else:
        export_volume(path, ArrayVolume(voxels), kind="image")
    return path


@pytest.fixture(params=KINDS)
def cell(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    name = "slices" if request.param == "slices" else f"cell.{request.param}"
    return write(tmp_path / name, FIRST)


def job_of(cell: Path, model: Path, **more: object) -> SegmentJob:
    output = cell.parent / "labels.tif"
    parameters = SegmentParameters(model=model, device="cpu", polarity="dark")
    return SegmentJob(cell, output, parameters, report=cell.parent / "report.json", **more)


def by_another(cell: Path) -> None:
    """As a program does that writes beside it and renames, or a folder that is copied anew."""
    other = cell.parent / "other"
    other.mkdir()
    shutil.move(cell, other / "old")
    write(cell, SECOND)


def in_place(cell: Path) -> None:
    """As a copier does, and with the old time; of several files only the last is changed."""
    second = cell.parent / "second"
    second.mkdir()
    write(second / cell.name, SECOND)
    file = max((f for f in cell.rglob("*") if f.is_file()), key=str) if cell.is_dir() else cell
    facts = file.stat()
    file.write_bytes(
        (second / cell.name / file.relative_to(cell) if cell.is_dir() else second / cell.name).read_bytes()
    )
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))


@pytest.mark.parametrize("replace", [by_another, in_place])
def test_replaced_while_it_is_segmented(cell: Path, toy_model: Path, replace: Callable[[Path], None]) -> None:
    done: list[int] = []

    def on_slice(z: int, *_: object) -> None:
        done.append(z)
        if len(done) == 1:
            replace(cell)

    with pytest.raises(InputChangedError, match=r"changed or replaced"):
        segment_file(job_of(cell, toy_model), on_slice=on_slice)
    job = job_of(cell, toy_model)
    assert not job.output.exists() and not job.report.exists() and not partial_folder(job.output).exists()


@pytest.mark.parametrize("exact", [True, False], ids=["small", "large"])
def test_only_touched_while_it_is_segmented(
    cell: Path, toy_model: Path, exact: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not exact:
        monkeypatch.setattr(fingerprints, "WHOLE_BYTES", 1000)
        monkeypatch.setattr(fingerprints, "SAMPLE_BYTES", 1000)
    before = fingerprint(cell)

    def on_slice(*_: object) -> None:
        for file in cell.rglob("*") if cell.is_dir() else [cell]:
            file.touch()

    segment_file(job_of(cell, toy_model), on_slice=on_slice)
    report = json.loads((cell.parent / "report.json").read_text())
    assert report["input"]["fingerprint"] == before == fingerprint(cell)


def test_a_change_between_the_samples_of_a_large_file_is_noticed(
    tmp_path: Path, toy_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprints, "WHOLE_BYTES", 1000)
    monkeypatch.setattr(fingerprints, "SAMPLE_BYTES", 10)
    cell = write(tmp_path / "cell.mrc", FIRST)
    before = fingerprint(cell)

    def on_slice(z: int, *_: object) -> None:
        with cell.open("r+b") as file:
            file.seek(1024 + 4 * (48 * 40 * 3 + 777))
            file.write(b"\0\0\x80\x3f")

    with pytest.raises(InputChangedError):
        segment_file(job_of(cell, toy_model), on_slice=on_slice)
    assert fingerprint(cell) == before, "this one does not lie between the samples"


@pytest.mark.parametrize("changed", [0, 2, None])
def test_slices_of_two_tomograms_are_not_mixed_by_going_on(
    cell: Path, toy_model: Path, changed: int | None
) -> None:
    """Whichever slice was replaced after a cancel, of those that were finished."""
    progress = Progress()

    def on_slice(z: int, labels: object, finished: int, total: int) -> None:
        if finished == 3:
            progress.cancel()

    with pytest.raises(Cancelled):
        segment_file(job_of(cell, toy_model), progress, on_slice)
    if changed is not None:
        voxels = FIRST.copy()
        voxels[changed, 5, 5] += 1
        shutil.rmtree(cell) if cell.is_dir() else cell.unlink()
        write(cell, voxels)
        with pytest.raises(UserError, match=r"tomogram"):
            segment_file(job_of(cell, toy_model, resume=True))
        assert partial_folder(job_of(cell, toy_model).output).exists(), (
            "the user may find the right file again"
        )
        return
    result = segment_file(job_of(cell, toy_model, resume=True))
    assert result.segmentation.resumed >= 3


def test_a_tomogram_that_goes_with_its_share_costs_no_finished_slice(tmp_path: Path, toy_model: Path) -> None:
    cell, away = write(tmp_path / "cell.mrc", FIRST), tmp_path / "away.mrc"

    def on_slice(z: int, labels: object, finished: int, total: int) -> None:
        if finished == 3:
            cell.rename(away)

    with pytest.raises(UserError, match=r"cell\.mrc cannot be read: No such file") as gone:
        segment_file(job_of(cell, toy_model), on_slice=on_slice)
    assert not isinstance(gone.value, InputChangedError) and not job_of(cell, toy_model).output.exists()
    away.rename(cell)
    assert segment_file(job_of(cell, toy_model, resume=True)).segmentation.resumed >= 3


def test_mask_and_labels_are_watched_too(
    tmp_path: Path, toy_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell, labels, mask = (write(tmp_path / name, FIRST) for name in ("cell.mrc", "labels.mrc", "mask.mrc"))
    for path in (labels, mask):
        with mrcfile.open(path, "r+") as file:
            file.set_data((FIRST > 0.5).astype(np.int8))
    clean_up = CleanUp(CleanParameters(), mask=mask)
    with pytest.raises(InputChangedError, match=r"mask\.mrc"):
        segment_file(job_of(cell, toy_model, clean_up=clean_up), on_slice=lambda *_: in_place_mrc(mask))
    assert not (tmp_path / "labels.tif").exists()

    real = cleaning.run_clean_up

    def replaced(*arguments: object, **options: object) -> object:
        in_place_mrc(labels)
        return real(*arguments, **options)

    monkeypatch.setattr(cleaning, "run_clean_up", replaced)
    with pytest.raises(InputChangedError, match=r"labels\.mrc"):
        clean_file(CleanJob(labels, tmp_path / "clean.tif", clean_up))
    assert not (tmp_path / "clean.tif").exists()


def in_place_mrc(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(2000)
        file.write(os.urandom(50))


def test_a_slice_that_changes_between_two_readings_is_noticed() -> None:
    voxels = FIRST.copy()
    volume = CheckedVolume(ArrayVolume(voxels))
    volume.read(Box.whole(volume.shape))
    voxels[3, 1, 1] += 1
    volume.read(Box((3, 0, 0), (4, 20, 20)))  # no whole slice: nothing is known of it
    with pytest.raises(InputChangedError, match="slice 4 is not what it was"):
        volume.read(Box.slab(2, 5, volume.shape))
    assert volume.checksum(2) == volume.checksums[2]
