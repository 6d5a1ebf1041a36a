"""What a batch and a beamtime have in common: they go on for days beside everything else."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QPushButton

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job, JobKind
from sxtstudio.app.notices import Notice, NoticeKind
from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.core.errors import UserError

if TYPE_CHECKING:  # the window begins without the network's libraries
    from sxtstudio.workflow.jobs.batch import OtherWork

_LONG = (JobKind.BATCH, JobKind.BEAMTIME)


def check_free(context: Context, name: str) -> None:
    """Refuse to begin while something else computes, or another of these runs.

    Raises
    ------
    UserError
        With what runs; ``name`` is what was to be started.
    """
    other = context.session.busy
    if other is not None:
        raise UserError(f"“{other.name}” is running. Wait for it, or cancel it, then start the {name}.")
    running = next((job for job in context.jobs.running if job.kind in _LONG), None)
    if running is not None and running.kind is JobKind.BEAMTIME:
        raise UserError(
            f"“{running.name}” is running, which goes on until it is stopped. Press Stop there (Tools > "
            f"Beamtime), then start the {name}; started again, the beamtime goes on where it was."
        )
    if running is not None:
        raise UserError(f"“{running.name}” is running. Wait for it, or stop it, then start the {name}.")


def check_not_segmenting(context: Context) -> None:
    """Refuse to segment while a batch or a beamtime does; between two tomograms it waits for others.

    Raises
    ------
    UserError
        With what runs.
    """
    other = next((job for job in context.jobs.running if job.segments), None)
    if other is not None and other.kind is JobKind.BEAMTIME:
        raise UserError(
            "The beamtime is segmenting a tomogram now. Wait until it is done with those that are there, or "
            "stop it (Tools > Beamtime)."
        )
    if other is not None:
        raise UserError("The batch is segmenting now. Wait for it, or stop it (Tools > Batch).")


def other_work(context: Context) -> OtherWork:
    """Return what says what else computes now, "" where nothing does; asked by the thread of the job."""
    session = context.session

    def name() -> str:
        busy = session.busy
        return "" if busy is None else busy.name

    return name


def show_buttons(start: QPushButton, stop: QPushButton, job: Job | None, *, possible: bool = True) -> None:
    """Show what can be pressed while ``job`` runs, stops, or has ended."""
    stopping = job is not None and job.progress.cancelled
    start.setEnabled(job is None and possible)
    stop.setEnabled(job is not None and not stopping)
    stop.setText("Stopping…" if stopping else "Stop")


def say_the_end(context: Context, dialog: ToolDialog, kind: NoticeKind, message: str, notice: str) -> None:
    """Say in the window that it has ended; where nobody looks at its dialog, also in a notice."""
    session = context.session
    session.message.emit(message)
    if not dialog.isActiveWindow():
        session.notices.post(Notice(kind, notice, partial(context.dialogs.bring_up, type(dialog))))
