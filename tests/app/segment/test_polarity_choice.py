"""Where dark and bright are in doubt: both outlines of a slice, and a click on the right one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QEnterEvent, QFocusEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.segment.panel import SegmentPanel
from sxtstudio.app.segment.polarity_choice import PIECE_PX, draw_pictures
from sxtstudio.app.states import Panel
from sxtstudio.core.polarity import Basis, Polarity, chosen_polarity
from sxtstudio.segment import job as job_module

Prepare = Callable[[Path, tuple[int, int]], SegmentPanel]
OPEN = Polarity("bright", 0.6, "the image leaves a doubt", Basis.IMAGE)
DOUBT = Polarity("dark", 0.6, "the network, too", Basis.NETWORK)


def below(values: NDArray[np.float32], sign: int = 1) -> NDArray[np.bool_]:
    """What the toy model labels: tanh(-5 (x + 1)) above 0."""
    image = values.astype(np.float64)
    return sign * (image - image.mean()) / image.std() < -1


@pytest.fixture
def doubtful(
    sample: MainWindow, segment_with: Prepare, toy_model: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> SegmentPanel:
    """The panel for the sample, of which the image says nothing, and the network little."""
    monkeypatch.setattr(job_module, "detect_polarity", lambda *_, **__: OPEN)
    monkeypatch.setattr(job_module, "ask_network", lambda *_: DOUBT)
    panel = segment_with(toy_model, (30, 32))
    sample.context.parts.side.show_panel(Panel.SEGMENT)
    sample.session.set_cursor((30, 100, 100))
    sample.session.set_polarity(OPEN)
    return panel


def asked(panel: SegmentPanel, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: panel.choice.asking and panel.trial.job is None, timeout=20_000)
    # The layout follows in its own time.
    qtbot.waitUntil(lambda: all(b.height() > 100 for b in (panel.choice.dark, panel.choice.bright)))


def point_at(widget: QWidget) -> None:
    place = QPointF(5, 5)
    QApplication.sendEvent(widget, QEnterEvent(place, place, QPointF(widget.mapToGlobal(QPoint(5, 5)))))


def test_a_try_asks_and_a_click_decides(
    sample: MainWindow, doubtful: SegmentPanel, sample_values: NDArray[np.float32], qtbot: QtBot
) -> None:
    session, choice = sample.session, doubtful.choice
    doubtful.try_button.click()
    asked(doubtful, qtbot)
    assert session.document.polarity == DOUBT and session.preview.z == 30
    assert "60 %" in choice.question.text() and "sure of dark" in choice.question.text()
    for button, sign in ((choice.bright, -1), (choice.dark, 1), (choice.bright, -1)):
        point_at(button)
        assert np.array_equal(session.preview.labels == 255, below(sample_values[30], sign))
    pictures = [button.grab().toImage() for button in (choice.dark, choice.bright)]
    assert pictures[0] != pictures[1] and pictures[0].width() > 100
    qtbot.mouseClick(choice.bright, Qt.MouseButton.LeftButton)
    assert session.document.polarity == chosen_polarity("bright") and not choice.asking
    assert np.array_equal(session.preview.labels == 255, below(sample_values[30], -1)), "still shown"
    assert doubtful.run is None and session.document.steps[-1].parameters == {"value": "bright"}
    doubtful.try_button.click()
    qtbot.waitUntil(lambda: doubtful.trial.job is None, timeout=20_000)
    assert not choice.asking


def test_segment_asks_first_and_goes_on_with_the_answer(
    sample: MainWindow, doubtful: SegmentPanel, sample_values: NDArray[np.float32], qtbot: QtBot
) -> None:
    doubtful.start_button.click()
    assert doubtful.run is None and "dark or bright" in doubtful.result.text()
    asked(doubtful, qtbot)
    assert sample.session.document.labels is None
    qtbot.mouseClick(doubtful.choice.bright, Qt.MouseButton.LeftButton)
    assert doubtful.run is not None and not doubtful.choice.asking
    qtbot.waitUntil(lambda: doubtful.run is None, timeout=60_000)
    labels = sample.session.document.labels
    assert np.array_equal(labels[30] == 255, below(sample_values[30], -1)) and not labels[32].any()


def test_a_try_that_is_cancelled_finds_nothing_out_any_more(
    sample: MainWindow, doubtful: SegmentPanel, qtbot: QtBot
) -> None:
    doubtful.start_button.click()
    assert "Finding out" in doubtful.result.text() and doubtful.trial.job is not None
    doubtful.strip.cancel_button.click()
    qtbot.waitUntil(lambda: doubtful.trial.job is None, timeout=20_000)
    assert doubtful.result.text() == "" and doubtful.run is None
    doubtful.try_button.click()
    qtbot.waitUntil(lambda: doubtful.trial.job is None, timeout=20_000)
    assert doubtful.run is None, "a try starts nothing"


def test_who_does_not_answer_segments_as_was_assumed(
    sample: MainWindow, doubtful: SegmentPanel, sample_values: NDArray[np.float32], qtbot: QtBot
) -> None:
    doubtful.start_button.click()
    asked(doubtful, qtbot)
    doubtful.start_button.click()
    assert doubtful.run is not None and not doubtful.choice.asking
    qtbot.waitUntil(lambda: doubtful.run is None, timeout=60_000)
    assert np.array_equal(sample.session.document.labels[30] == 255, below(sample_values[30]))
    assert sample.session.document.polarity == DOUBT


def test_nobody_is_asked_where_the_network_is_sure(
    sample: MainWindow, doubtful: SegmentPanel, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    sure = Polarity("bright", 0.97, "clear", Basis.NETWORK)
    monkeypatch.setattr(job_module, "ask_network", lambda *_: sure)
    doubtful.start_button.click()
    qtbot.waitUntil(lambda: doubtful.run is not None, timeout=20_000)
    qtbot.waitUntil(lambda: doubtful.run is None, timeout=60_000)
    assert not doubtful.choice.asking and sample.session.document.polarity == sure
    assert sample.session.document.steps[-1].parameters["polarity"] == "bright"


def test_the_question_goes_when_it_is_settled_elsewhere(
    sample: MainWindow, doubtful: SegmentPanel, qtbot: QtBot
) -> None:
    doubtful.try_button.click()
    asked(doubtful, qtbot)
    sample.session.set_polarity(chosen_polarity("dark"))
    assert not doubtful.choice.asking
    sample.session.set_polarity(OPEN)
    doubtful.try_button.click()
    asked(doubtful, qtbot)
    sample.session.document.modified = False
    sample.session.show(None)
    assert not doubtful.choice.asking


def test_pictures_show_where_the_outlines_differ() -> None:
    image = np.zeros((500, 700), np.float32)
    image[400:420, 600:640] = 1
    dark, bright = np.zeros((2, 500, 700), np.uint8)
    dark[:, 100:102] = bright[:, 100:102] = 255
    dark[405:415, 610:630] = 255
    made = draw_pictures(image, dark, bright, (0.0, 1.0), (255, 0, 0))
    assert made.dark.shape == made.bright.shape == (PIECE_PX, PIECE_PX, 3) and made.dark.dtype == np.uint8
    assert (made.bright == 255).all(axis=2).sum() == 20 * 40, "the bright body is in the picture"
    red = (made.dark[..., 0] >= 254) & (made.dark[..., 1] == 89)
    assert red.sum() == 10 * 20
    small = draw_pictures(image[:40, :50], dark[:40, :50], bright[:40, :50], (0.0, 1.0), (255, 0, 0))
    assert small.dark.shape == (40, 40, 3)


def test_the_keyboard_reaches_both_pictures(sample: MainWindow, doubtful: SegmentPanel, qtbot: QtBot) -> None:
    doubtful.try_button.click()
    asked(doubtful, qtbot)
    for button in (doubtful.choice.dark, doubtful.choice.bright):
        assert button.focusPolicy() & Qt.FocusPolicy.TabFocus and button.accessibleName()
    shown = []
    doubtful.choice.pointed_at.connect(shown.append)
    by_keyboard = QFocusEvent(QEvent.Type.FocusIn, Qt.FocusReason.TabFocusReason)
    QApplication.sendEvent(doubtful.choice.dark, by_keyboard)
    assert shown == ["dark"]
    qtbot.keyClick(doubtful.choice.dark, Qt.Key.Key_Space)
    assert sample.session.document.polarity == chosen_polarity("dark")
