"""The table beside an object volume: one row per object, its class, notes and flags."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sxtstudio.core.object_classes import CLASSES, ObjectClass

#: Objects are numbered with 32 bit.
MOST_NUMBER = 0xFFFFFFFF

#: What the user is told where something is wanted of the chosen object. *Pick* and its key are those of
#: the window's tool.
NONE_CHOSEN = (
    "No object is chosen. Ctrl+click one in a slice, or choose it with “Pick” (C), in 3D or in the table."
)


class ObjectFlag(StrEnum):
    """Why an object may not be whole, or not be one; the values stand in files and never change."""

    BORDER = "border"  # it touches a face of the volume, or the edge of what was reconstructed
    OPEN = "open"  # much of it is missing above or below its outlines (core/bodies/ends.py)
    DOUBTFUL = "doubtful"  # the network was not sure of its outline
    SHEET = "sheet"  # an open sheet of membrane, such as ER, which encloses nothing
    CHECKED = "checked"  # somebody looked at it, open as it is, and it is right


class Decided(StrEnum):
    """Who gave an object its class; the values stand in files and never change."""

    NOBODY = "nobody"
    HAND = "hand"
    RULE = "rule"
    CLASSIFIER = "classifier"


@dataclass(frozen=True)
class ObjectRow:
    """What is known of one object besides its voxels and measurements.

    ``class_name`` is "" where it has no class; ``sure`` is how sure a classifier was of it, 0…1.
    """

    class_name: str = ""
    decided: Decided = Decided.NOBODY
    sure: float | None = None
    notes: str = ""
    flags: frozenset[ObjectFlag] = frozenset()


@dataclass(frozen=True)
class TableChange:
    """What changed in a table: the rows before and after (None: no such object), and the classes if they did.

    It belongs to an edit of the object volume, or stands alone, and is taken back and made again with it.
    """

    before: Mapping[int, ObjectRow | None] = field(default_factory=dict)
    after: Mapping[int, ObjectRow | None] = field(default_factory=dict)
    classes: tuple[tuple[ObjectClass, ...], tuple[ObjectClass, ...]] | None = None

    @property
    def changes(self) -> bool:
        """Whether it changes anything."""
        return bool(self.after) or self.classes is not None

    @property
    def new(self) -> tuple[int, ...]:
        """The objects that are there after it, and were not before, ascending."""
        return tuple(
            sorted(number for number, row in self.after.items() if row and not self.before.get(number))
        )

    def reversed(self) -> TableChange:
        """Return the change that takes this one back."""
        classes = None if self.classes is None else (self.classes[1], self.classes[0])
        return TableChange(self.after, self.before, classes)


@dataclass(frozen=True)
class ObjectTable:
    """Rows by the number of the object, and the classes that there are. Never changed in place."""

    rows: Mapping[int, ObjectRow] = field(default_factory=dict)
    classes: tuple[ObjectClass, ...] = CLASSES

    @classmethod
    def of(cls, numbers: Iterable[int], classes: tuple[ObjectClass, ...] = CLASSES) -> ObjectTable:
        """Return a table of objects of which nothing is known yet."""
        row = ObjectRow()
        return cls(dict.fromkeys(sorted(numbers), row), classes)

    @property
    def next_number(self) -> int:
        """The number that a new object gets: one more than the largest, or the first free one."""
        largest = max(self.rows, default=0)
        if largest < MOST_NUMBER:
            return largest + 1
        return next(number for number in itertools.count(1) if number not in self.rows)

    def class_named(self, name: str) -> ObjectClass | None:
        """Return the class of that name."""
        return next((found for found in self.classes if found.name == name), None)

    def change(
        self, rows: Mapping[int, ObjectRow | None], classes: tuple[ObjectClass, ...] | None = None
    ) -> TableChange:
        """Return the change that sets or (None) removes ``rows``; only what differs is in it."""
        after = {number: row for number, row in rows.items() if self.rows.get(number) != row}
        before = {number: self.rows.get(number) for number in after}
        differ = classes is not None and classes != self.classes
        return TableChange(before, after, (self.classes, classes) if differ and classes else None)

    def changed(self, change: TableChange) -> ObjectTable:
        """Return the table after a change."""
        rows = dict(self.rows)
        for number, row in change.after.items():
            if row is None:
                rows.pop(number, None)
            else:
                rows[number] = row
        added = any(number not in self.rows for number in change.after)
        ordered = dict(sorted(rows.items())) if added else rows
        return ObjectTable(ordered, self.classes if change.classes is None else change.classes[1])
