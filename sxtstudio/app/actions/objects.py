"""Objects: find them, and work with the chosen one."""

from __future__ import annotations

from sxtstudio.app.actions.info import ActionInfo
from sxtstudio.app.context import Context
from sxtstudio.app.objects.pane import Page
from sxtstudio.app.states import Panel


def show_panel(context: Context) -> None:
    """Show the panel of the objects."""
    context.parts.side.show_panel(Panel.OBJECTS)


def show_plots(context: Context) -> None:
    """Show the plots of the objects."""
    context.parts.pane.show_page(Page.PLOTS)


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
    ActionInfo(
        "objects.plots",
        "Plots",
        "Objects",
        "Dot plots with mean and SD, histograms and scatter plots of what was measured",
        show_plots,
        shortcut="Ctrl+Shift+J",
        icon="mdi6.chart-scatter-plot",
        needs=("tomogram",),
    ),
)
