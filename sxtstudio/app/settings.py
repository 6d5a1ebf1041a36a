"""What is remembered from one start to the next."""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QLockFile, QSettings, QStandardPaths

from sxtstudio.core.folders import home_folder

_LOG = logging.getLogger(__name__)

MOST_RECENT = 12
# What the program writes is far shorter; to read what is longer would only keep the window from coming.
_LONGEST = 1_000_000
_RECENT, _TIMES = "recent", "recent_times"
_OPENED_IN, _SAVED_IN = "folder", "save_folder"
# Folders of the system, not of files: a dialog that peeks into some of these waits for ever.
_SYSTEM = tuple(Path(name) for name in ("/proc", "/sys", "/dev"))
# Another window has the list for some milliseconds; who waits longer waits for nobody.
_PATIENCE_MS = 200


class Settings:
    """Typed access to the settings file; whatever is damaged there counts as not set."""

    def __init__(self, store: QSettings | None = None) -> None:
        """Use ``store``, by default that of the user."""
        self._store = store or QSettings(
            QSettings.Format.IniFormat, QSettings.Scope.UserScope, "SXT Studio", "SXT Studio"
        )
        self._save_target: tuple[Path, Path | None] | None = None

    def get(self, name: str, default: Any) -> Any:
        """Return a JSON value of the same type as ``default``, or ``default``; what is no JSON is dropped."""
        text = str(self._store.value(name, ""))
        try:
            value = _parsed(text) if text else None
            if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
                value = float(value)
        except (ValueError, OverflowError, RecursionError) as error:
            _LOG.warning("setting %s: damaged and dropped (%s): %.80s", name, error, text)
            self._store.remove(name)
            return default
        return value if default is None or type(value) is type(default) else default

    def set(self, name: str, value: Any) -> None:
        """Remember a JSON value."""
        self._store.setValue(name, json.dumps(value))

    def bytes(self, name: str) -> QByteArray:
        """Return the layout of a window."""
        value = self._store.value(name)
        return value if isinstance(value, QByteArray) else QByteArray()

    def set_bytes(self, name: str, value: QByteArray) -> None:
        """Remember the layout of a window."""
        self._store.setValue(name, value)

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
        name = str(Path(path).absolute())

        def add() -> None:
            names = [name, *(other for other in self.recent if other != name)][:MOST_RECENT]
            times = {**self.get(_TIMES, {}), name: datetime.now(UTC).isoformat(timespec="seconds")}
            self.set(_RECENT, names)
            self.set(_TIMES, {other: times[other] for other in names if other in times})

        self._with_others(add)

    def forget_recent(self, path: str | Path) -> None:
        """Take a file off the recent ones; it stays as it is."""
        name = str(Path(path).absolute())
        self._with_others(
            lambda: self.set(_RECENT, [other for other in self.recent if other not in (name, str(path))])
        )

    def clear_recent(self) -> None:
        """Forget the recent files."""

        def clear() -> None:
            self.set(_RECENT, [])
            self.set(_TIMES, {})

        self._with_others(clear)

    def _with_others(self, change: Callable[[], object]) -> None:
        """Change what every window adds to, on top of what other windows have written since."""
        lock = QLockFile(f"{self._store.fileName()}.recent")
        locked = lock.tryLock(_PATIENCE_MS)  # not where the folder cannot be written, as nothing can there
        try:
            self._store.sync()
            change()
            self._store.sync()
        finally:
            if locked:
                lock.unlock()

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
        return self._store.fileName()

    @property
    def writable(self) -> bool:
        """Whether they can be kept at all."""
        return self._store.isWritable()

    def sync(self) -> None:
        """Write to disk now."""
        self._keep_save_folder()
        self._store.sync()


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
