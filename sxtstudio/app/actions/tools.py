"""Tools: batch, models, retraining, preferences."""

from __future__ import annotations

from sxtstudio.app.actions.info import ActionInfo
from sxtstudio.app.context import Context
from sxtstudio.app.panels.dialogs import bring_up


def batch(context: Context) -> None:
    """Show the list of tomograms to segment in one go."""
    from sxtstudio.app.panels.batch_dialog import BatchDialog

    bring_up(context, "batch", BatchDialog)


def models(context: Context) -> None:
    """Show the installed models."""
    from sxtstudio.app.panels.models_dialog import ModelsDialog

    bring_up(context, "models", ModelsDialog)


def preferences(context: Context) -> None:
    """Show the preferences."""
    from sxtstudio.app.panels.preferences import PreferencesDialog

    bring_up(context, "preferences", PreferencesDialog)


def nothing(context: Context) -> None:
    """Hold the place of what is not there yet."""


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
        nothing,
        icon="mdi6.school-outline",
        why_disabled="Comes with the next version: teaching a model with labels that you corrected. "
        "Until then, keep your corrected labels; they will be what it learns from.",
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
