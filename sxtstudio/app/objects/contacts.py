"""The dialog of contact sites: where objects of two classes come near each other, listed and drawn in 3D."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QCloseEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
)

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.jobs.strip import ProgressStrip
from sxtstudio.app.widgets.controls import ComboBox, DoubleSpinBox
from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.app.widgets.notes import note, show_note
from sxtstudio.core.errors import sentence_of
from sxtstudio.core.geometry import Box
from sxtstudio.core.object_classes import MITOCHONDRION, RETICULUM
from sxtstudio.core.wording import count, grouped

if TYPE_CHECKING:  # at run time these load what measures objects
    from sxtstudio.core.measure.contacts import Contacts

_KINDS = "CSV (*.csv);;Excel (*.xlsx);;Parquet (*.parquet)"
_INTRO = (
    "Where the surface of an object comes near, and faces, an object of another class. Membranes that are "
    "nearer than the resolution look like one: choose a distance that the tomogram can show."
)
_NO_CLASS = "No object has a class yet. Give classes in the panel “Objects” first."
_MOST_ROWS = 10_000  # are listed; all are drawn and written


class ContactsDialog(ToolDialog):
    """Stays open beside the window; a row that is chosen is shown in all views."""

    TITLE = "Contact sites"
    PAGE = "measure.md#4-contacts-and-distances"

    def __init__(self, context: Context) -> None:
        """Begin with the classes of the open tomogram."""
        super().__init__(context)
        self._context, self._session = context, context.session
        self._job: Job | None = None
        self.found: Contacts | None = None
        self._found_of: dict[int, str] = {}
        self.first, self.second = ComboBox(), ComboBox()
        for box, name in ((self.first, "First class"), (self.second, "Second class")):
            box.setAccessibleName(name)
            box.setToolTip("Classes that objects have; patches lie on objects of the first")
            box.currentIndexChanged.connect(lambda _: self._follow())
        self.distance = DoubleSpinBox()
        self.distance.setRange(0.5, 100_000)
        self.distance.setDecimals(1)
        self.distance.setAccessibleName("Largest distance")
        self.distance.setToolTip("Between the surfaces of the two objects")
        self.search = self.button(
            "Find", "mdi6.magnify", "Find the contact sites of all objects of these classes"
        )
        self.search.setProperty("role", "main")
        self.draw = QCheckBox("Draw in 3D")
        self.draw.setToolTip("Draw the patches on the objects, in yellow, in the 3D view")
        self.draw.setChecked(True)
        self.save = self.button("Save…", "mdi6.content-save-outline", "Write a table of all sites")
        self.list = QTreeWidget()
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setAccessibleName("Contact sites, the largest first")
        self.said = QLabel()
        self.said.setWordWrap(True)
        self.said.setTextFormat(Qt.TextFormat.PlainText)
        self.lacking = note(_NO_CLASS, name="message")
        self.message = note(name="message")
        self.strip = ProgressStrip()
        self._lay_out()
        self.search.clicked.connect(self.find_all)
        self.draw.toggled.connect(lambda on: self._session.contacts.set(visible=on))
        self.save.clicked.connect(self.save_table)
        self.list.currentItemChanged.connect(lambda item, _: self._on_chosen(item))
        session = self._session
        session.document_changed.connect(self._begin)
        session.facts_changed.connect(self._begin)
        session.table_changed.connect(self._on_table_changed)
        session.objects_changed.connect(self._on_objects_changed)
        session.busy_changed.connect(self._follow)
        self._begin()
        self.resize(560, 460)

    def _lay_out(self) -> None:
        fields = QGridLayout()
        fields.setHorizontalSpacing(8)
        for column, (text, field) in enumerate(
            (("Objects of", self.first), ("near objects of", self.second), ("at most", self.distance))
        ):
            fields.addWidget(QLabel(text), 0, column)
            fields.addWidget(field, 1, column)
            fields.setColumnStretch(column, 3 if column < 2 else 2)
        fields.addWidget(self.search, 1, 3)
        below = QHBoxLayout()
        below.addWidget(self.draw)
        below.addStretch()
        below.addWidget(self.save)
        layout = QVBoxLayout(self)
        layout.addWidget(note(_INTRO))
        layout.addLayout(fields)
        layout.addWidget(self.strip)
        layout.addWidget(self.said)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.lacking)
        layout.addWidget(self.message)
        layout.addLayout(below)

    # -- finding ---------------------------------------------------------------------------------

    def find_all(self) -> None:
        """Find the contacts, in a job; they go into the table where the objects are measured."""
        document = self._session.document
        if document is None or document.objects is None or self._job is not None:
            return
        first, second = self.first.currentData(), self.second.currentData()
        if self.second.currentIndex() < 0 or self.first.currentIndex() < 0:
            return
        at_most, objects, voxel_nm = self.distance.value(), document.objects, document.voxel_nm
        classes = self._classes()

        def work(job: Job) -> Contacts:
            from sxtstudio.core.measure.contacts import ContactRule, contacts_in

            rule = ContactRule(first, second, at_most)
            return contacts_in(objects, voxel_nm, classes, rule, job.progress)

        def show(found: Contacts) -> None:
            if self._session.document is document:
                self._found_of = classes
                self._show(found)
                self._on_table_changed()

        show_note(self.message, "")
        self._job = self._context.jobs.start("Finding contact sites", work, on_done=show, on_error=self._fail)
        self.strip.watch(self._job)
        self._job.finished.connect(self._on_job_finished)
        self._follow()

    def _fail(self, error: Exception) -> None:
        sentence = sentence_of(error)
        if sentence is None:
            self._context.jobs.failed.emit(error)
        show_note(self.message, sentence or "")

    def _on_job_finished(self) -> None:
        self._job = None
        self._follow()

    def _show(self, found: Contacts) -> None:
        self.found = found
        measured = self._context.parts.measured
        measured.add_contacts(found)
        self._session.contacts.set(sites=tuple(found.sites))
        self._fill()

    def _fill(self) -> None:
        """List what was found, the largest first."""
        unit = "px" if self._voxel_unknown else "nm"
        self.list.setHeaderLabels(["First", "Second", f"Area ({unit}²)", f"Distance ({unit})"])
        self.list.header().setStretchLastSection(False)
        for column in range(4):
            self.list.header().setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
            self.list.headerItem().setTextAlignment(column, Qt.AlignmentFlag.AlignRight)
        with QSignalBlocker(self.list):
            self.list.clear()
        self.said.clear()
        if self.found is not None:
            sites = sorted(self.found.sites, key=lambda site: -site.area)
            rows = []
            for site in sites[:_MOST_ROWS]:
                row = QTreeWidgetItem(
                    [
                        str(site.first),
                        str(site.second),
                        grouped(site.area, 0),
                        f"{site.distance:.1f}",
                    ]
                )
                for column in range(4):
                    row.setTextAlignment(column, Qt.AlignmentFlag.AlignRight)
                row.setData(0, Qt.ItemDataRole.UserRole, site)
                rows.append(row)
            with QSignalBlocker(self.list):
                self.list.addTopLevelItems(rows)
            self.said.setText(self._said(self.found, unit))
        self._follow()

    def _said(self, found: Contacts, unit: str) -> str:
        if not found.sites:
            return f"No object comes so near. Try more than {found.rule.at_most:g} {unit}."
        touched = len({site.first for site in found.sites})
        area = grouped(sum(site.area for site in found.sites), 0)
        text = (
            f"{count(len(found.sites), 'site')} on {count(touched, 'object')} of the class "
            f"{found.rule.first}, {area} {unit}² in all."
        )
        if self._context.parts.measured.value is not None:
            text += " Area and number of each object stand in the table."
        if len(found.sites) > _MOST_ROWS:
            text += f" The {grouped(_MOST_ROWS)} largest are listed."
        return text

    def _on_chosen(self, item: QTreeWidgetItem | None) -> None:
        """Show the site of a row in all views."""
        if item is None or self._session.document is None:
            return
        site = item.data(0, Qt.ItemDataRole.UserRole)
        z, y, x = (round(place) for place in site.centre)
        self._session.set_cursor((z, y, x))
        self._session.objects.set(selected=(site.second, site.first))

    def save_table(self) -> None:
        """Write the table of all sites."""
        document, found = self._session.document, self.found
        if document is None or found is None:
            return
        path = questions.save_file(
            self._context, "Save the contact sites", f"{Path(document.name).stem}-contacts.csv", _KINDS
        )
        if path is None:
            return
        name, voxel_nm = document.tomogram.path.name, document.voxel_nm

        def work(job: Job) -> Path:
            from sxtstudio.core.measure.contacts import sites_table
            from sxtstudio.core.measure.table import about
            from sxtstudio.io.tables import write_table

            write_table(path, sites_table([found], about(name, voxel_nm), calibrated=voxel_nm is not None))
            return path

        self._context.jobs.start(
            "Saving contact sites",
            work,
            on_done=lambda done: show_note(self.message, f"Saved {done}, with a dictionary of its columns."),
        )

    # -- following the session -------------------------------------------------------------------

    @property
    def _voxel_unknown(self) -> bool:
        return self._session.document is None or self._session.document.voxel_nm is None

    def _begin(self) -> None:
        """Begin with another tomogram, or another voxel size."""
        self._forget("")
        unit, value = (" px", 5.0) if self._voxel_unknown else (" nm", 50.0)
        if self.distance.suffix() != unit:
            self.distance.setSuffix(unit)
            self.distance.setValue(value)
        self._list_classes()
        self._fill()

    def _forget(self, why: str) -> None:
        if self.found is not None:
            self.found = None
            self._session.contacts.set(sites=())
            self._fill()
        show_note(self.message, why)

    def _on_objects_changed(self, box: Box) -> None:
        if self.found is not None:
            self._forget("The objects have changed: find the contacts again.")
        self._follow()

    def _classes(self) -> dict[int, str]:
        """Return the class of each object that has one."""
        document = self._session.document
        rows = {} if document is None else document.object_table.rows
        return {number: row.class_name for number, row in rows.items() if row.class_name}

    def _on_table_changed(self) -> None:
        if self.found is not None and self._classes() != self._found_of:
            self._forget("Classes have changed: find the contacts again.")
        self._list_classes()

    def _list_classes(self) -> None:
        """Offer the classes that objects have."""
        document = self._session.document
        table = None if document is None else document.object_table
        there = set() if table is None else {row.class_name for row in table.rows.values()}
        names = [] if table is None else [c.name for c in table.classes if c.name in there]
        for box, usual in ((self.first, MITOCHONDRION.name), (self.second, RETICULUM.name)):
            former = box.currentData() or usual
            with QSignalBlocker(box):
                box.clear()
                for name in names:
                    box.addItem(name, name)
                last = len(names) - 1 if box is self.second else 0
                box.setCurrentIndex(names.index(former) if former in names else min(last, len(names) - 1))
        self._follow()

    def _follow(self) -> None:
        document = self._session.document
        ready = document is not None and document.objects is not None and self.first.count() > 0
        self.search.setEnabled(ready and self._job is None and self._session.busy is None)
        self.save.setEnabled(self.found is not None and bool(self.found.sites))
        show_note(self.lacking, _NO_CLASS if document is not None and not ready else "")

    def closeEvent(self, event: QCloseEvent) -> None:
        """Take the patches from the 3D view."""
        self._session.contacts.set(sites=())
        super().closeEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        """Draw them again."""
        super().showEvent(event)
        if self.found is not None:
            self._session.contacts.set(sites=tuple(self.found.sites))
