"""The file of a training's events: one JSON object a line, written by its process, read by the window.

Each object has a text "event", what it is; its other keys differ, and unknown ones are for later versions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from msgspec import Struct

from sxtstudio.core.errors import UserError
from sxtstudio.core.plain_files import open_plain
from sxtstudio.core.records import json_values, record_of

EVENTS = "events.jsonl"
Event = dict[str, Any]
LONGEST_LINE = 1 << 16


class JudgedOn(StrEnum):
    """What a model is judged on, as the events "start" and "done" say it; older ones do not."""

    SLICES = "slices"  # of which none was learned from
    STRIP = "strip"  # of the only labelled slice, of which the rest was learned from


#: A difference in F1 up to this says nothing: another few slices, or another seed, change it by as much.
CLEAR_GAIN = 0.01


def is_clear(before_f1: float, after_f1: float) -> bool:
    """Whether two F1 differ by more than chance, one way or the other."""
    return round(abs(after_f1 - before_f1), 4) > CLEAR_GAIN


class _Kind(Struct):
    event: str


def parse_event(line: str | bytes) -> Event | None:
    """Return the event of a line, or None for anything else, such as a library's own words."""
    if len(line) > LONGEST_LINE:
        return None
    try:
        values: Event = json_values(line, "The event")
        record_of(values, _Kind, "The event")
    except UserError:
        return None
    return values


def read_events(path: Path) -> list[Event]:
    """Return the events of a file; a last line that was cut off by a crash is left out."""
    events = []
    try:
        with open_plain(path) as file:
            while line := file.readline(LONGEST_LINE + 1):
                if (event := parse_event(line)) is not None:
                    events.append(event)
    except OSError:
        pass  # as far as it could be read
    return events


def number(event: Mapping[str, Any], key: str) -> float | None:
    """Return a finite number of an event, or None."""
    value = event.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        figure = float(value)
    except OverflowError:  # hundreds of digits
        return None
    return figure if math.isfinite(figure) else None
