"""What the installed program starts with: the command line, which opens the window without a command."""

import multiprocessing
import os
import sys


def restore_library_path() -> None:
    """Let other programs that are started from here, such as a file manager, find their own libraries.

    The bundle's own are found without: each part of it knows its neighbours, and what is loaded by its name
    goes by what the variable was when the process began.
    """
    former = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    os.environ.pop("LD_LIBRARY_PATH", None)
    if former is not None:
        os.environ["LD_LIBRARY_PATH"] = former


def run() -> int:
    """Run the command line; a program of which half is missing says so in a sentence."""
    try:
        from sxtstudio.cli import main
    except ImportError as error:
        print(
            f"sxtstudio: A part of SXT Studio is missing or damaged ({error}): install SXT Studio again.",
            file=sys.stderr,
        )
        return 2
    return main()


if __name__ == "__main__":
    # A bundle starts itself anew for each process of a pool.
    multiprocessing.freeze_support()
    restore_library_path()
    sys.exit(run())
