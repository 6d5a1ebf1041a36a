"""Tools > Quality of the tomogram: it judges what is open, shows it in words, and writes it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from pytestqt.qtbot import QtBot

from sxtstudio.app import questions
from sxtstudio.app.help.reader import Documentation
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.objects.plots.figure import FigurePlot
from sxtstudio.app.quality.dialog import QualityDialog
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box
from sxtstudio.core.object_table import ObjectRow
from sxtstudio.core.quality.dictionary import FigureName
from sxtstudio.core.quality.measure import measure_quality
from sxtstudio.core.quality.plots import quality_plots
from sxtstudio.core.quality.record import CurveSource, Quality, QualityFlag, SliceFigures
from sxtstudio.core.records import record_of
from sxtstudio.core.trust import SliceTrust
from sxtstudio.core.volume import ArrayVolume
from tests.core.quality.phantoms import cell_in_ice


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small cell (8 × 96 × 96, 10 nm), which is judged much sooner than the sample."""
    path = tmp_path_factory.mktemp("quality") / "cell.tif"
    volume, _ = cell_in_ice(shape=(8, 96, 96), noise=0.15)
    about = {"axes": "ZYX", "unit": "nm", "spacing": 10.0}
    tifffile.imwrite(path, volume, imagej=True, resolution=(0.1, 0.1), metadata=about)
    return path


@pytest.fixture
def opened(open_file: Callable[[Path], MainWindow], cell: Path) -> MainWindow:
    return open_file(cell)


@pytest.fixture
def dialog(opened: MainWindow, qtbot: QtBot) -> QualityDialog:
    return asked_for(opened, qtbot)


def asked_for(window: MainWindow, qtbot: QtBot) -> QualityDialog:
    window.actions_.by_name["tools.quality"].trigger()
    dialog = window.context.dialogs.find(QualityDialog)
    assert dialog is not None
    judged(dialog, qtbot)
    return dialog


def judged(dialog: QualityDialog, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: dialog.found is not None and dialog.job is None, timeout=30_000)


def test_the_sample_is_judged_by_itself_and_is_good(sample: MainWindow, qtbot: QtBot) -> None:
    """The sample that the program ships raises no flag; every figure has a row with a sentence."""
    dialog = asked_for(sample, qtbot)
    found = dialog.found
    assert found is not None
    assert [figure.sentence for figure in found.flagged] == []
    assert dialog.rows.rowCount() == len(found.figures)
    for row, figure in enumerate(found.figures):
        title, value, sentence = (dialog.rows.item(row, column) for column in range(3))
        assert title is not None and value is not None and sentence is not None
        assert (title.text(), value.text(), sentence.text()) == (
            figure.definition.title,
            figure.text,
            figure.sentence,
        )
    correlation, along_z = (plot.figure for plot in dialog.plots)
    assert correlation is not None and correlation.x_title == "Frequency (1/µm)"
    assert along_z is not None and along_z.curves[0].x.tolist() == [one.z + 1 for one in found.slices]
    assert not dialog.strip.isVisible()


def test_all_of_it_is_written(
    dialog: QualityDialog, opened: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for button, name in ((dialog.save, "q.json"), (dialog.export, "q.svg")):
        monkeypatch.setattr(questions, "save_file", lambda *_, name=name: tmp_path / name)
        button.click()
        assert opened.statusBar().currentMessage() == f"Saved {tmp_path / name}."
    values = json.loads((tmp_path / "q.json").read_text(encoding="utf-8"))
    assert record_of(values, Quality, "The record") == dialog.found
    assert "Fourier ring correlation" in (tmp_path / "q.svg").read_text(encoding="utf-8")


def test_a_half_reconstruction_gives_a_true_resolution(
    dialog: QualityDialog, opened: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = opened.session.document
    assert document is not None
    monkeypatch.setattr(questions, "open_file", lambda *_: Path(document.source))
    dialog.found = None
    dialog.choose.click()
    judged(dialog, qtbot)
    assert dialog.found is not None and dialog.found.curve is not None
    assert dialog.found.curve.source is CurveSource.HALVES
    assert min(dialog.found.curve.correlation) > 0.99  # it is the same one


def test_labels_objects_and_trust_of_what_is_open_count(
    dialog: QualityDialog, opened: MainWindow, qtbot: QtBot
) -> None:
    session = opened.session
    document = session.document
    assert document is not None
    document.trust = (SliceTrust(0.2),) * document.shape[0]
    recorder = session.record(EditKind.FIND_OBJECTS, "objects")
    recorder.write(Box((0, 0, 0), (2, 2, 2)), np.full((2, 2, 2), 3, np.uint32))
    session.commit(recorder, rows=document.object_table.change({3: ObjectRow("Vesicle")}))
    dialog.found = None
    dialog.run.click()
    judged(dialog, qtbot)
    assert dialog.found is not None
    certainty = dialog.found.figure(FigureName.CERTAINTY)
    assert certainty is not None and certainty.flag is QualityFlag.BAD
    assert dialog.found.objects == {"Vesicle": 1}
    assert "to look at" in dialog.summary.text()
    row = dialog.found.figures.index(certainty)
    item = dialog.rows.item(row, 0)
    assert item is not None and item.font().bold()


def test_the_help_page_is_one_click_away(dialog: QualityDialog, opened: MainWindow) -> None:
    dialog.explain.click()
    page = opened.context.dialogs.find(Documentation)
    assert page is not None and page.isVisible()


def test_another_tomogram_is_judged_anew(dialog: QualityDialog, opened: MainWindow, qtbot: QtBot) -> None:
    dialog.found = None
    opened.session.document_changed.emit()
    judged(dialog, qtbot)
    assert dialog.rows.rowCount() > 0


def test_grey_values_below_zero_are_drawn(qtbot: QtBot) -> None:
    """Counts begin at 0; the mean of a reconstruction may lie anywhere."""
    plot = FigurePlot("Mean and SD along z")
    qtbot.addWidget(plot)
    slices = tuple(SliceFigures(z, -5.0 - z, 0.5) for z in range(4))
    plot.show_figure(quality_plots(Quality("a", (4, 1, 1), None, (), slices))[1])
    plot.view.plotItem.vb.updateAutoRange()
    assert plot.view.plotItem.vb.viewRange()[1][0] < -8


def test_a_plot_that_is_not_there_says_why(dialog: QualityDialog) -> None:
    """One slice has no neighbours to compare it with, and no course along z."""
    image = np.random.default_rng(1).normal(5, 1, (1, 96, 96)).astype(np.float32)
    dialog.show_quality(measure_quality(ArrayVolume(image)))
    said = [place.currentWidget() for place in dialog.places]
    assert said == list(dialog.reasons)
    assert "neighbouring slices" in dialog.reasons[0].text()
    assert f"mean is {image.mean():.4g}" in dialog.reasons[1].text()
    dialog.show_quality(measure_quality(ArrayVolume(np.repeat(image, 3, axis=0) * [[[1]], [[2]], [[3]]])))
    assert dialog.places[1].currentWidget() is dialog.plots[1]
