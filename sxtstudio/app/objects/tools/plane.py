"""The dialog that splits the chosen object by a plane, which is seen in 3D and in the slices."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Work
from sxtstudio.app.jobs.preview import LivePreview
from sxtstudio.app.objects.tools import work
from sxtstudio.app.slice_preview import Preview, PreviewStyle
from sxtstudio.app.widgets.controls import ComboBox, Slider
from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.app.widgets.notes import form, note, show_note
from sxtstudio.core.cutting_plane import Vector, in_voxels, middle_and_axis, shares, turned
from sxtstudio.core.geometry import Box
from sxtstudio.core.object_split import beyond_plane
from sxtstudio.core.wording import grouped

_INTRO = "The plane is drawn in 3D, through the chosen object; the slices show its two parts in two colours."
_NONE = "Choose an object: click it in the table or in 3D, or Ctrl+click it in a slice."
_STEPS = 200  # of the slider from end to end of the object
_LARGER = 1.1  # than the object is the plane drawn


class Facing(Enum):
    """How the plane lies before it is tilted."""

    ACROSS = "across"
    SCREEN = "screen"
    UPRIGHT = "upright"
    LEVEL = "level"


_FACINGS = (
    (Facing.ACROSS, "Across the longest axis", "It cuts the object where it is longest"),
    (Facing.UPRIGHT, "Upright, as 3D is seen now", "A line from top to bottom on the screen, and into it"),
    (Facing.LEVEL, "Level, as 3D is seen now", "A line from left to right on the screen, and into it"),
    (Facing.SCREEN, "Parallel to the screen", "It divides what is in front from what is behind"),
)


@dataclass(frozen=True)
class _Cut:
    """The plane as the fields say, of which object; place and normal (z, y, x), in voxels and in space."""

    number: int
    box: Box
    place: Vector
    normal: Vector


@dataclass(frozen=True)
class _Found:
    """What a preview is made of: both parts in a slice, and the voxels of each."""

    z: int
    parts: NDArray[np.uint8]
    voxels: tuple[int, int]


class PlaneDialog(ToolDialog):
    """Stays open beside the window; each split is a step for Undo."""

    TITLE = "Split by a plane"
    PAGE = "objects.md#3-correct"

    def __init__(self, context: Context) -> None:
        """Begin with the object that was chosen last."""
        super().__init__(context)
        self._context, self._session = context, context.session
        self._cut: _Cut | None = None
        self._axis: Vector = (1.0, 0.0, 0.0)  # of the object, or as 3D was seen when it was asked for
        self._middle: Vector = (0.0, 0.0, 0.0)
        self._number = 0
        self.name = QLabel()
        self.facing = ComboBox()
        for facing, text, tip in _FACINGS:
            self.facing.addItem(text, facing)
            self.facing.setItemData(self.facing.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.facing.setAccessibleName("Direction of the plane")
        self.facing.setToolTip("How the plane lies; turn the 3D view and take it anew")
        self.take = self.button("Take anew", "mdi6.refresh", "Lay the plane as the 3D view is turned now")
        self.place, self.tilt, self.turn = (Slider(Qt.Orientation.Horizontal) for _ in range(3))
        for slider, most, label, tip in (
            (self.place, _STEPS // 2, "Place of the plane", "From one end of the object to the other"),
            (self.tilt, 90, "Tilt of the plane", "By degrees"),
            (self.turn, 90, "Turn of the plane", "By degrees, about the other direction"),
        ):
            slider.setRange(-most, most)
            slider.setAccessibleName(label)
            slider.setToolTip(tip)
            slider.setMinimumWidth(180)
        self.said = note(name="plane")
        self.apply = self.button("Split", "mdi6.content-cut", "Split the object by this plane; Undo joins it")
        self.apply.setProperty("role", "main")
        self.preview = LivePreview(
            context,
            "Previewing the split",
            wanted=self._wanted_preview,
            on_done=self._on_preview_done,
            say=partial(show_note, self.said),
            delay_ms=80,
            parent=self,
        )
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        intro = note(name="intro")
        rows = form()
        facing = QHBoxLayout()
        facing.addWidget(self.facing, 1)
        facing.addWidget(self.take)
        rows.addRow("Object", self.name)
        rows.addRow("Plane", facing)
        rows.addRow("Place", self.place)
        rows.addRow("Tilt", self.tilt)
        rows.addRow("Turn", self.turn)
        below = QHBoxLayout()
        below.addWidget(self.said, 1)
        below.addWidget(self.apply)
        layout = QVBoxLayout(self)
        layout.addWidget(intro)
        layout.addLayout(rows)
        layout.addLayout(below)
        show_note(intro, _INTRO)
        self.resize(440, self.sizeHint().height())

    def _connect(self) -> None:
        session = self._session
        self.facing.activated.connect(self.take_anew)
        self.take.clicked.connect(self.take_anew)
        for slider in (self.place, self.tilt, self.turn):
            slider.valueChanged.connect(self._on_moved)
        self.apply.clicked.connect(self.split)
        session.objects.changed.connect(self._on_session_objects_changed)
        session.objects_changed.connect(self._on_session_voxels_changed)
        session.document_changed.connect(self._begin)
        session.busy_changed.connect(self._follow)

    # -- the plane ---------------------------------------------------------------------------------

    def take_anew(self) -> None:
        """Lay the plane through the middle of the object, in the direction that is chosen."""
        for slider in (self.place, self.tilt, self.turn):
            with QSignalBlocker(slider):
                slider.setValue(0)
        self._begin()

    def split(self) -> None:
        """Split the object."""
        cut = self._cut
        if cut is None or self._session.busy is not None:
            return
        self.preview.take_away()
        voxel_nm = self._session.document.voxel_nm if self._session.document is not None else None
        work.split_by_plane(self._context, cut.number, cut.place, in_voxels(cut.normal, voxel_nm))

    def _begin(self) -> None:
        """Begin with the object that is chosen now."""
        document, selected = self._session.document, self._session.objects.value.selected
        objects = None if document is None else document.objects
        self._number = selected[-1] if selected else 0
        box = None if document is None or objects is None else document.box_of(self._number)
        if document is None or objects is None or box is None or not self.isVisible():
            self._number = self._number if self.isVisible() else 0
            self._cut = None
        else:
            self._middle, axis = middle_and_axis(objects, box, self._number, document.voxel_nm)
            self._axis = self._seen(Facing(self.facing.currentData())) or axis
            self._cut = _Cut(self._number, box, self._middle, self._axis)
        self._on_moved()

    def _seen(self, facing: Facing) -> Vector | None:
        """Return the normal (z, y, x) of a plane that lies as 3D is seen; None where that says nothing."""
        canvas = self._context.parts.view3d.canvas
        if canvas is None or facing is Facing.ACROSS:
            return None
        forward, right, up = canvas.camera.frame()
        x, y, z = {Facing.SCREEN: forward, Facing.UPRIGHT: right, Facing.LEVEL: up}[facing].tolist()
        return (z, y, x)

    def _on_moved(self) -> None:
        """Lay the plane as the sliders say."""
        document, cut = self._session.document, self._cut
        if document is None or cut is None:
            self._session.cut.set(place=None)
        else:
            edges = np.array(document.voxel_nm or (1.0, 1.0, 1.0))
            half = np.array(cut.box.shape) * edges / 2
            normal = turned(self._axis, self.tilt.value(), self.turn.value())
            step = 2 * self.place.value() / _STEPS * float(np.abs(np.array(normal)) @ half)
            z, y, x = (np.array(self._middle) + step * np.array(normal) / edges).tolist()
            self._cut = replace(cut, place=(z, y, x), normal=normal)
            reach = _LARGER * float(np.linalg.norm(half)) / math.sqrt(2)
            self._session.cut.set(place=(z, y, x), normal=normal, reach=reach)
        self._follow()

    # -- the preview -------------------------------------------------------------------------------

    def _wanted_preview(self) -> Work | None:
        document, cut = self._session.document, self._cut
        objects = None if document is None else document.objects
        if document is None or objects is None or cut is None or self._session.busy is not None:
            return None
        z, normal = self._session.cursor[0], in_voxels(cut.normal, document.voxel_nm)
        box = cut.box
        shape = document.shape[1:]

        def find(job: object) -> _Found:
            parts = np.zeros(shape, np.uint8)
            if box.start[0] <= z < box.stop[0]:
                part = Box((z, *box.start[1:]), (z + 1, *box.stop[1:]))
                own = objects[part.slices][0] == cut.number
                side = beyond_plane(part, cut.place, normal)[0]
                parts[part.slices[1:]] = np.where(own, np.where(side, np.uint8(2), np.uint8(1)), np.uint8(0))
            return _Found(z, parts, shares(objects, box, cut.number, cut.place, normal))

        return find

    def _on_preview_done(self, found: _Found) -> None:
        if found.parts.any():
            self.preview.show(Preview(found.z, found.parts, "Preview: split", PreviewStyle.OBJECTS))
        small, large = sorted(found.voxels)
        self.apply.setEnabled(bool(small) and self._session.busy is None)
        if not small:
            show_note(self.said, "⚠ The object lies on one side of the plane. Move it.")
        else:
            share = 100 * small / (small + large)
            show_note(self.said, f"{grouped(large)} and {grouped(small)} voxels ({share:.0f} % comes off)")

    # -- following the session ---------------------------------------------------------------------

    def _on_session_objects_changed(self) -> None:
        selected = self._session.objects.value.selected
        if self.isVisible() and (selected[-1] if selected else 0) != self._number:
            self.take_anew()

    def _on_session_voxels_changed(self, _box: Box) -> None:
        if self.isVisible() and self._session.busy is None:
            self.take_anew()

    def _follow(self) -> None:
        ready = self._cut is not None and self._session.busy is None
        for widget in (self.place, self.tilt, self.turn, self.take):
            widget.setEnabled(ready)
        self.apply.setEnabled(ready)
        self.name.setText(work.describe(self._session, self._number) if self._cut is not None else "none")
        self.preview.ask()
        if self._cut is None:
            show_note(self.said, _NONE)

    def showEvent(self, event: QShowEvent) -> None:
        """Lay the plane."""
        super().showEvent(event)
        if not event.spontaneous():
            self._begin()
            self.place.setFocus()

    def hideEvent(self, event: QHideEvent) -> None:
        """Take plane and preview away."""
        super().hideEvent(event)
        if not event.spontaneous():
            self._cut = None
            self._session.cut.set(place=None)
            self.preview.take_away()

    def shut_down(self) -> None:
        """Let go of the thread."""
        super().shut_down()
        self.preview.shut_down()
