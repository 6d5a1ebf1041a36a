"""How much of a tomogram is cell, how it stands out from the ice, and at which faces it goes on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.cellmask import cell_mask
from sxtstudio.core.geometry import Box
from sxtstudio.core.polarity import Value
from sxtstudio.core.quality.record import Side
from sxtstudio.core.volume import ArrayVolume, VoxelSize

#: Slices are kept with about so many pixels along their longer side.
_THIN_PX = 400
#: A cell that covers less than this share of a face only touches it.
_TOUCHES = 0.02


@dataclass(frozen=True)
class Extent:
    """Where the cell is.

    Attributes
    ----------
    share
        Of the slices that is cell, 0…1.
    contrast
        |median in the cell − median in the ice|, grey values; None without ice.
    cut
        Faces at which the cell goes on.
    """

    share: float
    contrast: float | None
    cut: tuple[Side, ...]


class BinnedSlices:
    """A small copy of slices that are spread over a tomogram: means of squares of pixels."""

    def __init__(self, shape: tuple[int, int, int], voxel_nm: VoxelSize | None) -> None:
        """Begin with no slice of a tomogram of this shape (z, y, x)."""
        self._square = max(1, math.ceil(max(shape[1:]) / _THIN_PX))
        self._shape = shape
        self._voxel_nm = voxel_nm
        self._planes: list[NDArray[np.float32]] = []
        self._labels: list[NDArray[np.bool_]] = []

    def add(self, image: NDArray[Any], labels: NDArray[Any] | None = None) -> None:
        """Add the next slice (y, x), and what of it is labelled as membrane, if that is known."""
        self._planes.append(self._squares(image.astype(np.float32)).mean(axis=(1, 3)))
        if labels is not None:
            self._labels.append(self._squares(np.not_equal(labels, 0)).max(axis=(1, 3)))

    def extent(self, polarity: Value) -> Extent | None:
        """Return where the cell is; None where nothing tells it from the ice (``core.cellmask``)."""
        if not self._planes:
            return None
        stack = np.stack(self._planes)
        voxel = None
        if self._voxel_nm is not None:
            apart = self._voxel_nm[0] * self._shape[0] / len(stack)
            voxel = (apart, self._voxel_nm[1] * self._square, self._voxel_nm[2] * self._square)
        labels = ArrayVolume(np.stack(self._labels), voxel) if self._labels else None
        mask = cell_mask(ArrayVolume(stack, voxel), polarity=polarity, labels=labels)
        if not mask.ice_found:
            return None
        cell = mask.read(Box.whole(mask.shape)) != 0
        finite = np.isfinite(stack)
        inside, outside = stack[cell & finite], stack[~cell & finite]
        contrast = abs(float(np.median(inside)) - float(np.median(outside))) if outside.size else None
        return Extent(mask.fraction, contrast if inside.size else None, _cut_sides(cell))

    def _squares(self, image: NDArray[Any]) -> NDArray[Any]:
        height, width = (n // self._square for n in image.shape)
        cut = image[: height * self._square, : width * self._square]
        return cut.reshape(height, self._square, width, self._square)


def _cut_sides(cell: NDArray[np.bool_]) -> tuple[Side, ...]:
    faces = {
        Side.TOP: cell[:, 0],
        Side.BOTTOM: cell[:, -1],
        Side.LEFT: cell[:, :, 0],
        Side.RIGHT: cell[:, :, -1],
    }
    if len(cell) > 1:  # one slice says nothing of what lies before and behind it
        faces = {Side.FIRST: cell[0], Side.LAST: cell[-1], **faces}
    return tuple(side for side, face in faces.items() if face.mean() > _TOUCHES)
