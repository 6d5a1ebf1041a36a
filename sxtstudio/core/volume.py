"""What the rest of the program needs to know of a tomogram, whatever file it came from."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box, Triple

VoxelSize = tuple[float, float, float]

#: Of the voxel sizes in one training: membranes look alike from 8 to 35 nm, which simulated tomograms have;
#: a size in Å taken for nm is off by ten.
LARGEST_VOXEL_RATIO = 5.0


class SizeUnknown(str):
    """A note of a reader that says why there is no voxel size; where the user gives one, it is left out."""

    def __new__(cls, reason: str) -> SizeUnknown:
        """Make the note of a reason, "the file does not give it"."""
        return super().__new__(cls, f"voxel size unknown: {reason}")


@runtime_checkable
class Volume(Protocol):
    """A 3D image of which parts are read on demand; nobody holds a whole copy."""

    @property
    def shape(self) -> Triple:
        """Number of voxels along (z, y, x)."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels that ``read`` returns, in native byte order."""

    @property
    def voxel_nm(self) -> VoxelSize | None:
        """Edge lengths of a voxel in nm, (z, y, x), or None where the file does not say."""

    def read(self, box: Box) -> NDArray[Any]:
        """Return the voxels of ``box`` as a fresh C-ordered (z, y, x) array."""


class ArrayVolume:
    """A volume that already lies in memory or in a memory map."""

    def __init__(self, array: NDArray[Any], voxel_nm: VoxelSize | None = None) -> None:
        """Wrap ``array`` (z, y, x) without copying it."""
        if array.ndim != 3:
            raise ValueError(f"a volume has three axes (z, y, x), this array has {array.ndim}")
        self.array = array
        self._voxel_nm = voxel_nm

    @property
    def shape(self) -> Triple:
        """Number of voxels along (z, y, x)."""
        z, y, x = self.array.shape
        return (z, y, x)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels."""
        return self.array.dtype

    @property
    def voxel_nm(self) -> VoxelSize | None:
        """Edge lengths of a voxel in nm, (z, y, x), or None where they are unknown."""
        return self._voxel_nm

    def read(self, box: Box) -> NDArray[Any]:
        """Return a copy of the voxels of ``box``."""
        return np.array(self.array[box.slices], order="C")
