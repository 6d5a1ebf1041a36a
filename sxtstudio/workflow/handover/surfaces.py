"""Surfaces of labels and of objects for programs that show meshes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sxtstudio.core.errors import UserError
from sxtstudio.core.handover import CONTENT_NAMES, Content, MeshOf
from sxtstudio.core.measure.inventory import take_inventory
from sxtstudio.core.object_classes import Rgb
from sxtstudio.core.pace import Work
from sxtstudio.core.progress import Progress
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.wording import bytes_text, voxel_zyx_text
from sxtstudio.workflow.document.exporting import ExportSource, Receipt, SurfaceChoice, export_surface
from sxtstudio.workflow.handover.request import Handover

if TYPE_CHECKING:  # VTK takes a second to load
    from sxtstudio.surface.handover.part import Colours

#: A piece of labels of fewer faces is left out, as in the paper.
PIECE_FACES = 1000


def mesh_of(request: Handover, source: ExportSource) -> MeshOf:
    """Return what is a mesh of its own."""
    if request.mesh.of is not None:
        return request.mesh.of
    return MeshOf.PIECES if source.objects is None else MeshOf.OBJECTS


def write_surfaces(request: Handover, source: ExportSource, progress: Progress) -> Receipt:
    """Write surfaces: of labels, or of objects in one file or in a folder of files.

    Raises
    ------
    UserError
        If there are no labels or no objects, or it cannot be written.
    Cancelled
        If the user stopped it.
    """
    of = mesh_of(request, source)
    if of.of_objects:
        return _write_objects(request, source, of, progress)
    from sxtstudio.surface import SurfaceParameters

    pieces = of is MeshOf.PIECES
    least = request.mesh.min_faces
    parameters = SurfaceParameters(
        objects=pieces,
        min_faces=(PIECE_FACES if pieces else 0) if least is None else least,
        smooth=request.mesh.smooth,
    )
    choice = SurfaceChoice(parameters, request.inside_mask, request.mesh.unit)
    return export_surface(request.path, source, choice, progress)


def target_of(request: Handover, of: MeshOf) -> Path:
    """Return where surfaces go: of a file per class or object, the folder of that name without its ending."""
    return request.path.with_suffix("") if of.in_folder else request.path


def _write_objects(request: Handover, source: ExportSource, of: MeshOf, progress: Progress) -> Receipt:
    from sxtstudio.surface import SurfaceParameters
    from sxtstudio.surface.handover.kinds import Per, format_of
    from sxtstudio.workflow.jobs.object_surfaces import (
        MeshChoice,
        NumberedObjects3D,
        check_target,
        write_object_surfaces,
    )

    if source.objects is None:
        raise UserError("There are no objects. Find them first (panel “Objects”), or export the labels.")
    per = {MeshOf.CLASS_FILES: Per.CLASS, MeshOf.OBJECT_FILES: Per.OBJECT}.get(of, Per.ALL)
    parameters = SurfaceParameters(min_faces=request.mesh.min_faces or 0, smooth=request.mesh.smooth)
    choice = MeshChoice(format_of(request.path), per, request.mesh.unit, parameters)
    target = target_of(request, of)
    check_target(target, choice, (source.tomogram.path,))
    voxels = math.prod(source.tomogram.shape)
    stages = Stages(
        progress,
        (
            Stage(Work.NUMBER, voxels, "Looking where the objects are"),
            Stage(Work.SURFACE, voxels, "Making the surfaces"),
        ),
    )
    with stages.stage(Work.NUMBER) as counter:
        found = take_inventory(source.objects, counter)
    boxes = {number: found.box(row) for row, number in enumerate(found.numbers.tolist())}
    objects = NumberedObjects3D(
        source.stem,
        source.objects,
        boxes,
        source.table,
        source.voxel_nm,
        None if source.voxel_nm is None else source.place.origin_nm,
        _colours(source),
    )
    with stages.stage(Work.SURFACE) as counter:
        done = write_object_surfaces(target, objects, choice, counter)
    rows = (
        ("Format", done.format),
        *done.details,
        ("Voxel size", voxel_zyx_text(source.voxel_nm)),
        ("On disk", bytes_text(done.bytes)),
    )
    return Receipt(CONTENT_NAMES[Content.SURFACES], done.path, rows, done.verified, done.losses)


def _colours(source: ExportSource) -> Colours | None:
    """Return the colours that the window shows; None: of the classes."""
    if source.colours is None:
        return None
    numbers = np.fromiter(source.table.rows, np.int64, len(source.table.rows))
    each: dict[int, Rgb] = {
        number: (rgb[0], rgb[1], rgb[2])
        for number, rgb in zip(numbers.tolist(), source.colours.tolist(), strict=True)
    }
    return lambda number: each.get(number, (200, 200, 200))
