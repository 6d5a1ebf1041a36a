"""The axis of a filopodium from its tip, how wide it is along it, and where its base is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from sxtstudio.core.filopodia.ends import Distances, band_width, distances
from sxtstudio.core.filopodia.inside import Solid
from sxtstudio.core.geometry import Triple
from sxtstudio.core.volume import VoxelSize

Points = NDArray[np.float64]

#: The middles of bands are smoothed over so many, as those of a few voxels jump about.
_SMOOTH = 2.0
#: The direction at the cut is that of so many bands before it.
_DIRECTION = 6
#: A cross-section begins to grow where it is so many times the usual one.
_BEGINS = 1.2


@dataclass(frozen=True)
class Axis:
    """From the tip on.

    Attributes
    ----------
    far
        How far each voxel of the window is from the tip, within the solid; inf outside of it.
    points
        Middles of bands of equal distance (n, 3), tip first, in the unit of the spacing from the window's
        first voxel; as far as the filopodium is narrow.
    along
        Their places along the axis (n,), the same unit.
    area
        Of the cross-section there (n,).
    base
        Where it becomes wide, along the axis.
    ends
        It ends there: nothing wide follows.
    """

    far: Distances
    points: Points
    along: NDArray[np.float64]
    area: NDArray[np.float64]
    base: float
    ends: bool

    def at(self, place: float) -> tuple[Points, Points]:
        """Return the point and the direction (unit vectors, 3) at a place along the axis, also beyond it."""
        point = np.array([np.interp(place, self.along, axis) for axis in self.points.T])
        index = int(np.searchsorted(self.along, place))
        last = min(len(self.points) - 1, max(1, index))
        step = self.points[last] - self.points[max(0, last - _DIRECTION)]
        length = float(np.linalg.norm(step))
        direction = step / length if length else np.array([1.0, 0.0, 0.0])
        return point + max(0.0, place - self.along[-1]) * direction, direction

    def width(self) -> NDArray[np.float64]:
        """Return the diameters (n,) of circles of the area of the cross-sections."""
        result: NDArray[np.float64] = 2 * np.sqrt(self.area / np.pi)
        return result


def axis_from(solid: Solid, tip: Triple, spacing: VoxelSize, jump: float, behind: float) -> Axis:
    """Return the axis from a tip on, and its base.

    That is where the cross-section becomes ``jump`` ** 2 times what it was, or where the inside ends, which
    it does at the inner side of the cell's membrane: so far ``behind`` the base.
    """
    far = distances(solid.where, tip, spacing)
    reached = np.isfinite(far)
    step = band_width(spacing)
    places = np.argwhere(reached)
    band = (far[reached] / step).astype(np.int64)
    counts = np.bincount(band)
    area: NDArray[np.float64] = (counts * float(np.prod(spacing)) / step).astype(np.float64)
    sums = np.stack([np.bincount(band, places[:, axis] * spacing[axis]) for axis in range(3)], axis=1)
    middles = sums / np.maximum(1, counts)[:, None]
    last = _last_narrow(area, int(np.ceil(2 * solid.half_width / step)), jump)
    ends = last == len(area)
    base = last * step
    if ends and solid.inside is not None and (solid.inside & reached).any():
        inner = np.bincount(band[solid.inside[reached]], minlength=last)
        wide = np.flatnonzero(inner >= np.median(inner[inner > 0]) / 2)
        base = max(step, (int(wide[-1]) + 1) * step - behind)
    points = np.concatenate([(np.array(tip) * spacing)[None], _smoothed(middles[:last])])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    # The bands' distances become places along the axis, which is smoother and begins at the tip's voxel.
    base = float(np.interp(base, np.arange(last) * step + step / 2, along[1:]))
    return Axis(far, points, along, np.concatenate([[0.0], area[:last]]), base, ends)


def _smoothed(points: Points) -> Points:
    """Smooth a line (n, 3); it goes on straight beyond its ends, so that these stay where they are."""
    pad = min(len(points) - 1, int(4 * _SMOOTH))
    if pad < 1:
        return points
    longer = np.pad(points, ((pad, pad), (0, 0)), mode="reflect", reflect_type="odd")
    result: Points = gaussian_filter1d(longer, _SMOOTH, axis=0)[pad:-pad]
    return result


def _last_narrow(area: NDArray[np.float64], first: int, jump: float) -> int:
    """Return how many bands there are before the cross-section jumps, and stays so in the next one.

    In a filled cell it grows like a ball around the base: the base is where that begins.
    """
    for band in range(max(2, first), len(area)):
        usual = float(np.median(area[first // 2 : band]))
        if (area[band : band + 2] > jump**2 * usual).all():
            grown = np.flatnonzero(area[first:band] <= _BEGINS * usual)
            return band if not len(grown) else max(first + int(grown[-1]) + 1, band - first // 2 - 1)
    return len(area)
