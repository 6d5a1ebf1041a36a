"""TIFF, BigTIFF, ImageJ hyperstacks and OME-TIFF."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.wording import reason_of
from sxtstudio.io.filevolume import FileVolume, Reader
from sxtstudio.io.pages import DecodedSlices
from sxtstudio.io.raw import RawFile, RawSlices
from sxtstudio.io.tiff_ifd import Directory, lacks_parts, read_directories
from sxtstudio.io.tiff_meta import ome_images, voxel_and_origin
from sxtstudio.io.tiff_parts import (
    FILE_NAMES,
    decode_page,
    refuse_foreign_parts,
    refuse_unbounded,
    refuse_unknown_values,
)

_SEPARATE = 2
_COLOURS = 3  # fewer or more channels of 8 bit are nobody's photograph
_COLOUR = ("RGB", "YCBCR", "CIELAB", "SEPARATED")


def open_tiff(path: Path, *, named: bool = False) -> FileVolume:
    """Open a TIFF stack or a single TIFF image; uncompressed pixels are read in place, others page by page.

    Parameters
    ----------
    path
        File.
    named
        Whether the user names the axes: then planes of 8 bit and few channels are slices, too.

    Raises
    ------
    UserError
        If the file is truncated, holds colours, several images, or more than one long axis beside y and x.
    """
    directories = read_directories(path)
    try:
        tif = tifffile.TiffFile(path)
    except Exception as error:  # tifffile raises many kinds for damaged files
        raise UserError(
            f"{path.name} is a damaged TIFF file ({reason_of(error)}). Export it again."
        ) from error
    try:
        return _describe(path, tif, directories, named)
    except BaseException:
        tif.close()
        raise


def _describe(path: Path, tif: tifffile.TiffFile, directories: list[Directory], named: bool) -> FileVolume:
    try:
        refuse_foreign_parts(path, tif)
        series = tif.series
    except (UserError, MemoryError):
        raise
    except Exception as error:
        raise UserError(
            f"{path.name} is a damaged TIFF file ({reason_of(error)}). Export it again."
        ) from error
    if not series:
        raise UserError(f"{path.name} is a TIFF file without an image. Export it again.")
    if len(series) > 1:
        shapes = ", ".join(" × ".join(map(str, s.shape)) for s in series[:4])
        raise UserError(
            f"{path.name} holds {len(series)} images of different kinds ({shapes} …). "
            "Save the tomogram alone."
        )
    one = series[0]
    page = one.keyframe
    refuse_unknown_values(path, page, directories)
    notes: list[str] = []
    slices = _count_slices(path, one, named, notes)
    _check_promise(path, tif, one, slices, notes)
    if page.photometric == 3:
        notes.append("the file has a colour table, which is ignored")
    reader, close = _reader(path, tif, one, slices, directories)
    voxel_nm, origin_nm, why = voxel_and_origin(tif, slices)

    def close_all() -> None:
        tif.close()
        close()

    return FileVolume(
        path,
        format=_name(tif),
        shape=(slices, page.imagelength, page.imagewidth),
        dtype=one.dtype,
        reader=reader,
        close=close_all,
        voxel_nm=voxel_nm,
        origin_nm=origin_nm,
        notes=(*why, *notes),
        files=[Path(parent.filehandle.path) for parent in _parents(one.pages)],
        lacks_parts=lambda: lacks_parts(directories),
    )


def _count_slices(path: Path, one: tifffile.TiffPageSeries, named: bool, notes: list[str]) -> int:
    """Return the number of slices; every other long axis is an error."""
    page = one.keyframe
    planes = _planes_are_slices(one, named)
    if not planes and (page.samplesperpixel > 1 or page.photometric.name in _COLOUR):
        advice = "Convert it to grey values first"
        if _has_planes(page):
            advice += f"; if its {page.samplesperpixel} planes are slices, name its axes z, y, x (--axes zyx)"
        raise UserError(f"{path.name} is a colour (RGB) image. {advice}.")
    if page.imagedepth > 1:
        raise UserError(
            f"{path.name} uses volumetric tiles, which SXT Studio does not read. Save it as plain TIFF."
        )
    axes, shape = one.get_axes(False), one.get_shape(False)
    long = [
        (axis, n)
        for axis, n in zip(axes, shape, strict=True)
        if axis not in ("YX" if planes else "YXS") and n > 1
    ]  # size-1 axes such as T and C are dropped
    if len(long) > 1:
        sizes = " × ".join(f"{n} ({axis})" for axis, n in long)
        raise UserError(
            f"{path.name} has four or more dimensions ({sizes} beside y and x). "
            "Save one channel or time point."
        )
    if long and long[0][0] == "C" and long[0][1] == _COLOURS and not named and one.dtype == np.uint8:
        raise UserError(
            f"{path.name} has {long[0][1]} colour channels. Save one channel as grey values; if they are "
            "slices, name its axes z, y, x (--axes zyx)."
        )
    if long and long[0][0] in "CT" and not named:
        kind = {"C": "channels", "T": "time points"}[long[0][0]]
        notes.append(f"the file calls its slices {kind}; they are taken as z")
    if planes and not named and page.photometric.name in _COLOUR and one.dtype == np.uint8:
        notes.append(f"the file calls its {page.samplesperpixel} slices colours; they are taken as z")
    pixels = page.imagelength * page.imagewidth
    return int(np.prod(shape, dtype=object)) // pixels if pixels else 0


def _has_planes(page: tifffile.TiffPage) -> bool:
    """Whether the samples of a page lie one image after the other, not pixel by pixel."""
    return bool(page.samplesperpixel > 1 and page.planarconfig == _SEPARATE)


def _planes_are_slices(one: tifffile.TiffPageSeries, named: bool) -> bool:
    """Whether the planes of a page are slices: tifffile writes 3 or 4 slices so, and calls them RGB.

    Colours are three and of 8 bit, as photographs are; a description may call them slices all the same.
    Nobody keeps a photograph with its opacity plane by plane, nor one of two colours.
    """
    page = one.keyframe
    grey = page.photometric.name in ("MINISBLACK", "MINISWHITE")
    no_photograph = one.dtype != np.uint8 or page.samplesperpixel != _COLOURS
    return _has_planes(page) and (named or grey or "S" not in one.axes or no_photograph)


def _check_promise(
    path: Path, tif: tifffile.TiffFile, one: tifffile.TiffPageSeries, slices: int, notes: list[str]
) -> None:
    """Compare the number of images that the description names: tifffile falls back to fewer, or to none."""
    promised = 0
    if tif.is_imagej:
        found = re.search(r"^images=(\d+)", tif.pages.first.description, re.MULTILINE)
        promised = int(found.group(1)) if found else 0
    elif tif.is_ome:
        promised = ome_images(tif.ome_metadata)
        if not set(FILE_NAMES.findall(tif.ome_metadata or "")) - {path.name}:
            slices -= sum(page is None for page in one.pages)
    if promised > slices:
        raise UserError(
            f"{path.name} is truncated: it promises {promised} slices and holds {slices}. "
            "Copy or export it again."
        )
    if 0 < promised < len(tif.pages) and len(one.pages) == promised:
        notes.append(f"the file holds {len(tif.pages)} images, of which it names the first {promised}")


def _reader(
    path: Path,
    tif: tifffile.TiffFile,
    one: tifffile.TiffPageSeries,
    slices: int,
    directories: list[Directory],
) -> tuple[Reader, Any]:
    page = one.keyframe
    rows, columns = page.imagelength, page.imagewidth
    pages = list(one.pages)
    files = {os.path.realpath(parent.filehandle.path) for parent in _parents(pages)}
    folder = Path(os.path.realpath(path)).parent
    if None in pages or any(Path(file).parent != folder for file in files):
        raise UserError(
            f"{path.name} is one of several files of a tomogram, and others are missing. "
            "Put all of them into one folder, or save the tomogram as one file."
        )
    offsets = _offsets(tif, one, slices, directories)
    if offsets is not None:
        raw = RawFile(path)
        dtype = np.dtype(tif.byteorder + one.dtype.char)
        return RawSlices(raw, offsets, rows, columns, dtype).read, raw.close
    if len(pages) != slices and not (len(pages) == 1 and _has_planes(page)):
        raise UserError(
            f"{path.name} is truncated: it promises {slices} slices and holds {len(pages)}. "
            "Copy or export it again."
        )
    refuse_unbounded(path, page)
    parents = _parents(pages)
    for parent in parents:
        parent.filehandle.open()  # tifffile closes all files but the first
        parent.filehandle.set_lock(True)

    def decode(z: int) -> NDArray[Any]:
        if len(pages) < slices:  # planes of one page, at most a few
            planes: NDArray[Any] = pages[0].asarray(maxworkers=1)
            image: NDArray[Any] = planes.reshape(slices, rows, columns)[z]
            return image
        return decode_page(pages[z])

    def close() -> None:
        for parent in parents:
            parent.filehandle.close()

    return DecodedSlices(decode, rows, columns, one.dtype).read, close


def _parents(pages: Sequence[Any]) -> list[tifffile.TiffFile]:
    """Return the files over which the slices are spread, usually one."""
    return list({id(p.parent): p.parent for p in pages if p is not None}.values())


def _offsets(
    tif: tifffile.TiffFile, one: tifffile.TiffPageSeries, slices: int, directories: list[Directory]
) -> Sequence[int] | None:
    """Return where each slice begins if the pixels are stored as they are, else None."""
    page = one.keyframe
    bits = one.dtype.itemsize * 8
    if not page.is_final or page.bitspersample != bits or any(p.parent is not tif for p in one.pages):
        return None
    size = page.imagelength * page.imagewidth * one.dtype.itemsize
    by_position = {d.offset: d for d in directories}
    used = [by_position.get(p.offset) for p in one.pages]
    starts = [None if d is None or d.segment_bytes.sum() < size else d.contiguous_from for d in used]
    if any(start is None for start in starts):
        return None
    known = [start for start in starts if start is not None]
    if len(known) == 1 and slices > 1:
        # ImageJ writes one directory for all slices.
        if known[0] + slices * size > os.path.getsize(tif.filehandle.path):
            return None
        return range(known[0], known[0] + slices * size, size)
    return known if len(known) == slices else None


def _name(tif: tifffile.TiffFile) -> str:
    if tif.is_ome:
        return "OME-TIFF"
    if tif.is_imagej:
        return "ImageJ BigTIFF" if tif.is_bigtiff else "ImageJ TIFF"
    return "BigTIFF" if tif.is_bigtiff else "TIFF"
