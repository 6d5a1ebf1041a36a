"""``sxtstudio probe-opengl``: how a bundled program tries OpenGL in a child process; not for users."""

from __future__ import annotations

import argparse
from typing import Any


def add(commands: Any) -> None:
    """Add the command's parser; without help it does not appear in the list of commands."""
    parser = commands.add_parser("probe-opengl")
    parser.add_argument("window")
    parser.add_argument("answer_file")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Draw a test picture; where OpenGL is broken, this process ends, and not that of the user."""
    from sxtstudio.surface.probe import main

    main(arguments.window, arguments.answer_file)
    return 0
