"""The actions of this menu and what they do."""

from __future__ import annotations

from sxtstudio.app.actions.info import ActionInfo
from sxtstudio.app.context import Context
from sxtstudio.app.states import Panel


def start(context: Context) -> None:
    """Segment with what the panel says."""
    context.parts.side.show_panel(Panel.SEGMENT)
    context.parts.segment.start()


def try_slice(context: Context) -> None:
    """Preview the segmentation of the visible slice."""
    context.parts.side.show_panel(Panel.SEGMENT)
    context.parts.segment.try_slice()


def show_unrecognised(context: Context) -> None:
    """Show where the network does not recognise the visible slice."""
    context.parts.side.show_panel(Panel.SEGMENT)
    context.parts.segment.show_unrecognised()


def least_certain_slice(context: Context) -> None:
    """Go to the slice of whose labels the network was least sure; again, to the next."""
    context.parts.segment.show_least_certain()


def resume(context: Context) -> None:
    """Go on with what was cancelled, or ended by a crash."""
    context.parts.side.show_panel(Panel.SEGMENT)
    context.parts.segment.resume()


def show_clean(context: Context) -> None:
    """Show the panel for the clean-up."""
    context.parts.side.show_panel(Panel.CLEAN)


def clean_all(context: Context) -> None:
    """Clean up with what the panel says."""
    context.parts.side.show_panel(Panel.CLEAN)
    context.parts.clean.apply()


def show_mask(context: Context) -> None:
    """Show the panel for the cell mask."""
    context.parts.side.show_panel(Panel.MASK)


def automatic_mask(context: Context) -> None:
    """Make the cell mask from the tomogram."""
    context.parts.side.show_panel(Panel.MASK)
    context.parts.mask.make_automatic()


def cut_labels(context: Context) -> None:
    """Remove labels outside the cell mask."""
    context.parts.mask.cut_labels()


ACTIONS: tuple[ActionInfo, ...] = (
    ActionInfo(
        "segment.try",
        "Try on this slice",
        "Segment",
        "Segment the visible slice only, as a preview",
        try_slice,
        shortcut="Ctrl+T",
        icon="mdi6.eye-outline",
        needs=("tomogram", "idle"),
    ),
    ActionInfo(
        "segment.start",
        "Segment",
        "Segment",
        "Outline the membranes in the chosen slices",
        start,
        shortcut="Ctrl+R",
        icon="mdi6.creation",
        needs=("tomogram", "idle"),
        toolbar=True,
        toolbar_text="Segment",
    ),
    ActionInfo(
        "segment.resume",
        "Go on with the interrupted segmentation",
        "Segment",
        "Segment the slices that a cancelled or crashed segmentation left",
        resume,
        needs=("tomogram", "interrupted", "idle"),
    ),
    ActionInfo(
        "segment.least_certain",
        "Go to the least certain slice",
        "Segment",
        "Show the slice of whose labels the network was least sure; again, the next one",
        least_certain_slice,
        shortcut="Ctrl+U",
        needs=("tomogram", "trust"),
        separator=True,
    ),
    ActionInfo(
        "segment.unrecognised",
        "Where does the network not recognise this slice?",
        "Segment",
        "Colour what the network cannot redraw in the visible slice; again, take the colour away",
        show_unrecognised,
        shortcut="Ctrl+Shift+U",
        icon="mdi6.help-rhombus-outline",
        needs=("tomogram", "idle"),
    ),
    ActionInfo(
        "segment.clean",
        "Clean up…",
        "Segment",
        "Erosion, small objects, borders, smoothing, with a preview",
        show_clean,
        icon="mdi6.broom",
        needs=("tomogram",),
        separator=True,
    ),
    ActionInfo(
        "segment.clean_all",
        "Clean up all slices",
        "Segment",
        "Clean up with the settings in the panel",
        clean_all,
        needs=("labels", "clean_up", "idle"),
    ),
    ActionInfo(
        "segment.mask",
        "Cell mask…",
        "Segment",
        "Say where the cell is: automatically, by hand, or by a grey value",
        show_mask,
        icon="mdi6.selection-ellipse",
        needs=("tomogram",),
        separator=True,
    ),
    ActionInfo(
        "segment.mask_automatic",
        "Cell mask: automatic",
        "Segment",
        "Make the cell mask from the tomogram",
        automatic_mask,
        needs=("tomogram", "idle"),
    ),
    ActionInfo(
        "segment.mask_cut",
        "Remove labels outside the cell mask",
        "Segment",
        "Delete every label that lies outside the cell mask",
        cut_labels,
        needs=("labels", "mask", "changes", "idle"),
    ),
)
