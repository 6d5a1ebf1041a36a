"""The measurements of the objects of the open tomogram, and which of them are out of date."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from sxtstudio.app.session import Session
from sxtstudio.core.measure.columns import Measurements


class ObjectMeasurements(QObject):
    """Shared by table, plots and classes: what was measured last.

    Signals
    -------
    changed()
        Others were measured, or some are out of date now.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        """Begin without any; another tomogram begins anew."""
        super().__init__(session)
        self._session = session
        self.value: Measurements | None = None
        self.stale: frozenset[int] = frozenset()
        self.all_stale = False
        session.document_changed.connect(self._on_session_document_changed)
        session.facts_changed.connect(self._on_session_facts_changed)
        self._voxel_nm = self._voxel_size()

    def set(self, value: Measurements | None) -> None:
        """Have other measurements, of the objects as they are now."""
        self.value, self.stale, self.all_stale = value, frozenset(), False
        self._voxel_nm = self._voxel_size()
        self.changed.emit()

    def is_stale(self, number: int) -> bool:
        """Whether an object has changed since it was measured."""
        return self.all_stale or number in self.stale

    def _voxel_size(self) -> object:
        return None if self._session.document is None else self._session.document.voxel_nm

    def _on_session_document_changed(self) -> None:
        self.set(None)

    def _on_session_facts_changed(self) -> None:
        """Another voxel size makes all lengths wrong."""
        if self.value is not None and self._voxel_size() != self._voxel_nm:
            self.all_stale = True
            self.changed.emit()
