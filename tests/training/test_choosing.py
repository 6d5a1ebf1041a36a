"""What a training is judged by: which slices, how many, and what chance explains (by simulation)."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from sxtstudio.training.choosing import MOST, JudgedSlices, choose_panel, pooled, spread, tile_counts
from sxtstudio.training.config import Training, TrainingSource
from sxtstudio.training.dataset import SliceRef

HAND, SIMULATED = (TrainingSource(name, folder=Path(name)) for name in ("outlined", "phantoms"))


@dataclass(eq=False)
class Tomogram:
    name: str
    source: TrainingSource = SIMULATED


class Reader:
    def __init__(self, *shape):
        self.shape = shape

    def truth(self, ref):
        return np.zeros(self.shape, np.int8)


def slices(count, depth, source=SIMULATED):
    tomograms = [Tomogram(f"{source.where} {n}", source) for n in range(count)]
    return [SliceRef(tomogram, z) for tomogram in tomograms for z in range(depth)]


def test_many_tomograms_and_all_kinds_are_judged():
    """Ten phantoms of 56 slices, and two slices outlined by hand."""
    refs = slices(10, 56) + slices(2, 1, HAND)
    panel = choose_panel(refs, Reader(224, 256), Training(evaluate_every=1000, crops=4, crop_px=160))
    assert len(panel.refs) == MOST
    counted = Counter(ref.stack.name for ref in panel.refs)
    assert counted["outlined 0"] == counted["outlined 1"] == 1
    assert len(counted) == 12 and min(counted[f"phantoms {n}"] for n in range(10)) >= 6
    assert [refs.index(ref) for ref in panel.refs] == sorted(refs.index(ref) for ref in panel.refs)


@pytest.mark.parametrize(
    ("every", "size", "windows"), [(50, 640, 6), (200, 640, 7), (1000, 640, 12), (1000, 3000, 12)]
)
def test_an_evaluation_takes_a_twentieth_of_the_arithmetic_at_most(every, size, windows):
    """Of so many steps with 4 crops of 160 px, three passes each; a window has 640 px a side or fewer.

    200 steps learn from 20.5 million pixels, of which 3.07 million are 7 windows; 5 million are the most.
    """
    plan = Training(evaluate_every=every, crops=4, crop_px=160)
    assert len(choose_panel(slices(20, 56), Reader(size, size), plan).refs) == windows
    few = slices(1, 3)
    assert list(choose_panel(few, Reader(size, size), plan).refs) == few


def test_slices_of_one_tomogram_are_the_middles_of_equal_parts():
    refs = slices(1, 30)
    assert [ref.z for ref in spread(refs, 6)] == [2, 7, 12, 17, 22, 27]
    assert spread(refs[:2], 6) == refs[:2]
    # Of more tomograms than windows: one slice each, spread over the tomograms.
    assert [ref.stack.name for ref in spread(slices(12, 5), 3)] == ["phantoms 2", "phantoms 6", "phantoms 10"]
    # The rare kind is served first, and no more than half.
    kinds = Counter(ref.stack.source.where for ref in spread(slices(3, 50) + slices(9, 2, HAND), 6))
    assert kinds == {"outlined": 3, "phantoms": 3}


def counts_of(shares, n=400):
    """Pixels of groups of which so much is right: (groups, 4)."""
    hits = np.round(n * np.asarray(shares)).astype(int)
    return np.stack([hits * 0 + n, hits, hits * 0 + n, hits], -1)


def test_each_kind_counts_alike_if_it_shows_membranes():
    panel = JudgedSlices((), np.zeros((0, 16), int), np.array([0, 0, 1, 2]))
    counts = counts_of([0.5, 0.7, 0.9, 0])
    counts[0] *= 3  # the pixels of a kind are pooled
    counts[3] = 0  # a kind in which there is nothing to be found
    assert panel.f1(counts) == pytest.approx((0.55 + 0.9) / 2, abs=0.001)
    assert panel.f1(counts * 0) == 0


def test_chance_is_twice_the_scatter_of_a_difference_seen_anew():
    """Against many draws of the groups: how far a difference in F1 lies from its mean."""
    rng = np.random.default_rng(0)
    groups = 12
    panel = JudgedSlices((), np.zeros((0, 16), int), np.zeros(groups, int))
    differences, told = [], []
    for _ in range(400):
        hard = rng.uniform(0.5, 0.9, groups)  # alike for both networks
        one, other = (counts_of(np.clip(hard + rng.normal(0, 0.04, groups), 0, 1)) for _ in range(2))
        differences.append(panel.f1(one) - panel.f1(other))
        told.append(panel.chance(one, other))
    assert np.mean(told) == pytest.approx(2 * np.std(differences), rel=0.1)
    assert panel.chance(one, one) == 0.005
    assert panel.chance(counts_of([0.9, 0.1] * 6), counts_of([0.1, 0.9] * 6)) == 0.05
    assert JudgedSlices((), np.zeros((0, 16), int), np.zeros(1, int)).chance(one[:1], other[:1]) == 0.005


def test_parts_are_tomograms_windows_or_tiles_whichever_are_enough():
    plan = Training(evaluate_every=1000, crops=4, crop_px=160)
    for refs, groups in ((slices(8, 4), 8), (slices(3, 4), 12), (slices(1, 2), 32)):
        panel = choose_panel(refs, Reader(64, 64), plan)
        assert len(panel.kinds) == groups == len(np.unique(panel.groups))
        windows = np.random.default_rng(0).integers(0, 9, (len(refs), 16, 4))
        assert np.array_equal(panel.counts(windows).sum(0), windows.sum((0, 1)))
    assert choose_panel(slices(8, 4) + slices(2, 1, HAND), Reader(64, 64), plan).kinds.tolist() == (
        [0] * 8 + [1] * 32
    )


def test_tiles_hold_all_pixels_of_a_window_once():
    rng = np.random.default_rng(0)
    predicted, truth = rng.random((2, 37, 50)) > 0.5
    right, found = predicted & truth, truth & predicted
    tiles = tile_counts(predicted, right, truth, found)
    assert tiles.shape == (16, 4)
    assert tiles[0].tolist() == [int(m[:9, :12].sum()) for m in (predicted, right, truth, found)]
    assert tiles[-1, 2] == truth[27:, 37:].sum()
    assert pooled(tiles).predicted == predicted.sum() and pooled(tiles).truth_found == found.sum()
