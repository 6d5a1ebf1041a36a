"""``sxtstudio gui [FILE]``: the desktop application."""

from __future__ import annotations

import argparse
import ctypes
import os
import sys
from typing import Any

from sxtstudio.commands.options import add_axes, named
from sxtstudio.core.errors import UserError


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "gui", help="open the window", description="Open the window, with a tomogram or project."
    )
    parser.add_argument("file", metavar="FILE", nargs="?", help="tomogram or project to open")
    add_axes(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Open the window and return when it is closed."""
    check_screen()
    from sxtstudio.app.start import run as start

    return start(named(arguments.file, arguments.axes) if arguments.file else None)


def check_screen() -> None:
    """Refuse to start where Qt would end the process without a word to the user.

    Raises
    ------
    UserError
        If there is no screen, or the system lacks the library that Qt needs for X11.
    """
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM"):
        return
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise UserError(
            "There is no screen here to open a window on. Log in with a desktop (or ssh -X), or use the "
            "commands, such as 'sxtstudio segment': 'sxtstudio --help' lists them."
        )
    if os.environ.get("WAYLAND_DISPLAY"):
        return
    try:
        ctypes.CDLL("libxcb-cursor.so.0")
    except OSError as error:
        raise UserError(
            "The system lacks the library libxcb-cursor, without which no window can be opened. "
            "On Debian or Ubuntu: sudo apt-get install -y libxcb-cursor0"
        ) from error
