"""``sxtstudio measure``: a table of measurements of objects."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sxtstudio.commands.guard import DONE
from sxtstudio.commands.measure_more import add_more, more_of
from sxtstudio.commands.options import add_axes, add_flags, add_label, add_voxel, named
from sxtstudio.commands.terminal import shown_progress
from sxtstudio.commands.text import note_result, print_rows, taken_as_text
from sxtstudio.core.wording import count, voxel_zyx_text

if TYPE_CHECKING:
    from sxtstudio.workflow.jobs.measuring import MeasureJob, MeasureResult

#: What the summary says of the objects; all is in the table.
_SUMMARY = ("volume", "surface_mesh", "surface_to_volume", "axis_1", "axis_2", "axis_3", "sphericity")
_SUMMARY_OF_SLICE = ("slice_area_mean", "slice_axis_1_mean", "slice_axis_2_mean", "slice_perimeter_mean")


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "measure",
        help="measure objects: size, shape, grey values, slices",
        description="Measure objects and write a table with a dictionary of its columns. A file of several "
        "values holds objects, one number each; in a file of one value, such as 0 and 255, objects are found "
        "first, as the command 'objects' does without options. Objects at the border are in the table, "
        "flagged, "
        "and left out of the means that are printed.",
    )
    add_job(parser)
    parser.add_argument(
        "--ranges",
        action="store_true",
        help="take what 'ranges run' has measured; the rest of the command is that of 'ranges plan-measure'",
    )
    parser.set_defaults(run=run)


def add_job(parser: argparse.ArgumentParser) -> None:
    """Add what is asked for."""
    parser.add_argument("objects", metavar="OBJECTS|LABELS", help="file of objects, or of labels")
    parser.add_argument("--image", metavar="TOMOGRAM", help="also measure the grey values of this tomogram")
    parser.add_argument("-o", "--output", metavar="TABLE", required=True, help=".csv, .xlsx or .parquet")
    parser.add_argument(
        "--per-slice", metavar="FILE", help="also a table of each object in each of its slices"
    )
    parser.add_argument(
        "--mesh-dir", metavar="DIR", help="also a mesh of each object, object_00012.ply, here"
    )
    parser.add_argument(
        "--mesh-format", choices=("ply", "stl"), default="ply", help="of the meshes (default: ply)"
    )
    parser.add_argument(
        "--as",
        dest="taken_as",
        choices=("objects", "labels"),
        help="what the numbers are, where that is open: a file of one object has one value, too",
    )
    parser.add_argument(
        "--method",
        choices=("bodies", "components"),
        default="bodies",
        help="how objects are found in labels: what outlines enclose, or what hangs together (bodies)",
    )
    parser.add_argument(
        "--include-border",
        action="store_true",
        help="take objects that touch a face of the volume into the means that are printed, and Table S1",
    )
    add_flags(parser)
    add_more(parser)
    add_label(parser)
    add_axes(parser, "OBJECTS")
    add_voxel(parser)


def job_of(arguments: argparse.Namespace) -> MeasureJob:
    """Return what was asked for."""
    from sxtstudio.core.bodies.method import Method
    from sxtstudio.workflow.jobs.measuring import MeasureJob
    from sxtstudio.workflow.jobs.objects import TakenAs

    return MeasureJob(
        source=named(arguments.objects, arguments.axes),
        table=Path(arguments.output),
        image=Path(arguments.image) if arguments.image else None,
        per_slice=Path(arguments.per_slice) if arguments.per_slice else None,
        meshes=Path(arguments.mesh_dir) if arguments.mesh_dir else None,
        taken_as=TakenAs(arguments.taken_as) if arguments.taken_as else None,
        method=Method(arguments.method),
        label=arguments.label,
        voxel_nm=arguments.voxel,
        mesh_suffix=f".{arguments.mesh_format}",
        more=more_of(arguments),
        with_border=arguments.include_border,
        flags=Path(arguments.flags) if arguments.flags else None,
    )


def run(arguments: argparse.Namespace) -> int:
    """Measure, write, and say what was found."""
    from sxtstudio.core.measure.measure import ONE_SLICE
    from sxtstudio.workflow.jobs.measuring import measure_file
    from sxtstudio.workflow.ranges.measuring import finish_measuring
    from sxtstudio.workflow.ranges.state import ranges_folder

    job = job_of(arguments)
    with shown_progress() as (progress, _):
        if arguments.ranges:
            result = finish_measuring(ranges_folder(job.table), job, progress)
        else:
            result = measure_file(job, progress)
    rows = [
        ("taken as", taken_as_text(result.taken_as, result.values)),
        ("voxel size", voxel_zyx_text(result.voxel_nm)),
        *_summary(result, include_border=arguments.include_border),
        *(("note", note) for note in result.notes),
        *(("note", note) for note in result.measured.notes if job.more.calibrates or note == ONE_SLICE),
        *(("written", str(path)) for path in result.written),
    ]
    if job.meshes is not None:
        rows.append(("written", f"{job.meshes} ({count(result.meshes, 'mesh', 'meshes')})"))
    print_rows(rows)
    at_border, sheets = int(result.at_border.sum()), int(result.sheets.sum())
    found = {"objects": len(result.at_border), "at_border": at_border, "sheets": sheets}
    note_result([*result.written, job.meshes], **found, meshes=result.meshes)
    return DONE


def _summary(result: MeasureResult, *, include_border: bool) -> Iterator[tuple[str, str]]:
    import numpy as np

    from sxtstudio.core.measure.counted import sheets_text
    from sxtstudio.core.measure.units import unit_text

    measured, found = result.measured, result.counted(with_border=include_border)
    at_border, sheets = int(found.border.sum()), int(found.sheets.sum())
    text = count(len(found.rows), "object")
    if at_border:
        left = "with them" if include_border else "left out of the means (--include-border takes them in)"
        text += f", {at_border} of them cut by the border: {left}"
    yield "objects", text
    if sheets:
        yield "sheets", f"{sheets_text(sheets)}: left out of the means"
    if not found.rows.any():
        yield "note", "no object is left for means: all are cut by the border or are sheets"
        return
    titles = {column.key: column for column in measured.columns}
    solid = not np.isnan(measured.values["volume"].astype(float)).all()
    for key in _SUMMARY if solid else _SUMMARY_OF_SLICE:
        column = titles[key]
        values = measured.values[key][found.rows].astype(float)
        unit = unit_text(column.quantity, calibrated=measured.calibrated)
        spread = f" ± {values.std(ddof=1):.4g}" if len(values) > 1 else ""
        unit = f" {unit}" if unit else ""
        yield column.title, f"{values.mean():.4g}{spread}{unit} (mean ± SD, n = {len(values)})"
