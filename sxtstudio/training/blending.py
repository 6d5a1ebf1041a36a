"""A network half-way between two of one training, which errs less than either on what neither has seen.

After Wortsman et al., "Robust fine-tuning of zero-shot models" (CVPR 2022): weights that were gone on from
lie in the same valley of the loss as those they came from. Their mean keeps what the first knew of other
data, and has learned nearly all that the second learned. docs/models.md has the figures for this network.
"""

from __future__ import annotations

import torch

from sxtstudio.training.network import DeepSXT


def blended(network: DeepSXT, other: DeepSXT, share: float) -> DeepSXT:
    """Return a network whose weights are (1 − share) of ``network``'s and ``share`` of ``other``'s.

    Both have the same layers. The statistics of the batch norms are blended likewise. Returned in evaluation
    mode, on the device of ``network``.
    """
    between = DeepSXT(network.width, network.slices)
    one, two = network.state_dict(), other.state_dict()
    with torch.no_grad():
        for name, target in between.state_dict().items():
            first = one[name]
            second = two[name].to(first.device)
            target.copy_(torch.lerp(first, second, share) if first.is_floating_point() else first)
    return between.to(next(network.parameters()).device).eval()
