"""PLY, binary, with the colour of each point."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sxtstudio.surface.handover.part import MeshPart
from sxtstudio.surface.handover.sink import (
    Counted,
    Lengths,
    MeshPaths,
    MeshSink,
    Step,
    Totals,
    Vector,
    append,
    nothing,
)

_VERTEX = np.dtype([("place", "<f4", 3), ("rgb", "u1", 3)])
_FACE = np.dtype([("count", "u1"), ("points", "<i4", 3)])
_PADDED = 400


class PlySink(MeshSink):
    """Points go into the file, triangles behind them at the end."""

    def __init__(self, where: MeshPaths, lengths: Lengths, name: str, step: Step = None) -> None:
        """Leave room for the header."""
        super().__init__(where, lengths, name, step)
        self._file = self.opened()
        self._file.write(self._header())
        self._faces = self.scratch()

    def _header(self) -> bytes:
        lines = [
            "ply",
            "format binary_little_endian 1.0",
            f"comment SXT Studio: unit {self.lengths.word}; x, y, z along the axes of the volume",
            "",  # a comment that gives the header its length before the counts are known
            f"element vertex {self.totals.points}",
            *(f"property float {axis}" for axis in "xyz"),
            *(f"property uchar {colour}" for colour in ("red", "green", "blue")),
            f"element face {self.totals.triangles}",
            "property list uchar int vertex_indices",
            "end_header\n",
        ]
        lines[3] = "comment ".ljust(_PADDED + 1 - sum(len(line) + 1 for line in lines), ".")
        return "\n".join(lines).encode("ascii")

    def _add(self, part: MeshPart, places: Vector) -> None:
        for some in self.chunks(places):
            rows = np.empty(len(some), _VERTEX)
            rows["place"], rows["rgb"] = some, part.rgb
            self._file.write(rows.tobytes())
        for some in self.chunks(part.triangles):
            faces = np.empty(len(some), _FACE)
            faces["count"], faces["points"] = 3, some + np.int32(self.totals.points)
            self._faces.write(faces.tobytes())

    def finish(self) -> None:
        """Append the triangles and write the header again, with the counts."""
        append(self._file, self._faces)
        self._file.seek(0)
        self._file.write(self._header())
        self.close()

    def read_back(self) -> Totals:
        """Return what the file holds."""
        return read_totals(self.path, self._step)


def read_totals(path: Path, step: Counted = nothing) -> Totals:
    """Return what a file that was written here holds."""
    totals = Totals()
    with open(path, "rb") as file:
        counts = [int(line.split()[2]) for line in file.read(_PADDED).split(b"\n") if line[:7] == b"element"]
        for count in _pieces(counts[0]):
            totals.add_points(np.fromfile(file, _VERTEX, count)["place"])
            step(count)
        for count in _pieces(counts[1]):
            faces = np.fromfile(file, _FACE, count)
            totals.triangles += int(np.count_nonzero(faces["points"].max(axis=1) < totals.points))
            step(count)
    return totals


def _pieces(count: int) -> list[int]:
    return [min(1_000_000, count - begin) for begin in range(0, count, 1_000_000)]
