"""Labels of a part of a tomogram, read as labels of all of it: what lies outside is 0."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box, Triple
from sxtstudio.io.filevolume import FileVolume


def placed(part: FileVolume, first: Triple, shape: Triple) -> FileVolume:
    """Return a volume of ``shape`` with ``part`` from voxel ``first`` on (z, y, x), in which it must fit.

    Closing the result closes ``part``.
    """

    def read(box: Box) -> NDArray[Any]:
        out = np.zeros(box.shape, part.dtype)
        start = [max(a, at) for a, at in zip(box.start, first, strict=True)]
        stop = [min(b, at + n) for b, at, n in zip(box.stop, first, part.shape, strict=True)]
        if all(a < b for a, b in zip(start, stop, strict=True)):
            (z0, y0, x0) = (a - at for a, at in zip(start, first, strict=True))
            (z1, y1, x1) = (b - at for b, at in zip(stop, first, strict=True))
            inside = tuple(slice(a - o, b - o) for a, b, o in zip(start, stop, box.start, strict=True))
            out[inside] = part.read(Box((z0, y0, x0), (z1, y1, x1)))
        return out

    origin = None
    if part.origin_nm is not None and part.voxel_nm is not None:
        z, y, x = (o - at * v for o, at, v in zip(part.origin_nm, first, part.voxel_nm, strict=True))
        origin = (z, y, x)
    z, y, x = first
    return FileVolume(
        part.path,
        format=part.format,
        shape=shape,
        dtype=part.dtype,
        reader=read,
        close=part.close,
        voxel_nm=part.voxel_nm,
        origin_nm=origin,
        notes=(*part.notes, f"the file holds a part, which begins at voxel {x}, {y}, {z} (x, y, z)"),
        files=part.files,
    )
