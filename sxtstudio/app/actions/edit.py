"""Edit: undo and redo."""

from __future__ import annotations

from collections.abc import Callable

from sxtstudio.app.actions.info import ActionInfo
from sxtstudio.app.context import Context
from sxtstudio.app.session import Busy
from sxtstudio.core.edits import LabelEdit
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.workflow.document.document import Document

# Taking back more than that takes longer than a tenth of a second.
LARGE_VOXELS = 20_000_000


def undo(context: Context) -> None:
    """Take back the latest change."""
    session = context.session
    _step(
        context, StepKind.UNDO, session.history.next_undo, session.history.undo, session.undo, session.undone
    )


def redo(context: Context) -> None:
    """Make the latest undone change again."""
    session = context.session
    _step(
        context, StepKind.REDO, session.history.next_redo, session.history.redo, session.redo, session.redone
    )


def _step(
    context: Context,
    kind: StepKind,
    edit: LabelEdit | None,
    move: Callable[[Document], LabelEdit | None],
    at_once: Callable[[], None],
    announce: Callable[[LabelEdit], None],
) -> None:
    """Go back or forth by ``edit``; large edits in a job, so that the window does not stand still."""
    session, document = context.session, context.session.document
    if document is None or session.busy or edit is None:
        return
    if edit.voxels < LARGE_VOXELS:
        at_once()
        return

    def done(_: object) -> None:
        session.set_busy(None)
        if session.document is document:
            announce(edit)

    def failed(error: Exception) -> None:
        session.set_busy(None)
        context.jobs.failed.emit(error)

    name = Step(kind, edit.kind, edit.target, edit.partial).name
    session.set_busy(Busy(name, edit.kind))
    context.jobs.start(name, lambda job: move(document), on_done=done, on_error=failed)


ACTIONS = (
    ActionInfo(
        "edit.undo",
        "Undo",
        "Edit",
        "Take back the latest change of labels or mask",
        undo,
        shortcut="Ctrl+Z",
        icon="mdi6.undo",
        needs=("undo", "idle"),
        toolbar=True,
    ),
    ActionInfo(
        "edit.redo",
        "Redo",
        "Edit",
        "Make the latest undone change again",
        redo,
        shortcut="Ctrl+Shift+Z",
        icon="mdi6.redo",
        needs=("redo", "idle"),
        toolbar=True,
    ),
)
