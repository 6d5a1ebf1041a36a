"""File: open, save, export, close."""

from __future__ import annotations

from sxtstudio.app.actions.info import ActionInfo
from sxtstudio.app.context import Context
from sxtstudio.app.document import label_files, opening, saving
from sxtstudio.app.document.axes import choose_axes
from sxtstudio.app.document.closing import close_document
from sxtstudio.app.document.recent import MENU as RECENT
from sxtstudio.app.exports import checking
from sxtstudio.app.exports import start as exporting


def save(context: Context) -> None:
    """Save the project."""
    saving.save(context)


def save_as(context: Context) -> None:
    """Save the project under another name."""
    saving.save_as(context)


def export(context: Context) -> None:
    """Show the window in which anything is exported for any program."""
    from sxtstudio.app.exports.dialog import ExportDialog

    context.dialogs.bring_up(ExportDialog)


def clear_recent(context: Context) -> None:
    """Forget the recent files."""
    context.parts.recent.clear()


def leave(context: Context) -> None:
    """Close the window, and with it the program."""
    context.window.close()


ACTIONS: tuple[ActionInfo, ...] = (
    ActionInfo(
        "file.open",
        "Open tomogram…",
        "File",
        "Open a tomogram: MRC, TIFF, HDF5, Zarr or a folder of slices",
        opening.open_tomogram,
        shortcut="Ctrl+O",
        icon="mdi6.folder-open-outline",
        toolbar=True,
        toolbar_text="Open",
    ),
    ActionInfo(
        "file.open_slices",
        "Open folder of slices…",
        "File",
        "Open a tomogram that is a folder of numbered TIFF or PNG slices, or a Zarr folder",
        opening.open_slices,
    ),
    ActionInfo(
        "file.open_project",
        "Open project…",
        "File",
        "Go on with a project that was saved before",
        opening.open_project_folder,
        shortcut="Ctrl+Shift+O",
        icon="mdi6.briefcase-outline",
    ),
    ActionInfo(
        "file.clear_recent",
        "Clear list",
        RECENT,
        "Forget the files that were open before",
        clear_recent,
        needs=("recent",),
    ),
    ActionInfo(
        "file.open_sample",
        "Open sample tomogram",
        "File",
        "Open the tomogram that comes with SXT Studio",
        opening.open_sample,
        icon="mdi6.flask-outline",
    ),
    ActionInfo(
        "file.axes",
        "Axes of the tomogram…",
        "File",
        "Say which stored axis is x, y and z, or read one backwards, where the file does not say or is wrong",
        choose_axes,
        icon="mdi6.axis-arrow",
        needs=("tomogram",),
        separator=True,
    ),
    ActionInfo(
        "file.open_labels",
        "Open labels…",
        "File",
        "Replace the labels by those of a file; can be undone",
        label_files.ask_for_labels,
        icon="mdi6.layers-plus",
        needs=("tomogram", "idle"),
    ),
    ActionInfo(
        "file.save",
        "Save project",
        "File",
        "Save labels, mask, history and view",
        save,
        shortcut="Ctrl+S",
        icon="mdi6.content-save-outline",
        needs=("tomogram", "to_save"),
        toolbar=True,
        toolbar_text="Save",
        separator=True,
    ),
    ActionInfo(
        "file.save_as",
        "Save project as…",
        "File",
        "Save the project under another name",
        save_as,
        shortcut="Ctrl+Shift+S",
        icon="mdi6.content-save-edit-outline",
        needs=("tomogram",),
    ),
    ActionInfo(
        "file.export",
        "Export…",
        "File",
        "Write labels, objects, classes, mask, image, surfaces, table, plots or methods for another program",
        export,
        shortcut="Ctrl+E",
        icon="mdi6.export",
        needs=("tomogram",),
        separator=True,
    ),
    ActionInfo(
        "file.export_tiff",
        "Export .TIFF…",
        "File",
        "The quick way: write labels, objects, mask or tomogram for ImageJ, Fiji and MIB",
        exporting.export_tiff,
        shortcut="Ctrl+Shift+E",
        needs=("tomogram", "idle"),
    ),
    ActionInfo(
        "file.export_results",
        "Export results…",
        "File",
        "Write a folder to take home: labels, objects, tables, plots, surface, pictures, methods, parameters",
        exporting.export_results,
        shortcut="Ctrl+Alt+E",
        icon="mdi6.home-export-outline",
        needs=("tomogram", "idle"),
    ),
    ActionInfo(
        "file.check_results",
        "Check results again…",
        "File",
        "Do everything again from a folder of results, and say of each result whether it is the same",
        checking.check_results,
        icon="mdi6.check-all",
    ),
    ActionInfo(
        "file.close",
        "Close",
        "File",
        "Close the tomogram or project",
        close_document,
        shortcut="Ctrl+W",
        icon="mdi6.close",
        needs=("tomogram",),
        separator=True,
    ),
    ActionInfo(
        "file.quit", "Quit", "File", "Close the window", leave, shortcut="Ctrl+Q", icon="mdi6.exit-to-app"
    ),
)
