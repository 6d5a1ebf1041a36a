"""Writes OLE compound files (MS-CFB, version 3), as far as tests of TXM need them; olefile reads them."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path

_SECTOR, _MINI, _CUTOFF = 512, 64, 4096
_END, _FREE, _FAT, _NONE = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD, 0xFFFFFFFF


def write_compound(path: Path, streams: dict[str, bytes]) -> Path:
    """Write streams with names such as "ImageInfo/ImageWidth", in storages one level deep."""
    sectors: list[bytes] = []
    table: list[int] = []

    def put(data: bytes) -> int:
        parts = [data[i : i + _SECTOR].ljust(_SECTOR, b"\0") for i in range(0, len(data), _SECTOR)]
        first = len(sectors)
        sectors.extend(parts)
        table.extend([*range(first + 1, first + len(parts)), _END] if parts else [])
        return first if parts else _END

    small, small_table = b"", []
    places: dict[str, int] = {}
    for name, data in streams.items():
        if len(data) >= _CUTOFF:
            places[name] = put(data)
        else:
            places[name] = len(small_table)
            count = max(1, -(-len(data) // _MINI))
            small_table += [*range(places[name] + 1, places[name] + count), _END]
            small += data.ljust(count * _MINI, b"\0")
    small_first = put(small)
    mini_sectors = -(-4 * len(small_table) // _SECTOR)
    mini_fat = put(struct.pack(f"<{len(small_table)}I", *small_table).ljust(mini_sectors * _SECTOR, b"\xff"))

    # Entries: the root, its storages, and the streams; children of one are a chain to the right, sorted.
    entries = [("Root Entry", 5, small_first, len(small))]
    children: dict[int, list[int]] = {0: []}
    for storage in sorted({name.split("/")[0] for name in streams if "/" in name}):
        children[0].append(len(entries))
        children[len(entries)] = []
        entries.append((storage, 1, 0, 0))
    for name, data in streams.items():
        folder = next((i for i, e in enumerate(entries) if e[0] == name.split("/")[0] and e[1] == 1), 0)
        children[folder].append(len(entries))
        entries.append((name.split("/")[-1], 2, places[name], len(data)))
    right, child = [_NONE] * len(entries), [_NONE] * len(entries)
    for parent, members in children.items():
        ordered = sorted(members, key=lambda i: (len(entries[i][0]), entries[i][0].upper()))
        child[parent] = ordered[0] if ordered else _NONE
        for one, following in itertools.pairwise(ordered):
            right[one] = following
    directory = b""
    for index, (name, kind, first, size) in enumerate(entries):
        text = name.encode("utf-16-le") + b"\0\0"
        directory += text.ljust(64, b"\0") + struct.pack("<HBB", len(text), kind, 1)
        directory += struct.pack("<3I", _NONE, right[index], child[index]) + bytes(36)
        directory += struct.pack("<IQ", first, size)
    directory_first = put(directory.ljust(-(-len(directory) // _SECTOR) * _SECTOR, b"\0"))

    fats = 1
    while fats * _SECTOR // 4 < len(table) + fats:
        fats += 1
    first_fat = len(sectors)
    table += [_FAT] * fats
    fat = struct.pack(f"<{len(table)}I", *table).ljust(fats * _SECTOR, b"\xff")
    head = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    )
    head += struct.pack("<9I", 0, fats, directory_first, 0, _CUTOFF, mini_fat, mini_sectors, _END, 0)
    listed = [*range(first_fat, first_fat + fats), *[_FREE] * (109 - fats)]
    path.write_bytes(head + struct.pack("<109I", *listed) + b"".join(sectors) + fat)
    return path
