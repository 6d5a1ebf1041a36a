"""What stands in the place of the steps where PyTorch is missing: how to add it."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.app.widgets.notes import note, show_note
from sxtstudio.core.add_ons import AddOn, find, way_to_add
from sxtstudio.core.packaged import is_packaged
from sxtstudio.workflow.retraining import child

_WHY = (
    "Training a model needs PyTorch, a large library that the rest of SXT Studio does without. It is not "
    "installed here. Everything else works as before."
)
_HOW = "Copy a line, run it in a terminal (a command prompt on Windows), then come back and look again:"
_WHY_INSTALLED = (
    "Training a model needs PyTorch, a large library that the rest of SXT Studio does without. It comes in a "
    "package of its own, {file}."
)
_MISFIT = "The package for retraining that is here cannot be used: {problem}. Put {file} in its place."


class MissingPage(QWidget):
    """Commands to copy, and a button that looks again (``look_again``)."""

    look_again = Signal()

    def __init__(self, dialog: ToolDialog) -> None:
        """Build the page."""
        super().__init__()
        title = QLabel("PyTorch is missing")
        title.setProperty("role", "title")
        why = _words(_WHY)
        self.remark = note()
        self.again = dialog.button("Look again", "mdi6.refresh", "Look whether PyTorch is there now")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        layout.addWidget(title)
        layout.addWidget(why)
        self.commands: list[QLineEdit] = []
        if is_packaged():
            problem, way = find(AddOn.RETRAINING).problem, way_to_add(AddOn.RETRAINING)
            title.setText("The package for retraining cannot be used" if problem else title.text())
            why.setText((_MISFIT if problem else _WHY_INSTALLED).format(problem=problem, file=way.file))
            layout.addWidget(_words(f"{way.words} Then come back and look again."))
            if way.command:
                self._add(layout, dialog, "In a terminal, in the folder of the file", way.command)
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

    def say_not_there(self) -> None:
        """Say that training is still not possible."""
        problem = find(AddOn.RETRAINING).problem
        show_note(self.remark, f"It cannot be used: {problem}." if problem else "It is not there yet.")

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
