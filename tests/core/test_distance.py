"""Distances to what is not a structure, found without holding up other threads, against SciPy's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core import distance
from sxtstudio.core.distance import AT_ONCE, distances, distances_to_border

SPACINGS = [(1.0, 1.0, 1.0), (2.5, 1.0, 1.0), (13.3, 10.1, 9.7)]


@pytest.fixture(scope="module")
def blobs() -> NDArray[np.bool_]:
    values = np.random.default_rng(3).normal(size=(17, 40, 33))
    return np.asarray(ndimage.gaussian_filter(values, 2) > -0.02)


@pytest.mark.parametrize("spacing", SPACINGS, ids=str)
@pytest.mark.parametrize("at_once", [1, AT_ONCE], ids=["slice by slice", "at once"])
def test_distances_are_those_of_scipy(
    blobs: NDArray[np.bool_], spacing: tuple[float, float, float], at_once: int
) -> None:
    expected = ndimage.distance_transform_edt(blobs, sampling=spacing)
    assert distances(blobs, spacing, at_once=at_once) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("at_once", [1, AT_ONCE], ids=["slice by slice", "at once"])
def test_a_structure_may_end_at_the_faces(blobs: NDArray[np.bool_], at_once: int) -> None:
    spacing = SPACINGS[2]
    expected = ndimage.distance_transform_edt(np.pad(blobs, 1), sampling=spacing)[1:-1, 1:-1, 1:-1]
    assert distances(blobs, spacing, border=True, at_once=at_once) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("at_once", [1, AT_ONCE], ids=["slice by slice", "at once"])
def test_both_sides_of_the_border_at_once(blobs: NDArray[np.bool_], at_once: int) -> None:
    spacing = SPACINGS[1]
    expected = ndimage.distance_transform_edt(blobs, sampling=spacing)
    expected += ndimage.distance_transform_edt(~blobs, sampling=spacing)
    assert distances_to_border(blobs, spacing, at_once=at_once) == pytest.approx(expected, rel=1e-5)


def test_who_asks_for_what_is_near_gets_what_is_near(blobs: NDArray[np.bool_]) -> None:
    expected = ndimage.distance_transform_edt(blobs)
    found = distances(blobs, reach=2.0, at_once=1)
    near = expected <= 2
    assert near.any() and not near.all()
    assert found[near] == pytest.approx(expected[near], rel=1e-5)
    assert (found[~near] > 2).all()


def test_where_there_is_nothing_else_nothing_is_near() -> None:
    assert np.isinf(distances(np.ones((4, 5, 6), np.bool_), at_once=1)).all()
    assert not distances(np.zeros((4, 5, 6), np.bool_), at_once=1).any()


def test_the_library_never_holds_up_others_for_more_than_a_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    """It lets no other thread run: what it is given at once says for how long."""
    given: list[tuple[int, ...]] = []

    def noted(own: Any) -> Any:
        def call(values: NDArray[Any], **options: Any) -> Any:
            given.append(values.shape)
            return own(values, **options)

        return call

    library = SimpleNamespace(edt=noted(distance.edt.edt), edtsq=noted(distance.edt.edtsq))
    monkeypatch.setattr(distance, "edt", library)
    large = np.zeros((3, 500, 400), np.bool_)
    large[1, 200:300, 100:200] = True
    distances(large)
    distances_to_border(large)
    assert given == [(500, 400)] * 9
    distances(large[:, :300, :300])
    assert given[9:] == [(3, 300, 300)]
