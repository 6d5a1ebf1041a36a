"""The section that finds objects: fields, a live preview on the slice, and the job."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QCheckBox, QLabel, QVBoxLayout, QWidget

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job, Work
from sxtstudio.app.jobs.label_job import LabelJob
from sxtstudio.app.jobs.preview import LivePreview
from sxtstudio.app.objects.form import FindForm
from sxtstudio.app.objects.manual import made_by_hand
from sxtstudio.app.questions import Answer
from sxtstudio.app.slice_preview import Preview, PreviewStyle
from sxtstudio.app.widgets.notes import note, show_note
from sxtstudio.app.widgets.result_note import ResultNote
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Edit, Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.object_table import ObjectFlag
from sxtstudio.core.wording import count, grouped
from sxtstudio.workflow.document.label_history import segmented_runs
from sxtstudio.workflow.document.network_output import find_output
from sxtstudio.workflow.jobs.document_objects import (
    FoundObjects,
    ObjectsInput,
    ObjectsPreview,
    find_document_objects,
    preview_objects,
)

_DELAY_MS = 200
_COLOURS = 255


class Finding(QWidget):
    """Fields and preview; ``start`` finds objects in all slices.

    Signals
    -------
    changed()
        A job has begun or ended.
    found_same()
        Objects were found again, and are what they were.
    """

    changed = Signal()
    found_same = Signal()

    def __init__(self, context: Context, result: QLabel) -> None:
        """Build the section; what a job found is said in ``result``."""
        super().__init__()
        self._context, self._session = context, context.session
        self.run: LabelJob | None = None
        self.form = FindForm()
        self.live = QCheckBox("Show a preview on this slice")
        self.live.setToolTip("Colour the regions of this slice that would be parts of objects")
        self.live.setChecked(True)
        self.note = note(name="preview")
        self._result = ResultNote(self._session, result)
        self.preview = LivePreview(
            context,
            "Previewing objects",
            wanted=self._wanted_preview,
            on_done=self._on_preview_done,
            say=partial(show_note, self.note),
            delay_ms=_DELAY_MS,
            parent=self,
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for widget in (self.form, self.live, self.note):
            layout.addWidget(widget)
        self.form.changed.connect(self._on_form_changed)
        self.live.toggled.connect(self.preview.ask)
        session = self._session
        session.document_changed.connect(self._on_session_document_changed)
        session.facts_changed.connect(self._follow)
        session.labels_changed.connect(self._on_session_volumes_changed)
        session.mask_changed.connect(self._on_session_volumes_changed)
        session.busy_changed.connect(self._follow)
        self._follow()

    # -- the job -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Find objects in all slices; asks before what was made by hand is replaced.

        Raises
        ------
        UserError
            If there are no labels, or another job changes them.
        """
        given, document, asked = self._input(), self._session.document, self.form.wanted
        if given is None or document is None:
            raise UserError("There are no labels to find objects in. Segment the tomogram first.")
        if self._session.busy is None and not self._may_replace():
            return
        folder, steps, parameters = document.bulk, tuple(document.steps), asked.step()

        def work(job: Job, recorder: Recorder) -> FoundObjects:
            wanted = replace(asked, within=segmented_runs(steps, given.labels))
            wanted = replace(wanted, network_output=given.certainty(wanted) is not None)
            parameters.update(wanted.step())
            return find_document_objects(recorder, given, wanted, folder, job.progress)

        self.preview.take_away()
        self._result.clear()
        self.run = LabelJob(
            self._context,
            EditKind.FIND_OBJECTS,
            work,
            target="objects",
            parameters=parameters,
            on_done=self._on_run_done,
        )
        self.run.ended.connect(self._on_run_ended)
        self.changed.emit()
        self._follow()

    def shorten_result(self) -> None:
        """Leave the room of what was found to other parts of the panel."""
        self._result.shorten()

    def _may_replace(self) -> bool:
        document = self._session.document
        if document is None or not made_by_hand(document):
            return True
        answer = questions.ask(
            self._context.window,
            "Replace objects?",
            "Some objects were corrected, classed or noted by hand.",
            (Answer.REPLACE, Answer.CANCEL),
            "Finding objects replaces all of them, with their classes and notes. Undo brings them back.",
        )
        return answer == Answer.REPLACE

    def _on_run_done(self, done: FoundObjects, edit: Edit | None) -> None:
        lines = found_lines(done)
        self._result.show_result("\n".join(lines))
        self._session.message.emit(lines[0])
        if edit is None:
            self.found_same.emit()
        if done.found.count:
            self.live.setChecked(False)  # the objects themselves are shown now

    def _on_run_ended(self, _edit: Edit | None) -> None:
        self.run = None
        self.changed.emit()
        self._follow()

    # -- preview -----------------------------------------------------------------------------------

    def _input(self) -> ObjectsInput | None:
        document = self._session.document
        if document is None or document.labels is None:
            return None
        return ObjectsInput(
            document.labels,
            document.mask,
            document.voxel_nm,
            document.tomogram,
            document.object_table,
            document.object_boxes,
            find_output(document.bulk, document.shape),
        )

    def _on_form_changed(self) -> None:
        """Show what the field does, also after the preview was switched off."""
        if self.isVisible() and not self.live.isChecked():
            self.live.setChecked(True)  # asks for one
        else:
            self.preview.ask()

    def _wanted_preview(self) -> Work | None:
        given, wanted = self._input(), self.form.wanted
        seen = self.isVisible() and self.live.isChecked()
        if given is None or self._session.busy is not None or not seen:
            return None
        z = self._session.cursor[0]
        return lambda job: preview_objects(given, wanted, z, job.progress)

    def _on_preview_done(self, found: ObjectsPreview) -> None:
        colours = np.where(found.numbers > 0, (found.numbers - 1) % _COLOURS + 1, 0).astype(np.uint8)
        self.preview.show(Preview(found.z, colours, "Preview: objects", PreviewStyle.OBJECTS))
        text = f"In this slice: {count(found.count, 'region')}."
        show_note(self.note, f"{text} All slices together decide what is an object.")

    # -- following the session ---------------------------------------------------------------------

    @property
    def can_start(self) -> bool:
        """Whether there are labels and nothing else changes them."""
        document = self._session.document
        return document is not None and document.labels is not None and self._session.busy is None

    def _on_session_document_changed(self) -> None:
        self._result.clear()
        document = self._session.document
        # Objects that are there already are to be seen, not covered.
        self.live.setChecked(document is None or document.objects is None)
        self._follow()

    def _on_session_volumes_changed(self) -> None:
        # A stroke of the brush must not wait for a panel that nobody sees.
        if self._session.busy is None and self.isVisible():
            self._follow()

    def _follow(self) -> None:
        document, busy = self._session.document, self._session.busy is not None
        self.form.show_voxel_size(None if document is None else document.voxel_nm)
        if not busy:
            self.form.show_mask(document is not None and document.mask is not None)
        self.setEnabled(document is not None and document.labels is not None and not busy)
        self.preview.ask()
        if document is not None and document.labels is None:
            show_note(self.note, "There are no labels yet. Segment the tomogram first.")

    def showEvent(self, event: QShowEvent) -> None:
        """Preview again."""
        super().showEvent(event)
        if not event.spontaneous():
            self._follow()

    def hideEvent(self, event: QHideEvent) -> None:
        """Take the preview away; other panels show theirs."""
        super().hideEvent(event)
        if not event.spontaneous():
            self.preview.take_away()

    def shut_down(self) -> None:
        """Let go of the thread."""
        self.preview.shut_down()


def found_lines(done: FoundObjects) -> list[str]:
    """Return what was found, and why not all of it is whole, in sentences."""
    found = done.found
    sheets = found.count - found.bodies
    lines = [f"Found {count(found.count, 'object')}."]
    if sheets:
        lines[0] = f"Found {count(found.bodies, 'body', 'bodies')} and {count(sheets, 'piece')} of membrane."
    border, is_open, doubtful = map(found.flagged, (ObjectFlag.BORDER, ObjectFlag.OPEN, ObjectFlag.DOUBTFUL))
    if border:
        lines.append(
            f"{_who(border, 'touches', 'touch')} the border of the volume, or of what was segmented or "
            "measured; "
            f"figures leave {'it' if border == 1 else 'them'} out."
        )
    if is_open:
        lines.append(
            f"{_who(is_open, 'is', 'are')} open: more than a fifth is missing where the outlines end."
        )
    if doubtful:
        lines.append(f"{_who(doubtful, 'has', 'have')} an outline that the network was not sure of.")
    if done.small:
        lines.append(f"{_who(done.small, 'was', 'were')} too small.")
    if not found.bodies:
        lines.append("Raise “Close gaps to”, or look whether the outlines are closed, and in enough slices.")
    return lines


def _who(number: int, one: str, more: str) -> str:
    return f"{grouped(number)} {one if number == 1 else more}"
