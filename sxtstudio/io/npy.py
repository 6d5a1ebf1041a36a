"""Arrays of NumPy (.npy), versions 1 to 3 of the format; what would have to be unpickled is refused.

Format: NumPy Enhancement Proposal 1, and ``numpy.lib.format``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.errors import UserError
from sxtstudio.core.volume import SizeUnknown
from sxtstudio.core.wording import cut
from sxtstudio.io.axes import NamedBy, find_axes, refuse_colour
from sxtstudio.io.filevolume import FileVolume
from sxtstudio.io.raw import ByteSource, RawFile
from sxtstudio.io.stored import check_stored, stored_volume

MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 10_000


def open_npy(path: Path, order: AxisOrder | None = None) -> FileVolume:
    """Open an array (z, y, x), or in the order that the user names; the voxels stay on disk.

    Parameters
    ----------
    path
        File.
    order
        How the user names the axes; an array of NumPy has no names for them, and no voxel size.

    Raises
    ------
    UserError
        If it is truncated, 4D, or holds something else than numbers.
    """
    source = RawFile(path)
    try:
        return _open(path, source, order)
    except BaseException:
        source.close()
        raise


def _open(path: Path, source: ByteSource, order: AxisOrder | None) -> FileVolume:
    with open(path, "rb") as file:
        version = np.lib.format.read_magic(file)
        place, length = file.tell(), file.read(4)
        # NumPy reads a header of any length before it looks at it.
        if int.from_bytes(length[: 2 if version == (1, 0) else 4], "little") > _LONGEST_HEADER:
            raise UserError(f"{path.name} is damaged: its header is too long. Copy or export it again.")
        file.seek(place)
        # Versions 2 and 3 differ in the names of fields only, which no volume has.
        read = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        try:
            shape, backwards, dtype = read(file, max_header_size=_LONGEST_HEADER)
        except OSError:
            raise
        except Exception as error:  # the parser of Python too, which takes deep nesting for too little memory
            raise UserError(
                f"{path.name} is damaged: its header does not describe an array. Copy or export it again."
            ) from error
        start = file.tell()
    if dtype.hasobject or dtype.kind not in "biufc":
        raise UserError(
            f"{path.name} holds values of type {cut(str(dtype))}, not grey values. Save an array of numbers."
        )
    axes = find_axes(path.name, shape, None, order)
    if backwards:  # Fortran's order: the first axis is the fastest
        z, y, x = (None if place is None else len(shape) - 1 - place for place in axes.places)
        axes = replace(axes, shape=shape[::-1], places=(z, y or 0, x or 0))
    if axes.named_by is NamedBy.NOBODY:
        refuse_colour(path.name, shape, dtype)
    check_stored(path, source, start, shape, dtype)
    return stored_volume(
        path,
        source,
        format="NumPy",
        start=start,
        dtype=dtype,
        axes=axes,
        notes=(SizeUnknown("an array of NumPy has none"),),
    )
