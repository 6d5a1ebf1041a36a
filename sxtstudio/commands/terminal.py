"""A progress bar on stderr; where nobody looks at a screen, a line now and then."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from sxtstudio.commands.guard import cancel_on_signals
from sxtstudio.commands.json_lines import JsonLines, active
from sxtstudio.commands.streams import silence
from sxtstudio.core.printable import printable
from sxtstudio.core.progress import Progress, ProgressState
from sxtstudio.core.wording import duration

BAR_WIDTH = 24
REDRAW_S = 0.1
LINE_EVERY_S = 15.0


class ProgressDisplay:
    """Shows the state of a job; ``slices`` may be set to (finished, all) while it runs."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.interactive = self.stream.isatty()
        self.slices: tuple[int, int] | None = None
        self.note = ""
        self._drawn = False
        # The first line of a quiet log comes after a while, so that short jobs say nothing.
        self._last = 0.0 if self.interactive else time.monotonic()

    def __call__(self, state: ProgressState) -> None:
        """Show ``state``, unless something was shown a moment ago."""
        now = time.monotonic()
        if now - self._last < (REDRAW_S if self.interactive else LINE_EVERY_S):
            return
        self._last = now
        text = self.describe(state)
        if self.interactive:
            filled = round(BAR_WIDTH * state.fraction)
            line = f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {text}"
            self._write("\r\x1b[K" + line[: shutil.get_terminal_size().columns - 1])
            self._drawn = True
        else:
            self._write(text + "\n")

    def describe(self, state: ProgressState) -> str:
        """Return the line for ``state``: per cent, stage, slices and remaining time."""
        parts = [f"{100 * state.fraction:3.0f} % {state.stage}".rstrip()]
        if self.slices:
            parts.append(f"{self.slices[0]} of {self.slices[1]} slices")
        if state.remaining_s is not None and state.remaining_s >= 1:
            parts.append(f"{duration(state.remaining_s)} left")
        return printable(", ".join(parts) + self.note)

    def clear(self) -> None:
        """Wipe the bar, so that the next text starts on a clean line."""
        if self._drawn:
            self._write("\r\x1b[K")
            self._drawn = False

    def _write(self, text: str) -> None:
        try:
            self.stream.write(text)
            self.stream.flush()
        except OSError:  # nobody looks, and the work goes on
            silence(self.stream)


class LinesDisplay(ProgressDisplay):
    """Writes the state of a job for other programs."""

    def __init__(self, lines: JsonLines) -> None:
        super().__init__()
        self._lines = lines

    def __call__(self, state: ProgressState) -> None:
        """Write ``state``, unless a line was written a moment ago."""
        self._lines.progress(state, *(self.slices or (None, None)))


@contextmanager
def shown_progress() -> Iterator[tuple[Progress, ProgressDisplay]]:
    """Yield a progress that is shown on stderr, or written as lines, and that Ctrl-C and SIGTERM cancel."""
    lines = active()
    display = ProgressDisplay() if lines is None else LinesDisplay(lines)
    progress = Progress(listener=display)
    try:
        with cancel_on_signals(progress):
            yield progress, display
    finally:
        display.clear()
