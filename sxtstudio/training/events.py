"""What a training says while it runs: events, in a file (core/training_events.py) and to a listener.

Sentences in them count slices from 1: it is the window that shows them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.plain_files import append_lines
from sxtstudio.core.training_events import EVENTS, Event, number, read_events

Listener = Callable[[Event], None]


class Events:
    """Writes events to ``events.jsonl`` in the run's folder and hands them to ``listener``."""

    def __init__(self, folder: Path, listener: Listener | None = None, *, silent: bool = False) -> None:
        """Append to the folder's file; ``silent``: say nothing, as the further processes of a training do."""
        self._path = folder / EVENTS
        self._listener = listener
        self._silent = silent

    def write(self, event: str, **figures: Any) -> None:
        """Tell an event; numbers are rounded, and those that are NaN become null."""
        if self._silent:
            return
        entry: Event = {"event": event, **{key: _plain(value) for key, value in figures.items()}}
        # A full disk must not stop the training: its state is what counts, and saving that fails loudly.
        with suppress(OSError):
            append_lines(self._path, (to_line(entry) + "\n").encode())
        if self._listener is not None:
            self._listener(entry)

    def forget_after(self, step: int) -> None:
        """Drop from the file what came after ``step``, when an interrupted training goes on from there."""
        if self._silent or not self._path.exists():
            return
        kept = [entry for entry in read_events(self._path) if (number(entry, "step") or 0) <= step]
        kept = [entry for entry in kept if entry.get("event") != "done"]
        with atomic_write(self._path) as temporary:
            temporary.write_text("".join(to_line(entry) + "\n" for entry in kept), encoding="utf-8")


def to_line(entry: Event) -> str:
    """Return an event as one line of JSON."""
    return json.dumps(entry, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, int):
        return value
    number = float(value)
    return round(number, 6) if math.isfinite(number) else None
