"""What the last work of a panel did, shown for as long as it stands."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel

from sxtstudio.app.session import Session
from sxtstudio.app.widgets.notes import show_note
from sxtstudio.core.edits import Edit


class ResultNote:
    """A note that goes when what it is about is undone, and with the tomogram."""

    def __init__(self, session: Session, label: QLabel) -> None:
        """Show in ``label``, which is empty yet."""
        self._session, self._label = session, label
        self._position: int | None = None
        session.edit_undone.connect(self._on_edit_undone)
        session.document_changed.connect(self.clear)

    def show(self, text: str) -> None:
        """Show a text that is about no change."""
        self._position = None
        self._label.setToolTip("")
        show_note(self._label, text)

    def shorten(self) -> None:
        """Show the first line only, and the whole as its tooltip: the room is needed for something else."""
        text = self._label.text()
        first, _, rest = text.partition("\n")
        if rest:
            show_note(self._label, f"{first} …")
            self._label.setToolTip(text)

    def show_result(self, text: str) -> None:
        """Show what came of a change, or that nothing was to be changed: it holds for what there is now.

        The change has been made, and is the latest one.
        """
        self.show(text)
        self._position = self._session.history.position

    def clear(self) -> None:
        """Show nothing."""
        self.show("")

    def _on_edit_undone(self, edit: Edit) -> None:
        """Of several that are undone at once this hears of each when all are."""
        if self._position is not None and self._session.history.position < self._position:
            self.clear()
