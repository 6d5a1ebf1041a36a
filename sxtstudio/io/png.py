"""PNG images: one slice each."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.io.filevolume import FileVolume
from sxtstudio.io.pages import DecodedSlices

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY = 0


@dataclass(frozen=True)
class PngHeader:
    """Size and type of a grey PNG image."""

    rows: int
    columns: int
    dtype: np.dtype[Any]


def read_png_header(path: Path) -> PngHeader:
    """Return size and type without decoding the image.

    Raises
    ------
    UserError
        If the file is cut off, or holds colours or transparency.
    """
    with open(path, "rb") as file:
        head = file.read(33)
        file.seek(0, 2)
        size = file.tell()
        file.seek(max(0, size - 12))
        tail = file.read(12)
    if len(head) < 33 or head[12:16] != b"IHDR" or b"IEND" not in tail:
        raise UserError(f"{path.name} is truncated: the PNG image has no end. Copy it again.")
    columns, rows, bits, colour = struct.unpack(">IIBB", head[16:26])
    if colour != _GREY:
        raise UserError(
            f"{path.name} is a colour (RGB) or transparent image. Convert it to grey values first."
        )
    return PngHeader(rows, columns, np.dtype(np.uint16 if bits == 16 else np.uint8))


def decode_png(path: Path) -> NDArray[Any]:
    """Return the grey values (y, x) of a PNG file."""
    pixels: NDArray[Any] = imagecodecs.png_decode(path.read_bytes())
    return pixels


def open_png(path: Path) -> FileVolume:
    """Open a PNG image as a tomogram of one slice."""
    header = read_png_header(path)
    return FileVolume(
        path,
        format="PNG",
        shape=(1, header.rows, header.columns),
        dtype=header.dtype,
        reader=DecodedSlices(lambda z: decode_png(path), header.rows, header.columns, header.dtype).read,
        notes=("voxel size unknown: PNG images do not give it",),
    )
