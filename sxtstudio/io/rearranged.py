"""A volume of a format that leaves no choice of its axes, read in another order because the user says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.geometry import Box
from sxtstudio.core.volume import VoxelSize
from sxtstudio.io.axes import find_axes
from sxtstudio.io.chunks import ChunkedSlices
from sxtstudio.io.filevolume import FileVolume


def rearranged(volume: FileVolume, order: AxisOrder) -> FileVolume:
    """Return the volume with its axes named by the user; voxel size and origin go with their axes.

    Closing the result closes ``volume``.

    Raises
    ------
    UserError
        If the names do not fit the number of its axes; ``volume`` is then closed.
    """
    try:
        axes = find_axes(volume.path.name, volume.shape, None, order)
    except BaseException:
        volume.close()
        raise

    def read(box: Box) -> NDArray[Any]:
        parts = [part if isinstance(part, slice) else slice(part, part + 1) for part in axes.index(box)]
        (z0, z1), (y0, y1), (x0, x1) = ((part.start, part.stop) for part in parts)
        return axes.arranged(volume.read(Box((z0, y0, x0), (z1, y1, x1))), box)

    depth = axes.depth(None)
    reader = read if depth == 1 else ChunkedSlices(read, axes.volume_shape, volume.dtype, depth).read
    return FileVolume(
        volume.path,
        format=volume.format,
        shape=axes.volume_shape,
        dtype=volume.dtype,
        reader=axes.mirrored(reader),
        close=volume.close,
        voxel_nm=_turned(axes.pick(volume.voxel_nm)) if volume.voxel_nm else None,
        origin_nm=_turned(axes.pick(volume.origin_nm)) if volume.origin_nm else None,
        notes=volume.notes,
        axes=axes,
        tilt_series=volume.tilt_series,
        files=volume.files,
    )


def _turned(lengths: Sequence[float | None]) -> VoxelSize | None:
    known = [0.0 if length is None else length for length in lengths]
    return (known[0], known[1], known[2]) if None not in lengths else None
