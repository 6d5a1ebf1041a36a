"""Filopodia of phantoms whose volume and length are known, cut where they leave the cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.filopodia.candidate import Candidate
from sxtstudio.core.filopodia.find import complete, find_filopodium
from sxtstudio.core.filopodia.records import FilopodiumParameters, Incomplete, why_incomplete
from sxtstudio.core.filopodia.sampling import OneObject
from sxtstudio.core.geometry import Triple
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import ArrayVolume

WALL = 2.2  # px


@dataclass(frozen=True)
class Capsule:
    """A filopodium: where it leaves the cell, direction (z, y, x), length from there to the tip, radius."""

    base: tuple[float, float, float]
    direction: tuple[float, float, float]
    length: float
    radius: float

    def outside(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far points (…, 3) are outside of it; negative inside."""
        unit = np.array(self.direction) / np.linalg.norm(self.direction)
        away = points - np.array(self.base)
        along = np.clip(away @ unit, -2 * self.radius, self.length - self.radius)
        return np.linalg.norm(away - along[..., None] * unit, axis=-1) - self.radius

    @property
    def middle(self) -> Triple:
        unit = np.array(self.direction) / np.linalg.norm(self.direction)
        z, y, x = (np.array(self.base) + unit * self.length / 2).round().astype(int).tolist()
        return z, y, x


@dataclass(frozen=True)
class Cell:
    """Labels of the membrane of a round cell with capsules that open into it, and what is in them."""

    labels: NDArray[np.uint8]
    capsules: NDArray[np.bool_]  # what of them is outside of the cell, their membrane included


RADIUS, CENTRE = 75.0, (20.0, -30.0, 65.0)


def cell_with(
    *capsules: Capsule,
    shape: Triple = (40, 112, 130),
    centre: tuple[float, float, float] = CENTRE,
    wall: float = WALL,
) -> Cell:
    points = np.stack(np.meshgrid(*(np.arange(n, dtype=float) for n in shape), indexing="ij"), axis=-1)
    cell = np.linalg.norm(points - np.array(centre), axis=-1) - RADIUS
    tubes = np.min([capsule.outside(points) for capsule in capsules], axis=0)
    whole = np.minimum(cell, tubes)
    labels = ((whole <= 0) & (whole > -wall)).astype(np.uint8) * 255
    return Cell(labels, (tubes <= 0) & (cell > 0))


# The cell's membrane is at y = 45 for x = 65, z = 20.
STRAIGHT = Capsule((20, 45, 65), (0, 1, 0), 50, 7)


@pytest.fixture(scope="module")
def straight() -> Cell:
    return cell_with(STRAIGHT)


def overlap(candidate: Candidate, truth: NDArray[np.bool_]) -> float:
    """Intersection over union of the proposed filopodium with the truth."""
    found = candidate.cut()
    mine = np.zeros(truth.shape, np.bool_)
    mine[found.box.slices] = found.where
    return float((mine & truth).sum() / (mine | truth).sum())


@pytest.mark.parametrize(
    "seed",
    [(20, 70, 65), (20, 70, 71), (20, 88, 65), (20, 94, 65), (20, 49, 65), (27, 70, 65), (15, 70, 65)],
    ids=["inside", "on its wall", "near the tip", "on the tip", "at the base", "top", "aside"],
)
def test_wherever_it_is_clicked_it_is_cut_where_the_cell_begins(straight: Cell, seed: Triple) -> None:
    candidate = find_filopodium(straight.labels, seed, None)
    found = candidate.cut()
    assert found.voxels == pytest.approx(straight.capsules.sum(), rel=0.035)
    assert overlap(candidate, straight.capsules) > 0.92
    assert found.length == pytest.approx(50, abs=2.5)
    assert found.axis[-1][1] == pytest.approx(45, abs=1.5), "the outer side of the cell's membrane"
    assert found.incomplete == ()


@pytest.mark.parametrize("wall", [1.6, 4.0], ids=["thin wall", "thick wall"])
@pytest.mark.parametrize("radius", [4, 11], ids=["narrow", "wide"])
def test_width_and_wall_do_not_move_the_cut(radius: int, wall: float) -> None:
    """The narrow one has hardly any lumen within a thick wall."""
    cell = cell_with(Capsule((20, 45, 65), (0, 1, 0), 50, radius), wall=wall)
    for seed in ((20, 70, 65 + radius - 1), (20, 94, 65)):
        found = find_filopodium(cell.labels, seed, None).cut()
        assert found.axis[-1][1] == pytest.approx(45, abs=1.5)
        assert found.axis[0][1] == pytest.approx(94, abs=1.5), "not the wrong way round"
        assert found.voxels == pytest.approx(cell.capsules.sum(), rel=0.035)


@pytest.mark.parametrize(
    ("capsule", "shape", "centre"),
    [
        (Capsule((20, 45, 65), (0, 1, 0), 50, 1.8), (40, 112, 130), CENTRE),
        (Capsule((20, 34.3, 103.6), (0, 1, 0.6), 45, 6), (40, 112, 150), CENTRE),
        (Capsule((10, 45, 65), (0.8, 1, 0), 55, 6), (70, 112, 130), (10.0, -30.0, 65.0)),
    ],
    ids=["without a lumen", "oblique", "along the beam"],
)
def test_thin_and_oblique_ones_are_found(
    capsule: Capsule, shape: Triple, centre: tuple[float, float, float]
) -> None:
    cell = cell_with(capsule, shape=shape, centre=centre)
    candidate = find_filopodium(cell.labels, capsule.middle, None)
    assert candidate.cut().voxels == pytest.approx(cell.capsules.sum(), rel=0.06)
    assert overlap(candidate, cell.capsules) > 0.88
    assert candidate.cut().length == pytest.approx(capsule.length, abs=3)


def test_lengths_are_nanometres_and_slices_as_thick_as_they_are() -> None:
    points = np.stack(np.meshgrid(*(np.arange(n, dtype=float) for n in (20, 112, 130)), indexing="ij"), -1)
    points *= (2, 1, 1)
    cell = np.linalg.norm(points - np.array(CENTRE), axis=-1) - RADIUS
    whole = np.minimum(cell, STRAIGHT.outside(points))
    labels = ((whole <= 0) & (whole > -WALL)).astype(np.uint8)
    found = find_filopodium(labels, (10, 70, 65), (20.0, 10.0, 10.0)).cut()
    truth = ((STRAIGHT.outside(points) <= 0) & (cell > 0)).sum()
    assert found.voxels == pytest.approx(truth, rel=0.06)
    assert found.length == pytest.approx(500, abs=40)
    middle = found.width[len(found.width) // 2]
    assert middle == pytest.approx(140, rel=0.12)  # the diameter, of which the bands are a little oblique


def test_a_gap_in_its_outline_is_closed(straight: Cell) -> None:
    labels = straight.labels.copy()
    labels[18:23, 68:72, 60:] = 0
    assert overlap(find_filopodium(labels, STRAIGHT.middle, None), straight.capsules) > 0.92


def test_tops_and_bottoms_that_are_missing_are_rounded_off(straight: Cell) -> None:
    """As the missing wedge has it: the sides say how wide it is, and it is not called open for that."""
    labels = straight.labels.copy()
    labels[:16], labels[25:] = 0, 0
    candidate = find_filopodium(labels, STRAIGHT.middle, None)
    assert overlap(candidate, straight.capsules) > 0.87 and candidate.cut().incomplete == ()
    assert candidate.cut().voxels == pytest.approx(straight.capsules.sum(), rel=0.1)


@pytest.mark.parametrize("side", [1, -1], ids=["towards the cell's slit", "away from it"])
def test_a_whole_piece_of_its_side_may_be_missing(side: int) -> None:
    """Through such a gap its inside and the slit between it and its neighbour hang together."""
    neighbour = Capsule((20, 41.7, 84), (0, 1, 0), 50, 7)
    cell, alone = cell_with(STRAIGHT, neighbour), cell_with(STRAIGHT)
    labels = cell.labels.copy()
    labels[:, 62:74, 65 + side * 4 : 65 + side * 9 : side] = 0
    candidate = find_filopodium(labels, (20, 80, 65), None)
    assert overlap(candidate, alone.capsules) > 0.88
    assert Incomplete.GAPS not in candidate.cut().incomplete


def test_where_much_of_its_outline_is_missing_it_is_said(straight: Cell) -> None:
    labels = straight.labels.copy()
    for y in (49, 59, 69, 79):
        labels[:, y : y + 5, 66:] = 0
        labels[:, y + 3 : y + 8, :65] = np.where(straight.capsules, 0, labels)[:, y + 3 : y + 8, :65]
    found = find_filopodium(labels, STRAIGHT.middle, None).cut()
    assert Incomplete.GAPS in found.incomplete and "guessed" in why_incomplete(found.incomplete)


def test_of_wide_lines_only_the_membrane_is_left() -> None:
    """Lines of 5 px of 12 nm are 60 nm wide, membranes as X-rays show them 30 nm."""
    tube, drawn = Capsule((20, 45, 65), (0, 1, 0), 50, 7), Capsule((20, 45, 65), (0, 1, 0), 51, 8.25)
    labels = cell_with(drawn, wall=5.0).labels
    found = find_filopodium(labels, tube.middle, (12.0, 12.0, 12.0)).cut()
    middle = found.width[(found.along > 240) & (found.along < 480)] / 12
    assert np.median(middle) == pytest.approx(14, abs=1.0)
    assert find_filopodium(labels, tube.middle, None).cut().width[20] == pytest.approx(16.5, abs=1)


@pytest.mark.parametrize("seed", [(20, 60, 65), (20, 74, 66), (20, 86, 65)], ids=["base", "middle", "tip"])
def test_a_stroke_with_specks_of_a_lumen_is_one_filopodium(straight: Cell, seed: Triple) -> None:
    """As a network draws a narrow one: its lumen shows only here and there."""
    labels = straight.labels.copy()
    labels[straight.capsules] = 255
    for y in (52, 68, 80):
        labels[19:22, y : y + 4, 64:66] = 0
    candidate = find_filopodium(labels, seed, None)
    assert overlap(candidate, straight.capsules) > 0.8
    assert candidate.cut().length == pytest.approx(50, abs=5)


def test_neighbours_are_not_taken_with_it() -> None:
    touching = Capsule((20, 43.6, 79.5), (0, 1, 0), 50, 7)
    both, alone = cell_with(STRAIGHT, touching), cell_with(STRAIGHT)
    candidate = find_filopodium(both.labels, STRAIGHT.middle, None)
    assert overlap(candidate, alone.capsules) > 0.9


def test_it_is_cut_from_an_object_that_holds_it() -> None:
    points = np.stack(np.meshgrid(*(np.arange(n, dtype=float) for n in (40, 112, 130)), indexing="ij"), -1)
    cell = np.linalg.norm(points - np.array(CENTRE), axis=-1) - RADIUS
    objects = np.where(np.minimum(cell, STRAIGHT.outside(points)) <= 0, 70_000, 0).astype(np.uint32)
    objects[30:, 90:] = 3
    candidate = find_filopodium(OneObject(objects, 70_000), (20, 70, 68), None)
    assert overlap(candidate, (STRAIGHT.outside(points) <= 0) & (cell > 0)) > 0.92
    assert candidate.cut().length == pytest.approx(50, abs=3)
    with pytest.raises(UserError, match="wider than a filopodium"):
        find_filopodium(OneObject(objects, 70_000), (20, 30, 65), None)


def test_the_cut_can_be_moved(straight: Cell) -> None:
    candidate = find_filopodium(straight.labels, STRAIGHT.middle, None)
    shorter = candidate.cut(candidate.proposed - 20)
    assert shorter.length == pytest.approx(candidate.cut().length - 20, abs=1)
    lost = candidate.cut().voxels - shorter.voxels
    assert lost == pytest.approx(20 * np.pi * 7**2, rel=0.06)
    low, _ = candidate.limits
    assert candidate.cut(-5).cut == low and candidate.cut(-5).voxels > 0
    assert np.linalg.norm(shorter.axis[0] - (20, 94, 65)) < 8, "it begins at the tip"


@pytest.mark.parametrize(
    ("axis", "first", "last", "why"),
    [
        (0, 0, 24, Incomplete.LAST_Z),
        (0, 16, 40, Incomplete.FIRST_Z),
        (1, 0, 80, Incomplete.LAST_Y),
        (2, 62, 130, Incomplete.FIRST_X),
        (2, 0, 69, Incomplete.LAST_X),
    ],
    ids=["last z", "first z", "y", "first x", "last x"],
)
def test_what_a_border_cuts_is_not_whole(
    straight: Cell, axis: int, first: int, last: int, why: Incomplete
) -> None:
    labels = np.ascontiguousarray(np.moveaxis(np.moveaxis(straight.labels, axis, 0)[first:last], 0, axis))
    seed = list(STRAIGHT.middle)
    seed[axis] -= first
    found = find_filopodium(labels, (seed[0], seed[1], seed[2]), None).cut()
    assert found.incomplete == (why,)
    assert "cut by" in why_incomplete(found.incomplete)


def test_an_open_tip_is_not_whole(straight: Cell) -> None:
    labels = straight.labels.copy()
    labels[:, 80:] = 0
    found = find_filopodium(labels, STRAIGHT.middle, None).cut()
    assert found.incomplete == (Incomplete.OPEN_TIP,)


@pytest.mark.parametrize("dark", [True, False], ids=["dark absorbs", "bright absorbs"])
@pytest.mark.parametrize("place", [70, 100], ids=["across", "apart"])
def test_gold_across_it_interrupts_it(straight: Cell, place: int, dark: bool) -> None:
    points = np.stack(np.meshgrid(*(np.arange(n) for n in straight.labels.shape), indexing="ij"), -1)
    bead = np.linalg.norm(points - (20, place, 65 if place == 70 else 20), axis=-1) < 6
    labels = np.where(bead, 0, straight.labels).astype(np.uint8)
    absorbs = np.random.default_rng(1).normal(1.0, 0.1, labels.shape) + 0.5 * (labels > 0) + 6.0 * bead
    image = ArrayVolume((-absorbs if dark else absorbs).astype(np.float32))
    found = find_filopodium(labels, (20, 86, 65), None).cut()
    why = complete(found, labels, image, absorbing_dark=dark)
    assert why == ((Incomplete.GOLD,) if place == 70 else ())
    assert complete(found, labels, None, absorbing_dark=dark) == ()


@pytest.mark.parametrize(
    ("seed", "words"),
    [
        ((20, 42, 85), "longer than wide"),
        ((20, 20, 65), "neither on an outline"),
        ((20, 100, 20), "neither on an outline"),
        ((40, 0, 0), "outside of the volume"),
    ],
    ids=["membrane of the cell", "cytoplasm", "outside", "no voxel"],
)
def test_where_none_is_it_is_said(straight: Cell, seed: Triple, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        find_filopodium(straight.labels, seed, None)
    assert f"slice {seed[0] + 1}" in str(caught.value)
    assert "by hand" in str(caught.value), "what to do"


def test_empty_labels_and_a_single_voxel_have_none() -> None:
    labels = np.zeros((3, 9, 9), np.uint8)
    for value in (0, 255):
        labels[1, 4, 4] = value
        with pytest.raises(UserError, match="no filopodium"):
            find_filopodium(labels, (1, 4, 4), (10.0, 10.0, 10.0))


def test_what_is_wider_than_asked_is_not_taken(straight: Cell) -> None:
    with pytest.raises(UserError, match="narrow space"):
        find_filopodium(straight.labels, STRAIGHT.middle, None, FilopodiumParameters(widest=6))


def test_it_can_be_cancelled(straight: Cell) -> None:
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        find_filopodium(straight.labels, STRAIGHT.middle, None, progress=progress)
