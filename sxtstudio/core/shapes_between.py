"""A shape half way between two others, for the slices between two drawn ones.

Both are brought over each other at their centres, and their signed distances to the outline are mixed,
after Herman, Zheng & Bucholtz, *Shape-based interpolation*, IEEE Comput. Graph. Appl. 12(3), 69–79 (1992).
A ring is taken as a filled shape and its hole, each interpolated for itself: thin membranes stay closed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sxtstudio.core.errors import UserError

Labels = NDArray[np.uint8]
Area = NDArray[np.bool_]
Distance = NDArray[np.float32]

_CORNERS = np.ones((3, 3), bool)
# A place counts for the nearest shape within this many pixels.
_REACH_PX = 60
# Shapes belong together where this share of their common area is in both.
_SHARE = 0.15
# What is left over is paired within this many radii, if neither is much larger than the other.
_NEAR = 2.0
_ALIKE = 0.25


@dataclass(frozen=True)
class Shape:
    """Pixels of a slice: first row and column, the pixels from there on, and the same without holes."""

    corner: tuple[int, int]
    area: Area
    filled: Area

    @property
    def stop(self) -> tuple[int, int]:
        """Row and column behind it."""
        return self.corner[0] + self.area.shape[0], self.corner[1] + self.area.shape[1]

    @cached_property
    def pixels(self) -> int:
        """Size of the filled shape."""
        return int(np.count_nonzero(self.filled))

    @cached_property
    def centre(self) -> NDArray[np.float64]:
        """Centre of mass of the filled shape."""
        rows, columns = self.filled.sum(axis=1), self.filled.sum(axis=0)
        place = [np.arange(len(n)) @ n / self.pixels for n in (rows, columns)]
        return np.array(place) + self.corner


class Between:
    """The shapes between two shapes."""

    def __init__(self, first: Shape, last: Shape) -> None:
        """Compute their signed distances once."""
        self._centres = (first.centre, last.centre)
        # Around its centre each of them fits into this square.
        farthest = max(
            float(np.abs(np.array([shape.corner, shape.stop]) - shape.centre).max())
            for shape in (first, last)
        )
        self._half = int(np.ceil(farthest)) + 2
        self._outer = (self._distance(first, first.filled), self._distance(last, last.filled))
        holes = [shape.filled & ~shape.area for shape in (first, last)]
        self._inner: tuple[Distance, Distance] | None = None
        if any(hole.any() for hole in holes):
            inner = [
                self._distance(s, h) if h.any() else None for s, h in zip((first, last), holes, strict=True)
            ]
            depth = max(float(d.max()) for d in inner if d is not None)
            # A hole that only one of them has closes half way.
            a, b = (np.full_like(self._outer[0], -depth) if d is None else d for d in inner)
            self._inner = (a, b)

    def at(self, share: float, plane: tuple[int, ...]) -> tuple[tuple[int, int], Area] | None:
        """Return corner and pixels of the shape at ``share`` (0…1) of the way, cut at the slice's edges."""
        centre = (1 - share) * self._centres[0] + share * self._centres[1]
        origin = self._origin(centre)
        shape = self._mixed(self._outer, share, centre) >= 0
        if self._inner is not None:
            shape &= self._mixed(self._inner, share, centre) < 0
        low = np.maximum(0, -origin)
        high = np.minimum(shape.shape, np.array(plane) - origin)
        if (high <= low).any():
            return None
        part = shape[low[0] : high[0], low[1] : high[1]]
        return ((int(origin[0] + low[0]), int(origin[1] + low[1])), part) if part.any() else None

    def _origin(self, centre: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return where in the slice the square around a centre begins."""
        return np.rint(centre).astype(np.int64) - self._half

    def _distance(self, shape: Shape, area: Area) -> Distance:
        """Return the distance to the outline in the square, positive inside."""
        square = np.zeros((2 * self._half + 1,) * 2, bool)
        top, left = np.array(shape.corner) - self._origin(shape.centre)
        square[top : top + area.shape[0], left : left + area.shape[1]] = area
        inside = ndimage.distance_transform_edt(square)
        outside = ndimage.distance_transform_edt(~square)
        return np.asarray(np.where(square, inside - 0.5, 0.5 - outside), np.float32)

    def _mixed(
        self, ends: tuple[Distance, Distance], share: float, centre: NDArray[np.float64]
    ) -> NDArray[np.floating]:
        total = np.zeros_like(ends[0])
        for end, own, weight in zip(ends, self._centres, (1 - share, share), strict=True):
            # What the rounding of both squares to whole pixels leaves over.
            rest = (self._origin(centre) - centre) - (self._origin(own) - own)
            total += weight * ndimage.shift(end, -rest, order=1, mode="nearest")
        return total


def shape_near(plane: Labels, number: int, place: tuple[int, int]) -> Shape:
    """Return the shape at a place (row, column) of slice ``number``, around it, or nearest to it.

    Raises
    ------
    UserError
        If there is none nearby.
    """
    named, boxes = _named(plane)
    row, column = place
    around = []
    for index, (rows, columns) in enumerate(boxes, 1):
        if rows.start <= row < rows.stop and columns.start <= column < columns.stop:
            shape = _shape(named, index, rows, columns)
            if shape.filled[row - rows.start, column - columns.start]:
                around.append(shape)
    if around:
        return min(around, key=lambda shape: shape.pixels)
    top, left = max(0, row - _REACH_PX), max(0, column - _REACH_PX)
    pixels = np.argwhere(named[top : row + _REACH_PX + 1, left : column + _REACH_PX + 1])
    if not len(pixels):
        raise UserError(
            f"There is no shape near the crosshair on slice {number + 1}. "
            "Put the crosshair on the shape that is to be continued."
        )
    away = pixels + np.array([top - row, left - column])
    near = pixels[np.argmin((away**2).sum(axis=1))]
    index = int(named[top + near[0], left + near[1]])
    return _shape(named, index, *boxes[index - 1])


def shapes_of(first: Labels, last: Labels) -> list[tuple[Shape, Shape]]:
    """Return the shapes of two slices that continue each other.

    They belong together where they overlap well, holes filled; what is then left is paired with what is near
    and of a similar size.
    """
    a, b = _shapes(first), _shapes(last)
    if not a or not b:
        return []
    sizes, corners, stops, centres = _measures(b)
    links: list[tuple[int, int]] = []
    near: list[tuple[float, int, int]] = []
    for m, one in enumerate(a):
        size, centre = one.pixels, one.centre
        alike = np.minimum(sizes, size) / np.maximum(sizes, size)
        meet = ((corners < one.stop) & (stops > one.corner)).all(axis=1)
        links += [
            (m, int(n)) for n in np.flatnonzero(meet & (alike > _SHARE)) if _overlap(one, b[n]) > _SHARE
        ]
        reach = _NEAR * (np.sqrt(sizes / np.pi) + np.sqrt(size / np.pi))
        apart = np.hypot(*(centres - centre).T) / reach
        near += [(float(apart[n]), m, int(n)) for n in np.flatnonzero((apart <= 1) & (alike > _ALIKE))]
    pairs = [
        (_union([a[n] for n in own]), _union([b[n] for n in others]))
        for own, others in _groups(links, len(a), len(b))
    ]
    left, right = {m for m, _ in links}, {n for _, n in links}
    for _, m, n in sorted(near):
        if m not in left and n not in right:
            left.add(m)
            right.add(n)
            pairs.append((a[m], b[n]))
    return pairs


def _measures(shapes: list[Shape]) -> tuple[NDArray[np.float64], ...]:
    """Return pixels, first and last corners, and centres of all shapes."""
    return (
        np.array([shape.pixels for shape in shapes], np.float64),
        np.array([shape.corner for shape in shapes], np.float64),
        np.array([shape.stop for shape in shapes], np.float64),
        np.array([shape.centre for shape in shapes], np.float64),
    )


def _named(plane: Labels) -> tuple[NDArray[np.int32], list[tuple[slice, slice]]]:
    named, _ = ndimage.label(plane != 0, _CORNERS)
    return named, ndimage.find_objects(named)


def _shape(named: NDArray[np.int32], index: int, rows: slice, columns: slice) -> Shape:
    area = named[rows, columns] == index
    return Shape((rows.start, columns.start), area, ndimage.binary_fill_holes(area))


def _shapes(plane: Labels) -> list[Shape]:
    named, boxes = _named(plane)
    return [_shape(named, index, *place) for index, place in enumerate(boxes, 1)]


def _overlap(one: Shape, other: Shape) -> float:
    """Return the share of the common area of two filled shapes that lies in both."""
    top, left = (max(a, b) for a, b in zip(one.corner, other.corner, strict=True))
    bottom, right = (min(a, b) for a, b in zip(one.stop, other.stop, strict=True))
    if bottom <= top or right <= left:
        return 0.0
    parts = [
        shape.filled[
            top - shape.corner[0] : bottom - shape.corner[0], left - shape.corner[1] : right - shape.corner[1]
        ]
        for shape in (one, other)
    ]
    both = int(np.count_nonzero(parts[0] & parts[1]))
    return both / (one.pixels + other.pixels - both)


def _groups(links: list[tuple[int, int]], first: int, last: int) -> list[tuple[list[int], list[int]]]:
    """Return the sets of shapes that hang together by links, where a shape splits or two unite."""
    if not links:
        return []
    ends = np.array(links)
    size = first + last
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1] + first)), shape=(size, size))
    _, group = connected_components(graph, directed=False)
    found = []
    for name in np.unique(group[ends[:, 0]]):
        members = np.flatnonzero(group == name)
        found.append(
            ([int(n) for n in members if n < first], [int(n) - first for n in members if n >= first])
        )
    return found


def _union(shapes: list[Shape]) -> Shape:
    if len(shapes) == 1:
        return shapes[0]
    top, left = (min(shape.corner[n] for shape in shapes) for n in (0, 1))
    bottom, right = (max(shape.stop[n] for shape in shapes) for n in (0, 1))
    area, filled = (np.zeros((bottom - top, right - left), bool) for _ in range(2))
    for shape in shapes:
        place = np.s_[
            shape.corner[0] - top : shape.stop[0] - top, shape.corner[1] - left : shape.stop[1] - left
        ]
        area[place] |= shape.area
        filled[place] |= shape.filled
    return Shape((top, left), area, filled)
