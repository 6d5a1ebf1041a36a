"""``sxtstudio selfcheck`` or ``sxtstudio --selfcheck``: whether this installation works."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from sxtstudio.commands.guard import DONE, FAILED, say
from sxtstudio.commands.output import show, show_json
from sxtstudio.commands.terminal import shown_progress
from sxtstudio.commands.text import note_result, print_rows

OPTION = "--selfcheck"


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "selfcheck",
        help=f"try every part of this installation; also {OPTION}",
        description="Try every part of this installation: segment slices of the sample and compare with "
        "stored labels, find and measure an object, write and read files, draw in 3D, open a window. Exit "
        "code 0: all works, 1: something failed. What is optional and missing is no failure.",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("-o", "--output", metavar="FILE.json", help="write the JSON to a file as well")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Try everything and say what was found."""
    try:  # even the check needs a little
        from sxtstudio.core.atomic import atomic_write
        from sxtstudio.workflow.selfcheck.check import self_check
    except Exception as error:  # numpy, when half of it is gone, lists a folder that is not there
        say(f"A part of SXT Studio is missing or damaged ({error}): install it again.")
        return FAILED
    if arguments.output:  # before a minute's work is done for nothing
        _check_output(Path(arguments.output))
    with shown_progress() as (progress, _):
        found = self_check(progress)
    if arguments.output:
        with atomic_write(Path(arguments.output)) as temporary:
            temporary.write_text(json.dumps(found.as_json(), indent=2) + "\n", encoding="utf-8")
    note_result([Path(arguments.output) if arguments.output else None], **found.as_json())
    if arguments.json:
        show_json(found.as_json(), indent=2)
    else:
        print_rows(found.rows())
        show(found.verdict())
    return DONE if found.works else FAILED


def _check_output(path: Path) -> None:
    try:
        from sxtstudio.workflow.jobs.outputs import OutputFile, check_outputs
    except ImportError:  # which is what the check is there to find
        return
    check_outputs([OutputFile(path, "a report", (path.suffix.lower(),))], [])
