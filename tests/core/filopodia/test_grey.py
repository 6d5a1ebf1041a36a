"""Filopodia are followed along the grey values of the tomogram where labels are missing."""

from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.filopodia.candidate import Candidate
from sxtstudio.core.filopodia.find import find_filopodium
from sxtstudio.core.filopodia.grey import edge, grey_around
from sxtstudio.core.filopodia.records import Incomplete, why_incomplete
from sxtstudio.core.filopodia.taking import row_of
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.object_table import ObjectFlag
from sxtstudio.core.volume import ArrayVolume
from tests.core.filopodia.phantoms import BASE, MIDDLE, TIP, Scene, scene

PX = (1.0, 1.0, 1.0)


@pytest.fixture(scope="module")
def alone() -> Scene:
    return scene()


def find(
    one: Scene, labels: np.ndarray, *places: Triple, dark: bool = True, image: ArrayVolume | None = None
) -> Candidate:
    grey = grey_around(image or one.image(dark=dark), places, PX, absorbing_dark=dark)
    return find_filopodium(labels, places[0], None, grey=grey, more=places[1:])


@pytest.mark.parametrize("dark", [True, False], ids=["dark absorbs", "bright absorbs"])
def test_one_without_any_outline_is_found_by_a_click(alone: Scene, dark: bool) -> None:
    nothing = np.zeros_like(alone.labels)
    with pytest.raises(UserError, match="no filopodium"):
        find_filopodium(nothing, MIDDLE, None)
    candidate = find(alone, nothing, MIDDLE, dark=dark)
    assert alone.overlap(candidate) > 0.9
    assert candidate.cut().length == pytest.approx(45, abs=5)
    assert candidate.cut().axis[0][1] > candidate.cut().axis[-1][1], "the tip comes first"


def test_the_wrong_polarity_finds_nothing_like_it(alone: Scene) -> None:
    nothing = np.zeros_like(alone.labels)
    try:
        assert alone.overlap(find(alone, nothing, MIDDLE, dark=True, image=alone.image(dark=False))) < 0.3
    except UserError as error:
        assert "no filopodium" in str(error)


def test_where_its_outline_ends_its_grey_values_go_on(alone: Scene) -> None:
    """The outer half is not outlined: labels alone give the inner half and call it open."""
    labels = alone.labels.copy()
    labels[:, 60:] = 0
    seed = (18, 52, 50)
    assert alone.overlap(find_filopodium(labels, seed, None)) < 0.6
    candidate = find(alone, labels, seed)
    assert alone.overlap(candidate) > 0.75 and candidate.cut().length == pytest.approx(45, abs=5)


@pytest.mark.parametrize(
    "places", [(BASE, TIP), (TIP, BASE), (BASE, TIP, MIDDLE)], ids=["two", "back", "three"]
)
def test_two_points_give_the_tube_between_them(alone: Scene, places: tuple[Triple, ...]) -> None:
    candidate = find(alone, np.zeros_like(alone.labels), *places)
    assert alone.overlap(candidate) > 0.83
    tip, base = candidate.cut().axis[0], candidate.cut().axis[-1]
    assert tip == pytest.approx((18, 84, 50), abs=3) and base == pytest.approx(BASE, abs=3)


def test_two_points_help_without_a_tomogram(alone: Scene) -> None:
    labels = alone.labels.copy()
    labels[:, 50:72] = 0
    assert alone.overlap(find_filopodium(labels, BASE, None, more=(TIP,))) > 0.75


def test_a_neighbour_is_not_taken_with_it() -> None:
    both = scene((50.0, 65.0))
    candidate = find(both, np.zeros_like(both.labels), MIDDLE)
    assert both.overlap(candidate) > 0.9


def test_points_outside_of_the_volume_are_refused(alone: Scene) -> None:
    with pytest.raises(UserError, match=r"x 500, y 80, slice 19.*outside"):
        find_filopodium(alone.labels, MIDDLE, None, more=((18, 80, 500),))


def test_points_too_far_apart_read_nothing() -> None:
    """Else a slip of the mouse would read most of a tomogram."""

    class Unread(ArrayVolume):
        def read(self, box: Box) -> np.ndarray:
            raise AssertionError("it was read")

    volume = Unread(np.broadcast_to(np.float32(0), (20, 900, 900)))
    with pytest.raises(UserError, match="600 pixels apart"):
        grey_around(volume, ((4, 10, 10), (4, 10, 700)), PX, absorbing_dark=True)


def test_a_tomogram_without_contrast_has_no_grey_values() -> None:
    assert (
        grey_around(
            ArrayVolume(np.full((9, 30, 30), 7.0, np.float32)), ((4, 15, 15),), PX, absorbing_dark=True
        )
        is None
    )


def test_values_that_are_no_numbers_spoil_nothing(alone: Scene) -> None:
    image = alone.image()
    image.array[:, :, :3] = np.nan
    image.array[2, 90, 90] = np.inf
    assert alone.overlap(find(alone, np.zeros_like(alone.labels), MIDDLE, image=image)) > 0.9


def test_absorption_is_asked_where_it_is_in_voxels_as_thick_as_they_are() -> None:
    values = np.zeros((9, 40, 40), np.float32)
    values[4, 20, 20] = -50
    grey = grey_around(ArrayVolume(values), ((4, 20, 20),), (20.0, 10.0, 10.0), absorbing_dark=True)
    assert grey is not None
    at = grey.at(np.array([[8.0, 20.0, 20.0], [8.0, 20.0, 30.0], [4.0, 20.0, 20.0], [-40.0, 20.0, 20.0]]))
    assert at[0] == at[:3].max() > 0 and at[1] == pytest.approx(0, abs=1e-3) and np.isnan(at[3])


def test_an_edge_is_a_drop_outwards() -> None:
    assert edge(np.array([1.0, 0.6, 0.35, 0.05, 0.0, -0.05, -0.6, np.nan])) == pytest.approx(
        [1, 1, 0.5, 0, 0, 0, -1, 0]
    )


def test_what_runs_into_something_else_is_doubtful_and_what_does_not_is_not(alone: Scene) -> None:
    """A point in the ice beside it and one in the cell are on no filopodium."""
    nothing = np.zeros_like(alone.labels)
    for places in ((MIDDLE,), (BASE, TIP)):
        assert find(alone, nothing, *places).cut().incomplete == ()
    wrong = find(alone, nothing, TIP, (18, 60, 85)).cut()
    assert Incomplete.DOUBTFUL in wrong.incomplete
    assert "doubtful" in why_incomplete(wrong.incomplete)
    row = row_of(wrong)
    assert ObjectFlag.DOUBTFUL in row.flags and "doubtful" in row.notes


def test_two_near_points_are_not_refused_for_being_short(alone: Scene) -> None:
    found = find(alone, np.zeros_like(alone.labels), (18, 60, 50), (18, 68, 50)).cut()
    assert found.length == pytest.approx(8, abs=4)


def test_a_hole_across_it_is_no_edge_and_what_is_all_holes_has_no_grey_values(alone: Scene) -> None:
    """A slab without numbers, of a filopodium with its outline: it is followed through it."""
    image = alone.image()
    image.array[:, 58:66] = np.nan
    assert alone.overlap(find(alone, alone.labels, MIDDLE, image=image)) > 0.85
    grey = grey_around(image, (MIDDLE,), PX, absorbing_dark=True)
    assert grey is not None
    assert np.isnan(grey.at(np.array([18.0, 62.0, 50.0]))) and np.isfinite(grey.at(np.array([18.0, 70, 50])))
    image.array[:] = np.nan
    assert grey_around(image, (MIDDLE,), PX, absorbing_dark=True) is None


@pytest.mark.parametrize("value", [np.inf, -np.inf, 3e38], ids=str)
def test_values_beyond_all_grey_values_count_as_holes(alone: Scene, value: float) -> None:
    """A single one among the free voxels beside it, which smoothing would spread over its edge."""
    image = alone.image()
    image.array[18, 62, 58] = value
    plain = grey_around(alone.image(), (MIDDLE,), PX, absorbing_dark=True)
    spoilt = grey_around(image, (MIDDLE,), PX, absorbing_dark=True)
    assert plain is not None and spoilt is not None
    around = np.array([[18.0, 62.0, 56.0], [18.0, 62.0, 60.0], [20.0, 62.0, 58.0]])
    assert spoilt.at(around) == pytest.approx(plain.at(around), abs=0.25)
