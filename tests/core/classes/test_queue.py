"""The proofreading queue, and what classes given by hand, rule or classifier change in the table."""

from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.core.classes.assigning import (
    by_classifier,
    by_hand,
    by_rules,
    class_changed,
    class_removed,
    given_by_hand,
    with_classes,
)
from sxtstudio.core.classes.classifier import Predictions
from sxtstudio.core.classes.queue import ClassIs, Queue, Right, Skip, Why, questions, row_after
from sxtstudio.core.object_classes import FILOPODIUM, GOLD, VESICLE, ObjectClass
from sxtstudio.core.object_table import Decided, ObjectFlag, ObjectRow, ObjectTable

DOUBT = frozenset({ObjectFlag.DOUBTFUL})


def said(name: str, sure: float, flags: frozenset[ObjectFlag] = frozenset()) -> ObjectRow:
    return ObjectRow(name, Decided.CLASSIFIER, sure, flags=flags)


TABLE = ObjectTable(
    {
        1: said("Vesicle", 0.9),
        2: said("Vesicle", 0.4, DOUBT),
        3: ObjectRow("Gold", Decided.HAND, notes="mine"),
        4: said("Gold", 0.6),
        5: ObjectRow("Vesicle", Decided.HAND, flags=DOUBT | {ObjectFlag.BORDER}),
        6: ObjectRow(flags=DOUBT),
        7: ObjectRow(),
        8: ObjectRow("ER", Decided.RULE),
    }
)


def test_the_least_sure_come_first_then_doubtful_outlines() -> None:
    asked = questions(TABLE)
    assert [one.number for one in asked] == [2, 4, 1, 5, 6]
    assert [one.why for one in asked] == [Why.UNSURE] * 3 + [Why.DOUBTFUL] * 2
    assert [one.number for one in questions(TABLE, {1: 0.0, 2: 0.5, 4: 0.2})] == [1, 4, 2, 5, 6]


def test_each_answer_brings_the_next_one_until_all_is_checked() -> None:
    table, queue, seen = TABLE, Queue.begin(TABLE), []
    while queue.current is not None:
        number = queue.current.number
        seen.append(number)
        answer = ClassIs("ER") if number == 4 else Right()
        table = table.changed(table.change({number: row_after(table.rows[number], answer)}))
        queue = queue.next_after(answer, table)
    assert seen == [2, 4, 1, 5, 6]
    assert questions(table) == []
    assert table.rows[2] == ObjectRow("Vesicle", Decided.HAND)
    assert table.rows[4] == ObjectRow("ER", Decided.HAND)
    assert table.rows[5] == ObjectRow("Vesicle", Decided.HAND, flags=frozenset({ObjectFlag.BORDER}))
    assert table.rows[6] == ObjectRow(), "an outline that is right gives no class"


def test_open_bodies_are_asked_about_last_and_stay_open() -> None:
    is_open = frozenset({ObjectFlag.OPEN})
    table = TABLE.changed(
        TABLE.change(
            {
                8: ObjectRow("ER", Decided.RULE, flags=is_open | {ObjectFlag.BORDER}),
                9: ObjectRow(flags=is_open),
                10: ObjectRow(flags=is_open | {ObjectFlag.SHEET}),
                11: ObjectRow(FILOPODIUM.name, Decided.HAND, flags=is_open),
                12: ObjectRow(flags=is_open | DOUBT),
            }
        )
    )
    asked = questions(table)
    assert [one.number for one in asked] == [2, 4, 1, 5, 6, 12, 8, 9]
    assert [one.why for one in asked[-3:]] == [Why.DOUBTFUL, Why.OPEN, Why.OPEN]
    for number, answer in ((12, Right()), (8, Right()), (9, ClassIs("Gold"))):
        row = row_after(table.rows[number], answer)
        assert ObjectFlag.OPEN in row.flags, "it is cut by the wedge whatever was answered"
        table = table.changed(table.change({number: row}))
        assert number not in {one.number for one in questions(table)}
    assert row_after(table.rows[10], Skip()) == table.rows[10]


def test_skipped_objects_come_again_after_all_others() -> None:
    table, queue, seen = TABLE, Queue.begin(TABLE), []
    for answer in (Skip(), Right(), Skip(), Right(), Right(), Skip(), Right(), Right()):
        assert queue.current is not None
        number = queue.current.number
        seen.append(number)
        table = table.changed(table.change({number: row_after(table.rows[number], answer)}))
        queue = queue.next_after(answer, table)
    assert seen == [2, 4, 1, 5, 6, 2, 1, 2] and queue.current is None


def test_one_goes_back_and_answers_anew() -> None:
    queue = Queue.begin(TABLE)
    assert queue.back() == queue
    table = TABLE.changed(TABLE.change({2: row_after(TABLE.rows[2], ClassIs("Gold"))}))
    queue = queue.next_after(ClassIs("Gold"), table).next_after(Skip(), table)
    assert queue.current is not None and queue.current.number == 1
    queue = queue.back().back()
    assert queue.current is not None and queue.current.number == 2 and queue.skipped == ()
    queue = queue.next_after(Right(), table)
    assert queue.current is not None and queue.current.number == 4


def test_the_queue_goes_on_where_it_was_left() -> None:
    """Also after the table changed otherwise: an object is gone, or a class was taken back."""
    queue = Queue.begin(TABLE)
    without = TABLE.changed(TABLE.change({2: None}))
    now = queue.checked(without)
    assert now.current is not None and now.current.number == 4
    assert now.checked(TABLE) == now
    assert Queue.begin(ObjectTable()).current is None
    assert Queue.begin(ObjectTable()).checked(TABLE).current == queue.current


SAID = Predictions(
    np.array([1, 3, 7, 8, 99]),
    ("Gold", "Vesicle"),
    np.array([[0.7, 0.3], [0.1, 0.9], [0.25, 0.75], [1.0, 0.0], [1.0, 0.0]]),
    np.zeros(5, bool),
)


def test_a_classifier_leaves_what_was_given_by_hand_and_by_rule() -> None:
    rows = by_classifier(TABLE, SAID)
    assert rows == {1: said("Gold", 0.7), 7: said("Vesicle", 0.75)}, "a rule said what 8 is"
    ruled = TABLE.changed(TABLE.change({7: ObjectRow("ER", Decided.RULE)}))
    assert set(by_classifier(ruled, SAID)) == {1}, "rules come first"
    assert by_rules(TABLE.changed(TABLE.change(rows)), {7: "ER"})[7] == ObjectRow("ER", Decided.RULE)
    assert np.allclose(SAID.margins, [0.4, 0.8, 0.5, 1, 1])


def test_rules_leave_what_was_given_by_hand_and_take_back_what_no_longer_fits() -> None:
    rows = by_rules(TABLE, {1: "ER", 3: "ER", 7: "Gold", 99: "ER"})
    assert rows == {
        1: ObjectRow("ER", Decided.RULE),
        7: ObjectRow("Gold", Decided.RULE),
        8: ObjectRow(),
    }


def test_by_hand_a_class_is_given_and_taken_away() -> None:
    assert by_hand(TABLE, [1, 3, 99], "ER") == {
        1: ObjectRow("ER", Decided.HAND),
        3: ObjectRow("ER", Decided.HAND, notes="mine"),
    }
    assert by_hand(TABLE, [3], "")[3] == ObjectRow(notes="mine")
    assert given_by_hand(TABLE) == {3: "Gold", 5: "Vesicle"}


def test_a_renamed_class_takes_its_objects_along_and_a_removed_one_leaves_them() -> None:
    own = ObjectClass("Endosome", (1, 2, 3))
    change = class_changed(TABLE, VESICLE, own)
    renamed = TABLE.changed(change)
    assert {n for n, row in renamed.rows.items() if row.class_name == "Endosome"} == {1, 2, 5}
    assert renamed.rows[1].sure == 0.9 and renamed.rows[5].decided is Decided.HAND
    assert renamed.classes[TABLE.classes.index(VESICLE)] == own
    assert renamed.changed(change.reversed()) == TABLE
    recoloured = class_changed(TABLE, VESICLE, ObjectClass("Vesicle", (9, 9, 9)))
    assert not recoloured.after and recoloured.classes is not None
    with pytest.raises(ValueError, match="Gold"):
        class_changed(TABLE, VESICLE, ObjectClass("Gold", (0, 0, 0)))
    removed = TABLE.changed(class_removed(TABLE, "Gold"))
    assert GOLD not in removed.classes
    assert removed.rows[3] == ObjectRow(notes="mine") and removed.rows[4] == ObjectRow()
    assert (
        TABLE.changed(class_removed(TABLE, "Gold")).changed(class_removed(TABLE, "Gold").reversed()) == TABLE
    )


def test_classes_of_a_file_are_added_once() -> None:
    own = ObjectClass("Endosome", (1, 2, 3))
    assert with_classes(TABLE, [own, ObjectClass("Gold", (0, 0, 0))]) == (*TABLE.classes, own)
