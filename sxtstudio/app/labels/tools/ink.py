"""What a tool that draws writes: labels, the mask, or one object."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.app.labels.tools.numbers import chosen_number, number_at
from sxtstudio.app.session import Session
from sxtstudio.core.edit_kind import EditKind, Target
from sxtstudio.core.edits import Edit
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.labels import LABEL
from sxtstudio.core.object_hand import Hand, enclose, erase, paint, painted

# What draws a whole outline: the open membranes within it are the body's own.
_ENCLOSING = (EditKind.POLYGON, EditKind.LASSO, EditKind.COPY_SHAPE)

Where = NDArray[np.bool_]


class Ink:
    """Writes labels or mask: a label, or background where it erases."""

    def __init__(self, session: Session, kind: EditKind, target: Target, *, erases: bool) -> None:
        """Begin an edit; raises UserError if nothing may be changed now."""
        self.session = session
        self.recorder = session.record(kind, target)
        self._value = 0 if erases else LABEL

    def paint(self, box: Box, where: Where) -> Box | None:
        """Write at ``where`` of ``box``; return what changed."""
        return self.recorder.paint(box, where, self._value)

    def commit(self, parameters: dict[str, Any], *, announce: bool = True) -> Edit | None:
        """End the edit; ``parameters`` stand in the record."""
        return self.session.commit(self.recorder, announce=announce, **parameters)

    def roll_back(self) -> Box | None:
        """Take everything back; return what changed."""
        box = self.recorder.box
        self.recorder.roll_back()
        return box


class ObjectInk(Ink):
    """Writes one object, and leaves the others as they are, but for open membranes within an outline.

    That is the chosen object; else the one at ``voxel``, if a voxel is given and there is one; else what is
    drawn is a new object, which is chosen then, and what is erased is whatever lies there.
    """

    def __init__(self, session: Session, kind: EditKind, voxel: Triple | None, *, erases: bool) -> None:
        """Begin an edit of the objects."""
        document = session.document
        if document is None:
            raise UserError("No tomogram is open. Open one first (File > Open tomogram).")
        table = document.object_table
        number = chosen_number(session) or (0 if voxel is None else number_at(session, voxel))
        self._is_new = not number and not erases
        self._number = table.next_number if self._is_new else number
        self._erases, self._encloses = erases, kind in _ENCLOSING
        self._touched: set[int] = set()
        self.session = session
        drawn = EditKind.NEW_OBJECT if self._is_new else EditKind.REDRAW_OBJECT
        self.recorder = session.record(EditKind.ERASE_OBJECT if erases else drawn, "objects")
        self._hand = Hand(self.recorder, table, document.object_boxes)

    def paint(self, box: Box, where: Where) -> Box | None:
        """Write at ``where`` of ``box``; return what changed."""
        if not self._erases and self._encloses:
            self._touched |= enclose(self._hand, self._number, box, where)
            return box
        if not self._erases:
            self._touched.add(self._number)
            return paint(self._hand, self._number, box, where)
        if self._number:
            self._touched.add(self._number)
            return erase(self._hand, self._number, box, where)
        self._touched |= {int(n) for n in np.unique(self._hand.objects[box.slices][where]) if n}
        return self.recorder.paint(box, where, 0)

    def commit(self, parameters: dict[str, Any], *, announce: bool = True) -> Edit | None:
        """End the edit, with the rows of the objects that came or went."""
        painted(self._hand, *self._touched)
        named: dict[str, Any] = {"object": self._number} if self._number else {}
        edit = self.session.commit(self.recorder, announce=announce, **parameters, **named)
        if self._is_new and edit is not None:
            self.session.objects.set(selected=(self._number,))
        return edit


def ink_of(
    session: Session, kind: EditKind, target: Target, *, erases: bool, voxel: Triple | None = None
) -> Ink:
    """Return what a tool writes into ``target``; of objects it may mean the one at ``voxel``.

    Raises
    ------
    UserError
        If nothing is open, or a job changes it.
    """
    if target == "marks":
        raise UserError("Marks are given with the buttons of the panel “Evaluate”.")
    if target == "objects":
        return ObjectInk(session, kind, voxel, erases=erases)
    return Ink(session, kind, target, erases=erases)
