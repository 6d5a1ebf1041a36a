"""The flag of objects at a face of the volume follows every change of their voxels."""

from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Recorder
from sxtstudio.core.geometry import Box
from sxtstudio.core.object_border import with_border_flags
from sxtstudio.core.object_boxes import ObjectBoxes
from sxtstudio.core.object_classes import CLASSES
from sxtstudio.core.object_table import ObjectFlag, ObjectRow, ObjectTable, TableChange

BORDER = frozenset({ObjectFlag.BORDER})


class Drawn:
    """A volume with object 3 in its middle, 5 at its first slice, and 8 at the edge of what was measured."""

    def __init__(self, shape: tuple[int, int, int] = (6, 20, 30)) -> None:
        self.objects = np.zeros(shape, np.uint32)
        self.objects[-1:, 8:12, 8:12] = 0
        self.objects[shape[0] // 2, 8:12, 8:12] = 3
        self.objects[0, 2:5, 2:5] = 5
        self.objects[shape[0] // 2, 14:16, 14:16] = 8
        self.boxes = ObjectBoxes()
        self.boxes.find_all(self.objects)
        self.table = ObjectTable({3: ObjectRow(), 5: ObjectRow(flags=BORDER), 8: ObjectRow(flags=BORDER)})

    def write(self, box: Box, number: int, rows: TableChange | None = None) -> ObjectTable:
        recorder = Recorder(EditKind.REDRAW_OBJECT, self.objects, "objects", None, self._hear)
        recorder.write(box, np.full(box.shape, number, np.uint32))
        assert recorder.box is not None
        change = with_border_flags(rows, self.table, self.objects, self.boxes, recorder.box)
        return self.table if change is None else self.table.changed(change)

    def _hear(self, box: Box, changed: np.ndarray) -> None:
        self.boxes.touch(box)


def flagged(table: ObjectTable) -> list[int]:
    return [number for number, row in table.rows.items() if ObjectFlag.BORDER in row.flags]


@pytest.mark.parametrize(
    "box",
    [
        Box((0, 9, 9), (1, 10, 10)),
        Box((5, 9, 9), (6, 10, 10)),
        Box((3, 0, 9), (4, 1, 10)),
        Box((3, 19, 9), (4, 20, 10)),
        Box((3, 9, 0), (4, 10, 1)),
        Box((3, 9, 29), (4, 10, 30)),
    ],
    ids=["first-slice", "last-slice", "first-row", "last-row", "first-column", "last-column"],
)
def test_who_is_drawn_to_a_face_is_flagged(box: Box) -> None:
    assert flagged(Drawn().write(box, 3)) == [3, 5, 8]


def test_who_is_drawn_inside_is_not() -> None:
    assert flagged(Drawn().write(Box((1, 1, 1), (5, 2, 29)), 3)) == [5, 8]


def test_a_new_object_keeps_what_else_changes_with_it() -> None:
    drawn = Drawn()
    rows = drawn.table.change({9: ObjectRow("Vesicle", notes="by hand"), 8: None}, CLASSES[:2])
    table = drawn.write(Box((0, 9, 20), (1, 12, 24)), 9, rows)
    assert table.rows[9] == ObjectRow("Vesicle", notes="by hand", flags=BORDER)
    assert 8 not in table.rows and table.classes == CLASSES[:2] and flagged(table) == [5, 9]


def test_who_reaches_no_face_any_more_is_not_flagged_and_others_stay() -> None:
    drawn = Drawn()
    drawn.objects[1, 2:5, 2:5] = 5
    drawn.boxes.find_all(drawn.objects)
    assert flagged(drawn.write(Box((0, 0, 0), (1, 20, 30)), 0)) == [8], "8 has it for another reason"


def test_a_single_slice_has_no_face_along_z() -> None:
    drawn = Drawn((1, 20, 30))
    drawn.table = ObjectTable({3: ObjectRow()})
    assert flagged(drawn.write(Box((0, 7, 8), (1, 8, 12)), 3)) == []
    assert flagged(drawn.write(Box((0, 0, 8), (1, 8, 12)), 3)) == [3]
