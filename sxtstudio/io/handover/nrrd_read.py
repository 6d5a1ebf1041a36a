"""NRRD volumes, and segmentations of 3D Slicer in them (.seg.nrrd), are read.

Format: "Definition of NRRD File Format" (Teem); segments as 3D Slicer describes them (Slicer/Slicer, commit
1156cf2, Docs/user_guide/modules/segmentations.md) and lassoan/slicerio (commit 543a856) reads them.

3D Slicer takes any length for mm, and does not say so in the file: a length without a unit is none here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.core.label_image import Legend, LegendEntry
from sxtstudio.core.object_classes import Rgb
from sxtstudio.core.plain_files import open_plain
from sxtstudio.core.volume import SizeUnknown, VoxelSize
from sxtstudio.io.filevolume import FileVolume
from sxtstudio.io.handover.directions import lengths_and_origin
from sxtstudio.io.handover.placed import placed
from sxtstudio.io.packed import open_packed
from sxtstudio.io.raw import ByteSource, RawFile
from sxtstudio.io.stored import axes_of_format, check_stored, stored_volume
from sxtstudio.io.units import judge_voxel, nm_per_unit

MAGIC = b"NRRD000"
_MOST_HEADER, _MOST_LINES = 16 << 20, 200_000
_MOST_SKIPPED = 16 << 20  # bytes of the lines that "line skip" passes
_MOST_AXES = 16
TYPES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("unsigned char", "uchar", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("unsigned short", "ushort", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("unsigned int", "uint", "uint32", "uint32_t"),
    "i8": ("long long", "longlong", "long long int", "signed long long", "int64", "int64_t"),
    "u8": ("unsigned long long", "ulonglong", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}
_CODES = {name: code for code, names in TYPES.items() for name in names}
_PACKED = {"gzip": "gzip", "gz": "gzip", "bzip2": "bzip2", "bz2": "bzip2"}
_NO_SPACE = ("none", "nan")


@dataclass(frozen=True)
class Header:
    """Fields (lower case) and key/value pairs of a header, and where the data begin behind it."""

    fields: dict[str, str]
    pairs: dict[str, str]
    end: int

    def numbers(self, name: str) -> list[float]:
        """Return the numbers in a field, none where it is missing."""
        return [float(word) for word in self.fields.get(name, "").split()]


def read_header(path: Path) -> Header:
    """Read the header of a file.

    Raises
    ------
    UserError
        If it has no end, or too many lines.
    """
    with open_plain(path) as file:
        content = file.read(_MOST_HEADER)
    found = re.search(rb"\r?\n\r?\n", content)
    if found is None and len(content) == _MOST_HEADER:
        raise UserError(f"{path.name} has a header without an end. It is damaged; copy it again.")
    text = content[: found.start() if found else len(content)].decode("utf-8", "replace")
    fields: dict[str, str] = {}
    pairs: dict[str, str] = {}
    lines = text.split("\n", _MOST_LINES)
    if len(lines) > _MOST_LINES:
        raise UserError(
            f"{path.name} has a header of more than {_MOST_LINES} lines. It is damaged; copy it again."
        )
    for line in (line.removesuffix("\r") for line in lines[1:]):
        if line.startswith("#"):
            continue
        key, _, value = line.partition(":")
        if value.startswith("="):
            pairs[key] = _unescaped(value[1:])
        else:
            fields[key.strip().lower()] = value.strip()
    return Header(fields, pairs, found.end() if found else len(content))


def open_nrrd(path: Path, order: AxisOrder | None = None) -> FileVolume:
    """Open a volume; its voxels stay on disk.

    Encodings raw, gzip and bzip2, in the file or in another one of the same folder (.nhdr).

    Raises
    ------
    UserError
        If it is damaged, truncated, 4D, of several layers, or its data are in another folder or a text.
    """
    header = read_header(path)
    sizes = [int(word) for word in header.fields.get("sizes", "").split()]
    if not 1 <= len(sizes) <= _MOST_AXES or len(sizes) != int(header.fields.get("dimension", "0")):
        raise UserError(f"{path.name} has a header without sizes. It is damaged; copy it again.")
    kinds = header.fields.get("kinds", "").lower().split()
    _refuse_layers(path, sizes, kinds)
    dtype = _type(path, header)
    where, source, start = _data(path, header)
    try:
        axes = axes_of_format(path.name, sizes[::-1], order)
        check_stored(path, source, max(0, start), sizes[::-1], dtype)
        if start < 0:  # the data are what the file ends with
            start = source.size - int(np.prod(sizes, dtype=object)) * dtype.itemsize
        lengths, origin, units, notes = _geometry(header, len(sizes))
        voxel_nm, why = judge_voxel(
            axes.pick(lengths[::-1]), axes.pick(units[::-1]), depth_matters=axes.volume_shape[0] > 1
        )
        if voxel_nm is None and all(unit is None for unit in units) and any(lengths):
            why = (SizeUnknown("the file gives no unit of length"),)
    except BaseException:
        source.close()
        raise
    return stored_volume(
        path,
        source,
        format="NRRD segmentation" if "Segment0_ID" in header.pairs else "NRRD",
        start=start,
        dtype=dtype,
        axes=axes,
        voxel_nm=voxel_nm,
        origin_nm=_origin(axes.pick(origin[::-1]), axes.pick(units[::-1])) if voxel_nm else None,
        notes=(*notes, *why),
        files=(path, where) if where != path else (),
    )


def open_segments(path: Path, shape: Triple) -> FileVolume:
    """Open labels of a tomogram of this shape: those that 3D Slicer has cropped lie where they were drawn.

    "Segmentation_ReferenceImageExtentOffset" is the voxel (x, y, z) of the image at which they begin.
    """
    volume = open_nrrd(path)
    words = read_header(path).pairs.get("Segmentation_ReferenceImageExtentOffset", "").split()
    if volume.shape == shape or len(words) != 3 or not all(word.isdigit() for word in words):
        return volume
    z, y, x = (int(word) for word in words[::-1])
    fits = all(at + n <= size for at, n, size in zip((z, y, x), volume.shape, shape, strict=True))
    return placed(volume, (z, y, x), shape) if fits else volume


def segments_in(path: Path) -> Legend:
    """Return names and colours of the segments of a .seg.nrrd; () where there are none."""
    pairs = read_header(path).pairs
    found: dict[int, LegendEntry] = {}
    for key, name in pairs.items():
        number = re.fullmatch(r"Segment(\d{1,6})_Name", key)
        if number is None:
            continue
        begin = f"Segment{number.group(1)}_"
        value, colour = pairs.get(f"{begin}LabelValue", ""), pairs.get(f"{begin}Color", "").split()
        if value.isdigit() and int(value) and pairs.get(f"{begin}Layer", "0") == "0" and name.isprintable():
            found[int(value)] = LegendEntry(int(value), name, _rgb(colour))
    return tuple(found[value] for value in sorted(found))


def _rgb(words: list[str]) -> Rgb:
    r, g, b = (round(255 * min(1.0, max(0.0, float(word)))) for word in (words * 3)[:3] or ["0.5"] * 3)
    return (r, g, b)


def _refuse_layers(path: Path, sizes: list[int], kinds: list[str]) -> None:
    for size, kind in zip(sizes, kinds, strict=False):
        if size > 1 and kind == "list":
            raise UserError(
                f"{path.name} holds {size} layers of segments that overlap. Export the segments as a binary "
                "labelmap volume in 3D Slicer, or save them without overlap."
            )
        if size > 1 and kind not in ("domain", "space", "time", "???", "none"):
            raise UserError(f"{path.name} holds {size} values for each voxel ({kind}). Save one of them.")


def _type(path: Path, header: Header) -> np.dtype[Any]:
    name = " ".join(header.fields.get("type", "").lower().split())
    if name not in _CODES:
        raise UserError(f"{path.name} holds values of type {name[:40]!r}, not grey values. Save numbers.")
    order = ">" if header.fields.get("endian", "").lower() == "big" else "<"
    return np.dtype(order + _CODES[name])


def _data(path: Path, header: Header) -> tuple[Path, ByteSource, int]:
    """Return the file with the data, opened, and where they begin: -1 for at its end."""
    named = header.fields.get("data file", header.fields.get("datafile"))
    where, start = path, header.end
    if named is not None:
        where, start = _beside(path, named), 0
    encoding = header.fields.get("encoding", "raw").lower()
    if encoding not in ("raw", *_PACKED):
        raise UserError(f"{path.name} is written as {encoding[:40]}. Save it raw or packed with gzip.")
    lines = int(header.fields.get("line skip", header.fields.get("lineskip", "0")))
    skipped = int(header.fields.get("byte skip", header.fields.get("byteskip", "0")))
    if lines > 0:
        start = _after_lines(where, start, lines)
    if encoding in _PACKED:
        return where, open_packed(where, _PACKED[encoding], start), max(0, skipped)
    return where, RawFile(where), -1 if skipped < 0 else start + skipped


def _beside(path: Path, named: str) -> Path:
    """Return the file of the data, which must lie in the folder of its header, and be no link."""
    where = path.with_name(named) if Path(named).name == named and "\\" not in named else None
    if where is None or named.upper().startswith("LIST") or "%" in named:
        raise UserError(
            f"{path.name} has its data in {named[:80]!r}, and not in one file beside it, which is refused. "
            "Save the volume as one file (.nrrd)."
        )
    if where.is_symlink() or not where.is_file():
        what = "is a link, and refused" if where.is_symlink() else "is missing"
        raise UserError(f"{path.name} has its data in {named[:80]}, which {what}. Copy it beside the header.")
    return where


def _after_lines(path: Path, start: int, lines: int) -> int:
    with open_plain(path) as file:
        file.seek(start)
        passed = 0
        for _ in range(lines):
            line = file.readline(_MOST_SKIPPED + 1 - passed)
            passed += len(line)
            if passed > _MOST_SKIPPED:
                raise UserError(
                    f"{path.name} has too many or too long lines before its data. It is damaged, or its "
                    "header (line skip) is wrong; copy or export it again."
                )
            if not line:
                break
        return start + passed


def _geometry(
    header: Header, count: int
) -> tuple[list[float | None], list[float | None], list[float | None], tuple[str, ...]]:
    """Return length, origin, and nm per unit along each stored axis, the fastest first, and notes."""
    lengths: list[float | None] = [None] * count
    origin: list[float | None] = [None] * count
    units: list[float | None] = [None] * count
    words = re.findall(r'"([^"]*)"', header.fields.get("space units", header.fields.get("units", "")))
    vectors = re.findall(r"\(([^()]*+)\)|(none)", header.fields.get("space directions", ""), re.I)
    if len(vectors) == count:
        axes = [axis for axis, (vector, _) in enumerate(vectors) if vector]
        directions = np.array([[float(n) for n in vectors[axis][0].split(",")] for axis in axes]).T
        text = re.search(r"\(([^()]*+)\)", header.fields.get("space origin", ""))
        position = np.array([float(n) for n in text.group(1).split(",")]) if text else None
        if directions.ndim != 2 or (position is not None and len(position) != len(directions)):
            return lengths, origin, units, ()
        found, place, notes = lengths_and_origin(directions, position)
        for index, axis in enumerate(axes):
            lengths[axis] = found[index]
            origin[axis] = None if place is None else place[index]
            along = int(np.abs(directions[:, index]).argmax())
            units[axis] = nm_per_unit(words[along]) if along < len(words) else None
        return lengths, origin, units, notes
    spacings = header.numbers("spacings")
    if len(spacings) == count:
        lengths = [None if np.isnan(length) else length for length in spacings]
        mins = header.numbers("axis mins") or header.numbers("axismins")
        if len(mins) == count:
            origin = [None if np.isnan(value) else value for value in mins]
    if len(words) == count:
        units = [nm_per_unit(word) for word in words]
    return lengths, origin, units, ()


def _origin(origin: list[float | None], units: list[float | None]) -> VoxelSize | None:
    known = [
        value * unit
        for value, unit in zip(origin, units, strict=True)
        if value is not None and unit is not None
    ]
    return (known[0], known[1], known[2]) if len(known) == 3 else None


def _unescaped(value: str) -> str:
    if "\\" not in value:
        return value
    return re.sub(r"\\(n|\\)", lambda found: "\n" if found.group(1) == "n" else "\\", value)
