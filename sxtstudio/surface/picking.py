"""From a place on a surface back to the voxel that it belongs to."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Triple
from sxtstudio.core.volume import VoxelSize

_REACHES = (2, 5, 12, 24)


def voxel_index(place: tuple[float, float, float], voxel_nm: VoxelSize | None, shape: Triple) -> Triple:
    """Return the voxel (z, y, x) at ``place`` (x, y, z) in nm (in voxels if unknown), within the volume."""
    size = voxel_nm or (1.0, 1.0, 1.0)
    z, y, x = (
        min(max(0, int(np.floor(p / s + 0.5))), n - 1)
        for p, s, n in zip(place[::-1], size, shape, strict=True)
    )
    return (z, y, x)


def labelled_voxel(
    labels: NDArray[Any], place: tuple[float, float, float], voxel_nm: VoxelSize | None
) -> Triple | None:
    """Return the labelled voxel nearest to a place on the surface, or None if there is none near.

    The surface lies half a voxel outside the labelled voxels, and farther where it was smoothed or
    simplified. Only a small window of ``labels`` (z, y, x) is read.

    Parameters
    ----------
    labels
        Array or memory map (z, y, x).
    place
        (x, y, z) in nm, or in voxels where ``voxel_nm`` is None.
    voxel_nm
        Edge lengths (z, y, x).
    """
    shape: Triple = (labels.shape[0], labels.shape[1], labels.shape[2])
    size = np.array(voxel_nm or (1.0, 1.0, 1.0))
    exact = np.array(place[::-1]) / size
    middle = voxel_index(place, voxel_nm, shape)
    for reach in _REACHES:
        low = [max(0, m - reach) for m in middle]
        window = np.asarray(labels[tuple(slice(a, m + reach + 1) for a, m in zip(low, middle, strict=True))])
        found = np.argwhere(window != 0)
        if not len(found):
            continue
        found = found + low
        distance = (((found - exact) * size) ** 2).sum(axis=1)
        z, y, x = (int(n) for n in found[np.argmin(distance)])
        return (z, y, x)
    return None
