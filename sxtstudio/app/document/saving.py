"""Saving the project, in a job."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QTimer

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.errors import show_error
from sxtstudio.app.jobs.job import Job, JobKind
from sxtstudio.core.errors import UserError
from sxtstudio.io.project import SUFFIX
from sxtstudio.workflow.document import project
from sxtstudio.workflow.document.document import Document

FILTER = f"SXT Studio project (*{SUFFIX})"
After = Callable[[], None]


def save(context: Context, after: After | None = None) -> None:
    """Save where the document was saved before, or ask where; ``after`` is called when it is saved."""
    document = context.session.document
    if document is None:
        return
    if document.project is None or document.read_only:
        save_as(context, after)
    else:
        _start(context, document, document.project, after)


def save_as(context: Context, after: After | None = None) -> None:
    """Ask for a name and save there."""
    document = context.session.document
    if document is None:
        return
    name = Path(document.name).name
    suggested = (name.removesuffix(SUFFIX) if document.project else name.split(".")[0]) + SUFFIX
    beside = None if document.project is None else document.project.parent
    path = questions.save_file(context, "Save project as", suggested, FILTER, beside)
    if path is not None:
        _start(context, document, path, after)


def _start(context: Context, document: Document, folder: Path, after: After | None) -> None:
    if any(job.kind is JobKind.SAVING for job in context.jobs.running):
        raise UserError("The project is being saved already. Wait until that is done.")
    context.session.collect_view()
    what = project.snapshot(document)

    def work(job: Job) -> project.Saved:
        return project.save(what, folder, job.progress)

    def done(saved: project.Saved) -> None:
        if context.session.document is not document:
            saved.lock.release()
            return
        project.adopt(document, saved)
        if context.session.busy is not None:
            document.modified = True  # a job is changing the labels meanwhile
        context.settings.add_recent(saved.folder)
        context.session.saved(saved.folder)
        context.session.autosave()
        if saved.notes:
            show_error(context.window, UserError("\n\n".join(saved.notes)), document.name)
        if after is not None:
            QTimer.singleShot(0, after)  # when this job has ended, too

    context.jobs.start(f"Saving {folder.name}", work, on_done=done, kind=JobKind.SAVING)
