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
            cells = tuple(CellFiles(_name(paths[0]), tuple(paths)) for paths in self._cells(item))
            if cells:
                found.append(GroupFiles(item.text(0), cells))
        return tuple(found)

    def show_groups(self, groups: Iterable[GroupFiles]) -> None:
        """Show other groups in place of those that are there."""
        with QSignalBlocker(self):
            self.clear()
            for group in groups:
                item = self._add_item(group.name)
                for cell in group.cells:
                    self._add_cell(item, list(cell.tables))
            if not self.topLevelItemCount():
                self._add_item("Group 1")
            self.setCurrentItem(self._tops()[0])
        self.changed.emit()

    def join_selected(self) -> bool:
        """Make the selected tables one cell, that of the first of them; return whether there were several."""
        chosen = [(item, item.parent()) for item in self.selectedItems()]
        cells = [(item, group) for item, group in chosen if group is not None]
        if len(cells) < 2:
            return False
        paths = [Path(path) for item, _ in cells for path in item.data(0, _PATH)]
        with QSignalBlocker(self):
            for item, group in cells:
                group.removeChild(item)
            self.setCurrentItem(self._add_cell(cells[0][1], paths))
        self.changed.emit()
        return True

    def add_group(self, name: str = "") -> None:
        """Add a group; tables are added to it from now on."""
        item = self._add_item(name or f"Group {self.topLevelItemCount() + 1}")
        self.setCurrentItem(item)
        self.changed.emit()

    def add_tables(self, paths: Iterable[Path], group: QTreeWidgetItem | None = None) -> int:
        """Add tables and projects to a group, by default the current one; return how many were taken."""
        item = group or self._current_group()
        there = {path for top in self._tops() for cell in self._cells(top) for path in cell}
        taken = 0
        with QSignalBlocker(self):
            for path in paths:
                fits = path.suffix.lower() in TABLE_SUFFIXES or is_project(path)
                if fits and ".dictionary" not in path.name and path not in there:
                    self._add_cell(item, [path])
                    there.add(path)
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
    def _cells(group: QTreeWidgetItem) -> list[list[Path]]:
        """Return the tables of each cell of a group."""
        children = (group.child(row) for row in range(group.childCount()))
        return [[Path(path) for path in child.data(0, _PATH)] for child in children if child is not None]

    @staticmethod
    def _add_cell(group: QTreeWidgetItem, paths: list[Path]) -> QTreeWidgetItem:
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        child = QTreeWidgetItem(group, [_name(paths[0]) + more])
        child.setData(0, _PATH, [str(path) for path in paths])
        child.setToolTip(0, "\n".join(str(path) for path in paths))
        child.setFlags(child.flags() & ~Qt.ItemFlag.ItemIsEditable)
        return child

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
