"""Load the libraries of a graphics card in a process of its own, for ``card_trial``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sxtstudio.segment.card_trial import INSIDE


def main(answer_file: str) -> None:
    """Load the libraries and try the first card, in the other process; say in a file how far that came."""
    os.environ[INSIDE] = "1"
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.kernel32.SetErrorMode(0x8003)  # no box that says it has stopped working
    answer = Path(answer_file)
    answer.write_text("while its libraries were loaded", "utf-8")
    from sxtstudio.segment.device import choose_device

    answer.write_text("while the card was tried", "utf-8")
    choose_device("auto")  # what is wrong with a card that answers, this process's parent finds out and says
    answer.write_text("", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
