"""What the installed program starts with: the command line, which opens the window without a command."""

import importlib
import io
import multiprocessing
import os
import sys
from pathlib import Path

_STOP_SIGN = 0x10
_IMPORT_ALL = "import-all"


def show_message(text: str) -> None:
    """Show a box with a text, without any library of ours: these may be what is missing."""
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.user32.MessageBoxW(None, text, "SXT Studio", _STOP_SIGN)


def restore_library_path() -> None:
    """Let other programs that are started from here, such as a file manager, find their own libraries.

    This process goes by what the variable was when it began. A part of the program in a process of its own
    needs it again, and so is started as a program of its own (which PyInstaller's variable says).
    """
    former = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    if os.environ.pop("LD_LIBRARY_PATH", None) is not None:
        os.environ["PYINSTALLER_RESET_ENVIRONMENT"] = "1"
    if former is not None:
        os.environ["LD_LIBRARY_PATH"] = former


def import_all(names_file: str, answer_file: str) -> int:
    """Import each line of a file, a module or "module:name", and write those that cannot be imported.

    So the trial of a package asks whether anything was forgotten that is imported late (linux/contents.py).
    """
    lines = []
    for line in Path(names_file).read_text("utf-8").splitlines():
        module, _, name = line.partition(":")
        try:
            found = importlib.import_module(module)
            if name and not hasattr(found, name):
                importlib.import_module(f"{module}.{name}")
        except Exception as error:  # whatever a module that is half there may raise
            lines.append(f"{line}\t{type(error).__name__} {error}")
    Path(answer_file).write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return 0


def main() -> int:
    """Run the command line; a program of which half is missing says so in a sentence."""
    try:
        from sxtstudio.cli import main as command_line
    except (ImportError, OSError) as error:
        print(
            f"sxtstudio: A part of SXT Studio is missing or damaged ({error}): install SXT Studio again.",
            file=sys.stderr,
        )
        return 2
    return command_line()


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
    restore_library_path()
    sys.exit(import_all(*sys.argv[2:]) if sys.argv[1:2] == [_IMPORT_ALL] else run())
