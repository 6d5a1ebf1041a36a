"""The mouse tools of the objects, as those of the labels are listed.

Where a tool is called as one of the labels, it has its key, and does to objects what that does to labels.
"""

from __future__ import annotations

from sxtstudio.app.labels.tools.catalogue import BY_NAME, ToolInfo

PICK = ToolInfo(
    "pick",
    "Pick",
    "mdi6.cursor-default-click-outline",
    "C",
    "Click on an object to choose it; with Ctrl or Shift it is chosen beside the others, or no longer.",
)
PART = ToolInfo(
    "part",
    "Split by two clicks",
    "mdi6.call-split",
    "T",
    "Click on one part of an object, then on the other: it is split where it is thinnest between them.",
    "Two clicks",
)
GROW = ToolInfo(
    "grow",
    "Grow or shrink",
    "mdi6.arrow-expand-all",
    "Y",
    "Click on an object to grow it by a layer, not into others; with Shift to shrink it.",
    "Grow",
)

#: Those that there are for objects alone.
OWN = (PICK, PART, GROW)

_CHOSEN = "Changes the chosen object, or else the one where the stroke begins, or begins a new one."

TOOLS = (
    PICK,
    ToolInfo(
        "brush",
        "Draw",
        BY_NAME["brush"].icon,
        "B",
        f"Hold the left button and paint, around other objects. {_CHOSEN} With Shift it erases.",
    ),
    ToolInfo(
        "eraser",
        "Erase",
        BY_NAME["eraser"].icon,
        "E",
        "Hold the left button and erase: only the chosen object, or else the one where the stroke begins.",
    ),
    ToolInfo(
        "polygon",
        "Polygon",
        BY_NAME["polygon"].icon,
        "P",
        "Click corner after corner; Enter or a double click closes it. What is within is added to the chosen "
        "object, or is a new one where none is chosen; pieces of membrane within it become part of it. With "
        "Shift at the first corner it erases.",
    ),
    ToolInfo(
        "lasso",
        "Lasso",
        BY_NAME["lasso"].icon,
        "L",
        "Hold the left button and draw around an area: it is added to the chosen object, or is a new one "
        "where none is chosen; pieces of membrane within it become part of it. With Shift it erases.",
    ),
    ToolInfo(
        "wand",
        "Magic wand",
        BY_NAME["wand"].icon,
        "W",
        "Click: similar grey values around it are added to the chosen object, with Shift taken from it.",
        "Wand",
    ),
    ToolInfo(
        "fill",
        "Fill holes",
        BY_NAME["fill"].icon,
        "F",
        "Click on an object, or into its hole, to fill its holes, slice by slice; with Shift only cavities "
        "closed in 3D.",
        "Fill",
    ),
    ToolInfo(
        "merge",
        "Merge",
        BY_NAME["merge"].icon,
        "M",
        "Click on one object, then on another: they get one number. Nothing is drawn between them.",
    ),
    ToolInfo(
        "cut",
        "Split by a line",
        BY_NAME["cut"].icon,
        "X",
        "Draw a line across an object: it is split along it through all slices. With Shift the line may be "
        "bent.",
        "Split",
    ),
    PART,
    GROW,
    ToolInfo(
        "delete", "Delete object", BY_NAME["delete"].icon, "D", "Click on an object to delete it.", "Delete"
    ),
    ToolInfo(
        "keep",
        "Keep only this",
        BY_NAME["keep"].icon,
        "K",
        "Click on an object to delete all others.",
        "Keep only",
    ),
)
OBJECTS_BY_NAME = {info.name: info for info in (BY_NAME["look"], BY_NAME["ruler"], *TOOLS)}


def tool_info(name: str, target: str) -> ToolInfo | None:
    """Return what a tool is called and does to ``target``; None where it does nothing to it."""
    return (OBJECTS_BY_NAME if target == "objects" else BY_NAME).get(name)
