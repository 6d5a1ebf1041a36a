"""Attributes of an HDF5 object that has many: found in their storage without the library.

The newest format moves the attributes of an object out of its header once there are more than eight. They
then lie in a heap, and a tree says where::

    attribute info ─┬─ tree (BTHD) ── leaf (BTLF): place and length of each attribute, 29 at most
                    └─ heap (FRHP) ── direct block, or an indirect block (FHIB) of these: the attributes

Format: HDF5 File Format Specification 3.0, sections III.A.2 (version 2 trees), III.G (fractal heap) and
IV.A.2.v (attribute info). What is larger than a leaf, or lies elsewhere, is not looked for.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

ATTRIBUTE_INFO = 0x15
_UNDEFINED = 0xFFFF_FFFF_FFFF_FFFF
_RECORD = 17  # bytes: heap ID (8), flags, order of creation (4), hash of the name (4)
_MOST_RECORDS = 1000
_LONGEST_MESSAGE = 1 << 16


def dense_attributes(file: BinaryIO, base: int, info: bytes) -> Iterator[bytes]:
    """Yield the attribute messages that an attribute info message leads to, as far as they are found.

    Parameters
    ----------
    file, base
        The file, and where its addresses count from.
    info
        The content of the message.

    Raises
    ------
    ValueError, struct.error
        If something in the file is not what it should be.
    """
    position = 2 + (2 if info[1] & 1 else 0)
    heap, tree = struct.unpack_from("<QQ", info, position)
    if heap == _UNDEFINED or tree == _UNDEFINED:
        return
    blocks = _Heap(file, base, heap)
    for identifier in _leaf(file, base, tree):
        message = blocks.read(identifier)
        if message is not None:
            yield message


def is_dense(info: bytes) -> bool:
    """Whether an attribute info message leads to any attributes."""
    (heap,) = struct.unpack_from("<Q", info, 2 + (2 if info[1] & 1 else 0))
    return bool(heap != _UNDEFINED)


def _leaf(file: BinaryIO, base: int, address: int) -> Iterator[bytes]:
    """Yield the heap IDs in a tree that is one leaf."""
    head = _block(file, base + address, 34, b"BTHD")
    _, kind, node_size, record, depth = struct.unpack_from("<BBIHH", head, 4)
    root, count = struct.unpack_from("<QH", head, 16)
    if kind != 8 or record != _RECORD or depth != 0 or count > min(_MOST_RECORDS, node_size // _RECORD):
        return
    if count:
        leaf = _block(file, base + root, 6 + count * _RECORD, b"BTLF")
        for number in range(count):
            identifier, flags = struct.unpack_from("<8sB", leaf, 6 + number * _RECORD)
            if not flags & 2:  # a message that is shared lies elsewhere
                yield identifier


class _Heap:
    """What lies in the direct blocks of a heap without filters."""

    def __init__(self, file: BinaryIO, base: int, address: int) -> None:
        self._file, self._base = file, base
        head = _block(file, base + address, 144, b"FRHP")
        _, filters, _, largest = struct.unpack_from("<HHBI", head, 5)
        self._width, self._start, largest_block, bits = struct.unpack_from("<HQQH", head, 110)
        self._root, self._rows = struct.unpack_from("<QH", head, 132)
        if filters or not 0 < self._width <= 64 or not 0 < self._start <= largest_block <= 1 << 30:
            raise ValueError("another kind of heap")
        self._offset_bytes = -(-bits // 8)
        self._length_bytes = -(-min(largest_block, largest).bit_length() // 8)
        self._largest_block = largest_block

    def read(self, identifier: bytes) -> bytes | None:
        """Return an object, None if it is none of those in direct blocks."""
        if identifier[0] >> 4:  # a huge or a tiny one, or of another version
            return None
        ends = 1 + self._offset_bytes, 1 + self._offset_bytes + self._length_bytes
        offset = int.from_bytes(identifier[1 : ends[0]], "little")
        length = int.from_bytes(identifier[ends[0] : ends[1]], "little")
        place = self._place(offset)
        if place is None or not 0 < length <= _LONGEST_MESSAGE:
            return None
        self._file.seek(self._base + place)
        found = self._file.read(length)
        return found if len(found) == length else None

    def _place(self, offset: int) -> int | None:
        """Return where an offset lies in the file; blocks double in size from the third row on."""
        if self._rows == 0:
            return self._root + offset if offset < self._start else None
        first = 0
        for row in range(min(self._rows, 32)):
            size = self._start << max(0, row - 1)
            if size > self._largest_block:
                return None
            if offset < first + size * self._width:
                column = (offset - first) // size
                entry = self._base + self._root + 13 + self._offset_bytes + 8 * (row * self._width + column)
                _block(self._file, self._base + self._root, 4, b"FHIB")
                self._file.seek(entry)
                (block,) = struct.unpack("<Q", self._file.read(8))
                return None if block == _UNDEFINED else int(block) + (offset - first) % size
            first += size * self._width
        return None


def _block(file: BinaryIO, place: int, size: int, signature: bytes) -> bytes:
    file.seek(place)
    found = file.read(size)
    if found[:4] != signature or len(found) < size:
        raise ValueError("not what it should be")
    return found
