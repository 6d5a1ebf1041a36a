"""Droplets by their grey values: balls that absorb more than the membranes around them.

A network fills what is dark and narrow (lipid droplets of 90 to 180 nm), so that in its labels a droplet on a
wall is a knot in a line. In the tomogram the wall stays a sheet, and the droplet is a ball that is darker::

      label            tomogram, smoothed        its level, median over directions
    ▁▁▁▁▁▁▁▁▁▁▁                ▁▁▁                ───╮
    ▔▔▔█████▔▔▔        ▔▔▔▔▔▔ █████ ▔▔▔▔             ├┄┄  half between ball and surroundings
       ▔███▔                   ▀▀▀                   ╰──
                                                   radius

Balls are maxima of the scale-normalised Laplacian of Gaussian (Lindeberg 1998, doi:10.1023/A:1008045108935)
in the labels. The walls that a ball touches lie in few directions and do not shift the median. Tilts of ±60°
make a ball longer along z, so that its radius in the slice counts for all directions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import edt
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.bodies.balls import FEATURES, BallScale, Levels, Lines, measure_ball
from sxtstudio.core.bodies.evidence import GreyLevels, grey_levels
from sxtstudio.core.bodies.tracks import Tracks
from sxtstudio.core.bodies.walls import Numbers
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume
from sxtstudio.core.walk import slab_slices, walk

#: Widths of the Gaussians by half the width of lines: for balls of 1 to 2.3 times that radius.
_SCALES = (0.6, 0.9, 1.3)
#: Voxels are taken together to bins of that part of half the width of lines.
_BINS = 0.75
#: A Gaussian goes on for so many of its widths.
_TRUNCATE = 4.0
#: A smaller response, by the level of outlines, is none of a droplet; less of its middle that is label, too.
_LEAST, _LABELLED = 1.0, 0.5
#: Of maxima that are nearer than so many half widths of lines one is looked at.
_APART = 1.1
#: How far around a ball is looked, by half the width of lines.
_AROUND = 4.0
#: Levels beyond these are of gold, or of defects.
_LOWEST, _HIGHEST = -4.0, 8.0
#: The edge of a ball lies so much farther out than its radius in a smoothed image, by half widths of lines.
_RIM = 0.6
#: A lumen lies in a ball with that part of it; one that takes so much of the ball is the droplet itself.
_MOSTLY, _LUMEN = 0.5, 0.25
#: What has no lumen is the ball where it shares that part of either.
_PART = 0.3
#: Voxels that are read at once, without those around.
_SLAB_VOXELS = 16_000_000

Place = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Balls:
    """Places that may be droplets.

    Attributes
    ----------
    centre
        (n, 3), z, y, x, voxels.
    radius
        (n,), px of a slice, where the smoothed tomogram is half as dark as in the middle.
    features
        (n, FEATURES) of ``balls.py``.
    """

    centre: NDArray[np.float64]
    radius: NDArray[np.float64]
    features: NDArray[np.float64]

    def only(self, which: NDArray[np.bool_]) -> Balls:
        """Return some of them."""
        return Balls(self.centre[which], self.radius[which], self.features[which])

    def begin(self, z_step: float) -> NDArray[np.int64]:
        """Return the first slice of each."""
        return np.maximum(0, np.ceil(self.centre[:, 0] - self.radius / z_step)).astype(np.int64)


def no_balls() -> Balls:
    """Return none, where there is no tomogram."""
    return Balls(np.empty((0, 3)), np.empty(0), np.empty((0, len(FEATURES))))


def find_balls(
    outlines: NDArray[np.uint8],
    image: Volume,
    half_px: float,
    *,
    z_step: float = 1.0,
    progress: Progress | None = None,
    slab_voxels: int = _SLAB_VOXELS,
    levels: GreyLevels | None = None,
) -> Balls:
    """Return the places in the labels that are balls rather than sheets, and what is known of each.

    Parameters
    ----------
    outlines
        Labels (z, y, x), uint8, 0 is no membrane.
    image
        The tomogram (z, y, x), any unit and polarity.
    half_px
        Half the usual width of an outline, px of a slice.
    z_step
        Distance of two slices, px of a slice.
    slab_voxels
        About how many are worked on at once, with 20 bytes each; the balls do not depend on it.
    levels
        As of ``grey_levels``, where they are known.
    """
    shape = _shape(outlines)
    levels = levels or grey_levels(outlines, image)
    coarse = max(1, int(_BINS * half_px))
    bins = (max(1, int(_BINS * half_px / z_step)), coarse, coarse)
    reach = math.ceil(_AROUND * half_px)
    scale = BallScale(half_px, z_step, (max(1, math.ceil(reach / z_step)), reach, reach))
    halo = math.ceil(max(scale.reach[0], _TRUNCATE * max(_SCALES) * half_px / z_step)) + 2 * bins[0]
    rows: list[tuple[float, ...]] = []
    for box in walk(shape, outlines, progress=progress, slices=slab_slices(shape, slab_voxels)):
        first = max(0, box.start[0] - halo) // bins[0] * bins[0]  # the same bins, whatever the slab
        wide = Box.slab(first, min(shape[0], box.stop[0] + halo), shape)
        line = outlines[wide.slices] != 0
        level = _level(image, wide, levels)
        places, known = _maxima(level, line, bins, scale)
        for place, few in zip(places, known, strict=True):
            if not box.start[0] <= first + place[0] < box.stop[0]:
                continue
            ball = measure_ball(level, line, place, scale)
            if ball is not None:
                z, y, x = ball.centre
                rows.append((z + first, y, x, ball.radius, *few, *ball.features))
    found = np.array(rows, np.float64).reshape(-1, 4 + len(FEATURES))
    return Balls(found[:, :3], found[:, 3], found[:, 4:])


def choose_balls(
    balls: Balls,
    outlines: NDArray[np.uint8],
    bodies: Numbers,
    tracks: Tracks,
    is_body: NDArray[np.bool_],
    half_px: float,
    *,
    z_step: float = 1.0,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which balls are bodies beside the tracks that are, and which of these tracks remain.

    A droplet whose outline shows a lumen is found already. A lumen that is small in a ball gives way to it,
    and so does what was found in the labels without a lumen.

    Parameters
    ----------
    bodies
        Track + 1 at each voxel (z, y, x), uint32; 0 elsewhere.
    is_body
        Of each track.
    """
    chosen, stays = np.zeros(len(balls.radius), np.bool_), is_body.copy()
    for n in np.argsort(-balls.features[:, FEATURES.index("response")], kind="stable").tolist():
        place, inside = ball_in(outlines, balls.centre[n], balls.radius[n], half_px, z_step)
        size = int(inside.sum())
        numbers, counts = np.unique(bodies[place][inside], return_counts=True)
        known = (numbers > 0) & np.concatenate([[False], stays])[numbers]
        track, part = numbers[known].astype(np.int64) - 1, counts[known]
        lumen, mostly = ~tracks.solid[track], part >= _MOSTLY * tracks.area[track]
        if part[lumen & mostly].sum() >= _LUMEN * size:
            continue
        stays[track[np.where(lumen, mostly, part >= _PART * np.minimum(tracks.area[track], size))]] = False
        chosen[n] = True
    return chosen, stays


def add_balls(
    outlines: NDArray[np.uint8],
    bodies: Numbers,
    balls: Balls,
    numbers: NDArray[np.uint32],
    half_px: float,
    *,
    z_step: float = 1.0,
) -> None:
    """Write the number of each ball over labels and what is free, in place.

    A wall between a ball and the lumen of another body is divided in its middle: there the surface of the
    ball is as near as the middle of the line around that lumen.

    Parameters
    ----------
    bodies
        Number of the body at each voxel (z, y, x), uint32, with its membrane.
    """
    for centre, radius, number in zip(balls.centre, balls.radius, numbers, strict=True):
        place, inside = ball_in(outlines, centre, radius, half_px, z_step)
        part, line = bodies[place], outlines[place] != 0
        others = (part > 0) & ~line
        if others.any():
            beyond = edt.edt(~others, anisotropy=(z_step, 1, 1), black_border=False)
            inside &= np.sqrt(_squares(place, centre, z_step)) - radius < beyond - (half_px - 0.5)
        part[inside & (line | (part == 0))] = number


def ball_in(
    outlines: NDArray[np.uint8], centre: NDArray[np.float64], radius: float, half_px: float, z_step: float
) -> tuple[Place, NDArray[np.bool_]]:
    """Return a box of the volume, and which of its voxels are of a ball; of its rim those that are label."""
    wide = radius + _RIM * half_px
    reach = np.array([wide / z_step, wide, wide])
    low = np.maximum(0, np.floor(centre - reach)).astype(int).tolist()
    high = np.minimum(outlines.shape, np.ceil(centre + reach) + 1).astype(int).tolist()
    place = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
    squares = _squares(place, centre, z_step)
    return place, (squares <= radius**2) | ((squares <= wide**2) & (outlines[place] != 0))


def _squares(place: Place, centre: NDArray[np.float64], z_step: float) -> NDArray[np.float64]:
    """Return the squares of the distances of voxels from a point, px of a slice."""
    z, y, x = np.ogrid[place]
    squares: NDArray[np.float64] = (
        ((z - centre[0]) * z_step) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2
    )
    return squares


def _level(image: Volume, box: Box, levels: GreyLevels) -> Levels:
    """Return a part of the tomogram: 0 where it is as what is no outline, 1 where as outlines."""
    free, lines = levels
    level: Levels = image.read(box).astype(np.float32)
    level[~np.isfinite(level)] = free
    level -= np.float32(free)
    level /= np.float32(lines - free if lines != free else 1.0)
    return np.clip(level, _LOWEST, _HIGHEST, out=level)


def _maxima(
    level: Levels, line: Lines, bins: Triple, scale: BallScale
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return voxels (n, 3) near maxima of the response in the labels, and the first features of each.

    They are looked for in bins of so many voxels (z, y, x), as fine as the narrowest Gaussian asks for.
    """
    by = np.array(bins)
    small = _binned(level, bins)
    narrow = scale.sigma(_SCALES[0] * scale.half) / by
    drawn = ndimage.gaussian_filter(_binned(line.astype(np.float32), bins), narrow, truncate=_TRUNCATE)
    best = np.full(small.shape, -np.inf, np.float32)
    for width in _SCALES:
        sigma = scale.sigma(width * scale.half) / by
        blurred = ndimage.gaussian_filter(small, sigma, truncate=_TRUNCATE)
        response = np.zeros_like(small)
        for axis in range(3):
            bent = ndimage.correlate1d(blurred, [1.0, -2.0, 1.0], axis)
            response -= bent * np.float32(sigma[axis] ** 2)
        np.maximum(best, response, out=best)
    size = [2 * max(1, round(_APART * one)) + 1 for one in scale.sigma(scale.half) / by]
    top = (best == ndimage.maximum_filter(best, size)) & (best >= _LEAST) & (drawn >= _LABELLED)
    rows = np.stack([best[top], drawn[top]], 1).astype(np.float64)
    return np.argwhere(top) * by + by // 2, rows


def _binned(array: Levels, by: Triple) -> Levels:
    """Return the means of bins of so many voxels (z, y, x); what is left over at the ends is left out."""
    z, y, x = (max(1, min(n, size)) for n, size in zip(by, array.shape, strict=True))
    depth, height, width = array.shape[0] // z, array.shape[1] // y, array.shape[2] // x
    cubes = array[: depth * z, : height * y, : width * x].reshape(depth, z, height, y, width, x)
    result: Levels = cubes.mean((1, 3, 5), dtype=np.float32)
    return result


def _shape(array: NDArray[np.generic]) -> Triple:
    depth, height, width = array.shape
    return (depth, height, width)
