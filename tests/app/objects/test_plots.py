"""The tab with plots, in the real window: what is caught in a plot is chosen everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pyqtgraph import ScatterPlotItem
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from sxtstudio.app import questions
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.objects.plots import page as plots_page
from sxtstudio.app.objects.plots.export import write_figures
from sxtstudio.app.objects.plots.figure import Grip
from sxtstudio.app.objects.plots.page import NOT_MEASURED, NOTHING, PlotsPage
from sxtstudio.core.figures import FigureKind
from sxtstudio.core.measure.columns import Column, Measurements, Quantity
from sxtstudio.core.object_table import ObjectFlag, ObjectRow, ObjectTable

VOLUME = Column("volume", "Volume", Quantity.UM3, "How large it is")
SURFACE = Column("surface", "Surface", Quantity.UM2, "How large its surface is")
CLASSES = ("Vesicle", "Mitochondrion", "")


def table_of(count: int) -> ObjectTable:
    """Objects 1…: classes in turn, the last one at the border."""
    rows = {n: ObjectRow(CLASSES[n % 3]) for n in range(1, count + 1)}
    rows[count] = ObjectRow("Vesicle", flags=frozenset({ObjectFlag.BORDER}))
    return ObjectTable(rows)


def measured_of(count: int) -> Measurements:
    """Volumes 1, 2, 3 …; object 2 has none."""
    volume = np.arange(1, count + 1, dtype=np.float64)
    found = Measurements(np.arange(1, count + 1))
    found.add(SURFACE, volume**2)
    found.add(VOLUME, np.where(volume == 2, np.nan, volume))
    return found


@pytest.fixture
def page(sample: MainWindow, qtbot: QtBot) -> PlotsPage:
    page = PlotsPage(sample.context, sample.context.parts.measured)
    qtbot.addWidget(page)
    page.resize(900, 320)
    page.show()
    qtbot.waitExposed(page)
    return page


@pytest.fixture
def filled(page: PlotsPage, sample: MainWindow, qtbot: QtBot) -> PlotsPage:
    document = sample.session.document
    assert document is not None
    fill(sample, 9)
    qtbot.waitUntil(lambda: page.plot.figure is not None)
    return page


def fill(window: MainWindow, count: int) -> None:
    document = window.session.document
    assert document is not None
    document.change_table(document.object_table.change(dict(table_of(count).rows)))
    window.session.table_changed.emit()
    window.context.parts.measured.set(measured_of(count))


def numbers(page: PlotsPage) -> list[int]:
    assert page.plot.figure is not None
    return sorted(int(n) for dots in page.plot.figure.dots for n in dots.numbers)


def test_without_objects_or_measurements_it_is_said_what_to_press(
    page: PlotsPage, sample: MainWindow, qtbot: QtBot
) -> None:
    assert page.nothing.isVisible() and page.nothing.text() == NOTHING and not page.fields.isEnabled()
    document = sample.session.document
    assert document is not None
    document.change_table(document.object_table.change(dict(table_of(3).rows)))
    sample.session.table_changed.emit()
    qtbot.waitUntil(lambda: page.nothing.text() == NOT_MEASURED)


def test_dots_stand_by_class_without_those_at_the_border(filled: PlotsPage, qtbot: QtBot) -> None:
    figure = filled.plot.figure
    assert figure is not None and figure.y_title == "Volume (µm³)"
    assert [name for _, name in figure.ticks] == [
        "Mitochondrion\nn = 3",
        "Vesicle\nn = 2",
        "No class\nn = 2",
    ]
    assert numbers(filled) == [1, 3, 4, 5, 6, 7, 8]
    assert filled.words.text() == (
        "n = 7 objects  ·  1 object at the border left out  ·  1 without a value  ·  line: mean, bars: SD"
    )
    filled.fields.border.click()
    qtbot.waitUntil(lambda: numbers(filled) == [1, 3, 4, 5, 6, 7, 8, 9])


def test_sheets_are_left_out_as_in_the_table_and_said_and_drawn_where_nothing_else_is_shown(
    filled: PlotsPage, sample: MainWindow, qtbot: QtBot
) -> None:
    document = sample.session.document
    assert document is not None
    flat = {n: ObjectRow(CLASSES[n % 3], flags=frozenset({ObjectFlag.SHEET})) for n in (4, 6)}
    document.change_table(document.object_table.change(flat))
    sample.session.table_changed.emit()
    qtbot.waitUntil(lambda: numbers(filled) == [1, 3, 5, 7, 8])
    assert "  ·  2 sheets that enclose nothing left out  ·  " in filled.words.text()
    sample.session.objects.set(only=frozenset({4, 6}))
    qtbot.waitUntil(lambda: numbers(filled) == [4, 6])
    assert "sheet" not in filled.words.text()


def test_open_bodies_are_drawn_and_the_words_below_say_so_also_in_a_file(
    filled: PlotsPage, sample: MainWindow, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = sample.session.document
    assert document is not None
    open_ones = {n: ObjectRow(CLASSES[n % 3], flags=frozenset({ObjectFlag.OPEN})) for n in (1, 4, 6)}
    document.change_table(document.object_table.change(open_ones))
    sample.session.table_changed.emit()
    words = "  ·  3 of 7 open: volumes are estimates  ·  "
    qtbot.waitUntil(lambda: words in filled.words.text())
    notes: list[str] = []
    monkeypatch.setattr(plots_page, "write_figures", lambda *_, note: notes.append(note))
    monkeypatch.setattr(questions, "save_file", lambda *_: tmp_path / "plot.svg")
    filled.fields.export.click()
    assert words in notes[0]


def test_a_dot_that_is_picked_is_chosen_everywhere(filled: PlotsPage, sample: MainWindow) -> None:
    objects = sample.session.objects
    filled.plot.picked.emit(4, False)
    filled.plot.picked.emit(7, True)
    assert objects.value.selected == (4, 7)
    filled.plot.picked.emit(4, True)
    assert objects.value.selected == (7,)
    filled.plot.picked.emit(0, True)
    assert objects.value.selected == (7,), "beside all dots with Ctrl"
    filled.plot.picked.emit(0, False)
    assert objects.value.selected == ()


def test_a_lasso_leaves_only_what_it_holds_until_all_are_shown(
    filled: PlotsPage, sample: MainWindow, qtbot: QtBot
) -> None:
    objects = sample.session.objects
    filled.plot.caught.emit(frozenset())
    assert objects.value.only is None
    filled.plot.caught.emit(frozenset({4, 7}))
    assert objects.value.only == {4, 7} and objects.value.selected == (4, 7)
    qtbot.waitUntil(lambda: numbers(filled) == [4, 7])
    assert "2 objects chosen" in filled.words.text()
    filled.fields.show_all.click()
    assert objects.value.only is None


def test_limits_are_dragged_or_typed(filled: PlotsPage, sample: MainWindow, qtbot: QtBot) -> None:
    objects, fields = sample.session.objects, filled.fields
    fields.range.click()
    assert filled.plot.grip is Grip.RANGE
    filled.plot.limited.emit(3.5, 7.2)
    assert objects.value.only == {4, 5, 6, 7} and fields.low.text() == "3.5"
    fields.low.selectAll()
    qtbot.keyClicks(fields.low, "2,5")
    qtbot.keyClick(fields.low, Qt.Key.Key_Return)
    assert objects.value.only == {3, 4, 5, 6, 7}, "typed limits are of all objects"
    fields.kind.setCurrentIndex(fields.kind.findData(FigureKind.SCATTER))
    qtbot.waitUntil(lambda: filled.plot.figure.kind is FigureKind.SCATTER)  # type: ignore[union-attr]
    assert fields.along_x.isVisibleTo(fields)
    fields.show_all.click()
    filled.plot.limited.emit(15, 50)
    assert objects.value.only == {4, 5, 6, 7}, "of the surface, which lies along x"


def test_only_limits_that_are_in_force_stand_in_the_fields(
    filled: PlotsPage, sample: MainWindow, qtbot: QtBot
) -> None:
    objects, fields = sample.session.objects, filled.fields

    def limits() -> tuple[str, str]:
        return fields.low.text(), fields.high.text()

    def type_low(text: str) -> None:
        fields.low.setFocus()
        fields.low.selectAll()
        qtbot.keyClicks(fields.low, text)
        qtbot.keyClick(fields.low, Qt.Key.Key_Return)

    type_low("4")
    assert objects.value.only == {4, 5, 6, 7, 8, 9} and limits() == ("4", "")
    type_low("1000")
    assert objects.value.only == {4, 5, 6, 7, 8, 9}, "nothing is as large: nothing has changed"
    assert limits() == ("4", "")
    filled.plot.limited.emit(2.00004, 7.2)
    assert objects.value.only == {4, 5, 6, 7} and limits() == ("4", "7.2"), "of what was left"
    fields.column.setCurrentIndex(fields.column.findData("surface"))
    qtbot.waitUntil(lambda: limits() == ("", ""))
    fields.column.setCurrentIndex(fields.column.findData("volume"))
    qtbot.waitUntil(lambda: limits() == ("4", "7.2"))
    objects.set(only=None)  # as by the table, or a key
    qtbot.waitUntil(lambda: limits() == ("", ""))
    type_low("4")
    filled.plot.caught.emit(frozenset({4, 5}))  # a lasso
    qtbot.waitUntil(lambda: limits() == ("", ""))


@pytest.mark.parametrize("kind", [FigureKind.DOTS, FigureKind.HISTOGRAM, FigureKind.SCATTER])
def test_how_many_a_lasso_has_left_is_said_in_what_is_exported(
    filled: PlotsPage,
    tmp_path: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    kind: FigureKind,
) -> None:
    filled.fields.kind.setCurrentIndex(filled.fields.kind.findData(kind))
    filled.plot.caught.emit(frozenset({4, 5, 7}))
    qtbot.waitUntil(lambda: "n = 3 objects" in filled.words.text())
    assert "6 of 9 objects not shown" in filled.words.text()
    for suffix in (".svg", ".png"):
        path = tmp_path / f"plot{suffix}"
        monkeypatch.setattr(questions, "save_file", lambda *_, path=path, **more: path)
        filled.fields.export.click()
    text = " ".join((tmp_path / "plot.svg").read_text(encoding="utf-8").split())
    assert "n = 3 objects" in text and "6 of 9 objects not shown" in text
    assert QImage(str(tmp_path / "plot.png")).height() > 4 * 290, "there is a line below"


def test_colours_are_those_of_a_column_with_its_bar(
    filled: PlotsPage, sample: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    assert filled.bar.isHidden()
    filled.fields.colours.setCurrentIndex(filled.fields.colours.findData("surface"))
    assert sample.session.objects.value.colour_by == "surface"
    qtbot.waitUntil(filled.bar.isVisible)
    figure = filled.plot.figure
    assert figure is not None and all(dots.colours is not None for dots in figure.dots)
    assert "Surface (µm²)" in filled.bar.toolTip()
    write_figures([figure], tmp_path / "plot.svg")
    written = (tmp_path / "plot.svg").read_text(encoding="utf-8")
    assert "Surface (µm²)" in written and "linearGradient" in written, "a picture has the bar as well"
    sample.session.objects.set(colour_by="class")
    qtbot.waitUntil(filled.bar.isHidden)


def test_it_is_written_where_it_is_asked_for(
    filled: PlotsPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "save_file", lambda *args, **more: tmp_path / "plot.svg")
    filled.fields.export.click()
    assert "Mitochondrion" in (tmp_path / "plot.svg").read_text(encoding="utf-8")


def test_the_choice_is_remembered(
    filled: PlotsPage, sample: MainWindow, qtbot: QtBot, open_file: Callable[[Path], MainWindow]
) -> None:
    filled.fields.kind.setCurrentIndex(filled.fields.kind.findData(FigureKind.HISTOGRAM))
    filled.fields.column.setCurrentIndex(filled.fields.column.findData("surface"))
    filled.shut_down()
    again = PlotsPage(sample.context, sample.context.parts.measured)
    qtbot.addWidget(again)
    assert again.fields.choice.kind is FigureKind.HISTOGRAM and again.fields.choice.y == "surface"
    sample.settings.set("objects/plot", {"kind": 3, "y": [], "border": "yes"})
    damaged = PlotsPage(sample.context, sample.context.parts.measured)
    qtbot.addWidget(damaged)
    assert damaged.fields.choice.kind is FigureKind.DOTS and damaged.fields.choice.y == ""


def test_in_a_low_pane_the_plot_gets_the_room(filled: PlotsPage) -> None:
    whole = filled.words.text()
    assert filled.plot.view.getAxis("left").labelText == "Volume (µm³)"
    filled.resize(560, 150)
    assert filled.words.text().endswith("…") and filled.words.toolTip() == whole
    assert filled.words.height() < 2 * filled.words.fontMetrics().height()
    assert not filled.plot.view.getAxis("left").labelText
    filled.resize(900, 320)
    assert filled.words.text() == whole and filled.plot.view.getAxis("left").labelText == "Volume (µm³)"


def test_dots_are_solid(filled: PlotsPage) -> None:
    """What is half transparent is hard to tell from the ground, and from other classes."""
    drawn = [item for item in filled.plot._items if isinstance(item, ScatterPlotItem)]
    brushes = [spot.brush() for item in drawn for spot in item.points()]
    assert len(brushes) == 7 and all(brush.color().alpha() == 255 for brush in brushes)
