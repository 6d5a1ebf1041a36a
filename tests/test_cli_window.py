"""What the window needs of the system is looked for before Qt ends the process without a word."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from sxtstudio.cli import main
from sxtstudio.commands import gui


@pytest.fixture
def lacking(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """A desktop without some libraries, which a test puts into the set."""
    missing: set[str] = set()
    real = ctypes.CDLL

    def load(name: str, *words: object, **more: object) -> object:
        if name in missing:
            raise OSError(f"{name}: cannot open shared object file: No such file or directory")
        return real(name, *words, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(ctypes, "CDLL", load)
    monkeypatch.setattr(gui.sys, "platform", "linux")
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":7")
    monkeypatch.setattr(gui.shutil, "which", lambda name: None)
    return missing


def test_without_opengl_no_window_is_opened_and_the_package_is_named(
    lacking: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    lacking |= {"libGL.so.1"}
    assert main(["gui"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "lacks the library libGL, " in line and line.endswith("apt-get install -y libgl1")


def test_all_that_is_missing_is_said_at_once(lacking: set[str], capsys: pytest.CaptureFixture[str]) -> None:
    lacking |= {"libEGL.so.1", "libxcb-cursor.so.0"}
    assert main([]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "libEGL, libxcb-cursor" in line and line.endswith("-y libegl1 libxcb-cursor0")


def test_wayland_needs_nothing_of_x11(lacking: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    lacking |= {"libxcb-cursor.so.0"}
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    gui.check_screen()


def test_who_starts_from_the_menu_sees_a_message_box(
    lacking: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is no terminal then; the first program for messages that is there shows the sentence."""
    box, shown = tmp_path / "kdialog", tmp_path / "shown"
    box.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{shown}"\n', encoding="utf-8")
    box.chmod(0o755)
    monkeypatch.setattr(gui.shutil, "which", lambda name: str(box) if name == "kdialog" else None)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    lacking |= {"libGL.so.1"}
    assert main(["gui"]) == 2
    assert "libgl1" in shown.read_text(encoding="utf-8").splitlines()[-1]


def test_a_file_alone_is_opened_as_with_open_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sxtstudio.app import start

    opened: list[Path | None] = []
    monkeypatch.setattr(gui, "check_screen", lambda: None)
    monkeypatch.setattr(start, "run", lambda path: opened.append(path) or 0)
    (tmp_path / "cell.mrc").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    assert main(["cell.mrc"]) == 0 and main(["gui", "cell.mrc"]) == 0
    assert opened[0] == opened[1] and str(opened[0]).endswith("cell.mrc")


def test_what_is_neither_a_command_nor_a_file_names_the_way_to_open_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for word in ("segmnt", "gone.mrc", "a\0b"):
        assert main([word]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "sxtstudio gui FILE" in line and "probe" not in line and "draw-" not in line
