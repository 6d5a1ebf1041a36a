"""What a command's end means: exit codes, one sentence for the user, a log file for the rest."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from sxtstudio import __version__
from sxtstudio.commands import json_lines
from sxtstudio.commands.exit_codes import ExitCode
from sxtstudio.commands.output import flush
from sxtstudio.commands.streams import silence
from sxtstudio.core.errors import Cancelled, sentence_of
from sxtstudio.core.folders import log_folder
from sxtstudio.core.plain_files import create_own
from sxtstudio.core.printable import printable
from sxtstudio.core.progress import Progress

DONE, FAILED, BAD_INPUT, CANCELLED = ExitCode.DONE, ExitCode.FAILED, ExitCode.BAD_INPUT, ExitCode.CANCELLED
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def say(text: str) -> None:
    """Print one line for the user on stderr."""
    lines = json_lines.active()
    if lines is not None:
        lines.sentence(printable(" ".join(text.split())))
    try:
        print("sxtstudio: " + printable(" ".join(text.split())), file=sys.stderr, flush=True)
    except OSError:  # nobody can be told; the exit code stays what it is
        silence(sys.stderr)


def guarded(words: list[str], command: Callable[[], int]) -> int:
    """Run a command and turn whatever ends it into an exit code and at most one line on stderr."""
    with json_lines.asked_for(words):
        code, failed = _guarded(words, command)
        lines = json_lines.active()
        if lines is not None:
            lines.end(code, failed=failed)
        return int(code)


def _guarded(words: list[str], command: Callable[[], int]) -> tuple[int, bool]:
    """Return the exit code, and whether an error ended the command."""
    try:
        try:
            code = command()
        except SystemExit:  # after a help page
            if json_lines.active() is None and flush() is None:
                raise
            code = DONE
        lost = flush()
        if lost is None:
            return code, False
        say(f"What was to be printed cannot be written ({lost}); files that were to be written are there.")
        return code or BAD_INPUT, True
    except (Cancelled, KeyboardInterrupt):
        say("Cancelled.")
        return CANCELLED, True
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; Python must not try to flush at exit.
        silence(sys.stdout)
        return DONE, False
    except Exception as error:
        sentence = sentence_of(error, slices_from=0)
        if sentence is not None:
            say(sentence)
            return BAD_INPUT, True
        log = _write_log(words)
        say(f"Something went wrong in the program ({type(error).__name__}); the details are in {log}.")
        return FAILED, True


@contextmanager
def cancel_on_signals(progress: Progress) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM cancel the job at its next step; a second one interrupts it at once."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        if progress.cancelled:
            # A third one ends the process even if a thread cannot be stopped.
            signal.signal(number, signal.SIG_DFL)
            raise KeyboardInterrupt
        progress.cancel()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, on_signal) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _write_log(words: list[str]) -> Path:
    """Write the traceback being handled to a file in the user's folder for such things."""
    text = (
        f"SXT Studio {__version__}, Python {sys.version}, {sys.platform}\n"
        f"sxtstudio {shlex.join(words)}\n\n{traceback.format_exc()}"
    )
    name = time.strftime(f"error-%Y%m%d-%H%M%S-{os.getpid()}.log")
    for folder in (log_folder(), Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with create_own(folder / name) as file:  # among temporary files anybody may have put a link
                file.write(text.encode("utf-8", "backslashreplace"))
        except OSError:
            continue
        return folder / name
    sys.stderr.write(text)
    return Path("the lines above")
