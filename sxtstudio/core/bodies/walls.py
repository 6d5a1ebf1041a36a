"""Membrane voxels are given to the nearest body; a wall that two bodies share is divided in its middle."""

from __future__ import annotations

import math
from typing import Any

import edt
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.bodies.ahead import worked_ahead
from sxtstudio.core.bodies.nearest import nearest_of
from sxtstudio.core.distance import distances
from sxtstudio.core.progress import Progress
from sxtstudio.core.walk import slab_slices, walk

Numbers = NDArray[np.uint32]

#: A lumen is wide whose radius is so many times the width of a line.
_WIDE_LUMEN = 1.2
#: How far that is, px.
_BLUR_PX = 0.2
#: Distances are smoothed by so much where fractions of a pixel count.
_SMOOTHED_PX = 0.8


def near_share(
    bodies: Numbers,
    apart: NDArray[np.bool_],
    reach_px: float,
    *,
    z_step: float = 1.0,
    progress: Progress | None = None,
    slab_voxels: int = 4_000_000,
) -> NDArray[np.float64]:
    """Return the share of each number's voxels that lie within reach of the numbers that are not ``apart``.

    Parameters
    ----------
    bodies
        Numbers (z, y, x), uint32, 0 is nothing.
    apart
        Of every number, 0 included, whether its share is wanted; others are what it is measured from.
    reach_px, z_step
        How far that is, px of a slice, and the distance of two slices.
    slab_voxels
        About how many are worked on at once; a voxel takes some 20 bytes.
    """
    depth, height, width = bodies.shape
    shape = (depth, height, width)
    halo = math.ceil(reach_px / z_step)
    all_of, near = np.zeros(len(apart)), np.zeros(len(apart))
    thickness = max(slab_slices(shape, slab_voxels), halo)
    for box in walk(shape, bodies, progress=progress, slices=thickness):
        wide = box.grown((halo, 0, 0), shape)
        known = bodies[wide.slices]
        others = (known > 0) & ~apart[known]
        wanted = apart[known[box.relative_to(wide).slices]]
        own = known[box.relative_to(wide).slices][wanted]
        all_of += np.bincount(own, minlength=len(apart))
        if others.any() and len(own):
            distance = distances(~others, (z_step, 1, 1), reach=reach_px)
            close = distance[box.relative_to(wide).slices][wanted] <= reach_px
            near += np.bincount(own[close], minlength=len(apart))
    return near / np.maximum(1, all_of)


def share_walls(
    outlines: NDArray[np.uint8],
    bodies: Numbers,
    reach_px: float,
    *,
    z_step: float = 1.0,
    progress: Progress | None = None,
) -> None:
    """Give label voxels within reach of a body to the nearest one, in place.

    The nearest voxel of a body is looked for within each slice once, and then among the slices around.

    Parameters
    ----------
    outlines
        Labels (z, y, x), uint8, 0 is no membrane.
    bodies
        Number of the body at each voxel (z, y, x), uint32, without its membrane; 0 elsewhere.
    reach_px
        How far from the inside of a body its membrane goes, px of a slice.
    z_step
        Distance of two slices, in px of a slice.
    """
    depth, height, width = outlines.shape
    halo = int(reach_px / z_step)
    steps = sorted(range(-halo, halo + 1), key=abs)
    found: dict[int, tuple[NDArray[np.int32], Numbers] | None] = {}  # of the slices around, walls not shared
    with worked_ahead(lambda z: _nearest(bodies[z]), depth) as nearest:
        for box in walk((depth, height, width), outlines, bodies, progress=progress, slices=1):
            z = box.start[0]
            for ahead in range(max(found, default=-1) + 1, min(depth, z + halo + 1)):
                found[ahead] = next(nearest)
            found.pop(z - halo - 1, None)
            plane = bodies[z]
            wall = np.flatnonzero((outlines[z] != 0) & (plane == 0))
            least = np.full(len(wall), reach_px**2 * (1 + 1e-6))
            own = np.zeros(len(wall), np.uint32)
            for step in steps:
                there = found.get(z + step)
                if there is None:
                    continue
                squares = there[0].ravel()[wall] + (step * z_step) ** 2
                nearer = squares < least
                least[nearer] = squares[nearer]
                own[nearer] = there[1].ravel()[wall[nearer]]
            plane[np.unravel_index(wall, plane.shape)] = own


def _nearest(plane: Numbers) -> tuple[NDArray[np.int32], Numbers] | None:
    """Return the square of the distance to the nearest number in a slice, px, and the number, if any."""
    if not plane.any():
        return None
    places, squares = nearest_of(plane > 0)
    return squares, plane.ravel()[places]


def trim_walls(
    outlines: NDArray[np.uint8],
    bodies: Numbers,
    lumen_px: NDArray[np.float64],
    line_px: float,
    membrane_px: float,
    progress: Progress | None = None,
    edge_px: NDArray[np.float64] | None = None,
) -> None:
    """Take from bodies what of their lines lies outside of the membrane in its middle, in place.

    Parameters
    ----------
    outlines
        Labels (z, y, x), uint8, 0 is no membrane.
    bodies
        Number of the body at each voxel (z, y, x), uint32, with its membrane.
    lumen_px
        Of every number, 0 included, the radius of the largest circle in its lumen, px; what has none stays as
        it is.
    line_px, membrane_px
        Usual width of a line, and thickness of a membrane, px of a slice.
    edge_px
        Of every number, how far inside of its line a tomogram shows its edge (``find_edges``), px; NaN where
        nobody knows.
    """
    outside = outside_px(lumen_px, line_px, membrane_px)
    if edge_px is not None:
        # Half of the level of a membrane, which is thin, lies outside of its edge in a blurred image.
        shown = np.maximum(0, edge_px + _BLUR_PX * np.minimum(1, lumen_px / (_WIDE_LUMEN * line_px)))
        outside = np.where(np.isfinite(edge_px), shown, outside)
    depth, height, width = bodies.shape
    with worked_ahead(lambda z: outside_of(bodies[z], outlines[z] != 0, outside, membrane_px), depth) as away:
        for box in walk((depth, height, width), outlines, bodies, progress=progress, slices=1):
            bodies[box.start[0]][next(away)] = 0


def outside_px(lumen_px: NDArray[np.float64], line_px: float, membrane_px: float) -> NDArray[np.float64]:
    """Return how much of the line of each number lies outside of its membrane, px.

    Half of what a line has too much, and less where the lumen is small: what is dark throughout, or looks so
    as its lumen is hardly wider than a line, is outlined inside of its edge. On phantoms 0.2 to 1 px lay
    outside around lumens of 1 to 6 px radius, with lines of 5 px.
    """
    share = np.minimum(1, lumen_px / (_WIDE_LUMEN * line_px))
    result: NDArray[np.float64] = (line_px - membrane_px) / 2 * share
    return result


def outside_of(
    bodies: NDArray[Any], outline: NDArray[np.bool_], outside_px: NDArray[np.float64], membrane_px: float
) -> NDArray[np.bool_]:
    """Return which pixels of a slice belong to the line of a body and lie outside of its membrane.

    Only towards what is neither a body nor an outline: a wall that is shared has no outside. Fractions of a
    pixel count by the smoothed distance from what is free, which is a quarter of a pixel too small; the width
    of lines is measured in whole pixels and is too small by as much.

    Parameters
    ----------
    bodies
        Number at each pixel (y, x), with membranes.
    outline
        (y, x), True where there is a label.
    outside_px
        Of every number, how much of its line that is, px.
    membrane_px
        So much of the line around a lumen stays, px.
    """
    inside = bodies > 0
    wall = inside & outline
    free = ~(inside | outline)
    if not (wall.any() and free.any()):
        return np.zeros(wall.shape, np.bool_)
    outside = outside_px.astype(np.float32)[bodies]
    away = edt.edt(~free, black_border=False) - 0.5  # from what is free, its neighbour's middle is at 0.5
    smooth = ndimage.gaussian_filter(away - edt.edt(free, black_border=False) + 0.5 * free, _SMOOTHED_PX)
    deep = edt.edt(~(inside & ~outline), black_border=False)  # from the nearest lumen
    result: NDArray[np.bool_] = (
        wall & (smooth < outside) & (away < outside + 1) & (deep > membrane_px) & (outside > 0)
    )
    return result
