"""Where labels were changed by hand since the last segmentation: those are not replaced without asking."""

from __future__ import annotations

from PySide6.QtCore import QObject

from sxtstudio.app.session import Session
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box
from sxtstudio.core.steps import Step, StepKind, effective


class HandMade(QObject):
    """Remembers the boxes of changes that no job made."""

    def __init__(self, session: Session) -> None:
        """Follow a session."""
        super().__init__(session)
        self._session = session
        self._boxes: list[Box] = []
        self._replaced: list[Box] = []
        session.labels_changed.connect(self._on_session_labels_changed)
        session.document_changed.connect(self._on_session_document_changed)

    def within(self, first: int, last: int) -> bool:
        """Whether labels were changed by hand in the slices ``first`` to ``last`` (not included)."""
        return any(box.start[0] < last and box.stop[0] > first for box in self._boxes)

    def forget(self, first: int, last: int) -> None:
        """The labels of these slices have been replaced."""
        self._replaced += [box for box in self._boxes if box.start[0] >= first and box.stop[0] <= last]
        self._boxes = [box for box in self._boxes if box.start[0] < first or box.stop[0] > last]

    def _on_session_labels_changed(self, box: Box) -> None:
        busy, replayed = self._session.busy, self._session.replayed
        if replayed is not None:
            self._follow(replayed.kind, replayed.edit is None or replayed.edit.by_hand, box)
        elif busy is None or busy.kind.by_hand:
            self._boxes.append(box)

    def _follow(self, kind: StepKind, by_hand: bool, box: Box) -> None:
        if kind is StepKind.REDO and by_hand:
            self._boxes.append(box)
        elif kind is StepKind.UNDO and not by_hand:
            # What a job had replaced is there again.
            self._boxes += self._replaced
            self._replaced.clear()

    def _on_session_document_changed(self) -> None:
        self._boxes.clear()
        self._replaced.clear()
        document = self._session.document
        if document is None or document.labels is None:
            return
        if not document.steps or any(step.draws for step in _since_segmentation(document.steps)):
            self._boxes.append(Box.whole(document.shape))


def _since_segmentation(steps: list[Step]) -> list[Step]:
    """Return what stands of the steps after the latest segmentation that was not ended half-way."""
    standing = effective(steps)
    whole = [n for n, step in enumerate(standing) if step.edit is EditKind.SEGMENT and not step.partial]
    return standing[whole[-1] + 1 :] if whole else standing
