"""Objects by hand: tools that there are for objects alone, and work on the chosen ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sxtstudio.app.actions.info import ActionInfo, Need
from sxtstudio.app.context import Context
from sxtstudio.app.objects.tools import work
from sxtstudio.app.objects.tools.catalogue import OWN
from sxtstudio.app.states import Panel
from sxtstudio.core.errors import UserError

_MENU = "Objects/By hand"
_CHOSEN: tuple[Need, ...] = ("objects", "changes", "chosen", "idle")


def take_tool(name: str, context: Context) -> None:
    """Take a mouse tool for objects into the hand."""
    context.parts.side.show_panel(Panel.OBJECTS)
    context.session.tool.set(tool=name, target="objects")


def new_object(context: Context) -> None:
    """Have the next stroke begin a new object."""
    context.session.objects.set(selected=())
    take_tool("brush", context)
    context.session.remark("Draw the new object; it goes round the others.")


def delete(context: Context) -> None:
    """Delete the chosen objects."""
    work.delete(context, work.chosen(context.session))


def keep_only(context: Context) -> None:
    """Delete all but the chosen objects."""
    work.keep_only(context, work.chosen(context.session))


def merge(context: Context) -> None:
    """Make one object of the chosen ones."""
    work.merge(context, work.chosen(context.session))


def grow(sign: int, context: Context) -> None:
    """Grow or shrink the chosen objects."""
    work.grow(context, work.chosen(context.session), sign * context.session.tool.value.grow_px)


def fill(axis: int | None, context: Context) -> None:
    """Fill the holes of the chosen objects."""
    work.fill(context, work.chosen(context.session), axis)


def split_by_plane(context: Context) -> None:
    """Show the dialog that splits the chosen object by a plane, beside the 3D view."""
    from sxtstudio.app.objects.tools.plane import PlaneDialog

    work.chosen(context.session)
    context.session.layout.set(view3d=True)
    context.dialogs.bring_up(PlaneDialog)


def _said(run: Callable[[Context], None], context: Context) -> None:
    """Run it; what the user can mend is said in the status bar, as the tools do."""
    try:
        run(context)
    except UserError as error:
        context.session.remark(str(error))


def _action(
    name: str,
    text: str,
    tip: str,
    run: Callable[[Context], None],
    shortcut: str,
    icon: str,
    needs: tuple[Need, ...] = _CHOSEN,
    *,
    separator: bool = False,
) -> ActionInfo:
    return ActionInfo(
        f"objects.{name}",
        text,
        _MENU,
        tip,
        partial(_said, run),
        shortcut=shortcut,
        icon=icon,
        needs=needs,
        separator=separator,
    )


ACTIONS: tuple[ActionInfo, ...] = (
    *(
        ActionInfo(
            f"objects.tool_{info.name}",
            info.title,
            _MENU,
            info.hint,
            partial(take_tool, info.name),
            shortcut=info.shortcut,
            icon=info.icon,
            needs=("tomogram",),
        )
        for info in OWN
    ),
    _action(
        "new",
        "New object",
        "Begin a new object with the next stroke of the brush",
        new_object,
        "Ctrl+Shift+N",
        "mdi6.shape-polygon-plus",
        ("tomogram", "idle"),
        separator=True,
    ),
    _action(
        "choose",
        "Choose object at the crosshair",
        "Choose the object at the crosshair; Ctrl+click does so at the pointer",
        work.choose_at_crosshair,
        "Shift+S",
        "mdi6.select-search",
        ("objects",),
    ),
    _action(
        "merge",
        "Merge chosen objects",
        "Give all chosen objects the number of the one that was chosen first",
        merge,
        "Shift+M",
        "mdi6.link-variant",
        separator=True,
    ),
    _action(
        "split_here",
        "Split chosen object at this slice",
        "Split the object that was chosen last behind the XY slice at the crosshair",
        partial(work.split_at_slice, axis=0),
        "Shift+X",
        "mdi6.content-cut",
    ),
    _action(
        "split_plane",
        "Split chosen object by a plane…",
        "Lay a plane through the object that was chosen last, in 3D, and split it there",
        split_by_plane,
        "Ctrl+Shift+X",
        "mdi6.box-cutter",
    ),
    _action(
        "grow",
        "Grow chosen objects",
        "Grow the chosen objects by as many pixels as the tool says, not into others",
        partial(grow, 1),
        "Shift+Y",
        "mdi6.arrow-expand-all",
    ),
    _action(
        "shrink",
        "Shrink chosen objects",
        "Take a layer of as many pixels as the tool says from the chosen objects",
        partial(grow, -1),
        "Ctrl+Alt+Y",
        "mdi6.arrow-collapse-all",
    ),
    _action(
        "fill",
        "Fill holes of chosen objects",
        "Fill the holes of the chosen objects, slice by slice",
        partial(fill, 0),
        "Shift+H",
        "mdi6.format-color-fill",
    ),
    _action(
        "delete",
        "Delete chosen objects",
        "Delete the chosen objects; Undo brings them back",
        delete,
        "Shift+Del",
        "mdi6.delete-outline",
        separator=True,
    ),
    _action(
        "keep",
        "Keep only chosen objects",
        "Delete all objects but the chosen ones; Undo brings them back",
        keep_only,
        "",
        "mdi6.filter-outline",
    ),
)
