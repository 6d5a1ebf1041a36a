"""What the installed program starts with: the command line, which opens the window without a command."""

import io
import multiprocessing
import sys

from sxtstudio.cli import main

_STOP_SIGN = 0x10


def show_message(text: str) -> None:
    """Show a box with a text, without any library of ours: these may be what is missing."""
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.user32.MessageBoxW(None, text, "SXT Studio", _STOP_SIGN)


def run() -> int:
    """Run the program; why it cannot go on is shown where nobody would see it otherwise.

    On Windows the program of the window has no console, and sys.stdout and sys.stderr are None, unless
    another program listens to it.
    """
    unheard = io.StringIO() if sys.stderr is None else None
    if unheard is not None:
        sys.stderr = unheard
    code = main()
    text = unheard.getvalue().strip() if unheard is not None else ""
    if code and text:
        show_message(text.removeprefix("sxtstudio: "))
    return code


if __name__ == "__main__":
    # A bundle starts itself anew for each process of a pool.
    multiprocessing.freeze_support()
    sys.exit(run())
