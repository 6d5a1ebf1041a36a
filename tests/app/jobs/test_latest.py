"""Quiet computations that follow fields."""

from __future__ import annotations

import threading

from pytestqt.qtbot import QtBot

from sxtstudio.app.jobs.job import Job
from sxtstudio.app.jobs.latest import Latest
from sxtstudio.app.main_window import MainWindow
from sxtstudio.core.errors import UserError


def test_only_the_latest_counts_and_one_runs_at_a_time(window: MainWindow, qtbot: QtBot) -> None:
    results: list[int] = []
    latest = Latest(window.context, "test", results.append, delay_ms=0)
    begun, go_on, at_once = threading.Event(), threading.Event(), []

    def slow(job: Job) -> int:
        at_once.append(1)
        begun.set()
        go_on.wait(10)
        return at_once.pop()

    latest.request(slow)
    qtbot.waitUntil(begun.is_set)
    for number in range(5):
        latest.request(lambda job, number=number: number + 10 if not at_once else -1)
    qtbot.wait(30)
    assert latest.busy and not results
    go_on.set()
    qtbot.waitUntil(lambda: not latest.busy)
    assert results == [14]


def test_fields_that_move_start_nothing_until_they_settle(window: MainWindow, qtbot: QtBot) -> None:
    begun: list[int] = []
    latest = Latest(window.context, "test", lambda result: None, delay_ms=1500)
    for number in range(8):
        latest.request(lambda job, number=number: begun.append(number))
        qtbot.wait(5)
    qtbot.waitUntil(lambda: bool(begun))
    qtbot.waitUntil(lambda: not latest.busy)
    assert begun == [7]


def test_errors_come_unless_stale_and_nothing_comes_after_the_end(window: MainWindow, qtbot: QtBot) -> None:
    errors: list[Exception] = []
    latest = Latest(window.context, "test", lambda result: None, on_error=errors.append, delay_ms=0)

    def bad(job: Job) -> None:
        raise UserError("bad")

    latest.request(bad)
    qtbot.waitUntil(lambda: len(errors) == 1)
    latest.request(bad)
    latest.cancel(wait_s=5)
    qtbot.waitUntil(lambda: not window.jobs.running)
    latest.shut_down()
    latest.request(bad)
    qtbot.wait(30)
    assert len(errors) == 1
