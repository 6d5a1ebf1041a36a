"""A filopodium becomes an object: its voxels, its row, and what that does to objects it was a part of."""

from __future__ import annotations

import numpy as np

from sxtstudio.core.edits import Recorder
from sxtstudio.core.filopodia.records import FACES, Filopodium, Incomplete, why_incomplete
from sxtstudio.core.object_boxes import ObjectBoxes
from sxtstudio.core.object_classes import FILOPODIUM
from sxtstudio.core.object_table import Decided, ObjectFlag, ObjectRow, ObjectTable

_BORDERS = {face for axis in FACES for face in axis}


def row_of(found: Filopodium) -> ObjectRow:
    """Return the row of a filopodium: its class, its flags, and in the notes why it is not whole."""
    flags = set()
    if _BORDERS & set(found.incomplete):
        flags.add(ObjectFlag.BORDER)
    if {Incomplete.GOLD, Incomplete.OPEN_TIP, Incomplete.GAPS} & set(found.incomplete):
        flags.add(ObjectFlag.OPEN)
    if Incomplete.DOUBTFUL in found.incomplete:
        flags.add(ObjectFlag.DOUBTFUL)
    return ObjectRow(
        FILOPODIUM.name, Decided.HAND, notes=why_incomplete(found.incomplete), flags=frozenset(flags)
    )


def take(recorder: Recorder, table: ObjectTable, boxes: ObjectBoxes, found: Filopodium) -> int:
    """Write a filopodium into an object volume as a new object; return its number.

    Voxels that were another object's are its own now; an object of which none is left goes from the table.
    ``recorder.rows`` gets what changes in the table; the class is added where the table lacks it.
    """
    objects, number = recorder.labels, table.next_number
    former = np.unique(objects[found.box.slices][found.where])
    recorder.paint(found.box, found.where, number)
    rows: dict[int, ObjectRow | None] = {number: row_of(found)}
    for other in former.tolist():
        box = boxes.of(other, objects) if other in table.rows else None
        if other in table.rows and (box is None or not (objects[box.slices] == other).any()):
            rows[other] = None
    classes = table.classes if table.class_named(FILOPODIUM.name) else (*table.classes, FILOPODIUM)
    recorder.rows = table.change(rows, classes)
    return number
