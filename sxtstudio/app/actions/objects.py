"""Objects: find and measure them, and work with the chosen ones."""

from __future__ import annotations

from functools import partial

from sxtstudio.app.actions.info import ActionInfo, Need, of_tool
from sxtstudio.app.context import Context
from sxtstudio.app.labels.tools.catalogue import FILOPODIUM
from sxtstudio.app.objects import work
from sxtstudio.app.objects.pane import PaneTab
from sxtstudio.app.states import Panel


def show_panel(context: Context) -> None:
    """Show the panel of the objects."""
    context.parts.side.show_panel(Panel.OBJECTS)


def show_plots(context: Context) -> None:
    """Show the plots of the objects; they have the keyboard then."""
    context.parts.pane.show_page(PaneTab.PLOTS)
    context.parts.pane.take_focus()


def contacts(context: Context) -> None:
    """Show where objects of two classes come near each other."""
    from sxtstudio.app.objects.contacts import ContactsDialog

    context.dialogs.bring_up(ContactsDialog)


def calibrate(context: Context) -> None:
    """Show how grey values become linear absorption coefficients."""
    from sxtstudio.app.objects.calibration.dialog import CalibrationDialog

    context.dialogs.bring_up(CalibrationDialog)


def filopodium(context: Context, on: bool) -> None:
    """Take the tool for filopodia into the hand, and bring up its tab; again, too. Another tool ends it."""
    if context.parts.side.current is Panel.EVALUATE:  # what is taken there, Undo would not take back
        context.parts.side.show_panel(Panel.OBJECTS)
    context.session.tool.set(tool=FILOPODIUM.name)
    context.parts.pane.show_page(PaneTab.FILOPODIA)


def table_s1(context: Context) -> None:
    """Show Table S1 of the paper from the objects."""
    from sxtstudio.app.objects.filopodia.table_s1 import TableS1Dialog

    context.dialogs.bring_up(TableS1Dialog)


def take_filopodium(context: Context) -> None:
    """Make the filopodium that is proposed an object."""
    if context.parts.toolbox.filopodia.take() is None:
        context.session.remark(f"No filopodium is proposed. Click on one first ({FILOPODIUM.shortcut}).")


def move_cut(steps: int, context: Context) -> None:
    """Move the cut of the filopodium that is proposed."""
    context.parts.toolbox.filopodia.step(steps)


def find(context: Context) -> None:
    """Find objects with what the panel says."""
    context.parts.side.show_panel(Panel.OBJECTS)
    context.parts.objects.start()


def measure(context: Context) -> None:
    """Measure all objects, and show them in the table."""
    context.session.layout.set(objects_pane=True)
    context.parts.objects.measure()


def export_table(context: Context) -> None:
    """Write the table of all objects."""
    work.export_table(context)


_CHOSEN: tuple[Need, ...] = ("objects", "chosen")

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
        "objects.find",
        "Find objects",
        "Objects",
        "Number the bodies that outlines enclose, with the settings in the panel; can be undone",
        find,
        shortcut="Ctrl+Shift+F",
        icon="mdi6.shape-circle-plus",
        needs=("labels", "idle"),
    ),
    ActionInfo(
        "objects.measure",
        "Measure objects",
        "Objects",
        "Measure size, shape and grey values of all objects, for the table",
        measure,
        shortcut="Ctrl+Shift+M",
        icon="mdi6.ruler-square",
        needs=("objects",),  # while they are being changed it says so
    ),
    ActionInfo(
        "objects.export_table",
        "Export table of objects…",
        "Objects",
        "Write the table of all objects as CSV, XLSX or Parquet, with a dictionary of its columns",
        export_table,
        icon="mdi6.export",
        needs=("objects",),
    ),
    ActionInfo(
        "objects.go_to",
        "Go to object",
        "Objects",
        "Bring the chosen object into sight, in all slices",
        work.go_to,
        shortcut="G",
        icon="mdi6.crosshairs-gps",
        needs=_CHOSEN,
        separator=True,
    ),
    ActionInfo(
        "objects.hide",
        "Hide object",
        "Objects",
        "Hide the chosen objects in slices and 3D; again, show them",
        work.hide,
        shortcut="Ctrl+Shift+H",
        icon="mdi6.eye-off-outline",
        needs=_CHOSEN,
    ),
    ActionInfo(
        "objects.only",
        "Show only object",
        "Objects",
        "Draw and list the chosen objects alone",
        work.show_only,
        shortcut="Ctrl+Shift+L",
        icon="mdi6.filter-outline",
        needs=_CHOSEN,
    ),
    ActionInfo(
        "objects.show_all",
        "Show all objects",
        "Objects",
        "Draw and list all objects again",
        work.show_all,
        shortcut="Ctrl+Shift+A",
        icon="mdi6.eye-outline",
        needs=("objects",),
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
    ActionInfo(
        "objects.contacts",
        "Contact sites…",
        "Objects",
        "Where objects of two classes come near each other: areas, a table, and patches in 3D",
        contacts,
        shortcut="Ctrl+Alt+J",
        icon="mdi6.vector-intersection",
        needs=("tomogram", "objects"),
    ),
    ActionInfo(
        "objects.calibrate",
        "Calibrate LAC…",
        "Objects",
        "Turn grey values into linear absorption coefficients (1/µm), by ice and a known material",
        calibrate,
        shortcut="Ctrl+Alt+L",
        icon="mdi6.chart-line-variant",
        needs=("tomogram",),
    ),
    ActionInfo(
        "objects.filopodium",
        FILOPODIUM.title,
        "Objects",
        "Find a filopodium by a click, and cut it from the cell",
        filopodium,
        shortcut=FILOPODIUM.shortcut,
        icon=FILOPODIUM.icon,
        needs=("tomogram",),
        shows=of_tool(lambda tool: tool.tool == FILOPODIUM.name),
        separator=True,
    ),
    ActionInfo(
        "objects.take_filopodium",
        "Take the filopodium",
        "Objects",
        "Put the filopodium that is proposed on the list",
        take_filopodium,
        shortcut="Ctrl+Return",
        needs=("selection", "changes"),
    ),
    ActionInfo(
        "objects.cut_shorter",
        "Cut nearer to the tip",
        "Objects",
        "Move the cut of the filopodium that is proposed by a pixel towards its tip",
        partial(move_cut, -1),
        shortcut="Ctrl+[",
        needs=("selection",),
    ),
    ActionInfo(
        "objects.cut_longer",
        "Cut nearer to the cell",
        "Objects",
        "Move the cut of the filopodium that is proposed by a pixel towards the cell",
        partial(move_cut, 1),
        shortcut="Ctrl+]",
        needs=("selection",),
    ),
    ActionInfo(
        "objects.table_s1",
        "Table S1…",
        "Objects",
        "Sizes of filopodia, or of other objects, as in Table S1 of the paper, with dot plots",
        table_s1,
        icon="mdi6.table-check",
        needs=("tomogram",),
    ),
)
