"""What a file holds, without reading all of it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.progress import Progress
from sxtstudio.core.quality.labelled import LabelSigns
from sxtstudio.io import FileVolume, open_volume
from sxtstudio.io.axes import StoredAxes, axes_to_json
from sxtstudio.workflow.jobs.outputs import on_disk

SAMPLE_BYTES = 256_000_000
FEWEST_SLICES = 16
#: So many slices say whether a file holds labels.
_LOOKED_AT = 8


@dataclass(frozen=True)
class FileFacts:
    """Facts about a tomogram file; the value range comes from ``slices_read`` evenly spread slices.

    ``tilt_series`` says why it is held for projections rather than slices, if it is.
    """

    path: Path
    format: str
    shape: tuple[int, int, int]
    dtype: str
    voxel_nm: tuple[float, float, float] | None
    origin_nm: tuple[float, float, float] | None
    value_range: tuple[float, float] | None
    slices_read: int
    non_finite: int
    file_bytes: int
    notes: tuple[str, ...]
    axes: StoredAxes
    tilt_series: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the facts as plain JSON values; axes are (z, y, x)."""
        return {
            "path": str(self.path),
            "format": self.format,
            "shape_zyx": list(self.shape),
            "axes": axes_to_json(self.axes),
            "tilt_series": self.tilt_series or None,
            "dtype": self.dtype,
            "voxel_nm_zyx": None if self.voxel_nm is None else list(self.voxel_nm),
            "origin_nm_zyx": None if self.origin_nm is None else list(self.origin_nm),
            "value_range": None if self.value_range is None else list(self.value_range),
            "value_range_from_slices": self.slices_read,
            "non_finite_voxels_seen": self.non_finite,
            "file_bytes": self.file_bytes,
            "notes": list(self.notes),
        }


def inspect_file(path: str | Path, progress: Progress | None = None) -> FileFacts:
    """Open a tomogram and describe it.

    Parameters
    ----------
    path
        File or folder; ``file.h5::/entry/data`` names a dataset.
    progress
        Counts the slices that are read for the value range.

    Raises
    ------
    UserError
        If the file cannot be opened as a tomogram, or is damaged where it is read.
    """
    progress = progress or Progress()
    with open_volume(path) as volume:
        z, y, x = volume.shape
        affordable = SAMPLE_BYTES // (y * x * volume.dtype.itemsize)
        chosen = np.unique(np.linspace(0, z - 1, min(z, max(FEWEST_SLICES, affordable))).round().astype(int))
        progress.begin(len(chosen), "reading")
        low, high, non_finite = np.inf, -np.inf, 0
        for index in chosen:
            image = volume.read(Box.slab(int(index), int(index) + 1, volume.shape))
            finite = image[np.isfinite(image)] if image.dtype.kind == "f" else image
            non_finite += image.size - finite.size
            if finite.size:
                low, high = min(low, float(finite.min())), max(high, float(finite.max()))
            progress.step()
        return FileFacts(
            path=volume.path,
            format=volume.format,
            shape=volume.shape,
            dtype=str(volume.dtype),
            voxel_nm=volume.voxel_nm,
            origin_nm=volume.origin_nm,
            value_range=(low, high) if high >= low else None,
            slices_read=len(chosen),
            non_finite=non_finite,
            file_bytes=bytes_on_disk(volume.path),
            notes=tuple(volume.notes),
            axes=volume.axes,
            tilt_series=volume.tilt_series,
        )


def tilt_series_text(volume: FileVolume) -> str:
    """Return what to say of projections before anyone segments them."""
    return (
        f"{volume.path.name} looks like a tilt series, the projections of which a tomogram is made, and not "
        f"like a tomogram: {volume.tilt_series}. Segment the reconstruction instead."
    )


def labels_text(volume: FileVolume) -> str | None:
    """Return what to say of labels before anyone takes them for a tomogram; None where it looks like one.

    Some slices are read, evenly.
    """
    signs, (depth, height, width) = LabelSigns(), volume.shape
    for z in sorted({round(part * (depth - 1)) for part in np.linspace(0, 1, _LOOKED_AT)}):
        with suppress(UserError):  # what cannot be read, others say
            signs.add(volume.read(Box((z, 0, 0), (z + 1, height, width)))[0])
    if not signs.are_labels:
        return None
    return (
        f"{volume.path.name} looks like labels ({signs.what}), not like a tomogram: give the tomogram that "
        "they belong to."
    )


def bytes_on_disk(path: Path) -> int:
    """Return the size of a file, or of all files in a folder."""
    path = on_disk(path)
    if path.is_dir():
        return sum(part.stat().st_size for part in path.rglob("*") if part.is_file())
    return path.stat().st_size
