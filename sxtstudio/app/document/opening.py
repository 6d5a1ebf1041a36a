"""Opening tomograms and projects from the menu, by drag and drop, or at the start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.document.choose_volume import choose_volume, store_of
from sxtstudio.app.document.closing import settle, stop
from sxtstudio.app.errors import show_error
from sxtstudio.app.jobs.job import Job, JobKind
from sxtstudio.app.questions import Answer
from sxtstudio.app.view3d.reopening import open_again, take_open
from sxtstudio.core.errors import UserError
from sxtstudio.core.shipped import sample_tomogram
from sxtstudio.io.opening import SUFFIXES, name_patterns
from sxtstudio.io.project import NAME, is_project, project_folder
from sxtstudio.io.project_marker import SUFFIX as MARKER_SUFFIX
from sxtstudio.io.several import SeveralVolumes
from sxtstudio.io.volume_name import VolumeName, with_axes
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.project import Opened, TomogramNotFound, open_project
from sxtstudio.workflow.jobs.outputs import on_disk

TOMOGRAMS = f"Tomograms ({name_patterns(SUFFIXES)});;All files (*)"
_OPENED = f"Tomograms and projects ({name_patterns(SUFFIXES)} *{MARKER_SUFFIX});;All files (*)"


def open_path(context: Context, path: str | Path, then: Callable[[], None] | None = None) -> None:
    """Open a tomogram or a project; where that fails, the open document stays as it was.

    Running jobs and unsaved work are asked about first. It goes on in a job; ``document_changed`` of
    the session comes when it is open, and ``then`` is called after that.
    """
    after = then or (lambda: None)
    settle(context, lambda discard: _start(context, Path(path), None, discard, after), what="open another")


def open_tomogram(context: Context) -> None:
    """Ask for a tomogram, or the file of a project that a double-click opens, and open it."""
    path = questions.open_file(context, "Open tomogram", _OPENED)
    if path is not None:
        open_path(context, store_of(path))


def open_slices(context: Context) -> None:
    """Ask for a folder that is a tomogram and open it."""
    path = questions.open_folder(context, "Open folder of slices")
    if path is not None:
        open_path(context, path)


def open_project_folder(context: Context) -> None:
    """Ask for the folder of a project and open it."""
    path = questions.open_folder(context, "Open project: choose its folder, name.sxt")
    if path is None:
        return
    if not is_project(path):
        raise UserError(f"{path} is no project of SXT Studio: there is no {NAME} in it.")
    open_path(context, path)


def open_sample(context: Context) -> None:
    """Open the tomogram that comes with the program."""
    sample = sample_tomogram()
    if not sample.is_file():
        raise UserError("The sample tomogram is missing: get SXT Studio again.")
    open_path(context, sample)


def open_recovered(context: Context, recover: Callable[[Document | None], Document]) -> None:
    """Show what ``recover``, called with the open document, returns; asks first about the open one."""
    beside, opens_3d = context.session.document, False

    def work(job: Job) -> Opened:
        context.session.closing.wait_for_projects()
        document = recover(beside)
        nonlocal opens_3d
        opens_3d = take_open(document)
        if not document.read_only:
            return Opened(document, document.notes)
        note = f"{document.name} is open in another window, or cannot be written. Save under another name."
        return Opened(document, (*document.notes, note))

    def failed(error: Exception) -> None:
        show_error(context.window, error)

    def then() -> None:
        if opens_3d:
            open_again(context)

    settle(
        context, lambda discard: _run(context, "Recovering", work, failed, discard, then), what="open another"
    )


def _start(
    context: Context,
    path: Path,
    tomogram: Path | None,
    discard: bool,
    then: Callable[[], None] = lambda: None,
) -> None:
    place = on_disk(path)
    root = context.settings.get("work_folder", "")
    work_root = Path(root) if root else None

    beside = context.session.document
    # Opened anew in its own window, a project is in use by nobody else.
    lock = None if beside is None else beside.lock_of(project_folder(place))

    def work(job: Job) -> Opened:
        if is_project(place):
            context.session.closing.wait_for_projects()
            return open_project(
                place, tomogram=tomogram, work_root=work_root, progress=job.progress, lock=lock
            )
        return Opened(Document.open(path, work_root), ())

    def chosen(volume: Path) -> None:
        if is_project(place):  # it is where its tomogram lies now
            _start(context, path, volume, discard, then)
        else:
            _start(context, with_axes(volume, VolumeName.of(path).axes), None, discard, then)

    def failed(error: Exception) -> None:
        if isinstance(error, TomogramNotFound):
            answer = questions.ask(
                context.window, "Where is the tomogram?", str(error), (Answer.CHOOSE_TOMOGRAM, Answer.CANCEL)
            )
            if answer != Answer.CANCEL:
                moved = questions.open_file(context, "Where is the tomogram now?", TOMOGRAMS)
                if moved is not None:
                    _start(context, path, store_of(moved), discard, then)
            return
        if isinstance(error, SeveralVolumes):
            choose_volume(context.window, error, chosen)
            return
        if not place.exists():
            context.parts.recent_files.mark_gone(path)
        show_error(context.window, error)

    _run(context, f"Opening {path.name}", work, failed, discard, then)


def _run(
    context: Context,
    name: str,
    work: Callable[[Job], Opened],
    failed: Callable[[Exception], None],
    discard: bool,
    then: Callable[[], None] = lambda: None,
) -> None:
    for other in context.jobs.running:
        if other.kind is JobKind.OPENING:
            other.cancel()  # the user has chosen something else in the meantime

    def done(opened: Opened) -> None:
        if job.progress.cancelled:
            context.session.closing.begin(opened.document)
            return
        # What still reads the old tomogram must let go of it first.
        others = [other for other in context.jobs.running if other is not job and other.kind.bound]
        stop(context, others, lambda: _show(context, opened, discard, then))

    job = context.jobs.start(name, work, on_done=done, on_error=failed, kind=JobKind.OPENING)


def _show(context: Context, opened: Opened, discard: bool, then: Callable[[], None]) -> None:
    former, document = context.session.document, opened.document
    if discard and former is not None:
        former.discard()
    context.session.show(document)
    at = document.source if document.project is None else document.project
    context.settings.add_recent(at)
    questions.opened(context, at)
    document.autosave()
    if opened.notes:
        show_error(context.window, UserError("\n\n".join(opened.notes)), document.name)
    then()
