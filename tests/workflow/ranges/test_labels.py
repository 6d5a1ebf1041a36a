"""Clean-up, objects and measurements in ranges equal those of the whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.bodies.find import regions_in
from sxtstudio.core.bodies.method import Method
from sxtstudio.core.checked_volume import InputChangedError
from sxtstudio.core.cleanup import CleanParameters
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.measure import bricks
from sxtstudio.core.measure.calibration import GreyUnit
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import export_volume
from sxtstudio.workflow.jobs.cleaning import CleanJob, CleanResult, CleanUp, clean_file
from sxtstudio.workflow.jobs.measure_more import MoreMeasurements
from sxtstudio.workflow.jobs.measuring import MeasureJob, MeasureResult, measure_file
from sxtstudio.workflow.jobs.objects import ObjectsJob, ObjectsResult, objects_file
from sxtstudio.workflow.ranges import objects
from sxtstudio.workflow.ranges.cleaning import CleanRange, clean_range, finish_cleaning, plan_cleaning
from sxtstudio.workflow.ranges.measuring import (
    MeasureRange,
    finish_measuring,
    measure_range,
    plan_measuring,
)
from sxtstudio.workflow.ranges.objects import ObjectsRange, find_in_range, finish_objects, plan_objects
from sxtstudio.workflow.ranges.running import RangesMissing

SHAPE = (11, 40, 44)
NM = (20.0, 10.0, 10.0)


def blobs(seed: int = 0, share: float = 0.7) -> NDArray[np.uint8]:
    """Random structures that touch all borders, with specks."""
    random = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(random.random(SHAPE), (0.8, 1.5, 1.5))
    labels = (noise > np.quantile(noise, share)).astype(np.uint8)
    labels |= random.random(SHAPE) < 0.003
    return labels * np.uint8(255)


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.tif"
    export_volume(path, ArrayVolume(blobs()), voxel_nm=NM)
    return path


def grey(seed: int = 0) -> NDArray[np.float32]:
    """A tomogram with a fill in two of its corners, in which the blobs are darker."""
    image = np.random.default_rng(seed).normal(1, 0.2, SHAPE).astype(np.float32)
    image -= blobs(seed) / np.float32(255)
    return image


def cleaned_in_ranges(job: CleanJob) -> CleanResult:
    state = plan_cleaning(job, 4)
    for number in reversed(state.unfinished):
        clean_range(CleanRange(state.folder, number))
    return finish_cleaning(state.folder)


@pytest.mark.parametrize(
    "steps",
    [
        {"smooth_z": 2, "close": 1, "fill_px": 20, "dilate": 1, "erode": 2, "min_size_voxels": 40},
        {"min_size_nm3": 8e4, "crop": (1, 2, 3)},
        {"erode": 1, "erode_3d": False, "crop": (2, 0, 5)},
        {"dilate": 3},
        {"min_size_voxels": 10**6},
    ],
    ids=["all", "small and border", "2D", "one", "nothing left"],
)
@pytest.mark.parametrize("masked", [False, True], ids=["", "mask"])
def test_cleaned_ranges_equal_the_whole(
    labels: Path, tmp_path: Path, steps: dict[str, Any], masked: bool
) -> None:
    mask = None
    if masked:
        mask = tmp_path / "mask.tif"
        export_volume(mask, ArrayVolume(blobs(5, 0.3)))
    once = CleanJob(labels, tmp_path / "once.tif", CleanUp(CleanParameters(**steps), mask=mask))
    job = replace(once, output=tmp_path / "ranges.tif")
    whole, parts = clean_file(once), cleaned_in_ranges(job)
    assert once.output.read_bytes() == job.output.read_bytes()

    def without_seconds(result: CleanResult) -> list[Any]:
        return [replace(step, seconds=0) for step in result.report.steps]

    assert without_seconds(parts) == without_seconds(whole)
    assert parts.report.voxels_before == whole.report.voxels_before
    assert parts.report.voxels_after == whole.report.voxels_after == parts.receipt.labelled
    assert (parts.notes, parts.warnings) == (whole.notes, whole.warnings)
    assert not Path(f"{job.output}.ranges").exists()


def test_the_automatic_mask_is_made_once(labels: Path, tmp_path: Path) -> None:
    tomogram = tmp_path / "cell.mrc"
    export_volume(tomogram, ArrayVolume(grey()), voxel_nm=NM, kind="image")
    once = CleanJob(
        labels, tmp_path / "once.tif", CleanUp(CleanParameters(erode=1), auto_mask=True), tomogram
    )
    job = replace(once, output=tmp_path / "ranges.tif")
    whole, parts = clean_file(once), cleaned_in_ranges(job)
    assert once.output.read_bytes() == job.output.read_bytes()
    assert (parts.notes, parts.warnings) == (whole.notes, whole.warnings)


def test_a_clean_up_goes_on_and_refuses_another_one(labels: Path, tmp_path: Path) -> None:
    job = CleanJob(labels, tmp_path / "ranges.tif", CleanUp(CleanParameters(erode=1)))
    state = plan_cleaning(job, 4)
    first = clean_range(CleanRange(state.folder, 1))
    assert clean_range(CleanRange(state.folder, 1)) == first
    assert plan_cleaning(job, 4).unfinished == (0, 2)
    with pytest.raises(RangesMissing, match="0, 2"):
        finish_cleaning(state.folder)
    other = replace(job, clean_up=CleanUp(CleanParameters(erode=2)))
    with pytest.raises(UserError, match="the clean-up was"):
        plan_cleaning(other, 4)
    assert plan_cleaning(other, 4, restart=True).unfinished == (0, 1, 2)


def shells() -> NDArray[np.uint8]:
    """Outlines of balls that touch, lie in one another, end open, and go through all ranges."""
    z, y, x = np.indices(SHAPE)
    labels = np.zeros(SHAPE, bool)
    for (cz, cy, cx), radius in (
        ((5, 12, 12), 8), ((6, 13, 12), 3), ((2, 30, 14), 7), ((9, 28, 32), 9), ((4, 9, 34), 6),
    ):  # fmt: skip
        distance = np.hypot(np.hypot((z - cz) * 1.5, y - cy), x - cx)
        labels |= np.abs(distance - radius) < 1.0
    labels[:, 36:38, 2:20] = True  # a sheet
    return labels.astype(np.uint8) * np.uint8(255)


def found_in_ranges(job: ObjectsJob) -> ObjectsResult:
    state = plan_objects(job, 4)
    for number in reversed(state.unfinished):
        find_in_range(ObjectsRange(state.folder, number))
    return finish_objects(state.folder)


@pytest.mark.parametrize("more", [False, True], ids=["labels", "image, certainty and mask"])
@pytest.mark.parametrize("method", Method)
def test_objects_of_ranges_equal_those_of_the_whole(tmp_path: Path, method: Method, more: bool) -> None:
    labels = tmp_path / "labels.tif"
    data = shells() if method is Method.BODIES else blobs(3, 0.9)
    export_volume(labels, ArrayVolume(data), voxel_nm=NM)
    given: dict[str, Path] = {}
    if more:
        certainty = np.random.default_rng(1).integers(0, 256, SHAPE).astype(np.uint8)
        inside = np.ones(SHAPE, np.uint8)
        inside[:, :5] = 0
        for name, volume in (("image", grey()), ("probability", certainty), ("mask", inside)):
            given[name] = tmp_path / f"{name}.mrc"
            export_volume(given[name], ArrayVolume(volume), voxel_nm=NM, kind="image")
    jobs = []
    for place in ("once", "ranges"):
        folder = tmp_path / place
        folder.mkdir()
        options: dict[str, Any] = {"min_voxels": 3, "table": folder / "objects.csv", **given}
        jobs.append(ObjectsJob(labels, folder / "objects.tif", method, **options))
    once, job = jobs
    whole, parts = objects_file(once), found_in_ranges(job)
    assert whole.found.count > 3
    assert parts.found == whole.found
    assert (parts.notes, parts.judged, parts.taken_as) == (whole.notes, whole.judged, whole.taken_as)
    assert once.output.read_bytes() == job.output.read_bytes()
    assert once.table is not None and job.table is not None
    assert once.table.read_bytes() == job.table.read_bytes()
    assert not Path(f"{job.output}.ranges").exists()


def test_slices_that_an_attempt_has_looked_at_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = tmp_path / "labels.tif"
    export_volume(labels, ArrayVolume(shells()), voxel_nm=NM)
    job = ObjectsJob(labels, tmp_path / "objects.tif")
    once = objects_file(replace(job, output=tmp_path / "once.tif"))
    state = plan_objects(job, 8)
    looked: list[int] = []
    progress = Progress()

    def counted(*arguments: Any) -> Any:
        looked.append(len(looked))
        if len(looked) == 3:
            progress.cancel()
        return regions_in(*arguments)

    monkeypatch.setattr(objects, "regions_in", counted)
    with pytest.raises(Cancelled):
        find_in_range(ObjectsRange(state.folder, 0), progress)
    for number in (0, 1):
        find_in_range(ObjectsRange(state.folder, number))
    assert len(looked) == len(shells())
    assert finish_objects(state.folder).found == once.found


def test_objects_are_not_found_anew_where_there_are_some(labels: Path, tmp_path: Path) -> None:
    numbered = tmp_path / "numbered.tif"
    objects_file(ObjectsJob(labels, numbered, Method.COMPONENTS))
    with pytest.raises(UserError, match="holds objects already"):
        plan_objects(ObjectsJob(numbered, tmp_path / "again.tif"), 4)


def test_labels_that_changed_after_planning_are_refused(labels: Path, tmp_path: Path) -> None:
    job = ObjectsJob(labels, tmp_path / "objects.tif", Method.COMPONENTS)
    state = plan_objects(job, 4)
    for number in state.unfinished:
        find_in_range(ObjectsRange(state.folder, number))
    export_volume(labels, ArrayVolume(blobs(9)), voxel_nm=NM)
    with pytest.raises(InputChangedError):
        finish_objects(state.folder)


def test_a_mask_that_changed_after_planning_is_refused(labels: Path, tmp_path: Path) -> None:
    mask = tmp_path / "mask.tif"
    inside = np.ones(SHAPE, np.uint8)
    export_volume(mask, ArrayVolume(inside))
    job = ObjectsJob(labels, tmp_path / "objects.tif", Method.COMPONENTS, mask=mask)
    state = plan_objects(job, 4)
    for number in state.unfinished:
        find_in_range(ObjectsRange(state.folder, number))
    inside[:, :20] = 0
    export_volume(mask, ArrayVolume(inside))
    with pytest.raises(InputChangedError, match="or its mask"):
        finish_objects(state.folder)


def measured_in_ranges(job: MeasureJob) -> MeasureResult:
    state = plan_measuring(job, 4)
    for number in reversed(state.unfinished):
        measure_range(MeasureRange(state.folder, number))
    return finish_measuring(state.folder, job)


@pytest.mark.parametrize(
    ("more", "known"),
    [
        (MoreMeasurements(), True),
        (MoreMeasurements(), False),
        (MoreMeasurements(rim_nm=30.0, neighbours=True), True),
        (MoreMeasurements(grey_unit=GreyUnit.PER_UM), True),
    ],
    ids=["nm", "voxels", "rim and neighbours", "LAC"],
)
def test_measurements_of_ranges_equal_those_of_the_whole(
    tmp_path: Path, more: MoreMeasurements, known: bool
) -> None:
    source, tomogram = tmp_path / "objects.tif", tmp_path / "cell.mrc"
    numbers = ndimage.label(blobs(3, 0.85), np.ones((3, 3, 3)))[0].astype(np.uint16)
    numbers[numbers == 2] = 60_000  # numbers need not be in the order of slices
    nm = NM if known else None
    export_volume(source, ArrayVolume(numbers), voxel_nm=nm, kind="objects")
    export_volume(tomogram, ArrayVolume(grey(3)), voxel_nm=nm, kind="image")
    jobs = []
    for place in ("once", "ranges"):
        (tmp_path / place).mkdir()
        tables = {"table": tmp_path / place / "a.csv", "per_slice": tmp_path / place / "b.csv"}
        jobs.append(MeasureJob(source, image=tomogram, more=more, **tables))
    once, job = jobs
    whole, parts = measure_file(once), measured_in_ranges(job)
    assert len(whole.measured.numbers) > 10
    assert parts.notes == whole.notes and parts.measured.notes == whole.measured.notes
    assert parts.measured.columns == whole.measured.columns
    for key, values in whole.measured.values.items():
        assert parts.measured.values[key].tobytes() == values.tobytes(), key
    for mine, theirs in zip(parts.written, whole.written, strict=True):
        assert mine.read_bytes() == theirs.read_bytes()


def test_objects_that_are_measured_in_bricks_are_equal_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bricks, "_LARGEST_BOX", 4000)
    monkeypatch.setattr(bricks, "_OWNED", (4, 16, 16))
    test_measurements_of_ranges_equal_those_of_the_whole(tmp_path, MoreMeasurements(), True)


def test_ranges_measure_objects_and_not_labels(labels: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="have to be found first"):
        plan_measuring(MeasureJob(labels, tmp_path / "a.csv"), 4)


def test_measured_ranges_are_joined_for_their_own_job_only(tmp_path: Path) -> None:
    source = tmp_path / "objects.tif"
    numbers = ndimage.label(blobs(3, 0.85))[0].astype(np.uint16)
    export_volume(source, ArrayVolume(numbers), voxel_nm=NM, kind="objects")
    job = MeasureJob(source, tmp_path / "a.csv")
    state = plan_measuring(job, 4)
    for number in state.unfinished:
        measure_range(MeasureRange(state.folder, number))
    with pytest.raises(UserError, match="measure something else"):
        finish_measuring(state.folder, replace(job, voxel_nm=(1.0, 1.0, 1.0)))
    numbers[0, 0, 0] += 1
    export_volume(source, ArrayVolume(numbers), voxel_nm=NM, kind="objects")
    with pytest.raises(InputChangedError):
        finish_measuring(state.folder, job)
