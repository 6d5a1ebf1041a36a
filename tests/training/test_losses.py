import math

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from sxtstudio.training.losses import huber, image_loss, label_huber, outline_loss, ssim


def test_huber_by_hand():
    # |0.05| is inside δ = 0.1: 0.05²/2; |0.5| is outside: 0.1 · (0.5 − 0.05).
    loss = huber(torch.tensor([0.05, -0.5]), torch.zeros(2))
    assert float(loss) == pytest.approx((0.05**2 / 2 + 0.1 * (0.5 - 0.05)) / 2)


def test_ssim_agrees_with_scikit_image():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(40, 52)).astype(np.float32)
    b = (a + 0.5 * rng.normal(size=a.shape)).astype(np.float32)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    _, ours_map = structural_similarity(a, b, data_range=4.0, full=True, **options)
    inside = ours_map[5:-5, 5:-5].mean()  # windows that lie wholly inside
    ours = ssim(torch.from_numpy(a)[None, None], torch.from_numpy(b)[None, None], 4.0)
    assert float(ours) == pytest.approx(inside, abs=1e-4)


def test_image_loss_of_a_perfect_copy_is_zero():
    image = torch.randn(2, 1, 32, 32)
    assert float(image_loss(image, image)) == pytest.approx(0, abs=1e-5)


def test_outline_loss_by_hand_for_an_undecided_network():
    scores = torch.zeros(1, 1, 1, 2)
    truth = torch.tensor([[[[1.0, -1.0]]]])
    entropy = math.log(2) * (1.5 + 1) / 2  # membrane pixels count 1.5 times
    dice = 1 - (2 * 0.5 + 1) / (1 + 1 + 1)
    assert float(outline_loss(scores, truth)) == pytest.approx(entropy + 0.3 * dice)


def test_a_confident_mistake_still_has_a_slope():
    scores = torch.tensor([[[[-20.0]]]], requires_grad=True)
    outline_loss(scores, torch.ones(1, 1, 1, 1)).backward()
    assert float(scores.grad.abs()) > 1


def test_label_huber_by_hand_without_the_pixels_that_do_not_count():
    # 0.05 off: 0.05²/2; 0.5 off: 0.1·(0.5 − 0.05); the third pixel does not count.
    loss = label_huber(torch.tensor([0.95, -0.5, 0.3]), torch.tensor([1.0, -1.0, 0.0]))
    assert float(loss) == pytest.approx((0.05**2 / 2 + 0.1 * (0.5 - 0.05)) / 2)
    assert float(label_huber(torch.tensor([0.3]), torch.tensor([0.0]))) == 0


def test_outline_loss_counts_only_what_is_labelled():
    scores, truth = torch.tensor([[[[0.3, -0.7, 2.0]]]]), torch.tensor([[[[1.0, -1.0, 0.0]]]])
    assert float(outline_loss(scores, truth)) == pytest.approx(
        float(outline_loss(scores[..., :2], truth[..., :2]))
    )


def test_the_data_range_of_image_loss_is_that_of_the_training_images():
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(1, 1, 24, 24, generator=generator) for _ in range(2))
    assert float(image_loss(a, b, 9.0)) == pytest.approx(
        0.5 * (1 - float(ssim(a, b, 9.0))) + 0.5 * float(huber(a, b))
    )
    assert float(image_loss(a, b, 9.0)) != pytest.approx(float(image_loss(a, b, 5.0)))
