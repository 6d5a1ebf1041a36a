"""From a label file to a surface mesh and a picture of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sxtstudio.core.errors import UserError
from sxtstudio.core.label_values import LabelValues
from sxtstudio.core.length_unit import LengthUnit
from sxtstudio.core.pace import Work
from sxtstudio.core.progress import Progress
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.volume import VoxelSize
from sxtstudio.io import open_volume
from sxtstudio.surface import (
    SurfaceParameters,
    extract_surface,
    render_picture,
    surface_stages,
    write_mesh,
)
from sxtstudio.surface.handover.kinds import MeshFormat, files_of, format_of
from sxtstudio.workflow.document.views import labels_to_disk
from sxtstudio.workflow.jobs.cleaning import merged_text
from sxtstudio.workflow.jobs.outputs import OutputFile, check_outputs, check_space, scratch_folder
from sxtstudio.workflow.jobs.povray import draw_scene
from sxtstudio.workflow.jobs.unchanged import KnownInput


@dataclass(frozen=True)
class SurfaceJob:
    """One run of ``sxtstudio surface``; ``unit`` None is what is usual for the format.

    The picture of a scene of POV-Ray is drawn by that.
    """

    labels: Path
    mesh: Path
    parameters: SurfaceParameters = field(default_factory=SurfaceParameters)
    picture: Path | None = None
    voxel_nm: VoxelSize | None = None
    label: int | None = None
    unit: LengthUnit | None = None


@dataclass(frozen=True)
class SurfaceResult:
    """The mesh that was written; lengths in it are in voxels where the size is unknown.

    ``picture_error`` says why there is no picture although one was asked for.
    """

    mesh: Path
    picture: Path | None
    picture_error: str | None
    objects: int
    faces: int
    voxel_nm: VoxelSize | None
    notes: tuple[str, ...]


def surface_file(job: SurfaceJob, progress: Progress | None = None) -> SurfaceResult:
    """Make the surface of the labels of a file and write it, and a picture if wanted.

    Parameters
    ----------
    job
        Files and parameters. Labels are all voxels that are not 0, or those with the value ``label``; with
        objects, voxels of different values belong to different ones.
    progress
        Counts reading and the stages of the surface.

    Raises
    ------
    UserError
        If the labels are bad or empty, or the mesh cannot be written; existing outputs are then
        as they were. A picture that cannot be made is a note in the result, as the mesh is good.
    Cancelled
        If the job was cancelled through ``progress``.
    """
    progress = progress or Progress()
    format_of(job.mesh)
    outputs = [OutputFile(file, "a surface", (file.suffix.lower(),)) for file in files_of(job.mesh)]
    if job.picture:
        outputs.append(OutputFile(job.picture, "a picture", (".png",)))
    check_outputs(outputs, [job.labels])
    with open_volume(job.labels) as source:
        known = KnownInput.of(job.labels, source)
        voxel_nm = job.voxel_nm or source.voxel_nm
        check_space(job.mesh.parent, int(np.prod(source.shape)))
        stages = Stages(progress, stages_of(job, math.prod(source.shape)))
        with scratch_folder(job.mesh) as folder:
            with stages.stage(Work.COPY) as counter:
                labels, values = labels_to_disk(
                    source,
                    folder / "labels",
                    job.labels.name,
                    counter,
                    value=job.label,
                    keep=job.parameters.objects,
                )
            known.check()
            several = job.label is None and values.several
            apart = tuple(values.voxels) if several and job.parameters.objects else ()
            with stages.stage(Work.SURFACE) as counter:
                surface = extract_surface(
                    labels,
                    voxel_nm,
                    job.parameters,
                    origin_nm=source.origin_nm,
                    apart=apart,
                    progress=counter,
                )
    with stages.stage(Work.MESH_FILE) as counter:
        write_mesh(job.mesh, surface, counter, unit=job.unit)
    picture_error = None
    if job.picture:
        try:
            with stages.stage(Work.PICTURE) as counter:
                if format_of(job.mesh) is MeshFormat.POV:
                    draw_scene(job.mesh, job.picture, progress=counter)
                else:
                    render_picture(job.picture, surface, progress=counter)
        except UserError as error:
            # The mesh is good even where the machine cannot draw (no OpenGL).
            picture_error = str(error)
    return SurfaceResult(
        mesh=job.mesh,
        picture=None if picture_error else job.picture,
        picture_error=picture_error,
        objects=surface.object_count,
        faces=surface.face_count,
        voxel_nm=voxel_nm,
        notes=(*surface.notes, *_values_text(values, several, job.parameters.objects)),
    )


def stages_of(job: SurfaceJob, voxels: int) -> tuple[Stage, ...]:
    """Return what ``surface_file`` does with so many voxels, for what it will take."""
    return (
        Stage(Work.COPY, voxels, "reading labels"),
        Stage(Work.SURFACE, voxels, "surface", surface_stages(voxels, job.parameters)),
        Stage(Work.MESH_FILE, voxels, "writing"),
        *((Stage(Work.PICTURE, 1, "drawing"),) if job.picture else ()),
    )


def _values_text(values: LabelValues, several: bool, objects: bool) -> tuple[str, ...]:
    if not several:
        return ()
    if objects:
        return (f"{values.name} holds {values.text()}: each is told apart from the others.",)
    return (merged_text(values),)
