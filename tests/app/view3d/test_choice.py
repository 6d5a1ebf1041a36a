"""Which canvas is used and why; and that trying OpenGL in a window cannot hurt the program."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from sxtstudio.app.actions import help as help_actions
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.preferences import PreferencesDialog
from sxtstudio.app.view3d import choice, probes, starting
from sxtstudio.app.view3d.choice import CanvasKind, System, Wish, choose, remote_desktop, wish_of
from sxtstudio.app.view3d.view import View3D
from sxtstudio.core.errors import UserError
from sxtstudio.surface import OpenGL

CARD = OpenGL("vtkGenericOpenGLRenderWindow", "NVIDIA RTX A2000/PCIe/SSE2")
PROCESSOR = OpenGL("vtkGenericOpenGLRenderWindow", "llvmpipe (LLVM 15.0.6, 256 bits)")
HIDDEN = OpenGL("vtkEGLRenderWindow", "somebody")


@pytest.mark.parametrize(
    ("wish", "system", "native", "kind", "words"),
    [
        (Wish.AUTOMATIC, System("xcb"), CARD, CanvasKind.NATIVE, "was tried and works"),
        (Wish.AUTOMATIC, System("windows"), CARD, CanvasKind.NATIVE, "was tried and works"),
        (Wish.AUTOMATIC, System("cocoa"), CARD, CanvasKind.NATIVE, "was tried and works"),
        (Wish.AUTOMATIC, System("xcb"), PROCESSOR, CanvasKind.OFFSCREEN, "does not wait"),
        (Wish.AUTOMATIC, System("xcb"), None, CanvasKind.OFFSCREEN, "does not work"),
        (Wish.AUTOMATIC, System("xcb", card=False), "asked", CanvasKind.OFFSCREEN, "no graphics card"),
        (Wish.AUTOMATIC, System("xcb", remote="xrdp"), "asked", CanvasKind.OFFSCREEN, "desktop (xrdp)"),
        (Wish.AUTOMATIC, System("wayland"), "asked", CanvasKind.OFFSCREEN, "Wayland"),
        (Wish.AUTOMATIC, System("offscreen"), "asked", CanvasKind.OFFSCREEN, "“offscreen” has no OpenGL"),
        (Wish.AUTOMATIC, System("xcb", failed=True), "asked", CanvasKind.OFFSCREEN, "last start of OpenGL"),
        (Wish.OFFSCREEN, System("xcb"), "asked", CanvasKind.OFFSCREEN, "chosen in the preferences"),
        (Wish.NATIVE, System("xcb", card=False), PROCESSOR, CanvasKind.NATIVE, "chosen in the preferences"),
        (Wish.NATIVE, System("wayland"), CARD, CanvasKind.NATIVE, "chosen in the preferences"),
        (Wish.NATIVE, System("xcb", remote="VNC"), PROCESSOR, CanvasKind.NATIVE, "chosen"),
        (Wish.NATIVE, System("xcb"), None, CanvasKind.OFFSCREEN, "does not work"),
        (Wish.NATIVE, System("minimal"), "asked", CanvasKind.OFFSCREEN, "“minimal” has no OpenGL"),
        (Wish.NATIVE, System("xcb", failed=True), "asked", CanvasKind.OFFSCREEN, "once more"),
    ],
)
def test_canvas_and_reason(wish: Wish, system: System, native: Any, kind: CanvasKind, words: str) -> None:
    def probe() -> OpenGL | None:
        assert native != "asked", "nothing is tried where it cannot be used"
        return native

    chosen = choose(wish, system, probe, lambda: HIDDEN)
    assert chosen.kind is kind and words in chosen.reason
    assert chosen.opengl == (native if kind is CanvasKind.NATIVE else HIDDEN)


@pytest.mark.parametrize(
    ("environment", "system", "name"),
    [
        ({}, "linux", ""),
        ({"DISPLAY": ":0"}, "linux", ""),
        ({"DISPLAY": ":99.0"}, "linux", ""),
        ({"DISPLAY": "/private/tmp/launch/org.xquartz:0"}, "linux", ""),
        ({"DISPLAY": "localhost:10.0"}, "linux", "X11 over a network"),
        ({"DISPLAY": "beamline.example:0"}, "linux", "X11 over a network"),
        ({"DISPLAY": ":10", "XRDP_SESSION": "1"}, "linux", "xrdp"),
        ({"DISPLAY": ":1", "VNCDESKTOP": "beamline:1"}, "linux", "VNC"),
        ({"SESSIONNAME": "Console"}, "win32", ""),
        ({"SESSIONNAME": "RDP-Tcp#3"}, "win32", "Remote Desktop"),
    ],
)
def test_remote_desktops_are_known(environment: dict[str, str], system: str, name: str) -> None:
    assert remote_desktop(environment, system) == name


def test_nonsense_in_the_settings_counts_as_automatic() -> None:
    assert [wish_of(text) for text in ("native", "offscreen", "automatic", "", "x")] == [
        Wish.NATIVE, Wish.OFFSCREEN, Wish.AUTOMATIC, Wish.AUTOMATIC, Wish.AUTOMATIC,
    ]  # fmt: skip


@pytest.mark.parametrize("pattern", ["renderD*", "nothing"])
def test_graphics_card_is_looked_for(pattern: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "renderD128").touch()
    monkeypatch.setattr(choice, "_CARDS", (str(tmp_path / pattern),))
    monkeypatch.setattr(sys, "platform", "linux")
    assert choice.may_have_card() == (pattern == "renderD*")
    monkeypatch.setattr(sys, "platform", "win32")
    assert choice.may_have_card()


@pytest.mark.parametrize(
    "code",
    [
        "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
        "import sys; sys.exit(3)",
        "open(__import__('sys').argv[1], 'w').close()",
        "pass",
    ],
    ids=["crash", "error", "nothing drawn", "no answer"],
)
def test_window_that_cannot_draw_is_no_harm(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "own_program", lambda *_: [sys.executable, "-c", code])
    assert probes.probe_native("xcb") is None


def test_bundled_program_starts_itself_to_try_a_window(native_opengl: OpenGL, bundled: None) -> None:
    assert probes.probe_native(QGuiApplication.platformName()) == native_opengl


def test_platform_without_opengl_is_found_out() -> None:
    assert probes.probe_native("minimal") is None


# -- in the window -----------------------------------------------------------------------------


@pytest.fixture
def view(sample: MainWindow, opengl: OpenGL) -> View3D:
    """The 3D view of the sample, not yet shown."""
    return sample.context.parts.view3d


def shown(view: View3D, qtbot: QtBot) -> str:
    view._context.session.layout.set(view3d=True)
    qtbot.waitUntil(lambda: view.canvas is not None and view.canvas.frames > 0, timeout=30_000)
    return view.status.value.canvas


def test_preferences_change_the_canvas_and_diagnostics_say_why(
    sample: MainWindow, view: View3D, native_opengl: OpenGL, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    monkeypatch.setattr(probes, "probe_native", lambda platform: tried.append(platform) or native_opengl)
    monkeypatch.setattr(starting, "may_have_card", lambda: False)
    told: dict[str, str] = {}
    monkeypatch.setattr(
        "sxtstudio.workflow.document.diagnostics.diagnostics",
        lambda *, more, settings, log_file: told.update(more) or "text",
    )
    preferences = sample.context.dialogs.bring_up(PreferencesDialog)
    assert "not been shown" in preferences.canvas_used.text()
    assert shown(view, qtbot).startswith("off-screen: there is no graphics card") and tried == []
    assert "off-screen: there is no graphics card" in preferences.canvas_used.text()
    help_actions.copy_diagnostics(sample.context)
    qtbot.waitUntil(lambda: bool(told), timeout=20_000)
    assert told["3D view"] == view.status.value.canvas
    view.canvas.camera.turn(0.2, 0.1)
    seen_from = view.canvas.camera.state()
    preferences.canvas.setCurrentIndex(preferences.canvas.findData("native"))
    qtbot.waitUntil(lambda: view.canvas is not None and view.canvas.frames > 0, timeout=30_000)
    assert type(view.canvas).__name__ == "NativeCanvas" and len(tried) == 1
    assert view.canvas.camera.state()["position"] == pytest.approx(seen_from["position"])
    assert view.status.value.canvas == "in the window (pyvistaqt): chosen in the preferences"
    assert not sample.settings.get(starting.NATIVE_FAILED, True)
    preferences.canvas.setCurrentIndex(preferences.canvas.findData("offscreen"))
    qtbot.waitUntil(lambda: view.canvas is not None and view.canvas.frames > 0, timeout=30_000)
    assert preferences.canvas_used.text() == "Now off-screen: chosen in the preferences."


def test_canvas_in_the_window_that_draws_nothing_is_replaced(
    sample: MainWindow, view: View3D, native_opengl: OpenGL, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sxtstudio.app.view3d.native_canvas import NativeCanvas

    monkeypatch.setattr(probes, "probe_native", lambda platform: native_opengl)
    monkeypatch.setattr(NativeCanvas, "_on_ended", lambda *_: None)
    sample.settings.set(starting.CANVAS, "native")
    view._start._patience.setInterval(200)
    assert "the last start of OpenGL in the window failed" in shown(view, qtbot)
    assert sample.settings.get(starting.NATIVE_FAILED, False)


def test_program_that_ended_while_opengl_started_does_not_try_it_again(
    sample: MainWindow, view: View3D, native_opengl: OpenGL, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is on disk in the moment when OpenGL starts is what the next start finds after a crash."""
    from sxtstudio.app.view3d import native_canvas

    stored: list[Any] = []

    class Crashes(native_canvas.NativeCanvas):
        def __init__(self, opengl: OpenGL) -> None:
            stored.append(Path(sample.settings.file).read_text())
            super().__init__(opengl)

    monkeypatch.setattr(native_canvas, "NativeCanvas", Crashes)
    monkeypatch.setattr(probes, "probe_native", lambda platform: native_opengl)
    sample.settings.set(starting.CANVAS, "native")
    assert "chosen in the preferences" in shown(view, qtbot)
    assert 'native_failed="true"' in stored[0]
    assert not sample.settings.get(starting.NATIVE_FAILED, True)


def test_without_any_opengl_the_sentence_stands_in_the_view(
    view: View3D, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> OpenGL:
        raise UserError("Pictures need OpenGL, which does not work on this machine.")

    monkeypatch.setattr(probes, "find_opengl", fail)
    view._context.settings.set(starting.CANVAS, "offscreen")
    view._context.session.layout.set(view3d=True)
    qtbot.waitUntil(lambda: "cannot be shown here" in view._page.text(), timeout=20_000)
