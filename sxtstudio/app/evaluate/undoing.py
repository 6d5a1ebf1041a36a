"""Taking judgements back: they are no edits of voxels, and stand between the marks as they were made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sxtstudio.app.session import Session
from sxtstudio.core.edits import Edit
from sxtstudio.core.evaluation.judgement import Evaluation, JudgedSlice

_EARLIER = (
    " These judgements are of an earlier session. To take one back, go to its slice and press "
    "“Not judged after all” (U)."
)


@dataclass(frozen=True)
class JudgementStep:
    """What was done to an evaluation, and behind which edit of the document (None: before all of them).

    ``before`` and ``after`` hold the slices whose judgement it changed; None: not judged.
    """

    title: str
    behind: Edit | None
    slices: tuple[tuple[int, ...], tuple[int, ...]]
    before: Mapping[int, JudgedSlice | None]
    after: Mapping[int, JudgedSlice | None]
    shown: int | None = None

    @classmethod
    def of(
        cls, title: str, behind: Edit | None, before: Evaluation, after: Evaluation, shown: int | None
    ) -> JudgementStep:
        """Compare two evaluations; ``shown`` is the slice to go back to."""
        numbers = before.judged.keys() | after.judged.keys()
        other = {z for z in numbers if before.judged.get(z) != after.judged.get(z)}
        return cls(
            title,
            behind,
            (before.slices, after.slices),
            {z: before.judged.get(z) for z in other},
            {z: after.judged.get(z) for z in other},
            shown,
        )


class EvaluationUndo:
    """What *Undo* means in the panel “Evaluate”: the latest judgement or mark, and nothing of other tasks."""

    def __init__(
        self,
        session: Session,
        restore: Callable[[JudgementStep, bool], None],
        has_judgements: Callable[[], bool],
    ) -> None:
        """Begin empty; ``restore`` takes a step back (True) or makes it again.

        ``has_judgements`` says whether any slice is judged, in whichever session.
        """
        self._session, self._restore, self._has_judgements = session, restore, has_judgements
        self._done: list[JudgementStep] = []
        self._undone: list[JudgementStep] = []
        session.history_changed.connect(self._follow)

    def push(self, step: JudgementStep) -> None:
        """Add a step that was made; what was taken back can no longer be made again."""
        self._done.append(step)
        self._undone.clear()

    def marked(self) -> None:
        """A new mark was given: what was taken back before can no longer be made again."""
        self._undone.clear()

    def clear(self) -> None:
        """Forget all."""
        self._done.clear()
        self._undone.clear()

    @property
    def undo_title(self) -> str | None:
        """Name of what *Undo* would take back."""
        edit = self._session.history.next_undo
        if self._latest():
            return self._done[-1].title
        return edit.name if edit is not None and edit.target == "marks" else None

    @property
    def redo_title(self) -> str | None:
        """Name of what *Redo* would make again."""
        edit = self._session.history.next_redo
        if self._next():
            return self._undone[-1].title
        return edit.name if edit is not None and edit.target == "marks" else None

    def undo(self) -> None:
        """Take back the latest judgement or mark; what another task did stays, and is named."""
        edit = self._session.history.next_undo
        if self._latest():
            step = self._done.pop()
            self._undone.append(step)
            self._restore(step, True)
        elif edit is not None and edit.target == "marks":
            self._session.undo()
        else:
            self._refuse("taken back", edit, _EARLIER if not self._done and self._has_judgements() else "")

    def redo(self) -> None:
        """Make the latest judgement or mark again that was taken back."""
        edit = self._session.history.next_redo
        if self._next():
            step = self._undone.pop()
            self._done.append(step)
            self._restore(step, False)
        elif edit is not None and edit.target == "marks":
            self._session.redo()
        else:
            self._refuse("made again", edit)

    def _latest(self) -> bool:
        """Whether the latest thing that was done is a judgement."""
        self._follow()
        return bool(self._done) and self._done[-1].behind is self._session.history.next_undo

    def _next(self) -> bool:
        return bool(self._undone) and self._undone[-1].behind is self._session.history.next_undo

    def _follow(self) -> None:
        """Where the edit that a judgement stood behind was taken back elsewhere, it is the latest itself."""
        if self._done:
            there = {id(edit) for edit in self._session.history.done}
            latest = self._session.history.next_undo
            self._done = [
                one if one.behind is None or id(one.behind) in there else replace(one, behind=latest)
                for one in self._done
            ]

    def _refuse(self, what: str, edit: Edit | None, more: str = "") -> None:
        text = f"Nothing of the evaluation can be {what}."
        if edit is not None:
            text += f" “{edit.name}” was not done here: another panel, or Edit > History…, leads back to it."
        self._session.message.emit(text + more)
