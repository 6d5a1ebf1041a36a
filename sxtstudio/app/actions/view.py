"""View: what is shown, and how."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from sxtstudio.app import theme
from sxtstudio.app.actions.info import ActionInfo, Need, of_display, of_layout, of_objects, of_tool
from sxtstudio.app.context import Context
from sxtstudio.app.labels.tools.catalogue import RULER
from sxtstudio.app.preferences import choose_scheme
from sxtstudio.app.slices.colour_maps import COLOUR_MAPS
from sxtstudio.app.states import DisplayState, LayoutState

_ZOOM = 1.25


def layout(slices: bool, view3d: bool, context: Context) -> None:
    """Show the slices, the 3D view, or both."""
    context.session.layout.set(slices=slices, view3d=view3d)


def sides(context: Context, shown: bool) -> None:
    """Show all three planes, or XY alone."""
    context.session.layout.set(sides=shown)


def objects_pane(context: Context, shown: bool) -> None:
    """Show or hide the pane below the views; shown, it has the keyboard."""
    context.session.layout.set(objects_pane=shown)
    if shown:
        context.parts.pane.take_focus()


def panel(context: Context, shown: bool) -> None:
    """Show or fold the panel beside the views."""
    context.session.layout.set(panel=shown)


def show_objects(context: Context, shown: bool) -> None:
    """Show or hide the objects in the slices."""
    context.session.objects.set(visible=shown)


def fit(context: Context) -> None:
    """Show the whole slice."""
    context.parts.slices.fit()


def zoom(factor: float, context: Context) -> None:
    """Zoom in or out."""
    context.parts.slices.zoom(factor)


def step(slices: int, context: Context) -> None:
    """Go through the slices."""
    context.parts.slices.step(slices)


def go(share: float, context: Context) -> None:
    """Go to a slice: 0 the first, 1 the last."""
    document = context.session.document
    if document is not None:
        z = round(share * (document.shape[0] - 1) + (0.25 if share == 0.5 else 0))
        context.session.set_cursor((z, *context.session.cursor[1:]))


def auto_contrast(context: Context) -> None:
    """Choose the contrast from the whole volume."""
    context.parts.slices.auto_contrast()


def show(field: str, context: Context, on: bool) -> None:
    """Switch something of the display."""
    context.session.display.set(**{field: on})


def colour_map(name: str, context: Context, on: bool) -> None:
    """Choose a colour map; the chosen one cannot be switched off."""
    if on:
        context.session.display.set(colour_map=name)


def _has_colours(name: str, display: DisplayState) -> bool:
    return display.colour_map == name


def ruler(context: Context, on: bool) -> None:
    """Take the ruler into the hand, or put it away."""
    context.session.tool.set(tool=RULER.name if on else "look")


def apply_style(scheme: theme.Scheme, context: Context, _on: bool) -> None:
    """Dark, light or like the desktop; remembered."""
    choose_scheme(context, scheme)


def _has_scheme(scheme: str, layout: LayoutState) -> bool:
    return layout.scheme == scheme


def full_screen(context: Context, on: bool) -> None:
    """Fill the screen with the window, or not."""
    context.session.layout.set(full_screen=on)


def _info(
    name: str, text: str, tip: str, run: Callable[..., Any], shortcut: str = "", **more: Any
) -> ActionInfo:
    needs: tuple[Need, ...] = more.pop("needs", ("tomogram",))
    menu = more.pop("menu", "View")
    return ActionInfo(f"view.{name}", text, menu, tip, run, shortcut=shortcut, needs=needs, **more)


def _switch(
    name: str,
    field: str,
    is_on: Callable[[DisplayState], bool],
    text: str,
    tip: str,
    shortcut: str = "",
    **more: Any,
) -> ActionInfo:
    run = partial(show, field)
    return _info(name, text, tip, run, shortcut, shows=of_display(is_on), needs=(), **more)


ACTIONS = (
    _info(
        "slices",
        "Slices",
        "Show the slices alone",
        partial(layout, True, False),
        "Ctrl+1",
        icon="mdi6.view-split-vertical",
        needs=(),
    ),
    _info(
        "both",
        "Slices and 3D",
        "Show slices and 3D view side by side",
        partial(layout, True, True),
        "Ctrl+2",
        needs=(),
    ),
    _info("3d", "3D", "Show the 3D view alone", partial(layout, False, True), needs=()),
    _info(
        "sides",
        "Side views XZ and YZ",
        "Show all three planes, or XY alone",
        sides,
        "Ctrl+Shift+Y",
        shows=of_layout(lambda layout: layout.sides),
        needs=(),
        separator=True,
    ),
    _info(
        "objects_pane",
        "Table of objects",
        "Show or hide the pane below the views: table of the objects, plots, filopodia",
        objects_pane,
        "Ctrl+4",
        icon="mdi6.table-large",
        shows=of_layout(lambda layout: layout.objects_pane),
        needs=(),
    ),
    _info(
        "panel",
        "Panel beside the views",
        "Show the panel of the current step, or fold it away for more room; so does a click on its button",
        panel,
        "Ctrl+5",
        icon="mdi6.dock-right",
        shows=of_layout(lambda layout: layout.panel),
        needs=(),
    ),
    _info(
        "fit",
        "Fit to window",
        "Show the whole slice",
        fit,
        "0",
        icon="mdi6.fit-to-screen-outline",
        toolbar=True,
    ),
    _info(
        "zoom_in",
        "Zoom in",
        "Enlarge the slices",
        partial(zoom, _ZOOM),
        "Ctrl++",
        icon="mdi6.magnify-plus-outline",
    ),
    _info(
        "zoom_out",
        "Zoom out",
        "Make the slices smaller",
        partial(zoom, 1 / _ZOOM),
        "Ctrl+-",
        icon="mdi6.magnify-minus-outline",
    ),
    _info("next", "Next slice", "Go to the next slice", partial(step, 1), "PgDown", separator=True),
    _info("previous", "Previous slice", "Go to the slice before", partial(step, -1), "PgUp"),
    _info("first", "First slice", "Go to the first slice", partial(go, 0.0), "Ctrl+Home"),
    _info("middle", "Middle slice", "Go to the slice in the middle", partial(go, 0.5), "Home"),
    _info("last", "Last slice", "Go to the last slice", partial(go, 1.0), "Ctrl+End"),
    _info(
        "ruler",
        RULER.title,
        "Measure the distance between two points of a slice",
        ruler,
        RULER.shortcut,
        icon=RULER.icon,
        toolbar=True,
        shows=of_tool(lambda tool: tool.tool == RULER.name),
        separator=True,
    ),
    _info(
        "auto",
        "Auto contrast",
        "Choose the contrast that suits the whole tomogram",
        auto_contrast,
        "A",
        icon="mdi6.contrast-circle",
        toolbar=True,
        separator=True,
    ),
    _switch(
        "invert",
        "inverted",
        lambda display: display.inverted,
        "Negative",
        "Draw dark as bright and bright as dark",
        "Ctrl+I",
    ),
    _switch(
        "smooth",
        "smooth",
        lambda display: display.smooth,
        "Smooth pixels",
        "Interpolate between pixels when zoomed in",
    ),
    *(
        _info(
            f"colours.{name}",
            text,
            f"Draw the slices in the colours “{text}”",
            partial(colour_map, name),
            menu="View/Colours",
            needs=(),
            shows=of_display(partial(_has_colours, name)),
        )
        for name, text in COLOUR_MAPS.items()
    ),
    _switch(
        "labels",
        "labels_visible",
        lambda display: display.labels_visible,
        "Labels",
        "Show or hide the labels",
        "V",
        separator=True,
    ),
    _info(
        "objects",
        "Objects",
        "Show or hide the objects in the slices",
        show_objects,
        "Shift+V",
        shows=of_objects(lambda objects: objects.visible),
        needs=(),
    ),
    _switch(
        "mask",
        "mask_visible",
        lambda display: display.mask_visible,
        "Cell mask",
        "Show or hide the outline of the cell mask",
        "H",
    ),
    _switch(
        "crosshair",
        "crosshair",
        lambda display: display.crosshair,
        "Crosshair",
        "Show or hide the crosshair",
        "Ctrl+H",
    ),
    _switch(
        "scale_bar",
        "scale_bar",
        lambda display: display.scale_bar,
        "Scale bar",
        "Show or hide the scale bar",
    ),
    *(
        _info(
            f"theme.{scheme}",
            text,
            f"{text} windows",
            partial(apply_style, cast(theme.Scheme, scheme)),
            menu="View/Appearance",
            needs=(),
            shows=of_layout(partial(_has_scheme, scheme)),
        )
        for scheme, text in (("dark", "Dark"), ("light", "Light"), ("system", "Like the desktop"))
    ),
    _info(
        "full_screen",
        "Full screen",
        "Fill the screen with the window",
        full_screen,
        "F11",
        needs=(),
        shows=of_layout(lambda layout: layout.full_screen),
        separator=True,
    ),
)
