"""Long work that changes labels or the cell mask: undoable, announced as it goes on, in its own document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job, JobKind
from sxtstudio.app.session import Busy
from sxtstudio.core.edit_kind import EditKind, Target, edit_title
from sxtstudio.core.edits import Edit, Recorder
from sxtstudio.core.errors import Cancelled
from sxtstudio.core.geometry import Box
from sxtstudio.core.patches import bounding_box

LabelWork = Callable[[Job, Recorder], Any]

# The views hear of finished slices at most ten times a second.
_ANNOUNCE_EVERY_MS = 100
# A computation looks about ten times a second whether it was cancelled.
_LONGEST_WAIT_S = 60.0


class LabelJob(QObject):
    """One job that writes with a recorder; while it runs nobody else changes labels.

    At the end its changes are one step for *Undo*. An error takes them back, and so does a cancel, unless
    ``keep_on_cancel``. When another document is shown in the meantime, the work is stopped first.

    Attributes
    ----------
    parameters
        What stands in the record of steps; the work may add to it.

    Signals
    -------
    ended(object)
        The edit, or None where nothing was changed; whatever the end was.
    """

    ended = Signal(object)

    def __init__(
        self,
        context: Context,
        kind: EditKind,
        work: LabelWork,
        *,
        target: Target = "labels",
        parameters: dict[str, Any] | None = None,
        keep_on_cancel: bool = False,
        on_done: Callable[[Any, Edit | None], None] | None = None,
        on_error: Callable[[Exception], None] | None = None,
        on_cancel: Callable[[Edit | None], None] | None = None,
    ) -> None:
        """Start ``work(job, recorder)`` in a thread; ``job.report(box)`` announces what was written.

        Raises
        ------
        UserError
            If nothing is open, or another job changes the labels.
        """
        super().__init__(context.session)
        self._context = context
        self._session = context.session
        self.parameters = parameters or {}
        self._recorder = self._session.record(kind, target, **self.parameters)
        self._document = self._session.document
        self._work = work
        self._target: Target = target
        self._keep_on_cancel = keep_on_cancel
        self._on_done, self._on_error, self._on_cancel = on_done, on_error, on_cancel
        self._taken_back: Box | None = None
        self._waiting: list[Box] = []
        self._announcer = QTimer(self, singleShot=True, interval=_ANNOUNCE_EVERY_MS)
        self._announcer.timeout.connect(self._announce)
        self._over = False
        name = edit_title(kind, target)
        self._session.set_busy(Busy(name, kind))
        self._session.document_changed.connect(self._leave)
        self.job = context.jobs.start(
            name,
            self._run,
            on_done=self._succeed,
            on_error=self._fail,
            on_cancel=self._stop,
            on_report=self._hear,
            kind=JobKind.EDIT,
        )

    def cancel(self) -> None:
        """Ask the work to stop."""
        self.job.cancel()

    def _run(self, job: Job) -> Any:
        try:
            result = self._work(job, self._recorder)
            if self._document is not None:
                self._document.finish(self._recorder)  # the window does not wait for it later
            return result
        except BaseException as error:
            if not (self._keep_on_cancel and isinstance(error, Cancelled)):
                self._taken_back = self._recorder.box
                self._recorder.roll_back()
            raise
        finally:
            if self._target == "objects" and self._document is not None:
                self._document.find_boxes()  # nor for this

    def _hear(self, box: Box) -> None:
        self._waiting.append(box)
        if not self._announcer.isActive():
            self._announcer.start()

    def _announce(self) -> None:
        box = bounding_box(self._waiting)
        self._waiting.clear()
        if not self._over:
            self._session.touched(self._target, box)

    def _succeed(self, result: Any) -> None:
        edit, here = self._finish()
        if here and self._on_done is not None:
            self._on_done(result, edit)

    def _stop(self) -> None:
        self._recorder.partial = True
        edit, here = self._finish()
        if here and self._on_cancel is not None:
            self._on_cancel(edit)

    def _fail(self, error: Exception) -> None:
        _, here = self._finish()
        if not here:
            return
        (self._on_error or self._context.jobs.failed.emit)(error)

    def _finish(self) -> tuple[Edit | None, bool]:
        """Let the others change labels again; return the edit, and whether its document is still shown."""
        if self._over:
            return None, False
        self._announcer.stop()
        # Told while it is still busy, so that nobody takes it for work by hand.
        self._session.touched(self._target, self._taken_back or self._recorder.box)
        self._leave_session()
        edit = None
        try:
            with self._session.free_again():
                edit = self._session.commit(self._recorder, announce=False, **self.parameters)
        except Exception as error:  # it is done and can be undone; only the safety copy failed
            self._context.jobs.failed.emit(error)
        self.ended.emit(edit)
        return edit, True

    def _leave(self) -> None:
        """Another document is shown: the former one is closed next, so the work must end now."""
        if self._session.document is self._document:
            return
        self.job.cancel()
        self.job.wait(_LONGEST_WAIT_S)
        self._leave_session()
        self._session.set_busy(None)
        self.ended.emit(None)

    def _leave_session(self) -> None:
        self._over = True
        self._announcer.stop()
        self._session.document_changed.disconnect(self._leave)
        # The job's last signals are still on their way here.
        self.job.finished.connect(self.deleteLater)
