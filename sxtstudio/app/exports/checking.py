"""File > Check results again: everything is done again from a folder of results, and compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.document.choose_volume import store_of
from sxtstudio.app.document.opening import TOMOGRAMS
from sxtstudio.app.errors import show_error
from sxtstudio.app.jobs.job import Job, JobKind
from sxtstudio.app.jobs.long_run import check_free
from sxtstudio.app.questions import Answer, OwnFolder
from sxtstudio.workflow.results.layout import read_results

if TYPE_CHECKING:  # at run time this loads all that makes results
    from sxtstudio.workflow.results.rerun import Rerun

_MODELS = "Models (*.onnx *.json)"


def check_results(context: Context) -> None:
    """Ask for a folder of results, do everything again, and say what is the same; the folder stays as it is.

    Raises
    ------
    UserError
        If the folder holds no results, or something else computes.
    """
    check_free(context, "check of the results")
    there = None if context.session.document is None else questions.save_folder(context)
    folder = questions.open_folder(context, "Check results again: choose their folder", there)
    if folder is not None:
        read_results(folder)  # another folder is refused at once
        _start(context, folder, None, None)


def _start(context: Context, folder: Path, tomogram: Path | None, model: Path | None) -> None:
    from sxtstudio.app.exports.checked import CheckedDialog
    from sxtstudio.workflow.results.replay import NotTheModel, NotTheTomogram, Options
    from sxtstudio.workflow.results.rerun import rerun

    options = Options(model, str(context.settings.get("segment/device", "auto")))

    def work(job: Job) -> Rerun:
        return rerun(folder, tomogram, options, job.progress)

    def done(found: Rerun) -> None:
        CheckedDialog(folder, found, context.window).open()

    def failed(error: Exception) -> None:
        if job.progress.cancelled:
            return  # whoever has stopped it is asked nothing more
        if isinstance(error, NotTheTomogram):
            chosen = _asked(context, "Where is the tomogram?", error.what, Answer.CHOOSE_TOMOGRAM, TOMOGRAMS)
            if chosen is not None:
                _start(context, folder, store_of(chosen), model)
        elif isinstance(error, NotTheModel):
            chosen = _asked(context, "Where is the model?", error.what, Answer.CHOOSE_MODEL, _MODELS)
            if chosen is not None:
                _start(context, folder, tomogram, chosen)
        else:
            show_error(context.window, error)

    # It works with a tomogram of its own, so that the open one may be closed meanwhile.
    job = context.jobs.start(
        f"Checking {folder.name}", work, on_done=done, on_error=failed, kind=JobKind.ELSEWHERE
    )


def _asked(context: Context, title: str, what: str, choose: Answer, filters: str) -> Path | None:
    if questions.ask(context.window, title, f"{what}.", (choose, Answer.CANCEL)) == Answer.CANCEL:
        return None
    apart = OwnFolder.MODELS if choose is Answer.CHOOSE_MODEL else None
    return questions.open_file(context, title, filters, apart)
