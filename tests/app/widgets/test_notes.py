"""Small texts between the fields of a form."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QSpinBox, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from sxtstudio.app.widgets.notes import form, note, show_note

TEXT = "A rough mask of the cell is made from each tomogram, and what lies outside of it is removed."


def test_notes_that_appear_have_the_room_of_their_lines(qtbot: QtBot) -> None:
    column, fields = QWidget(), form()
    upper, lower = note(TEXT), note()
    fields.addRow("First", QSpinBox())
    fields.addRow(upper)
    fields.addRow("Second", QSpinBox())
    fields.addRow(lower)
    layout = QVBoxLayout(column)
    layout.addLayout(fields)
    layout.addStretch()
    qtbot.addWidget(column)
    column.resize(230, 600)
    column.show()
    qtbot.waitExposed(column)
    line = QLabel("A").sizeHint().height()
    for text in ("One line.", TEXT, ""):
        show_note(lower, text)
        qtbot.wait(20)
        for label in (upper, lower):
            if label.text():
                assert label.height() == label.heightForWidth(label.width())
        assert upper.height() >= 2 * line - 4
    column.resize(600, 600)
    show_note(lower, TEXT)
    qtbot.wait(20)
    assert upper.height() == lower.height() < 2 * line
