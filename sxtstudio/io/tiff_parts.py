"""What a TIFF of a stranger may make tifffile do: open other files, and fill lists and images.

tifffile opens whatever files a description names, makes lists as long as it says, and lets some codecs
return images of any size. All of that is looked at here before.
"""

from __future__ import annotations

import math
import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tifffile
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.io.limits import LARGEST_CHUNK_BYTES, MOST_SLICES
from sxtstudio.io.tiff_ifd import Directory

FILE_NAMES = re.compile(r"""FileName\s*=\s*["']([^"']*)["']""")
_COUNTS = re.compile(r"""\b(?:Size[ZCT]|First[ZCT]|IFD|PlaneCount|NumPlanes)\s*=\s*["']\s*(\d+)""")
_ELEMENT, _PIXELS = re.compile(r"<[^<>]*+>"), re.compile(r"\bPixels\b")
_SIZES = re.compile(r"""\bSize[ZCT]\s*=\s*["']\s*(\d+)""")

# Methods that unpack to no more than they are told to: none, CCITT, LZW, deflate, PackBits, LZMA, zstd.
_BOUNDED = {1, 2, 3, 4, 5, 8, 32773, 32946, 34925, 50000}
_JPEG, _UNCOMPRESSED = 7, 1
#: What is stored in other widths is unpacked.
_USUAL_BITS = (8, 16, 32, 64)
_SLACK_BYTES = 1 << 20


def refuse_foreign_parts(path: Path, tif: tifffile.TiffFile) -> None:
    """Refuse descriptions that name files elsewhere, promise absurd numbers, or could explode while parsed.

    Raises
    ------
    UserError
        If there is any of that.
    """
    if tif.is_ome:
        _check_ome(path, tif.ome_metadata or "")
    for name in _companions(path, tif):
        _check_companion(path, name)


def refuse_unknown_values(path: Path, page: tifffile.TiffPage, directories: list[Directory]) -> None:
    """Refuse pixels of a kind or of so many bits that nobody stores, or of more bits than the file holds.

    Raises
    ------
    UserError
        If they are. The pixels of usual widths are counted where they are read.
    """
    bits = page.bitspersample
    if page.dtype is None:
        raise UserError(
            f"{path.name} says that a value takes {bits} bits, which is no kind of number that SXT Studio "
            "reads. Save it with 8, 16 or 32 bits; if it should have these already, it is damaged: copy "
            "it again."
        )
    if bits in _USUAL_BITS:
        return
    for one in directories:
        needed = one.rows * -(-one.columns * one.samples * one.bits // 8)
        if one.compression == _UNCOMPRESSED and 0 < one.segment_bytes.sum() < needed:
            raise UserError(
                f"{path.name} says that a value takes {bits} bits, and holds fewer bytes than that takes. "
                "The file is damaged: copy or export it again."
            )


def refuse_unbounded(path: Path, page: tifffile.TiffPage) -> None:
    """Refuse pages whose pixels are packed by a method, or in pieces, that could take any memory.

    Raises
    ------
    UserError
        If they are.
    """
    compression = int(page.compression)
    if compression not in _BOUNDED and compression != _JPEG:
        name = getattr(page.compression, "name", str(compression))
        raise UserError(
            f"{path.name} is compressed with {name}, which SXT Studio does not read. "
            "Save it with LZW, deflate or zstd, or uncompressed."
        )
    piece = (
        (page.tiledepth, page.tilelength, page.tilewidth)
        if page.is_tiled
        else (page.imagedepth, page.imagelength, page.imagewidth)
    )
    samples = page.samplesperpixel * (page.bitspersample if isinstance(page.bitspersample, int) else 64)
    if math.prod(piece) * samples > 8 * LARGEST_CHUNK_BYTES:
        raise UserError(
            f"{path.name} is stored in pieces of {' × '.join(map(str, piece))} voxels, which do not fit into "
            "the memory. Save it in smaller ones, or check that it is a tomogram."
        )


def decode_page(page: tifffile.TiffPage | tifffile.TiffFrame) -> NDArray[Any]:
    """Return the pixels of a page that ``refuse_unbounded`` lets pass, of the shape that it says.

    Raises
    ------
    Exception
        Of many kinds, if it is damaged.
    """
    keyframe = page.keyframe
    most = 2 * keyframe.size * max(1, keyframe.dtype.itemsize) + _SLACK_BYTES
    if sum(page.databytecounts) > most:
        raise ValueError(f"{sum(page.databytecounts)} bytes for {keyframe.size} pixels")
    if int(keyframe.compression) == _JPEG:
        for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
            page.parent.filehandle.seek(offset)
            _check_jpeg(page.parent.filehandle.read(count), *page.chunks[:2])
    pixels: NDArray[Any] = page.asarray(maxworkers=1)
    return pixels


def _check_jpeg(data: bytes, rows: int, columns: int) -> None:
    """Raise ValueError unless a JPEG segment is of at most this size; its own header decides what it takes.

    Format: ITU-T T.81, section B.2.2.
    """
    position = 2
    while position + 9 <= len(data):
        marker, length = struct.unpack_from(">HH", data, position)
        if 0xFFC0 <= marker <= 0xFFCF and marker not in (0xFFC4, 0xFFC8, 0xFFCC):
            height, width = struct.unpack_from(">HH", data, position + 5)
            if height > rows or width > columns:
                raise ValueError(f"a JPEG image of {height} × {width} pixels in place of {rows} × {columns}")
            return
        position += 2 + length
    raise ValueError("a JPEG image without a size")


def _check_ome(path: Path, xml: str) -> None:
    if "<!DOCTYPE" in xml or "<!ENTITY" in xml:
        raise UserError(
            f"{path.name}: the OME description is not one that a microscope writes. Export it again."
        )
    for name in FILE_NAMES.findall(xml):
        if re.search(r"[/\\:\0]", name) or name == "..":
            raise UserError(
                f"{path.name} refers to a file in another folder ({name}), which is refused. "
                "Save the tomogram as one file."
            )
    counts = [int(text[:20]) for text in _COUNTS.findall(xml)]
    elements = [found for found in _ELEMENT.findall(xml) if _PIXELS.search(found)]
    images = [math.prod(int(text[:20]) for text in _SIZES.findall(found)) for found in elements]
    if max([*counts, *images], default=0) > MOST_SLICES:
        raise UserError(
            f"{path.name}: the OME description promises {max(counts + images)} slices, which is more than "
            "SXT Studio handles. Check that the file is a tomogram."
        )


def _companions(path: Path, tif: tifffile.TiffFile) -> Iterator[str]:
    """Yield the names of other files, in the same folder, that tifffile may open for this one."""
    if tif.is_ome:
        yield from set(FILE_NAMES.findall(tif.ome_metadata or "")) - {path.name}
    if tif.is_mmstack:
        _check_micro_manager(path, tif)
        yield from (found.name for found in path.parent.glob("*_MMStack*.tif"))
    index = path.parent / "NDTiff.index"
    if os.path.lexists(index):
        yield index.name
        if tif.is_ndtiff:
            yield from {str(entry[1]) for entry in tifffile.read_ndtiff_index(index)}


def _check_companion(path: Path, name: str) -> None:
    file = path.parent / name
    if not os.path.lexists(file):
        return
    real = Path(os.path.realpath(file))
    if real.parent != Path(os.path.realpath(path)).parent or os.path.basename(name) != name:
        raise UserError(
            f"{path.name} refers to a file in another folder ({name}), which is refused. "
            "Save the tomogram as one file."
        )
    if not real.is_file():
        raise UserError(
            f"{path.name} is one of several files, and {name} is none. Put all of them into one folder."
        )


def _check_micro_manager(path: Path, tif: tifffile.TiffFile) -> None:
    summary = (tif.micromanager_metadata or {}).get("Summary") or {}
    sizes = [summary.get(key, 1) for key in ("Positions", "Frames", "Channels", "Slices")]
    known = [size for size in sizes if isinstance(size, int) and size > 0]
    if math.prod(known) > MOST_SLICES:
        raise UserError(
            f"{path.name}: its description promises {math.prod(known)} slices, which is more than "
            "SXT Studio handles. Check that the file is a tomogram."
        )
