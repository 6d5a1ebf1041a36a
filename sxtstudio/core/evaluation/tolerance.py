"""How far a label may lie from the reference and still be right: so many pixels, or so many nm."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sxtstudio.core.errors import UserError
from sxtstudio.core.volume import VoxelSize


class ToleranceUnit(StrEnum):
    """What a tolerance counts; the values stand in reports."""

    PIXELS = "pixels"
    NM = "nm"


@dataclass(frozen=True)
class Tolerance:
    """A distance within the slice, between the centres of pixels; 0: only the pixel itself."""

    value: float = 0.0
    unit: ToleranceUnit = ToleranceUnit.PIXELS

    @property
    def text(self) -> str:
        """Return "2 pixels" or "20 nm"."""
        one = self.unit is ToleranceUnit.PIXELS and self.value == 1
        return f"{self.value:g} {'pixel' if one else self.unit.value}"

    def pixel(self, voxel_nm: VoxelSize | None) -> tuple[float, float]:
        """Return height and width of a pixel in the unit of the tolerance.

        Raises
        ------
        UserError
            If it is in nm and the voxel size is not known.
        """
        if self.unit is ToleranceUnit.PIXELS:
            return 1.0, 1.0
        if voxel_nm is None:
            raise UserError(
                "The tolerance is given in nm but the voxel size is unknown: give it with --voxel, or give "
                "the tolerance in pixels."
            )
        return voxel_nm[1], voxel_nm[2]
