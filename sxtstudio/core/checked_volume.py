"""A volume that notices when its voxels change while somebody works with them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.volume import Volume, VoxelSize


class InputChangedError(UserError):
    """An input was changed or replaced while it was read, so that the result belongs to no file."""


class CheckedVolume:
    """Passes a volume on, and remembers the CRC-32 of every whole slice that was read of it."""

    def __init__(self, volume: Volume) -> None:
        """Read from ``volume``."""
        self._volume = volume
        self._checksums: dict[int, int] = {}

    @property
    def shape(self) -> Triple:
        """Number of voxels along (z, y, x)."""
        return self._volume.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels."""
        return self._volume.dtype

    @property
    def voxel_nm(self) -> VoxelSize | None:
        """Edge lengths of a voxel in nm, (z, y, x), or None where they are unknown."""
        return self._volume.voxel_nm

    @property
    def checksums(self) -> Mapping[int, int]:
        """The CRC-32 of the slices that were read."""
        return MappingProxyType(self._checksums)

    def read(self, box: Box) -> NDArray[Any]:
        """Return the voxels of ``box``.

        Raises
        ------
        InputChangedError
            If a slice is not what it was when it was read before.
        """
        voxels = self._volume.read(box)
        if box.shape[1:] == self.shape[1:]:
            for z, plane in zip(range(box.start[0], box.stop[0]), voxels, strict=True):
                checksum = checksum_of(plane)
                if self._checksums.setdefault(z, checksum) != checksum:
                    raise InputChangedError(
                        "The tomogram was changed or replaced while it was read: {slices} is not what it "
                        "was. Start again once it is complete.",
                        slices=(z, z),
                    )
        return voxels

    def checksum(self, z: int) -> int:
        """Return the CRC-32 of slice ``z``, which is read if it was not read yet."""
        if z not in self._checksums:
            self.read(Box.slab(z, z + 1, self.shape))
        return self._checksums[z]


def checksum_of(plane: NDArray[Any]) -> int:
    """Return the CRC-32 of a slice (y, x)."""
    return zlib.crc32(np.ascontiguousarray(plane).data)
