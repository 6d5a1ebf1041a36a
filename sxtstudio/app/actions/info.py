"""What an action is: a record in the table from which menus, toolbar and shortcuts are built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Need = Literal["tomogram", "labels", "mask", "idle", "selection", "undo", "redo", "modified"]


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
        It is enabled only while all of these are there; "idle": no job is changing labels; "modified":
        there is something to save.
    toolbar, toolbar_text
        It also stands in the toolbar; with a word beside its icon where there is one.
    checkable, checked
        It switches something; whether it is on at the start.
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
    checkable: bool = False
    checked: bool = False
    separator: bool = False
    why_disabled: str = ""


MENUS = ("File", "Edit", "View", "Segment", "Labels", "3D", "Tools", "Help")
