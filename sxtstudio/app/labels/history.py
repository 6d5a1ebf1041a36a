"""Edit > History: everything that can be taken back or made again, and a way to any point of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QListWidget, QListWidgetItem, QVBoxLayout

from sxtstudio.app.context import Context
from sxtstudio.app.labels.class_words import class_words
from sxtstudio.app.labels.object_words import objects_named
from sxtstudio.app.labels.travel import go_to
from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.core.edit_kind import EditKind, in_evaluation
from sxtstudio.core.edits import Edit
from sxtstudio.core.errors import UserError
from sxtstudio.core.steps import Step, StepKind, effective, undone
from sxtstudio.workflow.jobs.standing_clean_up import recorded_clean_up


class HistoryDialog(ToolDialog):
    """A row for each change, the oldest first; the row that is marked is how all is now."""

    TITLE = "History"
    PAGE = "paint.md#undo"

    def __init__(self, context: Context) -> None:
        """Show the history of what is open."""
        super().__init__(context)
        self._context, self._session = context, context.session
        self.resize(420, 460)
        hint = QLabel(
            "Choose how labels, cell mask, objects and their classes are to be. What is grey was taken back."
        )
        hint.setWordWrap(True)
        self.list = QListWidget()
        self.list.setAccessibleName("Changes")
        self.list.setWordWrap(True)
        self.go_button = self.button("Go there", "mdi6.history", "Take back or make again all up to this row")
        self.go_button.setProperty("role", "main")
        close = self.button("Close", "", "Close this dialog")
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(self.go_button)
        row.addWidget(close)
        layout = QVBoxLayout(self)
        layout.addWidget(hint)
        layout.addWidget(self.list, 1)
        layout.addLayout(row)
        self.go_button.clicked.connect(self._on_go_clicked)
        self.list.itemDoubleClicked.connect(self._on_go_clicked)
        self.list.currentRowChanged.connect(self._follow)
        close.clicked.connect(self.close)
        self._session.history_changed.connect(self._on_session_history_changed)
        self._session.busy_changed.connect(self._follow)

    def showEvent(self, event: QShowEvent) -> None:
        """Show what there is now."""
        super().showEvent(event)
        self._list()

    def _list(self) -> None:
        history = self._session.history
        self.list.clear()
        self.list.addItem("Everything below taken back")
        document = self._session.document
        steps = () if document is None else tuple(document.steps)
        for number, text in enumerate(change_texts(history.done, history.undone, steps)):
            item = QListWidgetItem(text)
            if number >= len(history):
                item.setForeground(self.palette().placeholderText())
            self.list.addItem(item)
        now = self.list.item(len(history))
        now.setText(f"{now.text()}  (now)")
        font = now.font()
        font.setBold(True)
        now.setFont(font)
        self.list.setCurrentRow(len(history))
        self.list.scrollToItem(now)
        self._follow()

    def _follow(self) -> None:
        row = self.list.currentRow()
        free = self._session.busy is None and self._session.document is not None
        self.go_button.setEnabled(free and row >= 0 and row != len(self._session.history))

    def _on_go_clicked(self) -> None:
        if self.go_button.isEnabled():
            go_to(self._context, self.list.currentRow())

    def _on_session_history_changed(self) -> None:
        if self.isVisible():
            self._list()


def change_texts(done: Sequence[Edit], taken_back: Sequence[Edit], steps: Sequence[Step]) -> list[str]:
    """Return a line for each change, the oldest first; of a clean-up also what it did.

    That stands in the record of ``steps`` only, where the latest belong to the latest changes.
    """
    steps = [step for step in steps if not in_evaluation(step.target)]
    made = [step for step in effective(steps) if step.kind is StepKind.EDIT]
    texts = [_text(*pair) for pair in zip_longest(reversed(done), made[: -len(done) - 1 : -1])]
    return texts[::-1] + [_text(*pair) for pair in zip_longest(taken_back, undone(steps)[: len(taken_back)])]


def next_text(edit: Edit, steps: Sequence[Step], *, back: bool) -> str:
    """Return the line of what *Undo* (``back``) or *Redo* would do next."""
    if edit.kind is not EditKind.CLEAN_UP:  # no way through thousands of steps for the others
        latest = steps[-1] if back and steps and steps[-1].kind is StepKind.EDIT else None
        return _text(edit, latest)
    return change_texts((edit,), (), steps)[0] if back else change_texts((), (edit,), steps)[0]


def _text(edit: Edit, step: Step | None) -> str:
    text = class_words(edit) or edit.summary
    if step is not None and (step.edit, step.target) == (edit.kind, edit.target) == (edit.kind, "objects"):
        named = objects_named(edit, step.parameters)
        return f"{named}{text.removeprefix(edit.name)}" if named else text
    if edit.kind is not EditKind.CLEAN_UP or step is None or step.edit is not EditKind.CLEAN_UP:
        return text
    try:
        words = recorded_clean_up(step.parameters).words
    except UserError:
        return text
    return f"{edit.name}: {words}{text.removeprefix(edit.name)}" if words else text
