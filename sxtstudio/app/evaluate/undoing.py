"""Undo of an evaluation: marks and judgements have a history of their own, in the order of the work."""

from __future__ import annotations

from collections.abc import Callable

from sxtstudio.app.session import Session
from sxtstudio.core.edits import Edit
from sxtstudio.core.evaluation.judgement import JudgementChange

_OUT_OF_REACH = (
    " Undo does not reach back to these judgements. To take one back, go to its slice and press "
    "“Not judged after all” (U)."
)


class EvaluationUndo:
    """What *Undo* means in the panel “Evaluate”: the latest judgement or mark, and nothing of other tasks."""

    def __init__(
        self,
        session: Session,
        restore: Callable[[JudgementChange, bool], None],
        has_judgements: Callable[[], bool],
    ) -> None:
        """``restore`` has the evaluation follow a change that was taken back (True) or made again.

        ``has_judgements`` says whether any slice is judged.
        """
        self._session, self._restore, self._has_judgements = session, restore, has_judgements
        self._history = session.evaluation_history

    @property
    def undo_title(self) -> str | None:
        """Name of what *Undo* would take back."""
        return self._history.undo_name

    @property
    def redo_title(self) -> str | None:
        """Name of what *Redo* would make again."""
        edit = self._history.next_redo
        return None if edit is None else edit.name

    def undo(self) -> None:
        """Take back the latest judgement or mark; what another task did stays, and is named."""
        document = self._session.document
        if document is None or self._session.busy is not None:
            return
        edit = self._history.undo(document)
        if edit is None:
            more = _OUT_OF_REACH if self._has_judgements() else ""
            self._refuse("taken back", self._session.history.next_undo, more)
        elif edit.judged is not None:
            self._restore(edit.judged, True)
        else:
            self._session.undone(edit)

    def redo(self) -> None:
        """Make the latest judgement or mark again that was taken back."""
        document = self._session.document
        if document is None or self._session.busy is not None:
            return
        edit = self._history.redo(document)
        if edit is None:
            self._refuse("made again", self._session.history.next_redo)
        elif edit.judged is not None:
            self._restore(edit.judged, False)
        else:
            self._session.redone(edit)

    def _refuse(self, what: str, other: Edit | None, more: str = "") -> None:
        text = f"Nothing of the evaluation can be {what}."
        if other is not None:
            text += f" “{other.name}” was not done here: another panel, or Edit > History…, leads back to it."
        self._session.message.emit(text + more)
