"""Tutorial, keys, diagnostics and About in the real window."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox
from pytestqt.qtbot import QtBot

import sxtstudio
from sxtstudio import __version__
from sxtstudio.app.actions import TABLE
from sxtstudio.app.help.about import AboutDialog, about_html
from sxtstudio.app.help.contents import HELP
from sxtstudio.app.help.pages import TUTORIAL, tutorial
from sxtstudio.app.help.reader import Documentation
from sxtstudio.app.help.text import (
    DiagnosticsPage,
    MeasurementsPage,
    ProgramsPage,
    SelfCheckPage,
    ShortcutsPage,
    TextDialog,
)
from sxtstudio.app.help.tutorial import TutorialDialog
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.states import Panel
from sxtstudio.app.widgets import outside
from sxtstudio.core.handover import PROGRAM_NAMES
from sxtstudio.core.logs import log_file
from sxtstudio.core.measure.measure import all_columns
from sxtstudio.core.object_table import ObjectFlag
from sxtstudio.workflow.handover.programs import READ, routes


@pytest.fixture
def dialog(window: MainWindow) -> TutorialDialog:
    """The tutorial, opened from the menu."""
    window.actions_.by_name["help.tutorial"].trigger()
    opened: TutorialDialog = window.context.dialogs.find(TutorialDialog)
    assert opened.isVisible() and not opened.isModal()
    return opened


def test_every_link_of_the_help_leads_somewhere(window: MainWindow) -> None:
    actions, panels = {info.name for info in TABLE}, {panel.value for panel in Panel}
    links = re.findall(r"\]\(([^)]+)\)", TUTORIAL.read_text(encoding="utf-8"))
    assert len(links) > 10
    for link in links:
        kind, _, name = link.rpartition(":")
        assert kind in ("action", "panel", "")
        where = {"action": actions, "panel": panels}.get(kind)
        assert name in where if where is not None else (HELP / name).is_file(), link


def test_every_menu_entry_named_in_the_help_exists() -> None:
    texts = {info.text.rstrip("…") for info in TABLE}
    source = TUTORIAL.read_text(encoding="utf-8")
    named = [
        entry.strip() for entry in re.findall(r"(?:Tools|File|Help) > ([A-Z][a-z]+(?: [a-z]+)?)", source)
    ]
    assert len(named) >= 4
    for entry in named:
        assert any(entry.startswith(text) or text.startswith(entry) for text in texts), entry
    for key, name in (("B", "brush"), ("E", "eraser"), ("I", "interpolate"), ("A", "auto"), ("0", "fit")):
        info = next(info for info in TABLE if info.name.endswith(f".{name}"))
        assert info.shortcut == key


def test_pages_follow_each_other(dialog: TutorialDialog) -> None:
    assert dialog.list.count() == len(dialog.steps) >= 6
    titles = []
    while dialog.next.text() == "Next":
        titles.append(dialog.title.text())
        text = dialog.page.toPlainText()
        assert len(text) > 80 and "](" not in text and dialog.step_buttons
        dialog.next.click()
    assert titles == [step.title for step in dialog.steps[:-1]]
    dialog.next.click()
    assert not dialog.isVisible()


def test_pictures_fit_the_page(dialog: TutorialDialog) -> None:
    for name in {name for step in dialog.steps for name in step.pictures}:
        kind = QTextDocument.ResourceType.ImageResource.value
        image = dialog.page.loadResource(kind, QUrl(name))
        assert image is not None and not image.isNull()
        assert image.width() / image.devicePixelRatio() <= dialog.page.viewport().width()


def test_missing_pictures_are_left_out(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# T\n\n## One\n\nText.\n\n![gone](gone.png)\n\nMore.\n")
    assert tutorial(page)[0].text == "Text.\n\nMore."


def test_buttons_do_the_step(dialog: TutorialDialog, window: MainWindow, qtbot: QtBot) -> None:
    step = next(n for n, s in enumerate(dialog.steps) if any(b.panel for b in s.buttons))
    dialog.list.setCurrentRow(step)
    wanted = next(b for b in dialog.steps[step].buttons if b.panel)
    next(b for b in dialog.step_buttons if b.text() == wanted.text).click()
    assert window.context.parts.side.current == wanted.panel

    last = next(b for b in dialog.steps[-1].buttons if b.action == "file.save")
    dialog.list.setCurrentRow(len(dialog.steps) - 1)
    next(b for b in dialog.step_buttons if b.text() == last.text).click()
    assert "open the sample first" in dialog.note.text()

    dialog.list.setCurrentRow(0)
    with qtbot.waitSignal(window.session.document_changed, timeout=20_000):
        next(b for b in dialog.step_buttons if "sample" in b.text()).click()
    assert window.session.document is not None and window.session.document.shape == (64, 384, 384)


def test_all_keys_are_listed(window: MainWindow) -> None:
    window.actions_.by_name["help.shortcuts"].trigger()
    page: TextDialog = window.context.dialogs.find(ShortcutsPage)
    text = page.page.toPlainText()
    for info in TABLE:
        if info.shortcut:
            assert window.actions_.by_name[info.name].shortcut().toString() in text
            assert info.text.rstrip("…") in text
    assert "Wheel" in text and "right button" in text


def test_diagnostics_are_copied_and_shown(window: MainWindow, qtbot: QtBot) -> None:
    window.settings.set("recent", ["/data/secret.mrc"])
    window.actions_.by_name["help.diagnostics"].trigger()
    qtbot.waitUntil(lambda: window.context.dialogs.find(DiagnosticsPage) is not None, timeout=20_000)
    page: TextDialog = window.context.dialogs.find(DiagnosticsPage)
    text = page.page.toPlainText()
    assert QApplication.clipboard().text().strip() == text.strip()
    assert f"SXT Studio {__version__}" in text and "because" in text and "OpenGL" in text and "Qt" in text
    assert "secret" not in text
    QApplication.clipboard().clear()
    page.copy_button.click()
    assert QApplication.clipboard().text().strip() == text.strip()


def test_the_installation_is_checked_and_what_works_is_shown(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sxtstudio.workflow.selfcheck import check

    monkeypatch.setattr(check, "CHECKS", {"one": lambda: "as it should", "two": lambda: 1 / 0})
    window.actions_.by_name["help.selfcheck"].trigger()
    qtbot.waitUntil(lambda: window.context.dialogs.find(SelfCheckPage) is not None, timeout=20_000)
    page: TextDialog = window.context.dialogs.find(SelfCheckPage)
    text = page.page.toPlainText()
    assert "as it should" in text and "division by zero" in text
    assert __version__ in text and "device\n" in text and "system\n" in text
    assert "two failed" in "".join(label.text() for label in page.findChildren(QLabel))
    page.copy_button.click()
    assert QApplication.clipboard().text().strip() == text.strip()
    page.json_button.click()
    copied = json.loads(QApplication.clipboard().text())
    assert copied["works"] is False and [part["state"] for part in copied["parts"]] == ["works", "failed"]


def test_log_folder_is_shown(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Path] = []
    monkeypatch.setattr(outside, "open_outside", lambda path: shown.append(path) or True)
    window.actions_.by_name["help.log"].trigger()
    assert shown[0].is_dir()


def test_where_nothing_shows_folders_the_path_is_said(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outside, "open_outside", lambda path: False)
    window.actions_.by_name["help.log"].trigger()
    (box,) = window.findChildren(QMessageBox)
    folder = str(log_file().parent)
    assert folder in box.text() and QApplication.clipboard().text() == folder
    box.close()


def test_about_has_the_citation_to_copy(window: MainWindow) -> None:
    window.actions_.by_name["help.about"].trigger()
    about: AboutDialog = window.context.dialogs.find(AboutDialog)
    text = " ".join(about.page.toPlainText().split())
    for wanted in (
        __version__,
        "MIT",
        "Dyhr M.C.A., Sadeghi M.",
        "120(24) e2209938120",
        "PySide6",
        "LGPL",
        "numpy",
        "FFmpeg, a program of its own that comes along under the GPL",
    ):
        assert wanted in text
    about.copy_text.click()
    assert "PNAS 2023, 120(24) e2209938120" in QApplication.clipboard().text()
    about.copy_bibtex.click()
    entry = QApplication.clipboard().text()
    assert entry.startswith("@article{") and entry.count("{") == entry.count("}") and "e2209938120" in entry


def test_about_leads_to_the_texts_of_the_licences(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "installed with the text of its licence" in about_html()  # not from a package
    folder = tmp_path / "lib" / "_internal"
    texts = folder / "THIRD-PARTY-LICENCES.txt"
    folder.mkdir(parents=True)
    texts.touch()
    monkeypatch.setattr(sxtstudio, "__file__", str(folder / "sxtstudio" / "__init__.pyc"))
    assert f'href="{texts.as_uri()}"' in about_html()


def test_pictures_of_the_tutorial_are_no_wider_than_its_page(window: MainWindow, qtbot: QtBot) -> None:
    window.actions_.by_name["help.tutorial"].trigger()
    dialog: TutorialDialog = window.context.dialogs.find(TutorialDialog)
    for width in (1000, 560, 1100):
        dialog.resize(width, 600)
        qtbot.waitUntil(lambda wanted=width: dialog.width() == wanted)
        qtbot.wait(200)
        assert dialog.page.horizontalScrollBar().maximum() == 0, width
        assert dialog.page.document().size().width() <= dialog.page.viewport().width() + 1


def test_the_dictionary_explains_every_column(window: MainWindow, qtbot: QtBot) -> None:
    window.actions_.by_name["help.measurements"].trigger()
    qtbot.waitUntil(lambda: window.context.dialogs.find(MeasurementsPage) is not None, timeout=20_000)
    page = window.context.dialogs.find(MeasurementsPage)
    assert page.isVisible()
    text = page.page.toPlainText()
    for column in all_columns():
        assert column.definition in text and column.name(calibrated=True) in text, column.key
        assert column.formula in text and column.source in text, column.key
    for words in ("Absorption", "contact_area", "class_by", "An object in a slice"):
        assert words in text


def test_the_page_on_objects_names_columns_and_keys_that_there_are(window: MainWindow) -> None:
    window.actions_.by_name["help.objects"].trigger()
    page = window.context.dialogs.find(Documentation)
    assert page is not None and page.isVisible()
    text = page.page.toPlainText()
    titles = {column.title for column in all_columns() if column.title.startswith("Surface area")}
    assert titles and all(title in text for title in titles)
    keys = {info.name: info.shortcut for info in TABLE}
    assert f"Find objects ({keys['objects.find']})" in text
    assert f"Measure ({keys['objects.measure']})" in text
    assert f"Press {keys['objects.filopodium']} and click" in text
    assert f"press {keys['objects.cut_shorter']} and {keys['objects.cut_longer']}" in text
    for name in ObjectFlag:
        assert name.value in text


def test_the_page_on_evaluation_names_what_there_is(sample: MainWindow) -> None:
    from sxtstudio.commands import evaluate, train

    sample.actions_.by_name["help.evaluation"].trigger()
    page = sample.context.dialogs.find(Documentation)
    assert page is not None and page.isVisible()
    text = page.page.toPlainText()
    panel = sample.context.parts.evaluate
    for number, button in enumerate(panel.judging.buttons.values(), 1):
        name, key = button.text().split("  ")
        assert key == str(number) and f"{key}, {name}" in text
    assert panel.results.text() in text
    source = "".join(Path(one.__file__).read_text(encoding="utf-8") for one in (evaluate, train))
    for option in re.findall(r"--[a-z]+", text):
        assert f'"{option}"' in source, option


def test_the_page_of_programs_has_every_row_of_the_table(window: MainWindow) -> None:
    window.actions_.by_name["help.programs"].trigger()
    page = window.context.dialogs.find(ProgramsPage)
    assert page is not None and page.isVisible()
    text = " ".join(page.page.toPlainText().split())
    for route in routes():
        for sentence in (route.shows, route.opening, route.loses):
            assert " ".join(sentence.whole.split()) in text, (route.content, route.program)
        assert all(suffix in text for suffix in route.suffixes)
    for program in {route.program for route in routes()}:
        assert READ[program] in text and PROGRAM_NAMES[program] in text
