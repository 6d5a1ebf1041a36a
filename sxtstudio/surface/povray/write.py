"""A scene as files of POV-Ray 3.7: the scene (.pov), its meshes (.inc) and the slices in it (.png).

POV-Ray Team, "POV-Ray 3.7 Reference" (camera, mesh2, finish). What matters here:

- POV-Ray is left-handed only because of its usual camera. Here the camera's directions are all given, so that
  coordinates are those of the volume and nothing is mirrored.
- The 3D view shades without gamma. With ``assumed_gamma srgb`` POV-Ray does so, too.
- VTK's Phong shading is POV-Ray's ``ambient``, ``diffuse`` and ``phong``; lamps far away are ``parallel``.
- What is cut off is ``clipped_by`` a box, which leaves the meshes open, as in the 3D view.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.label_image import HandedOver
from sxtstudio.core.printable import printable
from sxtstudio.core.verified import ALL_TRIANGLES, EVERY_LETTER, read_back, write_content
from sxtstudio.core.wording import grouped
from sxtstudio.surface.handover.names import plain_stem
from sxtstudio.surface.handover.sink import nothing
from sxtstudio.surface.picture import png_of
from sxtstudio.surface.povray.meshes import CLIP, MeshText, number, read_totals, vector
from sxtstudio.surface.povray.scene import PovBox, PovCamera, PovPlane, PovScene

SUFFIX = ".pov"
# So many surfaces are seen through one behind the other.
_LAYERS = 60
_FAR = 50.0
# POV-Ray 3.7 finds no file with other letters; quotes and backslashes would end a text in a scene.
_OPENED = re.compile(r"[ !#-\[\]-~]+")
_DECIMALS = {"voxel": 4}
LOSSES = ("Scale bar and axes are no part of the scene; shadows between the objects are left out.",)

_HEAD = """\
// {name}: a scene for POV-Ray 3.7, written by SXT Studio.
// Lengths are in {unit}; x, y and z are those of the volume.
// To draw it:  povray '+I"{file}"' +W1600 +H1200 +A0.1
#version 3.7;
global_settings {{ assumed_gamma srgb max_trace_level {layers} charset utf8 }}
#default {{ finish {{ ambient 1 diffuse 0 }} }}
#declare Line_radius = {line} * 0.35 / image_height;
#include "{meshes}"

"""


def meshes_file(path: Path) -> Path:
    """Return the file of the meshes of a scene."""
    return path.with_suffix(".inc")


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
    check_scene(path)
    meshes = meshes_file(path)
    pictures = {plane.name: picture_file(path, plane) for plane in scene.planes}
    with ExitStack() as stack:
        temporary = stack.enter_context(atomic_write(path))
        for plane in scene.planes:
            picture = pictures[plane.name]
            write_content(stack.enter_context(atomic_write(picture)), picture, png_of(_rgb(plane.grey)))
        included = stack.enter_context(atomic_write(meshes))
        with open(included, "w", encoding="utf-8", newline="\n") as file:
            decimals = _DECIMALS.get(scene.unit, 2)
            text = MeshText(file, decimals, clipped=scene.clip is not None, step=step or nothing)
            for mesh in scene.meshes:
                text.add(mesh)
        found = read_totals(included, step or nothing)
        if (found.points, found.triangles) != (text.points, text.triangles):
            raise UserError(f"{meshes} is not complete when it is read back. Check the disk, write again.")
        whole = scene_text(scene, path, text.objects.getvalue(), clear=clear)
        write_content(temporary, path, whole.encode())
    files = (path, meshes, *pictures.values())
    details = (
        ("Files", ", ".join(file.name for file in files)),
        ("Objects", grouped(text.count)),
        ("Size", f"{grouped(text.triangles)} triangles, {grouped(text.points)} points"),
        ("Unit of length", scene.unit),
    )
    size = sum(file.stat().st_size for file in files)
    verified = read_back(ALL_TRIANGLES, f"{EVERY_LETTER} of the scene")
    return HandedOver(path, "POV-Ray 3.7 scene", size, verified, details, LOSSES)


def check_scene(path: Path) -> None:
    """Refuse names that are none of a scene, or that POV-Ray cannot open.

    Raises
    ------
    UserError
        Where that is so; it says another name.
    """
    if path.suffix.lower() != SUFFIX:
        raise UserError(f"{path.name}: a scene of POV-Ray ends in .pov. End the name with it.")
    if not _OPENED.fullmatch(path.name):
        raise UserError(
            f"{path.name}: POV-Ray opens no file whose name has umlauts or other special letters. "
            f"Call it {plain_stem(path.stem)}.pov."
        )


def picture_file(path: Path, plane: PovPlane) -> Path:
    """Return the file of a slice of the scene ``path``."""
    return path.with_name(f"{path.stem}_{plane.name}.png")


def scene_text(scene: PovScene, path: Path, objects: str, *, clear: bool = False) -> str:
    """Return the scene that will be called ``path``; ``objects`` is what it says of its meshes."""
    head = _HEAD.format(
        name=printable(scene.name),
        unit=scene.unit,
        file=printable(path.name),
        meshes=meshes_file(path).name,
        layers=_LAYERS,
        line=number(scene.camera.height),
    )
    clip = "" if scene.clip is None else f"#declare {CLIP} = box {{ {', '.join(map(vector, scene.clip))} }}\n"
    return "".join(
        (
            head,
            _camera(scene.camera, float(np.linalg.norm(scene.high - scene.low))),
            f"background {{ rgb {vector(np.array(scene.background))}{' transmit 1' * clear} }}\n",
            *_lights(scene),
            *(_plane(plane, picture_file(path, plane).name) for plane in scene.planes),
            *(_edges(box) for box in scene.boxes),
            clip,
            objects,
        )
    )


def _camera(camera: PovCamera, diagonal: float) -> str:
    forward, right, up = camera.axes
    if camera.perspective:
        position, direction, size, kind = camera.position, forward / (2 * camera.half), 1.0, "perspective"
    else:
        # Nothing that lies behind the place of the camera is seen; that of the 3D view sees all.
        away = float(np.linalg.norm(camera.position - camera.focus)) + 2 * diagonal
        position, direction, size = camera.focus - away * forward, forward, 2 * camera.half
        kind = "orthographic"
    # With fewer digits POV-Ray finds that the directions are not perpendicular.
    at, into, upwards, across = (
        vector(values, 16) for values in (position, direction, size * up, size * right)
    )
    return (
        f"camera {{ {kind} location {at} direction {into}\n"
        f"  up {upwards} right {across} * image_width / image_height }}\n"
    )


def _lights(scene: PovScene) -> list[str]:
    """Lamps without shadows, as in the 3D view, so far away that all of the scene lies on one side."""
    middle = (scene.low + scene.high) / 2
    at = vector(middle)
    away = _FAR * (float(np.linalg.norm(scene.high - scene.low)) or 1.0)
    return [
        f"light_source {{ {vector(middle + away * np.array(light.towards))} "
        f"rgb {vector(np.array(light.rgb))} parallel point_at {at} shadowless }}\n"
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
        f"mesh2 {{ vertex_vectors {{ 4, {', '.join(vector(corner) for corner in corners)} }}\n"
        "  uv_vectors { 4, <0,1>, <1,1>, <1,0>, <0,0> } face_indices { 2, <0,1,2>, <0,2,3> }\n"
        f'  uv_mapping pigment {{ image_map {{ png "{picture}" gamma srgb interpolate 2{transmit} }} }} }}\n'
    )


def _edges(box: PovBox) -> str:
    rgb = vector(np.array(box.rgb))
    lines = ["union {\n"]
    for axis in range(3):
        one, two = (other for other in range(3) if other != axis)
        for first in (box.low, box.high):
            for second in (box.low, box.high):
                begin, end = box.low.copy(), box.high.copy()
                begin[one] = end[one] = first[one]
                begin[two] = end[two] = second[two]
                if begin[axis] < end[axis]:
                    lines.append(f"  cylinder {{ {vector(begin)}, {vector(end)}, Line_radius open }}\n")
    return "".join((*lines, f"  pigment {{ rgb {rgb} }} }}\n")) if len(lines) > 1 else ""


def _rgb(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(grey[..., None], 3, axis=2)
