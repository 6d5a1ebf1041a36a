"""Which entries of the menu View are ticked: those that are on, whoever switched them."""

from __future__ import annotations

from sxtstudio.app.context import Context
from sxtstudio.app.slices.colour_maps import COLOUR_MAPS

# Action and field of the display.
SWITCHES = {
    "view.invert": "inverted",
    "view.labels": "labels_visible",
    "view.mask": "mask_visible",
    "view.crosshair": "crosshair",
    "view.scale_bar": "scale_bar",
    "view.smooth": "smooth",
}


def sync(context: Context) -> None:
    """Tick in the menu what is on now."""
    actions = context.parts.get("actions")
    if actions is None:
        return
    state = context.session.display.value
    ticks = {name: bool(getattr(state, field)) for name, field in SWITCHES.items()}
    ticks |= {f"view.colours.{name}": name == state.colour_map for name in COLOUR_MAPS}
    slices = context.parts.get("slices")
    if slices is not None:
        ticks["view.sides"] = slices.planes.sides_shown
    for name, on in ticks.items():
        action = actions.by_name[name]
        action.blockSignals(True)
        action.setChecked(on)
        action.blockSignals(False)
