"""The surfaces of numbered objects as mesh files for other programs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.label_image import HandedOver
from sxtstudio.core.length_unit import LengthUnit
from sxtstudio.core.measure.inventory import take_inventory
from sxtstudio.core.object_classes import CLASSES
from sxtstudio.core.object_table import Decided, ObjectRow, ObjectTable
from sxtstudio.core.pace import Work
from sxtstudio.core.progress import Progress
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.volume import VoxelSize
from sxtstudio.io import open_volume
from sxtstudio.surface import SurfaceParameters
from sxtstudio.surface.handover.kinds import MESH_SUFFIXES, MeshFormat, Per, files_of, format_of
from sxtstudio.surface.handover.part import Colours, object_parts
from sxtstudio.surface.handover.sink import Lengths
from sxtstudio.surface.handover.write import LISTING, refuse_foreign, write_file, write_folder
from sxtstudio.workflow.document.object_input import with_classes
from sxtstudio.workflow.document.views import labels_to_disk, notes_of
from sxtstudio.workflow.jobs.class_table import classes_in
from sxtstudio.workflow.jobs.outputs import OutputFile, check_outputs, check_space, scratch_folder
from sxtstudio.workflow.jobs.povray import draw_scene
from sxtstudio.workflow.jobs.unchanged import KnownInput

# Share of the job that making and writing surfaces takes; the rest is reading them back.
_MAKING = 0.9


@dataclass(frozen=True)
class MeshChoice:
    """How surfaces of objects are written.

    Attributes
    ----------
    kind, per
        The format, and what a file holds.
    unit
        None: what is usual for the format.
    parameters
        Smoothing, the most faces of an object, and the fewest of one that is written.
    """

    kind: MeshFormat
    per: Per = Per.ALL
    unit: LengthUnit | None = None
    parameters: SurfaceParameters = field(default_factory=SurfaceParameters)

    @property
    def in_folder(self) -> bool:
        """Whether a folder is written, not a file."""
        return self.per is not Per.ALL


@dataclass(frozen=True, eq=False)
class NumberedObjects3D:
    """The objects whose surfaces are written.

    Attributes
    ----------
    name
        Of the tomogram.
    numbers
        (z, y, x), array or memory map.
    boxes
        Of each wanted object a box that holds it.
    table
        The classes.
    voxel_nm, origin_nm
        (z, y, x); without voxel size lengths are in voxels.
    colours
        Other ones than those of the classes.
    """

    name: str
    numbers: NDArray[Any]
    boxes: Mapping[int, Box]
    table: ObjectTable
    voxel_nm: VoxelSize | None = None
    origin_nm: VoxelSize | None = None
    colours: Colours | None = None


def write_object_surfaces(
    target: Path, objects: NumberedObjects3D, choice: MeshChoice, progress: Progress | None = None
) -> HandedOver:
    """Make the surface of each object and write it; one of them at a time is in memory.

    Parameters
    ----------
    target
        A file whose name ends as the format says, or, for a file per class or object, a folder.
    objects, choice
        What, and how.
    progress
        One step per object.

    Raises
    ------
    UserError
        If there is no object, or it cannot be written.
    Cancelled
        If the job was cancelled through ``progress``.
    """
    if not objects.boxes:
        raise UserError("There is no object whose surface could be written. Find objects first.")
    progress = progress or Progress()
    parts = object_parts(
        objects.numbers,
        objects.boxes,
        objects.table,
        objects.voxel_nm,
        choice.parameters,
        colours=objects.colours,
        progress=progress.part(_MAKING, "surfaces of the objects"),
    )
    reading = progress.part(1 - _MAKING, "reading back")
    lengths = Lengths(None)
    if objects.voxel_nm is not None:
        z, y, x = objects.origin_nm or (0.0, 0.0, 0.0)
        lengths = Lengths(choice.unit or choice.kind.usual_unit, (x, y, z))

    def step(_count: int) -> None:
        reading.check()

    if choice.in_folder:
        return write_folder(target, parts, choice.kind, choice.per, lengths, objects.name, step)
    return write_file(target, parts, lengths, objects.name, step)


def check_target(target: Path, choice: MeshChoice, inputs: tuple[Path | None, ...] = ()) -> None:
    """Refuse a file or folder that cannot be written.

    Raises
    ------
    UserError
        If its name is no good, or it holds what is not replaced.
    """
    if not choice.in_folder:
        format_of(target)
        files = files_of(target)
        check_outputs([OutputFile(file, "a surface", (file.suffix.lower(),)) for file in files], inputs)
        return
    if target.suffix.lower() in MESH_SUFFIXES:
        raise UserError(
            f"{target.name} is the name of one file: name a folder for a file per {choice.per.value}."
        )
    refuse_foreign(target)
    place = target / LISTING if target.is_dir() else target
    check_outputs([OutputFile(place, "a folder of surfaces", (place.suffix.lower(),))], inputs)


@dataclass(frozen=True)
class ObjectSurfacesJob:
    """One run of ``sxtstudio surface --per``.

    Attributes
    ----------
    objects
        A file of numbered objects.
    target
        As of ``write_object_surfaces``.
    choice
        How.
    classes
        A table with the class of each object.
    voxel_nm
        Where the file does not say it, or is wrong.
    picture
        Of a scene of POV-Ray: drawn by that.
    """

    objects: Path
    target: Path
    choice: MeshChoice
    classes: Path | None = None
    voxel_nm: VoxelSize | None = None
    picture: Path | None = None


@dataclass(frozen=True)
class ObjectSurfacesResult:
    """What was written, and what the user should know of the objects.

    ``picture_error`` says why there is no picture although one was asked for.
    """

    written: HandedOver
    voxel_nm: VoxelSize | None
    notes: tuple[str, ...]
    picture_error: str | None = None


def object_surfaces_file(job: ObjectSurfacesJob, progress: Progress | None = None) -> ObjectSurfacesResult:
    """Write the surfaces of the objects of a file.

    Raises
    ------
    UserError
        If an input is bad or holds no object, or the output cannot be written; existing outputs are then as
        they were.
    Cancelled
        If the job was cancelled through ``progress``.
    """
    progress = progress or Progress()
    check_target(job.target, job.choice, (job.objects, job.classes))
    if job.picture is not None:
        check_outputs([OutputFile(job.picture, "a picture", (".png",))], (job.objects, job.classes))
    classes = {} if job.classes is None else classes_in(job.classes, by_hand=False)
    with open_volume(job.objects) as source:
        known = KnownInput.of(job.objects, source)
        voxel_nm = job.voxel_nm or source.voxel_nm
        voxels = math.prod(source.shape)
        check_space(job.target.parent, 4 * voxels)
        reading = Stage(Work.COPY, voxels, "reading objects")
        making = Stage(Work.SURFACE, voxels, "surfaces of the objects")
        drawing = () if job.picture is None else (Stage(Work.PICTURE, 1, "drawing"),)
        stages = Stages(progress, (reading, making, *drawing))
        with scratch_folder(job.target) as folder:
            with stages.stage(Work.COPY) as counter:
                numbers, values = labels_to_disk(
                    source, folder / "objects", job.objects.name, counter.part(0.6), keep=True
                )
                known.check()
                values.check_objects()
                found = take_inventory(numbers, counter.part(0.4))
            boxes = {number: found.box(row) for row, number in enumerate(found.numbers.tolist())}
            named = with_classes(CLASSES, sorted(set(classes.values())))
            rows = {n: ObjectRow(classes.get(n, ""), Decided.HAND) for n in boxes}
            objects = NumberedObjects3D(
                job.objects.stem.split(".")[0],
                numbers,
                boxes,
                ObjectTable(rows, named),
                voxel_nm,
                source.origin_nm,
            )
            with stages.stage(Work.SURFACE) as counter:
                written = write_object_surfaces(job.target, objects, job.choice, counter)
    error = None
    if job.picture is not None:
        try:
            with stages.stage(Work.PICTURE) as counter:
                draw_scene(job.target, job.picture, progress=counter)
        except UserError as failed:
            error = str(failed)  # the scene is good all the same
    return ObjectSurfacesResult(written, voxel_nm, notes_of(source, job.voxel_nm), error)
