"""Meshes as POV-Ray reads them (``mesh2``), and what a scene says of each of them."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.printable import printable
from sxtstudio.surface.handover.sink import Counted, Totals, nothing
from sxtstudio.surface.povray.scene import Finish, PovMesh

_ROWS = 250_000
CLIP = "Clip"


class MeshText:
    """Writes meshes to an .inc, and keeps what the scene says of them, ``objects``.

    ``decimals`` are those of the places; with ``clipped`` they are cut off by the box named ``CLIP``.
    """

    def __init__(
        self, file: TextIO, decimals: int, *, clipped: bool = False, step: Callable[[int], None]
    ) -> None:
        """Begin without meshes."""
        self._file, self._step = file, step
        self._place = f"<%.{decimals}f,%.{decimals}f,%.{decimals}f>\n"
        self._clip = f" clipped_by {{ {CLIP} }}" if clipped else ""
        self.objects = io.StringIO()
        self.count = self.points = self.triangles = 0

    def add(self, mesh: PovMesh) -> None:
        """Write a mesh; one without triangles is left out."""
        part = mesh.part
        if not len(part.triangles):
            return
        self.count += 1
        name = f"Mesh_{self.count}"
        normals = part.with_normals
        points = part.points + np.float32(mesh.raised) * normals if mesh.raised else part.points
        self._file.write(f"// {printable(part.name)}\n#declare {name} = mesh2 {{\n")
        self._rows("vertex_vectors", self._place, points)
        self._rows("normal_vectors", "<%.3f,%.3f,%.3f>\n", normals)
        self._rows("face_indices", "<%d,%d,%d>\n", part.triangles)
        self._file.write("}\n")
        self.points += len(points)
        self.triangles += len(part.triangles)
        transmit = f" transmit {1 - mesh.opacity:.3f}" if mesh.opacity < 1 else ""
        self.objects.write(
            f"object {{ {name} pigment {{ rgb {vector(np.array(part.rgb) / 255)}{transmit} }} "
            f"finish {{ {_finish(mesh.finish)} }}{self._clip} }} // {printable(part.name)}\n"
        )

    def _rows(self, what: str, pattern: str, rows: NDArray[Any]) -> None:
        self._file.write(f"{what} {{ {len(rows)},\n")
        for begin in range(0, len(rows), _ROWS):
            some = rows[begin : begin + _ROWS]
            # One formatting of the whole chunk is many times quicker than one per line.
            self._file.write((pattern * len(some)) % tuple(some.reshape(-1).tolist()))
            self._step(len(some))
        self._file.write("}\n")


def _finish(finish: Finish) -> str:
    """Return how light is reflected; without lights VTK adds up both colours."""
    if not finish.lit:
        return f"ambient {finish.ambient + finish.diffuse:g} diffuse 0"
    return (
        f"ambient {finish.ambient:g} diffuse {finish.diffuse:g} phong {finish.specular:g} "
        f"phong_size {finish.power:g}"
    )


def read_totals(path: Path, step: Counted = nothing) -> Totals:
    """Return what a file of meshes that was written here holds; nothing where it ends too soon."""
    totals = Totals()
    section, normals, line = b"", 0, b"}\n"
    places: list[list[bytes]] = []
    with open(path, "rb") as file:
        for line in file:
            if not line.startswith(b"<"):
                section = line[:1]
            elif section == b"v":
                places.append(line[1:-2].split(b","))
                if len(places) == _ROWS:
                    step(0)
                    totals.add_points(np.array(places, np.float64))
                    places = []
            elif section == b"n":
                normals += 1
            else:
                totals.triangles += 1
                if totals.triangles % _ROWS == 0:
                    step(0)
    totals.add_points(np.array(places, np.float64).reshape(-1, 3))
    return totals if line == b"}\n" and normals == totals.points else Totals(-1, -1)


def number(value: float, digits: int = 9) -> str:
    """Return a number as text."""
    return f"{value:.{digits}g}"


def vector(values: NDArray[Any], digits: int = 9) -> str:
    """Return a vector, or a colour, as text."""
    return f"<{', '.join(number(value, digits) for value in values.tolist())}>"
