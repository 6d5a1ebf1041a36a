"""The measurements of the objects of the open tomogram, and which of them are out of date."""

from __future__ import annotations

import math

from PySide6.QtCore import QObject, Signal

from sxtstudio.app.session import Session
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box
from sxtstudio.core.measure.calibration import LacCalibration, calibrated_anew
from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.volume import VoxelSize

# A change of a larger box may have been of any object.
_LARGE_VOXELS = 30_000_000
_REPLACING = (EditKind.FIND_OBJECTS, EditKind.OPEN_OBJECTS)


class ObjectMeasurements(QObject):
    """Shared by table, plots and classes: what was measured last.

    Attributes
    ----------
    value
        None where nothing was measured.
    stale
        Objects that may have changed since.

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
        self._touched: set[int] = set()  # since the measuring that goes on now has begun
        self._voxel_nm: VoxelSize | None = None
        self._lac: LacCalibration | None = None
        self._begun = False
        session.document_changed.connect(self._on_session_document_changed)
        session.facts_changed.connect(self._on_session_facts_changed)
        session.objects_changed.connect(self._on_session_objects_changed)

    def begin(self) -> None:
        """Say that measuring begins now: what changes from here on will be out of date in the result."""
        self._touched.clear()
        self._voxel_nm = self._voxel_size()
        self._lac = self._calibration()
        self._begun = True

    def set(self, value: Measurements | None) -> None:
        """Have other measurements, of the objects as they were at ``begin``, or are now without that."""
        if not self._begun:
            self.begin()
        self._begun = False
        self.value, self.stale = value, frozenset(self._touched) if value is not None else frozenset()
        self._mark_all_if_resized()
        self._calibrate_if_changed()
        self.changed.emit()

    def replace(self, value: Measurements) -> None:
        """Have a table of the same measurements with other columns; what is out of date stays so."""
        self.value = value
        self.changed.emit()

    def is_stale(self, number: int) -> bool:
        """Whether an object may have changed since it was measured."""
        return number in self.stale

    @property
    def all_stale(self) -> bool:
        """Whether everything that was measured is out of date."""
        return self.value is not None and self.stale.issuperset(self.value.numbers.tolist())

    def _voxel_size(self) -> VoxelSize | None:
        return None if self._session.document is None else self._session.document.voxel_nm

    def _calibration(self) -> LacCalibration | None:
        return None if self._session.document is None else self._session.document.lac

    def _calibrate_if_changed(self) -> bool:
        """Another calibration gives other LACs at once."""
        if self.value is None or self._calibration() == self._lac:
            return False
        self._lac = self._calibration()
        self.value = calibrated_anew(self.value, self._lac)
        return True

    def _all_are_others(self) -> bool:
        """Whether the change that is announced gave the same numbers to other objects."""
        busy, replayed = self._session.busy, self._session.replayed
        kinds = (None if busy is None else busy.kind, None if replayed is None else replayed.edit)
        return any(kind in _REPLACING for kind in kinds)

    def _mark_all_if_resized(self) -> bool:
        """Another voxel size makes all lengths wrong."""
        if self.value is None or self._voxel_size() == self._voxel_nm:
            return False
        self.stale = frozenset(self.value.numbers.tolist())
        return True

    def _on_session_document_changed(self) -> None:
        self._touched.clear()
        self.set(None)

    def _on_session_facts_changed(self) -> None:
        if self._mark_all_if_resized() | self._calibrate_if_changed():
            self.changed.emit()

    def _on_session_objects_changed(self, box: Box) -> None:
        document = self._session.document
        objects = None if document is None else document.array("objects")
        if document is None or objects is None:
            return
        if self._all_are_others():
            self.value, self.stale = None, frozenset()
            self._touched.update(document.object_boxes.numbers)
            self.changed.emit()
            return
        if math.prod(box.shape) > _LARGE_VOXELS:  # to look which it were would hold the window up
            touched = tuple(document.object_table.rows)
        else:
            touched = document.object_boxes.touching(box, objects)
        self._touched.update(touched)
        if self.value is not None and not self.stale.issuperset(touched):
            self.stale |= frozenset(touched)
            self.changed.emit()
