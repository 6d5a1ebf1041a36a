"""``sxtstudio objects``: from the outlines of a label file to numbered bodies."""

from __future__ import annotations

import argparse
import math
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sxtstudio.commands.guard import DONE
from sxtstudio.commands.options import add_axes, add_label, add_voxel, named, size
from sxtstudio.commands.terminal import shown_progress
from sxtstudio.commands.text import note_result, print_rows, receipt_text, table_files, taken_as_text
from sxtstudio.core.wording import count

if TYPE_CHECKING:
    from sxtstudio.workflow.jobs.objects import ObjectsJob, ObjectsResult


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "objects",
        help="number the bodies that outlines enclose",
        description="Number the bodies that the outlines of a label file enclose, each with its membrane: in "
        "every slice the regions that outlines enclose, linked over the slices, joined where only an inner "
        "membrane divides them, and told from the cytoplasm between. A body ends where its outlines end.",
    )
    add_job(parser)
    parser.set_defaults(run=run)


def add_job(parser: argparse.ArgumentParser) -> None:
    """Add what is asked for."""
    parser.add_argument(
        "labels",
        metavar="LABELS",
        help="label file of one value: every voxel that is not 0 is a membrane; objects, one number each, "
        "are taken as they are",
    )
    parser.add_argument(
        "-o", "--output", metavar="OBJECTS", required=True, help=".tif, .mrc, .rec, .map or .zarr"
    )
    parser.add_argument(
        "--as",
        dest="taken_as",
        choices=("objects", "labels"),
        help="what the numbers are, where that is open (default: several values are objects, one per number; "
        "one value is a label)",
    )
    parser.add_argument(
        "--method",
        choices=("bodies", "components"),
        default="bodies",
        help="bodies: what outlines enclose; components: label voxels that hang together (26 neighbours), "
        "which needs 4 bytes of memory per voxel (default: bodies)",
    )
    parser.add_argument(
        "--close",
        type=_width,
        metavar="NM",
        help="close gaps in outlines up to this width (default: 6 pixels)",
    )
    parser.add_argument(
        "--split",
        type=_share,
        default=0.0,
        metavar="S",
        help="divide bodies where their neck is narrower than this share of the narrower part, 0 to 1 "
        "(default: 0, only where an outline has a gap)",
    )
    parser.add_argument(
        "--membrane",
        type=_membrane,
        metavar="NM",
        help="so much of a line around a body is its membrane, in the middle of the line; what lies outside "
        "of it is no part of the body, except in walls that bodies share; 0 or drawn: all of the line "
        "(default: auto, 30 nm of lines that are wider than 40 nm and at least 4 pixels wide, as the shipped "
        "models draw them; all of narrower lines, and if the voxel size is unknown)",
    )
    parser.add_argument(
        "--no-sheets",
        action="store_true",
        help="leave out outlines that enclose nothing (ER, plasma membrane); else they are numbered after "
        "the bodies",
    )
    parser.add_argument(
        "--no-caps",
        action="store_true",
        help="end bodies with the last slice of their outline; else a cap is added where the top or bottom "
        "is missing, as in tomograms of ±60°",
    )
    parser.add_argument(
        "--min-size",
        type=size,
        metavar="N",
        help="leave out objects smaller than N voxels, or than a volume such as 2e6nm3 (default: 30 voxels)",
    )
    parser.add_argument("--mask", metavar="FILE", help="label nothing outside of this mask")
    parser.add_argument(
        "--image",
        metavar="TOMOGRAM",
        help="find droplets by their grey values: balls that absorb more than membranes, which labels hide "
        "in the walls that they touch; where bodies touch, a tenth more of them is found on phantoms",
    )
    parser.add_argument(
        "--probability",
        metavar="FILE",
        help="output of the network: close gaps in outlines across which it saw a faint membrane, and flag "
        "objects whose outline it was not sure of",
    )
    parser.add_argument(
        "--table",
        metavar="FILE",
        help="write why objects may not be whole (border, open, doubtful, sheet): .csv, .xlsx or .parquet",
    )
    add_label(parser)
    add_axes(parser, "LABELS")
    add_voxel(parser)


def job_of(arguments: argparse.Namespace) -> ObjectsJob:
    """Return what was asked for."""
    from sxtstudio.core.bodies.method import Method
    from sxtstudio.workflow.jobs.objects import ObjectsJob, TakenAs

    voxels, nm3 = arguments.min_size or (None, None)
    return ObjectsJob(
        labels=named(arguments.labels, arguments.axes),
        output=Path(arguments.output),
        method=Method(arguments.method),
        gap_nm=arguments.close,
        split=arguments.split,
        min_voxels=voxels,
        min_nm3=nm3,
        mask=_path(arguments.mask),
        voxel_nm=arguments.voxel,
        label=arguments.label,
        membrane_nm=arguments.membrane,
        sheets=not arguments.no_sheets,
        caps=not arguments.no_caps,
        image=_path(arguments.image),
        probability=_path(arguments.probability),
        table=_path(arguments.table),
        taken_as=TakenAs(arguments.taken_as) if arguments.taken_as else None,
    )


def run(arguments: argparse.Namespace) -> int:
    """Number, write, and say how many there are."""
    from sxtstudio.workflow.jobs.objects import objects_file

    job = job_of(arguments)
    with shown_progress() as (progress, _):
        result = objects_file(job, progress)
    show_found(result, job)
    return DONE


_NO_BODIES = (
    "no outline encloses anything: rings of one or two slices count as membrane; where each piece of label "
    "is an object, take --method components"
)


def show_found(result: ObjectsResult, job: ObjectsJob) -> None:
    """Say how many objects there are, and what was written."""
    from sxtstudio.core.bodies.method import Method
    from sxtstudio.core.object_table import ObjectFlag
    from sxtstudio.workflow.jobs.objects import TakenAs

    found = result.found
    sheets = found.count - found.bodies
    what = f"{count(found.count, 'object')}, {found.flagged(ObjectFlag.BORDER)} of them cut by the border"
    rows = [("taken as", taken_as_text(result.taken_as, result.values)), ("objects", what)]
    if result.taken_as is TakenAs.OBJECTS:
        rows.append(("note", "the file holds objects already: they are taken as they are, numbered from 1"))
        if result.values.not_of_objects:
            ends = f"{min(result.values.voxels)} to {max(result.values.voxels)}"
            rows.append(
                ("warning", f"its numbers, {ends}, are none of objects: the new ones are in their order")
            )
    elif job.method is Method.BODIES:
        rows.append(
            (
                "bodies",
                f"{found.bodies}, {found.flagged(ObjectFlag.OPEN)} of them open: more than a fifth is "
                "missing above or below the outlines",
            )
        )
        if job.sheets:
            rows.append(("sheets", f"{sheets} that enclose nothing, numbered after the bodies"))
        if sheets and not found.bodies:
            rows.append(("note", _NO_BODIES))
        if result.judged:
            rows.append(
                ("doubtful", f"the network was not sure of {found.flagged(ObjectFlag.DOUBTFUL)} outlines")
            )
    rows += [("note", note) for note in result.notes]
    rows.append(("written", receipt_text(result.receipt)))
    flags = "" if job.table is None else f" --flags {shlex.quote(str(job.table))}"
    if job.table is None:
        rows.append(("note", "with --table FILE the flags (open, doubtful, sheet) are kept for 'measure'"))
    rows.append(("next", f"sxtstudio measure {shlex.quote(str(job.output))}{flags} -o measured.csv"))
    print_rows(rows)
    note_result(
        [result.receipt.path, *table_files(job.table)],
        objects=found.count,
        bodies=found.bodies,
        at_border=found.flagged(ObjectFlag.BORDER),
        open=found.flagged(ObjectFlag.OPEN),
        doubtful=found.flagged(ObjectFlag.DOUBTFUL) if result.judged else None,
        sheets=sheets,
    )


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def _width(text: str) -> float:
    """Read a width in nm, 0 or more."""
    return _number(text, 1e6, "a width in nm, such as 60")


def _membrane(text: str) -> float | None:
    """Read a thickness in nm, or how it is chosen: None is automatically, 0 as it is drawn."""
    if text == "auto":
        return None
    return 0.0 if text == "drawn" else _number(text, 1e6, "a width in nm, such as 30, nor auto or drawn")


def _share(text: str) -> float:
    """Read a share, 0 to 1."""
    return _number(text, 1.0, "a share, 0 to 1")


def _number(text: str, most: float, what: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
    return number
