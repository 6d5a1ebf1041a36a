"""Going back and forth in the history of changes: at once, or in a job where that takes a while."""

from __future__ import annotations

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.session import Busy
from sxtstudio.core.edit_kind import dtype_of
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
    if sum(edit.voxels * dtype_of(edit.target).itemsize for edit in ways) < LARGE_BYTES:
        for _ in ways:
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
        session.set_busy(None)
        if session.document is document:
            for edit in moved:
                announce(edit)

    def failed(error: Exception) -> None:
        over()
        context.jobs.failed.emit(error)

    edit = ways[0]
    name = Step(StepKind.UNDO if back else StepKind.REDO, edit.kind, edit.target, edit.partial).name
    name += f" and {len(ways) - 1} more" if len(ways) > 1 else ""
    session.set_busy(Busy(name, edit.kind))
    context.jobs.start(name, work, on_done=lambda _: over(), on_error=failed, on_cancel=over)
