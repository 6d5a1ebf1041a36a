"""Whether an exported model computes what the network computes, on noise and on real slices."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator
from torch import Tensor

from sxtstudio.io.network.halving import Batch, noise
from sxtstudio.io.network.layers import MULTIPLE
from sxtstudio.training.augment import normalise
from sxtstudio.training.network import DeepSXT

# Slices that are compared, and how much of each: the reference evaluator takes its time.
_MOST_SLICES = 4
_CROP_PX = 64
# How many times the rounding of one float32 evaluation two of them may differ by.
ROUNDINGS = 4


def samples(slices: Iterable[NDArray[Any]] | None = None, channels: int = 1) -> list[Batch]:
    """Return batches (n, channels, y, x) to compare: noise, and the centres of the first given slices.

    ``slices`` are (y, x), which are repeated in all channels, or (channels, y, x), of any numeric type and
    scale, at least 16 px large; they are normalised.
    """
    batches = [noise(channels)]
    for image in islice(() if slices is None else slices, _MOST_SLICES):
        if image.ndim not in (2, 3) or min(image.shape[-2:]) < MULTIPLE:
            raise ValueError(f"a slice (y, x) has at least {MULTIPLE} px, not the shape {image.shape}")
        size = [min(_CROP_PX, length // MULTIPLE * MULTIPLE) for length in image.shape[-2:]]
        y, x = ((length - n) // 2 for length, n in zip(image.shape[-2:], size, strict=True))
        planes = [
            normalise(plane.astype(np.float32)) for plane in (image[None] if image.ndim == 2 else image)
        ]
        crop = np.stack(planes)[:, y : y + size[0], x : x + size[1]]
        shape = (channels, *crop.shape[1:])
        batches.append(np.ascontiguousarray(np.broadcast_to(crop, shape))[np.newaxis])
    return batches


def parity(network: DeepSXT, model: onnx.ModelProto, batches: Sequence[Batch] | None = None) -> float:
    """Return the largest difference of both heads between PyTorch and ONNX's reference evaluator.

    It counts in units of the head's spread where that is above 1; for the label's, before its tanh: heads
    without training reach millions, where float32 keeps no 1e-4. What float32 itself rounds off in PyTorch,
    seen against float64, is allowed several times over and not counted. NaN if a head is not a number.
    """
    evaluator = ReferenceEvaluator(model)
    exact = copy.deepcopy(network).double()
    worst = 0.0
    for batch in samples() if batches is None else batches:
        results = evaluator.run(["image", "label"], {"input": batch})
        heads = zip(results, _heads(network, batch), _heads(exact, batch.astype(np.float64)), strict=True)
        for ours, (theirs, spread), (true, _) in heads:
            rounding = np.abs(theirs.numpy() - true.numpy()).max()
            difference = np.abs(ours - true.numpy()).max() - ROUNDINGS * rounding
            # np.maximum keeps NaN, which max() may drop.
            worst = float(np.maximum(worst, difference / spread))
    return worst


def rounded(network: DeepSXT) -> DeepSXT:
    """Return a copy whose kernels are rounded to float16, as a file with float16 weights stores them."""
    network = copy.deepcopy(network)
    for values in network.state_dict().values():
        if values.ndim > 1:
            values.copy_(values.half())
    return network


def _heads(network: DeepSXT, batch: Batch) -> Iterator[tuple[Tensor, float]]:
    """Yield image and label, each with the unit in which its differences count."""
    with torch.no_grad():
        slices = torch.from_numpy(batch)
        heads = network.eval()(slices)
        scores, _ = network.outline(slices, len(batch))
    yield heads.image, max(1.0, float(heads.image.std()))
    yield heads.label, max(1.0, float(scores.std()))
