"""A real window with settings of its own, closed and checked for leaks after each test; nobody asks."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

# Without a screen the tests run all the same; VTK draws off-screen anyway.
if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_API", "pyside6")

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from sxtstudio.app.document import first_scan
from sxtstudio.app.document.opening import open_path
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.segment.panel import SegmentPanel
from sxtstudio.app.settings import Settings
from sxtstudio.app.widgets import hasty_clicks
from sxtstudio.core.polarity import chosen_polarity
from sxtstudio.core.progress import Progress
from sxtstudio.io.filevolume import FileVolume

SAMPLE = Path(__file__).resolve().parents[2] / "resources" / "sample.tif"
FOUND_IN_SAMPLE: dict[str, Any] = {}


class PatientBot(QtBot):
    """Waits as long as a busy computer may need, whatever a test says; only one that fails takes longer."""

    PATIENCE_MS = 60_000

    def waitUntil(self, callback: Callable[[], bool | None], *, timeout: int = 0) -> None:
        super().waitUntil(callback, timeout=max(timeout, self.PATIENCE_MS))

    def waitSignal(self, signal: Any, *, timeout: int = PATIENCE_MS, **options: Any) -> Any:
        # With 0 it is asked whether the signal comes at once (assertNotEmitted).
        timeout = max(timeout, self.PATIENCE_MS) if timeout else 0
        return super().waitSignal(signal, timeout=timeout, **options)

    def waitSignals(self, signals: list[Any], *, timeout: int = 0, **options: Any) -> Any:
        return super().waitSignals(signals, timeout=max(timeout, self.PATIENCE_MS), **options)

    def waitActive(self, widget: Any, *, timeout: int = 0) -> Any:
        return super().waitActive(widget, timeout=max(timeout, self.PATIENCE_MS))

    def waitExposed(self, widget: Any, *, timeout: int = 0) -> Any:
        return super().waitExposed(widget, timeout=max(timeout, self.PATIENCE_MS))


@pytest.fixture
def qtbot(qapp: QApplication, request: pytest.FixtureRequest) -> QtBot:
    """The bot of pytest-qt, with more patience."""
    return PatientBot(request)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of nobody."""
    return Settings(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))


@pytest.fixture
def window(qtbot: QtBot, settings: Settings) -> Iterator[MainWindow]:
    """An empty main window on the screen."""
    window = MainWindow(settings)
    window.show()
    qtbot.waitExposed(window)
    yield window
    # What a test left unsaved must not ask questions now.
    if window.session.document is not None:
        window.session.document.modified = False
    window.jobs.cancel_all()
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=20_000)
    window.close()
    window.session.closing.wait()
    window.deleteLater()
    QApplication.processEvents()
    qtbot.waitUntil(lambda: not threads(), timeout=20_000)


@pytest.fixture
def open_file(window: MainWindow, qtbot: QtBot) -> Callable[[Path], MainWindow]:
    """Open a file in the window and wait until it is there."""

    def opened(path: Path) -> MainWindow:
        with qtbot.waitSignal(window.session.document_changed, timeout=20_000):
            open_path(window.context, path)
        return window

    return opened


@pytest.fixture
def sample(open_file: Callable[[Path], MainWindow]) -> MainWindow:
    """The window with the sample tomogram (64 × 384 × 384, 10 nm)."""
    return open_file(SAMPLE)


@pytest.fixture(scope="session")
def sample_values() -> NDArray[np.float32]:
    """The sample tomogram (z, y, x), read by another library than the program's own reader."""
    return tifffile.imread(SAMPLE).astype(np.float32)


@pytest.fixture
def errors(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """Errors that the user would be shown, without the dialogs."""
    told: list[Exception] = []
    monkeypatch.setattr("sxtstudio.app.main_window.show_error", lambda parent, error: told.append(error))
    return told


@pytest.fixture
def segment_with(
    sample: MainWindow, qtbot: QtBot, errors: list[Exception]
) -> Callable[[Path, tuple[int, int]], SegmentPanel]:
    """Prepare the panel for a model and a range of slices of the sample, each judged alone."""

    def prepared(model: Path, slices: tuple[int, int]) -> SegmentPanel:
        panel: SegmentPanel = sample.context.parts.segment
        sample.session.set_polarity(chosen_polarity("dark"))
        panel.form.use_model(str(model))
        panel.form.slices.set_range(*slices)
        panel.form.neighbours.setChecked(False)
        return panel

    return prepared


@pytest.fixture
def sample_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows from the voxels of the sample alone is found out by the first test that opens it.

    That is a third of what opening it takes. Every other file is looked at by each test. Not for tests that
    only wait for jobs: when this one ends so soon, fields that settle for a while have not begun theirs.
    """
    for name in ("sample_volume", "build_overview", "detect_polarity"):
        monkeypatch.setattr(first_scan, name, partial(look_once, getattr(first_scan, name)))


def look_once(look: Callable[..., Any], volume: FileVolume, *given: Any, **named: Any) -> Any:
    """Call ``look``; or say again what it has found in the sample, unless that was cancelled."""
    if volume.path != SAMPLE:
        return look(volume, *given, **named)
    for progress in (*given, *named.values()):
        if isinstance(progress, Progress):
            progress.check()
    if look.__name__ not in FOUND_IN_SAMPLE:
        FOUND_IN_SAMPLE[look.__name__] = look(volume, *given, **named)
    return FOUND_IN_SAMPLE[look.__name__]


@pytest.fixture(autouse=True)
def no_box_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """A message that a test neither expects nor closes is a fault, and would disturb the next test."""
    yield
    if "qapp" not in request.fixturenames:
        return
    boxes = [
        box for box in QApplication.topLevelWidgets() if isinstance(box, QMessageBox) and box.isVisible()
    ]
    texts = [box.text() + box.detailedText() for box in boxes]
    for box in boxes:
        box.close()
    assert texts == []


@pytest.fixture(autouse=True)
def no_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A question that a test did not expect fails it, and does not wait for ever."""

    def ask(parent: object, title: str, text: str, *args: object) -> str:
        raise AssertionError(f"asked: {text}")

    monkeypatch.setattr("sxtstudio.app.questions.ask", ask)


@pytest.fixture(autouse=True)
def clicks_count_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests press what has just appeared; those of the guard against that set the time themselves."""
    monkeypatch.setattr(hasty_clicks, "SETTLE_S", 0.0)


def threads() -> set[str]:
    """Names of the running threads of jobs."""
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("job ")}
