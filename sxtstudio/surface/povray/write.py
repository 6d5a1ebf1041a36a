"""A scene as files of POV-Ray 3.7: the scene (.pov), its meshes (.inc) and the slices in it (.png).

POV-Ray Team, "POV-Ray 3.7 Reference" (camera, mesh2, finish). What matters here:

- POV-Ray is left-handed only because of its usual camera. Here the camera's directions are all given, so that
  coordinates are those of the volume and nothing is mirrored.
- The 3D view shades without gamma. With ``assumed_gamma srgb`` POV-Ray does so, too.
- VTK's Phong shading is POV-Ray's ``ambient``, ``diffuse`` and ``phong``; lamps far away are ``parallel``.
- What is cut off is ``clipped_by`` a box, which leaves the meshes open, as in the 3D view.
"""

from __future__ import annotations

import io
import re
import unicodedata
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.label_image import HandedOver
from sxtstudio.core.printable import printable
from sxtstudio.core.wording import grouped
from sxtstudio.surface.picture import png_of
from sxtstudio.surface.povray.scene import PovBox, PovCamera, PovMesh, PovPlane, PovScene

SUFFIX = ".pov"
_ROWS = 250_000
# So many surfaces are seen through one behind the other.
_LAYERS = 60
_FAR = 50.0
_LOSSES = ("Scale bar and axes are no part of the scene; shadows between the objects are left out.",)

_HEAD = """\
// {name}: a scene for POV-Ray 3.7, written by SXT Studio.
// Lengths are in {unit}; x, y and z are those of the volume.
// To draw it:  povray +I"{file}" +W1600 +H1200 +A0.1
#version 3.7;
global_settings {{ assumed_gamma srgb max_trace_level {layers} charset utf8 }}
#default {{ finish {{ ambient 1 diffuse 0 }} }}
#declare Line_radius = {line} * 0.35 / image_height;
#include "{meshes}"

"""


def files_of(path: Path) -> tuple[Path, Path]:
    """Return the scene and the file of its meshes, whose name every system and POV-Ray can read."""
    plain = unicodedata.normalize("NFKD", path.stem).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", plain).strip("_.") or "scene"
    if plain != path.stem:
        plain = f"{plain}-{zlib.crc32(path.stem.encode('utf-8', 'replace')) & 0xFFFF:04x}"
    return path, path.with_name(f"{plain}.inc")


def write_scene(
    path: Path, scene: PovScene, *, clear: bool = False, step: Callable[[int], None] | None = None
) -> HandedOver:
    """Write a scene and its meshes, and read them back.

    Parameters
    ----------
    path
        Name of the scene, .pov; the meshes lie beside it in an .inc, slices in .png files.
    scene
        What is seen.
    clear
        Transparent background.
    step
        Called with the number of points or triangles that have been written.

    Raises
    ------
    UserError
        For another suffix, and where a file cannot be written.
    """
    if path.suffix.lower() != SUFFIX:
        raise UserError(f"{path.name}: a scene of POV-Ray ends in .pov. End the name with it.")
    _, meshes = files_of(path)
    with ExitStack() as stack:
        temporary = stack.enter_context(atomic_write(path))
        pictures = {plane.name: meshes.with_name(f"{meshes.stem}_{plane.name}.png") for plane in scene.planes}
        for plane in scene.planes:
            stack.enter_context(atomic_write(pictures[plane.name])).write_bytes(png_of(_rgb(plane.grey)))
        included = stack.enter_context(atomic_write(meshes))
        with open(included, "w", encoding="utf-8", newline="\n") as file:
            writer = _Meshes(file, scene, step or _nothing)
            for mesh in scene.meshes:
                writer.add(mesh)
        if _lines(included) != writer.points * 2 + writer.triangles:
            raise UserError(f"{meshes} is not complete when it is read back. Check the disk, write again.")
        temporary.write_text(
            "".join(
                (
                    _HEAD.format(
                        name=printable(scene.name),
                        unit=scene.unit,
                        file=printable(path.name),
                        meshes=meshes.name,
                        layers=_LAYERS,
                        line=_number(scene.camera.height),
                    ),
                    _camera(scene.camera, float(np.linalg.norm(scene.high - scene.low))),
                    f"background {{ rgb {_vector(np.array(scene.background))}{' transmit 1' * clear} }}\n",
                    *_lights(scene),
                    *(_plane(plane, pictures[plane.name].name) for plane in scene.planes),
                    *(_edges(box) for box in scene.boxes),
                    writer.objects.getvalue(),
                )
            ),
            encoding="utf-8",
            newline="\n",
        )
    files = (path, meshes, *pictures.values())
    details = (
        ("Files", ", ".join(file.name for file in files)),
        ("Objects", grouped(writer.count)),
        ("Size", f"{grouped(writer.triangles)} triangles, {grouped(writer.points)} points"),
        ("Unit of length", scene.unit),
        ("Verified", "read back: all points and triangles are there"),
    )
    size = sum(file.stat().st_size for file in files)
    return HandedOver(path, "POV-Ray 3.7 scene", size, details, _LOSSES)


class _Meshes:
    """Writes meshes to the .inc, and keeps what the scene says of them."""

    def __init__(self, file: io.TextIOBase | Any, scene: PovScene, step: Callable[[int], None]) -> None:
        self._file, self._step = file, step
        self._place = "%.4f" if scene.unit == "voxel" else "%.2f"
        self.objects = io.StringIO()
        self.count = self.points = self.triangles = 0
        self._clip = ""
        if scene.clip is not None:
            self.objects.write(
                f"#declare Clip = box {{ {_vector(scene.clip[0])}, {_vector(scene.clip[1])} }}\n"
            )
            self._clip = " clipped_by { Clip }"

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
        self._rows("vertex_vectors", f"<{','.join([self._place] * 3)}>\n", points)
        self._rows("normal_vectors", "<%.3f,%.3f,%.3f>\n", normals)
        self._rows("face_indices", "<%d,%d,%d>\n", part.triangles)
        self._file.write("}\n")
        self.points += len(points)
        self.triangles += len(part.triangles)
        finish, rgb = mesh.finish, _vector(np.array(part.rgb) / 255)
        reflects = f"ambient {finish.ambient + finish.diffuse:g} diffuse 0"  # as VTK without lights
        if finish.lit:
            reflects = (
                f"ambient {finish.ambient:g} diffuse {finish.diffuse:g} phong {finish.specular:g} "
                f"phong_size {finish.power:g}"
            )
        transmit = f" transmit {1 - mesh.opacity:.3f}" if mesh.opacity < 1 else ""
        self.objects.write(
            f"object {{ {name} pigment {{ rgb {rgb}{transmit} }} finish {{ {reflects} }}{self._clip} }}"
            f" // {printable(part.name)}\n"
        )

    def _rows(self, what: str, pattern: str, rows: NDArray[Any]) -> None:
        self._file.write(f"{what} {{ {len(rows)},\n")
        for begin in range(0, len(rows), _ROWS):
            some = rows[begin : begin + _ROWS]
            # One formatting of the whole chunk is many times quicker than one per line.
            self._file.write((pattern * len(some)) % tuple(some.reshape(-1).tolist()))
            self._step(len(some))
        self._file.write("}\n")


def _lines(path: Path) -> int:
    """Return how many points, normals and triangles a file of meshes holds; -1 where it ends too soon."""
    found, last = 0, b"}\n"
    with open(path, "rb") as file:
        while lines := file.readlines(1 << 24):
            found += sum(line.startswith(b"<") and line.endswith(b">\n") for line in lines)
            last = lines[-1]
    return found if last == b"}\n" else -1


def _camera(camera: PovCamera, diagonal: float) -> str:
    forward, right, up = camera.axes
    if camera.perspective:
        position, direction, size, kind = camera.position, forward / (2 * camera.half), 1.0, "perspective"
    else:
        # Nothing that lies behind the place of the camera is seen; that of the 3D view sees all.
        away = float(np.linalg.norm(camera.position - camera.focus)) + 2 * diagonal
        position, direction, size = camera.focus - away * forward, forward, 2 * camera.half
        kind = "orthographic"
    return (
        f"camera {{ {kind} location {_vector(position)} direction {_vector(direction)}\n"
        f"  up {_vector(size * up)} right {_vector(size * right)} * image_width / image_height }}\n"
    )


def _lights(scene: PovScene) -> list[str]:
    """Lamps without shadows, as in the 3D view, so far away that all of the scene lies on one side."""
    middle = (scene.low + scene.high) / 2
    at = _vector(middle)
    away = _FAR * (float(np.linalg.norm(scene.high - scene.low)) or 1.0)
    return [
        f"light_source {{ {_vector(middle + away * np.array(light.towards))} "
        f"rgb {_vector(np.array(light.rgb))} parallel point_at {at} shadowless }}\n"
        for light in scene.lights
    ]


def _plane(plane: PovPlane, picture: str) -> str:
    corners = (
        plane.corner,
        plane.corner + plane.along_columns,
        plane.corner + plane.along_columns + plane.along_rows,
        plane.corner + plane.along_rows,
    )
    transmit = f" transmit all {1 - plane.opacity:.3f}" if plane.opacity < 1 else ""
    # POV-Ray counts the rows of a picture from below.
    return (
        f"mesh2 {{ vertex_vectors {{ 4, {', '.join(_vector(corner) for corner in corners)} }}\n"
        "  uv_vectors { 4, <0,1>, <1,1>, <1,0>, <0,0> } face_indices { 2, <0,1,2>, <0,2,3> }\n"
        f'  uv_mapping pigment {{ image_map {{ png "{picture}" gamma srgb interpolate 2{transmit} }} }} }}\n'
    )


def _edges(box: PovBox) -> str:
    rgb = _vector(np.array(box.rgb))
    lines = ["union {\n"]
    for axis in range(3):
        one, two = (other for other in range(3) if other != axis)
        for first in (box.low, box.high):
            for second in (box.low, box.high):
                begin, end = box.low.copy(), box.high.copy()
                begin[one] = end[one] = first[one]
                begin[two] = end[two] = second[two]
                if begin[axis] < end[axis]:
                    lines.append(f"  cylinder {{ {_vector(begin)}, {_vector(end)}, Line_radius open }}\n")
    return "".join((*lines, f"  pigment {{ rgb {rgb} }} }}\n")) if len(lines) > 1 else ""


def _rgb(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(grey[..., None], 3, axis=2)


def _number(value: float) -> str:
    return f"{value:.9g}"


def _vector(values: NDArray[Any]) -> str:
    return f"<{', '.join(_number(value) for value in values.tolist())}>"


def _nothing(_count: int) -> None:
    """Nobody counts."""
