"""The list of a batch: a tomogram per row, with what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from sxtstudio.app import theme
from sxtstudio.core import wording
from sxtstudio.workflow.jobs.batch_files import BatchRow

_HEADS = ("Tomogram", "Result", "Time", "Labelled", "Device", "Notes")
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_STATES = {
    "waiting": ("waiting", "mdi6.clock-outline"),
    "running": ("starting", "mdi6.progress-clock"),
    "done": ("done", "mdi6.check"),
    "skipped": ("left out", "mdi6.skip-next-outline"),
    "failed": ("failed", "mdi6.alert-outline"),
    "stopped": ("stopped", "mdi6.pause"),
}


class BatchTable(QTableWidget):
    """Rows can be added by dropping files, and removed with the Delete key while ``fixed`` is False."""

    dropped = Signal(list)  # of Path

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin empty."""
        super().__init__(0, len(_HEADS), parent)
        self.rows: list[BatchRow] = []
        self.fixed = False
        self.setHorizontalHeaderLabels(_HEADS)
        self.verticalHeader().hide()
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setWordWrap(True)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # names of a beamtime begin alike
        self.setAcceptDrops(True)
        self.setAccessibleName("Tomograms of the batch")
        header = self.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setStretchLastSection(True)
        for column, width in enumerate((170, 110, 70, 76, 120)):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
            self.setColumnWidth(column, width)
        for column in (2, 3):
            self.horizontalHeaderItem(column).setTextAlignment(_RIGHT)  # type: ignore[union-attr]
        theme.follow(self, self._show_all)

    def add(self, paths: Sequence[Path]) -> None:
        """Add tomograms that are not in the list yet."""
        known = {row.tomogram for row in self.rows}
        for path in dict.fromkeys(paths):
            if path not in known:
                self.show_row(len(self.rows), BatchRow(path))

    def replace(self, path: Path, volumes: Sequence[Path]) -> None:
        """Put volumes of a file in the place of its row; nothing happens where that has begun or gone."""
        for number, row in enumerate(self.rows):
            if row.tomogram == path and row.state == "waiting" and not self.fixed:
                self.show_row(number, BatchRow(volumes[0]))
                self.add(volumes[1:])
                return

    def show_row(self, number: int, row: BatchRow) -> None:
        """Show what is known of row ``number``; the row after the last is new."""
        if number == len(self.rows):
            self.rows.append(row)
            self.insertRow(number)
        self.rows[number] = row
        items = [self._cell(number, column) for column in range(len(_HEADS))]
        state, icon = _STATES[row.state]
        if row.finding_objects:
            state = "finding objects"
        elif row.state == "running" and row.slices:
            state = f"{row.slices[0]} of {row.slices[1]} slices"
        texts = (
            row.tomogram.name,
            state,
            "" if row.seconds is None else _time(row.seconds),
            "" if row.labelled is None else f"{100 * row.labelled:.2f} %",
            row.worker or str((row.details or {}).get("device", "")),
            row.message,
        )
        for item, text in zip(items, texts, strict=True):
            item.setText(text)
        items[0].setToolTip(str(row.tomogram))
        items[1].setIcon(theme.icon(icon))
        items[1].setToolTip("" if row.output is None else str(row.output))
        items[4].setToolTip(items[4].text())
        items[5].setToolTip(row.message)
        self.resizeRowToContents(number)
        self.setRowHeight(number, max(28, self.rowHeight(number) + 8))

    def _show_all(self) -> None:
        for number, row in enumerate(self.rows):
            self.show_row(number, row)

    def _cell(self, number: int, column: int) -> QTableWidgetItem:
        item = self.item(number, column)
        if item is None:
            item = QTableWidgetItem()
            if column in (2, 3):
                item.setTextAlignment(_RIGHT)
            self.setItem(number, column, item)
        return item

    def clear_rows(self) -> None:
        """Empty the list."""
        self.rows.clear()
        self.setRowCount(0)

    def remove_selected(self) -> None:
        """Take the selected tomograms off the list; nothing happens to the files."""
        if not self.fixed:
            for number in sorted({index.row() for index in self.selectedIndexes()}, reverse=True):
                self.removeRow(number)
                del self.rows[number]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete takes rows off the list."""
        if event.key() == Qt.Key.Key_Delete:
            self.remove_selected()
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files and folders."""
        if not self.fixed and any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Accept them anywhere."""
        if not self.fixed:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Hand on what was dropped."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths and not self.fixed:
            event.acceptProposedAction()
            self.dropped.emit(paths)


def _time(seconds: float) -> str:
    return "< 1 s" if seconds < 1 else wording.rough_duration(seconds)
