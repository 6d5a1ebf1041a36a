"""Labels at points between the voxels, in px of a slice; few voxels are read, and no window."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.bodies.regions import wall_half_px
from sxtstudio.core.filopodia.grey import Grey, all_of
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.volume import VoxelSize

Labels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Array = NDArray[np.float64]

#: A volume goes on beyond its borders as it came, so far, px: a border may cut a tube lengthwise.
_MIRROR_PX = 20.0
#: How wide outlines are is measured so far around a click, px.
_OUTLINES_PX = 120


class OneObject:
    """An object of a volume of numbers (z, y, x), read as labels are: filled, so that it has no lumen."""

    def __init__(self, objects: NDArray[Any], number: int) -> None:
        """Read ``objects`` where they have this number."""
        self._objects, self._number = objects, number
        z, y, x = objects.shape
        self.shape: Triple = (z, y, x)

    def __getitem__(self, part: tuple[Any, ...]) -> Any:
        """Return a window, voxels, or a voxel: 1 where the object is."""
        return (self._objects[part] == self._number).astype(np.uint8)


class Ground:
    """Labels, asked at points (…, 3) in px of a slice (z, y, x), the middle of the first voxel being 0."""

    def __init__(
        self,
        labels: Labels | OneObject,
        spacing: VoxelSize,
        grey: Grey | None = None,
        thicker: float = 0.0,
    ) -> None:
        """Take labels with voxels of these edges, thicker than membranes by so many px on each side."""
        self.grey, self.thicker = grey, thicker
        self.labels = labels
        self.px = min(spacing[1:])
        self.scale = np.array(spacing) / self.px
        self.shape = np.array(labels.shape)

    def at(self, points: Array) -> tuple[Mask, Mask]:
        """Return where a label lies, and where that is known (not far beyond the borders)."""
        index = np.rint(points / self.scale).astype(np.int64)
        last = self.shape - 1
        margin = _MIRROR_PX / self.scale
        known = all_of((index >= -margin) & (index <= last + margin))
        index = np.clip(last - np.abs(last - np.abs(index)), 0, last)
        label: Mask = np.asarray(self.labels[index[..., 0], index[..., 1], index[..., 2]] != 0)
        return label, known

    def holds(self, point: Array) -> bool:
        """Whether a point (3,) lies in the volume."""
        index = np.rint(point / self.scale)
        return bool(((index >= 0) & (index < self.shape)).all())


def half_wall_px(labels: Labels, seed: Triple, spacing: VoxelSize) -> float:
    """Return half the usual width of the outlines around, those of one filopodium being few among them."""
    slices = int(np.ceil(_OUTLINES_PX / 4 * min(spacing[1:]) / spacing[0]))
    box = Box(seed, (seed[0] + 1, seed[1] + 1, seed[2] + 1))
    box = box.grown((slices, _OUTLINES_PX, _OUTLINES_PX), (labels.shape[0], labels.shape[1], labels.shape[2]))
    every = max(1, box.shape[0] // 8)
    return wall_half_px(labels[box.slices][::every] != 0)
