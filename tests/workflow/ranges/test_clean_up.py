"""The clean-up of a segmentation in ranges, in ranges as well, equals that of the whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sxtstudio.core.cleanup import CleanParameters
from sxtstudio.workflow.jobs.cleaning import CleanUp
from sxtstudio.workflow.jobs.segmenting import SegmentJob, SegmentResult, segment_file
from sxtstudio.workflow.ranges.any_range import AnyRange, any_range
from sxtstudio.workflow.ranges.clean_up import clean_up_folder, plan_clean_up
from sxtstudio.workflow.ranges.finishing import finish_segmentation
from sxtstudio.workflow.ranges.planning import plan_segmentation
from sxtstudio.workflow.ranges.running import RangesMissing
from sxtstudio.workflow.ranges.segmenting import SegmentRange, segment_range
from sxtstudio.workflow.ranges.state import read_state
from tests.workflow.ranges.conftest import MakeJob, save
from tests.workflow.ranges.test_segmenting import assert_equal

STEPS = CleanParameters(smooth_z=1, close=1, erode=1, min_size_voxels=10, crop=(1, 2, 3))


def segmented(job: SegmentJob) -> Path:
    """Segment all ranges; the folder of the plan."""
    state = plan_segmentation(job, 4)
    for number in state.unfinished:
        segment_range(SegmentRange(state.folder, number))
    return state.folder


def cleaned(folder: Path) -> SegmentResult:
    """Clean in ranges, the last one first, and finish."""
    state = plan_clean_up(folder)
    assert state is not None and state.folder == clean_up_folder(folder) and len(state.unfinished) > 1
    for number in reversed(state.unfinished):
        any_range(AnyRange(state.folder, number))
    again = plan_clean_up(folder)
    assert again is not None and again.unfinished == (), "what is done stays"
    return finish_segmentation(folder)


@pytest.mark.parametrize(
    "clean_up",
    [
        CleanUp(STEPS),
        CleanUp(CleanParameters(min_size_voxels=30)),
        CleanUp(CleanParameters(erode=1), auto_mask=True),
    ],
    ids=["many steps", "small objects", "automatic mask"],
)
def test_it_is_that_of_the_whole(make_job: MakeJob, clean_up: CleanUp) -> None:
    once, job = (replace(make_job(11, name), clean_up=clean_up) for name in ("once.mrc", "ranges.mrc"))
    whole = segment_file(once)
    parts = cleaned(segmented(job))
    assert_equal(job, once)
    assert whole.clean_up is not None and 0 < whole.clean_up.voxels_after < whole.clean_up.voxels_before
    assert parts.notes_counted_from(0) == whole.notes_counted_from(0)
    assert not job.output.with_name("ranges.mrc.ranges").exists()


def test_with_the_mask_of_a_file_too(make_job: MakeJob, tmp_path: Path) -> None:
    mask = np.zeros((10, 48, 40), np.float32)
    mask[:, 6:40, 8:36] = 1
    clean_up = CleanUp(STEPS, mask=save(tmp_path / "mask.mrc", mask))
    once, job = (replace(make_job(10, name), clean_up=clean_up) for name in ("once.mrc", "ranges.mrc"))
    segment_file(once)
    cleaned(segmented(job))
    assert_equal(job, once)


def test_where_the_labels_are_of_some_slices_or_nothing_is_cleaned_there_is_no_plan(
    make_job: MakeJob,
) -> None:
    some = replace(make_job(10, "some.mrc", slices=(1, 10)), clean_up=CleanUp(STEPS))
    assert plan_clean_up(segmented(some)) is None
    assert plan_clean_up(segmented(make_job(10, "plain.mrc"))) is None


def test_damaged_ranges_of_it_are_told_and_those_of_the_segmentation_before_it_is_planned(
    make_job: MakeJob,
) -> None:
    once, job = (replace(make_job(10, name), clean_up=CleanUp(STEPS)) for name in ("once.mrc", "ranges.mrc"))
    folder = segmented(job)
    chunk = next(path for path in (folder / "labels.zarr" / "0" / "1").rglob("*") if path.is_file())
    chunk.write_bytes(b"nothing of the kind")
    with pytest.raises(RangesMissing) as missing:
        plan_clean_up(folder)
    assert missing.value.numbers == (1,)
    segment_range(SegmentRange(folder, 1))
    state = plan_clean_up(folder)
    assert state is not None
    any_range(AnyRange(state.folder, 2))
    with pytest.raises(RangesMissing) as missing:
        finish_segmentation(folder)
    assert missing.value.numbers == (0, 1) and read_state(folder).unfinished == ()
    segment_file(once)
    cleaned_again = [any_range(AnyRange(state.folder, number)) for number in (0, 1)]
    assert len(cleaned_again) == 2
    finish_segmentation(folder)
    assert_equal(job, once)
