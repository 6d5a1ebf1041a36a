"""Tools: batch, models, retraining, preferences."""

from __future__ import annotations

from sxtstudio.app.actions.info import ActionInfo
from sxtstudio.app.context import Context
from sxtstudio.app.models.default_model import go_back
from sxtstudio.app.states import Panel
from sxtstudio.core.wording import slice_number


def batch(context: Context) -> None:
    """Show the list of tomograms to segment in one go."""
    from sxtstudio.app.batch.dialog import BatchDialog

    context.dialogs.bring_up(BatchDialog)


def beamtime(context: Context) -> None:
    """Show the wall of the tomograms that arrive."""
    from sxtstudio.app.beamtime.dialog import BeamtimeDialog

    context.dialogs.bring_up(BeamtimeDialog)


def compare(context: Context) -> None:
    """Compare groups of measured tomograms."""
    from sxtstudio.app.objects.compare.dialog import CompareDialog

    context.dialogs.bring_up(CompareDialog)


def robustness(context: Context) -> None:
    """Try thresholds, erosions and smallest sizes."""
    from sxtstudio.app.objects.robustness import RobustnessDialog

    context.dialogs.bring_up(RobustnessDialog)


def quality(context: Context) -> None:
    """Show how good the open tomogram is."""
    from sxtstudio.app.quality.dialog import QualityDialog

    context.dialogs.bring_up(QualityDialog)


def evaluate(context: Context) -> None:
    """Show the panel in which slices are judged."""
    context.parts.side.show_panel(Panel.EVALUATE)


def models(context: Context) -> None:
    """Show the installed models."""
    from sxtstudio.app.models.dialog import ModelsDialog

    context.dialogs.bring_up(ModelsDialog)


def preferences(context: Context) -> None:
    """Show the preferences."""
    from sxtstudio.app.preferences import PreferencesDialog

    context.dialogs.bring_up(PreferencesDialog)


def retrain(context: Context) -> None:
    """Teach a model with the user's labels."""
    from sxtstudio.app.retrain.dialog import RetrainDialog

    context.dialogs.bring_up(RetrainDialog)


def mark_complete(context: Context) -> None:
    """Mark the slice that is shown as complete, or take the mark away."""
    z = context.session.cursor[0]
    marked = context.parts.complete.toggle(z)
    word = "is complete: a model may learn from it" if marked else "is not marked as complete any more"
    context.session.message.emit(f"Slice {slice_number(z)} {word}.")


def former_model(context: Context) -> None:
    """Use the model again that was the default before."""
    go_back(context)


ACTIONS = (
    ActionInfo(
        "tools.batch",
        "Batch…",
        "Tools",
        "Segment many tomograms, or each that arrives in a folder",
        batch,
        shortcut="Ctrl+B",
        icon="mdi6.playlist-play",
    ),
    ActionInfo(
        "tools.beamtime",
        "Beamtime…",
        "Tools",
        "Segment each tomogram that arrives, on a wall with pictures and quality, and keep a page of it",
        beamtime,
        icon="mdi6.view-grid-plus-outline",
    ),
    ActionInfo(
        "tools.compare",
        "Compare…",
        "Tools",
        "Compare measurements of several tomograms in groups, with a plot, a test and a report",
        compare,
        icon="mdi6.compare-horizontal",
    ),
    ActionInfo(
        "tools.robustness",
        "Threshold robustness…",
        "Tools",
        "Plot objects and volume against threshold, erosion and smallest size",
        robustness,
        icon="mdi6.chart-line",
        needs=("tomogram",),
    ),
    ActionInfo(
        "tools.quality",
        "Quality of the tomogram…",
        "Tools",
        "Judge resolution, contrast, noise, doubled edges, gold and more, with what to do about them",
        quality,
        icon="mdi6.gauge",
        needs=("tomogram",),
    ),
    ActionInfo(
        "tools.evaluate",
        "Evaluate…",
        "Tools",
        "Judge the labels of some slices as in the paper: what is false, an artefact, or missing",
        evaluate,
        icon="mdi6.clipboard-check-outline",
        needs=("tomogram",),
    ),
    ActionInfo(
        "tools.models",
        "Models…",
        "Tools",
        "See what the installed models can do, add and remove models",
        models,
        icon="mdi6.brain",
        separator=True,
    ),
    ActionInfo(
        "tools.retrain",
        "Retrain with my labels…",
        "Tools",
        "Teach a model with labels that you corrected",
        retrain,
        icon="mdi6.school-outline",
    ),
    ActionInfo(
        "tools.complete",
        "This slice is complete",
        "Tools",
        "Mark that every membrane of this slice is labelled, so that a model may learn from it; or not",
        mark_complete,
        shortcut="Ctrl+K",
        icon="mdi6.check-bold",
        needs=("tomogram", "labels"),
    ),
    ActionInfo(
        "tools.former_model",
        "Go back to the model before",
        "Tools",
        "Use the model again that was the default before the latest new one; both stay installed",
        former_model,
        icon="mdi6.undo-variant",
        needs=("former_model",),
    ),
    ActionInfo(
        "tools.preferences",
        "Preferences…",
        "Tools",
        "Dark or light, memory for undo, device, recent files",
        preferences,
        icon="mdi6.cog-outline",
        separator=True,
    ),
)
