"""The bar of jobs: words, Cancel, several at once."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from sxtstudio.app.jobs.bar import JobBar, JobRow
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.jobs.remaining import remaining_text
from sxtstudio.app.main_window import MainWindow
from sxtstudio.core.progress import ProgressState


@pytest.mark.parametrize(
    ("fraction", "elapsed", "remaining", "words"),
    [
        (0.5, 0.5, 0.5, ""),  # the first moments are silent
        (0.001, 30, 9000, ""),  # and so is a first step that tells nothing
        (0.25, 40, 120, "about 2 min left"),
        (0.5, 20, 21, "about 20 s left"),
        (0.9, 9, 1, "almost done"),
        (1.0, 9, 0, ""),
        (0.0, 9, None, ""),
    ],
)
def test_remaining_time_in_words(
    fraction: float, elapsed: float, remaining: float | None, words: str
) -> None:
    assert remaining_text(ProgressState("s", fraction, elapsed, remaining)) == words


def steps(job: Job) -> None:
    """Work for ever, one step in 10 ms."""
    job.progress.begin(1000, "counting")
    while True:
        job.progress.step()
        threading.Event().wait(0.01)


def test_job_is_shown_and_can_be_cancelled(window: MainWindow, qtbot: QtBot) -> None:
    bar: JobBar = window.context.parts.job_bar
    assert not bar.isVisible()
    ended: list[str] = []
    window.jobs.start("Clean up", steps, on_cancel=lambda: ended.append("cancelled"))
    qtbot.waitUntil(bar.isVisible, timeout=5000)
    assert bar.row is not None
    qtbot.waitUntil(lambda: bar.row._words.text() == "Clean up · counting", timeout=5000)
    assert bar.row._words.width() >= bar.row._words.sizeHint().width() > 100, "no word is cut off"
    assert bar.row._bar.maximum() > 0 and not bar.more.isVisible()
    button = bar.row.cancel_button
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert not button.isEnabled() and "stopping" in button.text()
    qtbot.waitUntil(lambda: ended == ["cancelled"], timeout=5000)
    qtbot.waitUntil(lambda: not bar.isVisible(), timeout=5000)


def test_several_jobs_show_the_newest_and_list_all(window: MainWindow, qtbot: QtBot) -> None:
    bar: JobBar = window.context.parts.job_bar
    first = window.jobs.start("First", steps)
    window.jobs.start("Quiet", steps, quiet=True)
    second = window.jobs.start("Second", steps)
    qtbot.waitUntil(lambda: bar.row is not None and bar.row.job is second, timeout=5000)
    assert bar.more.isVisible() and bar.more.text() == "+1"
    bar.more.click()
    assert [row.job for row in bar._list.findChildren(JobRow)] == [second, first]
    second.cancel()
    qtbot.waitUntil(lambda: bar.row is not None and bar.row.job is first, timeout=5000)
    assert not bar.more.isVisible() and bar._list is None


def test_quiet_and_short_jobs_are_not_shown(window: MainWindow, qtbot: QtBot) -> None:
    bar: JobBar = window.context.parts.job_bar
    window.jobs.start("Quiet", steps, quiet=True)
    window.jobs.start("Short", lambda job: None)
    qtbot.wait(450)
    assert not bar.isVisible()
