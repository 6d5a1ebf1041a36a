"""Distances within a mask, in steps so small that a window goes on drawing meanwhile."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import edt
import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Triple
from sxtstudio.core.volume import VoxelSize

#: So many voxels are walked on from at once, each to its 26 neighbours.
_AT_ONCE = 50_000
#: The distance transform lets no other thread run, either: voxels of a slab, without the margins around it.
_SLAB = 500_000


def walked(
    where: NDArray[np.bool_], starts: Triple | Sequence[Triple], spacing: VoxelSize
) -> NDArray[np.float64]:
    """Return how far each voxel of a mask is from the nearest start, from neighbour to neighbour within it.

    A wave goes out from the starts. Each of its fronts is thinner than the shortest step, so that what lies
    in it is known for good (Dial, Commun. ACM 12, 1969, 632). ``skimage.graph.MCP_Geometric`` finds the same,
    but no other thread runs while it does.

    Parameters
    ----------
    where
        The mask (z, y, x).
    starts
        A voxel (z, y, x), or several; those outside of the mask do not count.
    spacing
        Edges of a voxel (z, y, x).

    Returns
    -------
    NDArray
        Distances (z, y, x) in the unit of the spacing; inf where no way leads.
    """
    padded = np.pad(where, 1)
    inside, far = padded.ravel(), np.full(padded.size, np.inf)
    steps = [step for step in itertools.product((-1, 0, 1), repeat=3) if any(step)]
    _, height, width = padded.shape
    offsets = np.array([(z * height + y) * width + x for z, y, x in steps])
    lengths = np.linalg.norm(np.array(steps) * np.array(spacing), axis=1)
    first = np.ravel_multi_index((np.array(starts).reshape(-1, 3) + 1).T, padded.shape)
    waiting = np.unique(first[inside[first]])
    far[waiting] = 0.0
    while len(waiting):
        reached = far[waiting]
        near = reached < reached.min() + min(spacing)
        front, waiting = waiting[near], waiting[~near]
        found = [waiting]
        for begin in range(0, len(front), _AT_ONCE):
            part = front[begin : begin + _AT_ONCE]
            beside = (part[:, None] + offsets).ravel()
            length = (far[part][:, None] + lengths).ravel()
            shorter = inside[beside] & (length < far[beside])
            beside = beside[shorter]
            np.minimum.at(far, beside, length[shorter])
            found.append(beside)
        waiting = np.unique(np.concatenate(found))
    result: NDArray[np.float64] = far.reshape(padded.shape)[1:-1, 1:-1, 1:-1]
    return np.ascontiguousarray(result)


def near_to(
    where: NDArray[np.bool_], reach: float, spacing: VoxelSize, slab: int = _SLAB
) -> NDArray[np.bool_]:
    """Return which voxels (z, y, x) lie within reach of a mask, found in slabs of so many voxels."""
    depth = len(where)
    margin = int(reach / spacing[0]) + 1
    thick = max(1, slab // max(1, where[0].size))
    result = np.zeros(where.shape, np.bool_)
    for first in range(0, depth, thick):
        low, last = max(0, first - margin), min(depth, first + thick)
        part = where[low : last + margin]
        if part.any():
            far = edt.edt(~part, anisotropy=spacing, black_border=False)
            result[first:last] = far[first - low : last - low] <= reach
    return result
