"""AmiraMesh volumes and labels (.am) of Amira and Avizo are read.

Format: "Amira Reference Guide", AmiraMesh, as ahds (emdb-empiar/ahds, commit 86ccb90) and MIB 2.91 read it
(bitmap2amiraLabels, getAmiraMeshHeader, amiraLabels2bitmap of commit 3495814), which were read; Amira was not
run. In a lattice x is the fastest axis, and the bounding box
spans the centres of the first and the last voxel.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.errors import UserError
from sxtstudio.core.label_image import Legend, LegendEntry
from sxtstudio.core.plain_files import open_plain
from sxtstudio.io.filevolume import FileVolume
from sxtstudio.io.mib import NM_PER_UM
from sxtstudio.io.packed import open_packed
from sxtstudio.io.raw import ByteSource, RawFile
from sxtstudio.io.stored import axes_of_format, check_stored, stored_volume
from sxtstudio.io.units import judge_voxel, nm_per_unit

MAGICS = (b"# AmiraMesh", b"# Avizo")
_DATA = b"# Data section follows"
_MOST_HEADER = 16 << 20
_MOST_TOKENS, _MOST_LEVELS, _MOST_STREAMS = 2_000_000, 64, 100
_TYPES = {"byte": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4", "float": "f4"}
_TYPES["double"] = "f8"
_PACKED = {"hxzip": "gzip", "hxbyterle": "rle"}
LABELS = "Labels"
_TOKEN = re.compile(r'"[^"]*"|[{}]|[^\s{},"]+')
# Spaces are taken without giving any back: a header of nothing else would be tried in every way otherwise.
_LATTICE = re.compile(r"^[ \t]*+define[ \t]++Lattice[ \t]++(\d{1,9})[ \t]++(\d{1,9})[ \t]++(\d{1,9})", re.M)
_STREAM = re.compile(
    r"^[ \t]*+Lattice[ \t]*+\{[ \t]*+(\w++)(?:\[(\d{1,9})\])?[ \t]++(\w++)[ \t]*+\}[ \t]*+=?[ \t]*+@(\d{1,9})"
    r"(?:[ \t]*+\([ \t]*+(\w++)[ \t]*+,[ \t]*+(\d{1,15})[ \t]*+\))?",
    re.M,
)
# Without units, lengths are taken for µm, as MIB writes them, where that gives voxels of X-ray microscopy.
_LARGEST_GUESSED_NM = 1000.0


@dataclass
class ParameterGroup:
    """A group of parameters: its words by their key, and the groups within it, in their order."""

    words: dict[str, list[str]] = field(default_factory=dict)
    groups: dict[str, ParameterGroup] = field(default_factory=dict)


@dataclass(frozen=True)
class _Stream:
    """Data of a lattice: type, components and name, its number in the file, and how it is packed."""

    type: str
    components: int
    name: str
    number: int
    packing: str
    bytes: int


@dataclass(frozen=True)
class _Header:
    lattice: tuple[int, ...]
    parameters: ParameterGroup
    streams: tuple[_Stream, ...]
    order: str
    end: int


def open_amira(path: Path, order: AxisOrder | None = None) -> FileVolume:
    """Open the volume of a regular lattice; its voxels stay on disk.

    Binary files, raw or packed (HxByteRLE, HxZip).

    Raises
    ------
    UserError
        If it is a text file, no volume, damaged or truncated.
    """
    header = _read_header(path)
    stream = _likely(path, header)
    if header.order == "ascii":
        raise UserError(f"{path.name} holds its voxels as text. Save it as binary AmiraMesh in Amira.")
    start = _start_of(path, header, stream)
    dtype = np.dtype(header.order + _TYPES[stream.type])
    packing = _PACKED.get(stream.packing.lower())
    if stream.packing and (packing is None or (packing == "rle" and dtype.itemsize > 1)):
        raise UserError(
            f"{path.name} is packed with {stream.packing}, which SXT Studio cannot read for {stream.type}. "
            "Save it as binary AmiraMesh without it."
        )
    source: ByteSource
    source = RawFile(path) if packing is None else open_packed(path, packing, start, stream.bytes)
    try:
        stored = header.lattice[::-1]
        axes = axes_of_format(path.name, stored, order)
        begin = start if packing is None else 0
        check_stored(path, source, begin, stored, dtype)
        lengths, first, unit, notes = _geometry(header)
        voxel_nm, why = judge_voxel(axes.pick(lengths[::-1]), unit, depth_matters=axes.volume_shape[0] > 1)
        origin = [None if value is None or unit is None else value * unit for value in axes.pick(first[::-1])]
        known = [value for value in origin if value is not None]
    except BaseException:
        source.close()
        raise
    return stored_volume(
        path,
        source,
        format="AmiraMesh labels" if stream.name == LABELS else "AmiraMesh",
        start=begin,
        dtype=dtype,
        axes=axes,
        voxel_nm=voxel_nm,
        origin_nm=(known[0], known[1], known[2]) if len(known) == 3 and voxel_nm else None,
        notes=(*(notes if voxel_nm else ()), *why),
    )


def materials_in(path: Path) -> Legend:
    """Return names and colours of the materials of labels.

    A voxel's value is the place of its material in the list, from 0 (Exterior); what "Id" says is no value
    (natverse/nat issue 284), and is the same in files of MIB and of this program.
    """
    listed = _read_header(path).parameters.groups.get("Materials", ParameterGroup()).groups
    return tuple(
        LegendEntry(value, name, _rgb(material, value))
        for value, (name, material) in enumerate(listed.items())
        if value and name.isprintable()
    )


def _rgb(material: ParameterGroup, value: int) -> tuple[int, int, int]:
    try:
        r, g, b = (
            round(255 * min(1.0, max(0.0, float(word)))) for word in material.words.get("Color", [])[:3]
        )
    except (ValueError, OverflowError):
        return (160, 160, 160)
    return (r, g, b)


def _read_header(path: Path) -> _Header:
    with open_plain(path) as file:
        content = file.read(_MOST_HEADER)
    end = content.find(_DATA)
    if end < 0:
        raise UserError(f"{path.name} has no data section. It is damaged, or cut off; copy it again.")
    text = content[:end].decode("utf-8", "replace")
    first = text.split("\n", 1)[0].upper()
    order = "ascii" if "ASCII" in first else "<" if "LITTLE" in first else ">"
    lattice = _LATTICE.search(text)
    if lattice is None:
        raise UserError(f"{path.name} holds no regular volume (Lattice), but surfaces, points or the like.")
    streams = tuple(
        _Stream(
            found[1].lower(), int(found[2] or 1), found[3], int(found[4]), found[5] or "", int(found[6] or 0)
        )
        for found in islice(_STREAM.finditer(text), _MOST_STREAMS)
    )
    begin = re.search(r"^[ \t]*+Parameters[ \t]*+\{", text, re.M)
    parameters = _group(path, text, begin.end()) if begin else ParameterGroup()
    line = content.find(b"\n", end)
    return _Header(tuple(map(int, lattice.groups())), parameters, streams, order, line + 1 or len(content))


def _group(path: Path, text: str, begin: int) -> ParameterGroup:
    """Return what stands in braces from ``begin`` on: keys with words up to the end of a line, or a comma."""
    root = ParameterGroup()
    stack = [root]
    name, words, end = "", None, begin
    for count, found in enumerate(_TOKEN.finditer(text, begin)):
        if count > _MOST_TOKENS or len(stack) > _MOST_LEVELS:
            raise UserError(f"{path.name} has a header that is too large. It is damaged; copy it again.")
        token, gap = found.group().strip('"'), text[end : found.start()]
        end = found.end()
        if token == "{":
            stack[-1].words.pop(name, None)
            stack.append(stack[-1].groups.setdefault(name, ParameterGroup()))
            name, words = "", None
        elif token == "}":
            stack.pop()
            name, words = "", None
            if not stack:
                return root
        elif words is None or "\n" in gap or "," in gap:
            name, words = token, stack[-1].words.setdefault(token, [])
        else:
            words.append(token)
    raise UserError(f"{path.name} has parameters without an end. It is damaged; copy it again.")


def _likely(path: Path, header: _Header) -> _Stream:
    """Return the labels, or else the first data with one value for each voxel."""
    single = [one for one in header.streams if one.components == 1 and one.type in _TYPES]
    for stream in single:
        if stream.name == LABELS:
            return stream
    if single:
        return single[0]
    if header.streams:
        one = header.streams[0]
        what = (
            f"{one.components} values for each voxel" if one.components > 1 else f"values of type {one.type}"
        )
        raise UserError(f"{path.name} holds {what}, not grey values or labels. Save one channel.")
    raise UserError(f"{path.name} holds a lattice without values. Choose another file.")


def _start_of(path: Path, header: _Header, wanted: _Stream) -> int:
    """Return where data begin: behind "@1", the data of 1, "@2" …"""
    place = header.end
    voxels = math.prod(header.lattice)
    with open_plain(path) as file:
        for stream in sorted(
            {one.number: one for one in header.streams}.values(), key=lambda one: one.number
        ):
            file.seek(place)
            found = re.match(rb"\s*@%d[^\n]*\n" % stream.number, file.read(200))
            if found is None:
                raise UserError(
                    f"{path.name} is damaged, or cut off: its data have no beginning. Copy it again."
                )
            place += found.end()
            if stream.number == wanted.number:
                return place
            size = np.dtype(_TYPES.get(stream.type, "u1")).itemsize
            place += stream.bytes if stream.packing else voxels * stream.components * size
    raise UserError(f"{path.name} is damaged: its data have no beginning. Copy it again.")


def _geometry(
    header: _Header,
) -> tuple[list[float | None], list[float | None], float | None, tuple[str, ...]]:
    """Return length and position along x, y and z, nm per unit, and notes."""
    nothing: list[float | None] = [None] * 3
    if header.parameters.words.get("CoordType", ["uniform"])[0].lower() != "uniform":
        return nothing, nothing, None, ()
    box = [float(word) for word in header.parameters.words.get("BoundingBox", [])]
    if len(box) != 6 or not np.isfinite(box).all():
        return nothing, nothing, None, ()
    lengths: list[float | None] = [
        (box[2 * i + 1] - box[2 * i]) / (max(n, 2) - 1) for i, n in enumerate(header.lattice)
    ]
    first: list[float | None] = [*box[::2]]
    units = header.parameters.groups.get("Units", ParameterGroup()).words.get("Coordinates", [])
    unit = nm_per_unit(" ".join(units)) if units else None
    if unit is None and not units:
        longest = max(abs(length or 0) for length in lengths) * NM_PER_UM
        if 0 < longest <= _LARGEST_GUESSED_NM and any(length != 1 for length in lengths):
            return lengths, first, NM_PER_UM, ("the file names no unit of length; it is read as µm",)
    return lengths, first, unit, ()
