"""What *Undo* means while a task has steps of its own."""

from __future__ import annotations

from typing import Protocol


class TaskUndo(Protocol):
    """What *Undo* and *Redo* mean while a task is in the hand that has steps which are no edits.

    They take back nothing of other tasks then.
    """

    @property
    def undo_title(self) -> str | None:
        """Name of what *Undo* would take back; None: nothing of the task is the latest."""

    @property
    def redo_title(self) -> str | None:
        """Name of what *Redo* would make again."""

    def undo(self) -> None:
        """Take back the latest step of the task, or say why there is none."""

    def redo(self) -> None:
        """Make the latest undone step again."""
