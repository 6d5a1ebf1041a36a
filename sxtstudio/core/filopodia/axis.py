"""The axis of a filopodium from its tip, how wide it is along it, and where its base is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

#: The direction at a place is that over so many points around it.
_DIRECTION = 4


@dataclass(frozen=True)
class Axis:
    """From the tip on, also beyond the base, as far as the cut may be moved.

    Attributes
    ----------
    points
        (n, 3), tip first, in the unit of the spacing from the volume's first voxel.
    along
        Their places along the axis (n,), the same unit.
    area
        Of the cross-section there (n,).
    base
        Where it leaves the cell, along the axis.
    """

    points: Points
    along: NDArray[np.float64]
    area: NDArray[np.float64]
    base: float

    def at(self, place: float) -> tuple[Points, Points]:
        """Return the point and the direction (unit vectors, 3) at a place along the axis."""
        point = np.array([np.interp(place, self.along, axis) for axis in self.points.T])
        index = int(np.searchsorted(self.along, place))
        first = max(0, min(index, len(self.points) - 1) - _DIRECTION)
        step = self.points[min(len(self.points) - 1, index + _DIRECTION)] - self.points[first]
        length = float(np.linalg.norm(step))
        return point, step / length if length else np.array([1.0, 0.0, 0.0])

    def width(self) -> NDArray[np.float64]:
        """Return the diameters (n,) of circles of the area of the cross-sections."""
        result: NDArray[np.float64] = 2 * np.sqrt(self.area / np.pi)
        return result
