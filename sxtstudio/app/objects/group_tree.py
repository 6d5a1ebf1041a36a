"""The groups of a comparison as a tree: conditions, and under each the tables of its cells."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor, QDragEnterEvent, QDragMoveEvent, QDropEvent, QIcon, QKeyEvent, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QTreeWidget, QTreeWidgetItem, QWidget

from sxtstudio.core.figures import GROUP_COLOURS
from sxtstudio.io.project import is_project
from sxtstudio.io.tables import TABLE_SUFFIXES
from sxtstudio.workflow.jobs.comparing import CellFiles, GroupFiles

_PATH = Qt.ItemDataRole.UserRole


class GroupTree(QTreeWidget):
    """Files are dropped onto it or added; names of groups are edited in it.

    Signals
    -------
    changed()
        Groups, their names or tables.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin with two groups without tables."""
        super().__init__(parent)
        self.setHeaderHidden(True)
        self.setAccessibleName("Groups and their tables")
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.EditKeyPressed | QAbstractItemView.EditTrigger.DoubleClicked
        )
        self.setAcceptDrops(True)
        self.setToolTip(
            "A group per condition, and in it a table, or a project, per cell. Drop files onto a group. A "
            "double click or F2 changes its name, Del takes away what is selected."
        )
        for name in ("Group 1", "Group 2"):
            self._add_item(name)
        self.setCurrentItem(self._tops()[0])
        self.itemChanged.connect(lambda *_: self.changed.emit())

    @property
    def groups(self) -> tuple[GroupFiles, ...]:
        """The groups that have a table."""
        found = []
        for item in self._tops():
            paths = self._paths(item)
            if paths:
                cells = tuple(CellFiles(_name(Path(path)), (Path(path),)) for path in paths)
                found.append(GroupFiles(item.text(0), cells))
        return tuple(found)

    def add_group(self, name: str = "") -> None:
        """Add a group; tables are added to it from now on."""
        item = self._add_item(name or f"Group {self.topLevelItemCount() + 1}")
        self.setCurrentItem(item)
        self.changed.emit()

    def add_tables(self, paths: Iterable[Path], group: QTreeWidgetItem | None = None) -> int:
        """Add tables and projects to a group, by default the current one; return how many were taken."""
        item = group or self._current_group()
        there = {path for top in self._tops() for path in self._paths(top)}
        taken = 0
        with QSignalBlocker(self):
            for path in paths:
                fits = path.suffix.lower() in TABLE_SUFFIXES or is_project(path)
                if fits and ".dictionary" not in path.name and str(path) not in there:
                    child = QTreeWidgetItem(item, [_name(path)])
                    child.setData(0, _PATH, str(path))
                    child.setToolTip(0, str(path))
                    child.setFlags(child.flags() & ~Qt.ItemFlag.ItemIsEditable)
                    there.add(str(path))
                    taken += 1
            item.setExpanded(True)
        if taken:
            self.changed.emit()
        return taken

    def remove_selected(self) -> None:
        """Take away selected tables, and selected groups with all of theirs."""
        with QSignalBlocker(self):
            for item in self.selectedItems():
                parent = item.parent()
                if parent is not None:
                    parent.removeChild(item)
                elif (index := self.indexOfTopLevelItem(item)) >= 0:
                    self.takeTopLevelItem(index)
            if not self.topLevelItemCount():
                self._add_item("Group 1")
            self._paint_groups()
        self.changed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Del takes away what is selected."""
        if event.key() == Qt.Key.Key_Delete:
            self.remove_selected()
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Accept files anywhere."""
        event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Add files to the group that they are dropped onto."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        item = self.itemAt(event.position().toPoint())
        group = item if item is None or item.parent() is None else item.parent()
        if paths:
            event.acceptProposedAction()
            self.add_tables(paths, group)

    def _tops(self) -> list[QTreeWidgetItem]:
        items = (self.topLevelItem(index) for index in range(self.topLevelItemCount()))
        return [item for item in items if item is not None]

    @staticmethod
    def _paths(group: QTreeWidgetItem) -> list[str]:
        children = (group.child(row) for row in range(group.childCount()))
        return [str(child.data(0, _PATH)) for child in children if child is not None]

    def _current_group(self) -> QTreeWidgetItem:
        item = self.currentItem() or self._tops()[0]
        return item.parent() or item

    def _add_item(self, name: str) -> QTreeWidgetItem:
        with QSignalBlocker(self):
            item = QTreeWidgetItem(self, [name])
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
            item.setExpanded(True)
            self._paint_groups()
        return item

    def _paint_groups(self) -> None:
        for index, item in enumerate(self._tops()):
            square = QPixmap(12, 12)
            square.fill(QColor(*GROUP_COLOURS[index % len(GROUP_COLOURS)]))
            item.setIcon(0, QIcon(square))


def _name(path: Path) -> str:
    return path.parent.name if path.name == "project.json" else path.stem
