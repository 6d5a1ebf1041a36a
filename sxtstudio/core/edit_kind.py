"""What a change of labels, mask, objects or marks is: for the program a kind, for the user a title."""

from __future__ import annotations

from enum import Enum
from typing import Any, Literal

import numpy as np

# Which volume is changed.
Target = Literal["labels", "mask", "objects", "marks"]
TARGETS: tuple[Target, ...] = ("labels", "mask", "objects", "marks")


def dtype_of(target: Target) -> np.dtype[Any]:
    """Return the type of the voxels: objects have a number each, all else has few values."""
    return np.dtype(np.uint32 if target == "objects" else np.uint8)


def in_evaluation(target: Target) -> bool:
    """Whether changes of a volume are taken back with the evaluation, and not with all other work.

    Marks lie beside labels and objects, and change neither: so each of the two histories keeps what it has
    taken back when something is done in the other.
    """
    return target == "marks"


class EditKind(Enum):
    """A change that *Undo* takes back; the values stand in the records of projects and never change."""

    BRUSH = "brush"
    ERASER = "eraser"
    FILL = "fill"
    WAND = "wand"
    POLYGON = "polygon"
    LASSO = "lasso"
    DELETE_OBJECT = "delete object"
    KEEP_OBJECT = "keep object"
    CUT_OBJECT = "cut object"
    MERGE_OBJECTS = "merge objects"
    INTERPOLATE = "interpolate"
    COPY_SHAPE = "copy shape"
    CONTINUE = "continue"
    CLEAR_SLICE = "clear slice"
    CLEAR = "clear"
    OPEN_LABELS = "open labels"
    SEGMENT = "segment"
    CLEAN_UP = "clean up"
    REMOVE_OUTSIDE = "remove outside"
    FIND_CELL = "find cell"
    THRESHOLD = "threshold"
    INVERT = "invert"
    FILL_HOLES = "fill holes"
    LOAD_MASK = "load mask"
    FIND_OBJECTS = "find objects"
    OPEN_OBJECTS = "open objects"
    NEW_OBJECT = "new object"
    FILOPODIUM = "filopodium"
    SPLIT_OBJECT = "split object"
    REDRAW_OBJECT = "redraw object"
    ERASE_OBJECT = "erase object"
    GROW_OBJECT = "grow object"
    SHRINK_OBJECT = "shrink object"
    FILL_OBJECT = "fill object"
    CLASS = "class"
    CLASS_BY_RULE = "class by rule"
    CLASSIFY = "classify"
    CHECKED = "checked"
    EDIT_CLASSES = "edit classes"
    NOTE = "note"
    MARK_FALSE = "mark false positive"
    MARK_ARTEFACT = "mark artefact"
    MARK_MISSING = "mark missing"
    UNMARK = "unmark"
    JUDGE = "judge"

    @property
    def by_hand(self) -> bool:
        """Whether it is the user's own work; what a job makes can be had again by a click."""
        return self not in (
            EditKind.SEGMENT,
            EditKind.CLEAN_UP,
            EditKind.REMOVE_OUTSIDE,
            EditKind.FIND_OBJECTS,
        )

    @property
    def deliberate(self) -> bool:
        """Whether nobody does it by a slip: a file was chosen for it, or a text was typed."""
        return self in (
            EditKind.OPEN_LABELS,
            EditKind.OPEN_OBJECTS,
            EditKind.LOAD_MASK,
            EditKind.NOTE,
        )

    @property
    def of_some_objects(self) -> bool:
        """Whether it is about single objects, where it changes any; the others are about all there are."""
        return not self.replaces_objects and self not in (
            EditKind.KEEP_OBJECT,
            EditKind.CLEAR,
            EditKind.REMOVE_OUTSIDE,
            EditKind.CLASS_BY_RULE,
            EditKind.CLASSIFY,
            EditKind.CHECKED,  # the queue goes from one to the next itself
        )

    @property
    def replaces_objects(self) -> bool:
        """Whether all objects are others after it, whatever their numbers."""
        return self in (EditKind.FIND_OBJECTS, EditKind.OPEN_OBJECTS)


_TITLES = {
    EditKind.BRUSH: "Brush",
    EditKind.ERASER: "Eraser",
    EditKind.FILL: "Fill",
    EditKind.WAND: "Magic wand",
    EditKind.POLYGON: "Polygon",
    EditKind.LASSO: "Lasso",
    EditKind.DELETE_OBJECT: "Delete object",
    EditKind.KEEP_OBJECT: "Keep only this object",
    EditKind.CUT_OBJECT: "Cut",
    EditKind.MERGE_OBJECTS: "Merge",
    EditKind.INTERPOLATE: "Interpolate",
    EditKind.COPY_SHAPE: "Copy shape",
    EditKind.CLEAR_SLICE: "Clear slice",
    EditKind.CLEAR: "Clear labels",
    EditKind.OPEN_LABELS: "Open labels",
    EditKind.SEGMENT: "Segment",
    EditKind.CLEAN_UP: "Clean up",
    EditKind.REMOVE_OUTSIDE: "Remove labels outside the mask",
}
# Where the title says already that it is about the cell mask.
_MASK_TITLES = {
    EditKind.INTERPOLATE: "Interpolate the mask",
    EditKind.CLEAR: "Clear the mask",
    EditKind.FIND_CELL: "Cell mask: automatic",
    EditKind.THRESHOLD: "Cell mask: threshold",
    EditKind.INVERT: "Invert the mask",
    EditKind.FILL_HOLES: "Fill holes in the mask",
    EditKind.LOAD_MASK: "Load the mask",
    EditKind.CONTINUE: "Continue the mask to the ends",
}
# Where the title says already that it is about objects.
_OBJECT_TITLES = {
    EditKind.DELETE_OBJECT: "Delete object",
    EditKind.KEEP_OBJECT: "Keep only this object",
    EditKind.MERGE_OBJECTS: "Merge objects",
    EditKind.CLEAR: "Remove all objects",
    EditKind.REMOVE_OUTSIDE: "Remove objects outside the mask",
    EditKind.FIND_OBJECTS: "Find objects",
    EditKind.OPEN_OBJECTS: "Open objects",
    EditKind.NEW_OBJECT: "New object",
    EditKind.FILOPODIUM: "Filopodium",
    EditKind.SPLIT_OBJECT: "Split object",
    EditKind.REDRAW_OBJECT: "Draw object",
    EditKind.ERASE_OBJECT: "Erase object",
    EditKind.GROW_OBJECT: "Grow object",
    EditKind.SHRINK_OBJECT: "Shrink object",
    EditKind.FILL_OBJECT: "Fill object",
    EditKind.CLASS: "Class of objects",
    EditKind.CLASS_BY_RULE: "Classes by rule",
    EditKind.CLASSIFY: "Classify objects",
    EditKind.CHECKED: "Check of an object",
    EditKind.EDIT_CLASSES: "Classes",
    EditKind.NOTE: "Note",
}

_MARK_TITLES = {
    EditKind.MARK_FALSE: "Mark as false positive",
    EditKind.MARK_ARTEFACT: "Mark as artefact",
    EditKind.MARK_MISSING: "Mark what is missing",
    EditKind.UNMARK: "Take marks away",
    EditKind.CLEAR: "Take all marks away",
    EditKind.JUDGE: "Judge slices",
}


def edit_title(kind: EditKind, target: Target = "labels", *, partial: bool = False) -> str:
    """Return how a change is called in *Undo* and in the record; ``partial``: it was ended half-way."""
    if target == "objects":
        title = _OBJECT_TITLES.get(kind) or f"{_title(kind)} (objects)"
    elif target == "mask":
        title = _MASK_TITLES.get(kind) or f"{_title(kind)} (cell mask)"
    elif target == "marks":
        title = _MARK_TITLES.get(kind) or f"{_title(kind)} (marks)"
    else:
        title = _title(kind)
    return f"{title} (part)" if partial else title


def _title(kind: EditKind) -> str:
    """Return what it is called where no title is of the volume it is made in."""
    return _TITLES.get(kind) or _MASK_TITLES.get(kind) or _MARK_TITLES.get(kind) or _OBJECT_TITLES[kind]
