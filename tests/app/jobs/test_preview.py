"""Live previews: computed in a thread, shown on the slice, gone with it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from sxtstudio.app.jobs.job import Job, Work
from sxtstudio.app.jobs.preview import LivePreview
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.slice_preview import Preview
from sxtstudio.core.errors import UserError


@dataclass
class Panel:
    """What asks for previews: fields, a sentence, and what came."""

    window: MainWindow
    on: bool = True
    error: Exception | None = None
    go_on: threading.Event = field(default_factory=threading.Event)
    said: list[str] = field(default_factory=list)
    slices: list[int] = field(default_factory=list)  # that were computed
    preview: LivePreview = field(init=False)

    def __post_init__(self) -> None:
        self.go_on.set()
        self.preview = LivePreview(
            self.window.context,
            "Test",
            wanted=self.wanted,
            on_done=self.done,
            say=self.said.append,
            delay_ms=0,
            parent=self.window,
        )

    def wanted(self) -> Work | None:
        z = self.window.session.cursor[0]

        def work(_job: Job) -> int:
            self.slices.append(z)
            self.go_on.wait(10)
            if self.error is not None:
                raise self.error
            return z

        return work if self.on else None

    def done(self, z: Any) -> None:
        self.preview.show(Preview(z, np.ones((384, 384), np.uint8), "Test"))


@pytest.fixture
def panel(sample: MainWindow, qtbot: QtBot) -> Iterator[Panel]:
    panel = Panel(sample)
    yield panel
    panel.go_on.set()
    panel.preview.shut_down()


def shown(panel: Panel, qtbot: QtBot, z: int) -> None:
    qtbot.waitUntil(lambda: panel.preview.shown is not None and panel.preview.shown.z == z)


def test_a_preview_goes_with_the_cursor(panel: Panel, qtbot: QtBot) -> None:
    session = panel.window.session
    session.set_cursor((10, 5, 5))
    shown(panel, qtbot, 10)
    session.set_cursor((10, 7, 7))  # the same slice: nothing else is to be seen
    session.set_cursor((11, 7, 7))
    shown(panel, qtbot, 11)
    assert panel.slices == [10, 11]
    assert session.preview is panel.preview.shown


def test_where_none_is_wanted_it_is_taken_away(panel: Panel, qtbot: QtBot) -> None:
    panel.preview.ask()
    shown(panel, qtbot, panel.window.session.cursor[0])
    panel.on = False
    with qtbot.waitSignal(panel.preview.taken_away):
        panel.preview.ask()
    assert panel.window.session.preview is None and panel.preview.shown is None
    assert panel.said[-1] == ""


def test_the_preview_of_another_panel_is_left_alone(panel: Panel, qtbot: QtBot) -> None:
    session = panel.window.session
    panel.preview.ask()
    shown(panel, qtbot, session.cursor[0])
    other = Preview(session.cursor[0], np.zeros((384, 384), np.uint8), "Other")
    session.set_preview(other)
    assert panel.preview.shown is None
    panel.preview.take_away()
    assert session.preview is other


def test_what_is_known_of_a_failure_is_said_beside_the_fields(
    panel: Panel, qtbot: QtBot, errors: list[Exception]
) -> None:
    panel.preview.ask()
    shown(panel, qtbot, panel.window.session.cursor[0])
    panel.error = UserError("There is nothing here. Go elsewhere.")
    panel.preview.ask()
    qtbot.waitUntil(lambda: panel.said[-1:] == ["⚠ There is nothing here. Go elsewhere."])
    assert panel.window.session.preview is None and errors == []


def test_what_is_not_known_of_is_an_error(panel: Panel, qtbot: QtBot, errors: list[Exception]) -> None:
    panel.error = RuntimeError("unforeseen")
    panel.preview.ask()
    qtbot.waitUntil(lambda: errors == [panel.error])
    assert panel.said[-1] == ""


def test_a_tomogram_that_is_closed_is_read_no_more(panel: Panel, qtbot: QtBot) -> None:
    panel.go_on.clear()
    panel.preview.ask()
    qtbot.waitUntil(lambda: bool(panel.slices))
    threading.Timer(0.2, panel.go_on.set).start()
    panel.on = False
    panel.window.session.document_changed.emit()  # comes back once the thread has let go
    assert panel.go_on.is_set()
    qtbot.waitUntil(lambda: not panel.window.jobs.running)
    assert panel.window.session.preview is None
