"""What the record says of a segmentation that was ended half-way, where no model was chosen."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pytestqt.qtbot import QtBot

from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.segment.panel import SegmentPanel
from sxtstudio.core.edits import Recorder
from sxtstudio.core.geometry import Box
from sxtstudio.core.polarity import chosen_polarity
from sxtstudio.segment.registry import load_card
from sxtstudio.workflow.document.recovered import recover

Voxels = NDArray[np.uint8] | NDArray[np.uint32]


@pytest.fixture
def panel(sample: MainWindow, toy_model: Path, monkeypatch: pytest.MonkeyPatch) -> SegmentPanel:
    """The panel for four slices of the sample; the default model is the toy, and nobody has chosen it."""
    monkeypatch.setattr("sxtstudio.segment.job.load_card", lambda path: load_card(path or toy_model))
    found: SegmentPanel = sample.context.parts.segment
    sample.session.set_polarity(chosen_polarity("dark"))
    found.form.slices.set_range(20, 24)
    found.form.neighbours.setChecked(False)
    assert found.form.parameters().model is None
    return found


def expected(model: Path) -> dict[str, object]:
    return {
        "model": model.stem,
        "model_sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "threshold": 0.0,
        "polarity": "dark",
        "slices": [20, 24],
        "tile_px": None,
        "neighbours": 0,
        "leave_out": True,
    }


def test_a_cancelled_part_says_by_which_model_and_how(
    sample: MainWindow,
    panel: SegmentPanel,
    toy_model: Path,
    cancel_before: Callable[[int], None],
    qtbot: QtBot,
) -> None:
    cancel_before(23)
    panel.start()
    qtbot.waitUntil(lambda: panel.run is None, timeout=60_000)
    step = sample.session.document.steps[-1]
    assert step.partial and step.parameters["finished_slices"][0] == 20
    assert expected(toy_model).items() <= step.parameters.items()
    assert step.parameters["device"]


def test_so_does_one_that_a_crash_ended(
    sample: MainWindow,
    panel: SegmentPanel,
    toy_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    document, left = sample.session.document, tmp_path / "left"
    document.autosave(wait=True)
    write = Recorder.write

    def write_and_copy(self: Recorder, box: Box, values: Voxels) -> Box | None:
        changed = write(self, box, values)
        if changed is not None and not left.exists():  # what a crash in this moment would leave
            document.undo.wait()
            shutil.copytree(document.folder, left, ignore=shutil.ignore_patterns("*lock*"))
        return changed

    monkeypatch.setattr(Recorder, "write", write_and_copy)
    panel.start()
    qtbot.waitUntil(lambda: panel.run is None, timeout=60_000)
    document.discard()
    sample.session.show(None)
    sample.session.show(recover(left))
    step = sample.session.document.steps[-1]
    assert step.partial and step.parameters["finished_slices"] == [20, 21]
    assert expected(toy_model).items() <= step.parameters.items()
    assert step.parameters["device"]
