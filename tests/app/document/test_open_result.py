"""What a batch or a beamtime made of a tomogram is opened with it in the window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from pytestqt.qtbot import QtBot

from sxtstudio.app.document.open_result import open_result
from sxtstudio.app.main_window import MainWindow


@pytest.mark.parametrize("there", ["both", "labels", "nothing"])
def test_labels_and_objects_come_along_where_they_are_there(
    there: str, window: MainWindow, tomogram: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    labels = np.zeros((6, 64, 80), np.uint8)
    labels[1:3, 10:20, 10:20] = labels[3:5, 30:40, 40:50] = 255
    numbers = np.zeros(labels.shape, np.uint16)
    numbers[1:3, 12:18, 12:18], numbers[3:5, 31:39, 42:48] = 1, 7
    made = {name: tmp_path / f"first.{name}.tif" for name in ("labels", "objects")}
    if there != "nothing":
        tifffile.imwrite(made["labels"], labels)
    if there == "both":
        tifffile.imwrite(made["objects"], numbers)
    with qtbot.waitSignal(window.session.document_changed, timeout=20_000):
        open_result(window.context, tomogram, made["labels"], made["objects"])
    qtbot.waitUntil(lambda: not window.jobs.running and window.session.busy is None, timeout=20_000)
    qtbot.wait(50)
    qtbot.waitUntil(lambda: not window.jobs.running and window.session.busy is None, timeout=20_000)
    document = window.session.document
    assert document is not None and document.source == str(tomogram)
    read = np.zeros_like(labels) if document.labels is None else np.asarray(document.labels)
    assert np.array_equal(read != 0, (labels != 0) & (there != "nothing"))
    found = np.zeros_like(numbers) if document.objects is None else np.asarray(document.objects)
    assert np.array_equal(found, numbers if there == "both" else np.zeros_like(numbers))
    assert len(document.object_table.rows) == (2 if there == "both" else 0)
