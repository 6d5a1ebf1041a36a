"""The clean-up that the labels of a document were made with: what makes them anew has to do it again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sxtstudio.core.cleanup import CleanParameters
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.records import record_of
from sxtstudio.core.steps import Step, StepKind, effective
from sxtstudio.workflow.jobs.cleaning import CleanUp
from sxtstudio.workflow.results.parameters import CleanStep

# After these there is nothing left of what was cleaned before.
_MADE_ANEW = (EditKind.SEGMENT, EditKind.OPEN_LABELS, EditKind.CLEAR)


@dataclass(frozen=True)
class StandingCleanUp:
    """All clean-ups since the labels were made, as one.

    Attributes
    ----------
    clean_up
        What they did together; the threshold is left out.
    differences
        Sentences about what one clean-up cannot do as they did.
    """

    clean_up: CleanUp = field(default_factory=CleanUp)
    differences: tuple[str, ...] = ()


def recorded_clean_up(parameters: Mapping[str, Any]) -> CleanUp:
    """Return the clean-up that a step was (``CleanUp.step``).

    Raises
    ------
    RecordError
        If the record holds something else.
    """
    said = record_of(dict(parameters), CleanStep, "A clean-up of the record is damaged")
    steps = CleanParameters(
        erode=said.erode,
        erode_3d=said.in_3d if said.erode_3d is None else said.erode_3d,
        min_size_voxels=said.min_size_voxels,
        min_size_nm3=said.min_size_nm3,
        crop=said.crop_zyx_px,
        smooth_z=said.smooth_z,
        close=said.close,
        fill_px=said.fill_holes_px,
        dilate=said.dilate,
    )
    return CleanUp(steps, inside_mask=said.inside_mask, threshold=said.threshold)


def standing_clean_up(steps: Iterable[Step]) -> StandingCleanUp:
    """Return what cleaned the labels since they were segmented, opened, or made with another threshold.

    Parameters
    ----------
    steps
        All that was done to the document; what was undone does not count.
    """
    done: list[CleanUp] = []
    differences: list[str] = []
    for step in effective(steps):
        if step.kind is not StepKind.EDIT or step.target != "labels":
            continue
        if step.edit in _MADE_ANEW:
            done, differences = [], []
        elif step.edit is EditKind.REMOVE_OUTSIDE:
            done.append(CleanUp(inside_mask=True))
        elif step.edit is EditKind.CLEAN_UP:
            try:
                one = recorded_clean_up(step.parameters)
            except UserError:
                differences.append("What one of the clean-ups did is not known any more.")
                continue
            if one.threshold is not None:
                done, differences = [], []
            done.append(replace(one, threshold=None))
    return _together([one for one in done if one.wanted], differences)


def _together(done: list[CleanUp], differences: list[str]) -> StandingCleanUp:
    """Return several clean-ups as one, and what is not the same then."""
    if not done:
        return StandingCleanUp(CleanUp(), tuple(differences))
    all_ = [one.parameters for one in done]
    faces = [one for one in all_ if one.close or one.dilate or one.erode]
    volumes = [one.min_size_nm3 for one in all_ if one.min_size_nm3]
    merged = CleanParameters(
        erode=sum(one.erode for one in all_),
        erode_3d=faces[-1].erode_3d if faces else True,
        min_size_voxels=max(one.min_size_voxels or 0 for one in all_) or None,
        min_size_nm3=max(volumes) if volumes else None,
        crop=(
            max(one.crop[0] for one in all_),
            max(one.crop[1] for one in all_),
            max(one.crop[2] for one in all_),
        ),
        smooth_z=max(one.smooth_z for one in all_),
        close=max(one.close for one in all_),
        fill_px=max(one.fill_px for one in all_),
        dilate=sum(one.dilate for one in all_),
    )
    if sum(one.smooth_z > 0 for one in all_) > 1:
        differences.append("They were smoothed more than once.")
    if sum(one.close > 0 for one in all_) > 1:
        differences.append("Gaps were closed more than once.")
    if volumes and merged.min_size_voxels:
        differences.append("The smallest size was given in voxels and in nm³.")
    if len({one.erode_3d for one in faces}) > 1:
        differences.append("One clean-up worked in 3D, another one within each slice.")
    if not _in_order(done):
        differences.append("They were cleaned several times, in another order than that of the fields.")
    return StandingCleanUp(
        CleanUp(merged, inside_mask=any(one.inside_mask for one in done)), tuple(differences)
    )


def _in_order(done: list[CleanUp]) -> bool:
    """Whether no clean-up did what comes before the last thing that an earlier one did."""
    latest = 0
    for one in done:
        p = one.parameters
        switched_on = (
            p.smooth_z, p.close, p.fill_px, p.dilate, one.inside_mask, p.erode,
            p.min_size_voxels or p.min_size_nm3, any(p.crop),
        )  # fmt: skip
        for place, on in enumerate(switched_on):
            if on and place < latest:
                return False
            latest = place if on else latest
    return True
