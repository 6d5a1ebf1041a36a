"""NIfTI-1 and NIfTI-2 volumes (.nii, .nii.gz) are read.

Format: nifti1.h and nifti2.h of the NIfTI Data Format Working Group.
"""

from __future__ import annotations

import json
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.errors import UserError
from sxtstudio.core.label_image import Legend, LegendEntry
from sxtstudio.core.plain_files import open_plain
from sxtstudio.core.volume import VoxelSize
from sxtstudio.io.filevolume import FileVolume
from sxtstudio.io.handover.directions import lengths_and_origin
from sxtstudio.io.packed import open_packed
from sxtstudio.io.raw import ByteSource, RawFile, first_bytes, read_some
from sxtstudio.io.stored import axes_of_format, check_stored, stored_volume
from sxtstudio.io.units import judge_voxel

BYTES_1, _BYTES_2 = 348, 540
TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8"}
TYPES[1280] = "u8"
_REFUSED = {32: "complex numbers", 1792: "complex numbers", 128: "colours", 2304: "colours", 1: "single bits"}
_NM = {1: 1e9, 2: 1e6, 3: 1e3}
COMMENT = 6
_MOST_EXTENSION = 16 << 20
_MOST_AXES = 7
_LARGE_SCALE = 1e30  # from here on, values may be too large for 32 bits


def is_nifti(head: bytes) -> bool:
    """Whether the first bytes of a file, or of what it holds packed, are those of NIfTI."""
    return head[344:348] in (b"n+1\0", b"ni1\0") or head[4:8] in (b"n+2\0", b"ni2\0")


class _Header:
    """The fields that matter, of either version."""

    def __init__(self, path: Path, head: bytes) -> None:
        first = head[344:348] in (b"n+1\0", b"ni1\0")
        self.magic = head[344:348] if first else head[4:8]
        size = BYTES_1 if first else _BYTES_2
        if len(head) < size:
            raise UserError(f"{path.name} is truncated: its header ends too early. Copy it again.")
        order = "<" if struct.unpack_from("<i", head)[0] == size else ">"
        self.order = order
        self.size = size
        if first:
            dim = struct.unpack_from(f"{order}8h", head, 40)
            (self.type,) = struct.unpack_from(f"{order}h", head, 70)
            pixdim = struct.unpack_from(f"{order}8f", head, 76)
            offset, self.slope, self.intercept = struct.unpack_from(f"{order}3f", head, 108)
            self.units = head[123]
            self.qform, self.sform = struct.unpack_from(f"{order}2h", head, 252)
            quaternion = struct.unpack_from(f"{order}6f", head, 256)
            rows = struct.unpack_from(f"{order}12f", head, 280)
        else:
            (self.type,) = struct.unpack_from(f"{order}h", head, 12)
            dim = struct.unpack_from(f"{order}8q", head, 16)
            pixdim = struct.unpack_from(f"{order}8d", head, 104)
            (offset,) = struct.unpack_from(f"{order}q", head, 168)
            self.slope, self.intercept = struct.unpack_from(f"{order}2d", head, 176)
            self.qform, self.sform = struct.unpack_from(f"{order}2i", head, 344)
            quaternion = struct.unpack_from(f"{order}6d", head, 352)
            rows = struct.unpack_from(f"{order}12d", head, 400)
            (self.units,) = struct.unpack_from(f"{order}i", head, 500)
        if not 1 <= dim[0] <= _MOST_AXES or not 0 <= offset < 1 << 40:
            raise UserError(f"{path.name} has a damaged header. Copy or export it again.")
        self.start = max(int(offset), size)
        self.shape = [int(n) for n in dim[1 : dim[0] + 1]]
        self.pixdim = pixdim
        self.quaternion = quaternion
        self.rows = np.array(rows, np.float64).reshape(3, 4)

    def affine(self) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Return the directions (3, 3), as long as voxels, and the position (3,) of the first voxel."""
        if self.sform > 0:
            return self.rows[:, :3], self.rows[:, 3]
        edges = np.abs(np.array(self.pixdim[1:4], np.float64))
        if self.qform > 0:
            b, c, d = (float(value) for value in self.quaternion[:3])
            a = float(np.sqrt(max(0.0, 1 - b * b - c * c - d * d)))
            turn = np.array(
                [
                    [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
                    [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
                    [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
                ]
            )
            turn[:, 2] *= -1 if self.pixdim[0] < 0 else 1
            return turn * edges, np.array(self.quaternion[3:], np.float64)
        return np.diag(edges), None


def open_nifti(path: Path, packed: ByteSource | None = None, order: AxisOrder | None = None) -> FileVolume:
    """Open a volume, or what a file holds packed; its voxels stay on disk.

    Raises
    ------
    UserError
        If it is damaged, truncated, 4D, of colours, or its voxels are in another file (.hdr and .img).
    """
    source = packed or RawFile(path)
    try:
        return _open(path, source, order)
    except BaseException:
        source.close()
        raise


def _open(path: Path, source: ByteSource, order: AxisOrder | None) -> FileVolume:
    header = _Header(path, first_bytes(source, _BYTES_2))
    if header.magic[1:2] == b"i":
        raise UserError(f"{path.name} has its voxels in another file (.img). Save it as one file (.nii).")
    if header.type not in TYPES:
        what = _REFUSED.get(header.type, f"values of type {header.type}")
        raise UserError(f"{path.name} holds {what}, not grey values. Save grey values.")
    shape = header.shape + [1] * max(0, 2 - len(header.shape))
    dtype = np.dtype(header.order + TYPES[header.type])
    axes = axes_of_format(path.name, shape[::-1], order)
    check_stored(path, source, header.start, shape[::-1], dtype)
    directions, position = header.affine()
    lengths, origin, notes = lengths_and_origin(directions, position)
    unit = _NM.get(header.units & 7)
    count = len(shape)
    more: list[float | None] = [None] * max(0, count - 3)
    along = [*lengths, *more][:count]
    first = [*(origin or (None, None, None)), *more][:count]
    voxel_nm, why = judge_voxel(axes.pick(along[::-1]), unit, depth_matters=axes.volume_shape[0] > 1)
    slope, intercept = float(header.slope), float(header.intercept)
    scaled = np.isfinite([slope, intercept]).all() and slope != 0 and (slope, intercept) != (1.0, 0.0)
    exact = (dtype.itemsize < 4 or dtype.str[1:] == "f4") and max(abs(slope), abs(intercept)) < _LARGE_SCALE
    kind = np.dtype(np.float32 if exact else np.float64)

    def rescaled(voxels: NDArray[Any]) -> NDArray[Any]:
        with np.errstate(over="ignore", invalid="ignore"):  # a strange scale gives infinite values
            values: NDArray[Any] = voxels.astype(kind) * kind.type(slope) + kind.type(intercept)
        return values

    return stored_volume(
        path,
        source,
        format="NIfTI" if isinstance(source, RawFile) else "NIfTI, packed",
        start=header.start,
        dtype=dtype,
        axes=axes,
        convert=rescaled if scaled else None,
        converted=kind if scaled else None,
        voxel_nm=voxel_nm,
        origin_nm=_origin(axes.pick(first[::-1]), unit) if voxel_nm else None,
        notes=(*notes, *why),
    )


def _origin(values: list[float | None], unit: float | None) -> VoxelSize | None:
    known = [value * unit for value in values if value is not None and unit is not None]
    return (known[0], known[1], known[2]) if len(known) == 3 else None


def names_in(path: Path) -> Legend:
    """Return names and colours as SXT Studio writes them beside the header; () where there are none."""
    with open_plain(path) as file:
        is_packed = file.read(2) == b"\x1f\x8b"
    source: ByteSource = open_packed(path, "gzip") if is_packed else RawFile(path)
    try:
        header = _Header(path, first_bytes(source, _BYTES_2))
        place = header.size + 4
        if header.start <= place or not read_some(source, header.size, 1)[0]:
            return ()
        size, code = struct.unpack(f"{header.order}2i", read_some(source, place, 8))
        if code != COMMENT or not 16 <= size <= min(_MOST_EXTENSION, header.start - place):
            return ()
        return _legend_of(read_some(source, place + 8, size - 8))
    finally:
        source.close()


def _legend_of(data: bytes) -> Legend:
    found: list[LegendEntry] = []
    with suppress(ValueError, KeyError, TypeError, RecursionError):
        for one in json.loads(data.rstrip(b"\0").decode())["labels"]:
            r, g, b = (int(channel) for channel in one["rgb"])
            value, name = int(one["value"]), str(one["name"])
            if value > 0 and name.isprintable() and all(0 <= channel <= 255 for channel in (r, g, b)):
                found.append(LegendEntry(value, name, (r, g, b)))
    return tuple(sorted(found, key=lambda entry: entry.value))
