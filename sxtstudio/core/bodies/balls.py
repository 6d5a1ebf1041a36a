"""What is known of a place in a tomogram that may be a ball: its middle, radius, and how it stands out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import edt
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Levels = NDArray[np.float32]
Lines = NDArray[np.bool_]

#: Levels are 0 where the tomogram is as what is no outline, and 1 where as outlines on average.
#:
#: ``response`` of the Laplacian; ``labelled`` share of the middle that is label; ``second`` and ``third``
#: principal curvature by the first (a sheet: 0, a ball: 1); ``level`` of the ball; ``contrast`` how far above
#: the lines around; ``around`` level of what is no line there; ``drop`` from its top to what surrounds it;
#: ``isolated`` share of directions in which it ends; ``log_radius`` radius by half the width of lines;
#: ``filled`` share of it that is above half; ``lined`` share of what is around that is label; ``thick``
#: radius of the largest circle in the label at its middle, by half the width of lines; ``above_below`` how
#: far its level is above that of both ends along z.
FEATURES = (
    "response", "labelled", "second", "third", "level", "contrast", "around", "drop", "isolated",
    "log_radius", "filled", "lined", "thick", "above_below",
)  # fmt: skip
#: The middle is looked for within so many half widths of lines.
_NEAR = 1.5
#: Steps along the radius, px.
_STEP = 0.5
#: So few voxels of a kind around say nothing of its level.
_FEWEST = 10


@dataclass(frozen=True)
class BallScale:
    """What distances are measured by.

    Attributes
    ----------
    half
        Half the usual width of lines, px of a slice.
    z_step
        Distance of two slices, px of a slice.
    reach
        How far around a place is looked, voxels (z, y, x).
    """

    half: float
    z_step: float
    reach: tuple[int, int, int]

    def sigma(self, width: float) -> NDArray[np.float64]:
        """Return the widths of a Gaussian of so many px of a slice, voxels (z, y, x)."""
        return np.array([width / self.z_step, width, width])


@dataclass(frozen=True)
class Ball:
    """A ball: centre (z, y, x) in voxels, radius in px of a slice, and ``FEATURES`` from the third on."""

    centre: NDArray[np.float64]
    radius: float
    features: tuple[float, ...]


def measure_ball(level: Levels, line: Lines, place: NDArray[np.int64], scale: BallScale) -> Ball | None:
    """Return the ball around a place, or None where nothing stands out.

    Parameters
    ----------
    level
        Part of the tomogram (z, y, x) as described at ``FEATURES``.
    line
        Where labels are.
    place
        Voxel (z, y, x) near the middle.
    """
    index = np.ix_(
        *(
            np.clip(np.arange(p - n, p + n + 1), 0, size - 1)
            for p, n, size in zip(place.tolist(), scale.reach, level.shape, strict=True)
        )
    )
    own, drawn = level[index], line[index]
    smooth = ndimage.gaussian_filter(own, scale.sigma(scale.half / 3))
    centre = _middle(smooth, scale)
    if centre is None:
        return None
    z, y, x = (axis - c for axis, c in zip(_axes(scale), centre, strict=True))
    up = z * scale.z_step
    flat = np.hypot(y, x)
    profile = _profile(smooth, flat, np.abs(up[:, 0, 0]) <= 0.7 * scale.half, scale)
    top, low = float(profile[: max(2, int(scale.half))].mean()), float(profile.min())
    middle = (top + low) / 2
    under = np.flatnonzero(profile < middle)
    if not len(under) or under[0] == 0:
        return None
    n = int(under[0])
    radius = _STEP * (n - 1 + float((profile[n - 1] - middle) / (profile[n - 1] - profile[n])))
    away = np.sqrt(flat**2 + up**2)
    shell = (away > radius + scale.half / 3) & (away <= radius + 2 * scale.half)
    rim = (away > radius + scale.half / 2) & (away <= radius + 1.2 * scale.half)
    inner = _mean(smooth, away <= 0.7 * radius, top)
    column = flat <= 0.6 * radius
    ends = [column & (sign * up > 1.6 * radius) & (sign * up <= 2.2 * radius) for sign in (-1, 1)]
    curves = _curvatures(ndimage.gaussian_filter(own, scale.sigma(0.9 * scale.half)), scale)
    features = (
        *(curves[1:] / min(curves[0], -1e-6)).tolist(),
        inner,
        inner - _median(smooth, shell & drawn, 1.0),
        _median(smooth, shell & ~drawn, 0.0),
        top - low,
        _mean(smooth < middle, rim, 0.0),
        math.log(max(radius, 0.5) / scale.half),
        _mean(smooth >= middle, away <= 0.9 * radius, 0.0),
        _mean(drawn, shell, 0.0),
        _thickness(drawn, scale) / scale.half,
        inner - max(_mean(smooth, end, low) for end in ends),
    )
    return Ball(place + centre, radius, features)


def _axes(scale: BallScale) -> tuple[NDArray[np.int64], ...]:
    return tuple(np.ogrid[tuple(slice(-n, n + 1) for n in scale.reach)])


def _middle(smooth: Levels, scale: BallScale) -> NDArray[np.float64] | None:
    """Return the centroid of what stands out around the middle of an array, voxels from there."""
    z, y, x = _axes(scale)
    centre = np.zeros(3)
    limit = np.array([scale.half / scale.z_step, scale.half, scale.half])
    for _ in range(3):
        squares = ((z - centre[0]) * scale.z_step) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2
        near = squares <= (_NEAR * scale.half) ** 2
        above = np.where(near, np.maximum(0, smooth - np.median(smooth[near])), 0)
        total = float(above.sum())
        if total <= 0:
            return None
        centre = np.array([float((above * axis).sum()) / total for axis in (z, y, x)]).clip(-limit, limit)
    return centre


def _profile(
    smooth: Levels, flat: NDArray[np.float64], slices: NDArray[np.bool_], scale: BallScale
) -> NDArray[np.float64]:
    """Return the median over directions at distances 0, 0.5, 1 … px from the middle, in its slices."""
    steps = np.arange(0, scale.reach[1] - 1, _STEP)
    values = smooth[slices].ravel()
    where = np.round(np.broadcast_to(flat, smooth.shape)[slices].ravel() / _STEP).astype(np.int64)
    known = np.unique(where[where < len(steps)])
    medians = [np.median(values[where == n]) for n in known]
    result: NDArray[np.float64] = np.interp(steps, known * _STEP, medians)
    return result


def _mean(values: NDArray[np.generic], where: NDArray[np.bool_], otherwise: float) -> float:
    return float(values[where].mean()) if where.any() else otherwise


def _median(values: Levels, where: NDArray[np.bool_], otherwise: float) -> float:
    return float(np.median(values[where])) if where.sum() > _FEWEST else otherwise


def _thickness(drawn: Lines, scale: BallScale) -> float:
    """Return the radius of the largest circle in the label near the middle, px, three half widths at most."""
    z, y, x = scale.reach
    planes = [edt.edt(plane, black_border=False) for plane in drawn[max(0, z - 1) : z + 2]]
    near = (slice(y - 2, y + 3), slice(x - 2, x + 3))
    return min(3 * scale.half, max(float(plane[near].max()) for plane in planes))


def _curvatures(bent: Levels, scale: BallScale) -> NDArray[np.float64]:
    """Return the three principal curvatures in the middle of an array, the most negative first."""
    part = bent[tuple(slice(n - 1, n + 2) for n in scale.reach)].astype(np.float64)
    edge = (scale.z_step, 1.0, 1.0)
    matrix = np.empty((3, 3))
    for a in range(3):
        line = np.moveaxis(part, a, 0)[:, 1, 1]
        matrix[a, a] = (line[0] - 2 * line[1] + line[2]) / edge[a] ** 2
        for b in range(a):
            corners = np.moveaxis(part, (a, b), (0, 1))[:, :, 1]
            mixed = corners[0, 0] + corners[2, 2] - corners[0, 2] - corners[2, 0]
            matrix[a, b] = matrix[b, a] = mixed / (4 * edge[a] * edge[b])
    return np.asarray(np.linalg.eigvalsh(matrix), np.float64)
