"""Edit: undo, redo, and the list of all changes."""

from __future__ import annotations

from sxtstudio.app.actions.info import ActionInfo
from sxtstudio.app.context import Context
from sxtstudio.app.labels.travel import go_to


def undo(context: Context) -> None:
    """Take back the latest change, of the task in the hand where that has steps of its own."""
    if context.session.task_undo is not None:
        context.session.task_undo.undo()
        return
    go_to(context, max(0, len(context.session.history) - 1))


def redo(context: Context) -> None:
    """Make the latest undone change again, of the task in the hand where that has steps of its own."""
    if context.session.task_undo is not None:
        context.session.task_undo.redo()
        return
    go_to(context, len(context.session.history) + 1)


def history(context: Context) -> None:
    """Show all changes."""
    from sxtstudio.app.labels.history import HistoryDialog

    context.dialogs.bring_up(HistoryDialog)


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
    ActionInfo(
        "edit.history",
        "History…",
        "Edit",
        "List all changes, and go back or forth to any of them",
        history,
        shortcut="Ctrl+Alt+Z",
        icon="mdi6.history",
        needs=("tomogram",),
        separator=True,
    ),
)
