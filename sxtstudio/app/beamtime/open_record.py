"""A card of the wall is opened in the window: the tomogram with what was made of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QWidget

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.document.open_result import open_result
from sxtstudio.app.jobs.job import JobKind
from sxtstudio.app.questions import Answer
from sxtstudio.core.printable import printable
from sxtstudio.workflow.beamtime.record import TomogramRecord, current_id
from sxtstudio.workflow.jobs.batch_objects import objects_path

Known = Callable[[str], TomogramRecord | None]


def open_record(context: Context, parent: QWidget, record: TomogramRecord, known: Known) -> None:
    """Open a tomogram with its labels and objects, unless another file has its name now.

    ``known`` returns the record that has an id, if there is one; questions come in front of ``parent``.
    """
    path = Path(record.path)
    context.jobs.start(
        f"Looking at {path.name}",
        lambda job: current_id(path),
        on_done=lambda there: _open_as(context, parent, record, there, known),
        kind=JobKind.OPENING,
    )


def _open_as(
    context: Context, parent: QWidget, record: TomogramRecord, there: str | None, known: Known
) -> None:
    if there is not None and there != record.id:
        name = printable(record.name)
        answer = questions.ask(
            parent,
            "Another file",
            f"Another file is called {name} now: what this card shows was made of a former one.",
            (Answer.OPEN_OTHER, Answer.CANCEL),
            "The former one may have been moved, or reconstructed anew.",
            default=Answer.CANCEL,
        )
        if answer != Answer.OPEN_OTHER:
            return
        other = known(there)
        if other is None:  # it is not segmented yet
            open_result(context, Path(record.path), None)
            return
        record = other
    labels = None if record.labels is None else Path(record.labels)
    objects = None if labels is None or not record.objects else objects_path(labels)
    open_result(context, Path(record.path), labels, objects)
