"""File > Export…: what, for which program, where; and what that program will show."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtGui import QCloseEvent, QShowEvent
from PySide6.QtWidgets import (
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
)

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.exports import start
from sxtstudio.app.exports.contents import contents_of, offered
from sxtstudio.app.exports.options import ExportOptions, row_label
from sxtstudio.app.exports.receipt import ReceiptDialog
from sxtstudio.app.jobs.strip import ProgressStrip
from sxtstudio.app.widgets.controls import ComboBox
from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.app.widgets.notes import Note
from sxtstudio.core.errors import UserError
from sxtstudio.core.handover import CONTENT_NAMES, PROGRAM_NAMES, SUFFIXES, Content, Form, Program
from sxtstudio.core.wording import voxel_zyx_text
from sxtstudio.workflow.document.exporting import ImageBeneath, Receipt, receipts_of
from sxtstudio.workflow.handover.programs import READ, Route, routes_of
from sxtstudio.workflow.handover.request import Handover
from sxtstudio.workflow.handover.said import Sentences
from sxtstudio.workflow.handover.surfaces import target_of

_WHAT, _FOR, _FORMS = "export/what", "export/for", "export/forms"


class ExportDialog(ToolDialog):
    """Stays open beside the window; what was chosen last is chosen again."""

    TITLE = "Export"
    PAGE = "programs.md"

    def __init__(self, context: Context) -> None:
        """Build the dialog for the open tomogram."""
        super().__init__(context)
        self._context, self._session = context, context.session
        self._own_name = True  # the name follows what is chosen
        self._chosen: str | None = None  # by the user; what is there only for want of labels does not count
        self._asked: Path | None = None  # a name about which the file dialog has asked
        self.setMinimumWidth(560)
        self.what, self.program, self.form = ComboBox(), ComboBox(), ComboBox()
        self.what.setToolTip("What is written")
        self.program.setToolTip("Who gets it; the file is written as that program wants it")
        self.form.setToolTip("The format of the file")
        self.where = QLineEdit()
        self.where.setAccessibleName("Where")
        self.choose = self.button("Choose…", "mdi6.folder-open-outline", "Choose folder and name")
        self.voxel = QLabel()
        self.options = ExportOptions()
        self.shows, self.opening, self.loses, self.read = Note(), Note(), Note(), Note()
        self.strip = ProgressStrip()
        self.receipts = QToolButton()
        self.receipts.setText("Receipts")
        self.receipts.setToolTip("What was exported of this tomogram, with the receipt of each")
        self.receipts.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.receipts.setMenu(QMenu(self))
        self.close_button = self.button("Close", "", "Close this window")
        self.go = QPushButton("Export")
        self.go.setProperty("role", "main")
        self.go.setDefault(True)
        self._lay_out()
        self._connect()
        self._refresh()

    def _lay_out(self) -> None:
        place = QHBoxLayout()
        place.addWidget(self.where, 1)
        place.addWidget(self.choose)
        self.rows = QFormLayout()
        self.rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.rows.addRow(row_label("What"), self.what)
        self.rows.addRow(row_label("For"), self.program)
        self.rows.addRow(row_label("As"), self.form)
        self.rows.addRow(row_label("Where"), place)
        self.rows.addRow(row_label("Voxel size"), self.voxel)
        line = QFrame()
        line.setFrameShape(QFrame.Shape.HLine)
        line.setEnabled(False)
        about = QFormLayout()
        about.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for name, text in (
            ("It shows", self.shows),
            ("Open it", self.opening),
            ("Lost", self.loses),
            ("Tested", self.read),
        ):
            about.addRow(row_label(name, top=True), text)
        self.about = about
        buttons = QHBoxLayout()
        buttons.addWidget(self.receipts)
        buttons.addStretch()
        buttons.addWidget(self.close_button)
        buttons.addWidget(self.go)
        layout = QVBoxLayout(self)
        layout.addLayout(self.rows)
        layout.addWidget(self.options)
        layout.addWidget(line)
        layout.addLayout(about)
        layout.addStretch()
        layout.addWidget(self.strip)
        layout.addLayout(buttons)

    def _connect(self) -> None:
        session = self._session
        for signal in (session.document_changed, session.table_changed, session.facts_changed):
            signal.connect(self._refresh)
        for signal in (session.labels_changed, session.mask_changed, session.objects_changed):
            signal.connect(self._on_session_voxels_changed)
        session.busy_changed.connect(self._refresh)
        session.history_changed.connect(self._list_receipts)
        self._context.parts.measured.changed.connect(self._refresh)
        self.what.currentIndexChanged.connect(self._on_what_chosen)
        self.program.currentIndexChanged.connect(self._on_program_changed)
        self.form.currentIndexChanged.connect(self._on_form_changed)
        self.options.of.currentIndexChanged.connect(self._show_note_of_folder)
        self.where.textEdited.connect(self._on_where_edited)
        self.choose.clicked.connect(self._on_choose_clicked)
        self.close_button.clicked.connect(self.close)
        self.go.clicked.connect(self._on_go_clicked)

    # -- what is chosen --------------------------------------------------------------------------------

    @property
    def route(self) -> Route | None:
        """The row of the table that is chosen."""
        content, program = self.what.currentData(), self.program.currentData()
        if content is None or program is None:
            return None
        return next((r for r in routes_of(Content(content)) if r.program is Program(program)), None)

    @property
    def chosen_form(self) -> Form | None:
        """The format that is chosen."""
        found = self.form.currentData()
        return None if found is None else Form(found)

    @property
    def request(self) -> Handover:
        """What the fields say.

        Raises
        ------
        UserError
            If there is nothing to export, or no name.
        """
        route, name = self.route, self.where.text().strip()
        if route is None:
            raise UserError("No tomogram is open. Open one first (File > Open tomogram).")
        if not name:
            raise UserError("The file has no name yet: give one, or choose it.")
        path = Path(name).expanduser()
        if not path.is_absolute():
            path = questions.save_folder(self._context) / name
        first, last = self.options.range
        return Handover(
            route.content, route.program, path, first, last, self.options.inside_mask, self.options.mesh
        )

    def _refresh(self, *_: Any) -> None:
        """Offer what there is now; what was chosen stays chosen where it can."""
        document = self._session.document
        contents = [] if document is None else contents_of(document)
        wanted = self._chosen or self._context.settings.get(_WHAT, Content.LABELS.value)
        if [self.what.itemData(i) for i in range(self.what.count())] != [c.value for c in contents]:
            _fill(self.what, [(CONTENT_NAMES[content], content.value) for content in contents], wanted)
            self._on_what_changed()
        if document is not None:
            self.options.show_document(offered(document))
            unknown = "unknown: lengths will be in voxels; enter it above the slices"
            self.voxel.setText(unknown if document.voxel_nm is None else voxel_zyx_text(document.voxel_nm))
        if self._own_name or document is None:
            self._name()
        self.go.setEnabled(document is not None and self._session.busy is None)
        busy = self._session.busy
        self.go.setToolTip("" if busy is None else f"Not now: “{busy.name}” changes what would be written.")
        self._list_receipts()

    def _on_session_voxels_changed(self, *_: Any) -> None:
        # A stroke of the brush must not wait for a window that nobody sees.
        if self.isVisible() and self._session.busy is None:
            self._refresh()

    def _on_what_chosen(self) -> None:
        self._chosen = self.what.currentData()
        self._on_what_changed()

    def _on_what_changed(self) -> None:
        content = self.what.currentData()
        programs = [] if content is None else [route.program for route in routes_of(Content(content))]
        wanted = self.program.currentData() or self._context.settings.get(_FOR, Program.FIJI.value)
        _fill(self.program, [(PROGRAM_NAMES[one], one.value) for one in programs], wanted)
        self._on_program_changed()

    def _on_program_changed(self) -> None:
        route = self.route
        forms = () if route is None else route.forms
        wanted = "" if route is None else self._remembered_forms().get(_pair(route), "")
        _fill(self.form, [(f"{form.value} ({SUFFIXES[form][0]})", form.value) for form in forms], wanted)
        self.rows.setRowVisible(self.form, len(forms) > 1)
        self._on_form_changed()

    def _remembered_forms(self) -> dict[str, str]:
        """Return the format that was chosen last for each pair of content and program."""
        stored = self._context.settings.get(_FORMS, {})
        return {str(pair): str(form) for pair, form in stored.items()}

    def _on_form_changed(self) -> None:
        route, form = self.route, self.chosen_form
        if route is not None:
            self.options.show_for(route.content, form)
        self._say(route, form)
        self._name()

    def _say(self, route: Route | None, form: Form | None) -> None:
        """Say what the program will show of such a file, how it is opened, and what gets lost."""
        document = self._session.document
        tomogram = None if document is None else document.tomogram
        over_mrc = tomogram is not None and ImageBeneath(tomogram.path, tomogram.place).is_mrc

        def of(said: Sentences) -> str:
            return "" if form is None else said.of(form, over_mrc=over_mrc)

        for label, text in (
            (self.shows, "" if route is None else of(route.shows)),
            (self.opening, "" if route is None else of(route.opening)),
            (self.loses, "" if route is None else of(route.loses)),
            (self.read, "" if route is None else READ[route.program]),
        ):
            label.setText(text)
            self.about.setRowVisible(label, bool(text))

    def _name(self) -> None:
        """Name the file after what is chosen; one that the user gave keeps its folder and stem."""
        document, route, form = self._session.document, self.route, self.chosen_form
        if document is None or route is None or form is None:
            self.where.clear()
            return
        suffix = SUFFIXES[form][0]
        if self._own_name:
            folder = questions.save_folder(self._context)
            self.where.setText(str(folder / f"{start.stem_of(document)}.{route.content.value}{suffix}"))
        elif not self.where.text().lower().endswith(SUFFIXES[form]):
            self.where.setText(_without_ending(self.where.text()) + suffix)
            self._asked = None
        self._show_note_of_folder()

    def _show_note_of_folder(self) -> None:
        folder = self.route is not None and self.route.content is Content.SURFACES
        if folder and self.options.mesh_of.in_folder:
            self.where.setToolTip("A folder of this name, without its ending, gets the files")
        else:
            self.where.setToolTip("")

    def _on_where_edited(self) -> None:
        self._own_name, self._asked = False, None

    def _on_choose_clicked(self) -> None:
        form = self.chosen_form
        if form is None:
            return
        now = Path(self.where.text() or "export")
        filters = f"{form.value} ({' '.join('*' + suffix for suffix in SUFFIXES[form])})"
        folder = now.parent if now.parent.is_dir() else None
        path = questions.save_file(self._context, "Export", now.name, filters, folder)
        if path is not None:
            self._own_name, self._asked = False, path
            self.where.setText(str(path))

    # -- the job ---------------------------------------------------------------------------------------

    def _on_go_clicked(self) -> None:
        try:
            self.export()
        except UserError as error:
            self._context.jobs.failed.emit(error)

    def export(self) -> None:
        """Write what is chosen.

        Raises
        ------
        UserError
            If it cannot be written there.
        """
        request = self.request
        request.form  # noqa: B018  a wrong ending is said at once
        in_folder = request.content is Content.SURFACES and request.mesh.of is not None
        path = target_of(request, request.mesh.of) if in_folder and request.mesh.of else request.path
        if path.exists() and path != self._asked and not questions.may_replace(self._context, path):
            return
        settings = self._context.settings
        settings.set(_WHAT, request.content.value)
        settings.set(_FOR, request.program.value)
        if self.chosen_form is not None:
            forms = {**self._remembered_forms(), _pair(request.route): self.chosen_form.value}
            settings.set(_FORMS, forms)
        questions.saves_to(self._context, path)
        job = start.start(self._context, request)
        if job is not None:
            self.strip.watch(job)

    def _list_receipts(self) -> None:
        document = self._session.document
        receipts = [] if document is None else receipts_of(document.steps)
        menu = self.receipts.menu()
        menu.clear()
        for receipt in reversed(receipts):
            menu.addAction(f"{receipt.what}: {receipt.path.name}", partial(self._show, receipt))
        self.receipts.setEnabled(bool(receipts))

    def _show(self, receipt: Receipt) -> None:
        ReceiptDialog(receipt, self).open()

    def showEvent(self, event: QShowEvent) -> None:
        """Offer what there is now: strokes of the brush do not wait for a window that nobody sees."""
        self._refresh()
        super().showEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """The next time the name follows what is chosen again; a running job goes on."""
        self._own_name, self._asked = True, None
        super().closeEvent(event)


def _pair(route: Route) -> str:
    return f"{route.content.value}/{route.program.value}"


def _fill(box: ComboBox, items: list[tuple[str, str]], wanted: str) -> None:
    """Offer other items; the wanted one is chosen where it is among them, else the first."""
    box.blockSignals(True)
    box.clear()
    for text, value in items:
        box.addItem(text, value)
    box.setCurrentIndex(max(0, box.findData(wanted)) if items else -1)
    box.blockSignals(False)


def _without_ending(name: str) -> str:
    """Return a name without any of the endings that there are."""
    known = sorted({suffix for each in SUFFIXES.values() for suffix in each}, key=len, reverse=True)
    return next((name[: -len(suffix)] for suffix in known if name.lower().endswith(suffix)), name)
