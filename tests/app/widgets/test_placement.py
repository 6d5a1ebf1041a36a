"""Window and dialogs on small screens, and with a scale factor of 2 (a screen of half as many pixels)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from sxtstudio.app.beamtime.dialog import BeamtimeDialog
from sxtstudio.app.jobs.bar import JobRow
from sxtstudio.app.jobs.job import Jobs
from sxtstudio.app.main_window import SIZE_PX, MainWindow
from sxtstudio.app.segment.polarity_choice import draw_pictures
from sxtstudio.app.settings import Settings
from sxtstudio.app.states import Panel
from sxtstudio.app.widgets import placement
from sxtstudio.app.widgets.dialogs import Dialog
from sxtstudio.app.widgets.notes import show_note
from sxtstudio.core.polarity import chosen_polarity

ROOMS = {
    "1366 x 768": QRect(0, 0, 1366, 728),
    "1920 x 1080 at 2": QRect(0, 0, 960, 520),
    "1366 x 768 at 2": QRect(0, 0, 683, 364),
    "right of another": QRect(1600, 30, 1280, 770),
}


@pytest.fixture(params=list(ROOMS))
def screen(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> QRect:
    """What the screen has free."""
    free = ROOMS[request.param]
    monkeypatch.setattr(placement, "room", lambda window: free)
    return free


def test_first_start_is_inside_the_screen_with_every_step_in_reach(
    screen: QRect, window: MainWindow, qtbot: QtBot
) -> None:
    parts = window.context.parts
    side, slices, view3d = parts.side, parts.slices, parts.view3d
    # The most that can stand above the slices: the question about the voxel size.
    parts.first_look.line.setText("facts " * 20)
    parts.first_look.show()
    assert not parts.first_look.question.isHidden()
    for both in (False, True):
        if both:
            window.session.layout.set(view3d=True)
        qtbot.wait(30)
        assert screen.contains(window.frameGeometry()), (screen, window.geometry())
        inside = QRect(0, 0, window.width(), window.height())
        for panel in Panel:
            button = side.button(panel)
            place = QRect(button.mapTo(window, button.rect().topLeft()), button.size())
            assert button.isVisible() and inside.contains(place), panel
        for view in (slices, view3d) if both else (slices,):
            assert view.width() >= 100 and inside.contains(
                QRect(view.mapTo(window, view.rect().topLeft()), view.size())
            )


def test_a_question_with_pictures_leaves_the_main_button_on_a_small_screen(
    sample: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = ROOMS["1366 x 768 at 2"]
    monkeypatch.setattr(placement, "room", lambda window: free)
    parts = sample.context.parts
    parts.side.show_panel(Panel.SEGMENT)
    image, labels = np.random.default_rng(0).random((300, 300)), np.eye(300, dtype=np.uint8)
    pictures = draw_pictures(image, labels, 1 - labels, (0.0, 1.0), (255, 160, 0))
    # What is found out of the tomogram, and of the model, takes a question back.
    qtbot.waitUntil(lambda: not parts.first_scan.running and not sample.jobs.running, timeout=20_000)
    parts.segment.choice.ask(chosen_polarity("dark"), pictures)
    show_note(parts.segment.result, "what came of the last segmentation " * 10)
    qtbot.wait(50)
    for _ in range(5):  # as a window that is dragged smaller: what it needs at least depends on its height
        sample.resize(free.size())
        qtbot.wait(20)
    assert sample.height() <= free.height() and sample.width() <= free.width()
    button = parts.segment.start_button
    corner = button.mapTo(sample, button.rect().bottomRight())
    assert QRect(QPoint(), sample.size()).contains(corner)
    assert parts.segment.choice.asking
    assert parts.segment.choice.visibleRegion().boundingRect().height() > 20


def test_the_window_is_not_smaller_than_it_need_be(window: MainWindow) -> None:
    assert window.size() == SIZE_PX.boundedTo(window.screen().availableGeometry().size())


def test_a_window_kept_from_a_larger_screen(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    former = MainWindow(settings)
    former.setGeometry(700, 300, 2400, 1500)
    former.show()
    former.close()
    former.deleteLater()
    free = QRect(0, 0, 1366, 728)
    monkeypatch.setattr(placement, "room", lambda window: free)
    window = MainWindow(settings)
    window.show()
    qtbot.waitExposed(window)
    qtbot.wait(30)
    assert free.contains(window.frameGeometry())
    window.close()
    window.deleteLater()


def test_a_job_with_a_long_name_does_not_widen_the_window(window: MainWindow, qtbot: QtBot) -> None:
    jobs = Jobs(window)
    job = jobs.start("Segmenting " + "a tomogram with a very long name " * 9, lambda job: None)
    row = JobRow(job)
    qtbot.addWidget(row)
    assert row.minimumSizeHint().width() < 400 < row.sizeHint().width()
    qtbot.waitUntil(lambda: not jobs.running)


def test_a_dialog_that_needs_more_than_there_is_scrolls(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = QRect(0, 0, 683, 364)
    monkeypatch.setattr(placement, "room", lambda window: free)
    dialog = Dialog()
    column = QVBoxLayout(dialog)
    buttons = [QPushButton("a button with words") for _ in range(30)]
    for button in buttons:
        column.addWidget(button)
    qtbot.addWidget(dialog)
    for _ in range(2):  # the second time it scrolls already
        dialog.show()
        qtbot.waitExposed(dialog)
        assert free.contains(dialog.frameGeometry())
        assert len(dialog.findChildren(QScrollArea)) == 1
        gaps = [b.y() - a.y() for a, b in pairwise(buttons)]
        assert min(gaps) >= buttons[0].minimumSizeHint().height(), "squeezed"
        dialog.close()


def test_the_beamtime_scrolls_in_its_tabs_only(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "room", lambda window: ROOMS["1366 x 768 at 2"])
    window.actions_.by_name["tools.beamtime"].trigger()
    dialog = window.context.dialogs.find(BeamtimeDialog)
    assert dialog is not None and dialog.height() <= ROOMS["1366 x 768 at 2"].height()
    for button in (dialog.start, dialog.close_button):
        around: QWidget | None = button
        while around is not None and around is not dialog:
            assert not isinstance(around, QScrollArea), "all of it scrolls, and its tabs once more"
            around = around.parentWidget()
        place = QRect(button.mapTo(dialog, QPoint()), button.size())
        assert dialog.rect().contains(place)
    for number in range(dialog.tabs.count()):
        dialog.tabs.setCurrentIndex(number)
        QApplication.processEvents()
        for label in dialog.findChildren(QLabel):
            if label.isVisible() and label.wordWrap():
                assert label.height() >= label.heightForWidth(label.width()), f"cut: {label.text()}"


@pytest.mark.parametrize(
    "name", ["tools.batch", "tools.models", "tools.retrain", "tools.preferences", "help.tutorial"]
)
def test_the_program_s_dialogs_are_inside_a_small_screen(
    window: MainWindow, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = QRect(0, 0, 683, 364)
    monkeypatch.setattr(placement, "room", lambda window: free)
    window.actions_.by_name[name].trigger()
    (dialog,) = [d for d in window.findChildren(QDialog) if d.isVisible()]
    assert free.contains(dialog.frameGeometry())
    for label in dialog.findChildren(QLabel):
        if label.isVisible() and label.wordWrap():
            assert label.height() >= label.heightForWidth(label.width()), f"cut: {label.text()}"


def test_a_scale_factor_of_two_for_real(tmp_path: Path) -> None:
    """The offscreen platform with a screen of 1366 x 768 at a scale of 2, as Qt itself computes it."""
    screens = tmp_path / "screens.json"
    screens.write_text(
        json.dumps({"screens": [{"name": "one", "x": 0, "y": 0, "width": 1366, "height": 768}]})
    )
    code = (
        "from PySide6.QtWidgets import QApplication; from PySide6.QtCore import QSettings;"
        "from sxtstudio.app.main_window import MainWindow; from sxtstudio.app.settings import Settings;"
        "app = QApplication([]);"
        f"settings = Settings(QSettings({str(tmp_path / 's.ini')!r}, QSettings.Format.IniFormat));"
        "w = MainWindow(settings); w.show();"
        "[app.processEvents() for _ in range(20)];"
        "g, s = w.geometry(), w.screen().geometry();"
        "print(s.width(), s.height(), g.x(), g.y(), g.right(), g.bottom()); w.close()"
    )
    environment = dict(os.environ, QT_SCALE_FACTOR="2", QT_QPA_PLATFORM=f"offscreen:configfile={screens}")
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120, check=True
    )
    width, height, left, top, right, bottom = map(int, done.stdout.split())
    assert (width, height) == (683, 384)
    assert left >= 0 and top >= 0 and right < width and bottom < height


def test_what_fits_already_stays_where_it_is(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "room", lambda window: QRect(0, 0, 1000, 800))
    dialog = QDialog()
    qtbot.addWidget(dialog)
    dialog.setGeometry(100, 90, 300, 200)
    placement.fit_to_screen(dialog)
    assert dialog.geometry() == QRect(100, 90, 300, 200)
    dialog.setGeometry(900, 700, 300, 200)
    placement.fit_to_screen(dialog)
    assert dialog.size() == QSize(300, 200) and dialog.geometry().right() < 1000 > dialog.geometry().bottom()
