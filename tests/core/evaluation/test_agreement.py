import numpy as np
import pytest
from sklearn import metrics

from sxtstudio.core.evaluation.agreement import compare


def line(x, shape=(20, 30)):
    mask = np.zeros(shape, bool)
    mask[:, x] = True
    return mask


@pytest.mark.parametrize(
    ("shift", "right"), [(0, 1.0), (2, 1.0), (3, 0.0)], ids=["same", "2 px off", "3 px off"]
)
def test_a_line_counts_as_found_within_two_pixels(shift, right):
    agreement = compare(line(10 + shift), line(10))
    assert agreement.precision == right
    assert agreement.recall == right


def test_half_a_line_found_and_one_line_invented():
    found = line(10)
    found[10:] = False
    agreement = compare(found | line(25), line(10))
    assert agreement.precision == pytest.approx(10 / 30)
    assert agreement.recall == pytest.approx(12 / 20)  # two pixels beyond the end are within the tolerance
    assert agreement.f1 == pytest.approx(2 * (1 / 3) * 0.6 / (1 / 3 + 0.6))


def test_nothing_predicted_and_nothing_there_do_not_divide_by_zero():
    nothing = np.zeros((5, 5), bool)
    assert compare(nothing, nothing).f1 == 0


def test_slices_are_pooled_by_pixels():
    pooled = compare(line(10), line(10)) + compare(line(10), line(20))
    assert pooled.precision == pooled.recall == pooled.f1 == 0.5


def test_doubtful_pixels_count_only_near_the_truth() -> None:
    truth, predicted, doubtful = (np.zeros((9, 20), bool) for _ in range(3))
    truth[:, 4] = predicted[:, 5] = True
    predicted[:, 12] = predicted[:, 16] = predicted[:, 18] = True
    doubtful[:, 10:15] = doubtful[:, 5] = True
    plain, lenient = compare(predicted, truth), compare(predicted, truth, doubtful=doubtful)
    # Neither column 12 counts nor 16, two pixels beside doubt, but 18 does.
    assert plain.precision == pytest.approx(1 / 4) and lenient.precision == pytest.approx(1 / 2)
    assert lenient.recall == 1


def brute_near(mask, distance, pixel):
    """Which pixels have one of the mask within a distance: each with each."""
    places = np.argwhere(mask)
    found = np.zeros(mask.shape, bool)
    for row, column in np.ndindex(mask.shape):
        for r, c in places:
            away = np.hypot((row - r) * pixel[0], (column - c) * pixel[1])
            found[row, column] |= away <= distance + 1e-9
    return found


@pytest.mark.parametrize("pixel", [(1.0, 1.0), (20.0, 7.5), (9.8, 9.8)], ids=["px", "anisotropic nm", "nm"])
@pytest.mark.parametrize("steps", [0, 0.9, 1, 1.5, 2, 2**0.5, 5**0.5])
def test_a_tolerance_reaches_as_far_as_every_pair_of_pixels_says(pixel, steps):
    random = np.random.default_rng(3)
    predicted, truth = (random.random((9, 13)) < 0.06 for _ in range(2))
    distance = steps * pixel[1]
    found = compare(predicted, truth, distance, pixel=pixel)
    assert found.predicted_right == (predicted & brute_near(truth, distance, pixel)).sum()
    assert found.truth_found == (truth & brute_near(predicted, distance, pixel)).sum()
    assert found.common == (predicted & truth).sum()


def test_without_tolerance_all_scores_are_those_of_scikit_learn():
    random = np.random.default_rng(4)
    predicted, truth = (random.random((20, 30)) < 0.4 for _ in range(2))
    found = compare(predicted, truth, 0)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        truth.ravel(), predicted.ravel(), average="binary"
    )
    assert (found.precision, found.recall, found.f1) == pytest.approx((precision, recall, f1))
    assert found.dice == pytest.approx(f1)  # of sets they are the same
    assert found.false_positive == (predicted & ~truth).sum()
    assert found.false_negative == (truth & ~predicted).sum()


def test_dice_knows_no_tolerance():
    found = compare(line(11), line(10), 2)
    assert found.f1 == 1 and found.dice == 0


def test_a_tolerance_in_nm_follows_the_shape_of_the_pixels():
    row, other = np.zeros((9, 9), bool), np.zeros((9, 9), bool)
    row[3], other[4] = True, True  # 30 nm apart
    assert compare(row, other, 20, pixel=(30, 10)).f1 == 0
    assert compare(row.T, other.T, 20, pixel=(30, 10)).f1 == 1  # 10 nm apart


def test_only_what_counts_is_counted_but_its_neighbours_make_it_right():
    predicted, truth = line(10), line(11)
    counted = np.zeros((20, 30), bool)
    counted[:5, :11] = True  # the predicted line, not the true one
    found = compare(predicted, truth, 1, counted=counted)
    assert (found.predicted, found.predicted_right, found.truth) == (5, 5, 0)
