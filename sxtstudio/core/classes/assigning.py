"""Which rows of the table a class given by hand, by rules or by a classifier changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sxtstudio.core.classes.classifier import Predictions
from sxtstudio.core.object_classes import ObjectClass
from sxtstudio.core.object_table import Decided, ObjectRow, ObjectTable, TableChange

Rows = dict[int, ObjectRow | None]


def by_hand(table: ObjectTable, numbers: Iterable[int], class_name: str) -> Rows:
    """Give objects a class by hand; "" takes their class away, and others may decide again."""
    decided = Decided.HAND if class_name else Decided.NOBODY
    return {
        number: replace(table.rows[number], class_name=class_name, decided=decided, sure=None)
        for number in numbers
        if number in table.rows
    }


def by_rules(table: ObjectTable, decided: Mapping[int, str]) -> Rows:
    """Give objects the class that rules decided; what was given by hand stays, a classifier's is replaced.

    What rules gave before and do not give now loses its class: the rules together say what is what.
    """
    rows: Rows = {}
    for number, row in table.rows.items():
        name = decided.get(number)
        if row.decided is Decided.HAND:
            continue
        if name is not None:
            rows[number] = replace(row, class_name=name, decided=Decided.RULE, sure=None)
        elif row.decided is Decided.RULE:
            rows[number] = replace(row, class_name="", decided=Decided.NOBODY, sure=None)
    return rows


def by_classifier(table: ObjectTable, predictions: Predictions) -> Rows:
    """Give objects the class that a classifier says; what was given by hand or by a rule stays."""
    said = zip(predictions.numbers.tolist(), predictions.class_names, predictions.sure.tolist(), strict=True)
    return {
        number: replace(table.rows[number], class_name=name, decided=Decided.CLASSIFIER, sure=round(sure, 3))
        for number, name, sure in said
        if number in table.rows and table.rows[number].decided not in (Decided.HAND, Decided.RULE)
    }


def given_by_hand(table: ObjectTable) -> dict[int, str]:
    """Return the class of each object that has one by hand: what a classifier is trained with."""
    return {
        number: row.class_name
        for number, row in table.rows.items()
        if row.decided is Decided.HAND and row.class_name
    }


def with_classes(table: ObjectTable, added: Iterable[ObjectClass]) -> tuple[ObjectClass, ...]:
    """Return the classes of the table and those of ``added`` whose names it does not have."""
    names = {one.name for one in table.classes}
    return (*table.classes, *(one for one in added if one.name not in names))


def class_changed(table: ObjectTable, former: ObjectClass, new: ObjectClass) -> TableChange:
    """Rename or recolour a class; its objects go with it.

    Raises
    ------
    ValueError
        If another class has the new name.
    """
    if new.name != former.name and table.class_named(new.name) is not None:
        raise ValueError(f"there is a class of the name {new.name!r}")
    classes = tuple(new if one == former else one for one in table.classes)
    rows: Rows = {}
    if new.name != former.name:
        rows = {
            number: replace(row, class_name=new.name)
            for number, row in table.rows.items()
            if row.class_name == former.name
        }
    return table.change(rows, classes)


def class_removed(table: ObjectTable, name: str) -> TableChange:
    """Remove a class; its objects have none then."""
    rows: Rows = {
        number: replace(row, class_name="", decided=Decided.NOBODY, sure=None)
        for number, row in table.rows.items()
        if row.class_name == name
    }
    return table.change(rows, tuple(one for one in table.classes if one.name != name))
