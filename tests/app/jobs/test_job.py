"""Long work in threads."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import shiboken6
from pytestqt.qtbot import QtBot

from sxtstudio.app.jobs.job import Job, Jobs
from sxtstudio.core.errors import UserError


@pytest.fixture
def jobs(qtbot: QtBot) -> Jobs:
    return Jobs()


def test_result_arrives_in_the_thread_of_the_window(jobs: Jobs, qtbot: QtBot) -> None:
    seen: list[Any] = []

    def work(job: Job) -> int:
        job.report("half")
        job.progress.step()
        return threading.get_ident()

    job = jobs.start(
        "adding",
        work,
        on_done=lambda result: seen.append((result, threading.get_ident())),
        on_report=lambda value: seen.append((value, threading.get_ident())),
    )
    with qtbot.waitSignal(jobs.ended, timeout=5000):
        pass
    here = threading.get_ident()
    (half, in_report), (worker, in_done) = seen
    assert half == "half" and in_report == in_done == here != worker
    assert not job.running and jobs.running == []


def test_error_goes_to_its_caller_or_to_everybody(jobs: Jobs, qtbot: QtBot) -> None:
    def fail(job: Job) -> None:
        raise UserError("no")

    caught: list[Exception] = []
    with qtbot.waitSignal(jobs.failed, timeout=5000) as told:
        jobs.start("failing", fail)
    assert isinstance(told.args[0], UserError)
    with qtbot.assertNotEmitted(jobs.failed), qtbot.waitSignal(jobs.ended, timeout=5000):
        jobs.start("failing", fail, on_error=caught.append)
    assert str(caught[0]) == "no"


def test_cancel_stops_at_the_next_step_and_gives_no_result(jobs: Jobs, qtbot: QtBot) -> None:
    entered = threading.Event()
    ends: list[str] = []

    def endless(job: Job) -> None:
        job.progress.begin(10**9)
        while True:
            job.progress.step()
            entered.set()

    job = jobs.start(
        "endless",
        endless,
        on_done=lambda _: ends.append("done"),
        on_error=lambda _: ends.append("failed"),
        on_cancel=lambda: ends.append("cancelled"),
    )
    entered.wait(5)
    with qtbot.waitSignal(jobs.ended, timeout=5000):
        job.cancel()
    assert ends == ["cancelled"]


def test_fast_steps_do_not_flood_the_window(jobs: Jobs, qtbot: QtBot) -> None:
    states: list[float] = []

    def quick(job: Job) -> None:
        job.progress.begin(20_000)
        for _ in range(20_000):
            job.progress.step()

    job = Job("quick", quick)
    job.progressed.connect(lambda state: states.append(state.fraction))
    with qtbot.waitSignal(job.finished, timeout=10_000):
        job.start()
    assert states[-1] == 1.0
    assert states == sorted(states)
    assert len(states) < 500


def test_quiet_jobs_are_not_shown(jobs: Jobs, qtbot: QtBot) -> None:
    go_on = threading.Event()
    jobs.start("hidden", lambda job: go_on.wait(5), quiet=True)
    shown = jobs.start("shown", lambda job: go_on.wait(5))
    assert jobs.visible == [shown]
    go_on.set()
    qtbot.waitUntil(lambda: not jobs.running, timeout=5000)


def test_after_the_end_no_work_begins_and_no_thread_is_left(jobs: Jobs, qtbot: QtBot) -> None:
    """A thread that speaks while the program ends takes it down."""
    jobs.close()
    began: list[Job] = []
    for _ in range(20):
        job = jobs.start("late", began.append)
        assert not job.running
    qtbot.waitUntil(lambda: not jobs.running, timeout=5000)
    assert not began


def test_work_that_outlives_its_window_ends_without_a_word(
    qtbot: QtBot, capsys: pytest.CaptureFixture[str]
) -> None:
    """A window that is closed waits only so long for its jobs."""
    gone, problems = threading.Event(), []

    def work(job: Job) -> None:
        gone.wait(10)
        job.report("late")
        job.progress.begin(1)
        job.progress.step()

    job = Job("late", work)
    hook, threading.excepthook = threading.excepthook, problems.append
    try:
        job.start()
        shiboken6.delete(job)
        gone.set()
        job.wait(10)
    finally:
        threading.excepthook = hook
    assert not problems
