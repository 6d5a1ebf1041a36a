"""Distances to what is not a structure, while other threads run: the window draws on during a job."""

from __future__ import annotations

import math
from typing import Any

import edt
import numpy as np
from numpy.typing import NDArray

#: The library lets no other thread run, and takes some 20 ms for so many voxels.
AT_ONCE = 500_000
# So many squares fit into the cache of a processor, with what is computed of them.
_STRIP = 100_000


def distances(
    where: NDArray[np.bool_],
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
    *,
    reach: float = math.inf,
    border: bool = False,
    at_once: int = AT_ONCE,
) -> NDArray[np.float32]:
    """Return how far each voxel of a structure is from the nearest one that is not part of it.

    Parameters
    ----------
    where
        The structure (z, y, x), bool.
    spacing
        Edge lengths of a voxel (z, y, x).
    reach
        Who only asks whether something is nearer than this is answered sooner; what is farther comes out as
        farther, but not how far.
    border
        Whether the structure ends at the faces of the array, rather than goes on there.
    at_once
        So many voxels are left to the library in one call.

    Returns
    -------
    NDArray
        Distances between centres of voxels (z, y, x), float32, in the unit of ``spacing``; 0 outside of the
        structure, inf where there is nothing else.

    Notes
    -----
    The square of a distance is the least sum, over the slices, of its squares within a slice and across
    slices (Felzenszwalb and Huttenlocher 2012, doi:10.4086/toc.2012.v008a019), so slices are left to the
    library one by one, and what lies between them is looked at here, as far as it can be nearer.
    """
    if where.size <= at_once:
        # The library takes four times as long in 3D with bools, for the same result.
        bits = where.view(np.uint8)
        found: NDArray[np.float32] = edt.edt(bits, anisotropy=spacing, black_border=border)
        return found
    squares = np.empty(where.shape, np.float32)
    for plane, own in zip(where, squares, strict=True):
        own[...] = edt.edtsq(plane, anisotropy=spacing[1:], black_border=border)
    rows = max(1, _STRIP // (where.shape[0] * where.shape[2]))
    for first in range(0, where.shape[1], rows):
        strip = squares[:, first : first + rows]
        strip[...] = _across(strip, spacing[0], reach, border)
    return np.asarray(np.sqrt(squares, out=squares))


def _across(squares: NDArray[np.float32], edge: float, reach: float, border: bool) -> NDArray[np.float32]:
    """Return the squares of distances in 3D; ``squares`` (z, y, x) are those within each slice."""
    depth = len(squares)
    least = squares.copy()
    if border:
        steps = np.arange(1, depth + 1, dtype=np.float32)
        ends = np.square(edge * np.minimum(steps, steps[::-1]))
        np.minimum(least, ends[:, None, None], out=least)
    for step in range(1, depth):
        square = np.float32((step * edge) ** 2)
        if step * edge > reach or square >= _greatest(least):
            break
        other = squares + square
        np.minimum(least[step:], other[:-step], out=least[step:])
        np.minimum(least[:-step], other[step:], out=least[:-step])
    return least


def _greatest(values: NDArray[Any]) -> float:
    return float(values.max()) if values.size else 0.0


def distances_to_border(
    where: NDArray[np.bool_],
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
    *,
    reach: float = math.inf,
    at_once: int = AT_ONCE,
) -> NDArray[np.float32]:
    """Return how far each voxel is from the nearest one on the other side of the border of a structure.

    Parameters and result as of ``distances``, but for all voxels, inside and outside; the structure, and
    what surrounds it, go on at the faces of the array.
    """
    if where.size <= at_once:
        # One more than the structure: both sides are structures, and get their distance at once.
        found: NDArray[np.float32] = edt.edt(where.view(np.uint8) + np.uint8(1), anisotropy=spacing)
        return found
    inside = distances(where, spacing, reach=reach, at_once=at_once)
    return inside + distances(~where, spacing, reach=reach, at_once=at_once)
