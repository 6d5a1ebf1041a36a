"""The measurements of the objects of the open tomogram, and which of them are out of date."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from sxtstudio.app.session import Session
from sxtstudio.core.measure.calibration import LacCalibration, calibrated_anew
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
        self._lac = self._calibration()

    def set(self, value: Measurements | None) -> None:
        """Have other measurements, of the objects as they are now."""
        self.value, self.stale, self.all_stale = value, frozenset(), False
        self._voxel_nm, self._lac = self._voxel_size(), self._calibration()
        self.changed.emit()

    def is_stale(self, number: int) -> bool:
        """Whether an object has changed since it was measured."""
        return self.all_stale or number in self.stale

    def _voxel_size(self) -> object:
        return None if self._session.document is None else self._session.document.voxel_nm

    def _calibration(self) -> LacCalibration | None:
        return None if self._session.document is None else self._session.document.lac

    def _on_session_document_changed(self) -> None:
        self.set(None)

    def _on_session_facts_changed(self) -> None:
        """Another voxel size makes all lengths wrong; another calibration gives other LACs at once."""
        if self.value is not None and self._voxel_size() != self._voxel_nm:
            self.all_stale = True
            self.changed.emit()
        if self.value is not None and self._calibration() != self._lac:
            self._lac = self._calibration()
            self.value = calibrated_anew(self.value, self._lac)
            self.changed.emit()
