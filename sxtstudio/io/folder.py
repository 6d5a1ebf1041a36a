"""A folder of numbered 2D slices, TIFF or PNG."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.volume import SizeUnknown, VoxelSize
from sxtstudio.io.filevolume import FileVolume
from sxtstudio.io.pages import DecodedSlices
from sxtstudio.io.png import decode_png, read_png_header
from sxtstudio.io.tiff import open_tiff
from sxtstudio.io.tiff_ifd import is_tiff, read_directories
from sxtstudio.io.tiff_meta import voxel_and_origin
from sxtstudio.io.tiff_parts import decode_page, refuse_unbounded

_SUFFIXES = {".tif": "TIFF", ".tiff": "TIFF", ".png": "PNG"}


@dataclass(frozen=True)
class _Slice:
    rows: int
    columns: int
    kind: str
    bits: int


def open_folder(path: Path) -> FileVolume:
    """Open a folder of slices in the order of their numbers ("slice 2" before "slice 10").

    Hidden files and files of other kinds are ignored.

    Raises
    ------
    UserError
        If there are no slices, several series, or a slice that differs from the first one.
    """
    files = _slices_of_one_series(path)
    kind = _SUFFIXES[files[0].suffix.lower()]
    first = _look_at(files[0], kind)
    for file in files[1:]:
        found = _look_at(file, kind)
        if (found.rows, found.columns) != (first.rows, first.columns):
            raise UserError(
                f"{file.name} in {path.name} is {found.rows} × {found.columns} px, but {files[0].name} is "
                f"{first.rows} × {first.columns} px. Remove it or crop all slices to one size."
            )
        if found != first:
            raise UserError(
                f"{file.name} in {path.name} has another type of values than {files[0].name}. "
                "Save all slices with the same type."
            )
    dtype, voxel_nm, notes = _describe(files[0], kind, len(files))
    decode = decode_png if kind == "PNG" else _decode_tiff
    return FileVolume(
        path,
        format=f"folder of {kind} slices",
        shape=(len(files), first.rows, first.columns),
        dtype=dtype,
        reader=DecodedSlices(lambda z: decode(files[z]), first.rows, first.columns, dtype).read,
        voxel_nm=voxel_nm,
        notes=(*notes, *_gaps(files), *_left_out(path)),
        files=files,
    )


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Return a sort key that puts numbers within a name in the order of their value."""
    parts = re.split(r"(\d+)", name.lower())
    return [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in parts if p]


def _slices_of_one_series(path: Path) -> list[Path]:
    files = [p for p in path.iterdir() if _is_image(p) and p.is_file()]
    if not files:
        raise UserError(
            f"The folder {path.name} holds no TIFF or PNG slices and is no Zarr store. "
            "Choose the file or folder of a tomogram."
        )
    files.sort(key=lambda p: natural_key(p.name))
    kinds = {_SUFFIXES[p.suffix.lower()] for p in files}
    if len(kinds) > 1:
        raise UserError(
            f"The folder {path.name} holds both TIFF and PNG images. Put the slices into one of their own."
        )
    if len(files) > 1:
        names = {_series(p): p.name for p in reversed(files)}
        if None in names:
            raise UserError(
                f"{names[None]} in {path.name} has no number. Number the slices, or move it elsewhere."
            )
        if len(names) > 1:
            examples = sorted(n for n in names.values())[:2]
            raise UserError(
                f"The folder {path.name} holds several series of images ({examples[0]}, {examples[1]} …). "
                "Put the slices of one tomogram into a folder of their own."
            )
    return files


def _left_out(path: Path) -> tuple[str, ...]:
    """What has the name of a slice and cannot be one: at the end of a series no gap would show it."""
    names = sorted(
        (p.name for p in path.iterdir() if _is_image(p) and not p.is_file() and not p.is_dir()),
        key=natural_key,
    )
    return tuple(f"{name} is left out: it is no file, or a link that leads to none" for name in names[:3]) + (
        (f"of {len(names) - 3} more the same is true",) if len(names) > 3 else ()
    )


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES and not path.name.startswith(".")


def _series(file: Path) -> str | None:
    """Return the name without its last number, which is the same for all slices of a series."""
    parts = re.split(r"(\d+)", file.stem.lower())
    return None if len(parts) == 1 else "".join(parts[:-2]) + "#" + parts[-1]


def _number(file: Path) -> int:
    return int(re.findall(r"\d+", file.stem)[-1])


def _gaps(files: Sequence[Path]) -> tuple[str, ...]:
    if len(files) < 2:
        return ()
    steps = np.diff([_number(f) for f in files])
    usual = int(np.median(steps))
    missing = np.flatnonzero(steps != usual)
    if missing.size == 0:
        return ()
    return (f"the numbers of the slices have a gap after {files[int(missing[0])].name}",)


def _look_at(file: Path, kind: str) -> _Slice:
    """Return size and type from the first bytes of a slice."""
    with open(file, "rb") as stream:
        head = stream.read(8)
    if not head:
        raise UserError(f"{file.name} in {file.parent.name} is empty. Copy it again.")
    if kind == "PNG":
        png = read_png_header(file)
        return _Slice(png.rows, png.columns, png.dtype.kind, png.dtype.itemsize)
    if not is_tiff(head):
        raise UserError(f"{file.name} in {file.parent.name} is not a TIFF file. Remove or replace it.")
    pages = read_directories(file, limit=2)
    if len(pages) > 1:
        raise UserError(
            f"{file.name} in {file.parent.name} holds several slices. Open that file itself, or remove it."
        )
    page = pages[0]
    if page.samples > 1:
        raise UserError(
            f"{file.name} in {file.parent.name} is a colour (RGB) image. Convert it to grey values first."
        )
    return _Slice(page.rows, page.columns, page.kind, page.bits)


def _describe(file: Path, kind: str, slices: int) -> tuple[np.dtype[Any], VoxelSize | None, tuple[str, ...]]:
    if kind == "PNG":
        return read_png_header(file).dtype, None, (SizeUnknown("PNG images do not give it"),)
    with open_tiff(file) as volume:  # with all checks for a single image
        dtype = volume.dtype
    with tifffile.TiffFile(file) as tif:
        voxel_nm, _, notes = voxel_and_origin(tif, slices)
    return dtype, voxel_nm, notes


def _decode_tiff(file: Path) -> NDArray[Any]:
    with tifffile.TiffFile(file) as tif:
        refuse_unbounded(file, tif.pages.first)
        return decode_page(tif.pages.first)
