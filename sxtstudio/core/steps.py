"""What was done to a document, step by step: for the program a kind, for the reader a name."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from operator import itemgetter
from typing import Any

from sxtstudio.core.edit_kind import EditKind, Target, edit_title, in_evaluation


class StepKind(Enum):
    """What a step did; the values stand in the records of projects and never change."""

    EDIT = "edit"
    UNDO = "undo"
    REDO = "redo"
    VOXEL_SIZE = "voxel size"
    POLARITY = "polarity"
    LAC = "lac calibration"
    EXPORT = "export"
    COMPLETE = "complete"
    EVALUATION = "evaluation"
    FOUND_SAME = "found the same"
    OTHER = "other"


_NAMES = {
    StepKind.UNDO: "Undo",
    StepKind.REDO: "Redo",
    StepKind.VOXEL_SIZE: "Voxel size",
    StepKind.POLARITY: "Polarity",
    StepKind.LAC: "LAC calibration",
    StepKind.EXPORT: "Export",
    StepKind.COMPLETE: "Mark slices as complete",
    StepKind.EVALUATION: "Evaluation by an expert",
    StepKind.FOUND_SAME: "Find objects: the same again",
}


@dataclass(frozen=True)
class Step:
    """One thing that was done.

    Attributes
    ----------
    kind
        What it did.
    edit, target, partial
        Of an edit, and of taking one back or making it again: which, in which volume, and whether it was
        ended half-way. ``edit`` is None where this version of the program does not know it.
    parameters
        JSON values.
    when
        UTC, "2026-01-31T12:00:00+00:00".
    unknown
        The name that another version of the program gave to what this one does not know.
    """

    kind: StepKind
    edit: EditKind | None = None
    target: Target = "labels"
    partial: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)
    when: str = ""
    unknown: str = ""

    @property
    def identity(self) -> tuple[EditKind | None, Target, bool, str]:
        """What edits have in common that are the same to the reader."""
        return (self.edit, self.target, self.partial, self.unknown)

    @property
    def subject(self) -> str:
        """How the edit is called that was made, taken back or made again."""
        return self.unknown if self.edit is None else edit_title(self.edit, self.target, partial=self.partial)

    @property
    def name(self) -> str:
        """How it is called in the methods text."""
        if self.kind in (StepKind.EDIT, StepKind.OTHER):
            return self.subject
        if self.kind in (StepKind.UNDO, StepKind.REDO):
            return f"{_NAMES[self.kind]}: {self.subject}"
        return _NAMES[self.kind]

    @property
    def draws(self) -> bool:
        """Whether it changed labels by hand; what is not known is taken for it."""
        if self.target != "labels" or self.kind not in (StepKind.EDIT, StepKind.OTHER):
            return False
        return self.edit is None or self.edit.by_hand


def effective(steps: Iterable[Step]) -> list[Step]:
    """Return the steps that stand: without those that were undone, and without undoing and making again."""
    return _standing(steps)[0]


def undone(steps: Iterable[Step]) -> list[Step]:
    """Return the steps that were taken back, in the order in which they would be made again.

    Those that no longer can be, since something else was done instead, come last.
    """
    return [step for _, step in reversed(_standing(steps)[1])]


def _standing(steps: Iterable[Step]) -> tuple[list[Step], list[tuple[int, Step]]]:
    """Return what stands, and what was taken back with its number, the latest last."""
    kept: list[tuple[int, Step]] = []
    undone: list[tuple[int, Step]] = []
    for number, step in enumerate(steps):
        if step.kind is StepKind.UNDO:
            place = next((i for i in reversed(range(len(kept))) if _undoes(step, kept[i][1])), None)
            if place is not None:
                undone.append(kept.pop(place))
        elif step.kind is StepKind.REDO:
            place = next((i for i in reversed(range(len(undone))) if _in_one(step, undone[i][1])), None)
            if place is not None and undone[place][1].identity == step.identity:
                insort(kept, undone.pop(place), key=itemgetter(0))
        else:
            kept.append((number, step))
    return [step for _, step in kept], undone


def _in_one(step: Step, other: Step) -> bool:
    """Whether both are in the same history."""
    return in_evaluation(step.target) == in_evaluation(other.target)


def _undoes(step: Step, other: Step) -> bool:
    return _is_edit(other) and other.identity == step.identity


def _is_edit(step: Step) -> bool:
    return step.kind in (StepKind.EDIT, StepKind.OTHER)
