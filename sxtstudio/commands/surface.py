"""``sxtstudio surface``: from labels to a mesh and a picture."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sxtstudio.commands.guard import DONE
from sxtstudio.commands.options import add_axes, add_label, add_voxel, named, whole_number
from sxtstudio.commands.terminal import shown_progress
from sxtstudio.commands.text import note_result, print_rows
from sxtstudio.core.errors import UserError
from sxtstudio.core.wording import bytes_text, count, voxel_zyx_text

if TYPE_CHECKING:
    from sxtstudio.surface import SurfaceParameters
    from sxtstudio.workflow.jobs.surfacing import SurfaceResult


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "surface",
        help="make a surface mesh of labels or of objects, and a picture",
        description="Make the surface of labels and write it as a mesh; with --per, the surfaces of numbered "
        "objects, one file for all, one per class or one per object.",
    )
    parser.add_argument(
        "labels",
        metavar="LABELS|OBJECTS",
        help="label file, every voxel that is not 0 is a label; or, with --per, a file of numbered objects",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="MESH|FOLDER",
        required=True,
        help=".ply, .stl, .obj, .vtp, .glb or .pov (POV-Ray); with '--per object' or '--per class' the name "
        "of a new folder",
    )
    parser.add_argument(
        "--per",
        choices=("all", "class", "object"),
        help="the file holds objects: write them all to one file, or one file per class, or per object",
    )
    parser.add_argument(
        "--classes", metavar="TABLE", help="a table with the class of each object, for names and colours"
    )
    parser.add_argument(
        "--format",
        choices=("glb", "obj", "ply", "pov", "stl", "vtp"),
        help="of the files in a folder (default: glb)",
    )
    parser.add_argument(
        "--unit",
        choices=("nm", "A", "um"),
        help="unit of lengths: nm, Å (A) or µm (um); by default nm, and µm in GLB, whose unit is the metre",
    )
    parser.add_argument("--objects", action="store_true", help="one surface of its own colour per object")
    parser.add_argument(
        "--min-faces",
        type=whole_number,
        metavar="N",
        help="drop objects with fewer faces (by default 1000 with --objects, else 0)",
    )
    parser.add_argument("--smooth", type=whole_number, metavar="N", help="iterations of smoothing (20)")
    parser.add_argument(
        "--picture",
        metavar="FILE.png",
        help="also draw the surface, with a scale bar; that of a .pov is drawn by POV-Ray, without",
    )
    add_label(parser)
    add_axes(parser, "LABELS")
    add_voxel(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the mesh and the picture, and say what they hold."""
    from sxtstudio.core.length_unit import LengthUnit
    from sxtstudio.surface import SurfaceParameters
    from sxtstudio.workflow.jobs.surfacing import SurfaceJob, surface_file

    _check(arguments)
    given = {} if arguments.smooth is None else {"smooth": arguments.smooth}
    parameters = SurfaceParameters(objects=arguments.objects, min_faces=arguments.min_faces, **given)
    if arguments.per:
        return _run_objects(arguments, parameters)
    job = SurfaceJob(
        labels=named(arguments.labels, arguments.axes),
        mesh=Path(arguments.output),
        parameters=parameters,
        picture=Path(arguments.picture) if arguments.picture else None,
        voxel_nm=arguments.voxel,
        label=arguments.label,
        unit=LengthUnit(arguments.unit) if arguments.unit else None,
    )
    with shown_progress() as (progress, _):
        result = surface_file(job, progress)
    rows = [
        ("surface", surface_text(result)),
        ("voxel size", voxel_zyx_text(result.voxel_nm)),
        *(("note", note) for note in result.notes),
    ]
    if result.picture:
        rows.append(("picture", str(result.picture)))
    print_rows(rows)
    note_result([result.mesh, result.picture], objects=result.objects, faces=result.faces)
    if result.picture_error:
        raise UserError(result.picture_error)
    return DONE


def _check(arguments: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    if arguments.per:
        with_labels = {
            "--objects": arguments.objects,
            "--label": arguments.label,
        }
        for option, value in with_labels.items():
            if value:
                raise UserError(f"{option} is for labels, and --per for numbered objects: leave one out.")
    elif arguments.classes:
        raise UserError("--classes is for a file of numbered objects: give --per as well.")
    if arguments.per and arguments.picture and Path(arguments.output).suffix.lower() != ".pov":
        raise UserError("Of objects POV-Ray draws the picture: name the output .pov, or leave --picture out.")
    if arguments.format and arguments.per not in ("class", "object"):
        raise UserError("One file is written as its name says: --format goes with '--per class' or object.")


def _run_objects(arguments: argparse.Namespace, parameters: SurfaceParameters) -> int:
    """Write the surfaces of numbered objects."""
    from sxtstudio.core.length_unit import LengthUnit
    from sxtstudio.surface.handover.kinds import MeshFormat, Per, format_of
    from sxtstudio.workflow.jobs.object_surfaces import MeshChoice, ObjectSurfacesJob, object_surfaces_file

    target, per = Path(arguments.output), Per(arguments.per)
    kind = format_of(target) if per is Per.ALL else MeshFormat(arguments.format or MeshFormat.GLB)
    unit = LengthUnit(arguments.unit) if arguments.unit else None
    job = ObjectSurfacesJob(
        objects=named(arguments.labels, arguments.axes),
        target=target,
        choice=MeshChoice(kind, per, unit, parameters),
        classes=Path(arguments.classes) if arguments.classes else None,
        voxel_nm=arguments.voxel,
        picture=Path(arguments.picture) if arguments.picture else None,
    )
    with shown_progress() as (progress, _):
        result = object_surfaces_file(job, progress)
    written = result.written
    print_rows(
        [
            ("written", f"{written.path} ({written.format}, {bytes_text(written.bytes)})"),
            *((name.lower(), text) for name, text in written.lines),
            ("voxel size", voxel_zyx_text(result.voxel_nm)),
            *(("note", note) for note in (*result.notes, *written.losses)),
            *((("picture", str(job.picture)),) if job.picture and not result.picture_error else ()),
        ]
    )
    note_result([written.path, None if result.picture_error else job.picture])
    if result.picture_error:
        raise UserError(result.picture_error)
    return DONE


def surface_text(result: SurfaceResult) -> str:
    """Return what a mesh holds."""
    return f"{result.mesh} ({count(result.objects, 'object')}, {count(result.faces, 'face')})"
