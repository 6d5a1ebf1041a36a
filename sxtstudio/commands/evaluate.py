"""``sxtstudio evaluate``: labels or objects against a reference."""

from __future__ import annotations

import argparse
import math
import re
from pathlib import Path
from typing import Any

from sxtstudio.commands.guard import DONE
from sxtstudio.commands.options import add_axes, add_voxel, named, positive_int, slice_range
from sxtstudio.commands.terminal import shown_progress
from sxtstudio.commands.text import note_result, print_rows, taken_as_text
from sxtstudio.core.wording import count, grouped

_MOST = 1e6


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "evaluate",
        help="score labels or objects against a reference",
        description="Score labels against a reference, slice by slice and over all: precision, recall, F1 "
        "and Dice; with --objects also which objects are found (IoU 0.5 or more), split, merged, missed or "
        "spurious.",
    )
    parser.add_argument(
        "predicted", metavar="PREDICTED", help="label file; every voxel that is not 0 is labelled"
    )
    parser.add_argument("reference", metavar="REFERENCE", help="the labels that are right, of the same shape")
    parser.add_argument("-o", "--output", metavar="REPORT", required=True, help=".json or .csv")
    parser.add_argument(
        "--tolerance",
        type=tolerance,
        metavar="T",
        help="a pixel is right if one of the other file lies within so many pixels (2) or nm (20nm) in its "
        "slice; Dice knows no tolerance (default: 0)",
    )
    parser.add_argument(
        "--slices",
        type=slices,
        metavar="LIST",
        help="only these, counted from 0: 100:200, or 10,20,40:50, or 'labelled', those in which REFERENCE "
        "holds anything (default: all)",
    )
    parser.add_argument(
        "--objects",
        action="store_true",
        help="score objects, too: one per number where a file holds several values, else label voxels that "
        "hang together (26 neighbours)",
    )
    parser.add_argument(
        "--as",
        dest="taken_as",
        choices=("objects", "labels"),
        help="what the numbers of both files are, where that is open",
    )
    parser.add_argument("--mask", metavar="FILE", help="only what lies in this mask counts")
    parser.add_argument(
        "--label",
        type=positive_int,
        metavar="N",
        help="take only the voxels with this value, where the files hold several, such as materials",
    )
    add_axes(parser, "PREDICTED")
    add_voxel(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Score, write, and say what was found."""
    from sxtstudio.core.evaluation.pixels import SCORES, scores_of
    from sxtstudio.core.evaluation.slices import SliceChoice
    from sxtstudio.core.evaluation.tolerance import Tolerance, ToleranceUnit
    from sxtstudio.workflow.jobs.evaluating import EvaluateJob, evaluate_file
    from sxtstudio.workflow.jobs.objects import TakenAs

    ranges, labelled = arguments.slices or ((), False)
    value, in_nm = arguments.tolerance or (0.0, False)
    how_far = Tolerance(value, ToleranceUnit.NM if in_nm else ToleranceUnit.PIXELS)
    job = EvaluateJob(
        predicted=named(arguments.predicted, arguments.axes),
        reference=Path(arguments.reference),
        report=Path(arguments.output),
        tolerance=how_far,
        slices=SliceChoice(ranges, labelled),
        objects=arguments.objects,
        mask=Path(arguments.mask) if arguments.mask else None,
        voxel_nm=arguments.voxel,
        label=arguments.label,
        taken_as=TakenAs(arguments.taken_as) if arguments.taken_as else None,
    )
    with shown_progress() as (progress, _):
        result = evaluate_file(job, progress)
    pixels, total = result.pixels, result.pixels.total
    rows = [
        ("slices", f"{len(pixels.slices)}, tolerance {how_far.text}"),
        ("right", f"{count(total.predicted_right, 'pixel')} of {count(total.predicted, 'pixel')} predicted"),
        ("found", f"{count(total.truth_found, 'pixel')} of {count(total.truth, 'pixel')} of the reference"),
    ]
    for name in SCORES:
        spread = pixels.spread(name)
        shown = {"f1": "F1", "dice": "Dice"}.get(name, name)
        over = f"over slices {_number(spread.mean)} ± {_number(spread.sd)} (n = {spread.n})"
        rows.append((shown, f"{_number(scores_of(total)[name])}, {over}"))
    if result.objects is not None:
        found = result.objects
        rows += [
            ("predicted", taken_as_text(result.predicted_as, result.predicted_values)),
            ("reference", taken_as_text(result.reference_as, result.reference_values)),
            (
                "objects",
                f"{grouped(found.found)} found of {grouped(found.reference)}, {grouped(found.predicted)} "
                f"predicted; F1 {_number(found.f1)} at IoU 0.5",
            ),
            (
                "of them",
                f"{int(found.split.sum())} split, {int(found.merged.sum())} merged, "
                f"{int(found.missed.sum())} missed, {int(found.spurious.sum())} spurious",
            ),
        ]
    rows += [("note", note) for note in result.notes]
    print_rows([*rows, ("written", str(job.report))])
    note_result([job.report], slices=len(pixels.slices), **scores_of(total))
    return DONE


def tolerance(text: str) -> tuple[float, bool]:
    """Read ``2`` or ``2px`` (pixels) or ``20nm``, as a number and whether it is in nm."""
    match = re.fullmatch(r"\s*([0-9.]+)\s*(nm|px|pixels?)?\s*", text)
    try:
        value = float(match[1]) if match else math.nan
    except ValueError:
        value = math.nan
    if match is None or not 0 <= value <= _MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is no tolerance: give pixels (2) or nanometres (20nm)")
    return value, match[2] == "nm"


def slices(text: str) -> tuple[tuple[tuple[int | None, int | None], ...], bool]:
    """Read ``100:200``, ``10,20,40:50`` or ``labelled``, as ranges and whether only labelled ones count."""
    ranges: list[tuple[int | None, int | None]] = []
    labelled = False
    for part in (part.strip() for part in text.split(",")):
        if part == "labelled":
            labelled = True
        elif re.fullmatch(r"\d{1,9}", part):
            ranges.append((int(part), int(part) + 1))
        else:
            ranges.append(slice_range(part))
    return tuple(ranges), labelled


def _number(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.3f}"
