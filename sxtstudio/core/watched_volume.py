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
        self._read = self._finite = self._varies = False
        self._only: float | None = None
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
        if self._only is not None and not self._varies:
            return (f"{self.name} is {self._only:g} everywhere it was read, so nothing follows from it",)
        if not self.blank:
            return ()
        return (f"{self.name} holds no number where it was read (all is NaN), so nothing follows from it",)

    def read(self, box: Box) -> NDArray[Any]:
        """Return the voxels of ``box``."""
        part = self._volume.read(box)
        if not self._finite and part.size:
            self._read = True
            self._finite = part.dtype.kind != "f" or bool(np.isfinite(part).any())
        if not self._varies:
            self._look(part)
        return part

    def _look(self, part: NDArray[Any]) -> None:
        """Look whether there is more than one value."""
        known = part[np.isfinite(part)] if part.dtype.kind == "f" else part.ravel()
        if known.size:
            first = float(known[0]) if self._only is None else self._only
            self._only, self._varies = first, bool((known != first).any())
