"""Before a document goes: running jobs and unsaved work are asked about."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QTimer

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.document.saving import save
from sxtstudio.app.jobs.job import Job, JobKind
from sxtstudio.app.questions import Answer
from sxtstudio.core.edit_kind import EditKind

# A job that does not notice its cancel for so long is not waited for.
_PATIENCE_MS = 10_000
_OFFERED = "What is finished of it stays, and can be gone on with when the program is started again."


def settle(
    context: Context, then: Callable[[bool], None], *, what: str = "close", leaving: bool = False
) -> None:
    """Call ``then(discard)`` once the open document may go; never, if the user wants to keep it.

    Parameters
    ----------
    then
        Called at once where nothing is to be asked; later where a job has to stop or the work to be
        saved first. ``discard`` says that the user gave the unsaved work up.
    what
        What the user is about to do, for the question.
    leaving
        The window closes, so that also jobs go that have nothing to do with the document.
    """
    running = [
        job for job in context.jobs.visible if (leaving or job.kind.bound) and job.kind is not JobKind.OPENING
    ]
    if running:
        names = " and ".join(f"“{job.name}”" for job in running)
        end = Answer.STOP_AND_CLOSE if leaving else Answer.STOP
        answer = questions.ask(
            context.window,
            "Still working",
            f"{names} {'is' if len(running) == 1 else 'are'} still running.",
            (end, Answer.KEEP_WORKING),
            _OFFERED if leaving and _segments(context) else "What is finished of it stays.",
            # Whoever presses Return without reading loses no night of a beamtime.
            default=Answer.KEEP_WORKING,
        )
        if answer == end:
            stop(context, running, lambda: settle(context, then, what=what, leaving=leaving))
        return
    document = context.session.document
    if document is None or not document.modified or document.discarded:
        then(False)
        return
    if document.can_be_gone_on_with:
        then(False)  # its working folder stays, and is offered with the tomogram
        if not leaving:
            context.session.message.emit(
                f"The unfinished segmentation of {document.name} is kept; opening it again offers it."
            )
        return
    asked, lost = document, "Discarded changes cannot be recovered"
    answer = questions.ask(
        context.window,
        "Unsaved work",
        f"{document.name} has changes that are not saved. Save them before you {what}?",
        (Answer.SAVE, Answer.DISCARD, Answer.CANCEL),
        f"{lost}, and its unfinished segmentation cannot be gone on with."
        if document.unfinished_segmentation
        else f"{lost}.",
    )
    if answer != Answer.CANCEL and context.session.document is not asked:
        settle(context, then, what=what, leaving=leaving)  # the answer was about one that is gone
    elif answer == Answer.SAVE:
        save(context, after=lambda: then(False))
    elif answer == Answer.DISCARD:
        then(True)


def _segments(context: Context) -> bool:
    """Whether the open tomogram is being segmented."""
    busy = context.session.busy
    return busy is not None and busy.kind is EditKind.SEGMENT


def stop(context: Context, jobs: list[Job], then: Callable[[], None]) -> None:
    """Cancel jobs, and call ``then`` when they have ended; the window stays alive meanwhile."""
    waiting = [job for job in jobs if job in context.jobs.running]
    for job in waiting:
        job.cancel()
    if not waiting:
        then()
        return
    timer = QTimer(context.session, singleShot=True, interval=_PATIENCE_MS)

    def done() -> None:
        timer.timeout.disconnect(done)
        context.jobs.ended.disconnect(on_ended)
        timer.stop()
        timer.deleteLater()
        then()

    def on_ended(job: Job) -> None:
        if job in waiting:
            waiting.remove(job)
            if not waiting:
                done()

    context.jobs.ended.connect(on_ended)
    timer.timeout.connect(done)
    timer.start()


def may_close(context: Context) -> bool:
    """Whether the window may close now; where it has to wait, it closes by itself later."""
    asked_now, allowed = True, False

    def go(discard: bool) -> None:
        nonlocal allowed
        document = context.session.document
        if discard and document is not None:
            document.discard()
        if asked_now:
            allowed = True
        else:
            context.window.close()

    settle(context, go, leaving=True)
    asked_now = False
    return allowed


def close_document(context: Context) -> None:
    """Close what is open; the window stays."""

    def go(discard: bool) -> None:
        document = context.session.document
        if discard and document is not None:
            document.discard()
        bound = [job for job in context.jobs.running if job.kind.bound]
        stop(context, bound, lambda: context.session.show(None))

    settle(context, go)
