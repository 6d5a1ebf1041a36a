"""The one signal hub: what is open, where the cursor is, what changed. Views and panels know only this."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from sxtstudio.app.notices import Notices
from sxtstudio.app.slice_preview import Preview
from sxtstudio.app.states import (
    ContactsState,
    CutState,
    DisplayState,
    LayoutState,
    MarksState,
    ObjectsState,
    Observed,
    OfferState,
    ToolState,
)
from sxtstudio.app.task_undo import TaskUndo
from sxtstudio.core.edit_kind import EditKind, Target, in_evaluation
from sxtstudio.core.edits import Edit, Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.history import EditHistory
from sxtstudio.core.lengths import Unit
from sxtstudio.core.measure.calibration import LacCalibration
from sxtstudio.core.object_table import TableChange
from sxtstudio.core.patches import Voxels
from sxtstudio.core.polarity import Basis, Polarity
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.core.trust import Trust
from sxtstudio.core.volume import VoxelSize
from sxtstudio.core.wording import slices_words
from sxtstudio.workflow.document.closing import ClosingDocuments
from sxtstudio.workflow.document.document import Document


@dataclass(frozen=True)
class Selection:
    """The object under a click: its voxels within ``box``, and a voxel (z, y, x) of it.

    ``complete`` is False for a huge object of which this is only the part around the click.
    """

    seed: Triple
    box: Box
    where: NDArray[np.bool_]
    voxels: int
    complete: bool = True


@dataclass(frozen=True)
class Busy:
    """What is changing labels or mask now, so that nothing else may: its name, and what it will have been."""

    name: str
    kind: EditKind


class HasViewState(Protocol):
    """A widget whose look belongs into the project."""

    def view_state(self) -> dict[str, Any]:
        """Return plain JSON values."""

    def restore_view_state(self, state: dict[str, Any]) -> None:
        """Take them back; unknown or missing ones are ignored."""


class Session(QObject):
    """All that is shared between the widgets of a window; lives in the thread of the window."""

    document_changed = Signal()
    facts_changed = Signal()  # voxel size, polarity, calibration, unit of lengths
    labels_changed = Signal(object)  # Box
    mask_changed = Signal(object)  # Box
    objects_changed = Signal(object)  # Box
    marks_changed = Signal(object)  # Box
    table_changed = Signal()  # rows or classes of the objects
    preview_changed = Signal()
    cursor_changed = Signal(object)  # (z, y, x)
    selection_changed = Signal()
    history_changed = Signal()  # undo, redo, steps, modified
    edit_undone = Signal(object)  # Edit
    undo_lost = Signal()  # from now on, what is done can be taken back in this session only
    busy_changed = Signal()
    models_changed = Signal(str)  # some came or went, or another is the default: its name, or ""
    message = Signal(str)
    remarked = Signal()  # the last message is about the last click or key

    def __init__(self, parent: QObject | None = None) -> None:
        """Begin with nothing open."""
        super().__init__(parent)
        self.document: Document | None = None
        self.closing = ClosingDocuments()
        self.history = EditHistory()  # of labels, mask and objects
        self.evaluation_history = EditHistory()  # of marks and judgements
        self.display = Observed(DisplayState(), self)
        self.tool = Observed(ToolState(), self)
        self.objects = Observed(ObjectsState(), self)
        self.contacts = Observed(ContactsState(), self)
        self.cut = Observed(CutState(), self)
        self.marks = Observed(MarksState(), self)
        self.layout = Observed(LayoutState(), self)
        self.offers = Observed(OfferState(), self)
        self.preview: Preview | None = None
        self.selection: Selection | None = None
        self.cursor: Triple = (0, 0, 0)
        self.unit: Unit = "nm"
        self.busy: Busy | None = None
        self.task_undo: TaskUndo | None = None
        self.notices = Notices(self)
        self.replayed: Step | None = None  # while it is announced that an edit was undone or made again
        self.replayed_edit: Edit | None = None
        self._views: dict[str, HasViewState] = {}
        self._looks: set[str] = set()
        self._autosave = QTimer(self, interval=60_000)
        self._autosave.timeout.connect(self.autosave)

    # -- the document ----------------------------------------------------------------------------

    def show(self, document: Document | None) -> None:
        """Show another document (or none); the former one is closed.

        How a project looks that is saved otherwise is kept with it.
        """
        former = self.document
        if former is not None and not former.discarded:
            self.collect_view()
            if document is not None:
                document.go_on_looking_like(former, self._looks)
        self.document = document
        # As it is in the project: what is shown meanwhile may be saved before all of it has been taken back.
        view = {} if document is None else document.view
        if document is None:
            self.history.begin()
            self.evaluation_history.begin()
        else:
            document.undo.on_lost = self.undo_lost.emit  # of a thread, and heard in that of the window
            kept = document.kept_edits
            self.history.begin(document.undo, [edit for edit in kept if not edit.of_evaluation])
            self.evaluation_history.begin(document.undo, [edit for edit in kept if edit.of_evaluation])
        self.preview = self.selection = None
        self.objects.set(selected=(), hidden=frozenset(), only=None, click_class=False, visible=True)
        self.contacts.set(sites=())
        self.cut.set(place=None)
        self.cursor = (0, 0, 0) if document is None else _middle(document.shape)
        self.document_changed.emit()
        self.preview_changed.emit()
        self.selection_changed.emit()
        self.cursor_changed.emit(self.cursor)
        self.history_changed.emit()
        if document is not None:
            for name, shown in self._views.items():
                shown.restore_view_state(view.get(name, {}))
            self._autosave.start()
        else:
            self._autosave.stop()
        if former is not None:
            # A project that is open again has its look from here, and may be being saved.
            again = document is not None and document.is_saved_in(former.project)
            self.closing.begin(former, () if again else tuple(self._looks))

    def register_view(self, name: str, view: HasViewState, *, look: bool = False) -> None:
        """Have the state of a widget saved with the project, under ``name``.

        A ``look`` is no work: it is kept also when a project is closed without being saved again.
        """
        self._views[name] = view
        if look:
            self._looks.add(name)

    def collect_view(self) -> None:
        """Write the state of all registered widgets into the document."""
        if self.document is not None:
            self.document.view = {name: view.view_state() for name, view in self._views.items()}

    def set_voxel_nm(self, voxel_nm: VoxelSize | None) -> None:
        """Set the voxel size (z, y, x) in nm."""
        if self.document is not None and self.document.voxel_nm != voxel_nm:
            self.document.voxel_nm = voxel_nm
            if self.document.lac is not None:
                self.document.lac = self.document.lac.for_voxel(voxel_nm)
            self._note(Step(StepKind.VOXEL_SIZE, parameters={"voxel_nm": voxel_nm}))
            self.facts_changed.emit()

    def set_unit(self, unit: Unit) -> None:
        """Show lengths in another unit."""
        if unit != self.unit:
            self.unit = unit
            self.facts_changed.emit()

    def set_polarity(self, polarity: Polarity) -> None:
        """Set whether absorbing structures are dark or bright; what the user says goes into the history."""
        if self.document is not None:
            self.document.polarity = polarity
            if polarity.basis is Basis.USER:
                self._note(Step(StepKind.POLARITY, parameters={"value": polarity.value}))
            self.facts_changed.emit()

    def set_lac(self, lac: LacCalibration | None) -> None:
        """Set how grey values become linear absorption coefficients, None: not known."""
        if self.document is not None and self.document.lac != lac:
            self.document.lac = lac
            said = "removed" if lac is None else lac.description()
            self._note(Step(StepKind.LAC, parameters={"calibration": said}))
            self.facts_changed.emit()

    # -- where the user is -----------------------------------------------------------------------

    def remark(self, text: str) -> None:
        """Say something about the last click or key, which is untrue once the user goes on.

        What was done, and what a job has found, is a ``message``, which stays for some seconds.
        """
        self.message.emit(text)
        self.remarked.emit()

    def set_cursor(self, cursor: Triple) -> None:
        """Move the crosshair, and with it the three slices."""
        if self.document is None:
            return
        z, y, x = (min(max(0, int(c)), n - 1) for c, n in zip(cursor, self.document.shape, strict=True))
        if (z, y, x) != self.cursor:
            self.cursor = (z, y, x)
            self.cursor_changed.emit(self.cursor)

    def set_preview(self, preview: Preview | None) -> None:
        """Show a preview over a slice, or take it away."""
        if preview is not self.preview:
            self.preview = preview
            self.preview_changed.emit()

    def select(self, selection: Selection | None) -> None:
        """Highlight an object in all views."""
        if selection is not self.selection:
            self.selection = selection
            self.selection_changed.emit()

    # -- changing labels -------------------------------------------------------------------------

    def labels_of(self, target: Target) -> Voxels | None:
        """Return "labels", "mask", "objects" or "marks" (z, y, x), or None where there are none yet."""
        return None if self.document is None else self.document.array(target)

    def record(self, kind: EditKind, target: Target = "labels", **parameters: Any) -> Recorder:
        """Begin an edit that lasts, such as a stroke; hand its result to ``commit``.

        It can be taken back also after a crash half-way; ``parameters`` stand in the record then.

        Raises
        ------
        UserError
            If nothing is open, a job is changing the labels, or *Undo* means another task here.
        """
        return self._changeable_by(kind, target).recorder(kind, target, parameters)

    def changeable(self) -> Document:
        """Return the document; a tool asks before it begins.

        Raises
        ------
        UserError
            If nothing is open or a job is changing the labels.
        """
        if self.document is None:
            raise UserError("No tomogram is open. Open one first (File > Open tomogram).")
        if self.busy:
            raise UserError(f"The labels are being changed by “{self.busy.name}”. Wait for it, or cancel it.")
        return self.document

    def _changeable_by(self, kind: EditKind, target: Target) -> Document:
        """Return the document for an edit that begins; what began elsewhere may still end here."""
        document = self.changeable()
        if self.task_undo is not None and not (in_evaluation(target) or kind.deliberate):
            raise UserError(
                "Objects are changed in the panel “Objects”, and labels in “By hand”: in “Evaluate”, Undo "
                "takes back judgements. Go to that panel first."
            )
        return document

    def touched(self, target: Target, box: Box | None) -> None:
        """Tell everybody that voxels of ``box`` have changed."""
        if box is not None:
            signals = {
                "labels": self.labels_changed,
                "mask": self.mask_changed,
                "objects": self.objects_changed,
                "marks": self.marks_changed,
            }
            signals[target].emit(box)

    def commit(
        self,
        recorder: Recorder,
        *,
        announce: bool = True,
        trust: Trust | None = None,
        rows: TableChange | None = None,
        **parameters: Any,
    ) -> Edit | None:
        """End an edit: it can be undone, stands in the record, and is safe on disk.

        ``trust`` are the figures that hold for the labels from now on, if they are others than before;
        ``rows`` what changes in the table of the objects with it, unless the recorder knows that.
        """
        if rows is not None:
            recorder.rows = rows
        edit = recorder.finish() if self.document is None else self.document.finish(recorder)
        return None if edit is None else self._made(edit, announce, trust, parameters)

    def change_rows(self, change: TableChange, kind: EditKind, **parameters: Any) -> Edit | None:
        """Change the table of the objects and no voxel, as one edit; None where it changes nothing.

        Raises
        ------
        UserError
            As ``record``.
        """
        if not change.changes:
            return None
        document, edit = self._changeable_by(kind, "objects"), Edit(kind, (), "objects", rows=change)
        if edit.written_first:
            document.undo.journal(kind, "objects", parameters).end(kept=True, rows=change)
        return self._made(edit, True, None, parameters)

    def _made(
        self, edit: Edit, announce: bool, trust: Trust | None, parameters: dict[str, Any]
    ) -> Edit | None:
        if self.document is None:
            return None
        if edit.rows is not None:
            self.document.change_table(edit.rows)
        (self.evaluation_history if edit.of_evaluation else self.history).push(edit)
        self.document.gain(edit.target, edit.gained)
        if trust is not None:
            self.set_preview(None)  # a map of what the network recognised is of the former labels
            self.set_trust(trust, edit)
        self._note(_step(StepKind.EDIT, edit, parameters))
        if announce:
            self.touched(edit.target, edit.box)
        self._announce_rows(edit)
        if self.selection is not None and edit.target == "labels":
            self.select(None)
        self.autosave()
        return edit

    @contextmanager
    def edit(self, kind: EditKind, target: Target = "labels", **parameters: Any) -> Iterator[Recorder]:
        """Make one undoable edit; an error within takes back what was written."""
        recorder = self.record(kind, target, **parameters)
        try:
            yield recorder
        except BaseException:
            recorder.roll_back()
            raise
        self.commit(recorder, **parameters)

    def set_trust(self, trust: Trust, edit: Edit | None) -> None:
        """Have other figures of trust; with the edit that brought them, undo brings the former ones back."""
        if self.document is None:
            return
        if edit is not None:
            self.history.amend(edit, trust=(self.document.trust, trust))
        self.document.trust = trust
        self.facts_changed.emit()

    def undo(self) -> None:
        """Take back the latest edit."""
        if self.document is not None and not self.busy:
            edit = self.history.undo(self.document)
            if edit is not None:
                self.undone(edit)

    def redo(self) -> None:
        """Make the latest undone edit again."""
        if self.document is not None and not self.busy:
            edit = self.history.redo(self.document)
            if edit is not None:
                self.redone(edit)

    def set_task_undo(self, task: TaskUndo | None) -> None:
        """Say whose steps *Undo* and *Redo* mean from now on; None: edits of all kinds."""
        if task is not self.task_undo:
            self.task_undo = task
            self.history_changed.emit()

    def undone(self, edit: Edit) -> None:
        """Announce that an edit has been taken back."""
        self._announce(StepKind.UNDO, edit, None if edit.trust is None else edit.trust[0])

    def redone(self, edit: Edit) -> None:
        """Announce that an edit has been made again."""
        self._announce(StepKind.REDO, edit, None if edit.trust is None else edit.trust[1])

    def _announce(self, kind: StepKind, edit: Edit, trust: Trust | None) -> None:
        if trust is not None:
            self.set_trust(trust, None)
        step = _step(kind, edit, {})
        self._note(step)
        self.set_preview(None)
        self.select(None)
        self.replayed, self.replayed_edit = step, edit
        self.touched(edit.target, edit.box)
        self._announce_rows(edit)
        self._choose_changed(kind, edit)
        self.replayed = self.replayed_edit = None
        if kind is StepKind.UNDO:
            self.edit_undone.emit(edit)
        self.autosave()
        self.message.emit(step.name + _where(edit.box))

    def _announce_rows(self, edit: Edit) -> None:
        """Tell everybody that the table has changed; an object that is gone is chosen no more."""
        if edit.rows is None or self.document is None:
            return
        self.objects.set(**vars(self.objects.value.after(edit, self.document.object_table.rows)))
        self.table_changed.emit()

    def _choose_changed(self, kind: StepKind, edit: Edit) -> None:
        """Choose the objects that an undone or redone edit is about, so that one sees what has changed.

        Of an edit that makes objects, those alone are chosen when it is made again, as when it was made
        first: the next key must not mean more than it did then. Not while a click gives a class: who has
        chosen an object has given it one then.
        """
        if self.document is None or edit.target != "objects" or self.objects.value.click_class:
            return
        rows = edit.rows if edit.rows is not None and edit.kind.of_some_objects else TableChange()
        there = self.document.object_table.rows
        changed = tuple(sorted(number for number in edit.numbers.union(rows.after) if number in there))
        if chosen := (rows.new if kind is StepKind.REDO else ()) or changed:
            self.objects.set(selected=chosen)

    def set_busy(self, busy: Busy | None) -> None:
        """Say what is changing the labels; painting and undo wait until it is None again."""
        self.busy = busy
        self.busy_changed.emit()

    @contextmanager
    def free_again(self) -> Iterator[None]:
        """Let others change the labels again, told once the edit that a job commits within is there."""
        self.busy = None
        try:
            yield
        finally:
            self.busy_changed.emit()

    # -- safety ----------------------------------------------------------------------------------

    def autosave(self) -> None:
        """Make sure that a crash costs nothing that was done before now."""
        if self.document is not None:
            self.collect_view()
            self.document.autosave()

    def saved(self, folder: Path) -> None:
        """Tell everybody that the project lies in ``folder`` now."""
        self.history_changed.emit()
        self.message.emit(f"Saved in {folder}")

    def _note(self, step: Step) -> None:
        if self.document is not None:
            self.document.add_step(step)
            self.history_changed.emit()


def _step(kind: StepKind, edit: Edit, parameters: dict[str, Any]) -> Step:
    return Step(kind, edit.kind, edit.target, edit.partial, parameters)


def _where(box: Box | None) -> str:
    """Return ", slice 12" or ", slices 12 to 15"."""
    if box is None:
        return ""
    return f", {slices_words(box.start[0], box.stop[0])}"


def _middle(shape: Triple) -> Triple:
    z, y, x = (n // 2 for n in shape)
    return (z, y, x)
