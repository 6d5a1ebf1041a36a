"""The help pages as data: the steps of the tutorial, and the table of keys and mouse gestures."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from sxtstudio.app.help.contents import HELP
from sxtstudio.app.states import Panel
from sxtstudio.core.handover import CONTENT_NAMES, PROGRAM_NAMES, Program
from sxtstudio.core.measure.columns import Column

if TYPE_CHECKING:
    from sxtstudio.core.measure.dictionary import ColumnSection
    from sxtstudio.workflow.handover.programs import Route

TUTORIAL = HELP / "tutorial.md"

#: A line that is nothing but a link which does something in the window.
BUTTON_LINE = re.compile(r"^\[([^\]]+)\]\((action|panel):([\w.]+)\)\s*$", re.MULTILINE)
_PICTURE = re.compile(r"!\[[^\]]*\]\(([^)]+)\)\n*")

# What the mouse does; keys come from the table of actions.
GESTURES: Mapping[str, Sequence[tuple[str, str]]] = {
    "Mouse in the slices": (
        ("Wheel", "Next or previous slice; with Shift ten at once"),
        ("Ctrl + wheel", "Zoom in and out at the pointer"),
        ("Drag, or drag with the middle button", "Move the picture"),
        ("Click", "Move the crosshair there, in all views"),
        ("Ctrl + click", "Select the object under the pointer"),
        ("Drag with the right button", "Brightness (up, down) and contrast (left, right)"),
        ("Shift while painting", "The tool erases instead"),
    ),
    "Keys in the slices": (("Arrow keys", "Next or previous slice; with Shift ten at once"),),
    "Keys while slices are judged": (
        ("1, 2, 3", "Mark false positives, artefacts, what is missing"),
        ("Esc", "Put the mark away: look around"),
        ("[ and ]", "Smaller or larger brush"),
        ("Space, Enter", "The slice is judged: on to the next"),
        ("Backspace, Shift + Space", "The slice before, of those that are judged"),
        ("U", "The slice that is shown is not judged after all"),
    ),
    "Keys while objects are checked": (
        ("Enter", "It is right"),
        ("1 … 9", "It is of another class"),
        ("Space, →", "Skip it: it comes again after all others"),
        ("←", "The one before"),
        ("Esc", "Later"),
        ("↑, ↓", "In a slice view: next or previous slice"),
    ),
    "Keys in the table of objects": (
        ("Return, double click", "Go to the object"),
        ("H", "Hide the chosen objects, or show them again"),
        ("O", "Show only the chosen objects"),
        ("A", "Show all objects"),
        ("Del", "Delete the chosen objects"),
        ("F2", "Write notes"),
        ("Ctrl + C", "Copy the chosen rows, or all"),
    ),
    "Mouse in the 3D view": (
        ("Drag", "Turn the scene"),
        ("Drag with the middle button, or Shift + drag", "Move the scene"),
        ("Wheel, or drag with the right button", "Come closer or go away"),
        ("Click", "Select the object, also in the slices"),
    ),
}


@dataclass(frozen=True)
class Button:
    """A button that does something of a step: it runs an action, or shows a panel."""

    text: str
    action: str = ""
    panel: Panel | None = None

    @classmethod
    def of(cls, text: str, kind: str, name: str) -> Button:
        """Read a link ``kind:name``."""
        return cls(text, panel=Panel(name)) if kind == "panel" else cls(text, action=name)


@dataclass(frozen=True)
class TutorialStep:
    """One page of the tutorial: title, Markdown with pictures, and its buttons."""

    title: str
    text: str
    buttons: tuple[Button, ...]
    pictures: tuple[str, ...]


def tutorial(path: Path = TUTORIAL) -> list[TutorialStep]:
    """Return the steps of the tutorial; a picture that is missing is left out of the text.

    Each begins with a heading of the second level. A line that is nothing but a link to ``action:NAME``
    or ``panel:NAME`` becomes a button.
    """
    source = path.read_text(encoding="utf-8")
    steps = []
    for part in re.split(r"^## ", source, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        buttons = tuple(Button.of(*match.groups()) for match in BUTTON_LINE.finditer(body))
        pictures = tuple(_PICTURE.findall(body))
        text = BUTTON_LINE.sub("", body)
        for name in pictures:
            if not (path.parent / name).is_file():
                text = re.sub(rf"!\[[^\]]*\]\({re.escape(name)}\)\n*", "", text)
        steps.append(TutorialStep(title.strip(), re.sub(r"\n{3,}", "\n\n", text).strip(), buttons, pictures))
    return steps


def measurements_html(found: Sequence[ColumnSection]) -> str:
    """Return the dictionary of all columns: title and name, definition, formula, source."""
    parts = [
        "<p>Every column of a table of objects. Names in files end in the unit, such as "
        "<code>volume_um3</code>; "
        "where the voxel size is unknown, lengths are in voxels and names say so. A dictionary like this "
        "one lies "
        "beside every exported table.</p>"
    ]
    for section in found:
        note = f"<p>{escape(section.note)}</p>" if section.note else ""
        rows = "".join(_column_html(column) for column in section.columns)
        parts.append(f"<h3>{escape(section.title)}</h3>{note}<table cellpadding='4'>{rows}</table>")
    return "".join(parts)


def programs_html(routes: Sequence[Route], read: Mapping[Program, str]) -> str:
    """Return the table of other programs: what is handed over, how it is opened there, what gets lost.

    Parameters
    ----------
    routes
        The rows, by program.
    read
        From what each was written, and whether the program was run.
    """
    parts = [
        "<p><i>File &gt; Export…</i> writes these, and so does <code>sxtstudio export</code>. Every file is "
        "read back and compared before it counts.</p>"
    ]
    heads = "".join(f"<th align='left'>{word}</th>" for word in ("What", "Shown there", "Open it", "Lost"))
    for program in dict.fromkeys(route.program for route in routes):
        rows = "".join(_route_html(route) for route in routes if route.program is program)
        parts.append(
            f"<h3>{escape(PROGRAM_NAMES[program])}</h3><p>{escape(read[program])}</p>"
            f"<table cellpadding='4'><tr>{heads}</tr>{rows}</table>"
        )
    return "".join(parts)


def _route_html(route: Route) -> str:
    name = f"<b>{escape(CONTENT_NAMES[route.content])}</b><br><code>{' '.join(route.suffixes)}</code>"
    cells = (route.shows.whole, route.opening.whole, route.loses.whole or "Nothing.")
    return f"<tr><td width='140'>{name}</td>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


def _column_html(column: Column) -> str:
    """Return a row: title and name in files, and what they mean."""
    name = f"<b>{escape(column.title)}</b><br><code>{escape(column.name(calibrated=True))}</code>"
    lines = [escape(column.definition)]
    if column.formula:
        lines.append(f"<i>{escape(column.formula)}</i>")
    if column.source:
        lines.append(f"<small>{escape(column.source)}</small>")
    return f"<tr><td width='230'>{name}</td><td>{'<br>'.join(lines)}</td></tr>"


def shortcuts_html(keys: Mapping[str, Sequence[tuple[str, str]]]) -> str:
    """Return tables of keys and gestures, by group: (key, what it does)."""
    parts = []
    for group, rows in keys.items():
        if rows:
            cells = "".join(
                f"<tr><td width='230'><b>{escape(key)}</b></td><td>{escape(text)}</td></tr>"
                for key, text in rows
            )
            parts.append(f"<h3>{escape(group)}</h3><table cellpadding='3'>{cells}</table>")
    return "".join(parts)
