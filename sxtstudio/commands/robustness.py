"""``sxtstudio robustness``: how much objects and volume hang on threshold, erosion and smallest size."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sxtstudio.commands.guard import DONE
from sxtstudio.commands.options import add_voxel, slice_range, whole_number
from sxtstudio.commands.terminal import shown_progress
from sxtstudio.commands.text import note_result, print_rows


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "robustness",
        help="objects and volume against threshold, erosion and smallest size",
        description="Count objects and sum up their volume for several thresholds of the network's output, "
        "iterations of erosion and smallest sizes: a result that changes little with them is robust.",
    )
    parser.add_argument(
        "output_file", metavar="OUTPUT", help="the network's output, as 'segment --probability' writes it"
    )
    parser.add_argument("-o", "--output", metavar="TABLE.csv", required=True, help="a row per combination")
    parser.add_argument(
        "--thresholds",
        nargs="+",
        type=_threshold,
        metavar="T",
        help="thresholds, -1 to 1 (default: -0.8 to 0.8 in steps of 0.2)",
    )
    parser.add_argument(
        "--erosions", nargs="+", type=whole_number, metavar="N", help="iterations (default: 0 1 2)"
    )
    parser.add_argument(
        "--min-sizes",
        nargs="+",
        type=whole_number,
        metavar="VOXELS",
        help="smallest objects (default: 0 100 500 2000)",
    )
    parser.add_argument("--slices", type=slice_range, metavar="A:B", help="only these, counted from 0")
    parser.add_argument("--plot", metavar="FILE", help="also draw the curves: .svg or .png")
    add_voxel(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Try, write, and draw."""
    from sxtstudio.core.robustness import EROSIONS, MIN_SIZES, THRESHOLDS, ParameterGrid
    from sxtstudio.core.robustness_figure import robustness_figures
    from sxtstudio.workflow.jobs.outputs import OutputFile, check_outputs
    from sxtstudio.workflow.jobs.robustness import RobustnessJob, robustness_file

    source, plot = Path(arguments.output_file), Path(arguments.plot) if arguments.plot else None
    if plot is not None:
        check_outputs([OutputFile(plot, "a plot", (".svg", ".png"))], [source])
    choices = ParameterGrid(
        tuple(sorted(set(arguments.thresholds or THRESHOLDS))),
        tuple(sorted(set(arguments.erosions or EROSIONS))),
        tuple(sorted(set(arguments.min_sizes or MIN_SIZES))),
    )
    slices = arguments.slices or (None, None)
    job = RobustnessJob(source, Path(arguments.output), choices, slices, arguments.voxel)
    with shown_progress() as (progress, _):
        result = robustness_file(job, progress)
    rows = [("tried", f"{len(result.found.trials)} combinations of threshold and erosion")]
    if plot is not None:
        from sxtstudio.app.objects.plots.headless import draw_figures

        draw_figures(robustness_figures(result.found, result.voxel_nm), plot, columns=2)
        rows.append(("plot", str(plot)))
    print_rows([*rows, ("written", str(job.table))])
    note_result([job.table, plot], trials=len(result.found.trials))
    return DONE


def _threshold(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 2.0
    if not -1 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no threshold: give a number from -1 to 1")
    return value
