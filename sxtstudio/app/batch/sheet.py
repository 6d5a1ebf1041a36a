"""The contact sheet of a batch in a window of its own, for there may be no other program for pictures."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPixmap, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QScrollArea, QToolButton, QVBoxLayout, QWidget

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import JobKind
from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.app.widgets.outside import show_folder
from sxtstudio.core.wording import count


class SheetDialog(ToolDialog):
    """Shows the pictures of a contact sheet below each other, as wide as the window or in full size."""

    TITLE = "Contact sheet"
    PAGE = "batch.md"

    def __init__(self, context: Context) -> None:
        """Build the dialog; it shows nothing yet."""
        super().__init__(context)
        self._context = context
        self.files: list[Path] = []
        self._pictures: list[QPixmap] = []
        self.shown: list[QLabel] = []
        self.resize(1060, 760)
        self.setSizeGripEnabled(True)
        self.pictures = QWidget()
        self._column = QVBoxLayout(self.pictures)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self.area = QScrollArea()
        self.area.setWidget(self.pictures)
        self.area.setWidgetResizable(True)
        self.area.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.full = QToolButton()
        self.full.setText("Full size")
        self.full.setCheckable(True)
        self.full.setToolTip("Every pixel of the pictures, or as wide as this window")
        self.full.toggled.connect(self._scale)
        folder = self.button("Results", "mdi6.folder-open-outline", "Open the folder of this picture")
        folder.clicked.connect(self._on_folder_clicked)
        close = self.button("Close", "", "Close this window")
        close.clicked.connect(self.close)
        self.note = QLabel()
        self.note.setProperty("role", "note")
        lower = QHBoxLayout()
        for widget in (self.full, folder):
            lower.addWidget(widget)
        lower.addWidget(self.note, 1)
        lower.addWidget(close)
        layout = QVBoxLayout(self)
        layout.addWidget(self.area, 1)
        layout.addLayout(lower)

    def show_sheets(self, files: list[Path]) -> None:
        """Show these pictures; they are read in a job."""
        self.files = files

        def read() -> list[QImage]:
            return [image for image in map(QImage, map(str, files)) if not image.isNull()]

        self._context.jobs.start(
            "Reading the contact sheet",
            lambda job: read(),
            on_done=self._take,
            kind=JobKind.ELSEWHERE,
            quiet=True,
        )

    def _take(self, images: list[QImage]) -> None:
        while (item := self._column.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self._pictures = [QPixmap.fromImage(image) for image in images]
        self.shown = [QLabel() for _ in images]
        for label in self.shown:
            label.setAccessibleName("The middle slice of each tomogram with its labels")
            self._column.addWidget(label, 0, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignHCenter)
        self._column.addStretch()
        missing = len(self.files) - len(images)
        self.note.setText(f"{count(missing, 'picture')} cannot be read." if missing else "")
        self._scale()

    def _scale(self) -> None:
        ratio = self.devicePixelRatio()
        room = round(self.area.viewport().width() * ratio)
        for label, picture in zip(self.shown, self._pictures, strict=True):
            if not self.full.isChecked() and room < picture.width():
                picture = picture.scaledToWidth(room, Qt.TransformationMode.SmoothTransformation)
            picture.setDevicePixelRatio(ratio)
            label.setPixmap(picture)
            label.setFixedSize(picture.deviceIndependentSize().toSize())

    def _on_folder_clicked(self) -> None:
        if self.files:
            show_folder(self, self.files[0].parent)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the pictures as wide as the window."""
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width() and not self.full.isChecked():
            self._scale()
