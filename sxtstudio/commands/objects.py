"""``sxtstudio objects``: from the outlines of a label file to numbered bodies."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

from sxtstudio.commands.guard import DONE
from sxtstudio.commands.options import add_axes, add_label, add_voxel, named, size
from sxtstudio.commands.terminal import shown_progress
from sxtstudio.commands.text import print_rows, receipt_text
from sxtstudio.core.wording import count


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "objects",
        help="number the bodies that outlines enclose",
        description="Number the bodies that the outlines of a label file enclose, each with its membrane: in "
        "every slice the regions that outlines enclose, linked over the slices, joined where only an inner "
        "membrane divides them, and told from the cytoplasm between. A body ends where its outlines end.",
    )
    parser.add_argument(
        "labels", metavar="LABELS", help="label file; every voxel that is not 0 is a membrane"
    )
    parser.add_argument(
        "-o", "--output", metavar="OBJECTS", required=True, help=".tif, .mrc, .rec, .map or .zarr"
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
    parser.add_argument("--min-size", type=size, metavar="N", help="smallest object: 500 voxels, or 2e6nm3")
    parser.add_argument("--mask", metavar="FILE", help="label nothing outside of this mask")
    add_label(parser)
    add_axes(parser, "LABELS")
    add_voxel(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Number, write, and say how many there are."""
    from sxtstudio.core.bodies.method import Method
    from sxtstudio.core.object_table import Flag
    from sxtstudio.workflow.jobs.objects import ObjectsJob, objects_file

    voxels, nm3 = arguments.min_size or (None, None)
    job = ObjectsJob(
        labels=named(arguments.labels, arguments.axes),
        output=Path(arguments.output),
        method=Method(arguments.method),
        gap_nm=arguments.close,
        split=arguments.split,
        min_voxels=voxels,
        min_nm3=nm3,
        mask=Path(arguments.mask) if arguments.mask else None,
        voxel_nm=arguments.voxel,
        label=arguments.label,
    )
    with shown_progress() as (progress, _):
        result = objects_file(job, progress)
    found = result.found
    sheets = found.count - found.bodies
    what = f"{count(found.count, 'object')}, {found.flagged(Flag.BORDER)} of them cut by the border"
    rows = [("objects", what)]
    if job.method is Method.BODIES and found.count:
        rows.append(
            ("bodies", f"{found.bodies}, {found.flagged(Flag.OPEN)} of them open where no outline is drawn")
        )
        rows.append(("sheets", f"{sheets} that enclose nothing, numbered after the bodies"))
    if not found.count:
        rows.append(
            ("warning", "no object was found: the outlines enclose nothing, or --close is too narrow")
        )
    rows += [("note", note) for note in result.notes]
    print_rows([*rows, ("written", receipt_text(result.receipt))])
    return DONE


def _width(text: str) -> float:
    """Read a width in nm, 0 or more."""
    return _number(text, 1e6, "a width in nm, such as 60")


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
