"""Which objects lie at a face of the volume, and the flag that says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.object_boxes import ObjectBoxes
from sxtstudio.core.object_table import ObjectFlag, ObjectRow, ObjectTable, TableChange


def with_border_flags(
    change: TableChange | None, table: ObjectTable, objects: NDArray[np.uint32], boxes: ObjectBoxes, box: Box
) -> TableChange | None:
    """Return a change of the table in which objects that an edit moved to a face of the volume are flagged.

    One that no longer reaches a face that it reached loses the flag; one that has it for another reason, such
    as the edge of what was reconstructed, keeps it.

    Parameters
    ----------
    change
        What else the edit changes in ``table``, which is of before it.
    objects
        After the edit, (z, y, x).
    boxes
        That have heard of it; those of objects that became smaller may be too large.
    box
        What it has changed.
    """
    z, y, x = objects.shape
    if not _faces(box, (z, y, x)):
        return change
    after = table if change is None else table.changed(change)
    rows: dict[int, ObjectRow | None] = {}
    for number in boxes.touching(box, objects):
        row, own = after.rows.get(number), boxes.of(number, objects)
        faces = [] if own is None else _faces(own, (z, y, x))
        if row is None or not faces:
            continue
        there = any(bool((objects[face.slices] == number).any()) for face in faces)
        if there != (ObjectFlag.BORDER in row.flags):
            rows[number] = replace(row, flags=row.flags ^ {ObjectFlag.BORDER})
    if not rows:
        return change
    if change is None:
        return table.change(rows)
    return table.change({**change.after, **rows}, None if change.classes is None else change.classes[1])


def _faces(box: Box, shape: Triple) -> list[Box]:
    """Return the parts of a box that lie on faces of the volume; a single slice has none along z."""
    found = []
    for axis, length in enumerate(shape):
        for place in {0, length - 1} if length > 1 else ():
            if box.start[axis] <= place < box.stop[axis]:
                start, stop = list(box.start), list(box.stop)
                start[axis], stop[axis] = place, place + 1
                found.append(Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2])))
    return found
