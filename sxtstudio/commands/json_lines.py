"""``--json-lines``: what a command does, as one JSON object a line on stdout, for other programs.

The lines are described, with all that they hold, by ``resources/json-lines.schema.json`` and by the page
"For other programs". What is added later does not change what is there; else ``SCHEMA`` gets a new number.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sxtstudio import __version__
from sxtstudio.commands.exit_codes import ExitCode
from sxtstudio.commands.streams import silence
from sxtstudio.core.printable import printable
from sxtstudio.core.progress import ProgressState

SCHEMA = "sxtstudio-lines/1"
OPTION = "--json-lines"
#: Seconds between two lines of progress; a new stage and the end of one are said at once.
EVERY_S = 0.5

_KINDS = {ExitCode.FAILED: "program", ExitCode.CANCELLED: "cancelled"}


class JsonLines:
    """The lines of one command; they may come from several threads."""

    def __init__(self, words: Sequence[str]) -> None:
        """Write the first line."""
        self._lock = threading.Lock()
        self._gone = False
        self._begun = time.monotonic()
        self._stage: str | None = None
        self._last = -EVERY_S
        self._said = ""
        self._rows: list[tuple[str, str]] = []
        self._written: list[str] = []
        self._figures: dict[str, Any] = {}
        named = bool(words) and not words[0].startswith("-")
        self._write(
            "started",
            schema=SCHEMA,
            version=__version__,
            command=words[0] if named else None,
            arguments=list(words[1:] if named else words),
            pid=os.getpid(),
            time=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        )

    def progress(self, state: ProgressState, done: int | None = None, total: int | None = None) -> None:
        """Write how far it is; ``done`` of ``total`` slices (or steps of training) where these are known."""
        if state.stage != self._stage:
            self._stage = state.stage
            if state.stage:
                self._write("stage", stage=printable(state.stage))
        elif time.monotonic() - self._last < EVERY_S and state.fraction < 1:
            return
        self._last = time.monotonic()
        self._write(
            "progress",
            stage=printable(state.stage),
            fraction=round(min(1.0, max(0.0, state.fraction)), 5),
            done=done,
            total=total,
            seconds_left=None if state.remaining_s is None else round(state.remaining_s, 1),
        )

    def note(self, text: str) -> None:
        """Write what the user should know, or would have read."""
        if text.strip():
            self._write("note", text=printable(text))

    def item(
        self,
        name: Path,
        state: str,
        *,
        number: int,
        of: int | None,
        output: Path | None = None,
        message: str = "",
        figures: Mapping[str, Any] | None = None,
    ) -> None:
        """Write that one of many files has ended: "done", "skipped" or "failed"."""
        self._write(
            "item",
            number=number,
            of=of,
            name=str(name),
            state=state,
            output=None if output is None else str(output),
            message=printable(message) or None,
            figures=dict(figures or {}),
        )

    def rows(self, rows: Iterable[tuple[str, str]]) -> None:
        """Take what people would have read at the end; of that, notes and warnings are written now."""
        for name, value in rows:
            if name in ("note", "warning"):
                self.note(value)
            else:
                self._rows.append((name, value))

    def found(self, written: Iterable[Path | None], figures: Mapping[str, Any]) -> None:
        """Take the files that were written, and what was found, for the last line."""
        self._written += [str(path) for path in written if path is not None]
        self._figures.update(figures)

    def sentence(self, text: str) -> None:
        """Take a sentence that was said on stderr: the text of the error, if the command ends by one."""
        self._said = text

    def end(self, code: int, *, failed: bool) -> None:
        """Write the last line: the result, or the error by which the command ended."""
        kept = ExitCode(code)
        if failed or kept is ExitCode.CANCELLED:
            kind = _KINDS.get(kept, "input")
            self._write("error", exit_code=int(kept), kind=kind, text=self._said or kept.meaning)
            return
        rows = [{"name": printable(name), "value": printable(value)} for name, value in self._rows]
        self._write("result", exit_code=int(kept), written=self._written, figures=self._figures, rows=rows)

    def _write(self, event: str, **facts: Any) -> None:
        seconds = round(time.monotonic() - self._begun, 3)
        line = json.dumps({"event": event, "seconds": seconds, **_plain(facts)}, allow_nan=False)
        with self._lock:
            if self._gone:
                return
            try:
                print(line, flush=True)
            except OSError:
                # The reader has gone, or its disk is full: the work that it asked for is done all the same.
                self._gone = True
                silence(sys.stdout)


class _Active:
    lines: JsonLines | None = None


def active() -> JsonLines | None:
    """Return the lines of this command, if it was asked for them."""
    return _Active.lines


def begin(words: Sequence[str]) -> JsonLines:
    """Begin to write lines, unless that has begun."""
    if _Active.lines is None:
        _Active.lines = JsonLines(words)
    return _Active.lines


@contextmanager
def asked_for(words: Sequence[str]) -> Iterator[None]:
    """Write lines where the words of a command ask for them, so that even wrong usage is one."""
    options = words[: words.index("--")] if "--" in words else words
    if OPTION in options:
        begin(words)
    try:
        yield
    finally:
        _Active.lines = None


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it: a number that is none is null, a path its text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, str | bool | int) or value is None:
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, Path):
        return str(value)
    return [_plain(one) for one in value]
