"""What a change of labels or cell mask is: for the program a kind, for the user a title."""

from __future__ import annotations

from enum import Enum
from typing import Literal

# Which volume is changed.
Target = Literal["labels", "mask"]
TARGETS: tuple[Target, ...] = ("labels", "mask")


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

    @property
    def by_hand(self) -> bool:
        """Whether it is the user's own work; what a job makes can be had again by a click."""
        return self not in (EditKind.SEGMENT, EditKind.CLEAN_UP, EditKind.REMOVE_OUTSIDE)


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


def edit_title(kind: EditKind, target: Target = "labels", *, partial: bool = False) -> str:
    """Return how a change is called in *Undo* and in the record; ``partial``: it was ended half-way."""
    own = _MASK_TITLES.get(kind) if target == "mask" or kind not in _TITLES else None
    title = own or (f"{_TITLES[kind]} (cell mask)" if target == "mask" else _TITLES[kind])
    return f"{title} (part)" if partial else title
