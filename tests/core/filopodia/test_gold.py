"""Of gold is said where there is some, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.filopodia.gold import touches_gold
from tests.core.filopodia.phantoms import RADIUS, SHAPE, scene

GOLD, DROPLET = 8.0, 0.75  # 1/µm in ice of 0.1; a membrane is 0.5, cytosol 0.3


def bead(place: tuple[float, float, float], radius: float) -> NDArray[np.float64]:
    """How much of each voxel a bead fills, blurred as by a zone plate."""
    grid = np.stack(np.meshgrid(*(np.arange(n, dtype=float) for n in SHAPE), indexing="ij"), axis=-1)
    return ndimage.gaussian_filter((np.linalg.norm(grid - place, axis=-1) < radius).astype(float), 1.0)


@pytest.mark.parametrize("labelled", [True, False], ids=["outlined", "without outlines"])
@pytest.mark.parametrize("noise", [0.0, 0.08, 0.3], ids=["clear", "noisy", "hardly seen"])
@pytest.mark.parametrize("inside", [0.3, 0.45], ids=["pale cell", "cell as dark as membranes"])
def test_without_gold_nobody_is_told_of_gold(inside: float, noise: float, labelled: bool) -> None:
    one = scene(inside=inside, noise=noise)
    labels = (one.labels != 0) & labelled
    assert not touches_gold(-one.absorbs, labels, one.truth, absorbing_dark=True)


@pytest.mark.parametrize("rows", [SHAPE[1], 62], ids=["in the ice", "the cell is most of what is around"])
def test_a_droplet_is_no_gold(rows: int) -> None:
    """Against the cytoplasm membranes are faint, and a droplet would be as far above them as gold."""
    one = scene(inside=0.4)
    absorbs = one.absorbs + (DROPLET - 0.1) * bead((18, 52, 50 + RADIUS + 6), 7).astype(np.float32)
    part = (slice(None), slice(rows), slice(25, 75))
    assert not touches_gold(absorbs[part], one.labels[part] != 0, one.truth[part], absorbing_dark=False)


def test_a_streak_is_no_gold() -> None:
    one = scene()
    absorbs = one.absorbs.copy()
    absorbs[17:20, 60:63, :] += 4
    assert not touches_gold(absorbs, one.labels != 0, one.truth, absorbing_dark=False)


@pytest.mark.parametrize("noise", [0.02, 0.3], ids=["clear", "noisy"])
@pytest.mark.parametrize("radius", [4.0, 8.0], ids=["small bead", "large bead"])
@pytest.mark.parametrize("dark", [True, False], ids=["dark absorbs", "bright absorbs"])
def test_gold_on_it_is_found_and_gold_elsewhere_is_not(dark: bool, radius: float, noise: float) -> None:
    one = scene(noise=noise)
    sign = -1 if dark else 1
    for place, expected in (((18, 62, 53), True), ((18, 95, 15), False)):
        absorbs = one.absorbs + (GOLD - 0.1) * bead(place, radius).astype(np.float32)
        assert touches_gold(sign * absorbs, one.labels != 0, one.truth, absorbing_dark=dark) is expected
