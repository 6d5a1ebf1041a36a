"""What the last job of a panel did, shown for as long as it stands."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel

from sxtstudio.app.session import Session
from sxtstudio.app.widgets.notes import show_note
from sxtstudio.core.edits import Edit
from sxtstudio.core.patches import AnyPatch


class ResultNote:
    """A note that goes when the change that it is about is undone."""

    def __init__(self, session: Session, label: QLabel) -> None:
        """Show in ``label``, which is empty yet."""
        self._label = label
        self._patches: tuple[AnyPatch, ...] | None = None
        session.edit_undone.connect(self._on_edit_undone)

    def show(self, text: str, edit: Edit | None = None) -> None:
        """Show a text; with ``edit``, the change of the labels that it is about."""
        self._patches = None if edit is None else edit.patches
        show_note(self._label, text)

    def clear(self) -> None:
        """Show nothing."""
        self.show("")

    def _on_edit_undone(self, edit: Edit) -> None:
        if edit.patches is self._patches:
            self.clear()
