"""What the list of changes says of classes: which of them, of how many objects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sxtstudio.app.labels.class_words import class_words
from sxtstudio.app.labels.history import change_texts, next_text
from sxtstudio.core.classes.assigning import by_rules, class_changed, class_removed
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Edit
from sxtstudio.core.geometry import Box
from sxtstudio.core.object_classes import MITOCHONDRION, ObjectClass
from sxtstudio.core.object_table import Decided, ObjectRow, ObjectTable, TableChange
from sxtstudio.core.patches import Patch

#: 1 to 12 mitochondria, 13 and 14 vesicles, 15 to 20 without class.
TABLE = ObjectTable(
    {
        number: ObjectRow(
            "Mitochondrion" if number < 13 else "Vesicle" if number < 15 else "",
            Decided.CLASSIFIER if number < 15 else Decided.NOBODY,
            0.7 if number < 15 else None,
        )
        for number in range(1, 21)
    }
)


def edit_of(kind: EditKind, change: TableChange) -> Edit:
    return Edit(kind, (), "objects", rows=change)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (class_removed(TABLE, "Mitochondrion"), "Class Mitochondrion removed, 12 objects: none"),
        (class_removed(TABLE, "Gold"), "Class Gold removed"),
        (
            class_changed(TABLE, MITOCHONDRION, ObjectClass("Large one", MITOCHONDRION.rgb)),
            "Class Mitochondrion renamed to Large one, 12 objects",
        ),
        (
            class_changed(TABLE, MITOCHONDRION, ObjectClass("Mitochondrion", (1, 2, 3))),
            "Colour of class Mitochondrion",
        ),
        (TABLE.change({}, (*TABLE.classes, ObjectClass("Fleck", (9, 9, 9)))), "Class Fleck added"),
        (
            TABLE.change(
                {}, (*TABLE.classes, ObjectClass("Fleck", (9, 9, 9)), ObjectClass("Sack", (9, 9, 8)))
            ),
            "Classes Fleck, Sack added",
        ),
    ],
)
def test_a_change_of_the_list_says_which_class_and_of_how_many_objects(
    change: TableChange, said: str
) -> None:
    edit = edit_of(EditKind.EDIT_CLASSES, change)
    assert change_texts((edit,), (), ()) == [said]
    assert next_text(edit, (), back=True) == next_text(edit, (), back=False) == said


def test_rules_say_what_they_gave_and_what_they_took() -> None:
    decided = {**dict.fromkeys(range(1, 13), "Mitochondrion"), **dict.fromkeys((15, 16, 17), "Lipid droplet")}
    ruled = TABLE.changed(TABLE.change(by_rules(TABLE, decided)))
    again = ruled.change(by_rules(ruled, {15: "Vesicle", **dict.fromkeys(range(1, 13), "Mitochondrion")}))
    texts = change_texts(
        (
            edit_of(EditKind.CLASS_BY_RULE, TABLE.change(by_rules(TABLE, decided))),
            edit_of(EditKind.CLASS_BY_RULE, again),
        ),
        (),
        (),
    )
    assert texts == [
        "Classes by rule, 3 objects: Lipid droplet, 12 objects in the class of before",
        "Classes by rule, 2 objects: none, 1 object: Vesicle",
    ]


def test_of_many_classes_the_most_frequent_are_named() -> None:
    names = ["A"] * 6 + ["B"] * 5 + ["C"] * 4 + ["D"] * 2 + ["E", "F"]
    rows = {
        number: ObjectRow(name, Decided.CLASSIFIER, 0.9)
        for number, name in zip(TABLE.rows, names, strict=False)
    }
    edit = edit_of(EditKind.CLASSIFY, ObjectTable.of(range(1, 21)).change(rows))
    assert class_words(edit) == (
        "Classify objects, 6 objects: A, 5 objects: B, 4 objects: C, 2 objects: D, "
        "2 objects of 2 more classes"
    )


def test_other_changes_are_said_as_ever() -> None:
    one = np.ones((1, 1, 1), np.uint32)
    found = Edit(EditKind.FIND_OBJECTS, (Patch.of(Box((0, 0, 0), (1, 1, 1)), one, one),), "objects")
    by_hand = edit_of(EditKind.CLASS, TABLE.change({15: replace(TABLE.rows[15], class_name="Gold")}))
    assert class_words(found) == class_words(by_hand) == ""
    assert change_texts((by_hand,), (), ()) == ["Class of object 15: Gold"]
