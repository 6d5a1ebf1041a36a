"""What all ranges of a measurement have in common, and what is kept of each."""

from __future__ import annotations

from typing import Any

from sxtstudio.core.watched_volume import Seen
from sxtstudio.workflow.ranges.label_plan import LabelPlan
from sxtstudio.workflow.ranges.plan import InputPlan, RangeRecord, SharedImage


class MeasurePlan(
    LabelPlan, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="measurement"
):
    """A measurement in ranges: a range has the objects whose first voxel lies in it.

    Attributes
    ----------
    image
        The tomogram; None: no grey values, or they are measured when the ranges are joined.
    rim_nm
        How thick rim and surroundings are; None: as usual.
    per_slice
        Whether the values of each slice are kept as well.
    """

    image: InputPlan | None
    rim_nm: float | None
    per_slice: bool

    @property
    def images(self) -> tuple[SharedImage, ...]:
        """There is none."""
        return ()

    def asked(self) -> dict[str, Any]:
        """Return what was asked for."""
        return {
            **super().asked(),
            "the content of the tomogram": None
            if self.image is None
            else self.image.fingerprint.get("value"),
            "the rim": self.rim_nm,
            "the choice of a table of slices": self.per_slice,
        }


class MeasureRecord(RangeRecord, frozen=True, kw_only=True):
    """A measured range: how many objects it has, and what was seen of the tomogram."""

    objects: int
    seen: Seen
