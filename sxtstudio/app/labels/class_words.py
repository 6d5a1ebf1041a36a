"""A change of classes as the list of changes says it: which class, of how many objects."""

from __future__ import annotations

from collections import Counter

from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Edit
from sxtstudio.core.object_classes import ObjectClass
from sxtstudio.core.object_table import TableChange
from sxtstudio.core.wording import count, cut, listed

# So many classes are named of those that rules or a classifier gave.
_NAMED = 4


def class_words(edit: Edit) -> str:
    """Return "Classes by rule, 12 objects: Mitochondrion, 3 objects: Vesicle", or "" for other changes."""
    rows = edit.rows
    if rows is None or edit.patches:
        return ""
    if edit.kind in (EditKind.CLASS_BY_RULE, EditKind.CLASSIFY):
        return ", ".join([edit.name, *_given(rows)])
    if edit.kind is EditKind.EDIT_CLASSES and rows.classes is not None:
        return _of_list(*rows.classes, len(rows.after)) or edit.summary
    return ""


def _given(rows: TableChange) -> list[str]:
    """Return "12 objects: Mitochondrion" for each class, the most frequent first."""
    names: Counter[str] = Counter()
    as_before = 0
    for number, after in rows.after.items():
        name, before = "" if after is None else after.class_name, rows.before.get(number)
        if before is not None and before.class_name == name:
            as_before += 1  # only who gave it, or how sure it is, has changed
        else:
            names[name] += 1
    ordered = sorted(names.items(), key=lambda item: (-item[1], item[0]))
    words = [f"{count(number, 'object')}: {cut(name) or 'none'}" for name, number in ordered[:_NAMED]]
    if len(ordered) > _NAMED:
        others = sum(number for _, number in ordered[_NAMED:])
        words.append(
            f"{count(others, 'object')} of {count(len(ordered) - _NAMED, 'more class', 'more classes')}"
        )
    return words + ([f"{count(as_before, 'object')} in the class of before"] if as_before else [])


def _of_list(before: tuple[ObjectClass, ...], after: tuple[ObjectClass, ...], objects: int) -> str:
    """Return what became of the list of classes, and of how many objects."""
    former, now = [one.name for one in before], [one.name for one in after]
    gone = [name for name in former if name not in now]
    new = [name for name in now if name not in former]
    with_objects = f", {count(objects, 'object')}" if objects else ""
    if len(gone) == 1 and len(new) == 1:
        return f"Class {cut(gone[0])} renamed to {cut(new[0])}{with_objects}"
    if gone and not new:
        lost = f", {count(objects, 'object')}: none" if objects else ""
        return f"{_classes(gone)} removed{lost}"
    if new and not gone:
        return f"{_classes(new)} added"
    other_colour = [one.name for one in after if one not in before]
    return f"Colour of {_classes(other_colour, 'class')}" if other_colour and not gone else ""


def _classes(names: list[str], one: str = "Class") -> str:
    return f"{one if len(names) == 1 else one + 'es'} {listed(names)}"
