"""What the running mean of the weights teaches of real slices without labels: a mean teacher.

Tarvainen & Valpola (NeurIPS 2017): the mean of the weights errs less than the weights of any step. It
outlines a crop as it is and turned by a quarter; where both are sure and agree, that becomes a label for the
network, which sees the crop in two other appearances.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sxtstudio.training.network import DeepSXT

#: Output (−1…1) from which on a view is sure.
SURE = 0.8


def pseudo_labels(teacher: DeepSXT, crops: Tensor) -> Tensor:
    """Return labels (n, 1, y, x) of crops (n, slices, y, x): −1, 1, or 0 where the two views do not agree."""
    with torch.no_grad():
        own = torch.tanh(teacher.outline(crops, len(crops))[0])
        turned = torch.rot90(crops, 1, (2, 3))
        other = torch.rot90(torch.tanh(teacher.outline(turned, len(crops))[0]), -1, (2, 3))
    agree = (own * other > 0) & (torch.minimum(own.abs(), other.abs()) > SURE)
    return torch.where(agree, torch.sign(own), torch.zeros_like(own)).float()


def ramp(share: float) -> float:
    """Return the part of its weight that a pseudo-label has when ``share`` of a training is over.

    exp(−5·(1 − t)²), with t from 0 to 1 over the first half: at first the teacher knows nothing.
    """
    return math.exp(-5 * (1 - min(1.0, 2 * max(0.0, share))) ** 2)
