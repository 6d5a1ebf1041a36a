"""Gaps in outlines are closed where the network saw a membrane that it was not sure enough of to draw."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.bodies.faint_gaps import close_faint_gaps
from sxtstudio.core.bodies.find import BodyParameters, find_bodies
from sxtstudio.core.bodies.regions import find_regions
from sxtstudio.core.bodies.wires import output_across
from sxtstudio.core.volume import ArrayVolume

Slice = NDArray[np.float32]
Mask = NDArray[np.bool_]
RADIUS = 40
Y, X = np.indices((200, 240)) - np.array([100, 120])[:, None, None]
AWAY = np.hypot(Y, X)
#: 0 to the right, then clockwise, degrees.
TURN = np.rad2deg(np.arctan2(Y, X)) % 360
RING = np.abs(AWAY - RADIUS) <= 2
#: Where gaps begin and end: one of 38 px, or two of 28 px; none is closed by its line ends alone.
GAPS = {"one": ((20, 75),), "two": ((20, 60), (200, 240))}


def scene(gaps: tuple[tuple[int, int], ...], *faint: float, around: float = 0.05) -> tuple[Mask, Slice]:
    """Return an outline with gaps, and an output that is that high in each of them, and so much elsewhere."""
    outline, output = RING.copy(), np.full(RING.shape, around, np.float32)
    output[RING] = 0.9
    for (begin, end), seen in zip(gaps, faint, strict=True):
        gap = RING & (begin <= TURN) & (end > TURN)
        outline[gap], output[gap] = False, seen
    noise = np.random.default_rng(1).normal(scale=0.02, size=output.shape)
    return outline, np.clip(ndimage.gaussian_filter(output, 1) + noise, 0, 1).astype(np.float32)


def enclosed(outline: Mask, output: Slice) -> Mask:
    """Return the region in the middle; all of it that reaches to the corner of the slice."""
    regions = find_regions(outline, gap_px=6, split=0, half_px=2.5)
    numbers = close_faint_gaps(regions, outline, output, 6, 2.5).numbers
    own: Mask = numbers == numbers[100, 120]
    return own


def overlap(one: Mask, other: Mask) -> float:
    return (one & other).sum() / (one | other).sum()


@pytest.mark.parametrize("gaps", GAPS.values(), ids=GAPS)
@pytest.mark.parametrize("seen", [0.3, 0.45, 0.55])
def test_gaps_are_closed_where_the_network_saw_a_membrane(
    gaps: tuple[tuple[int, int], ...], seen: float
) -> None:
    outline, output = scene(gaps, *(seen for _ in gaps))
    assert overlap(enclosed(outline, output), AWAY < RADIUS - 2) > 0.93
    nothing = np.full_like(output, 0.05)
    assert enclosed(outline, nothing)[0, 0], "without it they are too wide"


@pytest.mark.parametrize(
    ("faint", "around"),
    [((0.4, 0.05), 0.05), ((0.1, 0.1), 0.05), ((0.35, 0.35), 0.33)],
    ids=["in one of two", "hardly", "no more than beside"],
)
def test_gaps_are_not_closed_blindly(faint: tuple[float, float], around: float) -> None:
    outline, output = scene(GAPS["two"], *faint, around=around)
    assert enclosed(outline, output)[0, 0]


def test_a_membrane_that_breaks_off_closes_no_gap() -> None:
    outline, output = scene(GAPS["one"], 0.5)
    output[(TURN > 35) & (TURN < 60) & (np.abs(AWAY - RADIUS) < 8)] = 0.05
    assert enclosed(outline, output)[0, 0]


@pytest.mark.parametrize("inner", [0.3, 0.45, 0.55])
def test_a_closed_body_is_not_cut_by_a_faint_membrane_in_its_waist(inner: float) -> None:
    """As of lobed nuclei and of mitochondria with cristae, closed and bent, some a tenth of the slice."""
    for lobes in (((-24, 0), (24, 0)), ((-38, -26), (0, 0), (38, -26))):
        body = np.zeros(RING.shape, np.bool_)
        for x, y in lobes:
            body |= np.hypot(Y - y, X - x) <= 28
        outline = body & (ndimage.distance_transform_edt(body) <= 5)
        output = np.where(outline, 0.9, 0.05).astype(np.float32)
        for waist in (-18, 18) if len(lobes) == 3 else (0,):
            output[body & ~outline & (np.abs(X - waist) <= 2)] = inner
        regions = find_regions(outline, gap_px=6, split=0, half_px=2.5)
        divided = close_faint_gaps(regions, outline, output, 6, 2.5)
        places = [(100 + y, 120 + x) for x, y in lobes]
        assert len({int(divided.numbers[place]) for place in places}) == 1
        assert all(divided.numbers[place] for place in places)


def test_what_is_left_is_measured_again_and_keeps_its_holes() -> None:
    """A vesicle lies in what leaks, and another one beside it."""
    outline, output = scene(GAPS["one"], 0.45)
    for x in (-26, 80):
        outline |= np.abs(np.hypot(Y, X - x) - 6) <= 2
    regions = find_regions(outline, gap_px=6, split=0, half_px=2.5)
    divided = close_faint_gaps(regions, outline, output, 6, 2.5)
    inside, beside, around = (int(divided.numbers[place]) for place in ((128, 120), (100, 200), (5, 5)))
    assert len({inside, beside, around}) == 3
    table = divided.table
    assert [int(area) for area in table["area"]] == np.bincount(divided.numbers.ravel())[1:].tolist()
    assert table["parent"][beside - 1] == around
    assert table["holes"][inside - 1] > 0 and not table["bay"][inside - 1]


def test_the_output_across_a_gap_is_that_of_the_membrane_in_it() -> None:
    outline, output = scene(GAPS["one"], 0.4)
    middle = np.deg2rad(47.5)
    place = (round(100 + 36 * np.sin(middle)), round(120 + 36 * np.cos(middle)))
    radius = float(np.hypot(*(np.argwhere(outline) - place).T).min())
    ridge = output[RING & ~outline & (np.abs(AWAY - RADIUS) <= 0.7) & (TURN > 25) & (TURN < 70)].mean()
    assert output_across(outline, output, place, radius, 2.5) == pytest.approx(ridge, abs=0.04)


@pytest.mark.parametrize("whole_numbers", [True, False], ids=["0…255", "0…1"])
def test_bodies_with_faint_gaps_are_found_with_the_output_of_the_network(whole_numbers: bool) -> None:
    outline, output = scene(GAPS["two"], 0.4, 0.4)
    outlines = np.repeat(outline[None], 5, 0).astype(np.uint8)
    stack = np.repeat(output[None], 5, 0)
    shown = ArrayVolume(np.rint(255 * stack).astype(np.uint8) if whole_numbers else stack)
    numbers = np.zeros(outlines.shape, np.uint32)
    parameters = BodyParameters(sheets=False)
    assert find_bodies(outlines, numbers, parameters).count == 0
    assert find_bodies(outlines, numbers, parameters, probability=shown).count == 1
    assert overlap(numbers[2] == 1, AWAY <= RADIUS + 2) > 0.93
