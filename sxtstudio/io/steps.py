"""How a step of the history stands in project.json and steps.jsonl, also as former versions wrote it."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import Any, TypeVar

from msgspec import UNSET, Struct

from sxtstudio.core.edit_kind import TARGETS, EditKind, Target
from sxtstudio.core.records import record_of
from sxtstudio.core.steps import Step, StepKind

# Before steps had kinds, their titles said what they were. These are the titles of then; nothing else of the
# program may be decided by a title, and this table does not follow when one is changed.
_FORMER_STEPS = {
    "Voxel size": StepKind.VOXEL_SIZE,
    "Polarity": StepKind.POLARITY,
    "Export": StepKind.EXPORT,
    "Mark slices as complete": StepKind.COMPLETE,
}
_FORMER_EDITS = {
    "Brush": EditKind.BRUSH,
    "Eraser": EditKind.ERASER,
    "Fill": EditKind.FILL,
    "Magic wand": EditKind.WAND,
    "Polygon": EditKind.POLYGON,
    "Lasso": EditKind.LASSO,
    "Delete object": EditKind.DELETE_OBJECT,
    "Keep only this object": EditKind.KEEP_OBJECT,
    "Cut": EditKind.CUT_OBJECT,
    "Merge": EditKind.MERGE_OBJECTS,
    "Interpolate": EditKind.INTERPOLATE,
    "Clear slice": EditKind.CLEAR_SLICE,
    "Clear labels": EditKind.CLEAR,
    "Clear all": EditKind.CLEAR,
    "Open labels": EditKind.OPEN_LABELS,
    "Segment": EditKind.SEGMENT,
    "Clean up": EditKind.CLEAN_UP,
    "Remove labels outside the mask": EditKind.REMOVE_OUTSIDE,
}
_FORMER_MASK_EDITS = {
    "Interpolate the mask": EditKind.INTERPOLATE,
    "Clear the mask": EditKind.CLEAR,
    "Cell mask: automatic": EditKind.FIND_CELL,
    "Cell mask: threshold": EditKind.THRESHOLD,
    "Invert the mask": EditKind.INVERT,
    "Fill holes in the mask": EditKind.FILL_HOLES,
    "Load the mask": EditKind.LOAD_MASK,
}
_TRAVELS = {"Undo": StepKind.UNDO, "Redo": StepKind.REDO}

Kind = TypeVar("Kind", bound=Enum)


class StepFile(Struct, frozen=True):
    """A step as it stands in a file.

    What says its kind may be anything: a newer version of the program may know more of them, and former ones
    had none.
    """

    name: str
    parameters: dict[str, Any] = {}
    when: str = ""
    kind: Any = UNSET
    edit: Any = None
    target: Any = None
    partial: Any = None

    def step(self) -> Step:
        """Return what it says."""
        read = _of_title(self.name) if self.kind is UNSET else _of_kinds(self)
        return replace(read, parameters=self.parameters, when=self.when)


def step_to_json(step: Step) -> dict[str, Any]:
    """Return JSON values; the name is for people, and for versions of the program that know no kinds."""
    content: dict[str, Any] = {"name": step.name, "kind": step.kind.value}
    if step.edit is not None:
        content |= {"edit": step.edit.value, "target": step.target}
    if step.partial:
        content["partial"] = True
    return {**content, "parameters": dict(step.parameters), "when": step.when}


def step_of(content: Any) -> Step:
    """Check JSON values and return them as a step; RecordError if they are none."""
    return record_of(content, StepFile, "A step of the history is damaged").step()


def _of_kinds(step: StepFile) -> Step:
    """Read a step; what a newer version of the program may have written is kept by its name."""
    kind, edit = _member(StepKind, step.kind), _member(EditKind, step.edit)
    target: Target = next((one for one in TARGETS if one == step.target), "labels")
    if kind in (StepKind.UNDO, StepKind.REDO) and edit is None:
        return Step(kind, target=target, unknown=step.name.partition(": ")[2])
    if kind is None or kind is StepKind.OTHER or (kind is StepKind.EDIT and edit is None):
        return Step(StepKind.OTHER, target=target, unknown=step.name)
    return Step(kind, edit, target, step.partial is True)


def _of_title(name: str) -> Step:
    """Read a step of the time when its title was all that said what it is."""
    word, _, subject = name.partition(": ")
    if word in _TRAVELS:
        of = _edit_of_title(subject)
        return Step(_TRAVELS[word], of.edit, of.target, of.partial, unknown=of.unknown)
    if name in _FORMER_STEPS:
        return Step(_FORMER_STEPS[name])
    return _edit_of_title(name)


def _edit_of_title(name: str) -> Step:
    title, partial = name.removesuffix(" (part)"), name.endswith(" (part)")
    if title in _FORMER_MASK_EDITS:
        return Step(StepKind.EDIT, _FORMER_MASK_EDITS[title], "mask", partial)
    target: Target = "mask" if title.endswith(" (cell mask)") else "labels"
    edit = _FORMER_EDITS.get(title.removesuffix(" (cell mask)"))
    if edit is None:
        # All that was ever done to the mask said so.
        return Step(StepKind.OTHER, target="mask" if "mask" in name.lower() else "labels", unknown=name)
    return Step(StepKind.EDIT, edit, target, partial)


def _member(kinds: type[Kind], value: Any) -> Kind | None:
    return next((kind for kind in kinds if kind.value == value), None)
