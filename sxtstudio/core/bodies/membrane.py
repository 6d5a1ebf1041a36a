"""How much of a line around a body is its membrane: annotators and networks draw wider lines."""

from __future__ import annotations

from dataclasses import dataclass

from sxtstudio.core.errors import UserError
from sxtstudio.core.volume import VoxelSize

#: A membrane as X-rays of 30 to 50 nm resolution show it; lines up to ``_NARROW_NM`` wide are taken as drawn,
#: and so are those of fewer pixels than ``_NARROWEST_PX``, which could not be drawn much narrower.
MEMBRANE_NM, _NARROW_NM, _NARROWEST_PX = 30.0, 40.0, 4.0


@dataclass(frozen=True)
class Membrane:
    """A membrane in the middle of a line.

    Attributes
    ----------
    px
        Its thickness, px of a slice.
    narrow_px, least_px
        Lines up to the first width, or below the second, are taken as they are drawn.
    """

    px: float
    narrow_px: float = 0.0
    least_px: float = 0.0

    def applies_to(self, line_px: float) -> bool:
        """Return whether lines of this width are wider than a membrane."""
        return line_px > max(self.px, self.narrow_px) and line_px >= self.least_px


def membrane_in(voxel_nm: VoxelSize | None, wanted_nm: float | None = None) -> Membrane | None:
    """Return what of a line is a membrane in slices of this voxel size; None is all of it.

    Parameters
    ----------
    wanted_nm
        Thickness of membranes; 0 takes all lines as they are drawn, None takes 30 nm of those that are wider
        than 40 nm and at least 4 px wide, if the voxel size is known.

    Raises
    ------
    UserError
        If a thickness is wanted and the voxel size is unknown.
    """
    if wanted_nm == 0:
        return None
    if voxel_nm is None:
        if wanted_nm is None:
            return None
        raise UserError(
            "The thickness of membranes is given in nm but the voxel size is unknown: give it with --voxel."
        )
    px_nm = (voxel_nm[1] + voxel_nm[2]) / 2
    if wanted_nm is not None:
        return Membrane(wanted_nm / px_nm)
    return Membrane(MEMBRANE_NM / px_nm, _NARROW_NM / px_nm, _NARROWEST_PX)
