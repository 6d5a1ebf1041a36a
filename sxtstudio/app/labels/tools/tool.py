"""What all mouse tools have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.app.context import Context
from sxtstudio.app.labels.tools.base import PointerEvent, Sketch
from sxtstudio.app.labels.tools.ink import ink_of
from sxtstudio.app.labels.tools.numbers import NO_OBJECTS
from sxtstudio.app.session import Session
from sxtstudio.core.edit_kind import EditKind, Target
from sxtstudio.core.errors import UserError
from sxtstudio.core.planes import NORMAL, in_volume, plane_of
from sxtstudio.workflow.document.document import Document

_NOTHING_OPEN = "No tomogram is open. Open one first (File > Open tomogram)."
_NO_LABELS = "There are no labels yet. Segment the tomogram, or draw with the brush first."
_NO_MASK = "There is no cell mask yet. Draw one with the polygon, or let it be found automatically."
_OUTSIDE = "Click inside the tomogram."
_NO_MARKS = "There are no marks yet. Mark something in the panel “Evaluate” first."

ShowSketch = Callable[[Sketch | None], None]


class Tool:
    """Does nothing with any event; each tool overrides what it needs.

    ``draws`` says that it changes the slice it is used on, so that one may interpolate from there;
    ``takes_keys`` that Enter and Backspace mean something to it while it is unfinished.
    """

    name = "look"
    kind: EditKind  # of a tool that changes something
    draws = False
    takes_keys = False

    def __init__(self, context: Context, show: ShowSketch) -> None:
        """``show`` draws lines over a slice."""
        self.context = context
        self.show = show

    def press(self, event: PointerEvent) -> None:
        """Begin."""

    def move(self, event: PointerEvent) -> None:
        """The pointer moved with the button held."""

    def hover(self, event: PointerEvent) -> None:
        """The pointer moved without a button."""

    def release(self, event: PointerEvent) -> None:
        """End."""

    def finish(self) -> None:
        """Enter was pressed."""

    def step_back(self) -> None:
        """Backspace was pressed."""

    def cancel(self) -> None:
        """Take back what is unfinished."""

    def forget(self) -> None:
        """Drop what is unfinished without touching the labels: they belong to a document that has gone."""

    @property
    def unfinished(self) -> bool:
        """Whether there is something to cancel."""
        return False

    # -- for the tools ---------------------------------------------------------------------------

    @property
    def session(self) -> Session:
        """The session of the window."""
        return self.context.session

    @property
    def document(self) -> Document:
        """What is open."""
        if self.session.document is None:
            raise UserError(_NOTHING_OPEN)
        return self.session.document

    @property
    def target(self) -> Target:
        """What is changed: "labels", "mask", "objects" or "marks"."""
        return self.session.tool.value.target

    def slice_of(self, event: PointerEvent) -> NDArray[Any]:
        """Return the labels of the slice under the pointer, a view (rows, columns)."""
        labels = labels_of(self.session, self.target)
        return plane_of(labels, NORMAL[event.plane], event.depth)

    def write_area(
        self,
        event: PointerEvent,
        found: tuple[tuple[int, int], NDArray[np.bool_]],
        *,
        erase: bool,
        **parameters: Any,
    ) -> None:
        """Set or erase an area of the slice of an event, given by its corner and pixels."""
        corner, area = found
        box, where = in_volume(NORMAL[event.plane], (event.depth, *corner), area[None])
        ink = ink_of(self.session, self.kind, self.target, erases=erase)
        try:
            ink.paint(box, where)
        except BaseException:
            ink.roll_back()
            raise
        ink.commit({**where_of(event), **parameters})


def labels_of(session: Session, target: Target) -> NDArray[Any]:
    """Return labels, mask, objects or marks (z, y, x).

    Raises
    ------
    UserError
        If nothing is open, or there are none yet.
    """
    if session.document is None:
        raise UserError(_NOTHING_OPEN)
    labels = session.labels_of(target)
    if labels is None:
        missing = {"labels": _NO_LABELS, "mask": _NO_MASK, "objects": NO_OBJECTS, "marks": _NO_MARKS}
        raise UserError(missing[target])
    return labels


def where_of(event: PointerEvent) -> dict[str, object]:
    """Return plane and slice of an event, for the record."""
    return {"plane": event.plane, "slice": event.depth}


def within(event: PointerEvent, shape: tuple[int, ...]) -> bool:
    """Whether the pointer is on a voxel of the volume."""
    return all(0 <= place < size for place, size in zip(event.voxel, shape, strict=True))


def check_within(event: PointerEvent, shape: tuple[int, ...]) -> None:
    """Raise UserError if a click was beside the slice, in the grey margin of its view."""
    if not within(event, shape):
        raise UserError(_OUTSIDE)
