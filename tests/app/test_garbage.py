"""Python looks through all of its objects while nobody waits for the window."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from sxtstudio.app.garbage import Garbage
from sxtstudio.app.main_window import MainWindow


@pytest.fixture
def full(window: MainWindow) -> Iterator[list[int]]:
    """Take over the collector; the list grows whenever all objects are looked through."""
    found: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start" and info["generation"] == 2:
            found.append(info["generation"])

    gc.callbacks.append(note)
    yield found
    gc.callbacks.remove(note)


@pytest.fixture
def garbage(window: MainWindow, full: list[int]) -> Iterator[Garbage]:
    former = gc.get_threshold()
    garbage = Garbage(window.jobs, window)
    yield garbage
    garbage.shut_down()
    assert gc.get_threshold() == former
    assert gc.get_freeze_count() == 0
    gc.collect()
    gc.freeze()  # as it was, for the tests that come after this one


def test_a_job_that_makes_many_objects_is_not_held_up(
    window: MainWindow, garbage: Garbage, full: list[int], qtbot: QtBot
) -> None:
    made: list[dict[int, tuple[int, str]]] = []
    go = threading.Event()

    def work(_job: object) -> None:
        made.extend({n: (n, str(n))} for n in range(600_000))
        go.wait(10)

    job = window.jobs.start("Many", work)
    assert not garbage.look()  # a job runs
    go.set()
    qtbot.waitUntil(lambda: not window.jobs.running)
    assert len(made) == 600_000 and not job.running
    assert full == []


def test_garbage_is_taken_away_while_nobody_waits(
    window: MainWindow,
    garbage: Garbage,
    full: list[int],
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What other tests have done with the mouse says nothing here."""
    pressed = [Qt.MouseButton.LeftButton]
    monkeypatch.setattr(
        "sxtstudio.app.garbage.QGuiApplication", SimpleNamespace(mouseButtons=lambda: pressed[0])
    )
    qtbot.waitUntil(lambda: not window.jobs.running)
    assert not garbage.look(), "in the middle of a stroke"
    pressed[0] = Qt.MouseButton.NoButton
    circle: list[object] = []
    circle.append(circle)
    gc.collect(1)  # it is old now, so that only a full look finds it
    del circle
    full.clear()
    assert garbage.look()
    assert full == [2]


def test_what_the_program_is_made_of_is_not_looked_through(garbage: Garbage) -> None:
    assert gc.get_freeze_count() > 10_000
    assert len(gc.get_objects()) < gc.get_freeze_count() / 2
