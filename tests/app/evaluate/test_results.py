"""Results: percentages, several projects, figure and CSV, and labels for retraining."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt

from sxtstudio.app import questions
from sxtstudio.app.document.opening import open_path
from sxtstudio.app.evaluate.results import ResultsDialog
from sxtstudio.app.retrain.labels import LabelsPage
from sxtstudio.app.states import Panel
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.evaluation.judgement import Evaluation, JudgedSlice, JudgedTomogram, summarise
from sxtstudio.core.evaluation.marks import JudgedPixels
from sxtstudio.core.geometry import Box
from sxtstudio.workflow.document.project import save, snapshot
from sxtstudio.workflow.jobs.judged_files import judged_rows

SAMPLE = Path(__file__).resolve().parents[3] / "resources" / "sample.tif"


@pytest.fixture
def results(expert) -> ResultsDialog:
    """The dialog, with two judged slices: one with 100 of 500 pixels false, one without."""
    expert.begin()
    expert.stroke((105, 105))
    expert.panel.next()
    expert.panel.next()
    expert.panel.results.click()
    dialog = expert.window.context.dialogs.find(ResultsDialog)
    assert dialog is not None
    return dialog


def row(dialog: ResultsDialog, number: int) -> list[str]:
    return [dialog.rows.item(number, column).text() for column in range(dialog.rows.columnCount())]


def test_percentages_with_the_papers_own_beside(results) -> None:
    assert row(results, 0) == [
        "2 slices, mean ± SD",
        "90.0 ± 14.1",
        "0.0 ± 0.0",
        "10.0 ± 14.1",
        "0.0 ± 0.0",
        "",
    ]
    assert row(results, 1)[1:5] == ["90.0", "0.0", "10.0", "0.0"]
    assert row(results, 2)[1:5] == ["69.8 ± 10.4", "27.7 ± 10.8", "1.3 ± 2.2", "1.2 ± 2.1"]
    assert row(results, 3) == ["sample.tif, slice 16", "80.0", "0.0", "20.0", "0.0", "500"]
    assert len(results.plot.figure.bars) == 8
    results.paper.setChecked(False)
    assert len(results.plot.figure.bars) == 4


def test_it_follows_what_is_judged(expert, results) -> None:
    expert.panel.next()
    assert row(results, 0)[0] == "3 slices, mean ± SD"
    for _ in range(4):  # three judgements, and then the mark in slice 16
        expert.window.actions_.by_name["edit.undo"].trigger()
    for _ in range(3):
        expert.panel.next()
    assert row(results, 0)[1] == "100.0 ± 0.0"


def test_csv_and_pictures(results, expert, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, press in (("e.csv", results.save), ("e.png", results.export), ("e.svg", results.export)):
        monkeypatch.setattr(questions, "save_file", lambda *_, name=name, **__: tmp_path / name)
        press.click()
        assert expert.window.statusBar().currentMessage() == f"Saved {tmp_path / name}."
    with (tmp_path / "e.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["slice_from_1"], r["slice_from_0"]) for r in rows[:2]] == [("16", "15"), ("26", "25")]
    assert [r["labels_changed_since"] for r in rows[:3]] == ["no", "no", ""]
    assert float(rows[0]["false_positive_percent"]) == 20 and rows[0]["false_positive_pixels"] == "100"
    named = {r["tomogram"]: r for r in rows}
    assert float(named["mean over slices"]["true_positive_percent"]) == 90
    assert float(named["sd over slices"]["true_positive_percent"]) == pytest.approx(14.142136)
    assert float(named["paper: mean over slices"]["false_negative_percent"]) == 27.7
    assert named["all pixels"]["true_positive_pixels"] == "900"
    assert not any("tomograms" in name for name in named), "there is one"
    with Image.open(tmp_path / "e.png") as picture:
        assert picture.size[0] > 1000
    svg = (tmp_path / "e.svg").read_text(encoding="utf-8")
    assert "Labelled pixels" in svg and "<path" in svg


def test_mean_and_sd_over_tomograms_are_written_from_two_on() -> None:
    def rows(*shares: int) -> dict[str, object]:
        judged = [{0: JudgedSlice(JudgedPixels(share, 100 - share, 0, 0), 0)} for share in shares]
        summary = summarise(
            [JudgedTomogram(str(n), Evaluation((0,), one, {})) for n, one in enumerate(judged)]
        )
        found = {row["tomogram"]: row.get("true_positive_percent") for row in judged_rows(summary)}
        return {name: value for name, value in found.items() if "tomograms" in name}

    assert rows(80) == {}
    sd = pytest.approx(14.142136)
    assert rows(80, 60) == {"mean over tomograms": pytest.approx(70), "sd over tomograms": sd}


def test_labels_that_changed_since_are_said_in_window_and_file(expert, results, tmp_path: Path) -> None:
    with expert.elsewhere(EditKind.BRUSH) as recorder:
        recorder.paint(Box((15, 0, 0), (16, 1, 9)), np.ones((1, 1, 9), bool), 255)
    expert.qtbot.waitUntil(lambda: expert.work.outdated == {15}, timeout=5000)
    assert row(results, 3)[0] == "sample.tif, slice 16 ⚠"
    assert "⚠ 1 slice with labels that changed since" in results.what.text()
    rows = list(judged_rows(results.summary))
    assert [r["labels_changed_since"] for r in rows[:2]] == ["yes", "no"]


def test_a_project_without_judged_slices_is_listed_and_follows(expert, tmp_path: Path) -> None:
    expert.begin()
    expert.session.collect_view()
    folder = tmp_path / "none.sxt"
    save(snapshot(expert.document), folder).lock.release()
    expert.panel.results.click()
    dialog = expert.window.context.dialogs.find(ResultsDialog)
    dialog.add_project(folder)
    expert.qtbot.waitUntil(lambda: folder in dialog.others, timeout=5000)
    assert dialog.tomograms.item(1, 1).text() == "0 of 3 judged" and not dialog.problem.text()
    assert not dialog.teach.isEnabled() and "no slice is judged" in dialog.teach.toolTip()
    expert.panel.next()
    assert dialog.teach.isEnabled() and "Not now" not in dialog.teach.toolTip()
    expert.qtbot.keyClick(dialog.tomograms, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    expert.session.collect_view()
    copy = tmp_path / "judged.sxt"
    save(snapshot(expert.document), copy).lock.release()
    shutil.rmtree(folder)
    copy.rename(folder)  # judged since, by whomever
    expert.panel.results.click()
    expert.qtbot.waitUntil(lambda: dialog.tomograms.item(1, 1).text() == "1 of 3 judged", timeout=5000)


def test_several_tomograms_together(expert, saved: Path, tmp_path: Path) -> None:
    with expert.qtbot.waitSignal(expert.session.document_changed, timeout=20_000):
        open_path(expert.window.context, SAMPLE)
    expert.panel.results.click()
    dialog = expert.window.context.dialogs.find(ResultsDialog)
    dialog.add_project(saved)
    expert.qtbot.waitUntil(lambda: saved in dialog.others, timeout=5000)
    assert dialog.summary.pixels == JudgedPixels(800, 0, 200)
    assert [dialog.tomograms.item(r, 0).text() for r in range(2)] == ["sample.tif (open)", "one.sxt"]
    assert dialog.tomograms.item(1, 1).text() == "2 of 3 judged"
    dialog.add_project(tmp_path / "gone.sxt")
    expert.qtbot.waitUntil(lambda: bool(dialog.problem.text()), timeout=5000)
    assert dialog.summary.slices == 2
    dialog.tomograms.selectRow(1)
    dialog.remove.click()
    assert dialog.summary.slices == 0 and dialog.others == {}
    assert expert.window.settings.get("evaluation/projects", []) == [str(tmp_path / "gone.sxt")]


def test_the_open_project_counts_once(expert, saved: Path) -> None:
    expert.panel.results.click()
    dialog = expert.window.context.dialogs.find(ResultsDialog)
    dialog.add_project(saved)
    expert.qtbot.waitUntil(lambda: saved in dialog.others, timeout=5000)
    assert dialog.summary.slices == 2 and len(dialog.summary.tomograms) == 1
    expert.qtbot.waitUntil(lambda: not expert.window.jobs.running, timeout=5000)
    assert "one.sxt is open" in dialog.problem.text()


def test_judged_slices_are_proposed_for_retraining_as_corrected(expert, results) -> None:
    from sxtstudio.app.retrain.dialog import RetrainDialog

    results.teach.click()
    dialog = expert.window.context.dialogs.find(RetrainDialog)
    page: LabelsPage = dialog.labels
    expert.qtbot.waitUntil(lambda: bool(page.rows), timeout=20_000)
    assert page.rows[0].field.text() == "16, 26"
    assert page.rows[0].summary.pixels[15] == 400 and page.rows[0].summary.pixels[25] == 500
    assert "2 slices judged by an expert" in page.rows[0].facts.text()
    complete = expert.window.context.parts.complete
    assert not complete.slices, "nobody has called them complete"
    # It follows the judgements: what is taken back is learned from no more, and what comes is.
    expert.work.go(15)
    expert.work.take_back_judgement()
    assert page.rows[0].field.text() == "26" and "1 slice judged" in page.rows[0].facts.text()
    expert.work.go(35)
    expert.panel.next()
    assert page.rows[0].field.text() == "26, 36"
    complete.set(frozenset({2, 25}))  # Ctrl+K in slice 26 as well
    assert page.rows[0].field.text() == "3, 26, 36"
    expert.work.go(25)
    expert.work.take_back_judgement()
    assert page.rows[0].field.text() == "3, 26, 36", "it is called complete, whoever judges it"
    with expert.elsewhere(EditKind.BRUSH) as recorder:
        recorder.paint(Box((35, 0, 0), (36, 1, 9)), np.ones((1, 1, 9), bool), 255)
    expert.qtbot.waitUntil(lambda: page.rows[0].field.text() == "3, 26", timeout=5000)
    page.rows[0].field.setText("26")
    assert complete.slices == {25}
    row = page.rows[0]
    row.remove.click()
    complete.set(frozenset({7}))
    assert row.field.text() == "26", "what is off the list follows nothing, and writes nothing"
    dialog.close()


def test_all_tomograms_of_the_list_teach_together(expert, saved: Path) -> None:
    from sxtstudio.app.retrain.dialog import RetrainDialog

    with expert.qtbot.waitSignal(expert.session.document_changed, timeout=20_000):
        open_path(expert.window.context, SAMPLE)
    with expert.elsewhere(EditKind.OPEN_LABELS) as recorder:
        recorder.paint(Box((8, 20, 20), (9, 22, 40)), np.ones((1, 2, 20), bool), 255)
    expert.panel.results.click()
    results = expert.window.context.dialogs.find(ResultsDialog)
    results.add_project(saved)
    expert.qtbot.waitUntil(results.teach.isEnabled, timeout=5000)  # none of the open one is judged
    expert.work.begin((8,))
    expert.panel.next()
    results.teach.click()
    dialog = expert.window.context.dialogs.find(RetrainDialog)
    page: LabelsPage = dialog.labels
    assert page.looking
    expert.qtbot.waitUntil(lambda: not page.looking, timeout=20_000)
    chosen = {one.name: one for one in page.chosen}
    assert {name: one.slices for name, one in chosen.items()} == {"sample.tif": (8,), "one.sxt": (15, 25)}
    assert chosen["one.sxt"].summary.membrane((15, 25)) == 800  # without what is false
    # Opened, the project is the same labels, and not learned from twice.
    expert.document.modified = False
    with expert.qtbot.waitSignal(expert.session.document_changed, timeout=20_000):
        open_path(expert.window.context, saved)
    expert.qtbot.waitUntil(lambda: not page.looking and bool(page.rows), timeout=20_000)
    expert.qtbot.waitUntil(lambda: page.rows[0].summary.source.held is not None, timeout=20_000)
    assert [(row.name, row.field.text()) for row in page.rows] == [("one.sxt", "16, 26")]
    dialog.close()


def test_the_panel_is_reached_from_the_menu(expert) -> None:
    side = expert.window.context.parts.side
    side.show_panel(Panel.IMAGE)
    expert.window.actions_.by_name["tools.evaluate"].trigger()
    assert side.current is Panel.EVALUATE


def test_another_project_is_opened_from_the_list_and_the_first_still_counts(
    expert, saved: Path, tmp_path: Path
) -> None:
    second = tmp_path / "two.sxt"
    with_changes = expert.document
    expert.panel.next()
    expert.session.collect_view()
    save(snapshot(with_changes), second).lock.release()  # a second one, with three judged slices
    expert.panel.results.click()
    dialog = expert.window.context.dialogs.find(ResultsDialog)
    dialog.add_project(second)
    expert.qtbot.waitUntil(lambda: second in dialog.others, timeout=5000)
    assert dialog.summary.slices == 3 + 3 and len(dialog.summary.tomograms) == 2
    dialog.tomograms.selectRow(1)
    with_changes.modified = False
    with expert.qtbot.waitSignal(expert.session.document_changed, timeout=20_000):
        dialog.open_it.click()
    expert.qtbot.waitUntil(lambda: len(expert.work.evaluation.judged) == 3, timeout=5000)
    assert saved in dialog.projects
    expert.qtbot.waitUntil(lambda: saved in dialog.others, timeout=5000)
    assert dialog.summary.slices == 3 + 2  # as they are saved
    names = {dialog.tomograms.item(r, 0).text() for r in range(dialog.tomograms.rowCount())}
    assert names == {"two.sxt (open)", "one.sxt"}
