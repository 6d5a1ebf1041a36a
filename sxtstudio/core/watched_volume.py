"""A volume that notices whether there was any number in what was read of it: some files are all NaN."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.volume import Volume, VoxelSize


@dataclass(frozen=True)
class Seen:
    """What was seen of a volume: whether anything was read, any finite number, and ``only`` one value."""

    read: bool = False
    finite: bool = False
    varies: bool = False
    only: float | None = None

    def __or__(self, other: Seen) -> Seen:
        """Join what was seen of one volume by two readers."""
        differ = self.only is not None and other.only is not None and self.only != other.only
        return Seen(
            self.read or other.read,
            self.finite or other.finite,
            self.varies or other.varies or differ,
            other.only if self.only is None else self.only,
        )


class WatchedVolume:
    """Passes a volume on; ``blank`` once something was read of it and none of that was finite."""

    def __init__(self, volume: Volume, name: str) -> None:
        """Read from ``volume``, which is called ``name``."""
        self._volume = volume
        self.seen = Seen()
        self.name = name
        self.shape: Triple = volume.shape
        self.dtype: np.dtype[Any] = volume.dtype
        self.voxel_nm: VoxelSize | None = volume.voxel_nm

    @property
    def blank(self) -> bool:
        """Whether all that was read was NaN or infinite."""
        return self.seen.read and not self.seen.finite

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of it."""
        if self.seen.only is not None and not self.seen.varies:
            value = f"{self.seen.only:g}"
            return (f"{self.name} is {value} everywhere it was read, so nothing follows from it",)
        if not self.blank:
            return ()
        return (f"{self.name} holds no number where it was read (all is NaN), so nothing follows from it",)

    def read(self, box: Box) -> NDArray[Any]:
        """Return the voxels of ``box``."""
        part = self._volume.read(box)
        if not self.seen.finite and part.size:
            finite = part.dtype.kind != "f" or bool(np.isfinite(part).any())
            self.seen = replace(self.seen, read=True, finite=finite)
        if not self.seen.varies:
            self._look(part)
        return part

    def _look(self, part: NDArray[Any]) -> None:
        """Look whether there is more than one value."""
        known = part[np.isfinite(part)] if part.dtype.kind == "f" else part.ravel()
        if known.size:
            first = float(known[0]) if self.seen.only is None else self.seen.only
            self.seen = replace(self.seen, only=first, varies=bool((known != first).any()))
