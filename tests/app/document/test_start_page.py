"""The page of the empty window: what can be opened, what was open before, and where networks run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication
from pytestqt.qtbot import QtBot

from sxtstudio.app.document.recent_files import when_text
from sxtstudio.app.document.start_page import StartPage
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.settings import Settings
from sxtstudio.core.errors import UserError
from sxtstudio.segment.device import Device, available_cpus
from sxtstudio.workflow.jobs.choices import device_sentence

BERLIN = timezone(timedelta(hours=1))
NOW = datetime(2026, 3, 12, 14, 30, tzinfo=BERLIN)


def page_of(window: MainWindow) -> StartPage:
    return window.context.parts.slices.start_page


@pytest.fixture
def recent(window: MainWindow, tomogram: Path) -> StartPage:
    """The page after a tomogram that is there and a project that is gone."""
    window.settings.add_recent(tomogram)
    window.settings.add_recent("/nowhere/cell 7.sxt")
    page = page_of(window)
    page.refresh()
    return page


def test_recent_files_say_what_they_are_where_and_when(recent: StartPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not recent.recent.buttons[0].isEnabled(), timeout=10_000)
    gone, there = recent.recent.buttons
    assert gone.accessibleName() == "Project cell 7.sxt in /nowhere: not there any more"
    assert there.file is not None and there.isEnabled()
    assert there.accessibleName().startswith("Tomogram cell.mrc in ")
    assert there.file.when.startswith("today ") and not there.file.project


def test_what_is_gone_can_be_taken_off_and_the_rest_opens(
    recent: StartPage, window: MainWindow, qtbot: QtBot, tomogram: Path
) -> None:
    qtbot.waitUntil(lambda: not recent.recent.buttons[0].isEnabled(), timeout=10_000)
    qtbot.mouseClick(recent.recent.removers[0], Qt.MouseButton.LeftButton)
    assert window.settings.recent == [str(tomogram)] and len(recent.recent.buttons) == 1
    with qtbot.waitSignal(window.session.document_changed, timeout=20_000):
        qtbot.mouseClick(recent.recent.buttons[0], Qt.MouseButton.LeftButton)
    assert not recent.isVisible()


def test_all_of_it_can_be_reached_with_the_keyboard(
    recent: StartPage, window: MainWindow, qtbot: QtBot, tomogram: Path
) -> None:
    reached: list[QAbstractButton] = []
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=5_000)
    qtbot.waitUntil(lambda: not recent.recent.buttons[0].isEnabled(), timeout=10_000)
    gone, there = recent.recent.buttons
    recent.open.setFocus()
    for _ in range(12):
        now = QApplication.focusWidget()
        if isinstance(now, QAbstractButton) and recent.isAncestorOf(now):
            reached.append(now)
        qtbot.keyClick(now or window, Qt.Key.Key_Tab)
    assert {recent.open, recent.sample, recent.tutorial, there, *recent.recent.removers} <= set(reached)
    assert gone not in reached
    qtbot.keyClick(recent.recent.removers[0], Qt.Key.Key_Space)
    assert window.settings.recent == [str(tomogram)]
    (row,) = recent.recent.buttons
    row.setFocus()
    with qtbot.waitSignal(window.session.document_changed, timeout=20_000):
        qtbot.keyClick(row, Qt.Key.Key_Return)
    recent.refresh()
    qtbot.keyClick(recent.recent.buttons[0], Qt.Key.Key_Delete)
    assert window.settings.recent == []


def test_a_dead_network_drive_keeps_neither_the_window_nor_its_closing_waiting(
    recent: StartPage, window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    from threading import Event

    answered, asked = Event(), Event()

    def exists(path: Path) -> bool:
        asked.set()
        return answered.wait(20)

    qtbot.waitUntil(lambda: not recent.recent.buttons[0].isEnabled(), timeout=10_000)
    monkeypatch.setattr("sxtstudio.app.document.recent_files._exists", exists)
    recent.refresh()
    qtbot.waitUntil(asked.is_set)
    assert not window.jobs.visible and window.close()
    answered.set()


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (datetime(2026, 3, 12, 8, 5, tzinfo=BERLIN), "today 8:05"),
        (datetime(2026, 3, 11, 23, 30, tzinfo=UTC), "today 0:30"),  # already that day in Berlin
        (datetime(2026, 3, 11, 9, 30, tzinfo=BERLIN), "yesterday 9:30"),
        (datetime(2026, 1, 2, tzinfo=BERLIN), "2 Jan"),
        (datetime(2025, 12, 31, tzinfo=BERLIN), "31 Dec 2025"),
        (datetime(2026, 3, 13, 9, 0, tzinfo=BERLIN), "13 Mar"),  # the clock was wrong
        (None, ""),
    ],
    ids=str,
)
def test_when_is_said_as_people_say_it(then: datetime | None, said: str) -> None:
    assert when_text(then, NOW) == said


def test_the_device_is_said_in_a_sentence(window: MainWindow, qtbot: QtBot) -> None:
    page = page_of(window)
    qtbot.waitUntil(lambda: bool(page.device.text()), timeout=20_000)
    assert page.device.text() == device_sentence()


@pytest.mark.parametrize(
    ("device", "said"),
    [
        (Device("cpu", "CPU", "no NVIDIA driver was found"), "no NVIDIA driver was found."),
        (Device("cpu", "CPU", "it was chosen", 0, True), "it was chosen in the panel “Segment”."),
    ],
    ids=["no card", "chosen"],
)
def test_on_a_processor_it_says_why(device: Device, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sxtstudio.segment.choose_device", lambda wanted: device)
    threads = available_cpus()
    begin = f"Runs on the processor ({threads} thread{'s' if threads > 1 else ''}): "
    assert device_sentence() == begin + said


def test_a_card_is_named_and_one_that_was_chosen_and_is_gone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    card = Device("cuda", "NVIDIA RTX A4000", "it works and is faster than the CPU")
    monkeypatch.setattr("sxtstudio.segment.choose_device", lambda wanted: card)
    assert device_sentence().startswith("Runs on the graphics card NVIDIA RTX A4000: ")

    def refuse(wanted: str) -> Device:
        raise UserError(f"{wanted} cannot be used: the driver is too old. Choose cpu or auto instead.")

    monkeypatch.setattr("sxtstudio.segment.choose_device", refuse)
    assert device_sentence("cuda").startswith("cuda cannot be used: the driver is too old.")


def test_settings_that_cannot_be_kept_are_told_and_nothing_else_suffers(
    qtbot: QtBot, tmp_path: Path, open_in: Callable[[MainWindow, Path], None], tomogram: Path
) -> None:
    (tmp_path / "file").write_text("where a folder should be")
    store = QSettings(str(tmp_path / "file" / "settings.ini"), QSettings.Format.IniFormat)
    window = MainWindow(Settings(store))
    window.show()
    note = page_of(window).settings_note
    assert note.isVisible() and str(tmp_path / "file" / "settings.ini") in note.text()
    open_in(window, tomogram)
    assert window.settings.recent == [str(tomogram)]  # as long as the window is open
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=20_000)
    assert window.close()
    window.deleteLater()


@pytest.mark.parametrize("usable", [True, False])
def test_work_among_temporary_files_is_told(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, usable: bool
) -> None:
    """Where no folder can be made for it, it goes where many systems empty at a restart."""
    (tmp_path / "file").write_text("where a folder should be")
    monkeypatch.setenv("SXTSTUDIO_WORK", str(tmp_path / ("new" if usable else "file") / "work"))
    store = QSettings(str(tmp_path / "file" / "settings.ini"), QSettings.Format.IniFormat)
    window = MainWindow(Settings(store))
    window.show()
    note = page_of(window).settings_note
    assert note.isVisible() and ("restart: save often" in note.text()) is not usable
    assert note.text().endswith("Everything else works.") and not (tmp_path / "new").exists()
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=20_000)
    assert window.close()
    window.deleteLater()


@pytest.fixture
def open_in(qtbot: QtBot) -> Callable[[MainWindow, Path], None]:
    from sxtstudio.app.document.opening import open_path

    def opened(window: MainWindow, path: Path) -> None:
        with qtbot.waitSignal(window.session.document_changed, timeout=20_000):
            open_path(window.context, path)

    return opened
