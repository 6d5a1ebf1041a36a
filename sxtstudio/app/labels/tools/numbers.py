"""Which object is meant: the chosen one, or the one at a voxel."""

from __future__ import annotations

from sxtstudio.app.session import Session
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple

NO_OBJECTS = "There are no objects yet. Find them first (panel “Objects”), or draw one with brush or polygon."


def chosen_number(session: Session) -> int:
    """Return the number of the object that was chosen last, or 0."""
    selected, document = session.objects.value.selected, session.document
    if document is None or not selected or selected[-1] not in document.object_table.rows:
        return 0
    return selected[-1]


def number_at(session: Session, voxel: Triple) -> int:
    """Return the number of the object at a voxel (z, y, x); 0: none, a hidden one, or beside the volume."""
    objects = session.labels_of("objects")
    if objects is None or not all(0 <= v < n for v, n in zip(voxel, objects.shape, strict=True)):
        return 0
    number, state = int(objects[voxel]), session.objects.value
    hidden = number in state.hidden or (state.only is not None and number not in state.only)
    return 0 if hidden else number


def object_meant(session: Session, voxel: Triple) -> int:
    """Return the number of the object at a voxel.

    Raises
    ------
    UserError
        If there is none; it says what to do.
    """
    if session.document is None:
        raise UserError("No tomogram is open. Open one first (File > Open tomogram).")
    if session.document.objects is None:
        raise UserError(NO_OBJECTS)
    number = number_at(session, voxel)
    if not number:
        raise UserError("There is no object under the pointer. Click on the object itself.")
    return number
