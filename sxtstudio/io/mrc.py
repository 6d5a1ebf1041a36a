"""MRC, REC, ST and MAP files (MRC2014 and its IMOD dialect).

Format: Cheng et al., J. Struct. Biol. 192, 146 (2015), and the description of IMOD's MRC files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mrcfile.utils
import numpy as np
from mrcfile.dtypes import HEADER_DTYPE
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.volume import VoxelSize
from sxtstudio.io.filevolume import FileVolume
from sxtstudio.io.packed import PackedFile
from sxtstudio.io.place import NM_PER_ANGSTROM, MrcFrame
from sxtstudio.io.raw import RawFile, RawSlices, first_bytes
from sxtstudio.io.tilt_series import tilt_series_by_header
from sxtstudio.io.units import judge_voxel

HEADER_BYTES = 1024
_PACKED_4_BIT = 101
_MOST_EXTENDED = 1 << 20
_COMPLEX = (3, 4)
_RGB = 16
_VOXEL_MODES = (0, 1, 2, 6, 12, _PACKED_4_BIT)
_KNOWN_MODES = (*_VOXEL_MODES, *_COMPLEX, _RGB)


@dataclass(frozen=True)
class _Layout:
    """Where the voxels lie in the file."""

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    start: int
    slice_bytes: int
    packed: bool


def looks_like_mrc(head: bytes, file_bytes: int) -> bool:
    """Return whether the first bytes of a file are an MRC header.

    Old files lack the letters "MAP": these must have a sensible header that fits the file's size.
    """
    if len(head) < HEADER_BYTES:
        return head[208:211] == b"MAP"
    if head[208:211] == b"MAP":
        return True
    header = _parse(head)
    if not _sensible(header):
        return False
    voxels = _bytes_of_data(header)
    surplus = file_bytes - HEADER_BYTES - max(0, int(header["nsymbt"])) - (voxels or 0)
    return bool(voxels) and 0 <= surplus < 4096


def open_mrc(path: Path, packed: PackedFile | None = None) -> FileVolume:
    """Open an MRC file, or what a file holds packed; the voxels stay on disk.

    Modes 0 (signed bytes, or unsigned where IMOD says so), 1, 2, 6, 12 (float16) and 101
    (4 bit), both byte orders, any extended header.

    Raises
    ------
    UserError
        If the file is truncated, its header does not fit its size, or it is complex, RGB or 4D.
    """
    source = packed or RawFile(path)
    try:
        return _open(path, source)
    except BaseException:
        source.close()
        raise


def _open(path: Path, source: RawFile | PackedFile) -> FileVolume:
    head = first_bytes(source, HEADER_BYTES)
    if len(head) < HEADER_BYTES:
        raise UserError(
            f"{path.name} is truncated: it has {len(head)} bytes, an MRC header alone has 1024. "
            "Copy it again."
        )
    header = _parse(head)
    notes: list[str] = []
    frame = MrcFrame.of(header)
    layout = _layout(path, header, frame, notes)
    _check_size(path, layout, source, notes)
    voxel_nm, why = _voxel_size(header, frame)
    per_image, flags = np.frombuffer(header["extra2"].tobytes()[16:20], header.dtype["mode"].str[0] + "i2")
    extended = first_bytes(source, min(int(header["nsymbt"]), _MOST_EXTENDED), HEADER_BYTES)
    offsets = range(layout.start, layout.start + layout.shape[0] * layout.slice_bytes, layout.slice_bytes)
    rows, columns = layout.shape[1:]
    if layout.packed:
        packed = RawSlices(source, offsets, rows, (columns + 1) // 2, np.uint8)

        def reader(box: Box) -> NDArray[Any]:
            return _unpack(packed, box)
    else:
        reader = RawSlices(source, offsets, rows, columns, layout.dtype).read
    return FileVolume(
        path,
        format="MRC" if isinstance(source, RawFile) else "MRC, packed",
        shape=layout.shape,
        dtype=layout.dtype,
        reader=reader,
        close=source.close,
        voxel_nm=voxel_nm,
        origin_nm=frame.origin_nm(voxel_nm),
        frame=frame,
        tilt_series=tilt_series_by_header(
            extended, int(per_image), int(flags), layout.shape[0], header.dtype["mode"].str[0]
        ),
        notes=(*why, *notes),
    )


def _parse(head: bytes) -> np.void:
    """Return the header in the byte order in which it makes sense, the machine stamp's first."""
    record = np.frombuffer(head[:HEADER_BYTES], HEADER_DTYPE)[0]
    try:
        stamped = mrcfile.utils.byte_order_from_machine_stamp(record["machst"])
    except ValueError:
        stamped = "<"
    other = "<" if stamped == ">" else ">"
    for order in (stamped, other):
        header: np.void = np.frombuffer(head[:HEADER_BYTES], HEADER_DTYPE.newbyteorder(order))[0]
        if _sensible(header):
            return header
    return np.frombuffer(head[:HEADER_BYTES], HEADER_DTYPE.newbyteorder(stamped))[0]  # type: ignore[no-any-return]


def _sensible(header: np.void) -> bool:
    axes = [int(header[name]) for name in ("mapc", "mapr", "maps")]
    return (
        int(header["mode"]) in _KNOWN_MODES
        and all(0 <= int(header[name]) < 1 << 24 for name in ("nx", "ny", "nz"))
        and (sorted(axes) == [1, 2, 3] or axes == [0, 0, 0])
    )


def _bytes_of_data(header: np.void) -> int | None:
    mode = int(header["mode"])
    if mode not in _VOXEL_MODES:
        return None
    nx, ny, nz = (int(header[name]) for name in ("nx", "ny", "nz"))
    row = (nx + 1) // 2 if mode == _PACKED_4_BIT else nx * mrcfile.utils.dtype_from_mode(mode).itemsize
    return int(nz * ny * row)


def _layout(path: Path, header: np.void, frame: MrcFrame, notes: list[str]) -> _Layout:
    mode = int(header["mode"])
    if mode in _COMPLEX:
        raise UserError(
            f"{path.name} is a complex MRC file (mode {mode}), a Fourier transform. "
            "Export the real-space volume instead."
        )
    if mode == _RGB:
        raise UserError(f"{path.name} is an RGB colour MRC file. Convert it to grey values first.")
    if mode not in _VOXEL_MODES:
        raise UserError(f"{path.name} has the unknown MRC mode {mode}. The header is damaged; copy it again.")
    nx, ny, nz = (int(header[name]) for name in ("nx", "ny", "nz"))
    if min(nx, ny, nz) <= 0:
        raise UserError(
            f"{path.name} holds no voxels: its header says {nx} × {ny} × {nz} (x × y × z). "
            "Choose another file."
        )
    mz = int(header["mz"])
    if mrcfile.utils.spacegroup_is_volume_stack(int(header["ispg"])) and 0 < mz < nz:
        raise UserError(
            f"{path.name} is a stack of {nz // mz} volumes (4D). Save one volume to a file of its own."
        )
    extended = int(header["nsymbt"])
    if extended < 0:
        raise UserError(f"{path.name}: the header gives a negative length ({extended}). It is damaged.")
    axes = tuple(int(header[name]) for name in ("mapc", "mapr", "maps"))
    if axes not in ((1, 2, 3), (0, 0, 0)):
        notes.append(f"the header maps columns, rows and slices to the axes {axes}; they are kept as stored")
    dtype = np.dtype(np.uint8) if mode == _PACKED_4_BIT else mrcfile.utils.dtype_from_mode(mode)
    if mode == 0 and frame.bytes_are_unsigned:
        dtype = np.dtype(np.uint8)
        notes.append("IMOD marks the bytes as unsigned")
    slice_bytes = int(_bytes_of_data(header) or 0) // nz
    order = header.dtype["mode"].byteorder
    return _Layout(
        (nz, ny, nx), dtype.newbyteorder(order), HEADER_BYTES + extended, slice_bytes, mode == _PACKED_4_BIT
    )


def _check_size(path: Path, layout: _Layout, source: RawFile | PackedFile, notes: list[str]) -> None:
    needed = layout.start + layout.shape[0] * layout.slice_bytes
    z, y, x = layout.shape
    is_packed = isinstance(source, PackedFile)
    file_bytes = source.size
    if file_bytes < needed:
        raise UserError(
            f"{path.name} is truncated: its header ({x} × {y} × {z} voxels) needs {needed} bytes, "
            f"the file has {file_bytes}{' at most' if is_packed else ''}. Copy or reconstruct it again."
        )
    if is_packed:
        return
    surplus = file_bytes - needed
    if surplus >= layout.slice_bytes and surplus > 4096:
        raise UserError(
            f"{path.name}: the header ({x} × {y} × {z} voxels) does not fit the file, "
            f"which is {surplus} bytes longer. Mend the header or export the tomogram again."
        )
    if surplus:
        notes.append(f"{surplus} bytes after the last slice are ignored")


def _voxel_size(header: np.void, frame: MrcFrame) -> tuple[VoxelSize | None, tuple[str, ...]]:
    """Return cell length / grid points along each file axis; a cell is given in Å."""
    values: list[float | None] = []
    for name in frame.letters:
        grid = int(header[f"m{name}"])
        values.append(float(header["cella"][name]) / grid if grid > 0 else 0.0)
    return judge_voxel(values, NM_PER_ANGSTROM, depth_matters=int(header["nz"]) > 1)


def _unpack(packed: RawSlices, box: Box) -> NDArray[Any]:
    """Return voxels of mode 101: two to a byte, the first in the lower half; rows begin on a byte."""
    first, last = box.start[2] // 2, (box.stop[2] + 1) // 2
    pairs = packed.read(Box((*box.start[:2], first), (*box.stop[:2], last)))
    voxels = np.empty((*pairs.shape[:2], 2 * pairs.shape[2]), np.uint8)
    np.bitwise_and(pairs, 15, out=voxels[..., 0::2])
    np.right_shift(pairs, 4, out=voxels[..., 1::2])
    begin = box.start[2] - 2 * first
    return voxels[..., begin : begin + box.shape[2]]
