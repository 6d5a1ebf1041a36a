"""The list of classes: colour, name, how many objects, and the key that gives each of them."""

from __future__ import annotations

from collections import Counter

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QPainter, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

from sxtstudio.core.object_classes import Rgb
from sxtstudio.core.object_table import ObjectTable
from sxtstudio.core.wording import count, grouped

KEYS = 9  # the first classes have a key each, 1 to 9
_NAME, _COUNT, _KEY = range(3)
_SWATCH = QSize(16, 16)
_LEAST_ROWS, _MOST_ROWS = 4, 10


class ClassList(QTreeWidget):
    """Names are changed in place, with F2 or a double click.

    Signals
    -------
    chosen(name), renamed(former, name), removed(name)
        What the user did; the list itself follows the table alone.
    """

    chosen = Signal(str)
    renamed = Signal(str, str)
    removed = Signal(str)

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self.setColumnCount(3)
        self.setHeaderLabels(["Class", "Objects", "Key"])
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setIconSize(_SWATCH)
        self.setAccessibleName("Classes")
        self.setToolTip(
            "The current class is what clicks give. Keys 1 to 9 give a class to the chosen objects; "
            "F2 renames, Del removes"
        )
        triggers = QAbstractItemView.EditTrigger
        self.setEditTriggers(triggers.DoubleClicked | triggers.EditKeyPressed)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(_NAME, QHeaderView.ResizeMode.Stretch)
        for column in (_COUNT, _KEY):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.currentItemChanged.connect(self._on_current_changed)
        self.itemChanged.connect(self._on_item_changed)

    @property
    def current(self) -> str:
        """The name of the current class, "" where there is none."""
        item = self.currentItem()
        return "" if item is None else str(item.data(_NAME, Qt.ItemDataRole.UserRole))

    def show_table(self, table: ObjectTable, current: str) -> None:
        """Follow the table."""
        objects = Counter(row.class_name for row in table.rows.values())
        with QSignalBlocker(self):
            while self.topLevelItemCount() > len(table.classes):
                self.takeTopLevelItem(self.topLevelItemCount() - 1)
            while self.topLevelItemCount() < len(table.classes):
                self.addTopLevelItem(_item())
            for place, one in enumerate(table.classes):
                item = self.topLevelItem(place)
                assert item is not None
                item.setText(_NAME, one.name)
                item.setData(_NAME, Qt.ItemDataRole.UserRole, one.name)
                item.setIcon(_NAME, swatch(one.rgb))
                item.setText(_COUNT, grouped(objects[one.name]))
                item.setText(_KEY, str(place + 1) if place < KEYS else "")
                item.setToolTip(_NAME, f"{one.name}: {count(objects[one.name], 'object')}")
                if one.name == current:
                    self.setCurrentItem(item)
        self.updateGeometry()

    def edit_current(self) -> None:
        """Let the user change the name of the current class."""
        item = self.currentItem()
        if item is not None:
            self.setFocus()
            self.editItem(item, _NAME)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Remove the current class with Del; digits are no search, they give a class."""
        if event.key() == Qt.Key.Key_Delete and self.current:
            self.removed.emit(self.current)
        elif event.text().isdigit():
            event.ignore()
        else:
            super().keyPressEvent(event)

    def sizeHint(self) -> QSize:
        """Return the height of the rows, within reason."""
        rows = min(max(self.topLevelItemCount(), _LEAST_ROWS), _MOST_ROWS)
        height = self.sizeHintForRow(0) if self.topLevelItemCount() else 20
        return QSize(200, rows * height + self.header().height() + 2 * self.frameWidth() + 2)

    def minimumSizeHint(self) -> QSize:
        """Show all rows where they are few: the panel scrolls."""
        return QSize(100, self.sizeHint().height())

    def _on_current_changed(self) -> None:
        if self.current:
            self.chosen.emit(self.current)

    def _on_item_changed(self, item: QTreeWidgetItem, column: int) -> None:
        former = str(item.data(_NAME, Qt.ItemDataRole.UserRole))
        if column == _NAME and item.text(_NAME) != former:
            name = item.text(_NAME)
            with QSignalBlocker(self):
                item.setText(_NAME, former)  # until the table says so
            self.renamed.emit(former, name)


def swatch(rgb: Rgb) -> QIcon:
    """Return a small patch of a colour."""
    picture = QPixmap(2 * _SWATCH.width(), 2 * _SWATCH.height())
    picture.setDevicePixelRatio(2)
    picture.fill(Qt.GlobalColor.transparent)
    with QPainter(picture) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(0, 0, 0, 90))
        painter.setBrush(QColor(*rgb))
        painter.drawRoundedRect(2, 2, _SWATCH.width() - 4, _SWATCH.height() - 4, 3, 3)
    icon = QIcon(picture)
    icon.addPixmap(picture, QIcon.Mode.Selected)  # the colour itself, not tinted by the row's
    return icon


def _item() -> QTreeWidgetItem:
    item = QTreeWidgetItem()
    item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
    right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    item.setTextAlignment(_COUNT, right)
    item.setTextAlignment(_KEY, Qt.AlignmentFlag.AlignCenter)
    return item
