from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Recorder
from sxtstudio.core.filopodia.records import Filopodium, Incomplete
from sxtstudio.core.filopodia.taking import row_of, take
from sxtstudio.core.geometry import Box
from sxtstudio.core.object_boxes import ObjectBoxes
from sxtstudio.core.object_classes import CLASSES, FILOPODIUM
from sxtstudio.core.object_table import Decided, ObjectFlag, ObjectTable


def filopodium(*incomplete: Incomplete) -> Filopodium:
    where = np.ones((1, 2, 6), np.bool_)
    where[0, 0, 0] = False
    nothing = np.empty(0)
    return Filopodium(
        (1, 2, 4), Box((1, 2, 2), (2, 4, 8)), where, 6.0, 6.0, np.empty((0, 3)), nothing, nothing, incomplete
    )


def test_its_voxels_leave_the_object_that_they_were_part_of() -> None:
    objects = np.zeros((3, 8, 10), np.uint32)
    objects[1, 2, :5] = 2
    objects[1, 3, 4:6] = 5  # all of it lies in the filopodium
    boxes = ObjectBoxes()
    boxes.find_all(objects)
    recorder = Recorder(EditKind.NEW_OBJECT, objects, "objects")
    number = take(recorder, ObjectTable.of([2, 5]), boxes, filopodium())
    assert number == 6 and (objects == 6).sum() == 11 and (objects == 2).sum() == 3
    edit = recorder.finish()
    assert edit is not None and edit.rows is not None
    assert set(edit.rows.after) == {5, 6} and edit.rows.after[5] is None
    edit.toggle(objects)
    assert (objects == 5).sum() == 2 and not (objects == 6).any(), "one step for Undo"


def test_a_class_that_was_removed_comes_back() -> None:
    objects = np.zeros((3, 8, 10), np.uint32)
    recorder = Recorder(EditKind.NEW_OBJECT, objects, "objects")
    table = ObjectTable(classes=CLASSES[:2])
    assert take(recorder, table, ObjectBoxes(), filopodium()) == 1
    assert recorder.rows is not None
    assert table.changed(recorder.rows).class_named("Filopodium") == FILOPODIUM


@pytest.mark.parametrize(
    ("incomplete", "flags", "words"),
    [
        ((), set(), ""),
        ((Incomplete.LAST_Z,), {ObjectFlag.BORDER}, "cut by the last slice (z)"),
        ((Incomplete.OPEN_TIP,), {ObjectFlag.OPEN}, "open at the tip"),
        ((Incomplete.FIRST_X, Incomplete.GOLD), {ObjectFlag.BORDER, ObjectFlag.OPEN}, "interrupted by gold"),
    ],
    ids=["whole", "border", "tip", "gold"],
)
def test_its_row_says_whether_it_is_whole(
    incomplete: tuple[Incomplete, ...], flags: set[ObjectFlag], words: str
) -> None:
    row = row_of(filopodium(*incomplete))
    assert (row.class_name, row.decided, row.flags) == ("Filopodium", Decided.HAND, flags)
    assert words in row.notes and bool(row.notes) == bool(incomplete)
