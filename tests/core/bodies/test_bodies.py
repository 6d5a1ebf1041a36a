"""Bodies against phantoms whose bodies are known: shapes by formula, and packed ones of tests/judges."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.bodies.evidence import darkness
from sxtstudio.core.bodies.find import BodyParameters, find_bodies
from sxtstudio.core.bodies.found import bodies_table
from sxtstudio.core.bodies.leftovers import number_leftovers
from sxtstudio.core.bodies.membrane import Membrane, membrane_in
from sxtstudio.core.bodies.preview import preview_slice
from sxtstudio.core.bodies.regions import find_regions, wall_half_px
from sxtstudio.core.bodies.tracks import Linker
from sxtstudio.core.bodies.walls import near_share, outside_of, outside_px, share_walls
from sxtstudio.core.object_table import ObjectFlag
from sxtstudio.core.objects import label_objects
from sxtstudio.core.volume import ArrayVolume

sys.path.append(str(Path(__file__).parents[2] / "judges"))

import packed_bodies

Mask = NDArray[np.bool_]
SHAPE = (24, 72, 96)


def distance_to(centre: tuple[float, float, float], radius: float) -> NDArray[np.float64]:
    grid = np.indices(SHAPE, dtype=np.float64)
    away = sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True))
    return np.sqrt(away) - radius


def shells(*distances: NDArray[np.float64], half: float = 1.5) -> NDArray[np.uint8]:
    """Outlines at the surface of each body, of 3 px if nothing else is said."""
    outlines = np.zeros(SHAPE, bool)
    for distance in distances:
        outlines |= np.abs(distance) <= half
    return outlines.astype(np.uint8)


def found(outlines: NDArray[np.uint8], **parameters: Any) -> NDArray[np.uint32]:
    bodies = np.zeros(outlines.shape, np.uint32)
    found = find_bodies(outlines, bodies, BodyParameters(**parameters))
    count = found.count
    assert set(np.unique(bodies)) - {0} == set(range(1, count + 1))
    return bodies


def overlap(one: Mask, other: Mask) -> float:
    return (one & other).sum() / (one | other).sum()


def matches(bodies: NDArray[np.uint32], truth: Mask) -> float:
    """Return the intersection over union of a true body with the one that covers most of it."""
    numbers = bodies[truth]
    best = np.bincount(numbers[numbers > 0]).argmax()
    return overlap(bodies == best, truth)


def test_a_closed_outline_is_a_body_with_its_membrane() -> None:
    distance = distance_to((12, 36, 48), 9)
    bodies = found(shells(distance))
    assert bodies.max() == 1
    truth = distance <= 1.5
    assert overlap(bodies == 1, truth) > 0.97
    assert abs(int((bodies == 1).sum()) - 4 / 3 * np.pi * 10.5**3) < 0.05 * 4 / 3 * np.pi * 10.5**3


def test_the_space_between_bodies_is_no_body() -> None:
    """Three cylinders that touch enclose a space, whose rim bends inwards."""
    grid = np.indices(SHAPE[1:])
    centres = [(26, 36), (26, 60), (26 + 12 * np.sqrt(3), 48)]
    walls = np.zeros(SHAPE, np.uint8)
    for y, x in centres:
        walls[:, np.abs(np.hypot(grid[0] - y, grid[1] - x) - 12) <= 1.5] = 1
    bodies = found(walls)
    assert bodies.max() == 3
    y, x = (round(float(np.mean(c))) for c in zip(*centres, strict=True))
    assert not bodies[:, y, x].any()


@pytest.mark.parametrize(("gap", "closed"), [(4, True), (14, False)])
def test_a_gap_is_closed_along_the_outline_if_it_is_narrow(gap: int, closed: bool) -> None:
    distance = distance_to((12, 36, 48), 11)
    outlines = shells(distance)
    outlines[:, 36 - gap // 2 : 36 + gap // 2, :48] = 0
    bodies = found(outlines)
    if closed:
        assert bodies.max() == 1 and matches(bodies, distance <= 1.5) > 0.9
        assert not bodies[(distance > 5)].any(), "nothing leaks out"
    else:
        assert matches(bodies, distance <= 1.5) < 0.7 if bodies.any() else True


@pytest.mark.parametrize("degrees", [0, 30])
@pytest.mark.parametrize(
    ("neck", "speck"),
    [(12, False), (16, False), (18, False), (22, False), (34, False), (24, True), (30, True)],
    ids=lambda value: {False: "empty", True: "speck in it"}.get(value) if isinstance(value, bool) else None,
)
def test_a_closed_body_with_a_waist_is_one_region(neck: int, speck: bool, degrees: float) -> None:
    """As of lobed nuclei: two discs of radius 54 px, and a neck wider than a gap; the outline is closed."""
    turn = np.deg2rad(degrees)
    y, x = np.mgrid[-128:128, -128:128]
    along, aside = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    body = np.hypot(np.abs(along) - 56, aside) <= 54
    body |= (np.abs(along) < 56) & (np.abs(aside) <= neck / 2)
    rim = body & ~ndimage.binary_erosion(body, iterations=3)
    rim |= speck & (np.hypot(along, aside) <= 1.5)
    numbers = find_regions(rim, gap_px=6, split=0, half_px=2).numbers
    places = [(round(128 + at * np.sin(turn)), round(128 + at * np.cos(turn))) for at in (-56, 56)]
    assert len({int(numbers[place]) for place in places} - {0}) == 1
    assert all(numbers[place] for place in places)


@pytest.mark.parametrize(("gap", "closed"), [(14, True), (24, True), (36, False)])
def test_a_wide_gap_is_closed_where_two_lines_end(gap: int, closed: bool) -> None:
    """As of large organelles, of which a piece of the outline is too pale."""
    z, y, x = np.indices(SHAPE)
    tube = np.hypot(y - 36, x - 46) - 24 + 0 * z
    outlines = shells(tube)
    outlines[:, 36 - gap // 2 : 36 + gap // 2, 46:] = 0
    bodies = found(outlines, gap_px=6.0, sheets=False)
    if closed:
        assert bodies.max() == 1 and matches(bodies, tube <= 1.5) > 0.95
        assert not bodies[tube > 4].any(), "nothing leaks out"
    else:
        assert not bodies.any()


@pytest.mark.parametrize("gap", [10, 14])
def test_a_wide_gap_is_closed_where_a_line_ends_before_another_one(gap: int) -> None:
    """Of a body beside a long membrane, which stands in for a part of its outline."""
    y, x = np.indices((160, 200))
    away = np.hypot(y - 80, x - 100)
    rim = (np.abs(away - 30) <= 1.5) & (y < 104)
    rim &= ~((x > 100) & (y >= 104 - gap))
    rim |= (y >= 104) & (y < 107)
    numbers = find_regions(rim, gap_px=6, split=0, half_px=2).numbers
    assert numbers[80, 100] and numbers[80, 100] != numbers[5, 5]


def test_a_bay_that_a_wide_gap_divides_from_what_is_around_is_no_body() -> None:
    y, x = np.indices((160, 200))
    shapes = {
        "round": np.hypot(y - 80, x - 100) < 30,
        "bent": (np.abs(y - 80) < 40) & (np.abs(x - 100) < 40) & ~((y > 62) & (x > 82)),
    }
    for name, inside in shapes.items():
        rim = ndimage.binary_dilation(inside, iterations=3) & ~inside
        rim[52:60, :100] = False  # a gap of 8 px, in both
        regions = find_regions(rim, gap_px=6, split=0, half_px=2)
        number = regions.numbers[75, 75 if name == "bent" else 100]
        assert number != regions.numbers[5, 5], "the gap is closed"
        assert regions.table["bay"][number - 1] == (name == "bent"), name


def test_what_a_wide_gap_and_the_border_of_the_slice_bound_is_no_body() -> None:
    """As a piece of the cytoplasm between two lines that run out of the slice."""
    y, x = np.indices((160, 200))
    rim = (np.abs(np.hypot(y, x - 100) - 60) <= 1.5) & ~((np.abs(x - 100) < 5) & (y > 40))
    regions = find_regions(rim, gap_px=6, split=0, half_px=2)
    number = regions.numbers[20, 100]
    assert number != regions.numbers[150, 100], "the gap is closed"
    assert regions.table["bay"][number - 1]


def test_an_inner_membrane_divides_no_body_and_a_common_wall_does() -> None:
    grid = np.indices(SHAPE)
    along = np.clip(grid[2], 30, 66)
    capsule = np.sqrt((grid[0] - 12) ** 2 + (grid[1] - 36) ** 2 + (grid[2] - along) ** 2) - 10
    divided = shells(capsule)
    divided[(capsule < 0) & (np.abs(grid[2] - 48) <= 1)] = 1  # a crista from wall to wall
    assert found(divided).max() == 1
    two = [distance_to((12, 36, x), 10) for x in (38, 58)]
    both = found(shells(*two))
    assert both.max() == 2
    for distance, other in (two, two[::-1]):
        assert matches(both, (distance <= 1.5) & (distance < other)) > 0.95
    left, right = (np.unique(both[:, :, half]) for half in (slice(48), slice(49, None)))
    assert len(left) == len(right) == 2, "the common wall is divided in its middle"


def test_split_divides_what_touches_without_a_wall() -> None:
    y, x = np.indices((72, 96))
    free = (np.hypot(y - 36, x - 34) < 14) | (np.hypot(y - 36, x - 60) < 14)
    free |= (np.abs(y - 36) <= 6) & (x > 34) & (x < 60)
    for split, count in ((0.0, 1), (0.7, 2)):
        regions = find_regions(~free, gap_px=6, split=split, half_px=1.5)
        assert (~regions.table["solid"]).sum() == count


def test_a_solid_droplet_is_a_body_and_a_thick_outline_is_none() -> None:
    droplet = distance_to((12, 20, 20), 6)
    vesicle = distance_to((12, 40, 62), 14)
    outlines = shells(vesicle)
    outlines[np.abs(distance_to((12, 40, 48), 5)) <= 1.5] = 1
    outlines[(distance_to((12, 26, 62), 3.6) <= 0) & (vesicle > -3)] = 1  # a knot in the wall
    outlines[droplet <= 0] = 1
    bodies = found(outlines)
    assert matches(bodies, droplet <= 0) > 0.8
    assert matches(bodies, vesicle <= 1.5) > 0.8


def test_a_wall_belongs_to_the_nearest_body_within_reach() -> None:
    """Against the distance to every body, one by one."""
    packed = packed_bodies.pack(3, touching=True, shape=(16, 96, 96), many=20)
    outlines = packed.outlines.astype(np.uint8)
    inside = np.where(packed.outlines, 0, packed.bodies).astype(np.uint32)
    shared = inside.copy()
    share_walls(outlines, shared, 4.5, z_step=1.5)
    away = np.stack(
        [
            ndimage.distance_transform_edt(inside != number, sampling=(1.5, 1, 1))
            for number in range(1, int(inside.max()) + 1)
        ]
    )
    least = away.min(0)
    wall = packed.outlines & (least <= 4.5)
    assert np.array_equal(shared > 0, (inside > 0) | wall)
    assert np.array_equal(shared[inside > 0], inside[inside > 0])
    own = np.take_along_axis(away, shared[None].astype(np.int64) - 1, 0)[0]
    assert np.allclose(own[wall], least[wall])


def test_slabs_change_nothing() -> None:
    packed = packed_bodies.pack(3, touching=True, shape=(16, 96, 96), many=20)
    whole = np.where(packed.outlines, 0, packed.bodies).astype(np.uint32)
    apart = np.arange(int(whole.max()) + 1) % 2 == 1
    near = [near_share(whole, apart, 4.5, slab_voxels=size) for size in (1, 10**9)]
    assert np.array_equal(*near)


def test_of_wide_lines_the_middle_is_the_membrane_and_a_common_wall_stays() -> None:
    """Lines of 5 px around membranes of 3: two bodies with a wall between them, and a droplet."""
    left, right = distance_to((12, 36, 24), 10), distance_to((12, 36, 46), 10)
    drop = distance_to((12, 15, 80), 6)
    outlines = (shells(left, right, half=2.5) > 0) | (drop <= 0)
    outlines &= ~((left < -2.5) | (right < -2.5))
    drawn, thin = (found(outlines.astype(np.uint8), membrane=m, sheets=False) for m in (None, Membrane(3.0)))
    for distance in (left, right):
        # In the slices where both are seen, and where the membrane stands upright.
        own = [numbers[9:16] == numbers[12, 36, 24 if distance is left else 46] for numbers in (drawn, thin)]
        sizes = [body.sum() / (distance[9:16] <= 1.5).sum() for body in own]
        assert sizes[0] > 1.12 and abs(sizes[1] - 1) < 0.06, sizes
        assert overlap(own[1], distance[9:16] <= 1.5) > 0.9
    line = thin[12, 36, 14:57]
    assert (line > 0).all(), "the wall between both is divided, not taken away"
    assert np.array_equal(drawn == drawn[12, 15, 80], thin == thin[12, 15, 80])


@pytest.mark.parametrize(("lumen", "taken"), [(0, 0.0), (2, 1 / 3), (4, 2 / 3), (6, 1.0), (12, 1.0)])
def test_less_is_taken_from_the_outside_of_small_lumens(lumen: int, taken: float) -> None:
    """Lines of 5 px, membranes of 3: a pixel lies outside, less of it around lumens narrower than 6 px."""
    y, x = np.indices((50, 50)) - 24.7
    away = np.hypot(y, x)
    body = away <= lumen + 5
    outline = body & (away > lumen)
    outside = outside_of(body.astype(np.uint32), outline, outside_px(np.array([0.0, lumen]), 5.0, 3.0), 3.0)
    before, after = (np.sqrt(part.sum() / np.pi) for part in (body, body & ~outside))
    # Distances in pixels are a quarter too small, and so is the width that is measured of a line.
    assert 0 <= before - after - taken < 0.35 * (lumen > 0) + 1e-9
    assert not outside[~outline].any()


@pytest.mark.parametrize(("line", "px_nm", "applies"), [(5, 10, True), (3, 10, False), (4, 10, False),
                                                         (3, 20, False), (4, 12, True)])  # fmt: skip
def test_only_lines_wider_than_40_nm_and_of_4_px_are_wider_than_membranes(
    line: float, px_nm: float, applies: bool
) -> None:
    membrane = membrane_in((30.0, px_nm, px_nm))
    assert membrane is not None and membrane.px == 30 / px_nm
    assert membrane.applies_to(line) is applies
    assert membrane_in(None) is None and membrane_in((10.0, 10.0, 10.0), 0.0) is None
    forced = membrane_in((30.0, px_nm, px_nm), 2.5 * px_nm)
    assert forced is not None and forced.applies_to(line) and not forced.applies_to(2.0)


@pytest.mark.parametrize(("touching", "least"), [(False, 0.95), (True, 0.9)])
def test_packed_bodies_are_found(touching: bool, least: float) -> None:
    packed = packed_bodies.pack(11, touching=touching, shape=(40, 160, 160), scale=1.4, many=40)
    bodies = found(packed.outlines.astype(np.uint8))
    score = packed_bodies.judge(bodies, packed.bodies)
    assert score.f1 >= least, score


@pytest.mark.parametrize("value", [0, 1])
def test_nothing_and_everything_hold_no_body(value: int) -> None:
    outlines = np.full((3, 20, 20), value, np.uint8)
    assert find_bodies(outlines, np.zeros(outlines.shape, np.uint32), BodyParameters()).bodies == 0
    assert wall_half_px(outlines != 0) >= 1.5


def test_a_body_is_closed_where_its_lids_are_missing() -> None:
    """Membranes that lie in the slice are not drawn; the truth is the sphere by its formula."""
    distance = distance_to((12, 36, 48), 9)
    outlines = shells(distance)
    steep = np.abs(np.indices(SHAPE)[0] - 12) > 0.75 * (distance + 9)
    outlines[steep] = 0
    volume = 4 / 3 * np.pi * 10.5**3
    for caps, least, most in ((True, 0.97, 1.03), (False, 0.5, 0.95)):
        bodies = np.zeros(SHAPE, np.uint32)
        result = find_bodies(outlines, bodies, BodyParameters(caps=caps))
        assert result.flags == (frozenset(),), "no more is missing than the wedge takes of every body"
        assert least < (bodies == 1).sum() / volume < most
    closed = find_bodies(shells(distance), np.zeros(SHAPE, np.uint32), BodyParameters())
    assert closed.flags == (frozenset(),), "a lid that is drawn needs no cap"
    cut = find_bodies(shells(distance)[6:], np.zeros((18, *SHAPE[1:]), np.uint32), BodyParameters())
    assert cut.flags == (frozenset({ObjectFlag.BORDER}),)


def test_a_cell_with_organelles_is_no_body_and_swallows_none() -> None:
    cell = distance_to((12, 36, 48), 33)
    inner = [distance_to(centre, 7) for centre in ((12, 24, 34), (12, 46, 40), (11, 30, 60), (13, 48, 62))]
    # However sure one is to be: what lies in it says that it is the cell, and what lies around it is none.
    assert found(shells(cell, *inner), sheets=False, sure=0.0)[12, 36, 48] == 0
    bodies = found(shells(cell, *inner), sheets=False)
    assert bodies.max() == 4
    for distance in inner:
        assert matches(bodies, distance <= 1.5) > 0.9


def test_a_nucleus_with_nucleoli_is_an_object_of_its_own() -> None:
    nucleus = distance_to((12, 36, 40), 30)
    inner = [distance_to((12, y, x), 3.4) for y, x in ((26, 30), (46, 34), (34, 54))]
    outside = distance_to((12, 36, 84), 7)
    bodies = found(shells(nucleus, *inner, outside), sheets=False)
    own = bodies[12, 36, 40]
    assert own and overlap(bodies == own, nucleus <= 1.5) > 0.9
    assert bodies[12, 36, 84] not in (0, own), "what lies beside it is another one"


def test_sheets_are_objects_after_the_bodies_and_drops_without_lumen_are_bodies() -> None:
    outlines = shells(distance_to((12, 30, 30), 8))
    outlines[:, :, 70:73] = 1  # a membrane that runs through
    outlines[distance_to((12, 50, 54), 4) <= 0] = 1
    numbers = np.zeros(SHAPE, np.uint32)
    result = find_bodies(outlines, numbers, BodyParameters())
    assert (result.count, result.bodies) == (3, 2)
    assert result.flags[2] == {ObjectFlag.SHEET, ObjectFlag.BORDER} and set(np.unique(numbers[:, :, 71])) == {
        3
    }
    assert numbers[12, 50, 54] in (1, 2) and ObjectFlag.SHEET not in result.flags[numbers[12, 50, 54] - 1]
    assert bodies_table(result).rows[3].flags == {ObjectFlag.SHEET, ObjectFlag.BORDER}
    assert find_bodies(outlines, numbers, BodyParameters(sheets=False)).count == 2


def test_pieces_of_outline_do_not_depend_on_slabs() -> None:
    rng = np.random.default_rng(5)
    outlines = (rng.random((12, 20, 20)) < 0.12).astype(np.uint8)
    whole, parts = (np.zeros(outlines.shape, np.uint32) for _ in range(2))
    one = number_leftovers(outlines, whole, 1)
    many = number_leftovers(outlines, parts, 1, slab_voxels=800)
    numbers, count = label_objects(outlines)
    assert len(one.voxels) == len(many.voxels) == count
    assert sorted(one.voxels) == sorted(many.voxels) == sorted(np.bincount(numbers.ravel())[1:])
    pairs = np.unique(np.stack([whole.ravel(), np.append(0, many.of_part + 1)[parts.ravel()]], 1), axis=0)
    assert len(pairs) == count + 1, "the same voxels hang together"


def test_a_preview_shows_the_bodies_of_a_slice_with_their_walls() -> None:
    distances = [distance_to((12, 36, x), 10) for x in (30, 62)]
    shown = preview_slice(shells(*distances)[12] != 0, BodyParameters())
    assert shown.max() == 2
    for distance in distances:
        assert matches(shown, distance[12] <= 1.5) > 0.97
    wide = shells(*distances, half=2.5)[12] != 0
    shown = [preview_slice(wide, BodyParameters(membrane=m)) > 0 for m in (None, Membrane(3.0))]
    true = np.minimum(*distances)[12] <= 1.5
    assert overlap(shown[0], true) < 0.9 and overlap(shown[1], true) > 0.97
    assert not preview_slice(np.zeros((30, 30), bool), BodyParameters()).any()
    assert preview_slice(np.ones((30, 30), bool), BodyParameters()).shape == (30, 30)


@pytest.mark.parametrize("sign", [1, -1], ids=["bright membranes", "dark membranes"])
def test_darkness_is_measured_by_that_of_outlines(sign: int) -> None:
    """A background of 10, outlines of 14 and a droplet of 18, whichever is darker."""
    outlines = np.zeros((4, 20, 20), np.uint8)
    outlines[:, 2:6] = outlines[:, 10:16, 10:16] = 1
    image = 10.0 + 4 * outlines
    numbers = np.zeros(outlines.shape, np.uint32)
    numbers[:, 10:16, 10:16] = 1
    image[numbers == 1] = 18
    mean = (14 * 4 * 80 + 18 * 4 * 36) / (4 * 116)
    found = darkness(outlines, numbers, 1, ArrayVolume((sign * image).astype(np.float32)))
    assert found[1] == pytest.approx((18 - 10) / (mean - 10))
    assert (
        darkness(np.ones_like(outlines), numbers, 1, ArrayVolume(np.ones(outlines.shape, np.float32)))[1] == 1
    )


def test_a_part_that_ends_on_another_one_is_stacked() -> None:
    linker = Linker()
    wide, narrow = np.ones((40, 40), bool), np.ones((40, 40), bool)
    wide[4:36, 4:36], narrow[4:36, 4:12] = False, False
    narrow[4:36, 15:36] = False
    for outline in (wide, wide, narrow, narrow):
        linker.add(find_regions(outline, gap_px=0, split=0, half_px=1.5))
    tracks = linker.finish()
    parts = [n for n in range(tracks.count) if not tracks.solid[n]]
    assert len(parts) == 2 and tracks.stacked == {(parts[0], parts[1]): 1.0}


def test_one_voxel_is_no_body() -> None:
    outlines = np.zeros((1, 8, 8), np.uint8)
    outlines[0, 4, 4] = 1
    assert not found(outlines).any()


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_vesicles_of_a_single_slice_are_bodies(depth: int) -> None:
    y, x = np.mgrid[:160, :220]
    true = np.zeros((160, 220), np.uint32)
    for number, (row, column, radius) in enumerate(
        ((40, 40, 22), (40, 100, 16), (45, 160, 30), (115, 45, 28), (120, 120, 34), (115, 190, 18)), 1
    ):
        true[(y - row) ** 2 + (x - column) ** 2 <= radius**2] = number
    inner = ndimage.minimum_filter(true, footprint=np.hypot(*np.mgrid[-3:4, -3:4]) <= 3)
    outlines = np.repeat(((true > 0) & (inner == 0))[None], depth, 0).astype(np.uint8)
    bodies = np.zeros(outlines.shape, np.uint32)
    found = find_bodies(outlines, bodies, BodyParameters())
    assert found.bodies == 6
    for number in range(1, 7):
        where = true == number
        named = np.bincount(bodies[0][where]).argmax()
        assert named > 0
        mine = bodies[0] == named
        assert (mine & where).sum() / (mine | where).sum() > 0.9, number


def test_where_walls_meet_in_a_single_slice_is_no_droplet() -> None:
    """Between three bodies, filled with label: it looks much like a droplet, which the one alone is."""
    y, x = np.indices((150, 170), dtype=np.float64)
    centres = ((50, 50), (50, 126), (116, 88))
    away = np.min([np.hypot(y - row, x - column) - 34 for row, column in centres], 0)
    between = (np.hypot(y - 72, x - 88) < 25) & (away > 0)
    outlines = (np.abs(away) <= 2.5) | between | (np.hypot(y - 125, x - 25) <= 7)
    bodies = np.zeros((1, 150, 170), np.uint32)
    found = find_bodies(outlines[None].astype(np.uint8), bodies, BodyParameters(sheets=False))
    assert found.bodies == 4
    assert {int(bodies[0, row, column]) for row, column in (*centres, (125, 25))} == {1, 2, 3, 4}
