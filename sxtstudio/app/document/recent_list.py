"""The recent files on the start page: for each what it is, where it lies, and when it was open."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from sxtstudio.app import theme
from sxtstudio.app.document.recent_files import RecentFile, RecentFiles
from sxtstudio.app.widgets.elided import ElidedLabel

_MOST = 6
_HEIGHT_PX, _ICON_PX = 44, 22
_PROJECT, _TOMOGRAM, _GONE = "mdi6.briefcase-outline", "mdi6.file-image-outline", "mdi6.file-alert-outline"


class RecentButton(QPushButton):
    """Opens a file; Del takes it off the list.

    Signals
    -------
    taken_off()
        It is to go from the list.
    """

    taken_off = Signal()

    def __init__(self) -> None:
        """Build the widgets, without a file."""
        super().__init__()
        self.file: RecentFile | None = None
        self.setFlat(True)
        self.setMinimumSize(80, _HEIGHT_PX)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._icon, self._when = QLabel(), QLabel()
        self._icon.setFixedWidth(_ICON_PX + 4)
        self._name, self._place = ElidedLabel(400), ElidedLabel(400)
        for label in (self._place, self._when):
            label.setProperty("role", "note")
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self._name)
        words.addWidget(self._place)
        self._line = QHBoxLayout(self)
        self._line.setContentsMargins(8, 3, 8, 3)
        self._line.addWidget(self._icon)
        self._line.addLayout(words, 1)
        self._line.addWidget(self._when)
        for label in (self._icon, self._name, self._place, self._when):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        theme.follow(self._icon, self._draw_icon)

    def show_file(self, file: RecentFile) -> None:
        """Show ``file``; one that is gone cannot be pressed."""
        self.file = file
        gone = "" if file.there else ": not there any more"
        self.setEnabled(file.there)
        self.setToolTip(file.path + gone)
        kind = "Project" if file.project else "Tomogram"
        self.setAccessibleName(f"{kind} {file.name} in {file.place}{gone}")
        self._name.setText(file.name)
        self._place.setText(file.place if file.there else "not there any more")
        self._when.setText(file.when)
        self._draw_icon()

    def sizeHint(self) -> QSize:
        """Return the room for two lines."""
        return self._line.sizeHint().expandedTo(QSize(0, _HEIGHT_PX))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Del takes the file off the list; Enter opens it as Space does."""
        if event.key() == Qt.Key.Key_Delete:
            self.taken_off.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def _draw_icon(self) -> None:
        file = self.file
        if file is not None:
            name = _GONE if not file.there else _PROJECT if file.project else _TOMOGRAM
            self._icon.setPixmap(theme.icon(name).pixmap(QSize(_ICON_PX, _ICON_PX)))


class _Row(QWidget):
    """The button of a file, and one that takes it off the list."""

    def __init__(self) -> None:
        super().__init__()
        self.button, self.remover = RecentButton(), QToolButton()
        self.remover.setAutoRaise(True)
        theme.set_icon(self.remover, "mdi6.close")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.button, 1)
        layout.addWidget(self.remover)

    def show_file(self, file: RecentFile) -> None:
        self.button.show_file(file)
        self.remover.setToolTip(f"Take {file.name} off this list; the file stays")
        self.remover.setAccessibleName(f"Take {file.name} off the list")


class RecentList(QWidget):
    """A heading and the rows, which are made once; nothing is seen where there are no files.

    Signals
    -------
    opened(str)
        This file is to be opened.
    """

    opened = Signal(str)

    def __init__(self, files: RecentFiles, parent: QWidget | None = None) -> None:
        """Show what is recent, and follow it."""
        super().__init__(parent)
        self._files = files
        self._rows = [_Row() for _ in range(_MOST)]
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        heading = QLabel("Recent files")
        heading.setProperty("role", "title")
        layout.addWidget(heading)
        for row in self._rows:
            layout.addWidget(row)
            row.button.clicked.connect(lambda _=False, row=row: self._on_row_clicked(row))
            row.button.taken_off.connect(lambda row=row: self._on_row_taken_off(row))
            row.remover.clicked.connect(lambda _=False, row=row: self._on_row_taken_off(row))
        files.changed.connect(self.refresh)
        self.refresh()

    @property
    def buttons(self) -> list[RecentButton]:
        """The buttons that are shown, from above."""
        return [row.button for row in self._rows if not row.isHidden()]

    @property
    def removers(self) -> list[QToolButton]:
        """The buttons beside them, which take a file off the list."""
        return [row.remover for row in self._rows if not row.isHidden()]

    def refresh(self) -> None:
        """Show what is recent now."""
        files = self._files.files[:_MOST]
        for row, file in zip(self._rows, files, strict=False):
            row.show_file(file)
        for place, row in enumerate(self._rows):
            row.setVisible(place < len(files))
        self.setVisible(bool(files))

    def _on_row_clicked(self, row: _Row) -> None:
        if row.button.file is not None:
            self.opened.emit(row.button.file.path)

    def _on_row_taken_off(self, row: _Row) -> None:
        if row.button.file is not None:
            self._files.forget(row.button.file.path)
