"""The list from which the columns of the table are chosen, with what each of them means."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app.objects.table.columns import Own, TableColumn

_KEY = Qt.ItemDataRole.UserRole
_SIZE_PX = (300, 360)


class ColumnChoice(QFrame):
    """Pops up below a button; what is ticked is shown at once."""

    changed = Signal(object)  # keys (tuple of str), in the order of the columns; None: the usual ones

    def __init__(self, parent: QWidget) -> None:
        """Begin without columns."""
        super().__init__(parent, Qt.WindowType.Popup)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search columns")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._on_search_changed)
        self.list = QListWidget()
        self.list.setAccessibleName("Columns of the table")
        self.list.itemChanged.connect(lambda _: self.changed.emit(self.keys))
        self.usual = QPushButton("Usual columns")
        self.usual.setToolTip("Show the columns that are shown at first")
        self.usual.clicked.connect(lambda: self.changed.emit(None))
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(self.usual)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.search)
        layout.addWidget(self.list, 1)
        layout.addLayout(row)
        self.resize(*_SIZE_PX)

    def show_columns(self, columns: tuple[TableColumn, ...], shown: Collection[str]) -> None:
        """List all columns; those of ``shown`` are ticked."""
        self.list.blockSignals(True)
        self.list.clear()
        for column in columns:
            item = QListWidgetItem(column.title)
            item.setData(_KEY, column.key)
            item.setToolTip(column.tip)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            if column.key != Own.NUMBER:
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsSelectable)
            else:
                item.setFlags(Qt.ItemFlag.NoItemFlags)  # without it nobody knows which object a row is
            on = column.key in shown
            item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
            self.list.addItem(item)
        self.list.blockSignals(False)
        self._on_search_changed(self.search.text())

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that are ticked."""
        items = (self.list.item(row) for row in range(self.list.count()))
        return tuple(item.data(_KEY) for item in items if item.checkState() == Qt.CheckState.Checked)

    def pop_up(self, beside: QWidget) -> None:
        """Show the list above or below a widget, where there is room."""
        below = beside.mapToGlobal(QPoint(0, beside.height() + 2))
        screen = beside.screen().availableGeometry()
        if below.y() + self.height() > screen.bottom():
            below.setY(max(screen.top(), beside.mapToGlobal(QPoint(0, 0)).y() - self.height() - 2))
        below.setX(max(screen.left(), min(below.x(), screen.right() - self.width())))
        self.move(below)
        self.show()
        self.search.setFocus()

    def _on_search_changed(self, text: str) -> None:
        words = text.casefold().split()
        for row in range(self.list.count()):
            item = self.list.item(row)
            said = f"{item.text()}\n{item.toolTip()}".casefold()
            item.setHidden(not all(word in said for word in words))
