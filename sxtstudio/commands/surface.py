"""``sxtstudio surface``: from labels to a mesh and a picture."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sxtstudio.commands.guard import DONE
from sxtstudio.commands.options import add_axes, add_label, add_voxel, named, whole_number
from sxtstudio.commands.terminal import shown_progress
from sxtstudio.commands.text import print_rows
from sxtstudio.core.errors import UserError
from sxtstudio.core.wording import count, voxel_zyx_text

if TYPE_CHECKING:
    from sxtstudio.workflow.jobs.surfacing import SurfaceResult


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "surface",
        help="make a surface mesh of labels, and a picture",
        description="Make the surface of labels, in nm, and write it as a mesh.",
    )
    parser.add_argument("labels", metavar="LABELS", help="label file; every voxel that is not 0 is a label")
    parser.add_argument("-o", "--output", metavar="MESH", required=True, help=".ply, .stl, .obj or .vtp")
    parser.add_argument("--objects", action="store_true", help="one surface of its own colour per object")
    parser.add_argument(
        "--min-faces",
        type=whole_number,
        metavar="N",
        help="drop objects with fewer faces (by default 1000 with --objects, else 0)",
    )
    parser.add_argument("--smooth", type=whole_number, metavar="N", help="iterations of smoothing (20)")
    parser.add_argument("--picture", metavar="FILE.png", help="also draw the surface, with a scale bar")
    add_label(parser)
    add_axes(parser, "LABELS")
    add_voxel(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the mesh and the picture, and say what they hold."""
    from sxtstudio.surface import SurfaceParameters
    from sxtstudio.workflow.jobs.surfacing import SurfaceJob, surface_file

    given = {} if arguments.smooth is None else {"smooth": arguments.smooth}
    job = SurfaceJob(
        labels=named(arguments.labels, arguments.axes),
        mesh=Path(arguments.output),
        parameters=SurfaceParameters(objects=arguments.objects, min_faces=arguments.min_faces, **given),
        picture=Path(arguments.picture) if arguments.picture else None,
        voxel_nm=arguments.voxel,
        label=arguments.label,
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
    if result.picture_error:
        raise UserError(result.picture_error)
    return DONE


def surface_text(result: SurfaceResult) -> str:
    """Return what a mesh holds."""
    return f"{result.mesh} ({count(result.objects, 'object')}, {count(result.faces, 'face')})"
