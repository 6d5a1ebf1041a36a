"""Which objects a change was about, for a row of the history: "Split object 12 into 12 and 47"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Edit
from sxtstudio.core.object_table import TableChange
from sxtstudio.core.wording import numbers_in

_VERBS = {
    EditKind.DELETE_OBJECT: "Delete",
    EditKind.KEEP_OBJECT: "Keep only",
    EditKind.MERGE_OBJECTS: "Merge",
    EditKind.SPLIT_OBJECT: "Split",
    EditKind.NEW_OBJECT: "New",
    EditKind.REDRAW_OBJECT: "Draw",
    EditKind.ERASE_OBJECT: "Erase",
    EditKind.GROW_OBJECT: "Grow",
    EditKind.SHRINK_OBJECT: "Shrink",
    EditKind.FILL_OBJECT: "Fill",
    EditKind.INTERPOLATE: "Interpolate",
}


def objects_named(edit: Edit, parameters: Mapping[str, Any]) -> str:
    """Return what was done to which objects, "Merge objects 5 and 9 into 5"; "" where the record is silent.

    Parameters
    ----------
    edit
        Of the objects.
    parameters
        Of its step in the record: ``object`` is a number, ``objects`` numbers or, of very many, how many.
    """
    verb = _VERBS.get(edit.kind)
    words, numbers = _which(parameters)
    if verb is None or not words:
        return ""
    rows = edit.rows or TableChange()
    named = f"{verb} {words}{' (part)' if edit.partial else ''}"
    if edit.kind is EditKind.SPLIT_OBJECT:
        return f"{named} into {_listed([*numbers, *rows.new])}" if rows.new else named
    if edit.kind is EditKind.MERGE_OBJECTS:
        gone = {number for number, row in rows.after.items() if row is None}
        kept = [number for number in numbers if number not in gone]
        return f"{named} into {kept[0]}" if len(kept) == 1 else named
    return named


def _which(parameters: Mapping[str, Any]) -> tuple[str, list[int]]:
    """Return "object 12", "objects 5 and 9" or "31 objects", and the numbers that are known."""
    one, several = parameters.get("object"), parameters.get("objects")
    if isinstance(one, int):
        return f"object {one}", [one]
    if not isinstance(several, str):
        return "", []
    numbers = numbers_in(several)
    if numbers is None:
        return several, []
    return f"object{'s' if len(numbers) > 1 else ''} {_listed(numbers)}", numbers


def _listed(numbers: Sequence[int]) -> str:
    """Return "5, 9 and 12"."""
    first = ", ".join(map(str, numbers[:-1]))
    return f"{first} and {numbers[-1]}" if first else str(numbers[-1])
