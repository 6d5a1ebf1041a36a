"""What the 3D view shows as a scene of POV-Ray, and as a picture that POV-Ray has drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtGui import QImage, QPainter
from vtkmodules.util.numpy_support import vtk_to_numpy

from sxtstudio.app.view3d.contents import ScenePart, clip_corners, corners_of
from sxtstudio.app.view3d.export import Shot, check_picture, scale_note, write_png
from sxtstudio.app.view3d.overlay import overlay_of, paint_overlay
from sxtstudio.app.view3d.planes import plane_corners
from sxtstudio.app.view3d.scene import (
    BACKDROPS,
    CLIP_INK,
    CONTACT,
    DIMMED,
    HIGHLIGHT,
    LEAST_HIGHLIGHT,
    MASK,
    MASK_SPECULAR,
    ON_TOP_AMBIENT,
    Place,
    box_ink,
)
from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.label_image import HandedOver
from sxtstudio.core.object_classes import Rgb
from sxtstudio.core.progress import Progress
from sxtstudio.surface.handover.part import MeshPart, parts_by_number
from sxtstudio.surface.povray.scene import Finish, PovBox, PovMesh, PovPlane, PovScene, lights_of
from sxtstudio.surface.povray.write import write_scene
from sxtstudio.surface.scene import DIFFUSE
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.jobs.povray import povray_picture

# What lies on a surface is drawn so far in front of it: a share of the volume's diagonal.
_RAISED = 4e-4
_PLANES = ("yx", "zx", "zy")


@dataclass(frozen=True)
class Named:
    """What the things in a scene are called: the tomogram, and the class of each object."""

    tomogram: str
    classes: Mapping[int, str]


def named_in(document: Document | None) -> Named:
    """Return what a document calls them."""
    if document is None:
        return Named("tomogram", {})
    classes = {number: row.class_name for number, row in document.object_table.rows.items()}
    return Named(Path(document.name).name.partition(".")[0], classes)


def scene_of(shot: Shot, named: Named, size: tuple[int, int] | None = None) -> PovScene:
    """Return what a view shows; in a picture of ``size`` as much as ``Shot.draw`` shows in such a one."""
    contents = shot.contents
    state = contents.state
    low, high = corners_of(contents.shape, contents.voxel_nm)
    camera = contents.camera_copy()
    with camera.enlarged(1.0 if size is None else shot.room_for(size)):
        seen = camera.for_povray()
    boxes = [PovBox(low, high, box_ink(state.backdrop(contents.dark)))] if state.box else []
    clip = None
    if state.clip:
        clipped = clip_corners(state, low, high)
        far = float(np.linalg.norm(high - low))
        clip = (
            np.where(clipped[0] > low, clipped[0], low - far),
            np.where(clipped[1] < high, clipped[1], high + far),
        )
        if state.clip_box:
            boxes.append(PovBox(*clipped, CLIP_INK))
    return PovScene(
        name=named.tomogram,
        unit=shot.unit,
        meshes=_meshes(shot, named.classes, _RAISED * float(np.linalg.norm(high - low))),
        camera=seen,
        lights=lights_of(seen, state.light),
        background=BACKDROPS[state.backdrop(contents.dark)],
        low=low,
        high=high,
        planes=tuple(_planes(shot)),
        boxes=tuple(boxes),
        clip=clip,
    )


def _planes(shot: Shot) -> Iterator[PovPlane]:
    contents, state = shot.contents, shot.contents.state
    visible = (state.plane_xy, state.plane_xz, state.plane_yz)
    size = np.array(contents.voxel_nm or (1.0, 1.0, 1.0))
    for plane in contents.planes:
        if visible[plane.axis]:
            corner, columns, rows = plane_corners(
                plane.axis, plane.index, np.array(contents.shape, float), size
            )
            name = _PLANES[plane.axis]
            yield PovPlane(name, plane.grey, corner, columns - corner, rows - corner, state.plane_opacity)


def _meshes(shot: Shot, classes: Mapping[int, str], raised: float) -> Iterator[PovMesh]:
    """Yield what is drawn, as ``Scene3D.apply`` says how."""
    meshes, state = shot.contents.meshes, shot.contents.state
    highlight = ScenePart.HIGHLIGHT in meshes
    surface = Finish(diffuse=DIMMED if highlight else DIFFUSE, lit=state.lighting)
    on_top = Finish(ambient=ON_TOP_AMBIENT, lit=state.lighting)
    rgb: Mapping[ScenePart, Rgb] = {
        ScenePart.SURFACE: state.rgb,
        ScenePart.MASK: _rgb(MASK),
        ScenePart.HIGHLIGHT: _rgb(HIGHLIGHT),
        ScenePart.CONTACTS: _rgb(CONTACT),
    }
    shown = {
        ScenePart.SURFACE: (state.surface_visible, state.opacity, surface, 0.0),
        ScenePart.BODIES: (state.bodies_visible, state.opacity, Finish(lit=state.lighting), 0.0),
        ScenePart.MASK: (
            state.mask_visible,
            state.mask_opacity,
            Finish(specular=MASK_SPECULAR, lit=state.lighting),
            0.0,
        ),
        ScenePart.HIGHLIGHT: (True, max(LEAST_HIGHLIGHT, state.opacity), on_top, raised),
        ScenePart.CONTACTS: (True, 1.0, Finish(ambient=ON_TOP_AMBIENT), raised),
    }
    for part, (visible, opacity, finish, above) in shown.items():
        mesh = meshes.get(part)
        if mesh is not None and visible:
            for piece in _parts(mesh, part, rgb.get(part, state.rgb), classes):
                yield PovMesh(piece, opacity, finish, above)


def _parts(mesh: Any, part: ScenePart, rgb: Rgb, classes: Mapping[int, str]) -> Iterator[MeshPart]:
    """Yield a mesh of VTK, object by object where it has such."""
    data = mesh.GetPointData()
    points = vtk_to_numpy(mesh.GetPoints().GetData())
    triangles = vtk_to_numpy(mesh.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    triangles = triangles.astype(np.int32, copy=False)
    normals = vtk_to_numpy(data.GetNormals())
    objects, colours = data.GetArray("object"), data.GetArray("RGB")
    if objects is None or colours is None:
        yield MeshPart(part.value.capitalize(), rgb, points, triangles, normals=normals)
        return
    names = classes if part is ScenePart.BODIES else None
    numbers = vtk_to_numpy(objects)
    yield from parts_by_number(points, triangles, numbers, vtk_to_numpy(colours), normals, names)


def _rgb(colour: Place) -> Rgb:
    red, green, blue = (round(255 * channel) for channel in colour)
    return red, green, blue


def save_scene(shot: Shot, named: Named, path: Path, clear: bool, progress: Progress) -> HandedOver:
    """Write the scene and its meshes, to be drawn by POV-Ray in any size.

    Raises
    ------
    Cancelled
        If the user has cancelled; there is no file then.
    UserError
        If it cannot be written.
    """
    scene = scene_of(shot, named)
    meshes = shot.contents.meshes.values()
    rows = sum(mesh.GetNumberOfCells() + 2 * mesh.GetNumberOfPoints() for mesh in meshes)
    progress.begin(rows, "writing the scene")
    return write_scene(path, scene, clear=clear, step=progress.step)


def save_povray_picture(
    shot: Shot, named: Named, path: Path, size: tuple[int, int], clear: bool, progress: Progress
) -> tuple[Path, str]:
    """Let POV-Ray draw what is seen; scale bar and axes are painted as on any picture.

    Returns
    -------
    tuple
        The file, and how long a pixel is.

    Raises
    ------
    Cancelled
        If the user has cancelled; there is no file then.
    UserError
        If POV-Ray is not installed or fails, or the file cannot be written.
    """
    check_picture(path, size)
    with (
        atomic_write(path) as temporary,
        povray_picture(scene_of(shot, named, size), size, clear=clear, progress=progress) as drawn,
    ):
        picture = QImage(str(drawn))
        if picture.isNull() or (picture.width(), picture.height()) != size:
            raise UserError("POV-Ray has drawn a picture that cannot be read. Choose a smaller one.")
        picture = picture.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
        contents = shot.contents
        camera = contents.camera_copy()
        with camera.enlarged(shot.room_for(size)):
            overlay = overlay_of(camera, size[1], contents.state, shot.unit, contents.dark)
            note = scale_note(camera, size[1], shot)
        with QPainter(picture) as brush:
            paint_overlay(brush, *size, overlay)
        write_png(picture, temporary, path, note)
    return path, note
