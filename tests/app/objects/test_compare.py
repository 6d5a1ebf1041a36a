"""Tools > Compare: tables in groups, what is compared, and the report."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from pytestqt.qtbot import QtBot

from sxtstudio.app import questions
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.objects.compare.dialog import BEGIN, CompareDialog


@pytest.fixture
def dialog(window: MainWindow) -> CompareDialog:
    window.actions_.by_name["tools.compare"].trigger()
    dialog = window.context.dialogs.find(CompareDialog)
    assert dialog is not None
    return dialog


def tables(folder: Path, name: str, first: int, cells: int = 3) -> list[Path]:
    paths = []
    for cell in range(cells):
        path = folder / f"{name}{cell}.csv"
        rows = [f"{n},{'Vesicle' if n % 2 else 'ER'},{first + cell + n},{n}" for n in range(1, 5)]
        path.write_text("\n".join(["object,class,volume_um3,sphericity", *rows, ""]), encoding="utf-8")
        paths.append(path)
    return paths


@pytest.fixture
def filled(dialog: CompareDialog, tmp_path: Path, qtbot: QtBot) -> CompareDialog:
    for index, (name, first) in enumerate((("a", 0), ("b", 50))):
        dialog.tree.setCurrentItem(dialog.tree.topLevelItem(index))
        dialog.tree.add_tables(tables(tmp_path, name, first))
    qtbot.waitUntil(lambda: dialog.compared is not None and len(dialog.compared.comparison.groups) == 2)
    return dialog


def test_it_begins_by_saying_what_to_do(dialog: CompareDialog) -> None:
    assert dialog.report.toPlainText() == BEGIN and not dialog.save_plot.isEnabled()


def test_two_groups_are_plotted_tested_and_reported(filled: CompareDialog) -> None:
    text = filled.report.toPlainText()
    assert text.startswith("Volume (µm³). Unit of analysis: the cell")
    assert "Group 1: 3 cells, 12 objects" in text and "Mann-Whitney U test" in text
    assert filled.plot.figure is not None and len(filled.plot.figure.means) == 2
    filled.copy.click()
    assert QGuiApplication.clipboard().text() == text


def test_class_column_and_unit_are_chosen(filled: CompareDialog, qtbot: QtBot) -> None:
    filled.class_name.setCurrentIndex(filled.class_name.findData("ER"))
    qtbot.waitUntil(lambda: "class ER only; 12 others" in filled.report.toPlainText())
    filled.column.setCurrentIndex(filled.column.findData("sphericity"))
    qtbot.waitUntil(lambda: filled.report.toPlainText().startswith("Sphericity"))
    assert filled.class_name.currentData() == "ER", "what was chosen stays"
    filled.unit.setCurrentIndex(1)
    qtbot.waitUntil(lambda: "Pseudo-replication: 12 objects of 6 cells" in filled.report.toPlainText())


def test_groups_are_named_added_and_taken_away(filled: CompareDialog, tmp_path: Path, qtbot: QtBot) -> None:
    filled.tree.topLevelItem(0).setText(0, "control")
    qtbot.waitUntil(lambda: "control: 3 cells" in filled.report.toPlainText())
    filled.add_group.click()
    filled.tree.add_tables(tables(tmp_path, "c", 90))
    qtbot.waitUntil(lambda: "Kruskal-Wallis" in filled.report.toPlainText())
    assert "corrected for their number by Holm" in filled.report.toPlainText()
    filled.tree.clearSelection()
    filled.tree.topLevelItem(2).setSelected(True)
    qtbot.keyClick(filled.tree, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: "Mann-Whitney" in filled.report.toPlainText())


def test_files_are_dropped_onto_a_group(dialog: CompareDialog, tmp_path: Path, qtbot: QtBot) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in tables(tmp_path, "a", 0)])
    place = dialog.tree.visualItemRect(dialog.tree.topLevelItem(1)).center()
    drop = QDropEvent(
        QPointF(place),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    dialog.tree.dropEvent(drop)
    assert [(group.name, len(group.cells)) for group in dialog.tree.groups] == [("Group 2", 3)]
    qtbot.waitUntil(lambda: "one group only" in dialog.report.toPlainText())
    assert dialog.tree.add_tables([tmp_path / "a0.csv", tmp_path / "x.docx"]) == 0


def test_a_table_that_cannot_be_read_is_said(dialog: CompareDialog, tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"nothing")
    dialog.tree.add_tables([tmp_path / "bad.parquet"])
    qtbot.waitUntil(lambda: "bad.parquet is no Parquet file" in dialog.report.toPlainText())
    assert not dialog.save_report.isEnabled()


def test_report_and_plot_are_written(
    filled: CompareDialog, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for button, name in ((filled.save_report, "r.txt"), (filled.save_plot, "p.svg")):
        monkeypatch.setattr(questions, "save_file", lambda *args, name=name, **more: tmp_path / name)
        button.click()
        assert window.statusBar().currentMessage() == f"Saved {tmp_path / name}."
    assert (tmp_path / "r.txt").read_text(encoding="utf-8").strip() == filled.report.toPlainText()
    assert "Group 2" in (tmp_path / "p.svg").read_text(encoding="utf-8")


def test_tables_of_one_cell_are_joined_and_groups_written_and_read(
    filled: CompareDialog,
    window: MainWindow,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    filled.join.click()
    assert "Select the tables of one cell" in filled.report.toPlainText()
    group = filled.tree.topLevelItem(0)
    for row in (0, 1):
        group.child(row).setSelected(True)
    filled.tree.topLevelItem(1).setSelected(False)
    filled.join.click()
    qtbot.waitUntil(lambda: "Group 1: 2 cells, 12 objects" in filled.report.toPlainText())
    filled.column.setCurrentIndex(filled.column.findData("sphericity"))
    filled.class_name.setCurrentIndex(filled.class_name.findData("ER"))
    qtbot.waitUntil(lambda: "class ER only" in filled.report.toPlainText())
    before = filled.report.toPlainText()
    monkeypatch.setattr(questions, "save_file", lambda *args, **more: tmp_path / "g.toml")
    monkeypatch.setattr(questions, "open_file", lambda *args, **more: tmp_path / "g.toml")
    filled.save_groups.click()
    assert window.statusBar().currentMessage() == f"Saved {tmp_path / 'g.toml'}."
    filled.tree.show_groups(())
    filled.column.setCurrentIndex(0)
    filled.open_groups.click()
    qtbot.waitUntil(lambda: filled.report.toPlainText() == before)
