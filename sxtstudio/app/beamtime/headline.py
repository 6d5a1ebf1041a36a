"""What a beamtime does now, above its wall: a sentence, what work waits for, and how much is done."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from sxtstudio.app import theme
from sxtstudio.app.beamtime.wall import colour_of
from sxtstudio.workflow.beamtime.status import Activity, Status
from sxtstudio.workflow.beamtime.summary import TomogramMark

_DOTS = {
    Activity.LOOKING: TomogramMark.GOOD,
    Activity.WORKING: TomogramMark.RUNNING,
    Activity.HELD: TomogramMark.LOOK,
    Activity.BLOCKED: TomogramMark.BAD,
}


class Headline(QWidget):
    """A dot and a sentence with the buttons beside them, what work waits for, and a bar."""

    def __init__(self, buttons: Sequence[QPushButton]) -> None:
        """Begin with nothing said."""
        super().__init__()
        self.dot, self.label, self.trouble = QLabel("●"), QLabel(), QLabel()
        self.label.setProperty("role", "title")
        for label in (self.label, self.trouble):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
        self.trouble.setAccessibleName("What work waits for")
        self.trouble.setMargin(6)
        self.trouble.setAutoFillBackground(True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.bar.setAccessibleName("How much of the tomograms in work is done")
        room = self.bar.sizePolicy()
        room.setRetainSizeWhenHidden(True)  # the wall stays where it is
        self.bar.setSizePolicy(room)
        upper = QHBoxLayout()
        upper.addWidget(self.dot, 0, Qt.AlignmentFlag.AlignTop)
        upper.addWidget(self.label, 1)
        for button in buttons:
            upper.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(upper)
        layout.addWidget(self.trouble)
        layout.addWidget(self.bar)

    def text(self) -> str:
        """Return the sentence."""
        return self.label.text()

    def show_status(self, status: Status, text: str, *, running: bool) -> None:
        """Show a status with ``text`` as its sentence; ``running``: this window does the work."""
        self.bar.setVisible(running and status.doing is Activity.WORKING)
        self.bar.setRange(0, 1000 if status.fraction > 0 else 0)
        self.bar.setValue(round(1000 * status.fraction))
        self.label.setText(text)
        self.trouble.setText(status.trouble)
        self.trouble.setVisible(bool(status.trouble))
        palette = self.palette()
        colour = colour_of(_DOTS.get(status.doing, TomogramMark.SKIPPED), palette)
        self.dot.setStyleSheet(f"color: {colour.name()}; font-size: 18px")
        pale = QPalette(palette)
        pale.setColor(QPalette.ColorRole.Window, QColor("#3a2f14" if theme.is_dark() else "#fff3d6"))
        self.trouble.setPalette(pale)
