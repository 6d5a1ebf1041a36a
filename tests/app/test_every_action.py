"""Every entry of every menu is chosen once, with a tomogram, labels, a mask and a selection there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QDialog, QMessageBox
from pytestqt.qtbot import QtBot

from sxtstudio.app import questions
from sxtstudio.app.actions import MENUS, TABLE
from sxtstudio.app.actions.info import MISSING
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.session import Selection
from sxtstudio.app.states import Panel
from sxtstudio.core.edit_kind import EditKind, dtype_of
from sxtstudio.core.geometry import Box
from sxtstudio.core.object_table import ObjectRow
from sxtstudio.core.trust import SliceTrust

BALL = Box((28, 180, 180), (36, 200, 200))


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Any]]:
    """Every question is answered with the harmless button, every file dialog is cancelled."""
    files = ("open_file", "open_files", "open_folder", "save_file", "save_into_folder")
    asked: dict[str, list[Any]] = {name: [] for name in ("ask", *files)}

    def ask(parent: Any, title: str, text: str, buttons: Any, *rest: Any, **more: Any) -> str:
        asked["ask"].append(text)
        return str(list(buttons)[-1])

    monkeypatch.setattr(questions, "ask", ask)
    for name in files:
        monkeypatch.setattr(
            questions, name, lambda *args, name=name, **more: asked[name].append(args[1:]) or None
        )
    return asked


def fill(window: MainWindow) -> None:
    """Give the document labels, a mask, something to undo and to redo, and a selected object."""
    session = window.session
    for target in ("labels", "mask"):
        with session.edit(EditKind.BRUSH, target) as edit:
            edit.write(BALL, np.zeros(BALL.shape, np.uint8))
            edit.write(BALL, np.full(BALL.shape, 255, np.uint8))
    with session.edit(EditKind.BRUSH) as edit:
        corner = Box((2, 2, 2), (4, 4, 4))
        edit.write(corner, session.record(EditKind.BRUSH).labels[corner.slices] ^ 255)
    session.undo()
    session.select(Selection((30, 190, 190), BALL, np.ones(BALL.shape, bool), int(np.prod(BALL.shape))))


def settle(window: MainWindow, qtbot: QtBot) -> None:
    """Stop the jobs and close the dialogs that an action has left."""
    qtbot.wait(20)
    for job in list(window.jobs.running):
        job.cancel()
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=20_000)
    for dialog in QApplication.topLevelWidgets():
        if isinstance(dialog, QDialog):
            dialog.close()


def broken(window: MainWindow) -> list[str]:
    """What went wrong in a way that nobody expected."""
    return [box.detailedText() for box in window.findChildren(QMessageBox) if box.detailedText()]


# Closing the document, and with it the window, comes last.
LAST = ("file.open_sample", "file.close", "file.quit")


@pytest.mark.parametrize("menu", MENUS)
def test_every_action_does_something_sensible(
    menu: str, sample: MainWindow, answers: dict[str, list[Any]], qtbot: QtBot
) -> None:
    infos = [info for info in TABLE if info.menu.split("/")[0] == menu]
    infos.sort(key=lambda info: LAST.index(info.name) if info.name in LAST else -1)
    qtbot.waitUntil(lambda: not sample.jobs.running, timeout=20_000)
    for info in infos:
        action = sample.actions_.by_name[info.name]
        if sample.session.document is not None:
            sample.context.parts.side.show_panel(Panel.IMAGE)  # in “Evaluate” less may be done
            fill(sample)
        if info.why_disabled:
            assert not action.isEnabled() and action.toolTip() == info.why_disabled
        elif not action.isEnabled():
            # Only what needs more than labels, mask and selection may be greyed now.
            assert set(info.needs) - {"tomogram", "labels", "mask", "idle", "selection"}, info.name
        else:
            was = action.isChecked()
            action.trigger()
            settle(sample, qtbot)
            assert broken(sample) == [], info.name
            if info.checkable and ("/" in info.menu or action.actionGroup() is not None):
                assert action.isChecked(), f"{info.name}: one of several choices"
            elif info.checkable:
                assert action.isChecked() != was, info.name
                action.trigger()
                settle(sample, qtbot)


@pytest.mark.parametrize("menu", ["Segment", "Labels", "Objects", "3D", "Tools"])
def test_while_slices_are_judged_nothing_is_changed_that_undo_there_does_not_take_back(
    menu: str, sample: MainWindow, answers: dict[str, list[Any]], qtbot: QtBot
) -> None:
    """An action goes to the panel in which Undo means its change, or it is greyed."""
    session, parts = sample.session, sample.context.parts
    qtbot.waitUntil(lambda: not sample.jobs.running, timeout=20_000)
    for target, number in (("labels", 255), ("mask", 255), ("objects", 7), ("objects", 9)):
        box = BALL if number != 9 else Box((28, 220, 220), (36, 240, 240))
        with session.edit(EditKind.BRUSH, target) as edit:
            edit.write(box, np.full(box.shape, number, dtype_of(target)))
            if target == "objects":
                edit.rows = session.document.object_table.change({number: ObjectRow()})
    for info in TABLE:
        if info.menu.split("/")[0] != menu or info.needs == ("view3d",):
            continue
        parts.side.show_panel(Panel.EVALUATE)
        session.objects.set(selected=(7, 9))
        session.select(Selection((30, 190, 190), BALL, np.ones(BALL.shape, bool), int(np.prod(BALL.shape))))
        before, rows = len(session.history), session.document.object_table.rows
        sample.actions_.by_name[info.name].trigger()
        settle(sample, qtbot)
        assert broken(sample) == [], info.name
        if parts.side.current is Panel.EVALUATE:
            assert len(session.history) == before, info.name
            assert session.document.object_table.rows == rows, info.name


def offered(window: MainWindow) -> set[str]:
    return {info.name for info in TABLE if window.actions_.by_name[info.name].isEnabled()}


def test_nothing_is_offered_that_there_is_nothing_for(window: MainWindow) -> None:
    for info in TABLE:
        if info.needs:
            action = window.actions_.by_name[info.name]
            assert not action.isEnabled(), info.name
            assert f"Not now: {MISSING[info.needs[0]]}." in action.toolTip()
    assert {"file.clear_recent", "tools.former_model", "surface.movie", "segment.resume"}.isdisjoint(
        offered(window)
    )


def test_the_key_of_what_cannot_be_done_says_why(window: MainWindow, qtbot: QtBot) -> None:
    """And the key of what can be done does that, and says nothing of the kind."""
    said: list[str] = []
    window.session.message.connect(said.append)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    tried = 0
    for info in TABLE:
        action = window.actions_.by_name[info.name]
        if info.shortcut and info.needs and action.isVisible():
            said.clear()
            QTest.keySequence(window, QKeySequence(info.shortcut))
            text = action.text().rstrip("…").replace("&", "")
            assert said == [f"{text} – not now: {MISSING[info.needs[0]]}."], info.name
            tried += 1
    assert tried > 40
    said.clear()
    was = window.session.layout.value.panel
    QTest.keySequence(window, window.actions_.by_name["view.panel"].shortcut())
    assert window.session.layout.value.panel != was and not said


def test_keys_in_the_slices_say_why_and_those_of_a_widget_are_its_own(sample: MainWindow) -> None:
    said: list[str] = []
    sample.session.message.connect(said.append)
    view = sample.context.parts.slices.views["xy"]
    view.setFocus()
    needs = [info for info in TABLE if info.shortcut and info.needs[:1] == ("objects",)]
    assert len(needs) > 5
    for info in needs:
        if sample.actions_.by_name[info.name].isVisible():
            said.clear()
            QTest.keySequence(view, QKeySequence(info.shortcut))
            assert len(said) == 1 and said[0].endswith("– not now: there are no objects yet."), info.name
    said.clear()
    QTest.keySequence(sample.context.parts.image.findChild(QAbstractSpinBox), QKeySequence("Delete"))
    assert not said


def test_what_there_is_to_go_on_with_is_offered(sample: MainWindow, qtbot: QtBot) -> None:
    session, parts = sample.session, sample.context.parts
    qtbot.waitUntil(lambda: not sample.jobs.running, timeout=20_000)
    before = offered(sample)
    objects = {"labels.interpolate", "labels.select", "labels.delete_selected", "labels.clear"}
    assert not before & {*objects, "segment.least_certain", "segment.resume", "segment.clean_all"}
    fill(sample)
    assert objects <= offered(sample) and "segment.clean_all" not in offered(sample)
    parts.clean.form.erode.setValue(2)
    assert "segment.clean_all" in offered(sample)
    parts.clean.form.reset()
    assert "segment.clean_all" not in offered(sample)
    session.set_trust((SliceTrust(0.5),) * 64, None)
    assert "segment.least_certain" in offered(sample)
    session.layout.set(view3d=True)
    assert {"surface.reset", "surface.picture", "surface.movie", "surface.view_xy"} <= offered(sample)
    session.layout.set(view3d=False)
    assert "surface.movie" not in offered(sample)
    sample.settings.add_recent("somewhere.mrc")
    parts.recent.rebuild()
    assert "file.clear_recent" in offered(sample)
    sample.actions_.by_name["file.clear_recent"].trigger()
    assert "file.clear_recent" not in offered(sample)
    while session.history.undo_name is not None:
        session.undo()
    assert not offered(sample) & objects, "empty labels are none"


def test_no_two_actions_have_the_same_keys() -> None:
    """Qt says of two only that they are ambiguous, and does neither."""
    keys = [info.shortcut for info in TABLE if info.shortcut]
    assert sorted(keys) == sorted(set(keys))
