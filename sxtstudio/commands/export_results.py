"""``sxtstudio export --results``: everything of a project as a folder to take home."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sxtstudio.commands.terminal import shown_progress
from sxtstudio.core.errors import UserError

if TYPE_CHECKING:
    from sxtstudio.workflow.document.exporting import Receipt


def export_results(project: Path, folder: Path, tomogram: Path | None) -> tuple[Receipt, tuple[str, ...]]:
    """Write the results of a project; return the receipt, and notes of the project.

    Raises
    ------
    UserError
        If it is no project, or its results cannot be written.
    """
    from sxtstudio.core.handover import Content
    from sxtstudio.io.project import is_project
    from sxtstudio.workflow.handover.sources import opened_source
    from sxtstudio.workflow.results.layout import refuse_foreign
    from sxtstudio.workflow.results.write import write_results

    if not is_project(project):
        raise UserError(f"{project} is no project, and results are those of a project: give one (.sxt).")
    refuse_foreign(folder)
    with shown_progress() as (progress, _):
        with opened_source(
            project, Content.LABELS, folder, tomogram=tomogram, whole=True, progress=progress.part(0.2)
        ) as (source, notes):
            receipt = write_results(folder, source, progress=progress.part(0.8))
    return receipt, notes
