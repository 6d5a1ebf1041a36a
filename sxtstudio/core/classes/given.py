"""A class that was given by hand, as the record of steps says it: which, and to which objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sxtstudio.core.object_table import TableChange
from sxtstudio.core.wording import numbers_in, objects_text

_CLASS, _OBJECTS = "class", "objects"


def class_given(change: TableChange) -> dict[str, str]:
    """Return the class and the objects of a change of the table that gives one class by hand."""
    names = {"" if row is None else row.class_name for row in change.after.values()}
    if len(names) != 1:
        return {}
    return {_CLASS: names.pop() or "none", _OBJECTS: objects_text(change.after)}


def same_class(former: Mapping[str, Any], later: Mapping[str, Any]) -> bool:
    """Whether two such steps are one to the reader: of one class, and both with the numbers of the objects.

    Former versions noted neither.
    """
    if former.get(_CLASS) != later.get(_CLASS):
        return False
    known = [numbers_in(one.get(_OBJECTS)) is not None for one in (former, later) if _OBJECTS in one]
    return len(known) != 1 and all(known)


def class_together(former: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """Return what two steps of which ``same_class`` is true say together."""
    numbers = [*(numbers_in(former.get(_OBJECTS)) or ()), *(numbers_in(later.get(_OBJECTS)) or ())]
    return {**later, _OBJECTS: ", ".join(map(str, sorted(set(numbers))))} if numbers else dict(later)


def objects_read(words: Any) -> str:
    """Return the objects of a step as people read them: of very many that came together, how many."""
    numbers = numbers_in(words)
    return str(words) if numbers is None else objects_text(numbers)
