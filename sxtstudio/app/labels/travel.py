"""Going back and forth in the history of changes: at once, or in a job where that takes a while."""

from __future__ import annotations

from PySide6.QtCore import QTimer

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.session import Busy
from sxtstudio.core.edits import Edit
from sxtstudio.core.steps import Step, StepKind

# Taking back more than that takes longer than a tenth of a second.
LARGE_BYTES = 20_000_000


def go_to(context: Context, kept: int) -> None:
    """Take back or make again until the oldest ``kept`` changes stand, and no others."""
    session, document = context.session, context.session.document
    history = session.history
    if document is None or session.busy is not None:
        return
    back = kept < len(history)
    ways = tuple(reversed(history.done[kept:])) if back else history.undone[: kept - len(history)]
    if not ways:
        return
    if len(ways) == 1 and ways[0].effort_bytes < LARGE_BYTES:
        (session.undo if back else session.redo)()
        return
    move, announce = (history.undo, session.undone) if back else (history.redo, session.redone)
    moved: list[Edit] = []

    def work(job: Job) -> None:
        job.progress.begin(len(ways))
        for _ in ways:
            edit = move(document)
            if edit is not None:
                moved.append(edit)
            job.progress.step()
        document.find_boxes()  # nobody waits for it later

    def over() -> None:
        """Announce one change a turn of the window: with thousands of objects each takes a while."""
        here = session.document is document
        if not here or len(moved) <= 1:
            session.set_busy(None)
        if here and moved:
            announce(moved.pop(0))
            if moved:
                QTimer.singleShot(0, session, over)

    def failed(error: Exception) -> None:
        over()
        context.jobs.failed.emit(error)

    edit = ways[0]
    name = Step(StepKind.UNDO if back else StepKind.REDO, edit.kind, edit.target, edit.partial).name
    name += f" and {len(ways) - 1} more" if len(ways) > 1 else ""
    session.set_busy(Busy(name, edit.kind))
    context.jobs.start(name, work, on_done=lambda _: over(), on_error=failed, on_cancel=over)
