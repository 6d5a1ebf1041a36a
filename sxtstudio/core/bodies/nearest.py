"""The nearest number to each pixel of a slice, and how far away it is."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def nearest_of(there: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return where the nearest pixel of a mask (y, x) lies, and the square of the distance, px.

    Parameters
    ----------
    there
        The mask, which is somewhere True.

    Returns
    -------
    places
        Of each pixel the index of the nearest one in ``there.ravel()``, (y, x).
    squares
        Whole numbers, (y, x).
    """
    rows, columns = ndimage.distance_transform_edt(~there, return_distances=False, return_indices=True)
    places = rows * np.int32(there.shape[1]) + columns
    rows -= np.arange(there.shape[0], dtype=rows.dtype)[:, None]
    columns -= np.arange(there.shape[1], dtype=rows.dtype)
    rows *= rows
    columns *= columns
    rows += columns
    return places, rows


def expanded(numbers: NDArray[np.int32], reach_px: float) -> NDArray[np.int32]:
    """Return numbers (y, x) that go on over what is 0, up to a distance, as ``skimage`` expands labels.

    It takes the root of each square, and looks up all that it does not keep.
    """
    there = numbers > 0
    if not there.any():
        return numbers.copy()
    places, squares = nearest_of(there)
    most = int(reach_px**2) + 1
    while math.sqrt(most) > reach_px:
        most -= 1
    result = numbers.copy()
    near = np.flatnonzero((squares <= most) & ~there)
    result.ravel()[near] = numbers.ravel()[places.ravel()[near]]
    return result
