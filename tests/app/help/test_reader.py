"""The documentation in the window: contents, links, search, and what an error message leads to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from sxtstudio.app.errors import show_error
from sxtstudio.app.help.contents import HELP, INDEX, anchor_of, contents, passages
from sxtstudio.app.help.reader import Documentation
from sxtstudio.app.help.searching import explaining, search
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.states import Panel
from sxtstudio.core.errors import UserError
from sxtstudio.core.handover import Program
from sxtstudio.workflow.handover.programs import READ, routes

ALL = passages()
PAGES = {page.file: page for chapter in contents() for page in chapter.pages}


@pytest.fixture
def reader(window: MainWindow) -> Documentation:
    window.actions_.by_name["help.documentation"].trigger()
    opened = window.context.dialogs.find(Documentation)
    assert opened is not None and opened.isVisible() and not opened.isModal()
    return opened


def test_every_page_is_in_the_contents_once() -> None:
    listed = [page.file for chapter in contents() for page in chapter.pages]
    assert sorted(listed) == sorted(path.name for path in HELP.glob("*.md") if path.name != INDEX)
    assert all(page.about for page in PAGES.values())


def test_a_page_is_read_from_the_contents(reader: Documentation) -> None:
    titles = []
    for number in range(reader.tree.topLevelItemCount()):
        chapter = reader.tree.topLevelItem(number)
        for child in (chapter.child(i) for i in range(chapter.childCount())):
            reader.tree.itemClicked.emit(child, 0)
            titles.append(child.text(0))
            heading = reader.page.document().begin()
            assert heading.blockFormat().headingLevel() == 1 and heading.text()
            assert "](" not in reader.page.toPlainText() and "<!--" not in reader.page.toPlainText()
    assert titles == [page.title for page in PAGES.values()]
    reader.home.click()
    assert reader.link == INDEX


def test_links_lead_to_places_and_back(reader: Documentation) -> None:
    reader.page.anchorClicked.emit(QUrl("objects.md#2-flags"))
    assert reader.page.textCursor().block().text() == "2. Flags"
    reader.page.anchorClicked.emit(QUrl("#5-measure"))
    assert reader.link == "objects.md#5-measure"
    assert reader.page.textCursor().block().text() == "5. Measure"
    reader.go_back()
    assert reader.link == "objects.md#2-flags"
    reader.go_back()
    assert reader.link == INDEX and not reader.back.isEnabled()


def test_links_that_do_something_do_it(reader: Documentation, window: MainWindow, qtbot: QtBot) -> None:
    reader.show_page("tutorial.md")
    reader.page.anchorClicked.emit(QUrl("panel:clean"))
    assert window.context.parts.side.current is Panel.CLEAN
    reader.page.anchorClicked.emit(QUrl("action:segment.start"))
    assert "open the sample first" in reader.note.text()
    with qtbot.waitSignal(window.session.document_changed, timeout=20_000):
        reader.page.anchorClicked.emit(QUrl("action:file.open_sample"))


def test_addresses_are_handed_to_the_browser(reader: Documentation, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    reader.page.anchorClicked.emit(QUrl("https://doi.org/10.1073/pnas.2209938120"))
    assert opened == ["https://doi.org/10.1073/pnas.2209938120"] and reader.link == INDEX


def test_pictures_come_from_the_help_alone(reader: Documentation, tmp_path: Path) -> None:
    kind = 2  # QTextDocument.ResourceType.ImageResource
    assert reader.page.loadResource(kind, QUrl("pictures/segment.png")) is not None
    for strange in ("../sample.tif", f"{HELP.parent}/sample.tif", "pictures/../../sample.tif"):
        assert reader.page.loadResource(kind, QUrl(strange)) is None


def test_words_are_found_and_their_page_opened(reader: Documentation, qtbot: QtBot) -> None:
    reader.search.setText("missing wedge")
    qtbot.waitUntil(lambda: reader.tree.topLevelItem(0).childCount() == 0)
    assert "Flags" in reader.tree.topLevelItem(0).text(0)
    reader.search.returnPressed.emit()
    assert reader.link == "objects.md#2-flags"
    reader.search.setText("xyzzy plugh")
    qtbot.waitUntil(lambda: "Nothing found" in reader.tree.topLevelItem(0).text(0))
    reader.search.clear()
    reader.show_page("files.md")  # before the contents are back
    qtbot.waitUntil(lambda: reader.tree.topLevelItem(0).childCount() > 0)
    assert reader.tree.currentItem().text(0) == PAGES["files.md"].title


def test_headings_rank_before_text() -> None:
    found = search("flags", passages())
    assert found[0].link == "objects.md#2-flags"
    assert search("   ", passages()) == []


def small(folder: Path) -> Path:
    (folder / "index.md").write_text("# T\n\n## One\n\n- [A](a.md): about a\n")
    (folder / "a.md").write_text(
        "# A\n\nText.\n\n## Cut off\n\nCopy it.\n\n<!-- sentences: io/* -->\n\n"
        "- … is cut off: … bytes\\* are missing.\n"
        "- … is cut off.\n\n<!-- end -->\n\n## Other\n\n- … is cut off: … bytes\\* are missing. Really.\n"
    )
    return folder


def test_a_message_leads_to_the_sentence_it_was_made_of(tmp_path: Path) -> None:
    found = passages(small(tmp_path))
    explained = explaining("cell.mrc is cut off: 5 bytes* are missing.", found)
    assert explained is not None and explained.link == "a.md#cut-off"
    assert explaining("cell.mrc was cut", found) is None
    assert search("cell.mrc is cut off: 12 bytes* are missing.", found)[0].heading == "Cut off"


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("2. Flags", "2-flags"),
        ("How rows run in MRC and TIFF", "how-rows-run-in-mrc-and-tiff"),
        ("“This” isn't a `dir` – or", "this-isnt-a-dir-or"),
    ],
)
def test_anchors_are_those_of_the_site(heading: str, anchor: str) -> None:
    assert anchor_of(heading) == anchor


def test_an_error_offers_its_page(window: MainWindow) -> None:
    show_error(window, UserError("cell.mrc is something that nobody has written about."))
    (box,) = window.findChildren(QMessageBox)
    (help_button,) = [b for b in box.buttons() if b.text() == "What can I do?"]
    help_button.click()
    reader = window.context.dialogs.find(Documentation)
    assert reader is not None and reader.link == "trouble.md"


def test_the_documentation_can_be_used_once_an_error_has_led_to_it(window: MainWindow, qtbot: QtBot) -> None:
    """The box is modal: as long as it is open, wheel, contents and search of the documentation are dead."""
    window.actions_.by_name["help.documentation"].trigger()
    opened = window.context.dialogs.find(Documentation)
    assert opened is not None
    show_error(window, UserError("The project cell.sxt is open in another window (anna on b since 14:03)."))
    (box,) = window.findChildren(QMessageBox)
    (help_button,) = [b for b in box.buttons() if b.text() == "What can I do?"]
    qtbot.waitUntil(lambda: QApplication.activeModalWidget() is box)
    help_button.click()
    assert QApplication.activeModalWidget() is None
    assert opened.isVisible() and opened.link == "errors-save.md#the-project-is-open-in-another-window"
    (mark,) = opened.page.extraSelections()
    assert mark.cursor.selectedText() == "The project … is open in another window…."
    place = opened.page.cursorRect().center()
    assert opened.page.viewport().rect().contains(place)
    opened.show_page("files.md")
    assert opened.page.extraSelections() == []


def test_an_error_that_is_only_read_opens_nothing(window: MainWindow) -> None:
    show_error(window, UserError("cell.mrc is something that nobody has written about."))
    (box,) = window.findChildren(QMessageBox)
    box.button(QMessageBox.StandardButton.Ok).click()
    assert window.context.dialogs.find(Documentation) is None


@pytest.mark.parametrize(
    ("words", "link"),
    [
        ("MIB", "programs.md#microscopy-image-browser-mib"),
        ("Microscopy Image Browser", "programs.md#microscopy-image-browser-mib"),
        ("voxel size", "files.md#voxel-size"),
        ("what is my voxel size good for", "files.md#voxel-size"),
        ("What is my voxel size good for?", "files.md#voxel-size"),
        ("filopodia", "filopodia.md"),
        ("measure filopodia", "filopodia.md"),
        ("measuring", "measure.md"),
        ("mask", "mask.md"),
        ("undo", "paint.md#undo"),
        ("error", "trouble.md"),
        ("error message", "trouble.md"),
        ("it hangs", "trouble.md#the-program-hangs-or-does-not-react"),
        ("flags", "objects.md#2-flags"),
    ],
)
def test_what_is_asked_for_comes_first(words: str, link: str) -> None:
    assert search(words, ALL)[0].link == link


def test_pages_of_messages_come_next_for_an_error() -> None:
    files = [passage.page.file for passage in search("error", ALL)[:6]]
    assert sum(file.startswith("errors-") for file in files) >= 4


def test_lists_of_commands_come_last() -> None:
    found = [passage.page.file for passage in search("filopodia", ALL)]
    assert found.index("commands.md") > found.index("objects.md")


def test_the_table_of_programs_is_read_and_searched(reader: Documentation) -> None:
    reader.show_page("programs.md#microscopy-image-browser-mib")
    assert reader.page.textCursor().block().text() == "Microscopy Image Browser (MIB)"
    text = " ".join(reader.page.toPlainText().split())
    for route in routes():
        assert " ".join(route.opening.whole.split()) in text, route
    assert search("lookup table glasbey", ALL)[0].page.file == "programs.md"
    assert any("(MIB)" in passage.heading and READ[Program.MIB] in passage.text for passage in ALL)


def test_a_message_without_its_point_is_known_too() -> None:
    found = explaining("The project a.sxt is open in another window (anna on b)", ALL)
    assert found is not None and found.anchor == "the-project-is-open-in-another-window"


def test_internal_links_and_pictures_exist() -> None:
    anchors = {
        path.name: {
            anchor_of(heading)
            for heading in re.findall(r"^#{2,4} +(.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        }
        for path in HELP.glob("*.md")
    }
    for path in HELP.glob("*.md"):
        for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
            if re.match(r"(https?|action|panel):", link):
                continue
            file, _, anchor = link.partition("#")
            assert not file or (HELP / file).is_file(), f"{path.name}: {link}"
            assert not anchor or anchor in anchors[file or path.name], f"{path.name}: {link}"


def test_no_page_is_wider_than_the_window(reader: Documentation, qtbot: QtBot) -> None:
    """Lines of commands are wrapped."""
    reader.resize(760, 600)
    qtbot.wait(150)
    for page in ("measure.md", "batch.md", "segment.md", "index.md", "errors-open.md"):
        reader.show_page(page)
        assert reader.page.horizontalScrollBar().maximum() == 0, page
