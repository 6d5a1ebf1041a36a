"""Edit: undo and redo."""

from __future__ import annotations

from sxtstudio.app.actions.info import ActionInfo
from sxtstudio.app.context import Context


def undo(context: Context) -> None:
    """Take back the latest change."""
    context.session.undo()


def redo(context: Context) -> None:
    """Make the latest undone change again."""
    context.session.redo()


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
