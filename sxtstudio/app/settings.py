"""What is remembered from one start to the next."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QLockFile, QSettings

from sxtstudio.core.folders import home_folder

MOST_RECENT = 12
_RECENT, _TIMES = "recent", "recent_times"
# Another window has the list for some milliseconds; who waits longer waits for nobody.
_PATIENCE_MS = 200


class Settings:
    """Typed access to the settings file; whatever is damaged there counts as not set."""

    def __init__(self, store: QSettings | None = None) -> None:
        """Use ``store``, by default that of the user."""
        self._store = store or QSettings(
            QSettings.Format.IniFormat, QSettings.Scope.UserScope, "SXT Studio", "SXT Studio"
        )

    def get(self, name: str, default: Any) -> Any:
        """Return a JSON value of the same type as ``default``, or ``default``."""
        try:
            value = json.loads(str(self._store.value(name, "")))
        except ValueError:
            return default
        if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
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
        return [str(path) for path in self.get(_RECENT, [])]

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

    def folder(self) -> str:
        """Return the folder that file dialogs begin in."""
        return str(self.get("folder", str(home_folder())))

    def set_folder(self, path: str | Path) -> None:
        """Remember the folder of a chosen file."""
        self.set("folder", str(Path(path).absolute().parent))

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
        self._store.sync()
