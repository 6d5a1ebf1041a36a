"""Edit: undo and redo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sxtstudio.app.actions.info import ActionInfo
from sxtstudio.app.context import Context
from sxtstudio.app.session import Busy
from sxtstudio.core.edits import LabelEdit

# Taking back more than that takes longer than a tenth of a second.
LARGE_VOXELS = 20_000_000


def undo(context: Context) -> None:
    """Take back the latest change."""
    history = context.session.history
    _travel(context, "Undo", history.next_undo, history.undo, context.session.undo)


def redo(context: Context) -> None:
    """Make the latest undone change again."""
    history = context.session.history
    _travel(context, "Redo", history.next_redo, history.redo, context.session.redo)


def _travel(
    context: Context, word: str, edit: LabelEdit | None, move: Callable[..., Any], at_once: Callable[[], None]
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
            session.travelled(edit, word)

    def failed(error: Exception) -> None:
        session.set_busy(None)
        context.jobs.failed.emit(error)

    name = f"{word}: {edit.name}"
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
