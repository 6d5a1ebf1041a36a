"""What all writers need to know of a volume that is to be exported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from sxtstudio.core.geometry import Triple
from sxtstudio.core.volume import VoxelSize
from sxtstudio.io.place import Place

Kind = Literal["labels", "objects", "probability", "image"]


@dataclass(frozen=True)
class Plan:
    """One export: the slabs of ``dtype`` come in order, each ``thickness`` slices deep but the last.

    ``zstd`` packs OME-Zarr quicker and smaller than the usual zlib, which more programs know.
    """

    name: str
    shape: Triple
    dtype: np.dtype[Any]
    kind: Kind
    thickness: int
    voxel_nm: VoxelSize | None
    place: Place
    zstd: bool = False

    @property
    def origin_nm(self) -> VoxelSize | None:
        """Position (z, y, x) of the first voxel in nm, or None where it is unknown."""
        return self.place.origin_nm

    @property
    def bytes(self) -> int:
        """Size of the voxels without compression."""
        z, y, x = self.shape
        return z * y * x * self.dtype.itemsize
