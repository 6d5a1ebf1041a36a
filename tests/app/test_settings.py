"""What is remembered from one start to the next."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QByteArray, QSettings

from sxtstudio.app.preferences import USUAL_UNDO_MB
from sxtstudio.app.settings import MOST_RECENT, Settings
from sxtstudio.app.settings_file import ini_bytes, read_settings
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Recorder
from sxtstudio.core.geometry import Box
from sxtstudio.core.history import EditHistory


def holding(settings: Settings, **texts: str) -> Settings:
    """Return settings anew after somebody has written these texts into the file, as Qt does."""
    settings.sync()
    store = QSettings(settings.file, QSettings.Format.IniFormat)
    for name, text in texts.items():
        store.setValue(name, text)
    store.sync()
    return Settings(store)


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
    assert holding(settings, size="{not json").get("size", 4) == 4
    settings.set("size", True)
    assert settings.get("size", 4) == 4


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '"' + "x" * 2_000_000 + '"',
        "1" + "0" * 400,
        "NaN",
        "1e400",
        "[1, Infinity]",
        "{not json",
    ],
    ids=["deep", "long", "huge integer", "nan", "huge", "infinite", "no JSON"],
)
@pytest.mark.parametrize("default", [[], 4.0, None], ids=["list", "number", "anything"])
def test_what_cannot_be_read_is_dropped_and_said(
    settings: Settings, text: str, default: object, caplog: pytest.LogCaptureFixture
) -> None:
    settings = holding(settings, damaged=text)
    assert settings.get("damaged", default) == default
    settings.sync()
    assert "damaged" not in read_settings(settings.file)
    assert [record.getMessage()[:37] for record in caplog.records] == [
        "setting damaged: damaged and dropped "
    ]
    assert len(caplog.text) < 1000


def test_recent_files_of_a_damaged_file_are_few_and_paths(settings: Settings) -> None:
    settings.set("recent", ["/data/a.mrc", 5, None, "", "/data/\0", "/\ud800", ["x"], "/data/b.mrc"])
    assert settings.recent == ["/data/a.mrc", "/data/b.mrc"]
    settings.set("recent", [f"/{number}" for number in range(20_000)])
    assert settings.recent == [f"/{number}" for number in range(MOST_RECENT)]
    settings = holding(settings, recent="[" * 100_000, recent_times="[" * 100_000)
    assert settings.recent == []
    assert settings.recent_time("/data/a.mrc") is None
    settings.add_recent("/data/a.mrc")
    settings.sync()
    assert holding(settings).recent == ["/data/a.mrc"]


def test_recent_files_have_no_doubles_and_an_end(settings: Settings, tmp_path: Path) -> None:
    for number in range(MOST_RECENT + 5):
        settings.add_recent(tmp_path / f"{number}.mrc")
    settings.add_recent(tmp_path / "9.mrc")
    assert len(settings.recent) == MOST_RECENT
    assert settings.recent[0].endswith("9.mrc")
    assert len(set(settings.recent)) == MOST_RECENT


ELSEWHERE = """
import sys
from PySide6.QtCore import QSettings
from sxtstudio.app.settings import Settings
settings = Settings(QSettings(sys.argv[1], QSettings.Format.IniFormat))
getattr(settings, sys.argv[2])(*sys.argv[3:])
settings.set("unit", "µm")
settings.sync()
"""


def elsewhere(path: str, *words: str) -> None:
    """Do something with the settings in another process; within one, Qt shares what was read."""
    subprocess.run([sys.executable, "-c", ELSEWHERE, path, *words], check=True, timeout=60)


def test_two_windows_add_to_one_list(tmp_path: Path) -> None:
    """Each is a process of its own, which has read the list when it started."""
    path = str(tmp_path / "s.ini")
    settings = Settings(QSettings(path, QSettings.Format.IniFormat))
    settings.add_recent("/data/a.mrc")
    settings.set("theme", "light")
    settings.sync()
    elsewhere(path, "add_recent", "/data/b.mrc")
    settings.add_recent("/data/c.mrc")
    settings.sync()
    assert settings.recent == ["/data/c.mrc", "/data/b.mrc", "/data/a.mrc"]
    assert settings.recent_time("/data/b.mrc") is not None
    there = holding(settings)
    assert (there.get("theme", ""), there.get("unit", "")) == ("light", "µm")
    elsewhere(path, "forget_recent", "/data/a.mrc")
    settings.add_recent("/data/d.mrc")
    assert settings.recent[0] == "/data/d.mrc"  # at once
    settings.sync()
    assert settings.recent == ["/data/d.mrc", "/data/c.mrc", "/data/b.mrc"]
    elsewhere(path, "clear_recent")
    settings.forget_recent("/data/e.mrc")
    settings.sync()
    assert settings.recent == [] and settings.recent_time("/data/d.mrc") is None


def test_qt_reads_every_text_and_all_bytes_that_were_written(tmp_path: Path) -> None:
    """The writer is ours, the reader is Qt's: nothing gets lost or becomes something else."""
    draw = random.Random(5)
    signs = (range(1, 128), range(128, 0x800), range(0x4E00, 0x4E80), (0x1F600,))
    values: dict[str, object] = {
        "a": '"x, y; z=1"',
        "window/geometry": QByteArray(bytes(range(256)) * 2),
        "view3d/scene/more": "µm € 😀",
        "a key/ü": "@home",
        "€[x]": " with room around ",
        "empty": "",
        "code": "\x1f0abc",
        "json": json.dumps({"C:\\data\n": [1, "\x85" + "0"]}),
    }
    values |= {f"t/{n}": "".join(chr(draw.choice(draw.choice(signs))) for _ in range(30)) for n in range(200)}
    values |= {f"b/{n}": QByteArray(draw.randbytes(40)) for n in range(50)}
    (tmp_path / "s.ini").write_bytes(ini_bytes(values))
    assert read_settings(str(tmp_path / "s.ini")) == values


def test_who_sets_something_waits_for_no_disk(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk may be busy for seconds, as after opening a large project: the window goes on meanwhile."""
    free, flushed = threading.Event(), []

    def slow(descriptor: int) -> None:
        flushed.append(threading.current_thread())
        assert free.wait(30)

    monkeypatch.setattr("sxtstudio.core.atomic.os.fsync", slow)
    settings.add_recent("/data/a.mrc")
    settings.set("theme", "light")
    settings.set_bytes("window/state", QByteArray(b"abc"))
    assert settings.recent == ["/data/a.mrc"] and settings.get("theme", "") == "light"
    assert settings.bytes("window/state") == b"abc"
    free.set()
    settings.sync()
    assert flushed and threading.main_thread() not in flushed
    there = holding(settings)
    assert there.recent == ["/data/a.mrc"] and there.bytes("window/state") == b"abc"


def test_what_a_full_disk_did_not_take_is_written_with_the_next_change(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("sxtstudio.core.atomic.os.fsync", full)
        settings.add_recent("/data/a.mrc")
        settings.set("theme", "light")
        settings.sync()
    assert holding(settings).recent == []
    settings.set("scale", 2)
    settings.sync()
    there = holding(settings)
    assert there.recent == ["/data/a.mrc"]
    assert there.get("theme", "") == "light" and there.get("scale", 0) == 2


def test_the_file_is_the_users_alone_and_stays_where_a_link_leads(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "s.ini").symlink_to(tmp_path / "elsewhere" / "kept.ini")
    settings = Settings(QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat))
    settings.set("theme", "light")
    settings.sync()
    assert (tmp_path / "s.ini").is_symlink()
    kept = tmp_path / "elsewhere" / "kept.ini"
    assert kept.stat().st_mode & 0o777 == 0o600
    kept.chmod(0o644)
    settings.set("theme", "dark")
    settings.sync()
    assert kept.stat().st_mode & 0o777 == 0o644 and "dark" in kept.read_text()


def test_the_readme_says_the_limit_of_undo_that_the_preferences_have() -> None:
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    assert f"{USUAL_UNDO_MB} MB of compressed changes" in readme and "no limit of steps" not in readme
    history = EditHistory(USUAL_UNDO_MB << 20)
    labels = np.zeros((1, 200, 200), np.uint8)
    for step in range(2):  # what the notes say of a stroke
        recorder = Recorder(EditKind.BRUSH, labels)
        recorder.write(Box((0, 50, 50), (1, 90, 90)), np.full((1, 40, 40), 255 * (step % 2 == 0), np.uint8))
        edit = recorder.finish()
        assert edit is not None and edit.bytes < 5000
        history.push(edit)
    assert len(history) == 2
