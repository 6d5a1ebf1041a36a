"""The command line. It calls the same functions as the window, imported when a command runs."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import NoReturn

from sxtstudio import __version__
from sxtstudio.commands import (
    batch,
    classify,
    clean,
    cluster,
    compare,
    demo,
    evaluate,
    export,
    filopodia,
    gui,
    info,
    measure,
    models,
    objects,
    probe,
    ranges,
    rerun,
    robustness,
    segment,
    selfcheck,
    simulate,
    surface,
    train,
)
from sxtstudio.commands.exit_codes import in_one_sentence
from sxtstudio.commands.guard import guarded
from sxtstudio.commands.json_lines import OPTION as JSON_LINES
from sxtstudio.commands.json_lines import begin
from sxtstudio.commands.output import prepare_streams, quieten_libraries, show_page
from sxtstudio.core.errors import UserError
from sxtstudio.core.paths import check_working_folder

#: Commands that end at once, or go on in a window.
_SHORT = ("gui", "models", "probe")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv
        The arguments after the program's name; by default those of the process.

    Returns
    -------
    int
        Exit code; ``commands/exit_codes.py`` says what each means.
    """
    prepare_streams()
    if argv is None:
        quieten_libraries()
    words = sys.argv[1:] if argv is None else list(argv)
    return guarded(words, lambda: _run(words))


def build_parser() -> _Parser:
    """Return the parser of all commands."""
    parser = _Parser(
        prog="sxtstudio",
        description="Segment, clean up and show soft X-ray tomograms of whole cells.",
        epilog=in_one_sentence(),
    )
    parser.add_argument("--version", action="version", version=f"SXT Studio {__version__}")
    parser.add_argument(selfcheck.OPTION, action="store_true", help="try every part of this installation")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    work = (
        segment,
        batch,
        ranges,
        clean,
        objects,
        measure,
        classify,
        filopodia,
        compare,
        robustness,
        evaluate,
    )
    more = (export, rerun, models, train, cluster, simulate, demo, selfcheck, probe)
    for command in (gui, info, *work, surface, *more):
        command.add(commands)
    for name, added in commands.choices.items():
        added.set_defaults(json_lines=False)
        if name not in _SHORT:
            _add_json_lines(added)
    parser.names = frozenset(commands.choices)
    return parser


def _add_json_lines(parser: argparse.ArgumentParser) -> None:
    """Add the option to a command and to its actions; what is said before an action holds for it."""
    parser.add_argument(JSON_LINES, action="store_true", default=argparse.SUPPRESS, help=_JSON_LINES_HELP)
    for action in parser._actions:  # argparse has no other door to them
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                _add_json_lines(inner)


_JSON_LINES_HELP = "progress and result as one JSON object a line on stdout, for other programs"


class _Parser(argparse.ArgumentParser):
    """Wrong usage is a sentence like any other bad input, not a page of usage.

    ``names`` are those of the commands, the internal ones included.
    """

    names: frozenset[str] = frozenset()

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message[:1].upper()}{message[1:]}; '{self.prog} --help' shows what is possible.")

    def _print_message(self, message: str, file: object = None) -> None:
        show_page(message)  # argparse itself says nothing where it cannot be written


def _run(words: list[str]) -> int:
    # Without a command the window opens, as a double click does.
    if words[:1] == [selfcheck.OPTION]:
        words = ["selfcheck", *words[1:]]
    _refuse_empty_values(words)
    parser = build_parser()
    if words and not words[0].startswith("-") and words[0] not in parser.names:
        if not gui.is_there(words[0]):
            raise UserError(
                f"There is neither a command nor a file '{words[0]}'; to open a file: 'sxtstudio gui FILE'; "
                "'sxtstudio --help' lists the commands."
            )
        words = ["gui", *words]  # as "Open with" of a desktop does
    arguments = parser.parse_args(words or ["gui"])
    arguments.words = words
    if arguments.json_lines:  # also where the option was abbreviated
        begin(words)
    check_working_folder()
    code: int = arguments.run(arguments)
    return code


def _refuse_empty_values(words: list[str]) -> None:
    """Refuse ``--option=--``: argparse takes the two dashes away and gives the command an empty list."""
    for word in words[: words.index("--")] if "--" in words else words:
        match = re.fullmatch(r"(--[^=]+)=--|(-[^-])--", word)
        if match:
            raise UserError(
                f"The option {match[1] or match[2]} has no value but '--': give one, or leave it out."
            )
