"""``sxtstudio demo``: the main job on the sample tomogram."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sxtstudio.commands.guard import DONE
from sxtstudio.commands.segment import note_segmented, result_rows
from sxtstudio.commands.surface import surface_text
from sxtstudio.commands.terminal import shown_progress
from sxtstudio.commands.text import note_result, print_rows
from sxtstudio.core.errors import UserError


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "demo",
        help="segment the sample tomogram that comes with the program",
        description="Segment the sample tomogram; write labels, surface, picture and report.",
    )
    parser.add_argument("-o", "--output", metavar="FOLDER", default="out", help="where to (default: out)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the job and say what lies where."""
    from sxtstudio.workflow.jobs.demo import demo

    with shown_progress() as (progress, display):

        def count(z: int, labels: object, finished: int, total: int) -> None:
            display.slices = finished, total

        result = demo(Path(arguments.output), progress, on_slice=count)
    surface = result.surface
    print_rows(
        [
            *result_rows(result.segmentation),
            ("surface", surface_text(surface)),
            *([("picture", str(surface.picture))] if surface.picture else []),
            ("report", str(result.report)),
        ]
    )
    note_segmented(result.segmentation)
    note_result([surface.mesh, surface.picture, result.report])
    if surface.picture_error:
        raise UserError(surface.picture_error)
    return DONE
