"""What the centre of the window shows while nothing is open."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import qtawesome
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget
from superqt import QFlowLayout

from sxtstudio.app import theme
from sxtstudio.app.context import Context

_MOST = 6


class StartPage(QWidget):
    """Open a tomogram, the sample, or one of the recent files."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        """Build the widgets."""
        super().__init__(parent)
        self._context = context
        title = QLabel("Open a tomogram to begin")
        title.setStyleSheet("font-size: 22px; font-weight: 600;")
        title.setWordWrap(True)
        note = QLabel(
            "MRC, TIFF, HDF5, OME-Zarr, or a folder of TIFF or PNG slices. You can also drop a file here."
        )
        note.setProperty("role", "note")
        note.setWordWrap(True)
        self.open = _button("Open tomogram…", "Choose a file or folder", main=True)
        self.sample = _button("Open sample tomogram", "A small simulated cell to try everything on")
        self.open.clicked.connect(partial(self._run, "file.open"))
        self.sample.clicked.connect(partial(self._run, "file.open_sample"))
        row = QFlowLayout()  # one below the other where the window is narrow
        row.setHorizontalSpacing(8)
        row.setVerticalSpacing(8)
        row.addWidget(self.open)
        row.addWidget(self.sample)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(2)
        column = QVBoxLayout()
        column.setSpacing(10)
        for widget in (title, note):
            column.addWidget(widget)
        column.addLayout(row)
        column.addSpacing(12)
        column.addLayout(self._recent)
        inner = QFrame()
        inner.setMaximumWidth(560)
        inner.setLayout(column)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(inner, 1000)  # as wide as it may be
        middle.addStretch(1)
        outer.addLayout(middle)
        outer.addStretch(3)
        self.open.setIcon(qtawesome.icon("mdi6.folder-open", color="white"))
        theme.set_icon(self.sample, "mdi6.flask-outline")
        self.refresh()

    def refresh(self) -> None:
        """Show the recent files that are still there."""
        while (item := self._recent.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        paths = self._context.settings.recent[:_MOST]
        if not paths:
            return
        heading = QLabel("Recent")
        heading.setProperty("role", "title")
        self._recent.addWidget(heading)
        for path in paths:
            button = QPushButton(f"{Path(path).name}    {_shortened(str(Path(path).parent))}")
            button.setFlat(True)
            button.setStyleSheet("text-align: left; padding: 4px 6px;")
            button.setMinimumHeight(28)
            button.setToolTip(path)
            button.setCursor(Qt.CursorShape.PointingHandCursor)
            button.clicked.connect(partial(self._open_path, path))
            self._recent.addWidget(button)

    def _run(self, name: str, *_: Any) -> None:
        self._context.parts.actions.by_name[name].trigger()

    def _open_path(self, path: str, *_: Any) -> None:
        from sxtstudio.app.document.opening import open_path

        open_path(self._context, path)


def _button(text: str, tip: str, main: bool = False) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setIconSize(QSize(18, 18))
    button.setMinimumHeight(38)
    if main:
        button.setProperty("role", "main")
    return button


def _shortened(folder: str, most: int = 46) -> str:
    return folder if len(folder) <= most else "…" + folder[-most:]
