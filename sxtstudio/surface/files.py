"""Mesh files: PLY, STL, OBJ and VTP. PLY, STL and OBJ are simple enough to be written in chunks."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonCore import vtkCommand
from vtkmodules.vtkIOXML import vtkXMLPolyDataWriter

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.progress import Progress
from sxtstudio.surface.mesh import Points, Surface

_ROWS = 250_000
Step = Callable[[int], None]


def write_mesh(path: str | Path, surface: Surface, progress: Progress | None = None) -> Path:
    """Write a surface to .ply, .stl, .obj or .vtp, by the suffix.

    Coordinates are those of the mesh: nm, (x, y, z) along the axes of the volume. PLY (binary),
    OBJ (colours behind the coordinates, no .mtl) and VTP keep the colour of each object; STL
    (binary) has none. OBJ has one group per object. The file appears under its name only when
    it is whole.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UserError
        For any other suffix, and where the file cannot be written.
    Cancelled
        If ``progress.cancel`` was called; a former file of that name stays as it was.
    """
    path = Path(path)
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise UserError(
            f"{path.name}: a surface cannot be written to this kind of file. "
            f"End the name with {', '.join(MESH_SUFFIXES[:-1])} or {MESH_SUFFIXES[-1]}."
        )
    progress = progress or Progress()
    progress.begin(len(surface.points) + surface.face_count, f"writing {path.name}")
    with atomic_write(path) as temporary:
        writer(temporary, surface, progress.step)
    return path


def _chunks(*arrays: NDArray[Any]) -> Iterator[tuple[NDArray[Any], ...]]:
    for begin in range(0, len(arrays[0]), _ROWS):
        yield tuple(array[begin : begin + _ROWS] for array in arrays)


def _write_ply(path: Path, surface: Surface, step: Step) -> None:
    colours = surface.colours
    vertex = [("position", "<f4", 3)] + ([] if colours is None else [("colour", "u1", 3)])
    header = [
        "ply",
        "format binary_little_endian 1.0",
        f"comment SXT Studio: unit {surface.unit}; x, y, z along the axes of the volume",
        f"element vertex {len(surface.points)}",
        *(f"property float {axis}" for axis in "xyz"),
        *(f"property uchar {name}" for name in ("red", "green", "blue") if colours is not None),
        f"element face {surface.face_count}",
        "property list uchar int vertex_indices",
        "end_header\n",
    ]
    with open(path, "wb") as file:
        file.write("\n".join(header).encode("ascii"))
        arrays = (surface.points,) if colours is None else (surface.points, colours)
        for parts in _chunks(*arrays):
            rows = np.empty(len(parts[0]), vertex)
            for (name, *_), part in zip(vertex, parts, strict=True):
                rows[name] = part
            file.write(rows.tobytes())
            step(len(rows))
        for (part,) in _chunks(surface.triangles):
            rows = np.empty(len(part), [("count", "u1"), ("points", "<i4", 3)])
            rows["count"] = 3
            rows["points"] = part
            file.write(rows.tobytes())
            step(len(rows))


def _write_stl(path: Path, surface: Surface, step: Step) -> None:
    points = surface.points
    with open(path, "wb") as file:
        # The first word must not be "solid": that would make it an ASCII file.
        file.write(f"SXT Studio binary STL, unit {surface.unit}".encode("ascii").ljust(80))
        file.write(np.uint32(surface.face_count).astype("<u4").tobytes())
        for (part,) in _chunks(surface.triangles):
            rows = np.zeros(len(part), [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("extra", "<u2")])
            rows["corners"] = points[part]
            rows["normal"] = _normals(points, part)
            file.write(rows.tobytes())
            step(len(rows))
        step(len(points))


def _normals(points: Points, triangles: NDArray[np.int32]) -> NDArray[np.float64]:
    a, b, c = (points[triangles[:, i]].astype(np.float64) for i in range(3))
    normal = np.cross(b - a, c - a)
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    return np.asarray(normal / np.where(length > 0, length, 1))


def _write_obj(path: Path, surface: Surface, step: Step) -> None:
    colours, objects = surface.colours, surface.objects
    with open(path, "w", encoding="ascii", newline="\n") as file:
        file.write(f"# SXT Studio: unit {surface.unit}; x, y, z along the axes of the volume\n")
        if colours is None:
            for (part,) in _chunks(surface.points):
                _write_rows(file, "v %.3f %.3f %.3f\n", part)
                step(len(part))
        else:
            for part, colour in _chunks(surface.points, colours):
                _write_rows(file, "v %.3f %.3f %.3f %.3f %.3f %.3f\n", np.hstack([part, colour / 255]))
                step(len(part))
        triangles = surface.triangles
        if objects is None:
            _write_faces(file, triangles, step)
            return
        owner = objects[triangles[:, 0]]
        order = np.argsort(owner, kind="stable")
        ends = np.searchsorted(owner, np.arange(1, surface.object_count + 2), sorter=order)
        for number, (begin, end) in enumerate(pairwise(ends), start=1):
            file.write(f"g object_{number}\n")
            _write_faces(file, triangles[order[begin:end]], step)


def _write_faces(file: IO[str], triangles: NDArray[np.int32], step: Step) -> None:
    for (part,) in _chunks(triangles):
        _write_rows(file, "f %d %d %d\n", part + 1)
        step(len(part))


def _write_rows(file: IO[str], pattern: str, rows: NDArray[Any]) -> None:
    # One formatting of the whole chunk is many times quicker than one per line.
    file.write((pattern * len(rows)) % tuple(rows.reshape(-1).tolist()))


def _write_vtp(path: Path, surface: Surface, step: Step) -> None:
    writer = vtkXMLPolyDataWriter()
    failed: list[int] = []
    # With observers VTK's messages do not go to the terminal as well.
    for speaker in (writer, writer.GetExecutive()):
        speaker.AddObserver(vtkCommand.ErrorEvent, lambda *_: failed.append(writer.GetErrorCode()))
    writer.SetFileName(str(path))
    writer.SetInputData(surface.mesh)
    writer.SetDataModeToAppended()
    writer.EncodeAppendedDataOff()
    writer.SetCompressorTypeToLZ4()  # zlib takes half a minute for a large mesh
    if not writer.Write() or failed or writer.GetErrorCode():
        # VTK says only that it could not; among its reasons a full disk is by far the likeliest.
        raise OSError(errno.ENOSPC, "VTK could not write the file", str(path))
    step(len(surface.points) + surface.face_count)


_WRITERS: dict[str, Callable[[Path, Surface, Step], None]] = {
    ".ply": _write_ply,
    ".stl": _write_stl,
    ".obj": _write_obj,
    ".vtp": _write_vtp,
}
MESH_SUFFIXES = tuple(_WRITERS)
