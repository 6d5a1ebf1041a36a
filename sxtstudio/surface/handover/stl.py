"""STL, binary: triangles without colours or names."""

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
    nothing,
)

_FACE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("extra", "<u2")])
_HEADER = 80


class StlSink(MeshSink):
    """Triangles as they come; their number at the end."""

    def __init__(self, where: MeshPaths, lengths: Lengths, name: str, step: Step = None) -> None:
        """Write the header."""
        super().__init__(where, lengths, name, step)
        self._file = self.opened()
        # The first word must not be "solid": that would make it an ASCII file.
        header = f"SXT Studio binary STL, unit {lengths.word}".encode("ascii")
        self._file.write(header.ljust(_HEADER) + bytes(4))

    def _add(self, part: MeshPart, places: Vector) -> None:
        for some in self.chunks(part.triangles):
            rows = np.zeros(len(some), _FACE)
            corners = places[some]
            normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
            length = np.linalg.norm(normal, axis=1, keepdims=True)
            rows["corners"] = corners
            rows["normal"] = normal / np.where(length > 0, length, 1)
            self._file.write(rows.tobytes())
        self._step(len(places))

    def finish(self) -> None:
        """Write how many triangles there are."""
        self._file.seek(_HEADER)
        self._file.write(np.uint32(self.totals.triangles).astype("<u4").tobytes())
        self.close()

    def read_back(self) -> Totals:
        """Return what the file holds."""
        return read_totals(self.path, self._step)


def read_totals(path: Path, step: Counted = nothing) -> Totals:
    """Return what a file that was written here holds; points are counted by the triangles."""
    totals = Totals()
    with open(path, "rb") as file:
        file.seek(_HEADER)
        count = int.from_bytes(file.read(4), "little")
        while len(rows := np.fromfile(file, _FACE, 250_000)):
            totals.add_points(rows["corners"].reshape(-1, 3))
            totals.triangles += len(rows)
            step(len(rows))
    return totals if totals.triangles == count else Totals(-1, -1)
