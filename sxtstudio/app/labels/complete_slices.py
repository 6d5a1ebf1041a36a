"""Which slices of the open tomogram the user called complete: only from those may a model learn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import QObject, Signal

from sxtstudio.app.session import Session
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.workflow.retraining.marks import marked_slices

_NAME = "complete"


class CompleteSlices(QObject):
    """The marks are saved with the project, as a part of the state of its views."""

    changed = Signal()

    def __init__(self, session: Session) -> None:
        """Follow a session."""
        super().__init__(session)
        self._session = session
        self.slices: frozenset[int] = frozenset()
        session.register_view(_NAME, self)
        session.document_changed.connect(self._on_session_document_changed)
        session.labels_changed.connect(self._on_session_labels_changed)

    def toggle(self, z: int) -> bool:
        """Mark slice ``z`` (from 0), or take the mark away; return whether it is marked now."""
        self.set(self.slices ^ {z})
        return z in self.slices

    def propose(self, slices: Iterable[int]) -> None:
        """Begin with these where none is marked yet; that alone is no change of the project."""
        if not self.slices and self._session.document is not None:
            self.slices = frozenset(slices)
            self.changed.emit()

    def set(self, slices: frozenset[int]) -> None:
        """Mark these slices and no others."""
        document = self._session.document
        if document is None or slices == self.slices:
            return
        self.slices = slices
        document.add_step(Step(StepKind.COMPLETE, parameters={"complete_slices": sorted(slices)}))
        self._session.history_changed.emit()
        self._session.autosave()
        self.changed.emit()

    def view_state(self) -> dict[str, Any]:
        """Return the marks for the project."""
        return {"slices": sorted(self.slices)}

    def restore_view_state(self, state: dict[str, Any]) -> None:
        """Take them back from a project."""
        document = self._session.document
        depth = 0 if document is None else document.shape[0]
        self.slices = frozenset(z for z in marked_slices({_NAME: state}) if z < depth)
        self.changed.emit()

    def _on_session_document_changed(self) -> None:
        self.slices = frozenset()
        self.changed.emit()

    def _on_session_labels_changed(self, box: Box) -> None:
        busy = self._session.busy
        # Then nobody has looked at them yet.
        if busy is not None and busy.kind is EditKind.SEGMENT and self.slices:
            left = frozenset(z for z in self.slices if not box.start[0] <= z < box.stop[0])
            if left != self.slices:
                self.slices = left
                self.changed.emit()
