"""Outlines are checked by the areas that they enclose and by another filling."""

import numpy as np
import pytest
from skimage.draw import polygon2mask

from sxtstudio.io.handover import contour_fill
from sxtstudio.io.handover.contour_fill import TooMuch, paint
from sxtstudio.io.handover.pixel_edges import pixel_edges


def area(points):
    """Gauss's formula; positive where one turns from x to y."""
    x, y = points.astype(float).T
    return 0.5 * float(x @ np.roll(y, -1) - y @ np.roll(x, -1))


def random_slices(count=60):
    rng = np.random.default_rng(5)
    return [rng.integers(0, 4, rng.integers(1, 10, 2)) for _ in range(count)]


def test_what_is_enclosed_is_the_label():
    for labels in random_slices():
        painted = np.zeros_like(labels)
        for value, polygons in pixel_edges(labels).by_label():
            assert sum(map(area, polygons)) == np.count_nonzero(labels == value)
            # scikit-image has the centres of pixels at whole numbers.
            inside = sum(polygon2mask(labels.shape, p[:, ::-1] - 0.5).astype(int) for p in polygons)
            painted[inside % 2 == 1] = value
        assert (painted == labels).all()


@pytest.mark.parametrize("cells", [1, 40, 10_000])
def test_filling_gives_the_labels_back(monkeypatch, cells):
    """However many contours are worked on at once."""
    monkeypatch.setattr(contour_fill, "_CELLS", cells)
    for labels in random_slices():
        painted = np.zeros_like(labels)
        for value, polygons in pixel_edges(labels).by_label():
            paint(painted, [p.astype(float) for p in polygons], [value] * len(polygons))
        assert (painted == labels).all()
        outlines = list(pixel_edges(labels).polygons())
        together = np.zeros_like(labels)
        paint(together, [p.astype(float) for _, p in outlines], [value for value, _ in outlines])
        assert (together == labels).all()


def test_corners_only_holes_and_pixels_that_meet_in_a_corner():
    labels = np.zeros((7, 8), int)
    labels[1:6, 2:7] = 4
    labels[3, 4] = 0
    labels[0, 7] = 4
    found = [(value, p.tolist()) for value, p in pixel_edges(labels).polygons()]
    assert [value for value, _ in found] == [4, 4, 4]
    areas = sorted(area(np.array(p)) for _, p in found)
    assert areas == [-1, 1, 25]
    assert sorted(len(p) for _, p in found) == [4, 4, 4]
    assert [4, 3] in found[-1][1] and [5, 4] in found[-1][1]


def test_no_labels():
    assert len(pixel_edges(np.zeros((3, 4), np.uint32))) == 0
    assert list(pixel_edges(np.zeros((3, 4), np.uint32)).by_label()) == []


def circle(x, y, radius):
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    return np.stack((x + radius * np.cos(angle), y + radius * np.sin(angle)), axis=1)


def test_contours_of_hands():
    """A hole, an island in it, one that overlaps, one that is there twice, and one beyond the slice."""
    out = np.zeros((40, 60), np.uint8)
    hand = [circle(20, 20, 15), circle(20, 20, 10), circle(20, 20, 3), circle(40, 20, 9), circle(90, 20, 5)]
    paint(out, [*hand, hand[3].copy()], [5] * 6)
    y, x = np.mgrid[:40, :60] + 0.5
    far = np.hypot(x - 20, y - 20)
    expected = (far < 15) & ~((far < 10) & (far > 3)) | (np.hypot(x - 40, y - 20) < 9)
    assert set(np.unique(out)) == {0, 5}
    assert np.count_nonzero((out == 5) != expected) < 12  # 40 corners are no circle
    assert out[20, 20] == 5 and out[20, 26] == 0 and out[20, 47] == 5


def test_objects_that_overlap_cover_those_before_and_make_no_holes_in_them():
    out = np.zeros((40, 60), np.uint8)
    rings = [circle(20, 20, 15), circle(20, 20, 10)]
    paint(out, [*rings, circle(20, 20, 12), circle(20, 20, 10)], [5, 5, 7, 9])
    y, x = np.mgrid[:40, :60] + 0.5
    far = np.hypot(x - 20, y - 20)
    expected = np.select([far < 10, far < 12, far < 15], [9, 7, 5])
    assert np.count_nonzero(out != expected) < 25  # 40 corners are no circle
    assert out[20, 20] == 9 and out[20, 31] == 7 and out[20, 33] == 5


def test_objects_in_turn_are_filled_as_one_by_one():
    """The same value later is another object: the model of a stranger may have it so."""
    out = np.zeros((10, 10), np.uint8)
    square = np.array([(1, 1), (8, 1), (8, 8), (1, 8)], float)
    paint(out, [square, square * 0.5 + 2, square * 0.5 + 1], [1, 2, 1])
    assert (out[1:8, 1:8] == 1).sum() < 49 and out[4, 4] == 1 and out[5, 5] == 2 and out[1, 1] == 1


def test_contours_that_would_take_hours():
    whole = np.array([(0, 0), (60, 0), (60, 40), (0, 40)], float)
    with pytest.raises(TooMuch):
        paint(np.zeros((40, 60), np.uint8), [whole + i * 1e-6 for i in range(500)], [1] * 500)
    paint(np.zeros((40, 60), np.uint16), [whole] * 500, range(500))  # of one object each: quick
    comb = np.stack((np.arange(4_000_000) * 1e-5, np.tile((0.0, 40.0), 2_000_000)), axis=1)
    with pytest.raises(TooMuch):
        paint(np.zeros((40, 60), np.uint8), [comb], [1])
