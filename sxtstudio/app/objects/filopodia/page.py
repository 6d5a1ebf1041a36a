"""The tab for filopodia: click one, move its cut, take it; the list, and Table S1 of it."""

from __future__ import annotations

import math

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app import theme
from sxtstudio.app.context import Context
from sxtstudio.app.labels.tools.catalogue import FILOPODIUM as TOOL
from sxtstudio.app.labels.tools.catalogue import LOOK
from sxtstudio.app.objects.filopodia.list import FilopodiumList
from sxtstudio.app.objects.filopodia.table_s1 import TableS1Dialog
from sxtstudio.app.objects.filopodia.work import FilopodiumWork
from sxtstudio.app.objects.plots.figure import FigurePlot
from sxtstudio.app.objects.seen_page import SeenPage
from sxtstudio.app.objects.table.listing import Listing
from sxtstudio.app.widgets.controls import Slider
from sxtstudio.app.widgets.notes import Note, note, show_note
from sxtstudio.core.errors import UserError
from sxtstudio.core.figures import Curve, Figure, FigureKind
from sxtstudio.core.filopodia.listed import filopodia_of
from sxtstudio.core.filopodia.records import Filopodium, Incomplete, why_incomplete
from sxtstudio.core.object_table import ObjectTable
from sxtstudio.core.wording import count

_WORK_PX = 290
_STEPS = 400  # of the slider
_WRONG = "If it is wrong, Shift+click its base and its tip, or paint what is missing of its outline."
_STILL_WRONG = (
    "If it is wrong, Shift+click more points in its middle, or paint what is missing of its outline."
)
_GREEN = (120, 205, 95)


class FilopodiaPage(SeenPage):
    """Follows the proposal and the table."""

    def __init__(
        self,
        context: Context,
        work: FilopodiumWork,
        parent: QWidget | None = None,
    ) -> None:
        """Build the tab."""
        super().__init__(parent)
        self._context, self._session, self.work = context, context.session, work
        self.click = QPushButton(TOOL.title)
        self.hint = note(TOOL.hint)
        self.slider = Slider(Qt.Orientation.Horizontal)
        self.figures, self.whole = QLabel(), QLabel()
        self.shorter, self.longer = QPushButton("Shorter"), QPushButton("Longer")
        self.take, self.drop = QPushButton("Take it"), QPushButton("Drop it")
        self.profile = FigurePlot("Width along the filopodium")
        self.list = FilopodiumList()
        self.summary = Note()
        self.table_s1 = QPushButton("Table S1…")
        self._set_up()
        self._lay_out()
        self._connect()
        self._show_tool()
        self._show_proposal()

    def _read(self) -> None:
        document = self._session.document
        table = ObjectTable() if document is None else document.object_table
        self.work.measures.want()
        listing = Listing(table, self.work.measures.value)
        self.list.show_filopodia(listing)
        self.list.show_chosen(self._session.objects.value.selected)
        found = filopodia_of(listing.table)
        whole = sum(one.complete for one in found)
        text = f"{count(len(found), 'filopodium', 'filopodia')}, {whole} of them whole"
        self.summary.setText(text if found else "No filopodium was taken yet.")

    def _set_up(self) -> None:
        self.click.setCheckable(True)
        theme.set_icon(self.click, TOOL.icon)
        self.click.setToolTip(f"{TOOL.hint} ({TOOL.shortcut})")
        self.slider.setRange(0, _STEPS)
        self.slider.setAccessibleName("Place of the cut")
        self.slider.setToolTip("Where it is cut from the cell: left at the tip, right at the cell")
        self.take.setProperty("role", "main")
        for button, tip in (
            (self.shorter, "Move the cut a pixel towards the tip (Ctrl+[)"),
            (self.longer, "Move the cut a pixel towards the cell (Ctrl+])"),
            (self.take, "Put it on the list, as an object of the class Filopodium (Enter)"),
            (self.drop, "Forget this proposal (Esc)"),
            (self.table_s1, "Table S1 of the paper from these filopodia, with its dot plots"),
        ):
            button.setToolTip(tip)
        self.figures.setWordWrap(True)
        self.whole.setWordWrap(True)

    def _lay_out(self) -> None:
        buttons = QGridLayout()
        buttons.setSpacing(4)
        for index, button in enumerate((self.shorter, self.longer, self.drop, self.take)):
            buttons.addWidget(button, index // 2, index % 2)
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(8, 6, 4, 6)
        column.setSpacing(4)
        column.addWidget(self.click)
        column.addWidget(self.hint)
        column.addWidget(self.slider)
        column.addWidget(self.figures)
        column.addWidget(self.whole)
        column.addLayout(buttons)
        column.addStretch()
        scroll = QScrollArea()
        scroll.setWidget(inner)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setFixedWidth(_WORK_PX)
        below = QHBoxLayout()
        below.addWidget(self.summary, 1)
        below.addWidget(self.table_s1)
        right = QVBoxLayout()
        right.setContentsMargins(0, 4, 8, 4)
        right.setSpacing(3)
        right.addWidget(self.list, 1)
        right.addLayout(below)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(scroll)
        layout.addWidget(self.profile, 2)
        layout.addLayout(right, 3)

    def _connect(self) -> None:
        session = self._session
        for signal in (session.document_changed, session.table_changed, self.work.measures.changed):
            signal.connect(self._later)
        session.objects.changed.connect(self._on_objects_changed)
        session.tool.changed.connect(self._show_tool)
        self.work.changed.connect(self._show_proposal)
        self.click.clicked.connect(self._on_click_clicked)
        self.slider.valueChanged.connect(self._on_slider_changed)
        self.shorter.clicked.connect(lambda: self.work.step(-1))
        self.longer.clicked.connect(lambda: self.work.step(1))
        self.take.clicked.connect(self._on_take_clicked)
        self.drop.clicked.connect(self.work.drop)
        self.table_s1.clicked.connect(lambda: self._context.dialogs.bring_up(TableS1Dialog))
        self.list.chosen.connect(self._on_list_chosen)

    def _show_tool(self) -> None:
        with QSignalBlocker(self.click):
            self.click.setChecked(self._session.tool.value.tool == TOOL.name)

    def _show_proposal(self) -> None:
        found, candidate = self.work.found, self.work.candidate
        there = found is not None and candidate is not None
        for widget in (self.slider, self.shorter, self.longer, self.take, self.drop):
            widget.setEnabled(there)
        self.figures.setVisible(there)
        self.whole.setVisible(there)
        self.profile.setVisible(there)
        show_note(self.hint, "" if there else TOOL.hint)
        if found is None or candidate is None:
            return
        low, high = candidate.limits
        with QSignalBlocker(self.slider):
            self.slider.setValue(round(_STEPS * (found.cut - low) / max(high - low, 1e-9)))
        self.figures.setText(self._in_words(found))
        parts = [problem for problem in found.incomplete if problem is not Incomplete.DOUBTFUL]
        text = f"<b>Not whole:</b> {why_incomplete(parts)}." if parts else "It is whole."
        if Incomplete.DOUBTFUL in found.incomplete:
            text = f"<b>It is {why_incomplete([Incomplete.DOUBTFUL])}.</b> {text if parts else ''}".strip()
        if {Incomplete.GAPS, Incomplete.DOUBTFUL} & set(found.incomplete):
            text += f" {_WRONG if len(self.work.seeds) < 2 else _STILL_WRONG}"
        if self.work.size is not None and self.work.size.as_wide:
            text += " <b>It is as wide as long:</b> this may be no filopodium."
        self.whole.setText(text)
        self.profile.show_figure(self._profile(found))

    def _in_words(self, found: Filopodium) -> str:
        document = self._session.document
        voxel_nm = None if document is None else document.voxel_nm
        size, unit = self.work.size, "px" if voxel_nm is None else "nm"
        # The same figures as on the list, once it is taken.
        long = "" if size is None else f"{size.length:.4g} {unit} long, {size.width:.4g} {unit} wide, "
        if voxel_nm is None:
            return f"{long}{count(found.voxels, 'voxel')}"
        return f"{long}{found.voxels * math.prod(voxel_nm) / 1e9:.4g} µm³"

    def _profile(self, found: Filopodium) -> Figure:
        document = self._session.document
        unit = "px" if document is None or document.voxel_nm is None else "nm"
        curve = Curve("", _GREEN, found.along[1:], found.width[1:])
        return Figure(
            FigureKind.CURVES,
            f"From the tip ({unit})",
            f"Width ({unit})",
            curves=(curve,),
            mark=(found.cut, "cut"),
        )

    def _on_objects_changed(self) -> None:
        if self.isVisible():
            self.list.show_chosen(self._session.objects.value.selected)

    def _on_click_clicked(self, on: bool) -> None:
        if on:
            self._context.parts.actions.do("objects.filopodium")
        else:
            self._session.tool.set(tool=LOOK.name)

    def _on_slider_changed(self, value: int) -> None:
        if self.work.candidate is not None:
            low, high = self.work.candidate.limits
            self.work.move_to(low + (high - low) * value / _STEPS)

    def _on_take_clicked(self) -> None:
        try:
            self.work.take()
        except UserError as error:
            self._session.remark(str(error))

    def _on_list_chosen(self, numbers: tuple[int, ...]) -> None:
        """Choose them everywhere, and go to the latest."""
        self._session.objects.set(selected=numbers)
        document = self._session.document
        box = document.box_of(numbers[-1]) if numbers and document is not None else None
        if box is not None:
            z, y, x = ((a + b) // 2 for a, b in zip(box.start, box.stop, strict=True))
            self._session.set_cursor((z, y, x))
