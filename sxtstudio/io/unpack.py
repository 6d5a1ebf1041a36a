"""Unpacking compressed chunks of strangers: never to more than they may hold.

A megabyte of gzip can unpack to a gigabyte, one of zstd to thirty. Where a format says beforehand how much
comes out, that is compared first; where it does not, unpacking stops there.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from typing import Any

Bytes = bytes | memoryview

_ZSTD_MAGIC, _ZSTD_SKIPPED = 0xFD2FB528, 0x184D2A50
_ZSTD_BLOCK = 128 << 10  # the largest that a block unpacks to
_LZMA_MEMORY = 256 << 20


class TooLarge(ValueError):
    """Something unpacks to more than it may hold."""

    def __init__(self, most: int) -> None:
        super().__init__(f"it unpacks to more than the {most} bytes that it should hold")


def inflate(data: Bytes, most: int) -> bytes:
    """Unpack zlib or gzip data, of several members, too; raises TooLarge or zlib.error."""
    parts: list[bytes] = []
    room = most
    while data:
        unpacker = zlib.decompressobj(wbits=47)  # either kind of header
        parts.append(unpacker.decompress(data, room + 1))
        room -= len(parts[-1])
        if room < 0:
            raise TooLarge(most)
        if not unpacker.eof:
            raise zlib.error("incomplete or truncated stream")
        data = unpacker.unused_data.lstrip(b"\0")
        if data[:2] != b"\x1f\x8b":  # what follows a stream is no business of ours
            break
    return parts[0] if len(parts) == 1 else b"".join(parts)


def unpack_bz2(data: Bytes, most: int) -> bytes:
    """Unpack bzip2 data; raises TooLarge or OSError."""
    unpacked = bz2.BZ2Decompressor().decompress(data, most + 1)
    if len(unpacked) > most:
        raise TooLarge(most)
    return unpacked


def unpack_lzma(data: Bytes, most: int, form: int, filters: Any) -> bytes:
    """Unpack xz, lzma or raw LZMA data as ``lzma`` names them; raises TooLarge or lzma.LZMAError."""
    raw = form == lzma.FORMAT_RAW
    unpacker = lzma.LZMADecompressor(
        form, memlimit=None if raw else _LZMA_MEMORY, filters=filters if raw else None
    )
    unpacked = unpacker.decompress(bytes(data), most + 1)
    if len(unpacked) > most:
        raise TooLarge(most)
    return unpacked


def check_blosc(data: Bytes, most: int) -> None:
    """Raise TooLarge if a Blosc chunk says that it unpacks to more, ValueError if it is none."""
    if len(data) < 16:
        raise ValueError("a Blosc chunk is truncated")
    if struct.unpack_from("<I", data, 4)[0] > most:
        raise TooLarge(most)


def check_lz4(data: Bytes, most: int) -> None:
    """Raise TooLarge if an LZ4 chunk of numcodecs says that it unpacks to more."""
    if len(data) < 4 or not 0 <= struct.unpack_from("<i", data)[0] <= most:
        raise TooLarge(most)


def check_zstd(data: Bytes, most: int) -> None:
    """Raise TooLarge if Zstandard data may unpack to more, ValueError if they are none.

    The first frame says its size, or its blocks are counted, of which none unpacks to more than 128 KB.
    """
    position = size = blocks = 0
    try:
        while position < len(data):
            (magic,) = struct.unpack_from("<I", data, position)
            if magic & 0xFFFFFFF0 == _ZSTD_SKIPPED:
                position += 8 + int(struct.unpack_from("<I", data, position + 4)[0])
                continue
            if magic != _ZSTD_MAGIC:
                raise ValueError("it is not compressed with Zstandard")
            position, promised, checksum = _zstd_header(data, position + 4)
            if promised is not None and not blocks:
                size = promised
                break
            last = False
            while not last:
                (low, high) = struct.unpack_from("<HB", data, position)
                header = low | high << 16
                last, kind, length = bool(header & 1), header >> 1 & 3, header >> 3
                position += 3 + (1 if kind == 1 else length)
                size += _ZSTD_BLOCK if kind == 2 else length
                blocks += 1
                if blocks > 1000 + most // 1024:
                    raise TooLarge(most)
            position += 4 * checksum
    except (struct.error, IndexError) as error:
        raise ValueError("Zstandard data are truncated") from error
    if size > most + blocks * _ZSTD_BLOCK // 2 and size > most + 2 * _ZSTD_BLOCK:
        raise TooLarge(most)


def _zstd_header(data: Bytes, position: int) -> tuple[int, int | None, bool]:
    """Return where the blocks of a frame begin, the size that it promises, and whether a checksum follows.

    Format: RFC 8878, section 3.1.1.1.
    """
    descriptor = data[position]
    single, checksum = bool(descriptor & 0x20), bool(descriptor & 0x04)
    position += 1 + (not single) + (0, 1, 2, 4)[descriptor & 3]
    code = {0: "B" if single else "", 1: "<H", 2: "<I", 3: "<Q"}[descriptor >> 6]
    if not code:
        return position, None, checksum
    (promised,) = struct.unpack_from(code, data, position)
    return position + struct.calcsize(code), promised + (256 if code == "<H" else 0), checksum
