"""The mouse tools: names, icons, shortcuts, and how each is used; panels and menus are built from it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ToolInfo:
    """A tool: its name in ``ToolState.tool``, its title, icon and shortcut, and one line on how to use it.

    ``short`` is the title where there is little space, if that differs.
    """

    name: str
    title: str
    icon: str
    shortcut: str
    hint: str
    short: str = ""


TOOLS = (
    ToolInfo(
        "brush",
        "Brush",
        "mdi6.brush",
        "B",
        "Hold the left button and paint. With Shift the brush erases. The keys [ and ] change its size.",
    ),
    ToolInfo(
        "eraser",
        "Eraser",
        "mdi6.eraser",
        "E",
        "Hold the left button and erase. The keys [ and ] change the size.",
    ),
    ToolInfo(
        "fill",
        "Fill",
        "mdi6.format-color-fill",
        "F",
        "Click into a closed outline, or on it, to fill it. With Shift a click erases the shape under it.",
    ),
    ToolInfo(
        "wand",
        "Magic wand",
        "mdi6.auto-fix",
        "W",
        "Click on a structure: similar grey values around the click are added, with Shift taken away.",
    ),
    ToolInfo(
        "polygon",
        "Polygon",
        "mdi6.vector-polygon",
        "P",
        "Click corner after corner. Enter or a double click closes the polygon, Backspace takes the last "
        "corner back, Esc all of them. With Shift at the first corner it erases.",
    ),
    ToolInfo(
        "lasso",
        "Lasso",
        "mdi6.lasso",
        "L",
        "Hold the left button and draw around an area; let go to fill it. With Shift it erases.",
    ),
    ToolInfo(
        "delete",
        "Delete object",
        "mdi6.delete-outline",
        "D",
        "Click on an object to delete all of it, on all slices.",
        "Delete",
    ),
    ToolInfo(
        "keep",
        "Keep only this",
        "mdi6.filter-outline",
        "K",
        "Click on an object to delete everything else, on all slices.",
        "Keep only",
    ),
    ToolInfo(
        "cut",
        "Cut",
        "mdi6.content-cut",
        "X",
        "Draw a line across an object. It is cut along the line through all of its slices.",
    ),
    ToolInfo(
        "merge",
        "Merge",
        "mdi6.link-variant",
        "M",
        "Click on one object, then on another: a bridge as thick as the brush joins them where they are "
        "nearest.",
    ),
)

#: Those that a click on an object goes to; the others draw.
OF_OBJECTS = ("delete", "keep", "cut", "merge")

LOOK = ToolInfo(
    "look",
    "Look around",
    "mdi6.cursor-default-outline",
    "Esc",
    "Choose a tool. Without one, the left button moves the slice, a click moves the crosshair, and "
    "Ctrl+click selects the object under the pointer.",
)
RULER = ToolInfo(
    "ruler",
    "Ruler",
    "mdi6.ruler",
    "Ctrl+M",
    "Hold the left button and drag from one point to the other: their distance stands beside the line. Esc "
    "takes the line away.",
)
FILOPODIUM = ToolInfo(
    "filopodium",
    "Click a filopodium",
    "mdi6.vector-curve",
    "Shift+F",
    "Click on the outline of a filopodium, or inside it. Where the proposal is wrong or missing, Shift+click "
    "its base and its tip: it then runs from one to the other. Drag the line to move the cut, Enter takes "
    "it, Esc drops it.",
)
MARK = ToolInfo(
    "mark",
    "Mark",
    "mdi6.marker-check",
    "",
    "Click on a piece of the labels, or hold the left button and paint. With Shift marks are taken away.",
)
BY_NAME = {info.name: info for info in (LOOK, RULER, FILOPODIUM, MARK, *TOOLS)}
