"""What a document knows of its objects beside their voxels: the table, and where each of them lies."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.edits import Edit, Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.logs import LOGGER
from sxtstudio.core.object_border import with_border_flags
from sxtstudio.core.object_boxes import ObjectBoxes
from sxtstudio.core.object_table import ObjectRow, ObjectTable, TableChange
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume
from sxtstudio.core.walk import walk
from sxtstudio.io.object_table import TableLog, change_mark

LOG = "objects.jsonl"


class DocumentObjects:
    """The table of the objects and their boxes; every change of the table is on disk before it returns.

    Attributes
    ----------
    table
        One row per object.
    boxes
        Where they lie.
    """

    def __init__(self, folder: Path) -> None:
        """Begin without objects; ``folder`` is the working folder."""
        self.table = ObjectTable()
        self.boxes = ObjectBoxes()
        self._log = TableLog(folder / LOG)
        self._marks: frozenset[int] = frozenset()

    def change(self, change: TableChange) -> None:
        """Change the table."""
        self.table = self.table.changed(change)
        self._write(change)

    def replace(self, table: ObjectTable) -> None:
        """Have another table, as a project or a former session left it."""
        self.table = table
        self._write(None)

    def _write(self, change: TableChange | None) -> None:
        """Write it down; trouble costs what a crash would lose, and nothing else."""
        try:
            self._log.append(self.table, change)
        except (OSError, UserError) as error:
            LOGGER.warning("a crash would lose what is known of the objects: %s", error)

    def read_log(self) -> None:
        """Take the table as a crash has left it.

        Raises
        ------
        UserError
            If it is damaged.
        """
        found = self._log.read()
        if found is not None:
            self.table, self._marks = found

    def take_missing(self, made: Iterable[Edit]) -> None:
        """Take the changes that edits made, where the crash came before they were written down."""
        for edit in made:
            rows = edit.rows
            # One that was undone stands in the log, and does not count there while it is made again.
            if rows is not None and (change_mark(rows) not in self._marks or _is_before(self.table, rows)):
                self.table = self.table.changed(rows)

    def agree(self) -> None:
        """Have a row for each object that the boxes know, and for no other."""
        table = with_numbers(self.table, self.boxes.numbers)
        if table is not self.table:
            self.replace(table)


def _is_before(table: ObjectTable, change: TableChange) -> bool:
    return all(table.rows.get(number) == row for number, row in change.before.items())


def with_numbers(table: ObjectTable, numbers: Iterable[int]) -> ObjectTable:
    """Return a table with a row for each of ``numbers`` and for no other; itself where it has those."""
    wanted = sorted(numbers)
    if table.rows.keys() == set(wanted):
        return table
    empty = ObjectRow()
    return ObjectTable({number: table.rows.get(number, empty) for number in wanted}, table.classes)


def replace_objects(
    recorder: Recorder,
    objects: Volume,
    former: ObjectTable,
    table: ObjectTable,
    boxes: ObjectBoxes,
    progress: Progress | None = None,
) -> None:
    """Replace all objects of a document by others, slab by slab, as one edit; for a job.

    Parameters
    ----------
    recorder
        Of the "objects", not finished yet.
    objects
        The new ones (z, y, x), uint8, uint16 or uint32.
    former, table
        The table of the document, and the one that belongs to the new objects.
    boxes
        Of the document: brought up to date here, so that nobody waits for it later.
    progress
        Counts slices.

    Raises
    ------
    Cancelled
        If the user stopped it; the caller rolls the edit back.
    """
    volume: NDArray[np.uint32] = recorder.labels
    for box in walk(objects.shape, volume, progress=progress):
        recorder.write(box, objects.read(box).astype(np.uint32, copy=False))
    boxes.find_all(volume)
    rows = dict.fromkeys(former.rows.keys() - table.rows.keys()) | dict(table.rows)
    change = former.change(rows, table.classes)
    recorder.rows = with_border_flags(change, former, volume, boxes, Box.whole(volume.shape))
