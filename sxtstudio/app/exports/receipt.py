"""The receipt after an export: what was written, where, and that it was read back."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QApplication,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app.widgets.dialogs import Dialog
from sxtstudio.app.widgets.outside import show_folder
from sxtstudio.workflow.document.exporting import Receipt


class ReceiptDialog(Dialog):
    """Shows a receipt; its text can be copied."""

    PAGE = "projects.md#export"

    def __init__(self, receipt: Receipt, parent: QWidget | None = None) -> None:
        """Show ``receipt``."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"{receipt.what} exported")
        self.setMinimumWidth(520)
        self.receipt = receipt
        heading = QLabel(receipt.path.name)
        heading.setProperty("role", "title")
        where = QLineEdit(str(receipt.path))
        where.setReadOnly(True)
        where.setCursorPosition(0)
        where.setToolTip(str(receipt.path))
        form = QFormLayout()
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        form.addRow("What", QLabel(receipt.what))
        form.addRow("Where", where)
        for name, text in receipt.lines:
            shown = QLabel(text)
            shown.setWordWrap(True)
            shown.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            form.addRow(name, shown)
        layout = QVBoxLayout(self)
        layout.addWidget(heading)
        layout.addLayout(form)
        for note in receipt.notes:
            label = QLabel(note)
            label.setProperty("role", "note")
            label.setWordWrap(True)
            layout.addWidget(label)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.button(QDialogButtonBox.StandardButton.Close).setDefault(True)
        folder = buttons.addButton("Show in folder", QDialogButtonBox.ButtonRole.ActionRole)
        folder.clicked.connect(self.show_folder)
        copy = buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        copy.setToolTip("Copy the receipt as text")
        copy.clicked.connect(self.copy)
        buttons.rejected.connect(self.reject)
        layout.addStretch()
        layout.addWidget(buttons)

    def show_folder(self) -> None:
        """Open the folder in the desktop's file manager."""
        show_folder(self, self.receipt.path.parent)

    def copy(self) -> None:
        """Copy the receipt as text."""
        QApplication.clipboard().setText(self.text)

    @property
    def text(self) -> str:
        """The receipt as lines of text."""
        rows = (("What", self.receipt.what), ("Where", str(self.receipt.path)), *self.receipt.lines)
        return "\n".join([*(f"{name}: {text}" for name, text in rows), *self.receipt.notes]) + "\n"
