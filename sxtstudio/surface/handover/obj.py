"""OBJ: one object (``o``) and one material per part; the materials lie in a file .mtl beside it.

The colour also stands behind the coordinates of each point, as MeshLab and others read it, because not every
program reads materials.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


class ObjSink(MeshSink):
    """Text: the points of a part, then its triangles."""

    def __init__(self, where: MeshPaths, lengths: Lengths, name: str, step: Step = None) -> None:
        """Begin both files."""
        super().__init__(where, lengths, name, step)
        self._file = io.TextIOWrapper(self.opened(), encoding="utf-8", newline="\n")
        self._stack.callback(self._file.close)
        assert where.beside is not None
        self._parts = 0
        self._materials = self._stack.enter_context(open(where.beside, "w", encoding="utf-8", newline="\n"))
        self._file.write(f"# SXT Studio: unit {lengths.word}; x, y, z along the axes of the volume\n")
        self._file.write(f"mtllib {material_file(where.final).name}\n")

    def _add(self, part: MeshPart, places: Vector) -> None:
        self._parts += 1
        name = _word(part.name)
        red, green, blue = (channel / 255 for channel in part.rgb)
        self._materials.write(
            f"newmtl {name}\nKd {red:.6f} {green:.6f} {blue:.6f}\nKa 0 0 0\nKs 0.1 0.1 0.1\nNs 25\nd 1\n"
            "illum 2\n\n"
        )
        self._file.write(f"o {name}\nusemtl {name}\ns 1\n")
        digits = f"%.{self.lengths.decimals}f"
        row = f"v {digits} {digits} {digits} {red:.4f} {green:.4f} {blue:.4f}\n"
        for some in self.chunks(places):
            _write_rows(self._file, row, some)
        for some in self.chunks(part.triangles):
            _write_rows(self._file, "f %d %d %d\n", some.astype(np.int64) + (1 + self.totals.points))

    def finish(self) -> None:
        """Close the file."""
        self._file.flush()
        self.close()

    def read_back(self) -> Totals:
        """Return what the file holds."""
        materials = b"" if self.beside is None else self.beside.read_bytes()
        return (
            read_totals(self.path, self._step)
            if materials.count(b"illum 2\n\n") == self._parts
            else Totals(-1, -1)
        )


def material_file(path: Path) -> Path:
    """Return the file of the materials of ``path``."""
    return path.with_suffix(".mtl")


def read_totals(path: Path, step: Counted = nothing) -> Totals:
    """Return what a file that was written here holds."""
    totals = Totals()
    with open(path, "rb") as file:
        # Lines of one kind follow each other, so that they can be read many at a time.
        while lines := file.readlines(1 << 24):
            places = [line.split()[1:4] for line in lines if line.startswith(b"v ")]
            totals.add_points(np.array(places, np.float64).reshape(-1, 3))
            step(len(lines))
            totals.triangles += sum(line.startswith(b"f ") and line.endswith(b"\n") for line in lines)
    return totals


def _word(name: str) -> str:
    """Return a name without spaces, which end a name in OBJ."""
    return "_".join(name.split()) or "object"


def _write_rows(file: io.TextIOWrapper, pattern: str, rows: NDArray[Any]) -> None:
    # One formatting of the whole chunk is many times quicker than one per line.
    file.write((pattern * len(rows)) % tuple(rows.reshape(-1).tolist()))
