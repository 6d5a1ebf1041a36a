"""The colours of objects in a slice, pixel by pixel, and their outlines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from sxtstudio.app.slices.object_layer import ObjectLayer
from sxtstudio.core.object_colours import number_colours

LARGE = 2**31 + 5


def every(numbers: NDArray[Any]) -> NDArray[np.bool_]:
    return np.ones(len(numbers), np.bool_)


def painted(layer: ObjectLayer, shape: tuple[int, int], shown: Any = every, opacity: float = 1.0) -> QImage:
    """Paint one pixel of the screen per pixel of the slice, on black."""
    picture = QImage(shape[1], shape[0], QImage.Format.Format_RGB32)
    picture.fill(QColor("black"))
    painter = QPainter(picture)
    painter.translate(0.5, 0.5)
    layer.prepare(number_colours, shown)
    layer.draw(painter, opacity)
    painter.end()
    return picture


def rgb(picture: QImage, row: int, column: int) -> tuple[int, int, int]:
    colour = picture.pixelColor(column, row)
    return colour.red(), colour.green(), colour.blue()


@pytest.fixture
def numbers(qtbot: QtBot) -> NDArray[np.uint32]:
    """Objects that begin and end at the rims of rows, one of a number beyond 2^31."""
    rng = np.random.default_rng(3)
    return rng.choice(np.array([0, 0, 1, 2, 77, LARGE], np.uint32), (9, 7))


def test_every_pixel_has_the_colour_of_its_number(numbers: NDArray[np.uint32]) -> None:
    layer = ObjectLayer()
    layer.set(numbers)
    picture = painted(layer, numbers.shape)
    for (row, column), number in np.ndenumerate(numbers):
        expected = (0, 0, 0) if not number else tuple(number_colours(np.array([number]))[0].tolist())
        assert rgb(picture, row, column) == expected
    assert layer.number_at(0.4, 0.4) == numbers[0, 0] and layer.number_at(-1, 3) == 0


def test_hidden_objects_and_opacity(numbers: NDArray[np.uint32]) -> None:
    layer = ObjectLayer()
    layer.set(numbers)
    picture = painted(layer, numbers.shape, lambda found: found != 77, 0.5)
    seen = number_colours(np.array([LARGE]))[0] / 2
    for (row, column), number in np.ndenumerate(numbers):
        if number in (0, 77):
            assert rgb(picture, row, column) == (0, 0, 0)
        elif number == LARGE:
            assert np.abs(np.array(rgb(picture, row, column)) - seen).max() <= 1


def test_a_patch_is_seen(numbers: NDArray[np.uint32]) -> None:
    layer = ObjectLayer()
    layer.set(numbers.copy())
    painted(layer, numbers.shape)
    layer.patch(2, 3, np.full((2, 2), 9, np.uint32))
    picture = painted(layer, numbers.shape)
    assert rgb(picture, 3, 4) == tuple(number_colours(np.array([9]))[0].tolist())


def test_chosen_objects_are_outlined_where_they_are_shown(qtbot: QtBot) -> None:
    numbers = np.zeros((40, 60), np.uint32)
    numbers[5:15, 5:20] = LARGE
    numbers[20:30, 30:50] = 4
    layer = ObjectLayer()
    layer.set(numbers)
    layer.select(frozenset({LARGE, 4, 99}))

    def outlined(shown: Any) -> NDArray[np.bool_]:
        picture = QImage(60, 40, QImage.Format.Format_RGB32)
        picture.fill(QColor("red"))
        painter = QPainter(picture)
        painter.translate(0.5, 0.5)
        layer.restyle()
        layer.draw_selected(painter, shown)
        painter.end()
        return np.array([[picture.pixelColor(x, y).green() > 60 for x in range(60)] for y in range(40)])

    both, one = outlined(every), outlined(lambda found: found != 4)
    for white, rows, columns in ((both, (5, 30), (5, 50)), (one, (5, 15), (5, 20))):
        where = np.argwhere(white)
        assert np.abs(where.min(0) - (rows[0], columns[0])).max() <= 1
        assert np.abs(where.max(0) - (rows[1], columns[1])).max() <= 1
    assert not both[10, 10] and not both[17, 25]


def test_an_object_from_side_to_side_is_outlined_as_a_whole(qtbot: QtBot) -> None:
    numbers = np.zeros((20, 30), np.uint32)
    numbers[5:12] = 8  # the end of each row touches the beginning of the next one
    layer = ObjectLayer()
    layer.set(numbers)
    layer.select(frozenset({8}))
    picture = QImage(30, 20, QImage.Format.Format_RGB32)
    picture.fill(QColor("red"))
    painter = QPainter(picture)
    painter.translate(0.5, 0.5)
    layer.draw_selected(painter, every)
    painter.end()
    rows = [y for y in range(20) if picture.pixelColor(15, y).green() > 60]
    assert rows and min(rows) in (4, 5) and max(rows) in (11, 12) and not {7, 8, 9} & set(rows)


def test_many_chosen_objects_are_outlined_by_the_pixels_at_their_rims() -> None:
    numbers = np.kron(np.arange(1, 101, dtype=np.uint32).reshape(10, 10), np.ones((5, 5), np.uint32))
    layer = ObjectLayer()
    layer.set(numbers)
    layer.select(frozenset(range(1, 100)))
    picture = QImage(50, 50, QImage.Format.Format_RGB32)
    picture.fill(QColor("black"))
    painter = QPainter(picture)
    painter.translate(0.5, 0.5)
    layer.draw_selected(painter, lambda found: found != 12)
    painter.end()
    white = np.array([[picture.pixelColor(x, y).green() > 60 for x in range(50)] for y in range(50)])
    inside = np.kron(np.ones((10, 10), bool), np.pad(np.ones((3, 3), bool), 1))
    drawn = (numbers != 12) & (numbers != 100)
    assert (white == (drawn & ~inside)).all()


def test_colours_differ_between_neighbours_and_stay() -> None:
    colours = number_colours(np.arange(1, 400)).astype(int)
    assert (number_colours(np.array([37])) == colours[36]).all()
    steps = np.abs(colours[1:] - colours[:-1]).sum(1)
    assert steps.min() > 60
    assert (colours @ np.array([0.2126, 0.7152, 0.0722])).min() > 70
