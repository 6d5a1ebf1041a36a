"""The evaluation of the open tomogram: its slices, which of them are judged, and the time that it took."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from sxtstudio.app.evaluate.undoing import EvaluationUndo
from sxtstudio.app.session import Session
from sxtstudio.app.states import MarksState
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Edit
from sxtstudio.core.errors import UserError
from sxtstudio.core.evaluation.judgement import (
    Evaluation,
    JudgedSlice,
    JudgedTomogram,
    JudgementChange,
)
from sxtstudio.core.evaluation.marks import JudgedPixels
from sxtstudio.core.geometry import Box
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.core.wording import slice_number
from sxtstudio.workflow.document.evaluation import (
    VIEW,
    crc32_of,
    evaluation_of_view,
    evaluation_to_view,
    judge_slice,
)


class EvaluationWork(QObject):
    """It is saved with the project, as a part of the state of its views; the marks are a volume of it.

    Signals
    -------
    changed()
        Other slices, another one is judged, or its pixels are others.
    ticked()
        More time was spent.
    """

    changed = Signal()
    ticked = Signal()

    def __init__(self, session: Session) -> None:
        """Follow a session."""
        super().__init__(session)
        self._session = session
        self.evaluation = Evaluation()
        self.outdated: frozenset[int] = frozenset()
        self.undoing = EvaluationUndo(session, self._restore, lambda: bool(self.evaluation.judged))
        self._to_check: set[int] = set()
        self._check = QTimer(self, singleShot=True, interval=0)
        self._check.timeout.connect(self._check_one)
        session.register_view(VIEW, self)
        session.document_changed.connect(self._on_session_document_changed)
        session.labels_changed.connect(self._on_session_labels_changed)
        session.marks_changed.connect(self._on_session_marks_changed)

    # -- what is judged --------------------------------------------------------------------------

    @property
    def current(self) -> int | None:
        """The slice that is shown, if it is one of those that are judged."""
        z = self._session.cursor[0]
        return z if self._session.document is not None and z in self.evaluation.slices else None

    @property
    def tomogram(self) -> JudgedTomogram | None:
        """What was judged of the open tomogram; None where nothing was."""
        document = self._session.document
        if document is None or not self.evaluation.judged:
            return None
        return JudgedTomogram(document.name, self.evaluation, self.outdated)

    @property
    def usable(self) -> tuple[int, ...]:
        """The judged slices whose labels are as they were: with the marks, they are right."""
        return tuple(sorted(self.evaluation.judged.keys() - self.outdated))

    def check_slice(self, z: int) -> None:
        """Raise UserError unless slice ``z`` is one of those that are judged."""
        if not self.evaluation.slices:
            raise UserError("No slices were chosen yet. Choose some in the panel “Evaluate”, and begin.")
        if z not in self.evaluation.slices:
            raise UserError(
                f"Slice {slice_number(z)} is not judged. The space bar leads to the next that is."
            )

    def pixels(self, z: int) -> JudgedPixels:
        """Count the pixels of a slice as it is marked now."""
        document = self._session.document
        return JudgedPixels() if document is None else judge_slice(document, z).pixels

    def begin(self, slices: Iterable[int]) -> None:
        """Judge these slices; what was judged of them stays."""
        if self._session.document is None:
            return
        self._set(self.evaluation.of(slices))
        self.go(self.evaluation.after(None))

    def judged(self) -> None:
        """Say that the slice that is shown is judged, and go to the next one."""
        document, z = self._session.document, self.current
        if document is None or not self.evaluation.slices:
            return
        if z is not None:
            if document.labels is None:
                raise UserError("There are no labels to judge. Segment the tomogram, or open labels.")
            self.outdated -= {z}
            now, former = judge_slice(document, z), self.evaluation.judged.get(z)
            if former is None or (former.pixels, former.crc32) != (now.pixels, now.crc32):
                self._set(self.evaluation.with_judged(z, now))
        following = self.evaluation.after(self._session.cursor[0])
        if following is None:
            self._session.message.emit("All slices are judged. “Results…” shows what was found.")
        self.go(following)

    def take_back_judgement(self) -> None:
        """Have the slice that is shown not judged after all; its marks stay."""
        z = self.current
        if z is not None and z in self.evaluation.judged:
            self.outdated -= {z}
            self._set(self.evaluation.with_judged(z, None))

    def back(self) -> None:
        """Go to the slice before, of those that are judged."""
        here = self._session.cursor[0]
        slices = self.evaluation.slices
        self.go(max((z for z in slices if z < here), default=slices[-1] if slices else None))

    def go(self, z: int | None) -> None:
        """Show a slice; None: stay."""
        if z is not None:
            _, y, x = self._session.cursor
            self._session.set_cursor((z, y, x))

    def judge_again(self, slices: Iterable[int]) -> None:
        """Have slices judged once more; their marks stay."""
        evaluation = self.evaluation
        wanted = sorted(slices)
        for z in wanted:
            evaluation = evaluation.with_judged(z, None)
        self.outdated -= frozenset(wanted)
        self._set(evaluation)
        self.go(wanted[0] if wanted else None)

    def spend(self, seconds: float) -> None:
        """Take note that so much more time was spent on the slice that is shown."""
        z, labels = self.current, self._session.labels_of("labels")
        if z is not None and labels is not None and self._session.busy is None:  # nobody judges while waiting
            self.evaluation = self.evaluation.with_time(z, seconds)
            self.ticked.emit()

    def _set(self, evaluation: Evaluation) -> None:
        """Have another evaluation, which can be taken back."""
        if self._session.document is not None and evaluation != self.evaluation:
            change = JudgementChange.of(self.evaluation, evaluation, self._session.cursor[0])
            self._session.evaluation_history.push(Edit(EditKind.JUDGE, (), "marks", judged=change))
            self._put(evaluation)

    def _restore(self, change: JudgementChange, back: bool) -> None:
        """Follow what was taken back, or made again; time that was spent stays."""
        wanted = dict(self.evaluation.judged)
        for z, one in (change.before if back else change.after).items():
            wanted.pop(z, None)
            if one is not None:
                wanted[z] = self._as_marked(z, one)
        slices = change.slices[0 if back else 1]
        judged = {z: one for z, one in wanted.items() if z in slices}
        self._put(replace(self.evaluation, slices=slices, judged=judged))
        self._look_again(judged)
        self.go(change.shown)
        self._session.message.emit(f"{'Undo' if back else 'Redo'}: {change.title}")

    def _as_marked(self, z: int, former: JudgedSlice) -> JudgedSlice:
        """Return a judgement of former times with the marks as they are now, if it is of these labels."""
        document = self._session.document
        now = former if document is None else judge_slice(document, z)
        return replace(former, pixels=now.pixels) if now.crc32 == former.crc32 else former

    def _put(self, evaluation: Evaluation) -> None:
        document = self._session.document
        if document is None:
            return
        self.evaluation = evaluation
        self.outdated &= evaluation.judged.keys()
        parameters = {
            "slices_to_judge": list(evaluation.slices),
            "judged_slices": sorted(evaluation.judged),
        }
        document.add_step(Step(StepKind.EVALUATION, parameters=parameters))
        self._session.history_changed.emit()
        self._session.autosave()
        self.changed.emit()

    # -- the project -----------------------------------------------------------------------------

    def view_state(self) -> dict[str, Any]:
        """Return the evaluation for the project."""
        return evaluation_to_view(self.evaluation)

    def restore_view_state(self, state: dict[str, Any]) -> None:
        """Take it back from a project; one that is damaged is said and left out."""
        document = self._session.document
        depth = 0 if document is None else document.shape[0]
        try:
            self.evaluation = evaluation_of_view(state, depth, "The evaluation in this project")
        except UserError as error:
            self.evaluation = Evaluation()
            self._session.message.emit(str(error))
        self._look_again(self.evaluation.judged)
        self.changed.emit()

    def _on_session_document_changed(self) -> None:
        self.evaluation, self.outdated = Evaluation(), frozenset()
        self._to_check.clear()
        own = MarksState()
        self._session.marks.set(mark=own.mark, brush_px=own.brush_px)  # as the protocol has it
        self.changed.emit()

    # -- labels and marks that change -------------------------------------------------------------

    def _on_session_labels_changed(self, box: Box) -> None:
        self._look_again(z for z in self.evaluation.judged if box.start[0] <= z < box.stop[0])

    def _look_again(self, slices: Iterable[int]) -> None:
        self._to_check.update(slices)
        if self._to_check:
            self._check.start()

    def _check_one(self) -> None:
        """See whether the labels of a judged slice are as they were; one at a time, for the window's sake."""
        document = self._session.document
        if document is None or not self._to_check:
            return
        z = self._to_check.pop()
        found = self.evaluation.judged.get(z)
        if found is not None:
            labels = document.array("labels")
            same = labels is not None and crc32_of(labels[z]) == found.crc32
            outdated = self.outdated - {z} if same else self.outdated | {z}
            if outdated != self.outdated:
                self.outdated = outdated
                self.changed.emit()
        if self._to_check:
            self._check.start()

    def _on_session_marks_changed(self, box: Box) -> None:
        """What was judged follows the marks; where its labels are others now, it is judged anew."""
        document, evaluation = self._session.document, self.evaluation
        if document is None:
            return
        for z in range(box.start[0], box.stop[0]):
            former = evaluation.judged.get(z)
            if former is not None:
                now = judge_slice(document, z)
                evaluation = evaluation.with_judged(z, now if now.crc32 == former.crc32 else None)
        self.evaluation = evaluation
        self.outdated &= evaluation.judged.keys()
        self.changed.emit()

    def shut_down(self) -> None:
        """Look no more."""
        self._check.stop()
