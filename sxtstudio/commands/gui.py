"""``sxtstudio gui [FILE]``: the desktop application."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path
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


def is_there(word: str) -> bool:
    """Whether a word names something on the disk that may be opened."""
    from sxtstudio.workflow.jobs.outputs import on_disk

    try:
        return on_disk(Path(word)).exists()
    except (OSError, ValueError):
        return False


def check_screen() -> None:
    """Refuse to start where Qt would end the process without a word to the user.

    Raises
    ------
    UserError
        If there is no screen, or the system lacks a library that Qt is linked to.
    """
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM"):
        return
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise UserError(
            "There is no screen here to open a window on. Log in with a desktop (or ssh -X), or use the "
            "commands, such as 'sxtstudio segment': 'sxtstudio --help' lists them."
        )
    missing = missing_libraries(x11="WAYLAND_DISPLAY" not in os.environ)
    if not missing:
        return
    named = ", ".join(library.partition(".so")[0] for library in missing)
    several = len(missing) > 1
    error = UserError(
        f"The system lacks the {'libraries' if several else 'library'} {named}, without which no window can "
        f"be opened. On Debian or Ubuntu: sudo apt-get install -y {' '.join(missing.values())}"
    )
    if not sys.stderr.isatty():
        show_without_qt(str(error))
    raise error


def missing_libraries(x11: bool) -> dict[str, str]:
    """Return the libraries that Qt asks of the system and that are missing, with their Debian packages."""
    missing = {}
    for library, package in {**_OF_THE_SYSTEM, **(_OF_X11 if x11 else {})}.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            missing[library] = package
    return missing


def show_without_qt(sentence: str) -> None:
    """Show a sentence by what desktops have for scripts: who starts from the menu sees no terminal."""
    for program, *words in _MESSAGE_BOXES:
        if shutil.which(program):
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                subprocess.run([program, *words, sentence], timeout=_READING_S, check=True)
                return


# Which Qt's libraries are linked to, and a wheel or a package of ours does not bring.
_OF_THE_SYSTEM = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libxkbcommon.so.0": "libxkbcommon0",
}
_OF_X11 = {
    "libX11.so.6": "libx11-6",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb.so.1": "libxcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
_MESSAGE_BOXES = (
    ("zenity", "--error", "--no-markup", "--title=SXT Studio", "--text"),
    ("kdialog", "--title", "SXT Studio", "--error"),
    ("xmessage", "-center"),
    ("notify-send", "SXT Studio"),
)
_READING_S = 600
