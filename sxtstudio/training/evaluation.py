"""How good a network is on slices that it has not learned from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sxtstudio.core.evaluation.agreement import Agreement, counts_as_predicted, near
from sxtstudio.io.network.layers import MULTIPLE
from sxtstudio.training.choosing import JUDGED_PX, TILES, Counts, Mask, pooled, tile_counts
from sxtstudio.training.dataset import Image, SliceReader, SliceRef, Truth
from sxtstudio.training.losses import huber, image_loss, label_huber, outline_loss
from sxtstudio.training.neighbouring import middle_of
from sxtstudio.training.network import DeepSXT

#: Distance in pixels up to which an outline is right.
_TOLERANCE_PX = 2
#: Another number where the same network on the same slices would be counted otherwise than before: the best
#: weights of a training that is taken up are judged anew then.
COUNTED_AS = 2


@dataclass(frozen=True)
class NetworkScores:
    """The figures of one evaluation; the shares are the published metrics, counted over all slices.

    ``label_share``: pixels within 1 % of their label on the scale 0…1. ``image_share``: pixels redrawn
    within one standard deviation. The losses are means over the slices. ``windows`` (slices, tiles, 4) are
    the pixels of outlines in each tile of each slice's window (``choosing.tile_counts``).
    """

    label_share: float
    image_share: float
    label_loss: float
    image_loss: float
    windows: Counts

    @property
    def agreement(self) -> Agreement:
        """How well the outlines agree, pooled over all slices."""
        return pooled(self.windows)


@dataclass(frozen=True)
class Judged:
    """One slice's window (y, x): the image, its labels (−1, 0, 1), and what the network makes of it."""

    image: Image
    truth: Truth
    label: Image
    redrawn: Image


def window(reader: SliceReader, ref: SliceRef, slices: int) -> tuple[Image, Truth]:
    """Return the middle of a slice among its neighbours (slices, y, x), 640 px a side, and its labels."""
    truth = reader.truth(ref)
    starts = [max(0, (n - JUDGED_PX) // 2) for n in truth.shape]
    if ref.strip is not None and ref.strip.counts:  # a strip of the slice lies in the middle then
        centre = (ref.strip.first + ref.strip.end) // 2
        starts[0] = min(max(0, centre - JUDGED_PX // 2), max(0, len(truth) - JUDGED_PX))
    middle = tuple(slice(start, start + JUDGED_PX) for start in starts)
    return np.stack([plane[middle] for plane in reader.context(ref, slices)]), truth[middle]


def run_network(network: DeepSXT, image: Image, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """Return label map before tanh and redrawn image, both (1, 1, y, x), of the middle slice.

    ``image`` are normalised neighbouring slices (slices, y, x).
    """
    network.eval()
    height, width = image.shape[-2:]
    tensor = torch.from_numpy(np.ascontiguousarray(image))[None].to(device or torch.device("cpu"))
    # Mirrored like a tile at the border of a tomogram; a slice of fewer than 16 pixels is repeated.
    mode = "reflect" if min(height, width) >= MULTIPLE else "replicate"
    padded = functional.pad(tensor, (0, -width % MULTIPLE, 0, -height % MULTIPLE), mode=mode)
    with torch.inference_mode():
        scores, neck = network.outline(padded, 1)
        redrawn = network.draw_image(neck)
    return scores[..., :height, :width].float(), redrawn[..., :height, :width].float()


def judge(
    network: DeepSXT,
    reader: SliceReader,
    refs: Sequence[SliceRef],
    method: str,
    *,
    data_range: float | None = None,
    threshold: float = 0.0,
    device: torch.device | None = None,
    check: Callable[[], None] = lambda: None,
    on_slice: Callable[[Judged], None] | None = None,
) -> NetworkScores:
    """Return how well a network does on held-out slices; ``method`` chooses the test loss.

    ``check`` is called between slices and may raise; ``on_slice`` receives each slice's result. Pixels
    with label 0 count in no figure of the labels.
    """
    losses = np.zeros(2)
    near_label = labels = near_image = pixels = 0
    windows = np.zeros((len(refs), TILES**2, 4), np.int64)
    for i, ref in enumerate(refs):
        check()
        seen, truth = window(reader, ref, network.slices)
        scores, redrawn = (tensor.cpu() for tensor in run_network(network, seen, device))
        image = middle_of(seen)
        target = torch.from_numpy(truth.astype(np.float32))[None, None]
        drawn = torch.from_numpy(np.ascontiguousarray(image))[None, None]
        label = torch.tanh(scores)
        published = method == "published"
        losses[0] += float(label_huber(label, target) if published else outline_loss(scores, target))
        losses[1] += float(
            image_loss(redrawn, drawn, data_range) if min(image.shape) > 10 else huber(redrawn, drawn)
        )
        close, counted = label_share(label[0, 0].numpy(), truth)
        near_label, labels = near_label + close, labels + counted
        near_image += int((np.abs(redrawn[0, 0].numpy() - image) <= 1).sum())
        pixels += image.size
        known = truth != 0
        windows[i] = compare_known(label[0, 0].numpy() > threshold, truth > 0, known)
        if on_slice is not None:
            on_slice(Judged(image, truth, label[0, 0].numpy(), redrawn[0, 0].numpy()))
    losses /= max(1, len(refs))
    return NetworkScores(
        near_label / max(1, labels),
        near_image / max(1, pixels),
        float(losses[0]),
        float(losses[1]),
        windows,
    )


def label_share(label: Image, truth: Truth) -> tuple[int, int]:
    """Return how many pixels lie within 1 % of their label on the 0…1 scale, and how many count."""
    known = truth != 0
    close = np.abs(label - truth) / 2 <= 0.01
    return int((close & known).sum()), int(known.sum())


def compare_known(predicted: Mask, truth: Mask, known: Mask) -> Counts:
    """Return the pixels (tiles, 4) of outlines, right within 2 pixels.

    What is predicted where the labels do not count, or within 2 pixels of that, counts only near the truth,
    as in ``agreement.compare``.
    """
    truth = truth & known
    near_truth = near(truth, _TOLERANCE_PX)
    predicted = predicted & counts_as_predicted(near_truth, ~known, _TOLERANCE_PX)
    return tile_counts(predicted, predicted & near_truth, truth, truth & near(predicted, _TOLERANCE_PX))
