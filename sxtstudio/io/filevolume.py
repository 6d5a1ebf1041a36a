"""A tomogram in a file: what the file says of it, and its voxels on demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.volume import VoxelSize
from sxtstudio.core.wording import reason_of
from sxtstudio.io.axes import NamedBy, StoredAxes
from sxtstudio.io.limits import LARGEST_SLICE_BYTES, MOST_SLICES
from sxtstudio.io.place import MrcFrame, Place
from sxtstudio.io.stamp import is_young, stamp_of

Reader = Callable[[Box], NDArray[Any]]


class FileVolume:
    """A volume (z, y, x) whose voxels are read from a file when they are asked for.

    Use it as a context manager, or call ``close``. ``read`` may be called from several threads.

    Attributes
    ----------
    path
        File or folder.
    format
        Name of the format for the user, such as "MRC" or "OME-Zarr".
    place
        Where the first voxel lies, and how the header of an MRC file says it.
    notes
        What the user should know, such as "voxel size unknown: the header says 0".
    files
        All from which voxels are read.
    axes
        How the file stores its axes, and who says so.
    tilt_series
        Why these are held for projections rather than slices of a tomogram, or nothing.
    """

    def __init__(
        self,
        path: Path,
        *,
        format: str,
        shape: tuple[int, ...],
        dtype: Any,
        reader: Reader,
        close: Callable[[], None] | None = None,
        voxel_nm: VoxelSize | None = None,
        origin_nm: VoxelSize | None = None,
        notes: tuple[str, ...] = (),
        axes: StoredAxes | None = None,
        tilt_series: str = "",
        frame: MrcFrame | None = None,
        files: Sequence[Path] = (),
        lacks_parts: Callable[[], bool] = lambda: False,
    ) -> None:
        """Describe an opened file; ``reader`` returns the voxels of a box, ``close`` releases it.

        ``files`` are all from which voxels are read, where that is not ``path`` alone; ``lacks_parts`` is the
        method of that name.
        """
        self._close = close
        self._reader: Reader | None = reader
        try:
            self._shape = _checked_shape(path, shape, np.dtype(dtype))
            self._dtype = _checked_dtype(path, np.dtype(dtype))
        except UserError:
            self.close()
            raise
        self.path = path
        self.format = format
        self.place = Place(origin_nm, frame)
        self.notes = notes
        self.axes = axes or StoredAxes(self._shape, (0, 1, 2), NamedBy.FORMAT)
        self.tilt_series = tilt_series
        self._voxel_nm = voxel_nm
        self.files = tuple(files) or (path,)
        self._lacks_parts = lacks_parts
        self._stamp = stamp_of(self.files)
        # Written so shortly before that a change right after it might have the same time.
        self.just_written = is_young(self._stamp)

    @property
    def shape(self) -> Triple:
        """Number of voxels along (z, y, x)."""
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels, in native byte order."""
        return self._dtype

    @property
    def origin_nm(self) -> VoxelSize | None:
        """Position (z, y, x) of the first voxel in nm, or None where the file does not say."""
        return self.place.origin_nm

    @property
    def voxel_nm(self) -> VoxelSize | None:
        """Edge lengths of a voxel in nm, (z, y, x), or None where the file does not say."""
        return self._voxel_nm

    def read(self, box: Box) -> NDArray[Any]:
        """Return the voxels of ``box`` as a fresh C-ordered (z, y, x) array.

        Raises
        ------
        UserError
            If the file is damaged there.
        ValueError
            If the box reaches beyond the volume, or the file has been closed.
        """
        if any(stop > size for stop, size in zip(box.stop, self._shape, strict=True)):
            raise ValueError(f"{box} reaches beyond the volume {self._shape}")
        if self._reader is None:
            raise ValueError(f"{self.path.name} has been closed")
        try:
            voxels = self._reader(box)
        except (UserError, Cancelled, MemoryError):
            raise
        except Exception as error:  # decoders raise whatever they like for damaged data
            raise UserError(
                f"{self.path.name}: {{slices}} cannot be read ({reason_of(error)}). "
                "The file is damaged or has gone; copy it again.",
                slices=(box.start[0], box.stop[0] - 1),
            ) from error
        if voxels.shape != box.shape:
            raise UserError(
                f"{self.path.name}: what stands for {{slices}} is not of the size that the file promises. "
                "The file is damaged; copy it again.",
                slices=(box.start[0], box.stop[0] - 1),
            )
        return np.ascontiguousarray(voxels, dtype=self._dtype)

    @property
    def touched(self) -> bool:
        """Whether a file has been written to, replaced or removed since it was opened."""
        return stamp_of(self.files) != self._stamp

    def lacks_parts(self) -> bool:
        """Whether voxels that the file promises are not stored in it.

        So it is while it is being written; but some programs do not store what is all zeros.
        """
        return self._lacks_parts()

    def close(self) -> None:
        """Release the file; harmless when called twice."""
        self._reader = None
        if self._close is not None:
            close, self._close = self._close, None
            close()

    def __enter__(self) -> FileVolume:
        """Return the volume itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def __del__(self) -> None:
        """Release the file when nobody holds the volume any more."""
        if getattr(self, "_close", None) is not None:
            self.close()

    def __repr__(self) -> str:
        """Return format, shape and name for log and debugger."""
        return f"<FileVolume {self.format} {self._shape} {self._dtype} {self.path.name}>"


def _checked_shape(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Triple:
    if any(n <= 0 for n in shape):
        sizes = " × ".join(str(n) for n in shape)
        raise UserError(f"{path.name} holds no voxels (z × y × x: {sizes}). Choose another file.")
    z, y, x = (int(n) for n in shape)
    if z > MOST_SLICES:
        raise UserError(
            f"{path.name} promises {z} slices, which is more than SXT Studio handles. "
            "Check that the file is a tomogram."
        )
    if y * x * dtype.itemsize > LARGEST_SLICE_BYTES:
        raise UserError(
            f"{path.name} promises slices of {y} × {x} voxels, which is more than SXT Studio handles. "
            "Check that the file is a tomogram."
        )
    return (z, y, x)


def _checked_dtype(path: Path, dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype.kind == "c":
        raise UserError(
            f"{path.name} holds complex numbers, not grey values. Export the real-space volume instead."
        )
    if dtype.kind == "b":
        return np.dtype(np.uint8)
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise UserError(f"{path.name} holds values of type {dtype}, not grey values. Choose another file.")
    return dtype.newbyteorder("=")
