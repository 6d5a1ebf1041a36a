"""Table S1 of the paper, from the objects of the open tomogram, with its dot plots beside it."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.objects.plots.export import write_figures
from sxtstudio.app.objects.plots.figure import FigurePlot
from sxtstudio.app.objects.table.listing import Listing
from sxtstudio.app.widgets.controls import ComboBox
from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.app.widgets.scroll import VerticalScroll
from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.figures import Figure
from sxtstudio.core.filopodia.listed import filopodia_of
from sxtstudio.core.measure.table_s1 import TableS1, plus_minus, table_s1
from sxtstudio.core.measure.table_s1_figure import s1_figures
from sxtstudio.core.object_table import ObjectTable
from sxtstudio.core.wording import count
from sxtstudio.workflow.document.label_history import LABELS_CHANGED

_WHOLE, _CHOSEN, _EVERY = "whole filopodia", "chosen", "all"
_HEADINGS = ("", "Mean ± SD", "SD over slices", "n", "Paper")
_COLUMNS, _FEW = 2, 3
NOT_MEASURED = "The objects are not measured yet. Press Measure in the panel Objects (Ctrl+J)."
NO_OBJECT = "There is no such object yet. Take filopodia (Shift+F), or choose other objects above."
MEASURING = "The filopodia are being measured …"
NOT_ALL = "Sizes, shapes and slices were not measured. Measure them in the panel Objects (Ctrl+J)."


class TableS1Dialog(ToolDialog):
    """Follows the table of the objects, what was measured, and what is chosen."""

    TITLE = "Table S1"
    PAGE = "filopodia.md#table-s1"

    def __init__(self, context: Context) -> None:
        """Build the page."""
        super().__init__(context)
        self._context, self._session = context, context.session
        self._measured, self._filopodia = context.parts.measured, context.parts.toolbox.filopodia.measures
        self.table: TableS1 | None = None
        self.which = ComboBox()
        self.border = QCheckBox("With objects at the border")
        self.rows = QTableWidget(0, len(_HEADINGS))
        self.rows.setTabKeyNavigation(False)
        self.caption = QLabel()
        self._plots: list[FigurePlot] = []
        self._stale = 0
        self._settle = QTimer(self, singleShot=True, interval=60)
        self.resize(1080, 640)
        self._set_up()
        self._lay_out()
        self._connect()
        self.refresh()

    def refresh(self) -> None:
        """Make the table anew."""
        self._settle.stop()
        document = self._session.document
        table = ObjectTable() if document is None else document.object_table
        measured = self._measured.value
        if self.which.currentData() in (None, _WHOLE):
            self._filopodia.want()
            measured = self._filopodia.value
        listing = Listing(table, measured)
        self._offer(listing)
        self.table, why = self._made(listing)
        self._show(why)

    def shut_down(self) -> None:
        """Follow no more."""
        self._settle.stop()
        super().shut_down()

    def _made(self, listing: Listing) -> tuple[TableS1 | None, str]:
        """Return the table, or why there is none."""
        numbers = self._numbers(listing)
        self._stale = len(numbers & self._measured.stale)
        if not numbers:
            taken = len(filopodia_of(listing.table)) if self.which.currentData() == _WHOLE else 0
            return None, f"{taken} taken, none of them whole." if taken else NO_OBJECT
        if listing.measurements is None:
            return None, MEASURING if self.which.currentData() == _WHOLE else NOT_MEASURED
        try:
            every = self.which.currentData() == _EVERY
            found = table_s1(
                listing.measurements,
                numbers,
                with_border=self.border.isChecked(),
                table=listing.table,
                with_sheets=not every,
            )
            return found, ""
        except KeyError:
            return None, NOT_ALL
        except UserError as error:
            return None, str(error)

    def _warnings(self) -> list[str]:
        """Return sentences where objects of the table are not as they were found or measured."""
        texts = [LABELS_CHANGED] if self._measured.labels_changed else []
        # Whole filopodia are measured anew whenever they change.
        if self._stale and self.which.currentData() not in (None, _WHOLE):
            texts.append(f"{count(self._stale, 'object')} changed since they were measured: measure again.")
        return [f"⚠ {text}" for text in texts]

    def _out_of_date(self) -> str:
        return "".join(f"\n\n{text}" for text in self._warnings())

    def _numbers(self, listing: Listing) -> frozenset[int]:
        which = self.which.currentData()
        if which == _EVERY:
            return frozenset(listing.table.rows)
        if which == _CHOSEN:
            return frozenset(self._session.objects.value.selected) & listing.table.rows.keys()
        if which == _WHOLE:
            border = self.border.isChecked()
            return frozenset(one.number for one in filopodia_of(listing.table) if one.complete or border)
        name = str(which).removeprefix("class ")
        return frozenset(n for n, row in listing.table.rows.items() if row.class_name == name)

    def _offer(self, listing: Listing) -> None:
        """Offer the classes that there are."""
        used = {row.class_name for row in listing.table.rows.values()}
        entries = [("Whole filopodia", _WHOLE), ("Chosen objects", _CHOSEN), ("All objects", _EVERY)]
        entries += [(one.name, f"class {one.name}") for one in listing.table.classes if one.name in used]
        chosen = self.which.currentData()
        with QSignalBlocker(self.which):
            self.which.clear()
            for text, data in entries:
                self.which.addItem(text, data)
            self.which.setCurrentIndex(max(0, self.which.findData(chosen)))

    def _show(self, why: str) -> None:
        table = self.table
        self.caption.setText(why if table is None else table.caption() + self._out_of_date())
        self.rows.setRowCount(0 if table is None else len(table.rows))
        for index, row in enumerate(() if table is None else table.rows):
            unit = f" ({row.unit})" if row.unit else ""
            cells = (
                f"{row.title}, {row.dimensions}D{unit}",
                plus_minus(row.mean, row.sd),
                _rounded(row.within) if row.dimensions == 2 else "",
                str(row.n),
                plus_minus(*row.paper) if row.paper else "",
            )
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                if column:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.rows.setItem(index, column, item)
        self._show_figures(() if table is None else s1_figures(table))
        for button in (self.copy, self.save, self.export):
            button.setEnabled(table is not None)

    def _show_figures(self, figures: tuple[Figure, ...]) -> None:
        while len(self._plots) < len(figures):
            plot = FigurePlot("Dot plot of a measure")
            plot.setMinimumHeight(190)
            self._plots.append(plot)
        place = 0
        for index, plot in enumerate(self._plots):
            plot.setVisible(index < len(figures))
            if index < len(figures):
                # The names of many categories take the whole width.
                wide = _COLUMNS if len(figures[index].ticks) > _FEW else 1
                place = -(-place // wide) * wide
                self._grid.addWidget(plot, place // _COLUMNS, place % _COLUMNS, 1, wide)
                place += wide
                plot.show_figure(figures[index])

    def _set_up(self) -> None:
        self.copy = self.button("Copy as text", "mdi6.content-copy", "Copy the table with its caption")
        self.save = self.button("Save as CSV…", "mdi6.content-save-outline", "All digits, and the paper's")
        self.export = self.button("Export plots…", "mdi6.export", "All plots as one SVG or PNG")
        self.which.setAccessibleName("Objects in the table")
        self.which.setToolTip("Which objects count")
        self.border.setToolTip("They are cut, so their sizes are too small; filopodia that are not whole too")
        self.rows.setHorizontalHeaderLabels(list(_HEADINGS))
        self.rows.setAccessibleName("Table S1")
        self.rows.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.rows.verticalHeader().hide()
        self.rows.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.rows.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 9)
        self.caption.setWordWrap(True)
        self.caption.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(QLabel("Objects"))
        top.addWidget(self.which, 1)
        top.addWidget(self.border)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(top)
        column.addWidget(self.rows, 1)
        column.addWidget(self.caption)
        plots = QWidget()
        self._grid = QGridLayout(plots)
        self._grid.setContentsMargins(0, 0, 0, 0)
        scroll = VerticalScroll(plots)
        both = QSplitter(Qt.Orientation.Horizontal)
        both.addWidget(left)
        both.addWidget(scroll)
        both.setSizes([540, 520])
        both.setChildrenCollapsible(False)
        below = QHBoxLayout()
        below.addStretch()
        for button in (self.copy, self.save, self.export):
            below.addWidget(button)
        layout = QVBoxLayout(self)
        layout.addWidget(both, 1)
        layout.addLayout(below)

    def _connect(self) -> None:
        session = self._session
        self._settle.timeout.connect(self.refresh)
        for signal in (
            session.document_changed,
            session.table_changed,
            session.objects.changed,
            self._measured.changed,
            self._filopodia.changed,
        ):
            signal.connect(self._settle.start)
        self.which.currentIndexChanged.connect(self.refresh)
        self.border.toggled.connect(self.refresh)
        self.copy.clicked.connect(self._on_copy_clicked)
        self.save.clicked.connect(self._on_save_clicked)
        self.export.clicked.connect(self._on_export_clicked)

    def _on_copy_clicked(self) -> None:
        if self.table is not None:
            QGuiApplication.clipboard().setText(self.table.markdown() + self._out_of_date())

    def _on_save_clicked(self) -> None:
        if self.table is not None:
            path = questions.save_file(self._context, "Save Table S1", "table-s1.csv", "CSV (*.csv)")
            if path is not None:
                with atomic_write(path) as temporary:
                    temporary.write_text(self.table.csv(), encoding="utf-8", newline="")
                questions.say_saved(self._context, path, *self._warnings())

    def _on_export_clicked(self) -> None:
        if self.table is not None:
            kinds = "SVG (*.svg);;PNG (*.png)"
            path = questions.save_file(self._context, "Export the plots", "table-s1.svg", kinds)
            if path is not None:
                write_figures(s1_figures(self.table), path, columns=4)
                questions.say_saved(self._context, path, *self._warnings())


def _rounded(value: float) -> str:
    """Return three digits, or all before the point."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
