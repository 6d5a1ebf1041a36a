"""What is remembered from one start to the next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QSettings

from sxtstudio.core.folders import home_folder

MOST_RECENT = 12


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
        return [str(path) for path in self.get("recent", [])]

    def add_recent(self, path: str | Path) -> None:
        """Put a file at the top of the recent ones."""
        name = str(Path(path).absolute())
        self.set("recent", [name, *(other for other in self.recent if other != name)][:MOST_RECENT])

    def folder(self) -> str:
        """Return the folder that file dialogs begin in."""
        return str(self.get("folder", str(home_folder())))

    def set_folder(self, path: str | Path) -> None:
        """Remember the folder of a chosen file."""
        self.set("folder", str(Path(path).absolute().parent))

    def sync(self) -> None:
        """Write to disk now."""
        self._store.sync()
