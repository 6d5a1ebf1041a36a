"""Objects: find what outlines enclose, look at one, and whatever else is done with objects."""

from __future__ import annotations

from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.strip import ProgressStrip
from sxtstudio.app.objects.class_sections import ClassSections
from sxtstudio.app.objects.measured import ObjectMeasurements
from sxtstudio.app.objects.tools.section import ObjectTools
from sxtstudio.app.widgets.footer import Footer
from sxtstudio.app.widgets.notes import note
from sxtstudio.app.widgets.section import Section


class ObjectsPanel(QWidget):
    """Sections one below the other, each under a heading that opens and closes it."""

    def __init__(self, context: Context, measured: ObjectMeasurements, parent: QWidget | None = None) -> None:
        """Build the panel; ``add_section`` adds what others do with objects."""
        super().__init__(parent)
        self._context, self._session = context, context.session
        self.measured = measured
        self.sections: list[Section] = []
        self.result = note(name="result")
        self.strip = ProgressStrip()
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(8)
        self._layout.addStretch()
        self.tools = ObjectTools(context)
        self.add_section("By hand", self.tools)
        self.classing = ClassSections(context, measured)
        self.classing.add_to(self.add_section)
        self.footer = Footer((self.result,), (self.strip,))

    def add_section(self, title: str, content: QWidget, *, opened: bool = True) -> Section:
        """Add a part of the panel below the others."""
        section = Section(title, content, opened=opened)
        self.sections.append(section)
        self._layout.insertWidget(self._layout.count() - 1, section)
        return section

    def showEvent(self, event: QShowEvent) -> None:
        """The tools change objects now."""
        super().showEvent(event)
        if not event.spontaneous():
            self._session.tool.set(target="objects", tool="look")

    def hideEvent(self, event: QHideEvent) -> None:
        """Tools change the labels again."""
        super().hideEvent(event)
        if not event.spontaneous() and self._session.tool.value.target == "objects":
            self._session.tool.set(target="labels", tool="look")
