"""A virtual screen that can be looked at: Xvfb, and its picture as PNG."""

from __future__ import annotations

import os
import struct
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

_DEPTH_FIELDS = 25


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

    def colours(self) -> int:
        """Return how many colours are on the screen: one or two where no window is."""
        _, _, rgb = self.pixels()
        return len({rgb[at : at + 3] for at in range(0, len(rgb), 3)})

    def save(self, path: Path) -> None:
        """Write the picture as PNG."""
        width, height, rgb = self.pixels()
        lines = b"".join(b"\0" + rgb[row * 3 * width : (row + 1) * 3 * width] for row in range(height))

        def chunk(kind: bytes, body: bytes) -> bytes:
            return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

        head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(
            b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", head)
            + chunk(b"IDAT", zlib.compress(lines))
            + chunk(b"IEND", b"")
        )

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()
