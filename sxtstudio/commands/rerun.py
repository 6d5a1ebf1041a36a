"""``sxtstudio rerun``: do everything again from a folder of results, and compare."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sxtstudio.commands.exit_codes import ExitCode
from sxtstudio.commands.output import show_json
from sxtstudio.commands.terminal import shown_progress
from sxtstudio.commands.text import note_result, print_rows


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "rerun",
        help="do everything again from a folder of results, and compare",
        description="Do all steps of a folder of results again, as 'sxtstudio export --results' or File > "
        "Export results writes it, and say of each result whether it is the same bit by bit or how far "
        "apart. What was drawn or corrected by hand is taken as given from the folder. Exit code 0: all is "
        "the same, 3: something is not, or a file of the folder is missing or was changed.",
    )
    parser.add_argument("folder", metavar="FOLDER", help="the folder of results; it stays as it is")
    parser.add_argument("--tomogram", metavar="PATH", help="where the tomogram is now")
    parser.add_argument("--model", metavar="FILE", help="where the model is now (.onnx or its card)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:1 (default: auto)")
    parser.add_argument("--json", action="store_true", help="print the comparison as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do it again, and print what is the same."""
    from sxtstudio.workflow.results.replay import Options
    from sxtstudio.workflow.results.rerun import rerun

    options = Options(Path(arguments.model) if arguments.model else None, arguments.device)
    tomogram = Path(arguments.tomogram) if arguments.tomogram else None
    with shown_progress() as (progress, _):
        found = rerun(Path(arguments.folder), tomogram, options, progress)
    outcomes = [
        {"result": one.name, "verdict": one.verdict.name.lower(), "words": one.words, **(one.measure or {})}
        for one in found.outcomes
    ]
    compared = {"same": found.same, "results": outcomes, "done": found.done, "notes": found.notes}
    note_result((), **compared)
    if arguments.json:
        show_json(compared, 1)
    else:
        rows = [("done again", ", ".join(found.done) or "nothing: all is work by hand")]
        rows += [(one.name, f"{one.verdict.value}: {one.words}") for one in found.outcomes]
        rows += [("note", note) for note in found.notes]
        print_rows(rows)
    return ExitCode.DONE if found.same else ExitCode.NOT_THE_SAME
