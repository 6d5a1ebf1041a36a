"""What all ranges of a clean-up have in common, and what is kept of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from sxtstudio.core.cleanup import min_voxels_of
from sxtstudio.core.polarity import PolarityChoice
from sxtstudio.workflow.jobs.cleaning import CleanJob
from sxtstudio.workflow.ranges.label_plan import LabelPlan
from sxtstudio.workflow.ranges.plan import FileName, Index, InputPlan, RangeRecord, SharedImage
from sxtstudio.workflow.ranges.segment_plan import CleanUpPlan, title_of

CLEANED = "cleaned"


class CleanPlan(
    LabelPlan, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="clean-up"
):
    """A clean-up in ranges.

    Attributes
    ----------
    mask
        The file of a mask; the automatic one lies in the folder.
    mask_notes, mask_warnings
        What the user should know of the automatic mask, and has to check.
    """

    clean_up: CleanUpPlan
    tomogram: FileName | None
    polarity: PolarityChoice
    mask: InputPlan | None
    mask_notes: list[str]
    mask_warnings: list[str]

    @property
    def images(self) -> tuple[SharedImage, ...]:
        """The cleaned labels, but for small objects and the border."""
        return (SharedImage(CLEANED, self.shape, "uint8", title_of(self.output), self.voxel_nm, None),)

    @property
    def min_voxels(self) -> int:
        """Of the smallest object that stays."""
        return min_voxels_of(self.clean_up.parameters, self.voxel_nm)

    @property
    def masked(self) -> bool:
        """Whether there is a mask."""
        return self.mask is not None or self.clean_up.auto_mask

    def asked(self) -> dict[str, Any]:
        """Return what was asked for."""
        return {
            **super().asked(),
            "the clean-up": msgspec.to_builtins(self.clean_up),
            "the content of the mask": None if self.mask is None else self.mask.fingerprint.get("value"),
            "the tomogram": self.tomogram,
            "the polarity": self.polarity,
        }

    def job(self) -> CleanJob:
        """Return the job of which this is the plan."""
        return CleanJob(
            Path(self.labels.path),
            Path(self.output),
            self.clean_up.clean_up(),
            None if self.tomogram is None else Path(self.tomogram),
            self.given_nm,
            self.label,
            self.polarity,
        )


class CleanRecord(RangeRecord, frozen=True, kw_only=True):
    """A cleaned range: its label voxels before, and after each step with the seconds of that."""

    before: Index
    steps: list[tuple[Index, float]]
