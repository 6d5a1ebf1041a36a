"""A page of text to read or to copy: keyboard shortcuts, diagnostics."""

from __future__ import annotations

from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTextBrowser,
    QVBoxLayout,
)

from sxtstudio.app.context import Context


class TextDialog(QDialog):
    """Shows HTML, or plain text with a button that copies it."""

    def __init__(self, context: Context, title: str, width: int = 640, height: int = 640) -> None:
        """Build the dialog without text."""
        super().__init__(context.window)
        self.setWindowTitle(title)
        self.resize(width, height)
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.note.hide()
        self.page = QTextBrowser()
        self.page.setOpenLinks(False)
        self.page.document().setDocumentMargin(10)
        self.copy_button = QPushButton("Copy")
        self.copy_button.setToolTip("Copy the text, to paste it into a message")
        self.copy_button.hide()
        close = QPushButton("Close")
        close.setToolTip("Close this page")
        row = QHBoxLayout()
        row.addStretch()
        for button in (self.copy_button, close):
            button.setAutoDefault(False)
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.addWidget(self.note)
        layout.addWidget(self.page, 1)
        layout.addLayout(row)
        self.copy_button.clicked.connect(self.copy)
        close.clicked.connect(self.close)

    def shut_down(self) -> None:
        """Close with the window."""
        self.close()

    def show_html(self, html: str) -> None:
        """Show a page."""
        self.page.setHtml(html)

    def show_plain(self, text: str, note: str) -> None:
        """Show text that can be copied, and a sentence above it."""
        self.note.setText(note)
        self.note.show()
        self.page.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.page.setPlainText(text)
        self.copy_button.show()

    def copy(self) -> None:
        """Copy all of the text."""
        QApplication.clipboard().setText(self.page.toPlainText())
        self.note.setText("Copied.")
