"""A filopodium that was found: cut anywhere along its axis, from what lies beyond, and filled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from sxtstudio.core.filopodia.axis import Axis
from sxtstudio.core.filopodia.records import FACES, Filopodium, Incomplete
from sxtstudio.core.filopodia.surface import RAYS, TubeSurface
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.volume import VoxelSize

#: Slices of a window are filled so many voxels at a time.
_AT_ONCE = 200_000
#: Two tubes are compared at every n-th point of their axes.
_EVERY = 3


@dataclass(frozen=True)
class Candidate:
    """A filopodium that was found and is still to be cut.

    Attributes
    ----------
    box, places
        A window (z, y, x), and where along the axis each of its voxels lies that is in the tube, in the unit
        of the axis; inf outside of it.
    half_width
        From its axis to its surface, usually.
    beyond
        The farthest place from the tip where it can be cut.
    shape, spacing
        Of the volume, and the edges of a voxel (1 where unknown).
    problems
        Why it is not whole, but for the borders: its tip is open, much of its outline is missing.
    """

    seed: Triple
    box: Box
    places: NDArray[np.float32]
    axis: Axis
    half_width: float
    beyond: float
    shape: Triple
    spacing: VoxelSize
    problems: tuple[Incomplete, ...] = ()

    @property
    def proposed(self) -> float:
        """Where the cut is proposed: along the axis from the tip, nm (px without a voxel size)."""
        return self.axis.base

    @property
    def limits(self) -> tuple[float, float]:
        """The nearest and the farthest place from the tip where it can be cut."""
        return min(self.half_width, self.proposed), self.beyond

    def cut(self, place: float | None = None) -> Filopodium:
        """Cut it across its axis, from what lies beyond.

        Parameters
        ----------
        place
            Along the axis from the tip; None is where it is proposed.

        Returns
        -------
        Filopodium
            ``incomplete`` knows the borders, the tip and the gaps, and not yet of gold (``complete``).
        """
        low, high = self.limits
        place = self.proposed if place is None else min(max(place, low), high)
        box, where = _cropped(self.box, _largest(self.places <= place))
        count = max(1, int(np.searchsorted(self.axis.along, place, side="right")))
        points = np.concatenate([self.axis.points[:count], self.axis.at(place)[0][None]])
        return Filopodium(
            seed=self.seed,
            box=box,
            where=where,
            cut=place,
            length=float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum()),
            axis=points / np.array(self.spacing),
            along=self.axis.along[:count],
            width=self.axis.width()[:count],
            incomplete=self._incomplete(box),
        )

    def _incomplete(self, box: Box) -> tuple[Incomplete, ...]:
        found = []
        for axis, (first, last) in enumerate(FACES):
            if box.start[axis] == 0:
                found.append(first)
            if box.stop[axis] == self.shape[axis]:
                found.append(last)
        # Cut by a border its tip is not to be seen.
        found += [why for why in self.problems if why is not Incomplete.OPEN_TIP or not found]
        return tuple(found)


def places_in(
    surface: TubeSurface, spacing: VoxelSize, shape: Triple
) -> tuple[Box, NDArray[np.float32]] | None:
    """Return a window around a tube, and where along its axis (px) each voxel in it lies; inf outside.

    None where the tube lies beyond the borders.
    """
    scale = np.array(spacing) / min(spacing[1:])
    reach = float(surface.radii.max()) + 2
    low = np.maximum(np.floor((surface.points.min(axis=0) - reach) / scale), 0).astype(int)
    high = np.minimum(np.ceil((surface.points.max(axis=0) + reach) / scale) + 1, shape).astype(int)
    if (high <= low).any():
        return None
    box = Box((int(low[0]), int(low[1]), int(low[2])), (int(high[0]), int(high[1]), int(high[2])))
    result = np.full(box.shape, np.inf, np.float32)
    tree = cKDTree(surface.points)
    thick = max(1, _AT_ONCE // (box.shape[1] * box.shape[2]))
    for z in range(0, box.shape[0], thick):
        part = result[z : z + thick]
        grid = np.indices(part.shape).reshape(3, -1).T + np.array([z, 0, 0]) + low
        part[...] = _places(surface, tree, grid * scale, reach).reshape(part.shape)
    return box, result


def overlap_of(one: TubeSurface, other: TubeSurface) -> float:
    """Return intersection over union of two tubes, from points spread through both."""
    sizes, shared = [], []
    for first, second in ((one, other), (other, one)):
        every = slice(None, None, _EVERY)
        radii = first.radii[every]
        away = radii[..., None] * np.sqrt((np.arange(4) + 0.5) / 4)
        points = first.points[every, None, None] + first.rays()[every, :, None] * away[..., None]
        reach = float(second.radii.max()) + 2
        inside = np.isfinite(_places(second, cKDTree(second.points), points.reshape(-1, 3), reach))
        weight = radii**2
        sizes.append(float(weight.sum()))
        shared.append(float((inside.reshape(away.shape).mean(axis=-1) * weight).sum()))
    both = sum(shared) / 2
    return both / max(sum(sizes) - both, 1e-9)


def _places(
    surface: TubeSurface, tree: Any, points: NDArray[np.float64], reach: float
) -> NDArray[np.float32]:
    far, nearest = tree.query(points, distance_upper_bound=reach)
    result = np.full(len(points), np.inf, np.float32)
    near = np.flatnonzero(np.isfinite(far))
    at = nearest[near]
    from_axis = points[near] - surface.points[at]
    ahead = (from_axis * surface.along[at]).sum(axis=1)
    first = (from_axis * surface.first[at]).sum(axis=1)
    second = (from_axis * surface.second[at]).sum(axis=1)
    turn = np.mod(np.arctan2(second, first) / (2 * np.pi) * RAYS, RAYS)
    ray = np.floor(turn).astype(np.int64) % RAYS
    share = turn - np.floor(turn)
    radius = surface.radii[at, ray] * (1 - share) + surface.radii[at, (ray + 1) % RAYS] * share
    last = len(surface) - 1
    within = np.hypot(first, second) <= radius
    within &= ~((at == 0) & (ahead < -0.5)) & ~((at == last) & (ahead > 0.5))
    result[near[within]] = (at + np.clip(ahead, -0.5, 0.5))[within]
    return result


def _largest(where: NDArray[np.bool_]) -> NDArray[np.bool_]:
    numbers, count = ndimage.label(where, np.ones((3, 3, 3)))
    if count < 2:
        return where
    sizes = np.bincount(numbers.ravel())
    sizes[0] = 0
    result: NDArray[np.bool_] = numbers == int(sizes.argmax())
    return result


def _cropped(window: Box, where: NDArray[np.bool_]) -> tuple[Box, NDArray[Any]]:
    ranges = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        hit = np.flatnonzero(where.any(axis=others))
        ranges.append((int(hit[0]), int(hit[-1]) + 1))
    start = [at + low for at, (low, _) in zip(window.start, ranges, strict=True)]
    stop = [at + high for at, (_, high) in zip(window.start, ranges, strict=True)]
    part = np.ascontiguousarray(where[tuple(slice(low, high) for low, high in ranges)])
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2])), part
