"""Where labels were changed by hand since the last segmentation: those are not replaced without asking."""

from __future__ import annotations

from PySide6.QtCore import QObject

from sxtstudio.app.session import Session
from sxtstudio.core.geometry import Box

# Steps of a stored project that touch no label, or are jobs whose changes can be had again by a click.
_AUTOMATIC_STEPS = {
    "Segment",
    "Clean up",
    "Remove labels outside the mask",
    "Segment (part)",
    "Voxel size",
    "Polarity",
}


class HandMade(QObject):
    """Remembers the boxes of changes that no job made."""

    def __init__(self, session: Session) -> None:
        """Follow a session."""
        super().__init__(session)
        self._session = session
        self._boxes: list[Box] = []
        session.labels_changed.connect(self._on_session_labels_changed)
        session.document_changed.connect(self._on_session_document_changed)

    def within(self, first: int, last: int) -> bool:
        """Whether labels were changed by hand in the slices ``first`` to ``last`` (not included)."""
        return any(box.start[0] < last and box.stop[0] > first for box in self._boxes)

    def forget(self, first: int, last: int) -> None:
        """The labels of these slices have been replaced."""
        self._boxes = [box for box in self._boxes if box.start[0] < first or box.stop[0] > last]

    def _on_session_labels_changed(self, box: Box) -> None:
        undone = self._session.history.redo_name is not None
        busy = self._session.busy
        if (busy is None or busy.kind.by_hand) and not undone:
            self._boxes.append(box)

    def _on_session_document_changed(self) -> None:
        self._boxes.clear()
        document = self._session.document
        if document is None or document.labels is None:
            return
        names = [step.name for step in document.steps]
        if "Segment" in names:
            names = names[len(names) - names[::-1].index("Segment") :]
        by_hand = [name for name in names if not _is_automatic(name)]
        if by_hand or not document.steps:
            self._boxes.append(Box.whole(document.shape))


def _is_automatic(name: str) -> bool:
    """Whether a step is the work of a job, or touches no label."""
    elsewhere = name.startswith(("Undo", "Redo", "Export")) or "mask" in name.lower()
    return elsewhere or name in _AUTOMATIC_STEPS
