"""Objects of known places in the sample tomogram, and the hand that draws with the mouse tools."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from sxtstudio.app.main_window import MainWindow
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box
from sxtstudio.core.object_table import Decided, ObjectFlag, ObjectRow
from tests.app.labels.conftest import hand

__all__ = ["hand"]

BOXES = {
    3: Box((20, 100, 100), (40, 140, 150)),
    5: Box((20, 200, 100), (30, 210, 120)),
    2**31 + 7: Box((0, 300, 200), (10, 330, 230)),
}
ROWS = {
    3: ObjectRow("Mitochondrion", Decided.HAND),
    5: ObjectRow("", notes="beside the nucleus"),
    2**31 + 7: ObjectRow("Vesicle", Decided.RULE, flags=frozenset({ObjectFlag.BORDER, ObjectFlag.OPEN})),
}
LARGE = 2**31 + 7


@pytest.fixture(autouse=True)
def quickly_opened(sample_is_looked_at_once: None) -> None:
    """Tests of this folder need the sample open, and do not care how it was looked at."""


@pytest.fixture
def room(sample: MainWindow, qtbot: QtBot) -> MainWindow:
    """The window with three objects."""
    document = sample.session.document
    assert document is not None
    recorder = sample.session.record(EditKind.FIND_OBJECTS, "objects")
    for number, box in BOXES.items():
        recorder.write(box, np.full(box.shape, number, np.uint32))
    sample.session.commit(recorder, rows=document.object_table.change(ROWS))
    return sample


def quiet(window: MainWindow, qtbot: QtBot) -> None:
    """Wait until nothing is computed any more."""
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=30_000)
