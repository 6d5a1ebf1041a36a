"""VTP, VTK's own XML with binary data, for ParaView: colour and number of the object of each point.

Written here and not by VTK, so that it need not have all meshes in memory.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

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
    append,
    nothing,
)

# Place in the file: name, kind, components, type in the file.
_ARRAYS = (
    ("Points", "Points", 3, "Float32", "<f4"),
    ("RGB", "PointData", 3, "UInt8", "u1"),
    ("object", "PointData", 1, "Int64", "<i8"),
    ("connectivity", "Polys", 1, "Int64", "<i8"),
    ("offsets", "Polys", 1, "Int64", "<i8"),
)


class VtpSink(MeshSink):
    """Arrays in scratch files until their sizes are known."""

    def __init__(self, where: MeshPaths, lengths: Lengths, name: str, step: Step = None) -> None:
        """Open the scratch files."""
        super().__init__(where, lengths, name, step)
        self._file = self.opened()
        self._arrays = [self.scratch() for _ in _ARRAYS]

    def _add(self, part: MeshPart, places: Vector) -> None:
        count, faces = len(places), len(part.triangles)
        self._write(0, places)
        self._write(1, np.broadcast_to(np.array(part.rgb, np.uint8), (count, 3)))
        self._write(2, np.broadcast_to(np.int64(part.number), (count,)))
        self._write(3, part.triangles, self.totals.points)
        self._write(4, np.arange(1, faces + 1, dtype=np.int64) * 3, 3 * self.totals.triangles)

    def _write(self, row: int, values: NDArray[Any], more: int = 0) -> None:
        for some in self.chunks(values):
            shifted = some.astype(np.int64) + more if more else some
            self._arrays[row].write(shifted.astype(_ARRAYS[row][4]).tobytes())

    def finish(self) -> None:
        """Write the header and, behind it, the arrays."""
        sizes = [array.tell() for array in self._arrays]
        offsets = np.cumsum([0, *(size + 8 for size in sizes)]).tolist()
        self._file.write(self._header(offsets))
        for size, array in zip(sizes, self._arrays, strict=True):
            self._file.write(size.to_bytes(8, "little"))
            append(self._file, array)
        self._file.write(b"\n</AppendedData>\n</VTKFile>\n")
        self.close()

    def _header(self, offsets: list[int]) -> bytes:
        root = ElementTree.Element(
            "VTKFile", type="PolyData", version="1.0", byte_order="LittleEndian", header_type="UInt64"
        )
        root.append(ElementTree.Comment(f" SXT Studio: unit {self.lengths.word} "))
        poly = ElementTree.SubElement(root, "PolyData")
        counts = {"NumberOfVerts": 0, "NumberOfLines": 0, "NumberOfStrips": 0}
        counts |= {"NumberOfPoints": self.totals.points, "NumberOfPolys": self.totals.triangles}
        piece = ElementTree.SubElement(poly, "Piece", {name: str(count) for name, count in counts.items()})
        places = {place: ElementTree.SubElement(piece, place) for place in ("PointData", "Points", "Polys")}
        places["PointData"].set("Scalars", "RGB")
        for (name, place, components, kind, _), offset in zip(_ARRAYS, offsets, strict=False):
            ElementTree.SubElement(
                places[place],
                "DataArray",
                type=kind,
                Name=name,
                NumberOfComponents=str(components),
                format="appended",
                offset=str(offset),
            )
        text = ElementTree.tostring(root, encoding="unicode").removesuffix("</VTKFile>")
        return f'<?xml version="1.0"?>\n{text}\n<AppendedData encoding="raw">\n_'.encode("ascii")

    def read_back(self) -> Totals:
        """Return what the file holds."""
        return read_totals(self.path, self._step)


def read_totals(path: Path, step: Counted = nothing) -> Totals:
    """Return what a file that was written here holds."""
    totals = Totals()
    with open(path, "rb") as file:
        while (line := file.readline(1 << 16)) and b"<AppendedData" not in line:
            pass
        file.read(1)
        begin = file.tell()
        size = int.from_bytes(file.read(8), "little")
        for first in range(0, size, 12_000_000):
            values = np.fromfile(file, "<f4", min(12_000_000, size - first) // 4)
            totals.add_points(values.reshape(-1, 3))
            step(len(values) // 3)
        for _ in range(2):  # colours and numbers
            file.seek(int.from_bytes(file.read(8), "little"), 1)
        size = int.from_bytes(file.read(8), "little")
        for first in range(0, size, 12_000_000):
            corners = np.fromfile(file, "<i8", min(12_000_000, size - first) // 8).reshape(-1, 3)
            totals.triangles += int(np.count_nonzero(corners.max(axis=1) < totals.points))
            step(len(corners))
        file.seek(int.from_bytes(file.read(8), "little"), 1)
        ends = file.read(64).split() == [b"</AppendedData>", b"</VTKFile>"]
    return totals if ends and begin else Totals(-1, -1)
