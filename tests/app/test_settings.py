"""What is remembered from one start to the next."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSettings

from sxtstudio.app.settings import MOST_RECENT, Settings


def test_values_come_back_with_their_type(tmp_path: Path) -> None:
    path = str(tmp_path / "s.ini")
    first = Settings(QSettings(path, QSettings.Format.IniFormat))
    for name, value in {"a": True, "b": 2.5, "c": "µm", "d": [1, 2], "e": {"x": None}}.items():
        first.set(name, value)
    first.sync()
    again = Settings(QSettings(path, QSettings.Format.IniFormat))
    assert again.get("a", False) is True
    assert again.get("b", 0.0) == 2.5
    assert again.get("c", "") == "µm"
    assert again.get("d", []) == [1, 2]
    assert again.get("e", {}) == {"x": None}


def test_damaged_or_foreign_values_count_as_not_set(settings: Settings) -> None:
    settings.set("size", "four")
    assert settings.get("size", 4) == 4
    settings._store.setValue("size", "{not json")
    assert settings.get("size", 4) == 4
    settings.set("size", True)
    assert settings.get("size", 4) == 4


def test_recent_files_have_no_doubles_and_an_end(settings: Settings, tmp_path: Path) -> None:
    for number in range(MOST_RECENT + 5):
        settings.add_recent(tmp_path / f"{number}.mrc")
    settings.add_recent(tmp_path / "9.mrc")
    assert len(settings.recent) == MOST_RECENT
    assert settings.recent[0].endswith("9.mrc")
    assert len(set(settings.recent)) == MOST_RECENT
