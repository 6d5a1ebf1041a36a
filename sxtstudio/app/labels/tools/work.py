"""Jobs of the tools: one undoable change each, and a sentence at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.label_job import LabelJob, LabelWork
from sxtstudio.core.edit_kind import EditKind, Target
from sxtstudio.core.edits import Edit
from sxtstudio.core.errors import UserError


def start(
    context: Context,
    kind: EditKind,
    target: Target,
    work: LabelWork,
    say: Callable[[Any], str],
    **parameters: object,
) -> None:
    """Run ``work(job, recorder)`` in a thread; ``say(result)`` is what the status bar says at the end.

    What the user can mend is said there as well, as all tools do; other errors are shown in a dialog.

    Raises
    ------
    UserError
        If nothing is open, or another job changes the labels.
    """

    def done(result: object, edit: Edit | None) -> None:
        context.session.message.emit(say(result))

    def failed(error: Exception) -> None:
        if isinstance(error, UserError):
            context.session.remark(str(error))
        else:
            context.jobs.failed.emit(error)

    LabelJob(
        context,
        kind,
        work,
        target=target,
        parameters=dict(parameters),
        on_done=done,
        on_error=failed,
    )
