"""``sxtstudio gui [FILE]``: the desktop application."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "gui", help="open the window", description="Open the window, with a tomogram or project."
    )
    parser.add_argument("file", metavar="FILE", nargs="?", help="tomogram or project to open")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Open the window and return when it is closed."""
    from sxtstudio.app.start import run as start

    return start(Path(arguments.file) if arguments.file else None)
