"""Panels of a real window with toy models, and what the errors say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from pytestqt.qtbot import QtBot

from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.panels.segment import SegmentPanel

SAMPLE = Path(__file__).resolve().parents[3] / "resources" / "sample.tif"


@pytest.fixture(scope="session")
def sample_values() -> NDArray[np.float32]:
    """The sample tomogram (z, y, x), read by another library than the program's own reader."""
    return tifffile.imread(SAMPLE).astype(np.float32)


@pytest.fixture
def errors(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """Errors that the user would be shown, without the dialogs."""
    told: list[Exception] = []
    monkeypatch.setattr("sxtstudio.app.main_window.show_error", lambda parent, error: told.append(error))
    return told


@pytest.fixture
def segment_with(
    sample: MainWindow, qtbot: QtBot, errors: list[Exception]
) -> Callable[[Path, tuple[int, int]], SegmentPanel]:
    """Prepare the panel for a model and a range of slices of the sample, each judged alone."""

    def prepared(model: Path, slices: tuple[int, int]) -> SegmentPanel:
        panel: SegmentPanel = sample.context.parts["segment"]
        sample.session.set_polarity("dark", "it is known")
        panel.form.use_model(str(model))
        panel.form.slices.set_range(*slices)
        panel.form.neighbours.setChecked(False)
        return panel

    return prepared


@pytest.fixture(autouse=True)
def no_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A question that a test did not expect fails it, and does not wait for ever."""

    def ask(parent: object, title: str, text: str, *args: object) -> str:
        raise AssertionError(f"asked: {text}")

    monkeypatch.setattr("sxtstudio.app.asking.ask", ask)
