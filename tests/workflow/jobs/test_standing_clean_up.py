"""Which clean-up the labels of a document were made with, all clean-ups since as one."""

from __future__ import annotations

from typing import Any

import pytest

from sxtstudio.core.cleanup import CleanParameters
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.workflow.jobs.cleaning import CleanUp
from sxtstudio.workflow.jobs.standing_clean_up import standing_clean_up

SEGMENT, PAINT = Step(StepKind.EDIT, EditKind.SEGMENT), Step(StepKind.EDIT, EditKind.BRUSH)
UNDO = Step(StepKind.UNDO, EditKind.CLEAN_UP)
OUTSIDE = Step(StepKind.EDIT, EditKind.REMOVE_OUTSIDE)


def cleaned(**parameters: object) -> Step:
    return Step(StepKind.EDIT, EditKind.CLEAN_UP, parameters=parameters)


def of(*, inside_mask: bool = False, **parameters: Any) -> CleanUp:
    return CleanUp(CleanParameters(**parameters), inside_mask=inside_mask)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([], CleanUp()),
        ([SEGMENT, PAINT], CleanUp()),
        ([cleaned(erode=2), SEGMENT], CleanUp()),
        ([SEGMENT, cleaned(erode=2), UNDO], CleanUp()),
        ([SEGMENT, cleaned(erode=2, erode_3d=False), PAINT], of(erode=2, erode_3d=False)),
        ([SEGMENT, cleaned(smooth_z=1), cleaned(min_size_nm3=2e6)], of(smooth_z=1, min_size_nm3=2e6)),
        ([SEGMENT, cleaned(erode=1), cleaned(erode=2)], of(erode=3)),
        (
            [SEGMENT, cleaned(min_size_voxels=30), cleaned(min_size_voxels=20, crop_zyx_px=[0, 1, 2])],
            of(min_size_voxels=30, crop=(0, 1, 2)),
        ),
        ([SEGMENT, cleaned(dilate=1, in_3d=False), OUTSIDE], of(dilate=1, erode_3d=False, inside_mask=True)),
        # With another threshold the labels were made anew: what was before is not in them.
        ([SEGMENT, cleaned(erode=2), cleaned(threshold=0.2, fill_holes_px=9)], of(fill_px=9)),
    ],
    ids=[
        "nothing", "segmented", "segmented again", "undone", "one", "two", "eroded twice",
        "small objects twice", "outside the mask", "another threshold",
    ],
)  # fmt: skip
def test_the_clean_ups_since_the_labels_were_made_are_one(steps: list[Step], expected: CleanUp) -> None:
    found = standing_clean_up(steps)
    assert found.clean_up == expected
    assert not found.differences


@pytest.mark.parametrize(
    ("steps", "difference"),
    [
        ([cleaned(erode=1), cleaned(dilate=1)], "another order"),  # an opening, and as one a closing
        ([cleaned(smooth_z=1), cleaned(smooth_z=2)], "smoothed more than once"),
        ([cleaned(close=1, in_3d=True), cleaned(close=1, in_3d=True)], "closed more than once"),
        ([cleaned(dilate=1, in_3d=True), cleaned(erode=1, erode_3d=False)], "within each slice"),
        ([cleaned(min_size_voxels=9), cleaned(min_size_nm3=1e6)], "in voxels and in nm³"),
        ([cleaned(erode="two")], "not known any more"),
    ],
    ids=["order", "smoothed twice", "closed twice", "3D and slices", "two units", "a stranger's record"],
)
def test_what_one_clean_up_cannot_do_again_is_named(steps: list[Step], difference: str) -> None:
    assert difference in " ".join(standing_clean_up([SEGMENT, *steps]).differences)
