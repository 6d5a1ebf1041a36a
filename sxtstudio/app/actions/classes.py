"""Classes of objects: give them by key, by rule and by a classifier, and check them one by one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sxtstudio.app.actions.info import ActionInfo, Need, of_objects
from sxtstudio.app.context import Context
from sxtstudio.app.objects.classes.list import KEYS
from sxtstudio.app.objects.classes.rules import RuleDialog
from sxtstudio.app.objects.classes.sections import ClassSections
from sxtstudio.app.states import Panel
from sxtstudio.core.errors import UserError

_MENU = "Objects/Class"


def _classing(context: Context) -> ClassSections:
    return context.parts.objects.classing


def _shown(context: Context) -> ClassSections:
    context.parts.side.show_panel(Panel.OBJECTS)
    return _classing(context)


def _said(work: Callable[[Context], object], context: Context) -> None:
    """Run ``work(context)``; what the user can mend is said in the status bar."""
    try:
        work(context)
    except UserError as error:
        context.session.remark(str(error))


def give(place: int, context: Context) -> None:
    """Give the class at a place of the list."""
    _classing(context).key(place)


def take_away(context: Context) -> None:
    """Take the class of the chosen objects away."""
    _classing(context).classes.give_to_chosen("")


def by_click(context: Context, on: bool) -> None:
    """Let clicks give the current class, or not."""
    _shown(context).classes.set_by_click(on)


def by_rule(context: Context) -> None:
    """Show the dialog of rules."""
    context.dialogs.bring_up(RuleDialog)


def train(context: Context) -> None:
    """Train the classifier."""
    _shown(context).begin_training()


def classify(context: Context) -> None:
    """Give a class to all objects that have none by hand and none by rule."""
    _shown(context).classify()


def open_classifier(context: Context) -> None:
    """Take the classifier of a file."""
    _shown(context).open_classifier()


def save_classifier(context: Context) -> None:
    """Write the classifier to a file."""
    _shown(context).save_classifier()


def remove_classifier(context: Context) -> None:
    """Have no classifier any more."""
    _shown(context).remove_classifier()


def check(context: Context) -> None:
    """Begin, or go on, to check objects one by one."""
    _shown(context).check()


_CHOSEN: tuple[Need, ...] = ("objects", "changes", "chosen", "idle")
_OBJECTS: tuple[Need, ...] = ("objects", "idle")

ACTIONS: tuple[ActionInfo, ...] = (
    *(
        ActionInfo(
            f"classes.give_{place + 1}",
            f"Class {place + 1}",
            _MENU,
            f"Give class number {place + 1} of the list to the chosen objects, or to the one being checked",
            partial(_said, partial(give, place)),
            shortcut=str(place + 1),
            needs=("objects", "changes", "idle"),
        )
        for place in range(KEYS)
    ),
    ActionInfo(
        "classes.none",
        "No class",
        _MENU,
        "Take the class of the chosen objects away",
        partial(_said, take_away),
        shortcut="Backspace",
        needs=_CHOSEN,
        separator=True,
    ),
    ActionInfo(
        "classes.by_click",
        "Give class by click",
        "Objects",
        "Give the current class to each object that is clicked on, in slices, in 3D and in the table",
        by_click,
        shortcut="Ctrl+Shift+G",
        icon="mdi6.cursor-default-click-outline",
        needs=("objects",),
        shows=of_objects(lambda state: state.click_class),
        separator=True,
    ),
    ActionInfo(
        "classes.by_rule",
        "Classes by rule…",
        "Objects",
        "Give a class to all objects whose measurements lie within limits",
        by_rule,
        icon="mdi6.ruler",
        needs=("objects", "changes"),
    ),
    ActionInfo(
        "classes.train",
        "Train the classifier",
        "Objects",
        "Train a classifier with the objects whose class was given by hand",
        partial(_said, train),
        icon="mdi6.school-outline",
        needs=_OBJECTS,
    ),
    ActionInfo(
        "classes.classify",
        "Classify the other objects",
        "Objects",
        "Give a class to all objects that have none by hand and none by rule, as the classifier says",
        partial(_said, classify),
        icon="mdi6.shape-outline",
        needs=_OBJECTS,
    ),
    ActionInfo(
        "classes.open",
        "Open a classifier…",
        "Objects",
        "Take a classifier from a file, such as one of another tomogram",
        partial(_said, open_classifier),
        icon="mdi6.folder-open-outline",
        needs=("tomogram",),
    ),
    ActionInfo(
        "classes.save",
        "Save the classifier…",
        "Objects",
        "Write the classifier to a file, for other tomograms and for the command line",
        partial(_said, save_classifier),
        icon="mdi6.content-save-outline",
        needs=("tomogram",),
    ),
    ActionInfo(
        "classes.remove",
        "Remove the classifier",
        "Objects",
        "Have no classifier, and no examples of other tomograms, any more; classes that were given stay",
        remove_classifier,
        icon="mdi6.close",
        needs=("tomogram",),
    ),
    ActionInfo(
        "classes.check",
        "Check objects one by one",
        "Objects",
        "Go to the object that the classifier is least sure of, then to the next; one key per answer",
        partial(_said, check),
        shortcut="Ctrl+Shift+K",
        icon="mdi6.playlist-check",
        needs=_OBJECTS,
    ),
)
