"""``sxtstudio filopodia``: cut filopodia from a cell, fill and measure them."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

from sxtstudio.commands.guard import DONE
from sxtstudio.commands.options import add_axes, add_label, add_voxel, named
from sxtstudio.commands.terminal import shown_progress
from sxtstudio.commands.text import note_result, print_rows, receipt_text, table_files
from sxtstudio.core.wording import count


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "filopodia",
        help="cut filopodia from a cell, and measure them",
        description="Cut the filopodia at given points from the cell at their base, close and fill their "
        "outlines, and say of each whether it is whole (not cut by the borders, not interrupted by gold) or "
        "doubtful. With --image they are followed along the grey values where outlines are missing. As the "
        "window does it by a click.",
    )
    parser.add_argument(
        "labels", metavar="LABELS", help="label file; every voxel that is not 0 is a membrane"
    )
    parser.add_argument(
        "--seeds",
        metavar="FILE.csv",
        required=True,
        help="a point on each filopodium: columns x, y and z (voxels from 0), and maybe cut (nm from the "
        "tip, where the proposed one is not right) and filopodium (a name: rows that share it are points of "
        "one, such as its base and its tip, and it runs from the first to the last)",
    )
    parser.add_argument(
        "-o", "--output", metavar="OBJECTS", required=True, help=".tif, .mrc, .rec, .map or .zarr"
    )
    parser.add_argument("--table", metavar="TABLE", help="measure them: .csv, .xlsx or .parquet")
    parser.add_argument("--profiles", metavar="FILE.csv", help="the width of each along its axis")
    parser.add_argument(
        "--image", metavar="TOMOGRAM", help="follow filopodia in it, look for gold, and measure grey values"
    )
    parser.add_argument(
        "--polarity",
        choices=("auto", "dark", "bright"),
        default="auto",
        help="how absorbing structures look in TOMOGRAM (default: found by itself)",
    )
    parser.add_argument(
        "--widest",
        type=_width,
        metavar="NM",
        help="the widest inside of a filopodium (default: 400 nm, or 40 pixels without a voxel size)",
    )
    add_label(parser)
    add_axes(parser, "LABELS")
    add_voxel(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Cut, fill, check, measure, and say what was found."""
    from sxtstudio.core.filopodia.records import FilopodiumParameters
    from sxtstudio.workflow.jobs.filopodia import FilopodiaJob, filopodia_file, summary

    job = FilopodiaJob(
        labels=named(arguments.labels, arguments.axes),
        seeds=Path(arguments.seeds),
        output=Path(arguments.output),
        table=Path(arguments.table) if arguments.table else None,
        profiles=Path(arguments.profiles) if arguments.profiles else None,
        image=Path(arguments.image) if arguments.image else None,
        absorbing=arguments.polarity,
        parameters=FilopodiumParameters(widest=arguments.widest),
        voxel_nm=arguments.voxel,
        label=arguments.label,
    )
    with shown_progress() as (progress, _):
        result = filopodia_file(job, progress)
    found = count(len(result.found), "filopodium", "filopodia")
    rows = [("filopodia", f"{found}, {result.whole} of them whole"), *summary(result)]
    rows += [("note", note) for note in result.notes]
    print_rows([*rows, ("written", receipt_text(result.receipt))])
    written = [result.receipt.path, *table_files(job.table), job.profiles]
    note_result(written, filopodia=len(result.found), whole=result.whole)
    return DONE


def _width(text: str) -> float:
    try:
        width = float(text)
    except ValueError:
        width = math.nan
    if not 0 < width <= 1e5:
        raise argparse.ArgumentTypeError(f"{text!r} is not a width in nm, such as 400")
    return width
