import numpy as np
import pytest

from sxtstudio.training.scores import compare


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
