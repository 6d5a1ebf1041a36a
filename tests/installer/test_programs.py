"""What the programs of Windows and macOS say of themselves, and what they say when they cannot start."""

from __future__ import annotations

import io
import plistlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sxtstudio import __version__
from tests.installer.scripts import INSTALLER, loaded

Loader = Callable[[str], ModuleType]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loader]:
    def loader(name: str) -> ModuleType:
        path = INSTALLER / name
        monkeypatch.syspath_prepend(str(path.parent))
        return loaded(path)

    yield loader
    for name in ("make_setup", "version_resource"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("heard", "code", "shown"),
    [(False, 2, ["There is no file a.mrc."]), (False, 0, []), (True, 2, [])],
    ids=["nobody hears it", "all is well", "a terminal hears it"],
)
def test_why_the_window_cannot_open_is_shown(
    load: Loader, monkeypatch: pytest.MonkeyPatch, heard: bool, code: int, shown: list[str]
) -> None:
    """The program of the window has no terminal on Windows, and Python no sys.stderr."""
    start = load("start.py")
    said: list[str] = []

    def main() -> int:
        print("sxtstudio: There is no file a.mrc.", file=sys.stderr)
        return code

    monkeypatch.setattr(start, "main", main)
    monkeypatch.setattr(start, "show_message", said.append)
    monkeypatch.setattr(sys, "stderr", io.StringIO() if heard else None)
    assert start.run() == code
    assert said == shown


def test_the_program_itself_runs_without_streams(load: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    start = load("start.py")
    said: list[str] = []
    monkeypatch.setattr(start, "show_message", said.append)
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    monkeypatch.setattr(sys, "argv", ["sxtstudio", "info", "nothing.mrc"])
    assert start.run() == 2
    assert len(said) == 1 and "nothing.mrc" in said[0]


def test_the_version_that_windows_shows(load: Loader) -> None:
    """Read as PyInstaller reads it: as calls of these classes."""

    def record(*words: Any, **facts: Any) -> SimpleNamespace:
        return SimpleNamespace(words=words, **facts)

    text = load("windows/version_resource.py").version_resource("1.2.0rc3", "sxtstudiow.exe")
    names = ("VSVersionInfo", "FixedFileInfo", "StringFileInfo", "StringTable", "VarFileInfo", "VarStruct")
    scope = dict.fromkeys(names, record)
    resource = eval(text, {"__builtins__": {}}, {**scope, "StringStruct": lambda *pair: pair})
    assert resource.ffi.filevers == resource.ffi.prodvers == (1, 2, 0, 0)
    strings = dict(resource.kids[0].words[0][0].words[1])
    assert strings["ProductVersion"] == "1.2.0rc3" and strings["OriginalFilename"] == "sxtstudiow.exe"
    assert {"CompanyName", "FileDescription", "FileVersion", "LegalCopyright", "ProductName"} <= set(strings)


def test_macos_opens_the_same_files_as_windows(load: Loader) -> None:
    facts = load("macos/info_plist.py").info(__version__)
    assert plistlib.loads(plistlib.dumps(facts)) == facts
    assert facts["CFBundleShortVersionString"] == __version__
    types = [f".{name}" for kind in facts["CFBundleDocumentTypes"] for name in kind["CFBundleTypeExtensions"]]
    registry = (INSTALLER / "windows" / "registry.nsh").read_text(encoding="utf-8")
    assert types == [line.split('"')[1] for line in registry.splitlines() if "${DO} " in line]


def test_what_the_hardened_runtime_must_allow() -> None:
    allowed = plistlib.loads((INSTALLER / "macos" / "entitlements.plist").read_bytes())
    assert set(allowed) == {
        "com.apple.security.cs.allow-jit",
        "com.apple.security.cs.allow-unsigned-executable-memory",
        "com.apple.security.cs.disable-library-validation",
    }


@pytest.mark.parametrize(("name", "size"), [("sxtstudio.ico", 48), ("sxtstudio.icns", 1024)])
def test_icons_are_those_of_the_drawing(load: Loader, name: str, size: int) -> None:
    """If it was changed: python installer/icons/make.py"""
    with Image.open(INSTALLER / "icons" / name) as icon:
        if name.endswith("ico"):  # the other one opens at its largest size
            icon.size = (size, size)
        stored = np.asarray(icon.convert("RGBA"), float)
    drawn = np.asarray(load("icons/make.py").drawn(size), float)
    assert stored.shape == drawn.shape == (size, size, 4)
    assert np.abs(stored - drawn).mean() < 2
    assert stored[..., :3].std() > 20
