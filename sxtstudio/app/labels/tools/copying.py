"""Copy a shape to the slice beside it: the one that was drawn or touched last, so that it can be repeated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.app.labels.tools.ink import ink_of
from sxtstudio.app.labels.tools.numbers import chosen_number
from sxtstudio.app.labels.tools.tool import labels_of
from sxtstudio.app.session import Session
from sxtstudio.core.edit_kind import EditKind, Target
from sxtstudio.core.edits import Edit
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.object_table import NONE_CHOSEN
from sxtstudio.core.wording import slice_number

_TOUCHING = np.ones((3, 3), bool)
# What is drawn on a place; what deletes whole objects or changes all slices leaves no shape behind.
_DRAWN = (
    EditKind.BRUSH,
    EditKind.ERASER,
    EditKind.FILL,
    EditKind.WAND,
    EditKind.POLYGON,
    EditKind.LASSO,
    EditKind.CUT_OBJECT,
    EditKind.MERGE_OBJECTS,
    EditKind.COPY_SHAPE,
)

Pixels = NDArray[np.bool_]


@dataclass(frozen=True)
class _Copied:
    """What has just been copied to slice ``z``, as long as ``edit`` is the latest change."""

    target: Target
    z: int
    where: Pixels
    what: str
    edit: Edit | None


class ShapeCopier:
    """Knows which shape of an XY slice is meant.

    What was done last decides: a stroke or an outline means the shapes that it drew or touched, a click
    that moved the crosshair onto a shape means that shape. A copy that is repeated stays what it is, also
    where it grows together with labels of the next slice.
    """

    def __init__(self, session: Session) -> None:
        """Begin with nothing drawn."""
        self._session = session
        self._older = 0  # so many changes were made before the last click
        self._copied: _Copied | None = None
        session.history_changed.connect(self._on_history_changed)
        session.document_changed.connect(self._on_document_changed)

    def pointed(self) -> None:
        """Take note that the crosshair was put somewhere by a click."""
        self._older = len(self._session.history)
        self._copied = None

    def copy(self, target: Target, step: int) -> None:
        """Add the shape that is meant to the slice ``step`` (1 or -1) from the crosshair, and go there.

        Raises
        ------
        UserError
            If there is no such slice, or nothing to copy.
        """
        session = self._session
        labels = labels_of(session, target)
        depth, height, width = labels.shape
        z, y, x = session.cursor
        to = z + step
        if not 0 <= to < depth:
            where = "last one: no slice comes after it" if step > 0 else "first one: no slice comes before it"
            raise UserError(f"Slice {slice_number(z)} is the {where}.")
        shape, what = self._object(labels[z]) if target == "objects" else self._meant(labels, target)
        parameters = {"plane": "xy", "slice": to, "copied_from": z}
        ink = ink_of(session, EditKind.COPY_SHAPE, target, erases=False)
        ink.paint(Box((to, 0, 0), (to + 1, height, width)), shape[None])
        ink.commit(parameters)
        self._copied = _Copied(target, to, shape, what, session.history.next_undo)
        session.set_cursor((to, y, x))
        session.message.emit(f"{what} is copied to slice {slice_number(to)}; what was there stays.")

    def _object(self, numbers: NDArray[np.uint32]) -> tuple[Pixels, str]:
        """Return the pixels of the chosen object on a slice (y, x)."""
        number = chosen_number(self._session)
        if not number:
            raise UserError(NONE_CHOSEN)
        shape = numbers == number
        if not shape.any():
            raise UserError(f"Object {number} is not on this slice. Go to a slice that it is on.")
        return shape, f"Object {number}"

    def _meant(self, labels: NDArray[np.uint8], target: Target) -> tuple[Pixels, str]:
        """Return the pixels (y, x) of the slice at the crosshair that are copied, and what they are."""
        z, y, x = self._session.cursor
        last = self._copied
        if last is not None and last.target == target and last.z == z:
            if last.edit is self._session.history.next_undo:
                return last.where, last.what
        drawn = labels[z] != 0
        if not drawn.any():
            raise UserError(
                f"Nothing is drawn on slice {slice_number(z)}. Go to the slice with the shape, then copy it."
            )
        numbers = ndimage.label(drawn, _TOUCHING)[0]
        done = self._session.history.done
        touched = _touched(done[self._older :], target, z, numbers)
        if touched is None and numbers[y, x]:
            return numbers == numbers[y, x], "The shape at the crosshair"
        if touched is None:
            touched = _touched(done[: self._older], target, z, numbers)
        if touched is not None:
            return touched, "The shape that was drawn last"
        return drawn, "Everything on the slice"

    def _on_history_changed(self) -> None:
        self._older = min(self._older, len(self._session.history))

    def _on_document_changed(self) -> None:
        self.pointed()


def _touched(edits: tuple[Edit, ...], target: Target, z: int, numbers: NDArray[np.int32]) -> Pixels | None:
    """Return the shapes of slice ``z`` that the latest stroke on it drew or touched, or None.

    ``numbers`` (y, x) are those of the shapes. Of earlier sessions only the steps are known to fit.
    """
    for edit in reversed(edits):
        if edit.earlier:
            return None
        if edit.kind not in _DRAWN or edit.target != target:
            continue
        changed = np.zeros(numbers.shape, bool)
        for patch in edit.patches:
            box = patch.box
            if box.start[0] <= z < box.stop[0]:
                changed[box.slices[1:]] |= patch.loaded().unpack()[z - box.start[0]] != 0
        # An eraser leaves nothing where it was, but touches what is beside it.
        found = np.unique(numbers[ndimage.binary_dilation(changed, _TOUCHING)]) if changed.any() else ()
        shapes = [number for number in found if number]
        if shapes:
            return np.isin(numbers, shapes)
    return None
