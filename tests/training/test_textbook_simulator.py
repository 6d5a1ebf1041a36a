"""The plain judge: its geometry, and that its tomograms show it."""

from functools import cache

import numpy as np
import pytest
import textbook_simulator as textbook
from scipy import ndimage


@cache
def tomogram():
    return textbook.simulate(1, (20, 96, 96))


def test_the_distance_from_a_sphere_is_that_from_its_centre_less_its_radius():
    sphere = textbook.Ellipsoid((10.0, 16.0, 20.0), (8.0, 8.0, 8.0), 0.7, 0.2, 0.5)
    distance, upward = textbook._distance(sphere, (21, 32, 40))
    z, y, x = np.mgrid[:21, :32, :40]
    r = np.sqrt((z - 10) ** 2 + (y - 16) ** 2 + (x - 20) ** 2)
    near = np.abs(r - 8) < 2
    assert np.abs(distance - (r - 8))[near].max() < 0.6  # to first order
    assert upward[2, 16, 20] == pytest.approx(1, abs=1e-3)
    assert upward[10, 8, 20] == pytest.approx(0, abs=1e-3)


def test_an_ellipsoid_is_turned_about_z():
    body = textbook.Ellipsoid((2.0, 20.0, 20.0), (8.0, 15.0, 5.0), np.pi / 2, 0.2, 0.5)
    distance, _ = textbook._distance(body, (5, 41, 41))
    assert distance[2, 20, 34] < 0 < distance[2, 34, 20]  # long along x after a quarter turn


def test_types_shapes_and_repeatability():
    image, truth, lying = tomogram()
    assert image.shape == truth.shape == lying.shape == (20, 96, 96)
    assert image.dtype == np.float32 and truth.dtype == lying.dtype == bool
    assert np.isfinite(image).all() and not (truth & lying).any()
    for again, before in zip(textbook.simulate(1, (20, 96, 96)), tomogram(), strict=True):
        np.testing.assert_array_equal(again, before)


def test_membranes_are_thin_lines_darker_than_what_is_beside_them():
    image, truth, lying = tomogram()
    middle = truth[10]
    assert 0.01 < middle.mean() < 0.3
    assert np.percentile(ndimage.distance_transform_edt(middle)[middle], 95) < 3
    beside = ndimage.binary_dilation(middle, iterations=6) & ~ndimage.binary_dilation(middle, iterations=3)
    assert np.median(image[10][middle]) < np.median(image[10][beside & ~lying[10]])
