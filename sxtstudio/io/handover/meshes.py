"""Surfaces as writers of other programs take them, whoever made them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class MeshArrays:
    """A surface of triangles.

    Attributes
    ----------
    points
        (n, 3), (x, y, z) in nm, seen from the centre of the first voxel of the labels.
    normals
        (n, 3), of length 1, pointing outwards.
    triangles
        (m, 3), numbers of points, counter-clockwise as seen from outside.
    """

    points: NDArray[np.float32]
    normals: NDArray[np.float32]
    triangles: NDArray[np.int32]


#: Returns the surface of a value of a label image, None where it has none; asked for one after the other.
MeshOf = Callable[[int], MeshArrays | None]
