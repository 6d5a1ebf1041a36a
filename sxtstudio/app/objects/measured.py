"""The measurements of the objects of the open tomogram, and which of them are out of date."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from sxtstudio.app.jobs.job import Job
from sxtstudio.app.session import Session
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Edit
from sxtstudio.core.geometry import Box
from sxtstudio.core.measure.calibration import LacCalibration, calibrated_anew
from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.measure.kept import KeptMeasurements, mark_of_classes
from sxtstudio.core.object_table import ObjectTable
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.core.volume import VoxelSize
from sxtstudio.workflow.document.label_history import labels_changed_since_found
from sxtstudio.workflow.document.measurements import Doubt

if TYPE_CHECKING:  # at run time these load what measures objects
    from sxtstudio.core.measure.contacts import ContactRule, Contacts


#: Another voxel size, the objects, and the columns that are out of date; and whether the labels have changed.
_OutOfDate = tuple[bool, frozenset[int], frozenset[str], bool]


@dataclass
class _Around:
    """What was measured of the objects before and after an edit that replaced all of them."""

    edit: Edit
    before: KeptMeasurements | None = None
    after: KeptMeasurements | None = None


@dataclass(frozen=True)
class _Pending:
    """What was measured of the objects that a job is replacing, and the latest edit when it began."""

    kept: KeptMeasurements
    latest: Edit | None


class ObjectMeasurements(QObject):
    """Shared by table, plots and classes: what was measured last. The document keeps it.

    Signals
    -------
    changed()
        Others were measured, or some are out of date now.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        """Begin without any; another tomogram brings its own."""
        super().__init__(session)
        self._session = session
        self._kept: KeptMeasurements | None = None
        self._holding: tuple[KeptMeasurements, VoxelSize | None, Measurements] | None = None
        self._said: _OutOfDate = (False, frozenset(), frozenset(), False)
        self._classified: tuple[ObjectTable, str] = (ObjectTable(), "")  # the latest mark, and of which table
        self._begun_classified = ""
        self._voxel_nm: VoxelSize | None = None  # when it has begun
        self._lac: LacCalibration | None = None
        self._begun = False
        self._around: list[_Around] = []
        self._pending: _Pending | None = None
        self.job: Job | None = None  # that measures
        session.document_changed.connect(self._on_session_document_changed)
        session.facts_changed.connect(self._on_session_facts_changed)
        session.objects_changed.connect(self._on_session_objects_changed)
        session.busy_changed.connect(self._on_session_busy_changed)
        session.table_changed.connect(self._announce_if_other)
        session.history_changed.connect(self._announce_if_other)

    @property
    def value(self) -> Measurements | None:
        """What was measured last, None where nothing was."""
        return None if self._kept is None else self._kept.value

    @property
    def holding(self) -> Measurements | None:
        """What was measured, without the values of objects that are out of date: for what decides by them."""
        if self._kept is None:
            return None
        voxel_nm, made = self._voxel_size(), self._holding
        if made is None or made[0] is not self._kept or made[1] != voxel_nm:
            made = self._holding = (self._kept, voxel_nm, self._kept.holding(voxel_nm))
        return made[2]

    @property
    def stale(self) -> frozenset[int]:
        """Objects that are out of date: another voxel size makes all lengths wrong."""
        return frozenset() if self._kept is None else self._kept.out_of_date(self._voxel_size())

    @property
    def contacts(self) -> tuple[ContactRule, ...]:
        """The contacts whose columns are in the table."""
        return () if self._kept is None else self._kept.contacts

    def contacts_for(self, voxel_nm: VoxelSize | None) -> tuple[ContactRule, ...]:
        """Return the contacts to look for when measuring again with a voxel size.

        Those that were found in voxels say nothing in nm, and the other way round.
        """
        kept = self._kept
        return kept.contacts if kept is not None and kept.value.calibrated == (voxel_nm is not None) else ()

    def begin(self) -> None:
        """Say that measuring begins now: what changes from here on will be out of date in the result."""
        if self._session.document is not None:
            self._session.document.measurements.begin()
        self._voxel_nm = self._voxel_size()
        self._lac = self._calibration()
        self._begun_classified = self._mark_of_classes()
        self._begun = True

    @property
    def busy(self) -> bool:
        """Whether the objects of the open tomogram are being measured."""
        return self.job is not None

    def watch(self, job: Job) -> None:
        """Say which job measures, until it ends."""
        self.job = job

        def ended() -> None:
            if self.job is job:
                self.job = None
                self.changed.emit()

        job.finished.connect(ended)
        self.changed.emit()

    def set(self, value: Measurements | None, contacts: tuple[ContactRule, ...] = ()) -> None:
        """Have other measurements, of the objects as they were at ``begin``, or are now without that.

        ``contacts`` are those whose columns are among them.
        """
        if not self._begun:
            self.begin()
        self._begun = False
        self.job = None  # it has done its work: that it ends is announced with what it found
        if value is None:
            self._kept = None
        else:
            self._kept = KeptMeasurements(
                value, voxel_nm=self._voxel_nm, contacts=contacts, classified=self._begun_classified
            )
        self._calibrate_if_changed()
        self._store(Doubt.SINCE_BEGUN)

    def replace(self, value: Measurements) -> None:
        """Have a table of the same measurements with other columns; what is out of date stays so."""
        if self._kept is not None:
            self._kept = replace(self._kept, value=value)
            self._store(Doubt.STAYS)

    def add_contacts(self, found: Contacts) -> None:
        """Have the columns of contacts in the table, where there is one, also when measuring again."""
        from sxtstudio.core.measure.contacts import with_contacts

        if self._kept is not None:
            others = tuple(rule for rule in self._kept.contacts if rule.key != found.rule.key)
            value = with_contacts(self._kept.value, found)
            self._kept = replace(self._kept, value=value, contacts=(*others, found.rule))
            self._store(Doubt.STAYS)

    def _store(self, doubt: Doubt = Doubt.AS_SAID) -> None:
        """Have the document keep what is there now, and announce it."""
        document = self._session.document
        if document is not None and document.measurements.kept is not self._kept:
            document.keep_measurements(self._kept, doubt)
            self._kept = document.measurements.kept
            self._session.history_changed.emit()
            self._session.autosave()
        self._announce()

    def _announce(self) -> None:
        """Emit ``changed``, and remember what was out of date then."""
        self._said = self._out_of_date()
        self.changed.emit()

    def _announce_if_other(self) -> None:
        """Emit ``changed`` where other objects are out of date than the last time."""
        if self._said != self._out_of_date():
            self._announce()

    def _out_of_date(self) -> _OutOfDate:
        stale = frozenset[int]() if self._kept is None else self._kept.stale
        return self.resized, stale, self.outdated_columns, self.labels_changed

    @property
    def labels_changed(self) -> bool:
        """Whether the labels are others than those in which the objects were found."""
        document = self._session.document
        if document is None or document.objects is None:
            return False
        return labels_changed_since_found(document.steps)

    def found_same(self) -> None:
        """Say that the objects were found again in the labels of now, and are what they were."""
        if self._session.document is not None:
            self._session.document.add_step(Step(StepKind.FOUND_SAME, EditKind.FIND_OBJECTS, "objects"))
            self._session.history_changed.emit()
            self._session.autosave()

    @property
    def outdated_columns(self) -> frozenset[str]:
        """Columns that depend on other objects or their classes, where these have changed; for every row."""
        return frozenset() if self._kept is None else self._kept.outdated_columns(self._mark_of_classes())

    def is_stale(self, number: int) -> bool:
        """Whether what was measured of an object is out of date."""
        return self._kept is not None and (self.resized or number in self._kept.stale)

    def _mark_of_classes(self) -> str:
        """Return the mark of the classes of now; it is made anew only for another table."""
        table = None if self._session.document is None else self._session.document.object_table
        if table is None:
            return ""
        if self._classified[0] is not table:
            self._classified = (table, mark_of_classes(table))
        return self._classified[1]

    @property
    def all_stale(self) -> bool:
        """Whether everything that was measured is out of date."""
        return self._kept is not None and (
            self.resized or self._kept.stale.issuperset(self._kept.value.numbers.tolist())
        )

    @property
    def resized(self) -> bool:
        """Whether what was measured was measured with another voxel size."""
        return self._kept is not None and self._kept.voxel_nm != self._voxel_size()

    def _voxel_size(self) -> VoxelSize | None:
        return None if self._session.document is None else self._session.document.voxel_nm

    def _calibration(self) -> LacCalibration | None:
        return None if self._session.document is None else self._session.document.lac

    def _calibrate_if_changed(self) -> bool:
        """Another calibration gives other LACs at once."""
        if self._kept is None or self._calibration() == self._lac:
            return False
        self._lac = self._calibration()
        self._kept = replace(self._kept, value=calibrated_anew(self._kept.value, self._lac))
        return True

    def _on_session_document_changed(self) -> None:
        """Take what the document has kept."""
        document = self._session.document
        self._around.clear()
        self._pending, self._begun, self.job = None, False, None
        self._kept = None if document is None else document.measurements.kept
        self._lac = self._calibration()
        self._announce()

    def _on_session_facts_changed(self) -> None:
        if self._calibrate_if_changed():
            self._store(Doubt.STAYS)
        else:
            self._announce_if_other()

    def _on_session_objects_changed(self, box: Box) -> None:
        session, document = self._session, self._session.document
        objects = None if document is None else document.array("objects")
        if document is None or objects is None:
            return
        edit = session.replayed_edit
        if edit is not None and edit.kind.replaces_objects:
            document.measurements.mark_begun(document.object_boxes.numbers)
            self._go_over(edit, back=session.replayed is not None and session.replayed.kind is StepKind.UNDO)
            return
        if session.busy is not None and session.busy.kind.replaces_objects:
            document.measurements.mark_begun(document.object_boxes.numbers)
            if self._kept is not None:
                self._pending = _Pending(self._kept, session.history.next_undo)
                self._kept = None
                self._store()
            return
        self._kept = document.measurements.kept  # which has heard of the voxels themselves
        self._announce_if_other()

    # -- edits that replace all objects ------------------------------------------------------------

    def _on_session_busy_changed(self) -> None:
        """See what became of a job that replaced all objects: an edit, or nothing."""
        if self._pending is None or self._session.busy is not None:
            return
        pending, self._pending = self._pending, None
        latest = self._session.history.next_undo
        if latest is not None and latest is not pending.latest:
            self._at(latest).before = pending.kept
        elif self._kept is None:  # it was taken back
            self._have(pending.kept)

    def _at(self, edit: Edit) -> _Around:
        """Return what was measured around an edit, with those that are in the history still."""
        history = self._session.history
        there = {id(one) for one in (*history.done, *history.undone)}
        self._around = [one for one in self._around if id(one.edit) in there]
        found = next((one for one in self._around if one.edit is edit), None)
        if found is None:
            found = _Around(edit)
            self._around.append(found)
        return found

    def _go_over(self, edit: Edit, *, back: bool) -> None:
        """Put away what was measured of the objects that went, and have what was measured of those that came.

        They are voxel for voxel what they were when the edit was made or taken back.
        """
        around = self._at(edit)
        if back:
            around.after = self._kept or around.after
            self._have(around.before)
        else:
            around.before = self._kept or around.before
            self._have(around.after)

    def _have(self, kept: KeptMeasurements | None) -> None:
        """Have measurements from before, with the voxel size and the calibration of now."""
        self._kept = kept
        if kept is not None:
            self._lac = self._calibration()
            self._kept = replace(kept, value=calibrated_anew(kept.value, self._lac))
        self._store()
