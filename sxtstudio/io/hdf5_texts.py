"""Texts of any length in HDF5: how long they say they are, looked at before the library believes it.

A text of variable length is stored as a length of four bytes and a place. The library asks for as much memory
as the length says, twice, and only then reads what is there: four damaged bytes take 8 GB. Nothing else in a
file is trusted like this, and the library cannot be asked before; so the header of the object is read here.

Format: HDF5 File Format Specification 3.0, sections IV.A (object headers) and IV.A.2.m (attributes).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import BinaryIO

import h5py

from sxtstudio.io.hdf5_dense import ATTRIBUTE_INFO, dense_attributes, is_dense

LONGEST_TEXT = 1 << 24
_ATTRIBUTE, _CONTINUATION = 0x0C, 0x10
_VARIABLE = 9  # class of datatype
_ELEMENT = 16  # bytes: length, address, index
_MOST_BLOCKS, _LARGEST_BLOCK = 1000, 1 << 20


def absurd_texts(item: h5py.Group | h5py.Dataset) -> set[str]:
    """Return the attributes of an object that hold a text longer than 16 MB by what they say.

    Of an object with many attributes, which the newest format of HDF5 stores apart, those are counted among
    them that cannot be looked at. What cannot be understood in a header is left to the library.
    """
    found: set[str] = set()
    looked_at: set[str] = set()
    dense = False
    # What is wrong with the file is said by whoever opens it.
    with suppress(OSError, ValueError, IndexError, struct.error), open(item.file.filename, "rb") as file:
        base = item.file.userblock_size
        for kind, data in _messages(file, base, h5py.h5o.get_info(item.id).addr):
            messages: Iterable[bytes] = (data,) if kind == _ATTRIBUTE else ()
            if kind == ATTRIBUTE_INFO and is_dense(data):
                dense, messages = True, dense_attributes(file, base, data)
            for message in messages:
                name, is_variable, values = _attribute(message)
                looked_at.add(name)
                if is_variable and _longest(values) > LONGEST_TEXT:
                    found.add(name)
    if dense:
        others = (name for name in map(str, item.attrs) if name not in looked_at)
        found |= {name for name in others if item.attrs.get_id(name).dtype.kind == "O"}
    return found


def is_absurd_text(dataset: h5py.Dataset) -> bool:
    """Whether a small dataset of texts says that one of them is longer than 16 MB, or cannot be looked at."""
    offset = dataset.id.get_offset()
    if offset is None:
        return True
    with open(dataset.file.filename, "rb") as file:
        file.seek(offset)
        return _longest(file.read(_ELEMENT * int(dataset.size))) > LONGEST_TEXT


def _longest(values: bytes) -> int:
    lengths = [struct.unpack_from("<I", values, place)[0] for place in range(0, len(values) - 3, _ELEMENT)]
    return max(lengths, default=0)


def _messages(file: BinaryIO, base: int, address: int) -> Iterator[tuple[int, bytes]]:
    """Yield kind and content of the messages in the header of an object, in all its blocks."""
    file.seek(base + address)
    head = file.read(16)
    if head[:4] == b"OHDR":
        flags = head[5]
        size_bytes = 1 << (flags & 3)
        start = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        file.seek(base + address + start)
        size = int.from_bytes(file.read(size_bytes), "little")
        blocks, entry = [(address + start + size_bytes, size)], "<BHB"
        skipped = 2 if flags & 0x04 else 0
        extra = 4  # "OCHK" before the messages of further blocks, a checksum after them
    else:
        blocks, entry, skipped, extra = [(address + 16, struct.unpack_from("<I", head, 8)[0])], "<HHB", 3, 0
    for number in range(_MOST_BLOCKS):
        if number >= len(blocks):
            return
        where, size = blocks[number]
        file.seek(base + where)
        block = file.read(min(size, _LARGEST_BLOCK))
        position = 0
        while position + struct.calcsize(entry) + skipped <= len(block):
            kind, length, flags = struct.unpack_from(entry, block, position)
            position += struct.calcsize(entry) + skipped
            data = block[position : position + length]
            position += length
            if kind == _CONTINUATION:
                further, room = struct.unpack_from("<QQ", data)
                blocks.append((further + extra, room - 2 * extra))
            elif not flags & 2:  # a message that is shared is a reference
                yield kind, data


def _attribute(data: bytes) -> tuple[str, bool, bytes]:
    """Return name, whether it holds texts of any length, and the stored values of an attribute message."""
    version, flags, name_bytes, type_bytes, space_bytes = struct.unpack_from("<BBHHH", data)
    position = 9 if version == 3 else 8
    sizes = [name_bytes, type_bytes, space_bytes]
    if version == 1:
        sizes = [-(-size // 8) * 8 for size in sizes]
    name = data[position : position + name_bytes].split(b"\0")[0].decode("utf-8", "surrogateescape")
    kind = data[position + sizes[0]] & 0x0F
    return name, kind == _VARIABLE and not (version > 1 and flags & 1), data[position + sum(sizes) :]
