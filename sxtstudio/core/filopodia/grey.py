"""How much the tomogram absorbs around a filopodium: along all of its surface less outside than within.

Labels have gaps, and narrow or faint filopodia have none at all; their grey values go on. They are smoothed,
and measured in units of what the clicked place absorbs more than what is free around it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.errors import UserError
from sxtstudio.core.filopodia.records import LONGEST_PX
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.volume import Volume, VoxelSize

Array = NDArray[np.float64]

#: So far around a click it is looked at, px (z, y, x); around two, between which it lies, less.
_MARGIN_PX, _MARGIN_OF_MORE_PX = (48, 150, 150), (40, 90, 90)
#: It is smoothed by so many px.
_SMOOTH_PX = 1.2
#: Free is what absorbs less than all but this share of what is around within so many px.
_FREE, _AROUND_PX = 0.15, 50
#: Its walls are so near to a click in a pale lumen, and absorb more than such a share of what is there.
_WALL_PX, _WALL = 7, 0.85
#: Noise is no contrast: at least so many times its standard deviation.
_LEAST_NOISE = 4.0
#: Larger values are no grey values: smoothed, they would no longer be numbers.
_LARGEST = 1e30
#: Across a surface it absorbs so much less, px within it and outside, and a whole edge is so much less.
INSIDE_PX, OUTSIDE_PX = 1.5, 2.0
_WHOLE_EDGE = 0.6
#: Steps that are as good as noise count nothing.
_NO_EDGE = 0.1


class Grey:
    """Absorption, asked at points (…, 3) in px of a slice."""

    def __init__(
        self,
        absorbs: NDArray[np.float32],
        box: Box,
        spacing: VoxelSize,
        unit: float,
        missing: NDArray[np.bool_] | None = None,
    ) -> None:
        """Take smoothed absorption (z, y, x) in a box of the volume, what its unit is, and its holes."""
        self._absorbs, self._start = absorbs, np.array(box.start)
        self._scale = np.array(spacing) / min(spacing[1:])
        self._last = np.array(absorbs.shape) - 1
        self._unit, self._missing = unit, missing

    def at(self, points: Array) -> Array:
        """Return how much it absorbs, in units; nan outside of what was read, and in holes."""
        index = points / self._scale - self._start
        inside = all_of((index >= -0.5) & (index <= self._last + 0.5))
        if self._missing is not None:
            z, y, x = np.moveaxis(np.clip(np.rint(index), 0, self._last).astype(np.int64), -1, 0)
            inside &= ~self._missing[z, y, x]
        values = ndimage.map_coordinates(
            self._absorbs, np.moveaxis(index, -1, 0).reshape(3, -1), order=1, mode="nearest"
        )
        result: Array = np.where(inside, values.reshape(inside.shape) / self._unit, np.nan)
        return result

    def window(self, low: Array, high: Array, every: int) -> tuple[NDArray[np.float32], Array]:
        """Return absorption in units between two points (3,), of each n-th voxel, and the first point."""
        first = np.clip(np.floor(low / self._scale - self._start), 0, self._last).astype(int)
        stop = np.clip(np.ceil(high / self._scale - self._start), 0, self._last).astype(int) + 1
        part = self._absorbs[tuple(slice(a, b, every) for a, b in zip(first, stop, strict=True))]
        return part / np.float32(self._unit), (first + self._start) * self._scale


def all_of(true: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return where all three of (…, 3) are true: seven times as fast as ``all`` along so short an axis."""
    result: NDArray[np.bool_] = true[..., 0] & true[..., 1] & true[..., 2]
    return result


def edge(drop: Array) -> Array:
    """Return how much of an edge, -1…1, absorption is that drops outwards by so much."""
    size = np.clip((np.abs(np.nan_to_num(drop)) - _NO_EDGE) / (_WHOLE_EDGE - _NO_EDGE), 0, 1)
    result: Array = np.sign(np.nan_to_num(drop)) * size
    return result


def grey_around(
    image: Volume, places: tuple[Triple, ...], spacing: VoxelSize, *, absorbing_dark: bool
) -> Grey | None:
    """Read a tomogram around some voxels (z, y, x); None where nothing there differs from noise.

    Raises
    ------
    UserError
        If they are too far apart to lie on one filopodium.
    """
    scale = np.array(spacing) / min(spacing[1:])
    low, high = np.min(places, axis=0), np.max(places, axis=0) + 1
    if float(np.linalg.norm((high - 1 - low) * scale)) > LONGEST_PX:
        raise UserError(
            f"The points are more than {LONGEST_PX} pixels apart, farther than any filopodium is long: "
            "choose points of one filopodium."
        )
    margin = np.ceil(np.array(_MARGIN_PX if len(places) == 1 else _MARGIN_OF_MORE_PX) / scale).astype(int)
    box = Box(_triple(low), _triple(high)).grown(_triple(margin), image.shape)
    raw = image.read(box).astype(np.float32)
    there = np.isfinite(raw) & (np.abs(raw) < _LARGEST)
    if not there.any():
        return None
    missing = None if there.all() else ~there
    if missing is not None:
        raw[missing] = np.median(raw[there])
    if absorbing_dark:
        np.negative(raw, out=raw)
    absorbs: NDArray[np.float32] = ndimage.gaussian_filter(raw, _SMOOTH_PX / scale)
    noise = _noise_of(absorbs)
    units = []
    for place in places:
        here = np.array(place, np.int64) - np.array(box.start, np.int64)
        reach = np.ceil(_AROUND_PX / scale).astype(int)
        near = tuple(
            slice(max(0, a - r), a + r + 1) for a, r in zip(here, (reach[0] // 4, *reach[1:]), strict=True)
        )
        free = float(np.quantile(absorbs[near], _FREE))
        units.append(_membrane_near(absorbs, here, scale) - free)
    unit = max(float(np.median(units)), _LEAST_NOISE * noise)
    return Grey(absorbs, box, spacing, unit, missing) if unit > 0 else None


def _membrane_near(absorbs: NDArray[np.float32], here: NDArray[np.integer], scale: Array) -> float:
    """Return how much absorbs what is at a voxel, or the walls next to it where that is a pale lumen."""
    little = tuple(slice(max(0, a - 1), a + 2) for a in here)
    reach = np.ceil(_WALL_PX / scale).astype(int)
    slab = absorbs[
        here[0], *(slice(max(0, a - r), a + r + 1) for a, r in zip(here[1:], reach[1:], strict=True))
    ]
    return max(float(np.median(absorbs[little])), float(np.quantile(slab, _WALL)))


def _noise_of(smooth: NDArray[np.float32]) -> float:
    """Return the standard deviation of noise that smoothing leaves: what twice as much would take away."""
    rest = smooth[:: max(1, len(smooth) // 16)]
    rest = rest - ndimage.gaussian_filter(rest, (0, 2 * _SMOOTH_PX, 2 * _SMOOTH_PX))
    return 1.4826 * float(np.median(np.abs(rest)))


def _triple(values: NDArray[np.integer]) -> Triple:
    return int(values[0]), int(values[1]), int(values[2])
