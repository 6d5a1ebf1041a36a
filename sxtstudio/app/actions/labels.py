"""Labels: mouse tools, work on whole objects and on slices."""

from __future__ import annotations

from functools import partial
from typing import Any

from sxtstudio.app.actions.info import ActionInfo, Need
from sxtstudio.app.context import Context
from sxtstudio.app.labels.tools import object_work, slice_work
from sxtstudio.app.labels.tools.catalogue import LOOK, TOOLS
from sxtstudio.app.objects.tools import work as numbered
from sxtstudio.app.states import Panel
from sxtstudio.core.errors import UserError

_STEPS_PX = (*range(1, 11), 12, 14, 16, 20, 25, 30, 40, 50, 60, 80, 100)


def take_tool(name: str, context: Context) -> None:
    """Take a mouse tool into the hand; its settings come to the front."""
    side = context.parts.side
    if side.current not in (Panel.LABELS, Panel.MASK, Panel.OBJECTS):
        side.show_panel(Panel.LABELS)
    context.session.tool.set(tool=name)


def put_away(context: Context) -> None:
    """Drop what is unfinished; else put the tool away; with none in the hand, leave the guided tour.

    Where the bubble of the tour has the keyboard, the tour goes before the tool.
    """
    toolbox, tour, session = context.parts.toolbox, context.parts.tour, context.session
    in_hand = session.tool.value.tool != "look" or session.objects.value.click_class
    if toolbox.unfinished:
        toolbox.cancel()
    elif tour.takes_escape and (tour.has_keyboard or not in_hand):
        tour.leave()
    else:
        session.objects.set(click_class=False)
        session.tool.set(tool="look")


def resize_brush(larger: bool, context: Context) -> None:
    """Make the brush larger or smaller by one step."""
    session = context.session
    marking = session.tool.value.tool == "mark"
    size = session.marks.value.brush_px if marking else session.tool.value.brush_px
    if larger:
        new = min((step for step in _STEPS_PX if step > size), default=_STEPS_PX[-1])
    else:
        new = max((step for step in _STEPS_PX if step < size), default=1)
    if marking:
        session.marks.set(brush_px=new)
    else:
        session.tool.set(brush_px=new)
    session.message.emit(f"Brush: {new} px")


def _said(work: Any, context: Context) -> None:
    """Run ``work(context)``; what the user can mend is said in the status bar, as the tools do."""
    try:
        work(context)
    except UserError as error:
        context.session.remark(str(error))


def select_object(context: Context) -> None:
    """Highlight the object at the crosshair, or choose it where the tools are for objects."""
    if context.session.tool.value.target == "objects":
        numbered.choose_at_crosshair(context)
        return
    object_work.select_object(context, context.session.cursor)
    if context.session.selection is None and not context.jobs.running:
        context.session.remark("There is no label at the crosshair. Click on an object first.")


def delete_selected(context: Context) -> None:
    """Delete the highlighted object."""
    if context.session.selection is not None:
        object_work.delete(context, "labels", context.session.selection.seed)


def keep_selected(context: Context) -> None:
    """Delete all but the highlighted object."""
    if context.session.selection is not None:
        object_work.keep_only(context, "labels", context.session.selection.seed)


def interpolate(context: Context) -> None:
    """Fill in between slices, as the panel of labels says where it is shown."""
    panel = context.parts.labels
    if panel.isVisible():
        panel.interpolate()
    else:
        slice_work.interpolate_nearest(context, context.session.tool.value.target)


def copy_shape(step: int, context: Context) -> None:
    """Copy the shape that was drawn last to the next slice, or to the one before."""
    context.parts.toolbox.copier.copy(context.session.tool.value.target, step)


def clear_slice(context: Context) -> None:
    """Erase the labels of the slice at the crosshair."""
    slice_work.clear_slice(context, "labels")


def clear_all(context: Context) -> None:
    """Erase all labels."""
    slice_work.clear_all(context, "labels")


_LABELS: tuple[Need, ...] = ("labels", "changes", "idle")

ACTIONS = (
    ActionInfo(
        "labels.look",
        LOOK.title,
        "Labels",
        "Put the tool away; drop a stroke or an outline that is not finished",
        put_away,
        shortcut=LOOK.shortcut,
        icon=LOOK.icon,
        needs=("tomogram",),
    ),
    *(
        ActionInfo(
            f"labels.{info.name}",
            info.title,
            "Labels",
            info.hint,
            partial(take_tool, info.name),
            shortcut=info.shortcut,
            icon=info.icon,
            needs=("tomogram",),
            separator=info.name in ("brush", "delete"),
        )
        for info in TOOLS
    ),
    ActionInfo(
        "labels.smaller",
        "Smaller brush",
        "Labels",
        "Make brush and eraser smaller",
        partial(resize_brush, False),
        shortcut="[",
        icon="mdi6.circle-small",
        separator=True,
    ),
    ActionInfo(
        "labels.larger",
        "Larger brush",
        "Labels",
        "Make brush and eraser larger",
        partial(resize_brush, True),
        shortcut="]",
        icon="mdi6.circle-medium",
    ),
    ActionInfo(
        "labels.select",
        "Select object at the crosshair",
        "Labels",
        "Highlight the object at the crosshair in all views; Ctrl+click does so at the pointer",
        partial(_said, select_object),
        shortcut="S",
        icon="mdi6.select-search",
        needs=("labels",),
        separator=True,
    ),
    ActionInfo(
        "labels.delete_selected",
        "Delete selected object",
        "Labels",
        "Delete the highlighted object, on all slices",
        partial(_said, delete_selected),
        shortcut="Del",
        icon="mdi6.delete-outline",
        needs=("selection", *_LABELS),
    ),
    ActionInfo(
        "labels.keep_selected",
        "Keep only selected object",
        "Labels",
        "Delete all objects but the highlighted one",
        partial(_said, keep_selected),
        icon="mdi6.filter-outline",
        needs=("selection", *_LABELS),
    ),
    ActionInfo(
        "labels.interpolate",
        "Interpolate between slices",
        "Labels",
        "Fill in the empty slices between two that were drawn on",
        partial(_said, interpolate),
        shortcut="I",
        icon="mdi6.layers-plus",
        needs=("tomogram", "changes", "drawn", "idle"),
        separator=True,
    ),
    ActionInfo(
        "labels.copy_next",
        "Copy shape to the next slice",
        "Labels",
        "Copy the shape that was drawn or clicked last, or else all of the slice, to the next slice",
        partial(_said, partial(copy_shape, 1)),
        shortcut="N",
        icon="mdi6.content-duplicate",
        needs=("tomogram", "changes", "drawn", "idle"),
    ),
    ActionInfo(
        "labels.copy_previous",
        "Copy shape to the slice before",
        "Labels",
        "Copy the shape that was drawn or clicked last, or else all of the slice, to the slice before",
        partial(_said, partial(copy_shape, -1)),
        shortcut="Shift+N",
        needs=("tomogram", "changes", "drawn", "idle"),
    ),
    ActionInfo(
        "labels.clear_slice",
        "Clear this slice",
        "Labels",
        "Erase all labels of the XY slice that is shown",
        partial(_said, clear_slice),
        icon="mdi6.layers-remove",
        needs=_LABELS,
    ),
    ActionInfo(
        "labels.clear",
        "Clear labels",
        "Labels",
        "Erase all labels of all slices; Undo brings them back",
        partial(_said, clear_all),
        icon="mdi6.delete-sweep-outline",
        needs=_LABELS,
    ),
)
