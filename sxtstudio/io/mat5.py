"""Files of MATLAB, version 5 (save -v6, -v7), as MATLAB, GNU Octave and SciPy write them too.

A file is a row of elements, a variable each, of a tag (type and length) and content. A variable begins with
its class, its size and its name; the values follow in MATLAB's order, the first axis the fastest. An element
may be packed with zlib. Version 7.3 is HDF5, and not this.

Format: MATLAB, "MAT-File Format" (R2016b), chapter 1.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from sxtstudio.io.packed import open_packed
from sxtstudio.io.raw import ByteSource, RawFile, first_bytes, read_some

HEADER_BYTES = 128
#: MATLAB itself stores no larger variables in this version.
MOST_BYTES = (1 << 31) - 1024

_MATRIX, _PACKED, _INT8, _INT32, _UINT32, _UTF16 = 14, 15, 1, 5, 6, 17
_CELL, _CHAR = 1, 4
_NUMBERS: dict[int, str] = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8"}
_NUMBERS[13] = "u8"
_TEXTS = {1: "latin-1", 2: "latin-1", 4: "utf-16-", 16: "utf-8", 17: "utf-16-", 18: "utf-32-"}
_CLASSES = {"f8": 6, "f4": 7, "i1": 8, "u1": 9, "i2": 10, "u2": 11, "i4": 12, "u4": 13, "i8": 14, "u8": 15}
_MOST_VARIABLES, _MOST_VALUES, _MOST_CELLS, _MOST_LEVELS = 1000, 16 << 20, 100_000, 8
_MOST_ELEMENTS = 4 * _MOST_VARIABLES  # of a file, also those that are no variables

Value = NDArray[Any] | str | list[Any] | None


@dataclass(frozen=True)
class Variable:
    """A variable: its name, its size in MATLAB's order, and where it lies in the file.

    ``stored`` is the type in which its numbers are stored (MATLAB stores whole numbers in small types,
    whatever their class), None for texts, cells and all that are no real numbers.
    """

    name: str
    size: tuple[int, ...]
    stored: np.dtype[Any] | None
    first: int  # of its values, in what its element holds
    element: int
    length: int
    is_packed: bool

    def source(self, path: Path) -> ByteSource:
        """Open what its element holds."""
        return open_packed(path, "gzip", self.element, self.length) if self.is_packed else RawFile(path)


# -- reading ---------------------------------------------------------------------------------------


def is_mat5(head: bytes) -> bool:
    """Whether the first bytes of a file say so."""
    return head[124:128] in (b"\x00\x01IM", b"\x01\x00MI")


def variables(path: Path) -> dict[str, Variable]:
    """Return the variables of a file, by their name, in its order.

    Raises
    ------
    ValueError, EOFError, struct.error, zlib.error
        If it is damaged.
    """
    found: dict[str, Variable] = {}
    file = RawFile(path)
    try:
        order = _order(file)
        place, looked_at = HEADER_BYTES, 0
        while place + 8 <= file.size and len(found) < _MOST_VARIABLES:
            kind, length = struct.unpack(f"{order}II", read_some(file, place, 8))
            if place + 8 + length > file.size:
                raise EOFError("it ends in the middle of a variable")
            looked_at += 1
            if looked_at > _MOST_ELEMENTS:
                raise ValueError("it consists of too many parts that are no variables")
            if kind in (_MATRIX, _PACKED):
                variable = _variable(path, file, order, place + 8, length, kind == _PACKED)
                if variable is not None:
                    found[variable.name] = variable
            place += 8 + length
    finally:
        file.close()
    return found


def value_of(path: Path, variable: Variable) -> Value:
    """Return the value of a small variable: an array, a text, or a list (of a cell); None for others.

    Raises
    ------
    ValueError, EOFError, struct.error, zlib.error
        If it is damaged, or large.
    """
    source = variable.source(path)
    try:
        start = 0 if variable.is_packed else variable.element - 8
        file = RawFile(path)
        order = _order(file)
        file.close()
        _, length = struct.unpack(f"{order}II", read_some(source, start, 8))
        if length > _MOST_VALUES:
            raise ValueError(f"its variable {variable.name} is too large")
        content = read_some(source, start + 8, length)
    finally:
        source.close()
    return _value(content, order, 0)


def _order(file: RawFile) -> str:
    return ">" if read_some(file, 124, 4)[2:] == b"MI" else "<"


def _variable(
    path: Path, file: RawFile, order: str, place: int, length: int, is_packed: bool
) -> Variable | None:
    source: ByteSource = open_packed(path, "gzip", place, length) if is_packed else file
    try:
        begin = 8 if is_packed else place
        head = first_bytes(source, min(4096, 4096 if is_packed else length), begin)
    finally:
        if is_packed:
            source.close()
    parts = _elements(head, order)
    _, flags = next(parts)
    if len(flags.content) < 8:
        return None
    (word,) = struct.unpack_from(f"{order}I", flags.content)
    _, size = next(parts)
    _, name = next(parts)
    sizes = np.frombuffer(size.content, f"{order}i4").astype(int).tolist()
    at, values = next(parts, (0, _Element(0, b"", 0)))
    numeric = word & 0xFF in _CLASSES.values() and not word & 0x800 and values.kind in _NUMBERS
    stored = np.dtype(order + _NUMBERS[values.kind]) if numeric else None
    text = name.content.decode("latin-1")
    if stored is not None and values.length < math.prod(sizes) * stored.itemsize:
        raise ValueError(f"its variable {text} has fewer values than its size says")
    return Variable(text, tuple(sizes), stored, begin + at, place, length, is_packed)


@dataclass(frozen=True)
class _Element:
    kind: int
    content: bytes  # as far as it is there
    length: int


def _elements(data: bytes, order: str) -> Iterator[tuple[int, _Element]]:
    """Yield the elements within one, each with the place of its content."""
    place = 0
    while place + 8 <= len(data):
        kind, length = struct.unpack_from(f"{order}II", data, place)
        if kind >> 16:  # a small one: its length, type and content in 8 bytes
            kind, length = kind & 0xFFFF, kind >> 16
            yield place + 4, _Element(kind, data[place + 4 : place + 4 + min(4, length)], length)
            place += 8
        else:
            yield place + 8, _Element(kind, data[place + 8 : place + 8 + length], length)
            place += 8 + -(-length // 8) * 8


def _value(content: bytes, order: str, level: int) -> Value:
    if level > _MOST_LEVELS:
        raise ValueError("its cells are nested too deeply")
    parts = [element for _, element in islice(_elements(content, order), _MOST_CELLS + 4)]
    if len(parts) < 4 and not (len(parts) == 3 and level):
        return None
    if len(parts[0].content) < 8:
        return None
    kind = struct.unpack_from(f"{order}I", parts[0].content)[0] & 0xFF
    size = np.frombuffer(parts[1].content, f"{order}i4").astype(int).tolist()
    if kind == _CELL:
        if len(parts) - 3 > _MOST_CELLS:
            raise ValueError("it has a cell of too many members")
        return [_value(part.content, order, level + 1) for part in parts[3:] if part.kind == _MATRIX]
    if len(parts) < 4:
        return None
    values = parts[3]
    if kind == _CHAR and values.kind in _TEXTS:
        codec = _TEXTS[values.kind] + ("le" if order == "<" else "be") * _TEXTS[values.kind].endswith("-")
        return values.content.decode(codec, "replace")
    if kind in _CLASSES.values() and values.kind in _NUMBERS:
        numbers = np.frombuffer(values.content, np.dtype(order + _NUMBERS[values.kind]))
        return numbers[: math.prod(size)].reshape(size, order="F")
    return None


# -- writing ---------------------------------------------------------------------------------------


def write_header(file: BinaryIO, text: str) -> None:
    """Write the head of a file, with a text of at most 100 ASCII characters."""
    file.write(f"MATLAB 5.0 MAT-file, {text}"[:116].encode("ascii", "replace").ljust(116))
    file.write(bytes(8) + b"\x00\x01IM")


def number_element(name: str, values: NDArray[Any]) -> bytes:
    """Return a variable of numbers, an array in MATLAB's axes of at least two."""
    code = f"{values.dtype.kind}{values.dtype.itemsize}"
    data = values.astype(values.dtype.newbyteorder("<")).tobytes(order="F")
    (kind,) = (kind for kind, one in _NUMBERS.items() if one == code)
    return _matrix(_CLASSES[code], values.shape, name, _element(kind, data))


def text_element(name: str, text: str) -> bytes:
    """Return a variable that is a row of characters."""
    data = text.encode("utf-16-le")
    return _matrix(_CHAR, (min(1, len(data)), len(data) // 2), name, _element(_UTF16, data))


def texts_element(name: str, texts: Sequence[str]) -> bytes:
    """Return a variable that is a column cell of texts."""
    return _matrix(_CELL, (len(texts), 1), name, *(text_element("", text) for text in texts))


def write_numbers(
    file: BinaryIO, name: str, size: Sequence[int], dtype: np.dtype[Any], parts: Iterable[NDArray[Any]]
) -> None:
    """Write a large variable of numbers, packed, part by part.

    Parameters
    ----------
    size, dtype
        In MATLAB's order, and of the values: less than ``MOST_BYTES`` in all.
    parts
        C-ordered arrays, which follow each other in MATLAB's order: the slowest axis first.
    """
    code = f"{dtype.kind}{dtype.itemsize}"
    (kind,) = (kind for kind, one in _NUMBERS.items() if one == code)
    length = math.prod(size) * dtype.itemsize
    spare = bytes(-length % 8)
    head = _head(_CLASSES[code], size, name) + struct.pack("<II", kind, length)
    packer = zlib.compressobj(3)
    begin = file.tell()
    file.write(struct.pack("<II", _PACKED, 0))
    file.write(packer.compress(struct.pack("<II", _MATRIX, len(head) + length + len(spare)) + head))
    for part in parts:
        file.write(packer.compress(np.ascontiguousarray(part, dtype.newbyteorder("<")).data))
    file.write(packer.compress(spare) + packer.flush())
    end = file.tell()
    file.seek(begin + 4)
    file.write(struct.pack("<I", end - begin - 8))
    file.seek(end)


def _element(kind: int, data: bytes) -> bytes:
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def _head(kind: int, size: Sequence[int], name: str) -> bytes:
    flags = _element(_UINT32, struct.pack("<II", kind, 0))
    sizes = _element(_INT32, struct.pack(f"<{len(size)}i", *size))
    return flags + sizes + _element(_INT8, name.encode("ascii"))


def _matrix(kind: int, size: Sequence[int], name: str, *content: bytes) -> bytes:
    return _element(_MATRIX, _head(kind, size, name) + b"".join(content))
