"""How wide an object is along its centre line, and where the balls that fill its tips end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Of a voxel's shortest edge: so much too small radii are that are read at the voxel nearest to the middle.
#: In a tube of any direction it lies 0.3 beside it, and the nearest centre outside 0.1 beyond the surface.
BESIDE = 0.2
# In voxels: so far ahead, or back, voxels tell of a point, too, as long as those of the other side do not lie
# nearer to the surface. In what tapers they do.
_AHEAD = 1.5
# Of the radius: a line that ends farther beside its inner part was led into a corner of the tip, ...
_ASIDE = 0.25
# ... and is in the middle so many radii from its end: on a flat end it came at 45°, which takes 1.4.
_CORNER = 1.6
_TURN = 2  # points to each side give the direction of a line


def positions(line: Floats) -> Floats:
    """Return how far along a line (n, 3) each of its points lies (n,)."""
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])


def radii_around(points: Floats, distance: NDArray[np.float32], factor: tuple[int, int, int]) -> Floats:
    """Return the largest distance from the surface near each point.

    Parameters
    ----------
    points
        (n, 3), in voxels (z, y, x). They lie in the middle of the object as far as blocks let them: half a
        block and a voxel more is looked at on each side.
    distance
        From the surface (z, y, x).
    factor
        Voxels of a block along each axis.
    """
    z, y, x = _voxels_around(points, distance, factor)
    return np.asarray(distance[z, y, x].max(axis=(1, 2, 3)).astype(np.float64))


def radii_at(
    points: Floats,
    distance: NDArray[np.float32],
    voxel: tuple[float, float, float],
    factor: tuple[int, int, int],
    *,
    closed: bool = False,
) -> Floats:
    """Return the distance from the surface at each point of a line, whose object may taper.

    As ``radii_around``, but beside the line only: what lies ahead and back is the smaller of both. Radii are
    those of voxels, see ``widths_of``.
    """
    z, y, x = _voxels_around(points, distance, factor)
    edges = np.array(voxel)
    along = _directions(points * edges, closed=closed) * edges
    # In voxels, whatever the direction: the voxel that a point lies in is within 0.5 of it.
    along /= np.maximum(np.abs(along).sum(axis=1, keepdims=True), 1e-12)
    step = along[:, :, None, None, None]
    ahead = z * step[:, 0] + y * step[:, 1] + x * step[:, 2]
    ahead -= (points * along).sum(axis=1)[:, None, None, None]
    deep = distance[z, y, x]
    near = 0.5 + 1e-6
    before = np.where((ahead >= -near) & (ahead <= _AHEAD), deep, 0).max(axis=(1, 2, 3))
    behind = np.where((ahead <= near) & (ahead >= -_AHEAD), deep, 0).max(axis=(1, 2, 3))
    return np.asarray(np.minimum(before, behind).astype(np.float64))


def widths_of(radius: Floats, voxel: tuple[float, float, float]) -> Floats:
    """Return the widths of an object from its radii at voxels."""
    return 2 * (radius + BESIDE * min(voxel))


def beyond_tip(line: Floats, radius: Floats, slack: float) -> int:
    """Return the first point of a line that lies beyond the ball that fills the tip at its beginning.

    Parameters
    ----------
    line
        (n, 3), from tip to tip, in the unit of the voxel size.
    radius
        Distance from the surface at each point (n,).
    slack
        What voxels leave unsure, in the same unit.

    Notes
    -----
    Balls around points of a tip touch its end until the largest of them is reached, which is narrower than
    what follows where the object tapers. A line that comes out of the corner of a flat end meets no ball that
    touches the end: it is told by the turn that it takes.
    """
    position = positions(line)
    half = position <= position[-1] / 2
    far = int(np.flatnonzero(half & (position <= _CORNER * radius))[-1]) + 1
    farther = np.flatnonzero(position >= position[far] + 2 * radius[far])
    inner = line[far] - line[farther[0] if farther.size else -1]
    inner = inner / max(float(np.linalg.norm(inner)), 1e-12)
    tip = line[0] - line[far]
    if np.linalg.norm(tip - (tip @ inner) * inner) > _ASIDE * radius[far] + slack:
        return far
    # Of each point and the next two the one in between: voxels let single ones seem to touch, or not to.
    beyond = position - radius
    beyond = np.median([beyond[:-2], beyond[1:-1], beyond[2:]], axis=0)
    touching = np.flatnonzero(half[: len(beyond)] & (beyond <= slack / 2))
    return int(touching[-1]) + 1 if touching.size and touching[-1] else far


def _voxels_around(
    points: Floats, distance: NDArray[np.float32], factor: tuple[int, int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices (z, y, x) of the voxels around each point, of shapes that broadcast."""
    middle = np.round(points).astype(np.int64)
    z, y, x = (
        np.clip(middle[:, axis, None] + np.arange(-reach, reach + 1), 0, distance.shape[axis] - 1)
        for axis, reach in enumerate(own // 2 + 1 for own in factor)
    )
    return z[:, :, None, None], y[:, None, :, None], x[:, None, None, :]


def _directions(line: Floats, *, closed: bool) -> Floats:
    """Return the direction of a line at each of its points (n, 3), of any length; 0 where it has none."""
    if closed:
        return np.roll(line, -_TURN, axis=0) - np.roll(line, _TURN, axis=0)
    at = np.arange(len(line))
    return np.asarray(line[np.minimum(at + _TURN, len(line) - 1)] - line[np.maximum(at - _TURN, 0)])
