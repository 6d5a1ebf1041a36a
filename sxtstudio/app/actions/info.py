"""What an action is: a record in the table from which menus, toolbar and shortcuts are built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from sxtstudio.app.session import Session
from sxtstudio.app.states import DisplayState, LayoutState, ObjectsState, Observed, ToolState

Need = Literal[
    "tomogram",
    "labels",
    "mask",
    "changes",
    "idle",
    "selection",
    "objects",
    "chosen",
    "undo",
    "redo",
    "to_save",
    "trust",
    "view3d",
    "interrupted",
    "clean_up",
    "drawn",
    "former_model",
    "recent",
]

#: Why an action is greyed, by what is missing; the first of its needs that is missing is said.
MISSING: dict[Need, str] = {
    "tomogram": "no tomogram is open",
    "labels": "there are no labels",
    "mask": "there is no cell mask",
    "changes": "objects are changed in the panel “Objects”, labels in “By hand”; here Undo means judgements",
    "idle": "the labels are being changed",
    "selection": "no object is selected",
    "objects": "there are no objects yet",
    "chosen": "no object is chosen",
    "undo": "nothing can be taken back",
    "redo": "nothing can be made again",
    "to_save": "nothing but the view was changed, which “Save project as…” keeps",
    "trust": "how sure the network is, is known after a segmentation",
    "view3d": "the 3D view is not shown",
    "interrupted": "no segmentation was interrupted",
    "clean_up": "no step of the clean-up is switched on",
    "drawn": "nothing is drawn yet",
    "former_model": "no other model was in use before",
    "recent": "the list is empty",
}


State = TypeVar("State")


@dataclass(frozen=True)
class ShownState(Generic[State]):
    """What a checkable action shows: a state of the session, and when the action counts as on in it."""

    state: Callable[[Session], Observed[State]]
    is_on: Callable[[State], bool]


def of_display(is_on: Callable[[DisplayState], bool]) -> ShownState[DisplayState]:
    """Show something of how slices are drawn."""
    return ShownState(lambda session: session.display, is_on)


def of_layout(is_on: Callable[[LayoutState], bool]) -> ShownState[LayoutState]:
    """Show something of what the window shows."""
    return ShownState(lambda session: session.layout, is_on)


def of_objects(is_on: Callable[[ObjectsState], bool]) -> ShownState[ObjectsState]:
    """Show something of how objects are shown and chosen."""
    return ShownState(lambda session: session.objects, is_on)


def of_tool(is_on: Callable[[ToolState], bool]) -> ShownState[ToolState]:
    """Show something of the tool in the hand."""
    return ShownState(lambda session: session.tool, is_on)


@dataclass(frozen=True)
class ActionInfo:
    """One action of the program.

    Attributes
    ----------
    name
        Unique, "file.open".
    text
        As in the menu, with … where it asks for more.
    menu
        "File", or "File/Open recent" for a submenu; menus appear in the order of MENUS.
    tip
        One sentence: what it does.
    run
        Called with the context of the window; for a checkable action with the new state too.
    shortcut
        Key sequence, "Ctrl+O".
    icon
        Name of a qtawesome icon, "mdi6.folder-open".
    needs
        It is enabled only while all of these are there, the most important first; ``MISSING`` has the words.
    toolbar, toolbar_text
        It also stands in the toolbar; with a word beside its icon where there is one.
    shows
        It switches something: what its tick follows, whoever changes that.
    separator
        A line stands above it in the menu.
    why_disabled
        Tooltip of an action that is not there yet; it stays disabled.
    """

    name: str
    text: str
    menu: str
    tip: str
    run: Callable[..., None]
    shortcut: str = ""
    icon: str = ""
    needs: tuple[Need, ...] = ()
    toolbar: bool = False
    toolbar_text: str = ""
    shows: ShownState[Any] | None = None
    separator: bool = False
    why_disabled: str = ""

    @property
    def checkable(self) -> bool:
        """Whether it switches something."""
        return self.shows is not None


MENUS = ("File", "Edit", "View", "Segment", "Labels", "Objects", "3D", "Tools", "Help")
