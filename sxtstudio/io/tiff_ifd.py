"""The directories of a TIFF file, read by hand.

tifffile only logs a broken chain of pages and goes on with fewer of them; a truncated tomogram
must be an error. The same few lines check a folder of slices quickly and re-read what was exported
independently of the library that wrote it.

Format: Adobe TIFF 6.0 (1992); BigTIFF as of libtiff.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError

_TYPE_BYTES = dict(enumerate((0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8)))
_CODES = {1: "u1", 3: "u2", 4: "u4", 6: "i1", 8: "i2", 9: "i4", 13: "u4", 16: "u8", 17: "i8", 18: "u8"}
_WIDTH, _LENGTH, _BITS, _COMPRESSION, _SAMPLES, _FORMAT = 256, 257, 258, 259, 277, 339
_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES = 273, 279, 324, 325
_WANTED = {
    *(_WIDTH, _LENGTH, _BITS, _COMPRESSION, _SAMPLES, _FORMAT),
    *(_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES),
}
_KINDS = {1: "u", 2: "i", 3: "f", 4: "u", 5: "c", 6: "c"}

# Numbers in the lists of where strips and tiles lie; pages can share a list, so that few bytes make many.
MOST_SEGMENTS = 8_000_000
LARGEST_TAG_BYTES = 128 << 20


class _TooMany(Exception):
    """There are more strips and tiles than memory for their lists, or a tag is as large as that."""


@dataclass(frozen=True)
class Directory:
    """One page: its size, how its values are stored, and where its strips or tiles lie."""

    offset: int
    rows: int
    columns: int
    samples: int
    bits: int
    kind: str
    compression: int
    segment_offsets: NDArray[Any]
    segment_bytes: NDArray[Any]

    @property
    def contiguous_from(self) -> int | None:
        """Offset of the pixels if the segments follow each other without a gap, else None."""
        offsets, sizes = self.segment_offsets, self.segment_bytes
        if len(offsets) == 0 or (offsets[:-1] + sizes[:-1] != offsets[1:]).any():
            return None
        return int(offsets[0])


def lacks_parts(directories: Iterable[Directory]) -> bool:
    """Return whether a page has strips or tiles that are not stored."""
    return any(
        not len(page.segment_offsets) or 0 in page.segment_offsets or 0 in page.segment_bytes
        for page in directories
    )


def is_tiff(head: bytes) -> bool:
    """Return whether these are the first bytes of a TIFF or BigTIFF file."""
    return head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def is_bigtiff(head: bytes) -> bool:
    """Return whether these are the first bytes of a BigTIFF file."""
    return head[:4] in (b"II+\0", b"MM\0+")


def read_directories(path: Path, limit: int | None = None) -> list[Directory]:
    """Return the pages of a TIFF file (at most ``limit``), and check that the file holds them all.

    Raises
    ------
    UserError
        If a page, or the pixels of a page, lie beyond the end of the file.
    """
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        head = file.read(16)
        order = "<" if head[:2] == b"II" else ">"
        big = is_bigtiff(head)
        pages: list[Directory] = []
        seen: set[int] = set()
        try:
            offset = struct.unpack_from(order + ("Q" if big else "I"), head, 8 if big else 4)[0]
            room = MOST_SEGMENTS
            while offset and (limit is None or len(pages) < limit):
                if offset >= size or offset in seen:
                    raise EOFError
                seen.add(offset)
                tags, following = _read_directory(file, order, big, offset, size, room)
                room -= sum(len(values) for values in tags.values())
                pages.append(_page(offset, tags, size))
                offset = following
        except _TooMany:
            raise UserError(
                f"{path.name} has more than {MOST_SEGMENTS} strips or tiles, or a description of more than "
                f"{LARGEST_TAG_BYTES >> 20} MB. Save it anew, or check that it is a tomogram."
            ) from None
        except (EOFError, struct.error) as error:
            raise UserError(
                f"{path.name} is truncated or damaged: it ends before its {_nth(len(pages) + 1)} slice. "
                "Copy or export it again."
            ) from error
    if not pages:
        raise UserError(f"{path.name} is a TIFF file without an image. Export it again.")
    return pages


def _read_directory(
    file: BinaryIO, order: str, big: bool, offset: int, size: int, room: int
) -> tuple[dict[int, NDArray[Any]], int]:
    """Return the wanted tags of a directory, ``room`` numbers at most, and the offset of the next one."""
    count_code, entry_bytes, next_code = ("Q", 20, "Q") if big else ("H", 12, "I")
    inline = 8 if big else 4
    file.seek(offset)
    count = struct.unpack(order + count_code, file.read(struct.calcsize(count_code)))[0]
    if not count or count * entry_bytes > size:  # none: that part is still to be written
        raise EOFError
    block = file.read(count * entry_bytes + struct.calcsize(next_code))
    following = struct.unpack_from(order + next_code, block, count * entry_bytes)[0]
    tags: dict[int, NDArray[Any]] = {}
    for index in range(count):
        entry = block[index * entry_bytes : (index + 1) * entry_bytes]
        tag, code, number = struct.unpack_from(order + ("HHQ" if big else "HHI"), entry)
        wanted = number * _TYPE_BYTES.get(code, 0)
        where = struct.unpack_from(order + next_code, entry, entry_bytes - inline)[0]
        if wanted > LARGEST_TAG_BYTES:
            raise _TooMany
        if wanted > inline and where + wanted > size:  # such as a description that was cut off
            raise EOFError
        if tag not in _WANTED or code not in _CODES:
            continue
        if number > room:
            raise _TooMany
        if wanted <= inline:
            data = entry[-inline:][:wanted]
        else:
            file.seek(where)
            data = file.read(wanted)
        tags[tag] = np.frombuffer(data, order + _CODES[code]).astype(np.int64)
    return tags, following


def _page(offset: int, tags: dict[int, NDArray[Any]], size: int) -> Directory:
    def first(tag: int, default: int) -> int:
        return int(tags[tag][0]) if tag in tags and len(tags[tag]) else default

    nothing = np.zeros(0, np.int64)
    where = tags.get(_STRIPS, tags.get(_TILES, nothing))
    page = Directory(
        offset=offset,
        rows=first(_LENGTH, 0),
        columns=first(_WIDTH, 0),
        samples=first(_SAMPLES, 1),
        bits=first(_BITS, 1),
        kind=_KINDS.get(first(_FORMAT, 1), "u"),
        compression=first(_COMPRESSION, 1),
        segment_offsets=where,
        segment_bytes=tags.get(_STRIP_BYTES, tags.get(_TILE_BYTES, nothing)),
    )
    sizes = page.segment_bytes
    if len(sizes) != len(where):
        if len(where) != 1 or page.compression != 1:
            raise EOFError
        # Writers of the first days left the byte count out where there is one strip.
        sizes = np.array([page.rows * page.columns * page.samples * page.bits // 8], np.int64)
        page = Directory(**{**page.__dict__, "segment_bytes": sizes})
    if len(where) and (where.min() < 0 or sizes.min() < 0 or (where + sizes).max() > size):
        raise EOFError
    return page


def _nth(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
