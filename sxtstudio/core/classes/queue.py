"""The queue of objects to be checked: the least sure first, then those of a doubtful outline, then open ones.

What has been checked is in the table itself (given by hand, no longer doubtful, or open but checked), so that
the queue can be left at any time, and goes on where it was left, also in another week.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from sxtstudio.core.object_classes import FILOPODIUM
from sxtstudio.core.object_table import Decided, ObjectFlag, ObjectRow, ObjectTable

#: In the record of an answer: which object, and whether the answer was taken back.
CHECKED_OBJECT, TAKEN_BACK = "object", "taken_back"


class Why(Enum):
    """Why somebody should look at an object."""

    UNSURE = "unsure"  # a classifier gave it its class
    DOUBTFUL = "doubtful"  # the network was not sure of its outline
    OPEN = "open"  # its outlines end while it is wide


@dataclass(frozen=True)
class Question:
    """An object to be checked, and why."""

    number: int
    why: Why


@dataclass(frozen=True)
class ClassIs:
    """The answer that an object is of this class."""

    name: str


@dataclass(frozen=True)
class Right:
    """The answer that an object is right as it is."""


@dataclass(frozen=True)
class Skip:
    """No answer now: the object comes again after all others."""


Answer = ClassIs | Right | Skip


def questions(table: ObjectTable, margins: Mapping[int, float] | None = None) -> list[Question]:
    """Return what is left to be checked, in its order.

    Parameters
    ----------
    table
        Its rows say what a classifier decided and how sure it was, and which outlines are doubtful.
    margins
        Of objects, how much more probable their class is than the next one, where that is known; else they
        are ordered by how sure the classifier was.
    """
    known = margins or {}
    unsure = [
        (known.get(number, 1.0 if row.sure is None else row.sure), number)
        for number, row in table.rows.items()
        if row.decided is Decided.CLASSIFIER
    ]
    asked = {number for _, number in unsure}
    # Most objects have no flag at all: those are passed over quickly, since this is asked after every edit.
    flagged = sorted(number for number, row in table.rows.items() if row.flags and number not in asked)
    outlines = [(number, table.rows[number]) for number in flagged]
    doubtful = [number for number, row in outlines if ObjectFlag.DOUBTFUL in row.flags]
    is_open = [
        number for number, row in outlines if ObjectFlag.DOUBTFUL not in row.flags and _open_unseen(row)
    ]
    return [
        *(Question(number, Why.UNSURE) for _, number in sorted(unsure)),
        *(Question(number, Why.DOUBTFUL) for number in doubtful),
        *(Question(number, Why.OPEN) for number in is_open),
    ]


def _open_unseen(row: ObjectRow) -> bool:
    """Whether a body is open and nobody looked at it; of a filopodium it was said when it was taken."""
    taken = row.class_name == FILOPODIUM.name and row.decided is Decided.HAND
    return (
        ObjectFlag.OPEN in row.flags and not row.flags & {ObjectFlag.CHECKED, ObjectFlag.SHEET} and not taken
    )


def row_after(row: ObjectRow, answer: Answer) -> ObjectRow:
    """Return the row of an object after an answer: it is checked, and its outline no longer doubtful.

    What is missing of an open body is missing whatever one sees, so it stays open, and is checked.
    """
    flags = row.flags - {ObjectFlag.DOUBTFUL} | (row.flags & {ObjectFlag.OPEN} and {ObjectFlag.CHECKED})
    match answer:
        case Skip():
            return row
        case ClassIs(name):
            return replace(row, class_name=name, decided=Decided.HAND, sure=None, flags=flags)
        case Right():
            decided = Decided.HAND if row.class_name else row.decided
            return replace(row, decided=decided, sure=None, flags=flags)


@dataclass(frozen=True)
class Queue:
    """Where one is in the queue.

    Attributes
    ----------
    current
        The object that is asked about; None at the end.
    passed
        Those before it, the latest last: the way back.
    skipped
        They come again after all others, in this order.
    """

    current: Question | None = None
    passed: tuple[Question, ...] = ()
    skipped: tuple[int, ...] = ()

    @classmethod
    def begin(cls, table: ObjectTable, margins: Mapping[int, float] | None = None) -> Queue:
        """Begin, or go on, with the object that needs it most."""
        return cls(next(iter(questions(table, margins)), None))

    def next_after(
        self, answer: Answer, table: ObjectTable, margins: Mapping[int, float] | None = None
    ) -> Queue:
        """Return the queue after an answer to the current question; ``table`` is as it is after it."""
        if self.current is None:
            return self
        number = self.current.number
        skipped = tuple(one for one in self.skipped if one != number)
        if isinstance(answer, Skip):
            skipped = (*skipped, number)
        return replace(self, passed=(*self.passed, self.current), skipped=skipped)._at_first(table, margins)

    def back(self) -> Queue:
        """Return the queue at the question before, which can be answered anew."""
        if not self.passed:
            return self
        before = self.passed[-1]
        skipped = tuple(one for one in self.skipped if one != before.number)
        return Queue(before, self.passed[:-1], skipped)

    def checked(self, table: ObjectTable, margins: Mapping[int, float] | None = None) -> Queue:
        """Return the queue after the table has changed otherwise: what is gone or done is not asked."""
        gone = self.current is None or self.current.number not in table.rows
        return self._at_first(table, margins) if gone else self

    def resumed(self, table: ObjectTable, margins: Mapping[int, float] | None = None) -> Queue:
        """Return the queue after a pause: with the same question, unless it was answered meanwhile."""
        asked = {question.number for question in questions(table, margins)}
        still = self.current is not None and self.current.number in asked
        return self if still else self._at_first(table, margins)

    def _at_first(self, table: ObjectTable, margins: Mapping[int, float] | None) -> Queue:
        left = {question.number: question for question in questions(table, margins)}
        fresh = [question for number, question in left.items() if number not in self.skipped]
        again = [left[number] for number in self.skipped if number in left]
        return replace(self, current=next(iter((*fresh, *again)), None))
