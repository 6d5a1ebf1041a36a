"""What became of a folder of results when everything was done again: one line for each result."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QApplication,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app.widgets.dialogs import Dialog
from sxtstudio.app.widgets.outside import show_folder
from sxtstudio.app.widgets.scroll import VerticalScroll
from sxtstudio.core.wording import count
from sxtstudio.workflow.results.compare import Outcome, Verdict
from sxtstudio.workflow.results.rerun import Rerun

_WORDS = {
    Verdict.SAME: "✓ The same, bit by bit",
    Verdict.APART: "⚠ Not the same",
    Verdict.GIVEN: "Taken as given",
    Verdict.MISSING: "⚠ Missing",
}
_FILE_WORDS = {
    Verdict.APART: "⚠ Not as it was written",
    Verdict.MISSING: "⚠ Missing",
}
# So many files are named above the list.
_NAMED = 3
_WIDTH_PX, _HEIGHT_PX = 600, 420


class CheckedDialog(Dialog):
    """Shows what a check found; its text can be copied."""

    PAGE = "projects.md#results-to-take-home"

    def __init__(self, folder: Path, found: Rerun, parent: QWidget | None = None) -> None:
        """Show what was ``found`` of the results in ``folder``."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"{folder.name} checked")
        self._folder, self._found = folder, found
        self.heading = _label(_heading(found))
        self.heading.setProperty("role", "title")
        lines = QWidget()
        form = QFormLayout(lines)
        form.setContentsMargins(0, 0, 0, 0)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        for name, text in _rows(found):
            form.addRow(name, _label(text))
        layout = QVBoxLayout(self)
        layout.addWidget(self.heading)
        layout.addWidget(VerticalScroll(lines), 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.button(QDialogButtonBox.StandardButton.Close).setDefault(True)
        show = buttons.addButton("Show in folder", QDialogButtonBox.ButtonRole.ActionRole)
        show.clicked.connect(lambda: show_folder(self, folder))
        copy = buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        copy.setToolTip("Copy all of this as text")
        copy.clicked.connect(lambda: QApplication.clipboard().setText(self.text))
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)
        buttons.button(QDialogButtonBox.StandardButton.Close).setFocus()
        self.resize(_WIDTH_PX, _HEIGHT_PX)

    @property
    def text(self) -> str:
        """All of it as lines of text."""
        rows = [f"{name}: {text}" for name, text in _rows(self._found)]
        return "\n".join([str(self._folder), _heading(self._found), *rows]) + "\n"


def _heading(found: Rerun) -> str:
    apart, files = [one for one in found.apart if not one.is_file], len(found.files)
    if apart:
        are = "is" if len(apart) == 1 else "are"
        text = f"{len(apart)} of {count(len(found.results), 'result')} {are} not the same."
    elif found.done:
        text = "All that was done again is the same."
    else:
        text = "Nothing was done again."
    if files:
        named = ", ".join(one.name for one in found.files[:_NAMED]) + (", …" if files > _NAMED else "")
        are, they, were = ("is", "it", "was") if files == 1 else ("are", "they", "were")
        text += f" {count(files, 'file')} {are} not as {they} {were} written: {named}."
    return text


def _rows(found: Rerun) -> list[tuple[str, str]]:
    rows = [(_title(one.name), _words(one)) for one in found.outcomes]
    rows.append(("Done again", ", ".join(found.done) or "nothing: all is work by hand"))
    return rows + [("Note", note) for note in found.notes]


def _title(name: str) -> str:
    """Return the name of a result; files are written as they are called."""
    return name if "." in name else name[:1].upper() + name[1:]


def _words(one: Outcome) -> str:
    words = _FILE_WORDS if one.is_file else _WORDS
    return words[one.verdict] + (f": {one.words}" if one.words else "")


def _label(text: str) -> QLabel:
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
