"""Where the words of a step stand: beside what they are about, never over it."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize

GAP_PX = 10


def beside(target: QRect, size: QSize, room: QRect) -> QPoint | None:
    """Return the corner of a rectangle of ``size`` within ``room`` that leaves ``target`` free.

    It stands to the left of the target, below, above or to its right, the first of these where there is
    room, and as near as can be. None: there is room on no side.
    """
    x, y = target.left(), target.top()
    for corner in (
        QPoint(x - GAP_PX - size.width(), y),
        QPoint(x, target.bottom() + 1 + GAP_PX),
        QPoint(x, y - GAP_PX - size.height()),
        QPoint(target.right() + 1 + GAP_PX, y),
    ):
        placed = within(QRect(corner, size), room)
        if room.contains(placed) and not placed.intersects(target):
            return placed.topLeft()
    return None


def within(wanted: QRect, room: QRect) -> QRect:
    """Push a rectangle into a room, as far as it goes."""
    left = max(room.left(), min(wanted.left(), room.right() + 1 - wanted.width()))
    top = max(room.top(), min(wanted.top(), room.bottom() + 1 - wanted.height()))
    return QRect(QPoint(left, top), wanted.size())
