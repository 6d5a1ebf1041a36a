"""What is remembered from one start to the next: kept in memory, and written in a thread."""

from __future__ import annotations

import json
import logging
import math
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QSettings, QStandardPaths

from sxtstudio.app.settings_file import Values, change_settings, read_settings
from sxtstudio.core.folders import home_folder
from sxtstudio.core.newest import NewestOnly

_LOG = logging.getLogger(__name__)

MOST_RECENT = 12
# What the program writes is far shorter; to read what is longer would only keep the window from coming.
_LONGEST = 1_000_000
_RECENT, _TIMES = "recent", "recent_times"
_OPENED_IN, _SAVED_IN = "folder", "save_folder"
# Folders of the system, not of files: a dialog that peeks into some of these waits for ever.
_SYSTEM = tuple(Path(name) for name in ("/proc", "/sys", "/dev"))


@dataclass(frozen=True)
class _Recent:
    """The files that were open: their names, the latest first, and when that was."""

    names: tuple[str, ...] = ()
    times: dict[str, str] = field(default_factory=dict)


class Settings:
    """Typed access to the settings file; whatever is damaged there counts as not set.

    Nobody waits for the disk: what is set holds at once, and a thread writes it down.
    """

    def __init__(self, store: QSettings | None = None) -> None:
        """Use the file of ``store``, by default that of the user."""
        store = store or QSettings(
            QSettings.Format.IniFormat, QSettings.Scope.UserScope, "SXT Studio", "SXT Studio"
        )
        self._file, self._writable = store.fileName(), store.isWritable()
        self._values = read_settings(self._file)
        self._lock = threading.RLock()
        self._changes: Values = {}  # what the file does not have yet; None: is to be removed
        # The list of recent files is one for all windows: what each does to it is done to what is there then.
        self._recent_changes: list[Callable[[_Recent], _Recent]] = []
        self._writer = NewestOnly("settings", self._on_error)
        self._save_target: tuple[Path, Path | None] | None = None

    def get(self, name: str, default: Any) -> Any:
        """Return a JSON value of the same type as ``default``, or ``default``; what is no JSON is dropped."""
        text = str(self._values.get(name, ""))
        try:
            value = _parsed(text) if text else None
            if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
                value = float(value)
        except (ValueError, OverflowError, RecursionError) as error:
            _LOG.warning("setting %s: damaged and dropped (%s): %.80s", name, error, text)
            self._put(name, None)
            return default
        return value if default is None or type(value) is type(default) else default

    def set(self, name: str, value: Any) -> None:
        """Remember a JSON value."""
        self._put(name, json.dumps(value))

    def _put(self, name: str, value: Any) -> None:
        """Have a value, or None: no longer, and write that down soon."""
        with self._lock:
            self._changes[name] = value
            _take(self._values, {name: value})
        self._writer.request(self._write)

    def bytes(self, name: str) -> QByteArray:
        """Return the layout of a window."""
        value = self._values.get(name)
        return value if isinstance(value, QByteArray) else QByteArray()

    def set_bytes(self, name: str, value: QByteArray) -> None:
        """Remember the layout of a window."""
        self._put(name, value)

    @property
    def recent(self) -> list[str]:
        """Tomograms and projects, the latest first."""
        return [path for path in self.get(_RECENT, [])[:MOST_RECENT] if _is_path(path)]

    def recent_time(self, path: str) -> datetime | None:
        """Return when one of them was opened or saved last; None where that is not known."""
        try:
            return datetime.fromisoformat(str(self.get(_TIMES, {}).get(path, ""))).astimezone(UTC)
        except (ValueError, OverflowError):
            return None

    def add_recent(self, path: str | Path) -> None:
        """Put a file at the top of the recent ones."""
        name, now = str(Path(path).absolute()), datetime.now(UTC).isoformat(timespec="seconds")

        def add(recent: _Recent) -> _Recent:
            names = (name, *(other for other in recent.names if other != name))
            return _Recent(names[:MOST_RECENT], {**recent.times, name: now})

        self._change_recent(add)

    def forget_recent(self, path: str | Path) -> None:
        """Take a file off the recent ones; it stays as it is."""
        gone = (str(Path(path).absolute()), str(path))
        self._change_recent(
            lambda recent: _Recent(tuple(name for name in recent.names if name not in gone), recent.times)
        )

    def clear_recent(self) -> None:
        """Forget the recent files."""
        self._change_recent(lambda _: _Recent())

    def _change_recent(self, change: Callable[[_Recent], _Recent]) -> None:
        """Change what every window adds to, at once here, and soon on top of what others have written."""
        now = change(_Recent(tuple(self.recent), self.get(_TIMES, {})))
        with self._lock:
            self._recent_changes.append(change)
            _take(self._values, _recent_values(now))
        self._writer.request(self._write)

    def folder(self, apart: str = "") -> str:
        """Return the folder that dialogs for opening begin in; what lies ``apart`` has its own."""
        for name in (_key_of(apart), _OPENED_IN):
            stored = str(self.get(name, ""))
            if _may_begin_in(stored):
                return stored
        return str(home_folder())

    def set_folder(self, path: str | Path, apart: str = "") -> None:
        """Remember the folder of a file that was chosen to be opened."""
        self.set(_key_of(apart), str(Path(path).absolute().parent))

    def save_folder(self, of_the_work: Path | None = None) -> str:
        """Return the folder that dialogs for saving begin in.

        Where something was saved last, if that was elsewhere than beside the work; else ``of_the_work``, the
        folder of what is open, if one may write there; else the user's folder of documents.
        """
        self._keep_save_folder()
        stored = str(self.get(_SAVED_IN, ""))
        if _may_begin_in(stored):
            return stored
        if of_the_work is not None and of_the_work.is_dir() and os.access(of_the_work, os.W_OK):
            return str(of_the_work)
        documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        return documents if documents and Path(documents).is_dir() else str(home_folder())

    def set_save_target(self, path: str | Path, of_the_work: Path | None = None) -> None:
        """Note where something is about to be saved; its folder is remembered once the file is there.

        Who saves beside the work, in ``of_the_work``, will do so with the next tomogram, too: that is no
        folder to remember.
        """
        self._keep_save_folder()
        self._save_target = (Path(path).absolute(), of_the_work)

    def _keep_save_folder(self) -> None:
        """Remember the folder of what was saved last, if that has succeeded: it is there."""
        if self._save_target is None:
            return
        target, of_the_work = self._save_target
        try:
            there = target.exists()
        except OSError:
            there = False
        if there:  # else a job may still be writing it
            self.set(_SAVED_IN, "" if target.parent == of_the_work else str(target.parent))
            self._save_target = None

    @property
    def file(self) -> str:
        """Where they are kept."""
        return self._file

    @property
    def writable(self) -> bool:
        """Whether they can be kept at all."""
        return self._writable

    def sync(self) -> None:
        """Wait until all is written to the disk."""
        self.finish()
        self._writer.wait()

    def finish(self) -> None:
        """Have all written that is known by now; the program does not end before that, nobody else waits."""
        self._keep_save_folder()

    def _write(self, _stale: object) -> None:
        """Write down what has changed; runs in the thread."""
        with self._lock:
            changes, self._changes = self._changes, {}
            recent_changes, self._recent_changes = self._recent_changes, []

        def change(values: Values) -> None:
            _take(values, changes)
            if recent_changes:
                _take(values, _changed_recent(values, recent_changes))

        try:
            there = change_settings(self._file, change)
        except BaseException:
            with self._lock:  # the next change takes them along, when the disk has room again
                self._changes = {**changes, **self._changes}
                self._recent_changes = [*recent_changes, *self._recent_changes]
            raise
        if recent_changes:
            with self._lock:  # with what other windows have done, and what was done here meanwhile
                _take(self._values, _changed_recent(there, self._recent_changes))

    def _on_error(self, error: Exception) -> None:
        """Go on without: the start page says that nothing can be kept."""
        _LOG.warning("the settings were not written: %s", error)


def _take(values: Values, changes: Values) -> None:
    """Change values in place; None removes one."""
    for name, value in changes.items():
        if value is None:
            values.pop(name, None)
        else:
            values[name] = value


def _changed_recent(values: Values, changes: list[Callable[[_Recent], _Recent]]) -> Values:
    """Return the list of recent files of some settings, after changes."""
    lists: list[Any] = []
    for name, empty in ((_RECENT, []), (_TIMES, {})):
        try:
            found = _parsed(str(values.get(name, "")) or "null")
        except (ValueError, OverflowError, RecursionError):
            found = None
        lists.append(found if type(found) is type(empty) else empty)
    recent = _Recent(tuple(name for name in lists[0][:MOST_RECENT] if _is_path(name)), lists[1])
    for change in changes:
        recent = change(recent)
    return _recent_values(recent)


def _recent_values(recent: _Recent) -> Values:
    times = {name: recent.times[name] for name in recent.names if name in recent.times}
    return {_RECENT: json.dumps(recent.names), _TIMES: json.dumps(times)}


def _parsed(text: str) -> Any:
    """Read JSON; ValueError or RecursionError for what the program never wrote."""
    if len(text) > _LONGEST:
        raise ValueError(f"{len(text)} characters")
    return json.loads(text, parse_constant=_refused, parse_float=_finite, parse_int=_counted)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refused(text)


def _counted(text: str) -> int:
    number = int(text)  # a ValueError from some thousands of digits on
    return number if abs(number) < 1 << 63 else int(_refused(f"{text:.20}…"))


def _refused(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _is_path(value: object) -> bool:
    """Whether a path can be asked for at all."""
    if not isinstance(value, str) or not value or "\0" in value:
        return False
    try:
        os.fsencode(value)
    except UnicodeEncodeError:
        return False
    return True


def _key_of(apart: str) -> str:
    return f"{_OPENED_IN}_{apart}" if apart else _OPENED_IN


def _may_begin_in(folder: str) -> bool:
    """Whether a folder is there: a disk may have been taken out since, or the folder removed."""
    if not _is_path(folder) or any(Path(folder).is_relative_to(place) for place in _SYSTEM):
        return False
    try:
        return Path(folder).is_dir()
    except OSError:
        return False
