"""After a crash the 3D view is there again; not where the crash may have come from opening it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from sxtstudio.app.document.opening import open_recovered
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.states import Panel
from sxtstudio.app.view3d.starting import CanvasStart
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box
from sxtstudio.surface import OpenGL
from sxtstudio.workflow.document import workplace
from sxtstudio.workflow.document.recovered import recover
from sxtstudio.workflow.document.state import read_state


@pytest.fixture
def painted(
    open_file: Callable[[Path], MainWindow],
    tomogram: Path,
    opengl: OpenGL,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> MainWindow:
    """A window with unsaved work, in the panel of labels."""
    monkeypatch.setenv(workplace.VARIABLE, str(tmp_path / "sessions"))
    window = open_file(tomogram)
    with window.session.edit(EditKind.BRUSH) as recorder:
        recorder.write(Box((1, 10, 10), (4, 30, 30)), np.full((3, 20, 20), 255, np.uint8))
    window.context.parts.side.show_panel(Panel.LABELS)
    return window


def show_3d(window: MainWindow, qtbot: QtBot) -> None:
    window.session.layout.set(view3d=True)
    qtbot.waitUntil(lambda: window.context.parts.view3d.has_drawn_all, timeout=30_000)


def crash(window: MainWindow, qtbot: QtBot) -> Path:
    """What has been written down by now is there, nothing is tidied up; the window is as after a start."""
    document = window.session.document
    assert document is not None
    document._autosave._saver.wait()
    document.undo.wait()
    document.let_go()
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=20_000)
    window.session.show(None)
    window.session.closing.wait()
    window.session.layout.set(view3d=False)
    window.context.parts.side.show_panel(Panel.LABELS)
    return document.folder


def recover_in(window: MainWindow, folder: Path, qtbot: QtBot) -> None:
    with qtbot.waitSignal(window.session.document_changed, timeout=20_000):
        open_recovered(window.context, lambda beside: recover(folder, beside=beside))


def is_open_on_disk(folder: Path) -> bool:
    view = read_state(folder).record.view
    return view.get("view3d_open", {}).get("open", False)


def test_a_view_that_was_open_is_open_again(painted: MainWindow, qtbot: QtBot) -> None:
    show_3d(painted, qtbot)
    folder = crash(painted, qtbot)
    assert is_open_on_disk(folder)
    recover_in(painted, folder, qtbot)
    view, parts = painted.context.parts.view3d, painted.context.parts
    qtbot.waitUntil(lambda: view.isVisible() and view.has_drawn_all, timeout=30_000)
    assert parts.slices.isVisible() and parts.side.current is Panel.LABELS


@pytest.mark.parametrize("hidden", [True, False], ids=["hidden again", "never shown"])
def test_a_view_that_was_not_open_stays_closed(hidden: bool, painted: MainWindow, qtbot: QtBot) -> None:
    if hidden:
        show_3d(painted, qtbot)
        painted.session.layout.set(view3d=False)
    recover_in(painted, crash(painted, qtbot), qtbot)
    qtbot.wait(50)
    assert not painted.context.parts.view3d.isVisible()


def test_what_ends_the_program_while_the_view_opens_does_so_once(
    painted: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    show_3d(painted, qtbot)
    folder = crash(painted, qtbot)
    painted.context.parts.view3d._drop_canvas()  # as after a start
    began = []
    monkeypatch.setattr(CanvasStart, "begin", lambda self: began.append(is_open_on_disk(folder)))
    recover_in(painted, folder, qtbot)
    qtbot.waitUntil(lambda: bool(began))
    assert began == [False], "it is written down before anything of it is begun"
    assert crash(painted, qtbot) == folder
    recover_in(painted, folder, qtbot)
    qtbot.wait(50)
    assert len(began) == 1 and not painted.context.parts.view3d.isVisible()


def test_a_view_that_is_still_being_opened_does_not_count(
    painted: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program ends while the surfaces are made, by an edit that is written down meanwhile, say."""
    session, view = painted.session, painted.context.parts.view3d
    session.layout.set(view3d=True)
    qtbot.waitUntil(lambda: view.canvas is not None, timeout=30_000)
    view.status.set(building=True)
    view.has_drawn_all = False
    view.canvas.drawn.emit()
    session.autosave()
    view.status.set(building=False)
    assert not is_open_on_disk(crash(painted, qtbot))
