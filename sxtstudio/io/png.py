"""PNG images: one slice each, read by Pillow."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sxtstudio.core.errors import UserError
from sxtstudio.core.volume import SizeUnknown
from sxtstudio.core.wording import reason_of
from sxtstudio.io.filevolume import FileVolume
from sxtstudio.io.pages import DecodedSlices

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Pillow's names for grey values of 1 to 8 bit and of 16 bit.
_GREY = {"1": np.uint8, "L": np.uint8, "I;16": np.uint16, "I": np.uint16}
_LAST_CHUNK_BYTES = 12


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
        If the file is cut off or damaged, is too large, or holds colours or transparency.
    """
    with _opened(path) as image:
        if image.mode not in _GREY or "transparency" in image.info:
            raise UserError(
                f"{path.name} is a colour (RGB) or transparent image. Convert it to grey values first."
            )
        columns, rows = image.size
        return PngHeader(rows, columns, np.dtype(_GREY[image.mode]))


def decoded_size(path: Path) -> tuple[int, int]:
    """Return width and height of a PNG image of any kind, all of which is decoded.

    Raises
    ------
    UserError
        If the file is cut off or damaged.
    """
    with _opened(path) as image:
        image.load()
        return image.size


def decode_png(path: Path) -> NDArray[Any]:
    """Return the grey values (y, x) of a PNG file."""
    with _opened(path) as image:
        dtype = _GREY.get(image.mode)
        whole = image.convert("L") if image.mode == "1" else image
        return np.asarray(whole).astype(dtype, copy=False)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open an image; what Pillow says of damage and size becomes a sentence."""
    try:
        with open(path, "rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _LAST_CHUNK_BYTES))
            complete = b"IEND" in file.read()
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            if complete:
                with Image.open(path, formats=["PNG"]) as image:
                    yield image
                return
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UserError(
            f"{path.name} is larger than any detector (over {Image.MAX_IMAGE_PIXELS or 0:,} pixels), or "
            "damaged. Save it anew as TIFF."
        ) from error
    except (SyntaxError, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise UserError(
            f"{path.name} is damaged and cannot be read ({reason_of(error)}). Copy it again."
        ) from error
    raise UserError(f"{path.name} is truncated: the PNG image has no end. Copy it again.")


def open_png(path: Path) -> FileVolume:
    """Open a PNG image as a tomogram of one slice."""
    header = read_png_header(path)
    return FileVolume(
        path,
        format="PNG",
        shape=(1, header.rows, header.columns),
        dtype=header.dtype,
        reader=DecodedSlices(lambda z: decode_png(path), header.rows, header.columns, header.dtype).read,
        notes=(SizeUnknown("PNG images do not give it"),),
    )
