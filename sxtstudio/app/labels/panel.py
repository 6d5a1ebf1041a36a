"""Labels by hand: tools and their settings."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QGroupBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from sxtstudio.app.context import Context
from sxtstudio.app.labels.between import BetweenSlices
from sxtstudio.app.labels.fields import ToolButtons, ToolSettings
from sxtstudio.app.labels.tools import object_work
from sxtstudio.app.labels.tools.catalogue import BY_NAME, OF_OBJECTS, TOOLS
from sxtstudio.app.widgets.notes import SteadyNote
from sxtstudio.core.errors import UserError
from sxtstudio.core.wording import count

# What is remembered from one start to the next.
_REMEMBERED = ("brush_px", "ball", "tolerance", "wand_reach_px", "cut_px", "grow_px")
_NONE_SELECTED = (
    "None is selected. With no tool in the hand, Ctrl+click on an object; or press S at the crosshair."
)
_PART_ONLY = ". The object is larger; this is the part around the click."
_LONGEST_SELECTED = f"Selected: 999 999 999 voxels, 9.99e+03 µm³{_PART_ONLY}"


class LabelsPanel(QWidget):
    """Labels by hand: tools and their settings."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        """Build the widget."""
        super().__init__(parent)
        self._context, self._session = context, context.session
        self._recall()
        self.draw_tools = ToolButtons(context, [info for info in TOOLS if info.name not in OF_OBJECTS])
        self.object_tools = ToolButtons(context, [info for info in TOOLS if info.name in OF_OBJECTS])
        self.hint = SteadyNote([info.hint for info in BY_NAME.values()])
        self.tool_settings = ToolSettings(context)
        self.between = BetweenSlices(context)
        self.selected = SteadyNote([_NONE_SELECTED, _LONGEST_SELECTED])
        self.delete_button, self.keep_button = (
            QPushButton("Delete it"),
            QPushButton("Keep only it"),
        )
        self.delete_button.setToolTip("Delete the highlighted object, on all slices (Del)")
        self.keep_button.setToolTip("Delete all objects but the highlighted one")
        objects = QGroupBox("Objects, on all slices")
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        buttons.addWidget(self.delete_button, 1)
        buttons.addWidget(self.keep_button, 1)
        inner = QVBoxLayout(objects)
        inner.setContentsMargins(0, 6, 0, 0)
        inner.setSpacing(6)
        inner.addWidget(self.object_tools)
        inner.addWidget(self.selected)
        inner.addLayout(buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for part in (self.draw_tools, self.hint, self.tool_settings, objects, self.between):
            layout.addWidget(part)
        layout.addStretch()
        self.delete_button.clicked.connect(lambda: self._on_selected(object_work.delete))
        self.keep_button.clicked.connect(lambda: self._on_selected(object_work.keep_only))
        session = context.session
        session.tool.changed.connect(self._follow_tool)
        for signal in (session.selection_changed, session.facts_changed, session.busy_changed):
            signal.connect(self._follow_selection)
        session.document_changed.connect(self._follow_document)
        self._follow_document()
        self._follow_tool()
        self._follow_selection()

    def interpolate(self) -> None:
        """Fill in between the slices that are chosen in the panel."""
        self.between.interpolate()

    def showEvent(self, event: QShowEvent) -> None:
        """The tools change labels now."""
        super().showEvent(event)
        if not event.spontaneous():
            self._session.tool.set(target="labels")

    def hideEvent(self, event: QHideEvent) -> None:
        """Another panel is shown: put the tool away, unless that panel has taken one."""
        super().hideEvent(event)
        if not event.spontaneous() and self._session.tool.value.target == "labels":
            self._session.tool.set(tool="look")

    def shut_down(self) -> None:
        """Remember the settings of the tools."""
        self.between.shut_down()
        for name, value in vars(self._session.tool.value).items():
            if name in _REMEMBERED:
                self._context.settings.set(f"tools/{name}", value)

    def _recall(self) -> None:
        """Take over the settings of the last time, where they are sensible."""
        limits = {
            "brush_px": (1, 100),
            "tolerance": (0.5, 100),
            "wand_reach_px": (5, 1000),
            "cut_px": (2, 50),
            "grow_px": (1, 50),
        }
        found: dict[str, Any] = {}
        for field in fields(self._session.tool.value):
            if field.name in _REMEMBERED:
                value = self._context.settings.get(f"tools/{field.name}", field.default)
                low, high = limits.get(field.name, (value, value))
                found[field.name] = value if isinstance(value, bool) else min(max(value, low), high)
        self._session.tool.set(**found)

    def _follow_tool(self) -> None:
        info = BY_NAME.get(self._session.tool.value.tool)
        if info is not None:  # else it is one for objects
            self.hint.setText(info.hint)

    def _follow_document(self) -> None:
        self.setEnabled(self._session.document is not None)

    def _follow_selection(self) -> None:
        selection, document = self._session.selection, self._session.document
        usable = selection is not None and self._session.busy is None
        self.delete_button.setEnabled(usable)
        self.keep_button.setEnabled(usable)
        if selection is None or document is None:
            self.selected.setText(_NONE_SELECTED)
            return
        text = f"Selected: {count(selection.voxels, 'voxel')}"
        if document.voxel_nm is not None:
            z, y, x = document.voxel_nm
            text += f", {selection.voxels * z * y * x / 1e9:.3g} µm³"
        if not selection.complete:
            text += _PART_ONLY
        self.selected.setText(text)

    def _on_selected(self, work: Any) -> None:
        selection = self._session.selection
        if selection is None:
            return
        try:
            work(self._context, "labels", selection.seed)
        except UserError as error:
            self._session.remark(str(error))
