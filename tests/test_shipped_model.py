"""The models that ship, judged on tomograms whose true outlines are known from their geometry."""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from sxtstudio.core.evaluation.agreement import Agreement, compare
from sxtstudio.core.geometry import Box
from sxtstudio.core.uses import Use
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import open_volume
from sxtstudio.segment import SegmentParameters, check_model, load_card, make_runner, segment_slice
from sxtstudio.segment.device import choose_device

ROOT = Path(__file__).parents[1]
SLICES = (14, 32, 50)


@pytest.fixture(scope="module")
def sample():
    with open_volume(ROOT / "resources" / "sample.tif") as volume:
        slices = [volume.read(Box.slab(z, z + 1, volume.shape))[0] for z in SLICES]
    with open_volume(ROOT / "tests" / "data" / "sample.labels.tif") as volume:
        truth = [volume.read(Box.slab(z, z + 1, volume.shape))[0] > 0 for z in SLICES]
    return np.stack(slices), np.stack(truth)


@pytest.fixture(params=["compact"])
def model(request):
    return request.param


def outlines(model, tomogram, polarity="auto"):
    volume = ArrayVolume(tomogram)
    parameters = SegmentParameters(model, device="cpu", polarity=polarity)
    return [segment_slice(volume, z, parameters).labels > 0 for z in range(len(tomogram))]


def test_the_card_is_whole_and_says_what_the_model_was_trained_on(model):
    card = load_card(model)
    assert check_model(card.path).sha256 == card.sha256
    assert "imulated" in card.trained_on
    assert card.limits
    assert card.scores


def test_it_finds_the_membranes_of_the_sample(model, sample):
    tomogram, truth = sample
    agreement = sum(map(compare, outlines(model, tomogram), truth), Agreement())
    assert agreement.precision > 0.7
    assert agreement.recall > 0.7


def test_it_finds_them_in_either_polarity(model, sample):
    tomogram, truth = sample
    agreement = sum(map(compare, outlines(model, 255 - tomogram), truth), Agreement())
    assert agreement.f1 > 0.7


def test_noise_holds_no_membranes(model):
    noise = np.random.default_rng(0).normal(size=(1, 256, 256)).astype(np.float32)
    (labels,) = outlines(model, noise, polarity="dark")
    assert labels.mean() < 0.02


ROUND = np.hypot(*(np.mgrid[:384, :384] - 191.5)) <= 190
ALL = np.ones(ROUND.shape, bool)


@pytest.fixture(scope="module")
def judged(sample):
    """Return what labels a slice of LAC, changed, and gives F1 and the labels along the edge of the field."""
    card = load_card("compact")
    runner = make_runner(card, choose_device("cpu"))
    parameters = SegmentParameters(card.path, device="cpu", polarity="dark", neighbours=0)
    lac, truth = np.float32(0.2 + sample[0][1] / 255 * 0.6), sample[1][1]

    def judge(change, measured):
        image = change(lac.copy())
        labels = segment_slice(ArrayVolume(image[None]), 0, parameters, runner=runner).labels > 0
        edge = ndimage.binary_dilation(~measured, iterations=6) & measured
        return compare(labels, truth & measured, doubtful=~measured).f1, int(labels[edge].sum())

    yield judge
    runner.close()


@pytest.mark.parametrize("fill", [0, np.nan])
def test_a_fill_around_a_round_field_costs_nothing(fill, judged):
    plain, along_the_edge = judged(lambda lac: lac, ROUND)
    f1, more = judged(lambda lac: np.where(ROUND, lac, np.float32(fill)), ROUND)
    assert f1 > plain - 0.02 and more < 1.15 * along_the_edge


def test_hot_pixels_cost_nothing(judged):
    def spoilt(lac):
        lac[100:102, 50:52] = 1e4
        return lac

    assert judged(spoilt, ALL)[0] == pytest.approx(judged(lambda lac: lac, ALL)[0], abs=0.005)


def test_the_card_says_what_each_use_of_labels_costs(model):
    card = load_card(model)
    assert list(card.uses) == list(Use)
    assert card.use_of(card.threshold) is Use.BALANCED  # what it does when nobody chooses
    judged = card.uses[Use.BALANCED].scores
    assert judged == card.scores and len(judged) >= 4
    for entry in card.uses.values():
        assert list(entry.scores) == list(judged)
        assert all(
            set(figures) in ({"precision", "recall", "f1"}, {"recall"}) for figures in entry.scores.values()
        )
    for judge, figures in judged.items():
        strict, loose = (card.uses[use].scores[judge] for use in (Use.FEW_FALSE, Use.EVERYTHING))
        assert strict["recall"] <= figures["recall"] <= loose["recall"]
        if "precision" in figures:
            assert strict["precision"] >= figures["precision"] >= loose["precision"]
