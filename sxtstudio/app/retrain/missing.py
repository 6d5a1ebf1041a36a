"""What stands in the place of the steps where PyTorch is missing: how to add it."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.app.widgets.notes import note, show_note
from sxtstudio.workflow.retraining import child

_WHY = (
    "Training a model needs PyTorch, a large library that the rest of SXT Studio does without. It is not "
    "installed here. Everything else works as before."
)
_HOW = "Copy a line, run it in a terminal (a command prompt on Windows), then come back and look again:"
_FROZEN = (
    "This installation has no training program. Install the add-on “SXT Studio training”, which belongs in "
    "the folder {folder}, then look again. Or install SXT Studio with Python: pip install sxtstudio[train]"
)


class MissingPage(QWidget):
    """Commands to copy, and a button that looks again (``look_again``)."""

    look_again = Signal()

    def __init__(self, dialog: ToolDialog) -> None:
        """Build the page."""
        super().__init__()
        title = QLabel("PyTorch is missing")
        title.setProperty("role", "title")
        why = QLabel(_WHY)
        why.setWordWrap(True)
        self.remark = note()
        self.again = dialog.button("Look again", "mdi6.refresh", "Look whether PyTorch is there now")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        layout.addWidget(title)
        layout.addWidget(why)
        self.commands: list[QLineEdit] = []
        if child.is_frozen():
            layout.addWidget(_words(_FROZEN.format(folder=child.training_program().parent)))
        else:
            layout.addWidget(_words(_HOW))
            for whom, command in child.ways_to_add():
                self._add(layout, dialog, whom, command)
        row = QHBoxLayout()
        row.addWidget(self.again)
        row.addStretch()
        layout.addLayout(row)
        layout.addWidget(self.remark)
        layout.addStretch()
        self.again.clicked.connect(self.look_again)

    def _add(self, layout: QVBoxLayout, dialog: ToolDialog, whom: str, command: str) -> None:
        field = QLineEdit(command)
        field.setReadOnly(True)
        field.setCursorPosition(0)
        field.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        field.setAccessibleName(whom)
        copy = dialog.button("Copy", "mdi6.content-copy", "Copy this line")
        copy.clicked.connect(partial(self._copy, command))
        row = QHBoxLayout()
        row.addWidget(field, 1)
        row.addWidget(copy)
        layout.addWidget(note(whom))
        layout.addLayout(row)
        self.commands.append(field)

    def _copy(self, command: str) -> None:
        QApplication.clipboard().setText(command)
        show_note(self.remark, "Copied. Run it in a terminal; it may take some minutes.")


def _words(text: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label
