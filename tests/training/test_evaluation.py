"""The published metrics and the held-out scores, against figures computed by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sxtstudio.core.evaluation.agreement import compare
from sxtstudio.core.polarity import chosen_polarity
from sxtstudio.training import evaluation
from sxtstudio.training.choosing import pooled
from sxtstudio.training.dataset import SliceReader, SliceRef
from sxtstudio.training.evaluation import compare_known, judge, label_share, run_network
from sxtstudio.training.network import DeepSXT
from sxtstudio.training.results import truth_bytes


def test_the_share_of_pixels_within_one_per_cent_of_the_label():
    # On the scale 0…1 one per cent is 0.02 between −1 and 1; the last pixel does not count.
    label = np.array([[-1.0, -0.981, -0.979, 0.985, 0.5, 1.0]], np.float32)
    truth = np.array([[-1, -1, -1, 1, 1, 0]], np.int8)
    assert label_share(label, truth) == (3, 5)


def test_outlines_are_compared_where_the_labels_count():
    truth, predicted = np.zeros((20, 20), bool), np.zeros((20, 20), bool)
    truth[:, 5] = True
    predicted[:, 6] = True  # right, within two pixels
    predicted[:, 15] = True
    known = np.ones((20, 20), bool)
    assert pooled(compare_known(predicted, truth, known)).precision == 0.5
    known[:, 12:] = False
    assert pooled(compare_known(predicted, truth, known)).precision == 1.0


def test_beside_what_does_not_count_a_prediction_is_no_more_wrong_than_beside_a_line():
    """As where models are measured (``bench.accuracy``): the tolerance holds for doubtful pixels as well."""
    truth, predicted, known = np.zeros((9, 24), bool), np.zeros((9, 24), bool), np.ones((9, 24), bool)
    truth[:, 4] = True
    known[:, 6] = known[:, 10:13] = False
    for column in (6, 13, 14, 15, 20):  # right where nothing is known; 1, 2, 3 and 8 px beside that
        predicted[:, column] = True
    found = pooled(compare_known(predicted, truth, known))
    assert (found.predicted, found.predicted_right) == (3 * 9, 9)
    assert (found.truth, found.truth_found) == (9, 9)
    measured = compare(predicted, truth, doubtful=~known)
    assert (measured.precision, measured.recall) == (found.precision, found.recall)


def test_labels_as_bytes():
    assert truth_bytes(np.array([[-1, 0, 1]], np.int8)).tolist() == [[0, 128, 255]]


@pytest.mark.parametrize("shape", [(32, 48), (37, 50), (17, 20)], ids=str)
def test_slices_of_any_size_come_back_in_their_size(shape):
    image = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    scores, redrawn = run_network(DeepSXT(2), image[np.newaxis])
    assert scores.shape == redrawn.shape == (1, 1, *shape)


def test_the_figures_of_a_network_whose_output_is_known(monkeypatch):
    """Two slices; the right half of the second does not count for labels, but for the image."""
    truth = -np.ones((2, 32, 32), np.int8)
    truth[:, :, 8] = 1
    truth[1, :, 16:] = 0
    rng = np.random.default_rng(0)
    images = rng.normal(size=(2, 32, 32)).astype(np.float32)
    stack = SimpleNamespace(
        image=lambda z: images[z], truth=lambda z: truth[z], polarity=chosen_polarity("dark")
    )
    label = np.where(truth > 0, 0.999, -0.999).astype(np.float32)
    label[0, :, 20] = 0.999  # an invention, 32 px
    label[1, :, 20] = 0.999  # where nothing is known

    def told(network, image, device=None):
        z = 0 if np.allclose(image, reader.image(refs[0])) else 1
        redrawn = torch.from_numpy(image[0].copy())
        redrawn[0] += 1.5  # one row of 32 is off by more than one standard deviation
        return torch.atanh(torch.from_numpy(label[z]))[None, None], redrawn[None, None]

    monkeypatch.setattr(evaluation, "run_network", told)
    reader, refs = SliceReader(), [SliceRef(stack, z) for z in range(2)]
    scores = judge(DeepSXT(2), reader, refs, "published", data_range=8.0)
    assert scores.image_share == pytest.approx(31 / 32)
    counted = 32 * 32 + 32 * 16
    assert scores.label_share == pytest.approx((counted - 32) / counted)
    assert scores.agreement.precision == pytest.approx(64 / 96)
    assert scores.agreement.recall == 1.0
    # Huber with δ 0.1: 32 pixels that are 1.999 off, the others 0.001.
    wrong, right = 0.1 * (1.999 - 0.05), 0.001**2 / 2
    expected = ((32 * wrong + (1024 - 32) * right) / 1024 + right) / 2
    assert scores.label_loss == pytest.approx(expected, rel=1e-3)
