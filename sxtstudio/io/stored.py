"""Volumes that are stored in one piece, voxel after voxel, in any order of their axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.volume import VoxelSize
from sxtstudio.io.axes import NamedBy, Names, StoredAxes, find_axes
from sxtstudio.io.chunks import ChunkedSlices
from sxtstudio.io.filevolume import FileVolume
from sxtstudio.io.packed import PackedFile
from sxtstudio.io.raw import ByteSource, RawSlices

Convert = Callable[[NDArray[Any]], NDArray[Any]]


def axes_of_format(
    name: str, shape: Sequence[int], order: AxisOrder | None, names: Names | None = None
) -> StoredAxes:
    """Return the axes of an array, the slowest first, of a format that names them or says their order.

    Parameters
    ----------
    name, shape
        Of the array.
    order
        How the user names them, which goes before the format.
    names
        A letter for each; z, y, x by default.

    Raises
    ------
    UserError
        If the array is 4D, has one axis only, or the user's names do not fit it.
    """
    axes = find_axes(name, shape, names, order)
    return replace(axes, named_by=NamedBy.FORMAT) if axes.named_by is NamedBy.NOBODY else axes


def stored_volume(
    path: Path,
    source: ByteSource,
    *,
    format: str,
    start: int,
    dtype: np.dtype[Any],
    axes: StoredAxes,
    convert: Convert | None = None,
    converted: np.dtype[Any] | None = None,
    voxel_nm: VoxelSize | None = None,
    origin_nm: VoxelSize | None = None,
    notes: tuple[str, ...] = (),
    tilt_series: str = "",
    files: Sequence[Path] = (),
) -> FileVolume:
    """Return a volume whose voxels lie in ``source`` from byte ``start`` on; it closes ``source``.

    Parameters
    ----------
    dtype, axes
        As stored.
    convert, converted
        What to make of stored values, and the type of the result.
    voxel_nm, origin_nm
        In the order (z, y, x) of ``axes``.

    Raises
    ------
    UserError
        As ``FileVolume``; the source is then closed.
    """
    shape = axes.volume_shape
    sizes = [1] * max(0, 3 - len(axes.used)) + list(axes.sizes)
    slice_bytes = sizes[1] * sizes[2] * dtype.itemsize
    offsets = range(start, start + sizes[0] * slice_bytes, slice_bytes) if slice_bytes else range(0)
    stored = RawSlices(source, offsets, sizes[1], sizes[2], dtype)

    def read(box: Box) -> NDArray[Any]:
        index = axes.index(box)
        parts = [part for place in axes.used if isinstance(part := index[place], slice)]
        starts, stops = [part.start for part in parts], [part.stop for part in parts]
        missing = 3 - len(parts)
        (z0, y0, x0), (z1, y1, x1) = [0] * missing + starts, [1] * missing + stops
        voxels = axes.arranged(stored.read(Box((z0, y0, x0), (z1, y1, x1))), box)
        return voxels if convert is None else convert(voxels)

    kind = converted or dtype
    depth = axes.depth(None)
    reader = read if depth == 1 else ChunkedSlices(read, shape, kind.newbyteorder("="), depth).read
    return FileVolume(
        path,
        format=format,
        shape=shape,
        dtype=kind,
        reader=axes.mirrored(reader),
        close=source.close,
        voxel_nm=voxel_nm,
        origin_nm=origin_nm,
        notes=(*axes.notes, *notes),
        axes=axes,
        tilt_series=tilt_series,
        files=files,
    )


def check_stored(
    path: Path, source: ByteSource, start: int, voxels: Sequence[int], dtype: np.dtype[Any]
) -> None:
    """Refuse a file that is too small for what its header promises.

    Of packed data it is known how many times larger they can become at most.

    Raises
    ------
    UserError
        If it is truncated, or holds nothing.
    """
    at_most = " at most" if isinstance(source, PackedFile) else ""
    needed = start + math.prod(voxels) * dtype.itemsize
    shown = " × ".join(map(str, voxels))
    if min(voxels, default=0) <= 0:
        raise UserError(f"{path.name} holds no voxels: its header says {shown}. Choose another file.")
    if source.size < needed:
        raise UserError(
            f"{path.name} is truncated: its header ({shown} voxels) needs {needed} bytes, "
            f"the file has {source.size}{at_most}. Copy or export it again."
        )
