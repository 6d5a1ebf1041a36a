"""The words of a step never stand over what they are about, wherever that is and however small the window."""

from __future__ import annotations

import random

import pytest
from PySide6.QtCore import QRect, QSize

from sxtstudio.app.tour.placing import GAP_PX, beside

ROOM = QRect(6, 6, 671, 372)


@pytest.mark.parametrize(
    ("target", "side"),
    [
        (QRect(500, 300, 100, 30), "left"),
        (QRect(20, 40, 100, 30), "below"),
        (QRect(0, 340, 600, 44), "above"),
        (QRect(0, 0, 300, 384), "right"),
    ],
    ids=["left", "below", "above", "right"],
)
def test_it_stands_on_the_side_where_there_is_room(target: QRect, side: str) -> None:
    size = QSize(300, 140)
    corner = beside(target, size, ROOM)
    assert corner is not None
    placed = QRect(corner, size)
    gaps = {
        "left": target.left() - placed.right() - 1,
        "below": placed.top() - target.bottom() - 1,
        "above": target.top() - placed.bottom() - 1,
        "right": placed.left() - target.right() - 1,
    }
    assert gaps[side] == GAP_PX


def test_where_no_side_has_room_it_says_so() -> None:
    assert beside(QRect(150, 60, 400, 260), QSize(300, 140), ROOM) is None


def test_it_leaves_the_target_free_and_stays_in_the_window() -> None:
    chance, placed = random.Random(3), 0
    for _ in range(2000):
        target = QRect(chance.randint(-50, 700), chance.randint(-50, 400), 0, 0)
        target.setSize(QSize(chance.randint(1, 683), chance.randint(1, 384)))
        size = QSize(chance.randint(100, 400), chance.randint(60, 240))
        corner = beside(target, size, ROOM)
        if corner is not None:
            placed += 1
            assert ROOM.contains(QRect(corner, size)) and not QRect(corner, size).intersects(target)
    assert placed > 1000
