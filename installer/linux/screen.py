"""A virtual screen that can be looked at: Xvfb, and its picture as PNG."""

from __future__ import annotations

import os
import struct
import subprocess
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_DEPTH_FIELDS = 25


@dataclass(frozen=True)
class Word:
    """A word on a screen: its text, the number of its line, and its middle (x, y)."""

    text: str
    line: tuple[int, ...]
    place: tuple[int, int]


def place_of(words: Sequence[Word], wanted: str) -> tuple[int, int] | None:
    """Return the middle (x, y) of some words that stand side by side, or None where they do not stand.

    Signs that are no letters or digits do not count. Where they stand several times, a line of nothing else
    is taken, and otherwise the lowest.
    """
    names = [name for part in wanted.split() if (name := _bare(part))]
    lines: dict[tuple[int, ...], list[Word]] = {}
    for word in words:
        if _bare(word.text):
            lines.setdefault(word.line, []).append(word)
    found = []
    for line in lines.values():
        for at in range(len(line) - len(names) + 1):
            some = line[at : at + len(names)]
            if [_bare(word.text) for word in some] == names:
                x = (some[0].place[0] + some[-1].place[0]) // 2
                found.append((len(line) == len(names), some[0].place[1], x))
    return (max(found)[2], max(found)[1]) if found else None


def _bare(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def png(width: int, height: int, rgb: bytes) -> bytes:
    """Return a picture, 3 bytes a pixel, as PNG."""
    lines = b"".join(b"\0" + rgb[row * 3 * width : (row + 1) * 3 * width] for row in range(height))

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(lines, 1))
        + chunk(b"IEND", b"")
    )


class Screen:
    """An X server without a monitor; programs in other roots reach it by an abstract socket."""

    def __init__(self, folder: Path, size: tuple[int, int] = (1366, 768)) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        reading, writing = os.pipe()
        words = [
            "Xvfb",
            "-displayfd",
            str(writing),
            "-screen",
            "0",
            f"{size[0]}x{size[1]}x24",
            "-nolisten",
            "tcp",
        ]
        self._process = subprocess.Popen(
            [*words, "-fbdir", str(folder), "-ac"], pass_fds=[writing], stderr=subprocess.DEVNULL
        )
        os.close(writing)
        with os.fdopen(reading) as said:
            self.name = f":{said.readline().strip()}"
        self._file = folder / "Xvfb_screen0"

    def pixels(self) -> tuple[int, int, bytes]:
        """Return width, height and the colours, 3 bytes a pixel."""
        data = self._file.read_bytes()
        fields = struct.unpack_from(f">{_DEPTH_FIELDS}I", data)
        header, width, height, line, colours = fields[0], fields[4], fields[5], fields[12], fields[19]
        start = header + 12 * colours
        rows = []
        for row in range(height):
            blue_first = data[start + row * line : start + row * line + 4 * width]
            rgb = bytearray(3 * width)
            rgb[0::3], rgb[1::3], rgb[2::3] = blue_first[2::4], blue_first[1::4], blue_first[0::4]
            rows.append(bytes(rgb))
        return width, height, b"".join(rows)

    def count(self, box: tuple[int, int, int, int], wanted: Callable[[int, int, int], bool]) -> int:
        """Return how many pixels of a box (left, top, right, bottom) have a colour of this kind."""
        width, _, rgb = self.pixels()
        left, top, right, bottom = box
        found = 0
        for row in range(top, bottom):
            line = rgb[3 * (row * width + left) : 3 * (row * width + right)]
            found += sum(map(wanted, line[0::3], line[1::3], line[2::3]))
        return found

    def middle(
        self, box: tuple[int, int, int, int], wanted: Callable[[int, int, int], bool]
    ) -> tuple[int, int]:
        """Return the middle (x, y) of the pixels of a box that have a colour of this kind."""
        width, _, rgb = self.pixels()
        left, top, right, bottom = box
        found = []
        for row in range(top, bottom):
            line = rgb[3 * (row * width + left) : 3 * (row * width + right)]
            hits = map(wanted, line[0::3], line[1::3], line[2::3])
            found += [(left + x, row) for x, hit in enumerate(hits) if hit]
        columns, rows = zip(*found, strict=True)
        return (min(columns) + max(columns)) // 2, (min(rows) + max(rows)) // 2

    def colours(self) -> int:
        """Return how many colours are on the screen: one or two where no window is."""
        _, _, rgb = self.pixels()
        return len({rgb[at : at + 3] for at in range(0, len(rgb), 3)})

    def save(self, path: Path) -> None:
        """Write the picture as PNG."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(*self.pixels()))

    def words(self) -> list[Word]:
        """Return the words that can be read on it, line by line, by Tesseract."""
        width, height, rgb = self.pixels()
        # It reads letters of twice that size better.
        rows = []
        for row in range(height):
            line, wide = rgb[row * 3 * width : (row + 1) * 3 * width], bytearray(6 * width)
            for colour in range(3):
                wide[colour::6] = wide[colour + 3 :: 6] = line[colour::3]
            rows += [bytes(wide)] * 2
        done = subprocess.run(
            ["tesseract", "-", "-", "--psm", "11", "tsv"],
            input=png(2 * width, 2 * height, b"".join(rows)),
            capture_output=True,
            check=True,
            # Its threads wait for each other at full speed.
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        )
        found = []
        for row in done.stdout.decode().splitlines()[1:]:
            field = row.split("\t")
            if len(field) == 12 and field[11].strip():
                left, top, wide_px, high_px = (int(number) // 2 for number in field[6:10])
                place = (left + wide_px // 2, top + high_px // 2)
                found.append(Word(field[11].strip(), tuple(map(int, field[2:5])), place))
        return found

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()
