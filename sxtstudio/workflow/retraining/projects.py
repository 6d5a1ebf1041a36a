"""Retraining without the window: from the judged and complete slices of saved projects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from sxtstudio.core.errors import UserError
from sxtstudio.core.paths import resolved
from sxtstudio.core.progress import Progress
from sxtstudio.core.wording import slices_text
from sxtstudio.io.project import is_project, project_folder
from sxtstudio.segment import find_models, load_card
from sxtstudio.workflow.retraining.labels import Chosen, judge, of_project, summary
from sxtstudio.workflow.retraining.models import why_not_trainable
from sxtstudio.workflow.retraining.runs import (
    Request,
    Start,
    TrainingRun,
    free_name,
    name_problem,
    prepare_in,
)

USUAL_MINUTES = 8.0


def begin_from_projects(
    projects: Sequence[Path],
    folder: Path,
    *,
    model: str = "",
    name: str = "",
    minutes: float = USUAL_MINUTES,
    say: Callable[[str], None] = lambda _: None,
    progress: Progress | None = None,
) -> TrainingRun:
    """Write all that a training needs into ``folder``, as the window does with its own folder.

    Of each project the slices count that an expert judged and whose labels are as they were then, corrected
    by the marks, and those that the user called complete. The other slices of the tomograms are learned from
    without labels.

    Parameters
    ----------
    model
        The model to go on from, by name or file; "": the default one.
    name
        Of the new model; "": one that is free.
    say
        Takes a sentence for each project, and what may be wrong with the labels.

    Raises
    ------
    UserError
        If a project cannot be read or holds no such slices, the model cannot be trained further, or the
        name is taken.
    """
    folders = {resolved(project_folder(path)): path for path in projects}  # each once
    for path in folders.values():
        if not is_project(path):
            raise UserError(f"{path} is no project. Give projects (NAME.sxt) alone, or one CONFIG.toml.")
    start = _start(model)
    taken = [card.name for card in find_models()]
    if name and (problem := name_problem(name, taken)):
        raise UserError(problem)
    chosen = []
    for path in folders:
        found = summary(of_project(path), progress)
        slices = tuple(z for z in found.source.marked if z < found.shape[0])
        chosen.append(Chosen(found, slices))
        judged = [z for z in slices if z in found.source.judged]
        others = [z for z in slices if z not in found.source.judged]
        parts = [("judged", judged), ("complete", others)]
        text = "; ".join(f"{word}: slices {slices_text(zs)}" for word, zs in parts if zs)
        say(f"{path.name}: {text or 'no slice is judged or complete'} (counted from 1)")
    problems = judge(chosen)
    for one in problems:
        if one.stops:
            raise UserError(one.text)
        say(one.text)
    unlabelled = tuple(
        (one.summary.source.tomogram, one.summary.polarity.value)
        for one in chosen
        if one.slices and len(one.slices) < one.summary.shape[0]
    )
    return prepare_in(
        folder,
        Request(name or free_name(start.name, taken), start, minutes, tuple(chosen), unlabelled),
        progress,
    )


def _start(model: str) -> Start:
    card = load_card(Path(model) if model.lower().endswith((".onnx", ".json")) else model or None)
    if why := why_not_trainable(card):
        raise UserError(f"The model {card.name} cannot be trained further: {why}. Choose another one.")
    return Start(card.name, str(card.path), card.licence, card.voxel_nm, card.slices)
