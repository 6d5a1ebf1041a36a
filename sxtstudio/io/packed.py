"""Files that are packed as one stream, read from any place of what they hold, and never unpacked as a whole.

A stream can only be unpacked from its beginning on. So marks are set on the way, every 16 MB of what comes
out, from which it can be unpacked again::

    packed     ├──────────────●───────────────●──────────────┤
    unpacked   0            16 MB           32 MB    ▲ wanted: on from the mark before, or from where one is

A mark is a copy of the unpacker's state (gzip and zlib: 40 kB) or a place (bzip2: a block; Amira: a run).
"""

from __future__ import annotations

import bisect
import bz2
import threading
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sxtstudio.io.raw import RawFile, read_some

# How many times larger than itself a stream can become at most.
_MOST_GROWTH = {"gzip": 1032, "rle": 64, "bzip2": 1_250_000}

_MARK_EVERY = 16 << 20
_READ_BYTES = 1 << 17
_PIECE_BYTES = 1 << 20
_MOST_EMPTY = 1000
_BZ2_BLOCK, _BZ2_END = 0x314159265359, 0x177245385090
_BZ2_MOST_PACKED = 1 << 21  # a block of 900 kB grows by little where it cannot be packed
_BZ2_FIRST_LOOK = 1 << 12
_BZ2_SMALL, _BZ2_MOST_SMALL = 1024, 10_000  # bytes, and how many blocks may unpack to less
_BZ2_MOST_UNPACKED = 64 << 20


class Stream(Protocol):
    """A place in a packed stream, from which it can be unpacked."""

    def more(self) -> bytes:
        """Return what comes next, and go on; nothing at the end."""

    def copy(self) -> Stream:
        """Return the place, to come back to it."""


class PackedFile:
    """What a stream unpacks to, read from any place; several threads may."""

    def __init__(self, file: RawFile, stream: Stream, size: int) -> None:
        """``stream`` stands at its beginning, and unpacks to ``size`` at most; closes ``file``."""
        self._file = file
        self.size = size
        self._marks: list[tuple[int, Stream]] = [(0, stream.copy())]
        self._stream = stream
        self._piece, self._begin = b"", 0  # the last piece that was unpacked, and where it belongs
        self._lock = threading.Lock()

    def read_into(self, array: NDArray[Any], offset: int) -> None:
        """Fill a C-ordered array with the bytes from ``offset`` on.

        Raises
        ------
        EOFError
            If the stream ends before the array is full.
        zlib.error, OSError, ValueError
            If it is damaged.
        """
        view = array.reshape(-1).view(np.uint8).data
        with self._lock:
            self._go_to(offset)
            while len(view):
                skipped = offset - self._begin
                if skipped >= len(self._piece):
                    self._next()
                    continue
                part = self._piece[skipped : skipped + len(view)]
                view[: len(part)] = part
                view, offset = view[len(part) :], offset + len(part)

    def _go_to(self, offset: int) -> None:
        place = bisect.bisect_right(self._marks, offset, key=lambda mark: mark[0]) - 1
        begin, mark = self._marks[place]
        if not self._begin <= offset or self._begin + len(self._piece) < begin:
            self._stream, self._piece, self._begin = mark.copy(), b"", begin

    def _next(self) -> None:
        end = self._begin + len(self._piece)
        if end >= self._marks[-1][0] + _MARK_EVERY:
            self._marks.append((end, self._stream.copy()))
        try:
            piece = self._stream.more()
        except BaseException:
            self._stream, self._piece, self._begin = self._marks[0][1].copy(), b"", 0
            raise
        if not piece:
            raise EOFError("what is packed in the file ends before its last slice")
        self._piece, self._begin = piece, end

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def open_packed(path: Path, kind: str, start: int = 0, length: int | None = None) -> PackedFile:
    """Open what a file holds packed.

    Parameters
    ----------
    path
        File.
    kind
        "gzip" (zlib, too), "bzip2", or "rle" (HxByteRLE of Amira).
    start, length
        Which bytes of the file; to its end by default.
    """
    file = RawFile(path)
    stop = file.size if length is None else min(file.size, start + length)
    stream: Stream
    if kind == "bzip2":
        stream = _Bunzip(file, 8 * start, stop)
    elif kind == "rle":
        stream = _Runs(file, start, stop)
    else:
        stream = _Inflate(file, start, stop)
    return PackedFile(file, stream, max(0, stop - start) * _MOST_GROWTH[kind])


def _bytes(file: RawFile, start: int, stop: int) -> bytes:
    return read_some(file, start, max(0, min(stop, file.size) - start))


@dataclass
class _Inflate:
    """Of zlib or gzip, of one or several members."""

    file: RawFile
    place: int
    stop: int
    packed: bytes = b""
    unpacker: Any = field(default_factory=lambda: zlib.decompressobj(wbits=47))

    def more(self) -> bytes:
        empty = 0
        while self.unpacker is not None:
            if not self.packed:
                end = min(self.stop, self.place + _READ_BYTES)
                self.packed, self.place = _bytes(self.file, self.place, end), end
                if not self.packed:
                    raise EOFError("the file ends in the middle of what is packed in it")
            piece: bytes = self.unpacker.decompress(self.packed, _PIECE_BYTES)
            self.packed = self.unpacker.unconsumed_tail
            if self.unpacker.eof:
                self._next_member(self.unpacker.unused_data)
                empty += 1
            if piece:
                return piece
            if empty > _MOST_EMPTY:
                raise ValueError("it consists of nothing but empty members")
        return b""

    def _next_member(self, rest: bytes) -> None:
        if len(rest) < 2:
            end = min(self.stop, self.place + _READ_BYTES)
            rest, self.place = rest + _bytes(self.file, self.place, end), end
        self.packed = rest
        self.unpacker = zlib.decompressobj(wbits=47) if rest[:2] == b"\x1f\x8b" else None

    def copy(self) -> _Inflate:
        return replace(self, unpacker=None if self.unpacker is None else self.unpacker.copy())


@dataclass
class _Runs:
    """Of Amira's HxByteRLE: n < 128 and a byte to repeat n times, or n and (n & 127) bytes as they are."""

    file: RawFile
    place: int
    stop: int

    def more(self) -> bytes:
        packed = _bytes(self.file, self.place, min(self.stop, self.place + (_PIECE_BYTES >> 4)))
        codes = np.frombuffer(packed, np.uint8)
        parts: list[bytes] = []
        at = 0
        while at + 1 < len(codes):
            pairs = codes[at : at + (len(codes) - at) // 2 * 2].reshape(-1, 2)
            literal = pairs[:, 0] >= 128
            repeats = int(literal.argmax()) if literal.any() else len(pairs)
            if repeats:
                parts.append(np.repeat(pairs[:repeats, 1], pairs[:repeats, 0]).tobytes())
                at += 2 * repeats
            if at < len(codes) and codes[at] >= 128:
                length = int(codes[at] & 127)
                if at + 1 + length > len(codes):
                    break
                parts.append(packed[at + 1 : at + 1 + length])
                at += 1 + length
        if packed and not at:
            raise EOFError("the file ends in the middle of what is packed in it")
        self.place += at
        unpacked = b"".join(parts)
        return unpacked if unpacked or not packed else self.more()

    def copy(self) -> _Runs:
        return replace(self)


@dataclass
class _Bunzip:
    """Of bzip2, of one or several streams: each block is unpacked as a stream of its own.

    Blocks begin at any bit, with 48 bits that hardly occur otherwise, and the checksum of the block; a stream
    of one block ends with 48 other bits and the same checksum.
    """

    file: RawFile
    bit: int  # of a block, or of the header of a stream
    stop: int
    small: int = 0  # blocks so far that held next to nothing, and streams without any

    def more(self) -> bytes:
        while True:
            if self.bit % 8 == 0 and self._starts_stream():
                self.bit += 32
            found = self._bits(self.bit, 48)
            if found == _BZ2_END:
                self.bit = -(-(self.bit + 80) // 8) * 8
                if not self._starts_stream():
                    return b""
                self.bit += 32
                if self._bits(self.bit, 48) == _BZ2_END:
                    self._count_small(0)
                continue
            if found != _BZ2_BLOCK:
                raise ValueError("it is no bzip2 data, or damaged")
            return self._block()

    def _block(self) -> bytes:
        begin = self.bit // 8
        end, size = None, _BZ2_FIRST_LOOK
        while end is None and size <= _BZ2_MOST_PACKED:  # most blocks of a strange file may be tiny
            data = _bytes(self.file, begin, min(self.stop, begin + size))
            end = _next_magic(data, self.bit - 8 * begin + 48)
            size = size * 8 if begin + size < self.stop else _BZ2_MOST_PACKED + 1
        if end is None:
            raise EOFError("the file ends in the middle of what is packed in it")
        first, length = self.bit - 8 * begin, end - (self.bit - 8 * begin)
        part = data[: end // 8 + 1]
        block = int.from_bytes(part, "big") >> (8 * len(part) - end) & ((1 << length) - 1)
        checksum = block >> (length - 80) & 0xFFFFFFFF
        whole = (block << 48 | _BZ2_END) << 32 | checksum
        spare = -(length + 80) % 8
        stream = b"BZh9" + (whole << spare).to_bytes((length + 80 + spare) // 8, "big")
        unpacked = bz2.BZ2Decompressor().decompress(stream, _BZ2_MOST_UNPACKED)
        self.bit = 8 * begin + first + length
        self._count_small(len(unpacked))
        return unpacked

    def _count_small(self, size: int) -> None:
        self.small += size < _BZ2_SMALL
        if self.small > _BZ2_MOST_SMALL:
            raise ValueError("it consists of streams that hold next to nothing")

    def _starts_stream(self) -> bool:
        begin = self.bit // 8
        head = _bytes(self.file, begin, min(self.stop, begin + 4))
        return len(head) == 4 and head[:3] == b"BZh" and head[3:].isdigit()

    def _bits(self, bit: int, count: int) -> int:
        begin = bit // 8
        data = _bytes(self.file, begin, min(self.stop, begin + count // 8 + 1))
        spare = 8 * len(data) - (bit - 8 * begin) - count
        if spare < 0:
            raise EOFError("the file ends in the middle of what is packed in it")
        return int.from_bytes(data, "big") >> spare & ((1 << count) - 1)

    def copy(self) -> _Bunzip:
        return replace(self)


def _next_magic(data: bytes, first: int) -> int | None:
    """Return the bit at which the next block, or the end of the stream, begins."""
    found: list[int] = []
    for magic in (_BZ2_BLOCK, _BZ2_END):
        for shift in range(8):
            # Of the 48 bits, those that fill five whole bytes when the first lies at this bit of its byte.
            lead = -shift % 8  # bits before these five bytes
            pattern = (magic >> (8 - lead) & ((1 << 40) - 1)).to_bytes(5, "big")
            at = data.find(pattern, (first + lead) // 8)
            while at >= 0:
                begin = 8 * at - lead
                if begin >= first and begin + 48 <= 8 * len(data) and _bits_at(data, begin) == magic:
                    found.append(begin)
                    break
                at = data.find(pattern, at + 1)
    return min(found, default=None)


def _bits_at(data: bytes, bit: int) -> int:
    part = data[bit // 8 : bit // 8 + 7].ljust(7, b"\0")
    return int.from_bytes(part, "big") >> (8 - bit % 8) & ((1 << 48) - 1)
