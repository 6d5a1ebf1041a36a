"""Objects: find them, and work with the chosen one."""

from __future__ import annotations

from sxtstudio.app.actions.info import ActionInfo
from sxtstudio.app.context import Context
from sxtstudio.app.states import Panel


def show_panel(context: Context) -> None:
    """Show the panel of the objects."""
    context.parts.side.show_panel(Panel.OBJECTS)


ACTIONS: tuple[ActionInfo, ...] = (
    ActionInfo(
        "objects.panel",
        "Objects…",
        "Objects",
        "Find bodies in the outlines, class and measure them",
        show_panel,
        shortcut="Ctrl+J",
        icon="mdi6.chart-bubble",
        needs=("tomogram",),
    ),
)
