"""Pointer events on the real window, in all three planes."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from sxtstudio.app.labels.tools.base import PointerEvent
from sxtstudio.app.labels.tools.toolbox import Toolbox
from sxtstudio.app.main_window import MainWindow
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box
from sxtstudio.core.planes import Plane


@pytest.fixture(autouse=True)
def quickly_opened(sample_is_looked_at_once: None) -> None:
    """Tests of this folder need the sample open, and do not care how it was looked at."""


class Hand:
    """Draws with the mouse tools of a window."""

    def __init__(self, window: MainWindow, qtbot: QtBot) -> None:
        self.window, self.qtbot = window, qtbot
        self.session = window.session
        self.toolbox: Toolbox = window.context.parts.toolbox
        self.said: list[str] = []
        self.told: list[tuple[str, object]] = []
        self.session.message.connect(self.said.append)
        self.session.labels_changed.connect(lambda box: self.told.append(("labels", box)))
        self.session.mask_changed.connect(lambda box: self.told.append(("mask", box)))

    def take(self, tool: str, target: str = "labels", **fields: object) -> None:
        self.session.tool.set(tool=tool, target=target, **fields)

    def stroke(self, plane: Plane, depth: int, *points: tuple[float, float], **keys: bool) -> None:
        """Press at the first point, move to the others, let go at the last."""
        events = [PointerEvent(plane, *point, depth, "left", **keys) for point in points]
        self.toolbox.press(events[0])
        for event in events[1:]:
            self.toolbox.move(event)
        self.toolbox.release(events[-1])

    def click(self, plane: Plane, depth: int, point: tuple[float, float], **keys: bool) -> None:
        self.stroke(plane, depth, point, **keys)

    def key(self, key: Qt.Key) -> None:
        """Press a key in the window; shortcuts belong to the active one."""
        self.window.activateWindow()
        self.qtbot.waitUntil(self.window.isActiveWindow, timeout=5000)
        self.qtbot.keyClick(self.window, key)

    def wait(self) -> None:
        """Until all jobs have ended, and what they did has been announced."""
        self.qtbot.waitUntil(
            lambda: not self.window.jobs.running and self.session.busy is None, timeout=10_000
        )

    def voxels(self, target: str = "labels") -> np.ndarray:
        """The labels as bool (z, y, x)."""
        found = self.session.labels_of(target)
        assert found is not None
        return np.asarray(found) > 0

    def plane(self, plane: Plane, depth: int, target: str = "labels") -> np.ndarray:
        """A slice as the view shows it: rows and columns."""
        volume = self.voxels(target)
        if plane == "xy":
            return volume[depth]
        return volume[:, depth, :] if plane == "xz" else volume[:, :, depth].T

    def draw_box(self, z: slice, y: slice, x: slice, target: str = "labels") -> None:
        """Put a cuboid of labels there, as an edit."""
        document = self.session.document
        assert document is not None
        with self.session.edit(EditKind.BRUSH, target) as recorder:
            new = np.array(recorder.labels)
            new[z, y, x] = 255
            recorder.write(Box.whole(document.shape), new)


@pytest.fixture
def hand(sample: MainWindow, qtbot: QtBot) -> Hand:
    """The hand of somebody who has opened the sample tomogram (64 × 384 × 384)."""
    hand = Hand(sample, qtbot)
    hand.wait()  # the first look sets the contrast, on which the magic wand depends
    return hand
