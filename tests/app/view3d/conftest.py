"""What the tests of the 3D view share: ways to draw, found once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from sxtstudio.app.view3d.choice import CanvasKind
from sxtstudio.app.view3d.probes import probe_native
from sxtstudio.core.errors import UserError
from sxtstudio.surface import OpenGL, find_opengl


@pytest.fixture(scope="session")
def opengl() -> OpenGL:
    """A way to draw off-screen; tests that need it are skipped where there is none."""
    try:
        return find_opengl()
    except UserError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def native_opengl(qapp: QApplication) -> OpenGL:
    """OpenGL in windows; tests that need it are skipped where it does not work."""
    platform = QGuiApplication.platformName()
    found = None if platform in ("offscreen", "minimal") else probe_native(platform)
    if found is None:
        pytest.skip(f"there is no OpenGL in windows of the platform {platform}")
    return found


@pytest.fixture(autouse=True)
def opengl_is_released(live_windows: Callable[[], int]) -> Iterator[None]:
    """A view that is closed or begun anew lets go of all that it drew with."""
    before = live_windows()
    yield
    assert live_windows() <= before


@pytest.fixture
def drawn_by(kind: CanvasKind, request: pytest.FixtureRequest) -> OpenGL:
    """Who draws in a canvas of the kind that the test is for."""
    return request.getfixturevalue("native_opengl" if kind is CanvasKind.NATIVE else "opengl")


@pytest.fixture
def bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is a bundled program, which has no Python to start: a script stands in for it."""
    if sys.platform == "win32":
        pytest.skip("the stand-in for the bundled program is a shell script")
    program = tmp_path / "sxtstudio"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m sxtstudio "$@"\n')
    program.chmod(0o755)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(program))
