"""A filopodium that was found: cut anywhere along its axis, from what lies beyond, and filled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.filopodia.axis import Axis
from sxtstudio.core.filopodia.inside import Mask, Solid
from sxtstudio.core.filopodia.records import FACES, Filopodium, Incomplete
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.volume import VoxelSize

#: The cut may be moved beyond the proposed base by so many widths.
_BEYOND = 1.5


@dataclass(frozen=True)
class Candidate:
    """A filopodium that was found and is still to be cut.

    Attributes
    ----------
    solid, axis
        What fills the window, and the axis from the tip.
    outline
        The labels of the window (bool).
    shape, spacing
        Of the volume, and the edges of a voxel (1 where unknown).
    open_tip
        Its outline is not closed at the tip.
    """

    seed: Triple
    solid: Solid
    axis: Axis
    outline: Mask
    shape: Triple
    spacing: VoxelSize
    open_tip: bool

    @property
    def proposed(self) -> float:
        """Where the cut is proposed: along the axis from the tip, nm (px without a voxel size)."""
        return self.axis.base

    @property
    def limits(self) -> tuple[float, float]:
        """The nearest and the farthest place from the tip where it can be cut."""
        width = 2 * self.solid.half_width
        return min(width / 2, self.proposed), self.proposed + (0.0 if self.axis.ends else _BEYOND * width)

    def cut(self, place: float | None = None) -> Filopodium:
        """Cut it across its axis, from what lies beyond, and fill it.

        Parameters
        ----------
        place
            Along the axis from the tip; None is where it is proposed.

        Returns
        -------
        Filopodium
            ``incomplete`` knows the borders and the tip, and not yet of gold (``complete``).
        """
        low, high = self.limits
        place = self.proposed if place is None else min(max(place, low), high)
        where = self._tip_side(place)
        for plane in where:
            plane |= _small_holes(plane, self.solid.half_width, self.spacing)
        box, where = _cropped(self.solid.box, where)
        count = int(np.searchsorted(self.axis.along, place, side="right"))
        points = np.concatenate([self.axis.points[:count], self.axis.at(place)[0][None]])
        length = float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
        return Filopodium(
            seed=self.seed,
            box=box,
            where=where,
            cut=place,
            length=length,
            axis=points / np.array(self.spacing) + self.solid.box.start,
            along=self.axis.along[:count],
            width=self.axis.width()[:count],
            incomplete=self._incomplete(box),
        )

    def _tip_side(self, place: float) -> Mask:
        """Return the voxels on the tip's side of the cut."""
        point, direction = self.axis.at(place)
        reach = 2.5 * self.solid.half_width
        part = np.isfinite(self.axis.far) & (self.axis.far <= place + 2 * reach)
        z, y, x = np.nonzero(part)
        from_cut = np.stack([z, y, x], axis=1) * np.array(self.spacing) - point
        ahead = from_cut @ direction
        aside = np.linalg.norm(from_cut - ahead[:, None] * direction, axis=1)
        beyond = (ahead > 0) & (aside < 2 * reach) | (self.axis.far[part] > place + reach)
        far_side = (self.axis.far[part] > place - reach) & (aside > reach) & (ahead > -reach)
        where = np.zeros(part.shape, np.bool_)
        where[part] = ~beyond & ~far_side
        tip = np.unravel_index(int(np.argmin(self.axis.far)), where.shape)
        if not where[tip]:
            return self.axis.far <= place
        numbers = cc3d.connected_components(where, connectivity=26)
        result: Mask = numbers == numbers[tip]
        return result

    def _incomplete(self, box: Box) -> tuple[Incomplete, ...]:
        found = []
        for axis, (first, last) in enumerate(FACES):
            if box.start[axis] == 0:
                found.append(first)
            if box.stop[axis] == self.shape[axis]:
                found.append(last)
        if self.open_tip and not found:
            found.append(Incomplete.OPEN_TIP)
        return tuple(found)


def _small_holes(plane: Mask, half_width: float, spacing: VoxelSize) -> Mask:
    """Return the holes of a slice that are no wider than the filopodium."""
    if not plane.any():
        return plane
    holes = ndimage.binary_fill_holes(plane) & ~plane
    numbers, count = ndimage.label(holes)
    if not count:
        return plane
    areas = np.bincount(numbers.ravel()) * spacing[1] * spacing[2]
    small = areas <= 4 * np.pi * half_width**2
    small[0] = False
    result: Mask = small[numbers]
    return result


def _cropped(window: Box, where: Mask) -> tuple[Box, NDArray[Any]]:
    ranges = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        hit = np.flatnonzero(where.any(axis=others))
        ranges.append((int(hit[0]), int(hit[-1]) + 1))
    start = [at + low for at, (low, _) in zip(window.start, ranges, strict=True)]
    stop = [at + high for at, (_, high) in zip(window.start, ranges, strict=True)]
    part = np.ascontiguousarray(where[tuple(slice(low, high) for low, high in ranges)])
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2])), part
