"""Labels or objects from a file, as one change that can be undone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.document.choose_volume import choose_volume, store_of
from sxtstudio.app.document.label_kinds import LabelKindsDialog
from sxtstudio.app.document.opening import TOMOGRAMS
from sxtstudio.app.errors import show_error
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.jobs.label_job import LabelJob
from sxtstudio.app.questions import Answer
from sxtstudio.app.session import Busy
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Edit, Recorder
from sxtstudio.core.geometry import Box
from sxtstudio.core.label_values import LabelValues
from sxtstudio.core.wording import count
from sxtstudio.io.several import SeveralVolumes
from sxtstudio.io.volume_name import VolumeName, with_axes
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.label_input import OtherAxes, inspect_labels, name_over, write_labels
from sxtstudio.workflow.document.object_input import ReadAs, names_in, read_objects


def ask_for_labels(context: Context) -> None:
    """Ask for a file of labels and load it."""
    kinds = TOMOGRAMS.replace("Tomograms", "Labels").replace("*.h5", "*.h5 *.mod")
    path = questions.open_file(context, "Open labels", kinds)
    if path is not None:
        load_labels(context, store_of(path))


def load_labels(context: Context, path: Path, then: Callable[[], None] | None = None) -> None:
    """Replace the labels by those of a file of the same size; in a job, and undoable.

    ``then`` is called after they are there, not where they could not be read.
    """
    document = context.session.document
    if document is None:
        return
    shape = document.shape
    path = name_over(path, document.tomogram)

    def inspected(found: tuple[LabelValues, dict[int, str]]) -> None:
        values, names = found
        # Only now: a file that does not fit must not leave empty labels behind.
        if context.session.document is not document:
            return
        if not values.several:
            _replace(context, document, path, None, then)
            return
        dialog = LabelKindsDialog(values, names, context.window)

        def answered() -> None:
            if dialog.read_as is None:
                _replace(context, document, path, dialog.value, then)
            else:
                _replace_objects(context, document, path, values, dialog.read_as)

        dialog.accepted.connect(answered)
        dialog.open()

    def failed(error: Exception) -> None:
        if isinstance(error, SeveralVolumes) and context.session.document is document:
            choose_volume(
                context.window,
                error,
                lambda volume: load_labels(context, with_axes(volume, VolumeName.of(path).axes), then),
                shape=shape,
                labels=True,
            )
            return
        if isinstance(error, OtherAxes) and context.session.document is document:
            read_so = f"Read as {', '.join(error.order.names)}"
            if questions.ask(context.window, "Other axes", str(error), (read_so, Answer.CANCEL)) == read_so:
                load_labels(context, with_axes(path, error.order), then)
            return
        context.jobs.failed.emit(error)

    context.jobs.start(
        f"Looking at {path.name}",
        lambda job: (inspect_labels(path, shape, job.progress), names_in(path)),
        on_done=inspected,
        on_error=failed,
    )


def load_objects(context: Context, path: Path) -> None:
    """Replace the objects by those of a file in which each has a number; in a job, and undoable."""
    document = context.session.document
    if document is None:
        return
    shape = document.shape

    def inspected(values: LabelValues) -> None:
        if values.voxels:
            _replace_objects(context, document, path, values, ReadAs.NUMBERS)

    context.jobs.start(
        f"Looking at {path.name}",
        lambda job: inspect_labels(path, shape, job.progress),
        on_done=inspected,
    )


def _replace(
    context: Context, document: Document, path: Path, value: int | None, then: Callable[[], None] | None
) -> None:
    session = context.session
    if session.document is not document:
        return
    recorder = session.record(EditKind.OPEN_LABELS)
    session.set_busy(Busy(f"Reading {path.name}", EditKind.OPEN_LABELS))
    everything = Box.whole(document.shape)

    def work(job: Job) -> None:
        try:
            write_labels(path, recorder, job.progress, value)
        except BaseException:
            recorder.roll_back()
            raise

    def done(_: object) -> None:
        session.set_busy(None)
        if session.document is not document:
            return
        chosen: dict[str, Any] = {} if value is None else {"label": value}
        # The network said nothing of these labels.
        if session.commit(recorder, trust=(), file=str(path), **chosen) is None:
            session.message.emit(f"{path.name} holds the labels that are there already.")
        if then is not None:
            then()

    def undone() -> None:
        session.set_busy(None)
        if session.document is document:
            session.touched("labels", everything)

    def failed(error: Exception) -> None:
        undone()
        show_error(context.window, error)

    context.jobs.start(f"Reading {path.name}", work, on_done=done, on_error=failed, on_cancel=undone)


def _replace_objects(
    context: Context, document: Document, path: Path, values: LabelValues, read_as: ReadAs
) -> None:
    session = context.session
    if session.document is not document:
        return
    former, boxes = document.object_table, document.object_boxes

    def work(job: Job, recorder: Recorder) -> None:
        read_objects(path, recorder, values, read_as, former, boxes, job.progress)

    def done(_: object, edit: Edit | None) -> None:
        if edit is None:
            session.message.emit(f"{path.name} holds the objects that are there already.")
        else:
            session.message.emit(f"{count(len(document.object_table.rows), 'object')} from {path.name}")

    parameters = {"file": str(path), "values": read_as.value}
    LabelJob(context, EditKind.OPEN_OBJECTS, work, target="objects", parameters=parameters, on_done=done)
