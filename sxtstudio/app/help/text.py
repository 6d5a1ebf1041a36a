"""A page of text to read or to copy: keyboard shortcuts, measurements, diagnostics."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTextBrowser,
    QVBoxLayout,
)

from sxtstudio.app.context import Context
from sxtstudio.app.widgets.dialogs import ToolDialog


class TextDialog(ToolDialog):
    """Shows HTML, or plain text with a button that copies it; each page is a class of its own."""

    SIZE_PX: ClassVar[tuple[int, int]] = (640, 640)

    def __init__(self, context: Context) -> None:
        """Build the dialog without text."""
        super().__init__(context)
        self.resize(*self.SIZE_PX)
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.note.hide()
        self.page = QTextBrowser()
        self.page.setOpenLinks(False)
        self.page.document().setDocumentMargin(10)
        self.copy_button = QPushButton("Copy")
        self.copy_button.setToolTip("Copy the text, to paste it into a message")
        self.copy_button.hide()
        self._json = ""
        self.json_button = QPushButton("Copy as JSON")
        self.json_button.setToolTip("Copy it for programs, as “sxtstudio --selfcheck --json” prints it")
        self.json_button.hide()
        close = QPushButton("Close")
        close.setToolTip("Close this page")
        row = QHBoxLayout()
        row.addStretch()
        for button in (self.json_button, self.copy_button, close):
            button.setAutoDefault(False)
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.addWidget(self.note)
        layout.addWidget(self.page, 1)
        layout.addLayout(row)
        self.copy_button.clicked.connect(self.copy)
        self.json_button.clicked.connect(self.copy_json)
        close.clicked.connect(self.close)

    def show_html(self, html: str) -> None:
        """Show a page."""
        self.page.setHtml(html)

    def show_plain(self, text: str, note: str, json: str = "") -> None:
        """Show text that can be copied, and a sentence above it; ``json`` is the same for programs."""
        self.note.setText(note)
        self.note.show()
        self.page.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.page.setPlainText(text)
        self.copy_button.show()
        self._json = json
        self.json_button.setVisible(bool(json))

    def copy(self) -> None:
        """Copy all of the text."""
        QApplication.clipboard().setText(self.page.toPlainText())
        self.note.setText("Copied.")

    def copy_json(self) -> None:
        """Copy what programs read."""
        QApplication.clipboard().setText(self._json)
        self.note.setText("Copied as JSON.")


class ShortcutsPage(TextDialog):
    """All keys and mouse gestures."""

    TITLE = "Keyboard shortcuts and mouse"
    PAGE = "keys.md"
    SIZE_PX = (640, 700)


class DiagnosticsPage(TextDialog):
    """What somebody who helps needs to know."""

    TITLE = "Diagnostics"
    PAGE = "trouble.md#report-a-problem"
    SIZE_PX = (760, 640)


class SelfCheckPage(TextDialog):
    """Which parts of this installation work."""

    TITLE = "Check of the installation"
    PAGE = "install.md#does-it-work-here"
    SIZE_PX = (760, 640)


class MeasurementsPage(TextDialog):
    """What every column of a table of objects means."""

    TITLE = "Measurements"
    PAGE = "measure.md"
    SIZE_PX = (760, 720)


class ProgramsPage(TextDialog):
    """What is handed over to which program, how it is opened there, and what gets lost."""

    TITLE = "Other programs"
    PAGE = "programs.md"
    SIZE_PX = (980, 720)
