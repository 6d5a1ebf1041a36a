"""A volume that notices whether there was any number in what was read of it: some files are all NaN."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.volume import Volume, VoxelSize


class WatchedVolume:
    """Passes a volume on; ``blank`` once something was read of it and none of that was finite."""

    def __init__(self, volume: Volume, name: str) -> None:
        """Read from ``volume``, which is called ``name``."""
        self._volume = volume
        self._read = self._finite = False
        self.name = name
        self.shape: Triple = volume.shape
        self.dtype: np.dtype[Any] = volume.dtype
        self.voxel_nm: VoxelSize | None = volume.voxel_nm

    @property
    def blank(self) -> bool:
        """Whether all that was read was NaN or infinite."""
        return self._read and not self._finite

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of it."""
        if not self.blank:
            return ()
        return (f"{self.name} holds no number where it was read (all is NaN), so nothing follows from it",)

    def read(self, box: Box) -> NDArray[Any]:
        """Return the voxels of ``box``."""
        part = self._volume.read(box)
        if not self._finite and part.size:
            self._read = True
            self._finite = part.dtype.kind != "f" or bool(np.isfinite(part).any())
        return part
