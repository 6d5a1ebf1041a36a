"""Tools > Threshold robustness: what is tried, drawn and written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from sxtstudio.app import questions
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.objects.robustness import NO_OUTPUT, RobustnessDialog
from sxtstudio.workflow.document.network_output import keep_output


@pytest.fixture
def dialog(sample: MainWindow) -> RobustnessDialog:
    sample.actions_.by_name["tools.robustness"].trigger()
    dialog = sample.context.dialogs.find(RobustnessDialog)
    assert dialog is not None
    return dialog


@pytest.fixture
def filled(dialog: RobustnessDialog, sample: MainWindow) -> RobustnessDialog:
    """With an output of slices 10 to 19: a sure block and an unsure one."""
    document = sample.session.document
    assert document is not None
    output = np.zeros((10, *document.shape[1:]), np.uint8)
    output[2:8, 10:30, 10:30], output[2:8, 50:60, 50:60] = 250, 150
    keep_output(
        lambda path: path.write_bytes(output.tobytes()), document.bulk, document.shape, (10, 20), 0.1, "toy"
    )
    sample.session.history_changed.emit()
    return dialog


def test_without_an_output_it_is_said_how_to_get_one(dialog: RobustnessDialog) -> None:
    assert dialog.about.text() == NO_OUTPUT and not dialog.run.isEnabled()


def test_curves_are_drawn_and_written(
    filled: RobustnessDialog,
    sample: MainWindow,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    filled.low.setValue(0.0)
    filled.high.setValue(0.4)
    filled.erosions.setValue(1)
    filled.sizes.setText("0, 1000")
    filled.run.click()
    qtbot.waitUntil(lambda: filled.found is not None and filled.job is None, timeout=20_000)
    objects = filled.plots[0].figure
    assert objects is not None and objects.mark == (0.1, "in use")
    assert [curve.y.tolist() for curve in objects.curves] == [[2, 1, 1], [2, 1, 1]]
    sizes = filled.plots[2].figure
    assert sizes is not None and [curve.y.tolist() for curve in sizes.curves] == [[2, 1, 1], [1, 1, 1]]
    volume = filled.plots[1].figure
    assert volume is not None and volume.y_title == "Total volume (µm³)"
    assert volume.curves[0].y == pytest.approx([3000e-6, 2400e-6, 2400e-6])
    for button, name in ((filled.save, "r.csv"), (filled.export, "r.svg")):
        monkeypatch.setattr(questions, "save_file", lambda *args, name=name, **more: tmp_path / name)
        button.click()
        assert sample.statusBar().currentMessage() == f"Saved {tmp_path / name}."
    assert (tmp_path / "r.csv").read_text(encoding="utf-8").count("\n") == 1 + 3 * 2 * 2
    assert "in use" in (tmp_path / "r.svg").read_text(encoding="utf-8")


def test_it_can_be_cancelled_and_leaves_no_file(
    filled: RobustnessDialog, sample: MainWindow, qtbot: QtBot
) -> None:
    document = sample.session.document
    assert document is not None
    filled.run.click()
    assert filled.job is not None and not filled.run.isEnabled()
    filled.strip.cancel_button.click()
    qtbot.waitUntil(lambda: filled.job is None, timeout=20_000)
    assert filled.found is None and filled.run.isEnabled()
    assert [path.name for path in document.bulk.iterdir() if "robustness" in path.name] == []


def test_sizes_that_are_no_numbers_are_said(filled: RobustnessDialog) -> None:
    filled.sizes.setText("many")
    filled.run.click()
    assert "whole numbers" in filled.about.text() and filled.job is None


def test_more_thresholds_than_are_tried_are_said_and_not_left_out(filled: RobustnessDialog) -> None:
    filled.low.setValue(-1.0)
    filled.high.setValue(1.0)
    filled.step.setValue(0.02)
    filled.run.click()
    assert "101 thresholds" in filled.about.text() and filled.job is None
    filled.step.setValue(0.05)
    assert filled.choices.thresholds[-1] == 1.0
