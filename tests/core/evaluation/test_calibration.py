"""Thresholds for each use: the curve counts as the comparison of labels does, and F decides."""

import numpy as np
import pytest
from scipy import ndimage

from sxtstudio.core.evaluation.agreement import Agreement, compare
from sxtstudio.core.evaluation.calibration import (
    THRESHOLDS,
    Measured,
    PrecisionRecallCurve,
    card_entry,
    thresholds_for,
)
from sxtstudio.core.uses import Use


def slice_of(seed, noise=0.4):
    rng = np.random.default_rng(seed)
    truth = np.abs(ndimage.gaussian_filter(rng.normal(size=(60, 70)), 6)) < 0.01
    doubtful = ndimage.gaussian_filter(rng.normal(size=truth.shape), 5) > 0.04
    grain = ndimage.gaussian_filter(rng.normal(size=truth.shape), 1) * 3.5 * noise
    return np.tanh(np.where(truth, 0.6, -0.6) + grain).astype(np.float32), truth, doubtful


def curve_of(*slices):
    curve = PrecisionRecallCurve()
    for values, truth, doubtful in slices:
        curve.add(values, truth, doubtful)
    return curve


def test_at_every_threshold_the_figures_are_those_of_the_labels():
    slices = [slice_of(seed) for seed in (1, 2)]
    curve = curve_of(*slices)
    for threshold in THRESHOLDS:
        counts = [compare(v > threshold, t, doubtful=d) for v, t, d in slices]
        pooled = sum(counts, Agreement())
        assert curve.at(threshold) == Measured(pooled.precision, pooled.recall)


def test_the_higher_the_threshold_the_fewer_are_found():
    entry = card_entry({"one": curve_of(slice_of(1)), "other": curve_of(slice_of(3, 0.7))})
    assert list(entry) == ["few-false", "balanced", "everything"]
    thresholds = [one["threshold"] for one in entry.values()]
    recalls = [one["scores"]["one"]["recall"] for one in entry.values()]
    assert thresholds == sorted(thresholds, reverse=True) and recalls == sorted(recalls)
    assert len(set(thresholds)) == 3


@pytest.mark.parametrize("own", [-0.9, -0.33, 0.1, 0.8, 0.95, -0.95])
def test_few_false_is_never_below_the_models_own_threshold_and_everything_never_above(own):
    found = thresholds_for({"one": curve_of(slice_of(1))}, own)
    assert found.get(Use.FEW_FALSE, 1) >= own >= found.get(Use.EVERYTHING, -1)
    assert (Use.FEW_FALSE in found, Use.EVERYTHING in found) == (own <= 0.9, own >= -0.9)
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_each_judge_counts_the_same_however_many_slices_it_has():
    easy, hard = slice_of(1, 0.1), slice_of(2, 0.9)
    few = thresholds_for({"easy": curve_of(easy), "hard": curve_of(hard)})
    assert few == thresholds_for({"easy": curve_of(*[easy] * 9), "hard": curve_of(hard)})
    assert few != thresholds_for({"easy": curve_of(easy)})


def test_where_only_a_part_is_outlined_recall_alone_is_told_and_chooses_nothing():
    curves = {"one": curve_of(slice_of(1))}
    entry = card_entry(curves, {"part": curve_of(slice_of(5, 0.9))})
    assert set(entry["balanced"]["scores"]["part"]) == {"recall"}
    assert entry["balanced"]["threshold"] == thresholds_for(curves)[Use.BALANCED]


def test_without_a_judge_there_is_no_threshold():
    with pytest.raises(ValueError, match="without a judge"):
        thresholds_for({})


def test_nothing_right_is_no_division_by_zero():
    assert Measured(0.0, 0.0).f() == 0.0
    assert Measured(0.5, 1.0).f(0.5) == pytest.approx(5 / 9)  # 1.25 · 0.5 / (0.25 · 0.5 + 1)
    assert Measured(0.5, 1.0).f(2.0) == pytest.approx(5 / 6)  # 5 · 0.5 / (4 · 0.5 + 1)
