"""Which axes of an array of any dimension are (z, y, x)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sxtstudio.core.errors import UserError


def space_axes(name: str, shape: Sequence[int]) -> list[int | None]:
    """Return the indices of the axes (z, y, x) in an array whose axes have no names.

    Axes of length 1 are dropped, from the right first (a channel axis at the end), until three are
    left; a 2D image has no z axis (None).

    Raises
    ------
    UserError
        If the array is real 4D, has one axis only, or looks like a colour image.
    """
    axes: list[int | None] = list(range(len(shape)))
    for index in reversed(range(len(shape))):
        if len(axes) > 3 and shape[index] == 1:
            axes.remove(index)
    if len(axes) > 3:
        sizes = " × ".join(str(n) for n in shape)
        raise UserError(f"{name} has {len(axes)} dimensions ({sizes}). Save one 3D volume of it.")
    if len(axes) < 2:
        raise UserError(
            f"{name} has only {len(axes)} dimension(s), which is no image. Choose another dataset."
        )
    return axes if len(axes) == 3 else [None, *axes]


def refuse_colour(name: str, shape: Sequence[int], dtype: np.dtype[Any]) -> None:
    """Refuse (y, x, 3 or 4) bytes: a photograph, not a tomogram three voxels wide."""
    if len(shape) == 3 and dtype == np.uint8 and shape[2] in (3, 4) and min(shape[:2]) > 16:
        raise UserError(f"{name} is a colour (RGB) image. Convert it to grey values first.")


def is_volume(shape: Sequence[int]) -> bool:
    """Return whether an array of this shape is 3D once its axes of length 1 are dropped."""
    long = sum(n > 1 for n in shape)
    return len(shape) >= 3 and (long == 3 or (len(shape) == 3 and min(shape, default=0) >= 1 and long >= 2))
