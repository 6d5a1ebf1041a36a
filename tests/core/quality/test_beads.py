"""Beads that were placed must be counted, and doubled ones told from single ones."""

from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.core.quality.beads import BeadSection, beads, sections
from sxtstudio.core.quality.doubles import displacement
from tests.core.quality.phantoms import ball, beads_in_noise

CENTRES = [(6, 40, 40), (12, 60, 140), (18, 150, 50), (9, 120, 110), (15, 100, 30), (5, 160, 150)]


def found_in(volume: np.ndarray, every: int = 2, *, dark: bool = True) -> list[BeadSection]:
    return [one for z in range(0, len(volume), every) for one in sections(volume[z], z, None, dark=dark)]


@pytest.mark.parametrize("dark", [True, False], ids=["dark", "bright"])
def test_beads_are_counted_where_they_were_placed(dark: bool) -> None:
    volume = beads_in_noise(CENTRES) * (1 if dark else -1)
    found = beads(found_in(volume, dark=dark))
    assert sorted((round(b.y), round(b.x)) for b in found) == sorted((y, x) for _, y, x in CENTRES)
    assert all(bead.diameter == pytest.approx(10, abs=1) for bead in found)
    assert beads(found_in(volume, dark=not dark)) == []


def test_what_is_no_gold_is_no_bead() -> None:
    """Lipid droplets are not dark enough, walls go on, specks are too small."""
    volume = beads_in_noise([])
    volume[ball(volume.shape, (12, 60, 60), 9)] -= 6
    volume[:, :, 153:155] -= 25
    volume[12, 100, 100] -= 50
    volume[12, 120:123, 100:103] -= 50
    assert beads(found_in(volume)) == []


def test_spots_of_a_wall_are_no_beads() -> None:
    volume = beads_in_noise([])
    volume[:, :, 22:28] -= 8.5
    for y in range(20, 180, 20):
        volume[ball(volume.shape, (12, y, 25), 4)] -= 30
    assert beads(found_in(volume)) == []


@pytest.mark.parametrize("shift", [(6, 0), (8, 0), (16, 0), (0, 22), (12, 9)], ids=str)
def test_how_far_doubles_lie_apart_is_told_within_a_pixel(shift: tuple[float, float]) -> None:
    found = found_in(beads_in_noise(CENTRES, shift))
    assert displacement(beads(found), found) == pytest.approx(np.hypot(*shift), abs=1)


def test_single_beads_are_not_doubled() -> None:
    found = found_in(beads_in_noise(CENTRES))
    assert displacement(beads(found), found) == 0


def test_two_beads_that_touch_are_no_doubles() -> None:
    found = found_in(beads_in_noise([*CENTRES, (12, 69, 141)]))
    assert displacement(beads(found), found) == 0


def test_a_few_that_lie_at_the_same_distance_by_chance_are_no_doubles() -> None:
    partners = [(z, y + 14, x) for z, y, x in CENTRES[:2]]
    found = found_in(beads_in_noise([*CENTRES, *partners]))
    assert len(beads(found)) == 8
    assert displacement(beads(found), found) == 0


def test_beads_that_are_stretched_by_different_lengths_are_no_doubles() -> None:
    stretches = [60.0, 5.0, 100.0, 20.0, 0.0]
    different = [BeadSection(0, 90.0 * i, 0, 10, 0, (s, 0.0)) for i, s in enumerate(stretches)]
    alike = [BeadSection(0, 90.0 * i, 0, 10, 0, (36.0 + i, 1.0)) for i in range(5)]
    assert displacement(different, different) == 0
    assert displacement(alike, alike) == pytest.approx(6.2, abs=0.1)


def test_too_few_beads_tell_nothing() -> None:
    found = found_in(beads_in_noise(CENTRES[:2]))
    assert displacement(beads(found), found) is None


def test_streaks_beside_a_bead_are_measured() -> None:
    volume = beads_in_noise([(12, 96, 96)])
    plain = beads(found_in(volume))[0]
    volume[:, 93:100, 60:88] += 4
    volume[:, 93:100, 105:130] += 4
    streaked = beads(found_in(volume))[0]
    assert plain.streak < 0.5
    assert streaked.streak > 2.5
