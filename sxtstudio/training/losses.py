"""Losses on tensors (batch, 1, y, x); labels are −1 (background), +1 (membrane) and 0 (does not count)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

HUBER_DELTA = 0.1


def huber(predicted: Tensor, truth: Tensor) -> Tensor:
    """Return the mean Huber loss with δ = 0.1, as published."""
    return functional.huber_loss(predicted, truth, delta=HUBER_DELTA)


def label_huber(predicted: Tensor, truth: Tensor) -> Tensor:
    """Return the mean Huber loss (δ = 0.1) of the pixels whose label counts; 0 where none does."""
    counted = (truth != 0).to(predicted.dtype)
    each = functional.huber_loss(predicted, truth, delta=HUBER_DELTA, reduction="none")
    return (each * counted).sum() / counted.sum().clamp(min=1)


def ssim(a: Tensor, b: Tensor, data_range: float) -> Tensor:
    """Return the mean structural similarity: window 11, σ 1.5, K 0.01 and 0.03.

    Wang et al., IEEE Trans. Image Process. 13 (2004) 600, over the windows that lie wholly inside.
    """
    offsets = torch.arange(11, dtype=a.dtype, device=a.device) - 5
    weights = torch.exp(-(offsets**2) / (2 * 1.5**2))
    weights = weights / weights.sum()

    def blur(x: Tensor) -> Tensor:
        rows = functional.conv2d(x, weights.view(1, 1, 11, 1))
        return functional.conv2d(rows, weights.view(1, 1, 1, 11))

    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    mean_a, mean_b = blur(a), blur(b)
    var_a, var_b = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2
    covariance = blur(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    structure = (2 * covariance + c2) / (var_a + var_b + c2)
    return (luminance * structure).mean()


def outline_loss(scores: Tensor, truth: Tensor, membrane_weight: float = 1.5) -> Tensor:
    """Return cross-entropy plus a Dice term, for labels before tanh.

    Outlines fill a few per cent of a slice. Cross-entropy on the log-odds (2 × score, because
    tanh(s) = 2σ(2s) − 1) learns from confident mistakes, where tanh has no slope left; the Dice
    term keeps the few membrane pixels from drowning in background. Pixels with label 0 do not count.
    """
    target = (truth > 0).to(scores.dtype)
    counted = (truth != 0).to(scores.dtype)
    odds = 2 * scores
    weight = torch.as_tensor(membrane_weight, dtype=scores.dtype, device=scores.device)
    entropy = functional.binary_cross_entropy_with_logits(odds, target, pos_weight=weight, reduction="none")
    entropy = (entropy * counted).sum() / counted.sum().clamp(min=1)
    share = torch.sigmoid(odds) * counted
    overlap = (share * target).sum()
    dice = 1 - (2 * overlap + 1) / (share.sum() + target.sum() + 1)
    return entropy + 0.3 * dice


def image_loss(predicted: Tensor, truth: Tensor, data_range: float | None = None) -> Tensor:
    """Return 0.5·(1 − SSIM) + 0.5·Huber, the published loss for slices without labels.

    ``data_range`` is SSIM's; None takes that of ``truth``.
    """
    if data_range is None:
        data_range = float(truth.max() - truth.min())
    return 0.5 * (1 - ssim(predicted, truth, data_range)) + 0.5 * huber(predicted, truth)
