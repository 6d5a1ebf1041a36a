"""An expert at the window: labels in the sample, and the panel “Evaluate”."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from sxtstudio.app.labels.tools.base import PointerEvent
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.states import Panel
from sxtstudio.core.edit_kind import EditKind, Target
from sxtstudio.core.edits import Recorder
from sxtstudio.core.geometry import Box


class Expert:
    """Judges slices of the sample tomogram (64 × 384 × 384)."""

    def __init__(self, window: MainWindow, qtbot: QtBot) -> None:
        self.window, self.qtbot, self.session = window, qtbot, window.session
        parts = window.context.parts
        self.toolbox, self.panel, self.work = parts.toolbox, parts.evaluate, parts.evaluation
        self.said: list[str] = []
        self.session.message.connect(self.said.append)
        box = Box.whole(self.document.shape)
        labels = np.zeros(box.shape, np.uint8)
        labels[:, 50:54, 50:150] = 255  # 400 px in each slice
        labels[:, 100:110, 100:110] = 255  # 100 px
        with self.session.edit(EditKind.OPEN_LABELS) as recorder:
            recorder.write(box, labels)
        parts.side.show_panel(Panel.EVALUATE)
        QApplication.processEvents()

    @property
    def document(self):
        document = self.session.document
        assert document is not None
        return document

    def begin(self, first: int = 11, last: int = 40, number: int = 3) -> None:
        """Judge some slices, named as the window counts."""
        self.panel.choice.first.setValue(first)
        self.panel.choice.last.setValue(last)
        self.panel.choice.number.setValue(number)
        self.panel.choice.begin.click()

    @contextmanager
    def elsewhere(self, kind: EditKind, target: Target = "labels") -> Iterator[Recorder]:
        """Change something as another panel does, and come back."""
        task = self.session.task_undo
        self.session.set_task_undo(None)
        with self.session.edit(kind, target) as recorder:
            yield recorder
        self.session.set_task_undo(task)

    def stroke(self, *points: tuple[float, float], plane: str = "xy", **keys: bool) -> None:
        z = self.session.cursor[0]
        events = [PointerEvent(plane, *point, z, "left", **keys) for point in points]
        self.toolbox.press(events[0])
        for event in events[1:]:
            self.toolbox.move(event)
        self.toolbox.release(events[-1])

    def marks(self) -> np.ndarray:
        """The marks of the slice that is shown."""
        marks = self.session.labels_of("marks")
        assert marks is not None
        return np.array(marks[self.session.cursor[0]])

    def key(self, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        self.window.activateWindow()
        self.qtbot.waitUntil(self.window.isActiveWindow, timeout=5000)
        self.qtbot.keyClick(self.window.context.parts.slices.views["xy"], key, modifier)


@pytest.fixture
def expert(sample: MainWindow, qtbot: QtBot) -> Expert:
    """Somebody who has opened the sample with labels."""
    qtbot.waitUntil(lambda: not sample.jobs.running, timeout=10_000)
    return Expert(sample, qtbot)


@pytest.fixture
def saved(expert: Expert, tmp_path: Path) -> Path:
    """A project in which two of three slices are judged."""
    from sxtstudio.workflow.document.project import adopt, save, snapshot

    expert.begin()
    for _ in range(2):
        expert.stroke((105, 105))
        expert.panel.next()
    expert.session.collect_view()
    adopt(expert.document, save(snapshot(expert.document), tmp_path / "one.sxt"))
    return tmp_path / "one.sxt"
