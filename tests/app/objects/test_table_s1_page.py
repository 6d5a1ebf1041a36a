"""Table S1 in the window: which objects count, the paper's figures beside, plots and files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from sxtstudio.app import questions
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.objects.filopodia.table_s1 import NO_OBJECT, NOT_MEASURED, TableS1Dialog
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box
from sxtstudio.core.measure.measure import measure_objects
from sxtstudio.core.object_table import ObjectFlag, ObjectRow


@pytest.fixture
def dialog(sample: MainWindow) -> TableS1Dialog:
    sample.actions_.by_name["objects.table_s1"].trigger()
    dialog = sample.context.dialogs.find(TableS1Dialog)
    assert dialog is not None
    return dialog


def blocks() -> np.ndarray:
    """Blocks of 4 × 6 × 12, 16 and 20 voxels of 10 nm, and a larger one."""
    objects = np.zeros((16, 30, 60), np.uint32)
    objects[2:6, 4:10, 5:17], objects[2:6, 14:20, 5:21], objects[11:15, 4:10, 5:25] = 1, 2, 3
    objects[8:12, 20:26, 30:50] = 4
    return objects


def fill(window: MainWindow) -> None:
    """Put them into the document; nothing but filopodia is measured yet."""
    document, session = window.session.document, window.session
    assert document is not None
    rows = {n: ObjectRow("Filopodium") for n in (1, 2)}
    rows[3] = ObjectRow("Filopodium", notes="cut by the last slice (z)", flags=frozenset({ObjectFlag.BORDER}))
    rows[4] = ObjectRow("Vesicle")
    recorder = session.record(EditKind.NEW_OBJECT, "objects")
    recorder.write(Box((20, 100, 100), (36, 130, 160)), blocks())
    session.commit(recorder, rows=document.object_table.change(rows))


@pytest.fixture
def filled(dialog: TableS1Dialog, sample: MainWindow, qtbot: QtBot) -> TableS1Dialog:
    fill(sample)
    qtbot.waitUntil(lambda: dialog.table is not None)
    return dialog


def cell(dialog: TableS1Dialog, title: str, column: int) -> str:
    texts = {dialog.rows.item(row, 0).text(): row for row in range(dialog.rows.rowCount())}
    return dialog.rows.item(texts[title], column).text()


def test_without_objects_or_measurements_it_is_said_what_to_press(
    dialog: TableS1Dialog, sample: MainWindow, qtbot: QtBot
) -> None:
    assert dialog.caption.text() == NO_OBJECT and dialog.rows.rowCount() == 0
    assert not dialog.copy.isEnabled()
    fill(sample)
    qtbot.waitUntil(lambda: dialog.table is not None)
    document = sample.session.document
    assert document is not None
    rows = document.object_table.rows
    cut = {n: replace(rows[n], flags=frozenset({ObjectFlag.BORDER})) for n in (1, 2)}
    sample.session.change_rows(document.object_table.change(cut), EditKind.NOTE)
    qtbot.waitUntil(lambda: dialog.caption.text() == "3 taken, none of them whole.")
    sample.session.undo()
    qtbot.waitUntil(lambda: dialog.table is not None)
    dialog.which.setCurrentIndex(dialog.which.findText("Vesicle"))
    assert dialog.table is None and dialog.caption.text() == NOT_MEASURED


def test_whole_filopodia_stand_beside_the_paper(filled: TableS1Dialog) -> None:
    assert filled.table is not None and filled.table.objects == (1, 2)
    volumes = np.array([4 * 6 * 12, 4 * 6 * 16]) * 1e3
    assert (
        cell(filled, "Volume, 3D (nm³)", 1)
        == f"{volumes.mean() / 1e5:.2f}e5 ± {volumes.std(ddof=1) / 1e5:.2f}e5"
    )
    assert (
        cell(filled, "Volume, 3D (nm³)", 4) == "2.28e7 ± 1.77e7"
        and cell(filled, "Volume, 3D (nm³)", 3) == "2"
    )
    shown = [plot.figure for plot in filled._plots if plot.isVisibleTo(filled)]
    assert shown[0] is not None and shown[0].y_title == "Volume, 3D (nm³)"
    assert [bar.spread.mean for bar in shown[0].means] == pytest.approx([volumes.mean(), 2.28e7])
    titles = [figure.y_title for figure in shown if figure is not None]
    assert "Axes, 3D (nm)" in titles and "Axes, 2D (nm)" in titles and len(titles) == 8


def test_filopodia_follow_what_is_taken_and_undone(
    filled: TableS1Dialog, sample: MainWindow, qtbot: QtBot
) -> None:
    sample.session.undo()
    qtbot.waitUntil(lambda: filled.table is None and filled.caption.text() == NO_OBJECT)
    sample.session.redo()
    qtbot.waitUntil(lambda: filled.table is not None and filled.table.objects == (1, 2))


def test_other_objects_can_be_chosen(filled: TableS1Dialog, sample: MainWindow, qtbot: QtBot) -> None:
    sample.context.parts.measured.set(measure_objects(blocks(), (10.0, 10.0, 10.0)))
    filled.which.setCurrentIndex(filled.which.findText("Vesicle"))
    assert filled.table is not None and filled.table.objects == (4,)
    filled.which.setCurrentIndex(filled.which.findText("Chosen objects"))
    assert filled.table is None and filled.caption.text() == NO_OBJECT
    sample.session.objects.set(selected=(2, 4))
    qtbot.waitUntil(lambda: filled.table is not None and filled.table.objects == (2, 4))
    filled.which.setCurrentIndex(0)
    filled.border.click()
    qtbot.waitUntil(lambda: filled.table is not None and filled.table.objects == (1, 2, 3))


def test_it_is_copied_and_written(
    filled: TableS1Dialog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert filled.table is not None
    filled.copy.click()
    assert QGuiApplication.clipboard().text() == filled.table.markdown()
    for button, name in ((filled.save, "s1.csv"), (filled.export, "s1.svg")):
        monkeypatch.setattr(questions, "save_file", lambda *args, name=name, **more: tmp_path / name)
        button.click()
    assert (tmp_path / "s1.csv").read_text(encoding="utf-8").startswith("dimensions,measure,unit,mean,sd")
    assert "paper" in (tmp_path / "s1.svg").read_text(encoding="utf-8")


def test_labels_that_have_changed_since_the_objects_were_found_are_said_with_the_table(
    dialog: TableS1Dialog, sample: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    session, document = sample.session, sample.session.document
    assert document is not None
    box = Box((20, 100, 100), (36, 130, 160))
    recorder = session.record(EditKind.FIND_OBJECTS, "objects")
    recorder.write(box, blocks())
    rows = {n: ObjectRow("Filopodium") for n in (1, 2, 3, 4)}
    session.commit(recorder, rows=document.object_table.change(rows))
    qtbot.waitUntil(lambda: dialog.table is not None)
    assert "⚠" not in dialog.caption.text()
    with session.edit(EditKind.BRUSH) as edit:
        edit.write(box, np.full(box.shape, 255, np.uint8))
    said = "⚠ The labels have changed since the objects were found. Find them again."
    qtbot.waitUntil(lambda: said in dialog.caption.text())
    dialog.copy.click()
    assert said in QGuiApplication.clipboard().text()
    told: list[str] = []
    session.message.connect(told.append)
    monkeypatch.setattr(questions, "save_file", lambda *_: tmp_path / "s1.csv")
    dialog.save.click()
    assert said in told[-1]
    sample.actions_.by_name["edit.undo"].trigger()
    qtbot.waitUntil(lambda: "⚠" not in dialog.caption.text())
