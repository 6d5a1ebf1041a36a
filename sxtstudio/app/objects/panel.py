"""Objects: find what outlines enclose, look at one, and whatever else is done with objects."""

from __future__ import annotations

from functools import partial

from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from sxtstudio.app import theme
from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.jobs.strip import ProgressStrip
from sxtstudio.app.objects import work
from sxtstudio.app.objects.chosen import ChosenObject
from sxtstudio.app.objects.classes.sections import ClassSections
from sxtstudio.app.objects.display import ObjectsDisplay
from sxtstudio.app.objects.finding import Finding
from sxtstudio.app.objects.measured import ObjectMeasurements
from sxtstudio.app.objects.shown import ShownObjects
from sxtstudio.app.objects.style import ObjectStyle
from sxtstudio.app.objects.tools.section import ObjectTools
from sxtstudio.app.widgets.footer import Footer
from sxtstudio.app.widgets.notes import narrow, note, show_note
from sxtstudio.app.widgets.scroll import bring_into_view
from sxtstudio.app.widgets.section import Section
from sxtstudio.workflow.document.label_history import LABELS_CHANGED


class ObjectsPanel(QWidget):
    """Sections one below the other, each under a heading that opens and closes it."""

    def __init__(
        self,
        context: Context,
        measured: ObjectMeasurements,
        style: ObjectStyle,
        parent: QWidget | None = None,
    ) -> None:
        """Build the panel; ``add_section`` adds what others do with objects."""
        super().__init__(parent)
        self._context, self._session = context, context.session
        self.measured = measured
        self.sections: list[Section] = []
        self.result = note(name="result")
        self.labels_changed = note(name="labels-changed")
        self.strip = ProgressStrip()
        self.find_button, self.measure_button = QPushButton("Find objects"), QPushButton("Measure")
        self.find_button.setProperty("role", "main")
        self.find_button.setToolTip("Find objects in all slices (Ctrl+Shift+F); it can be undone")
        self.measure_button.setToolTip("Measure all objects, for the table (Ctrl+Shift+M)")
        theme.set_icon(self.measure_button, "mdi6.ruler-square")
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(10)
        self._layout.addStretch()
        self.finding = Finding(context, self.result)
        self.chosen = ChosenObject(context, measured, style)
        self.display = ObjectsDisplay(context, measured, style)
        self.add_section("Find objects", self.finding)
        self.add_section("Chosen object", self.chosen)
        self.tools = ObjectTools(context)
        self.add_section("By hand", self.tools)
        self.add_section("Look", self.display)
        self.classing = ClassSections(context, measured)
        self.classing.add_to(self.add_section)
        self.classing.queue.begun.connect(self.finding.shorten_result)
        buttons = QHBoxLayout()
        buttons.addWidget(narrow(self.find_button, 120), 1)
        buttons.addWidget(self.measure_button)
        self.shown = ShownObjects(context, shrinks=True)
        self.footer = Footer((self.shown, self.labels_changed, self.result), (self.strip, buttons))
        self.find_button.clicked.connect(lambda: self._act("objects.find"))
        self.measure_button.clicked.connect(lambda: self._act("objects.measure"))
        self.finding.changed.connect(self._enable)
        self.finding.found_same.connect(measured.found_same)
        measured.changed.connect(self._show_labels_changed)
        for signal in (
            self._session.document_changed,
            self._session.history_changed,
            self._session.busy_changed,
        ):
            signal.connect(self._enable)
        self._enable()
        self._show_labels_changed()

    def add_section(self, title: str, content: QWidget, *, opened: bool = True) -> Section:
        """Add a part of the panel below the others."""
        section = Section(title, content, opened=opened)
        self.sections.append(section)
        section.toggled.connect(partial(self._on_section_toggled, section))
        self._layout.insertWidget(self._layout.count() - 1, section)
        return section

    def start(self) -> None:
        """Find objects in all slices.

        Raises
        ------
        UserError
            If there are no labels, or another job changes them.
        """
        self.finding.start()
        if self.finding.run is not None:
            self.strip.watch(self.finding.run.job)

    def measure(self) -> Job:
        """Measure all objects.

        Raises
        ------
        UserError
            If there are no objects, or they are being changed.
        """
        job = work.measure(self._context)
        self.strip.watch(job)
        return job

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

    def _on_section_toggled(self, section: Section, opened: bool) -> None:
        """What was just opened is to be seen, on low screens as well."""
        if opened and section.content is not self.finding:
            self.finding.shorten_result()
        if opened and self.isVisible():
            bring_into_view(section)

    def _act(self, name: str) -> None:
        self._context.parts.actions.by_name[name].trigger()

    def _enable(self) -> None:
        document = self._session.document
        self.find_button.setEnabled(self.finding.can_start)
        there = document is not None and document.objects is not None
        self.measure_button.setEnabled(there)

    def _show_labels_changed(self) -> None:
        show_note(self.labels_changed, f"⚠ {LABELS_CHANGED}" if self.measured.labels_changed else "")

    def shut_down(self) -> None:
        """Let go of the threads."""
        self.finding.shut_down()
