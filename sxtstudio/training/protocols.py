"""What one training step learns from its crops.

Published method (Dyhr et al., PNAS 2023), two protocols in turn:

1. labelled: 0.99·Huber(label) + 0.01·Huber(image); all weights learn;
2. unlabelled: 0.5·(1 − SSIM) + 0.5·Huber(image); label decoder and label head do not run, so neither
   their weights nor the statistics of their batch norms change.

Quick method, one step for all: cross-entropy and Dice on the labelled crops; in one step of
``image_every`` the image decoder redraws all crops, weighted 0.05 with and 0.1 without labels. The
label decoder sees the labelled crops only, unless crops without labels come in two appearances: then both
have to be outlined alike (``agree``), and as the teacher is sure of (``teach``).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sxtstudio.training.losses import huber, image_loss, label_huber, outline_loss
from sxtstudio.training.network import DeepSXT

LABEL_SHARE, IMAGE_SHARE = 0.99, 0.01
QUICK_LABELLED, QUICK_UNLABELLED = 0.05, 0.1


class Losses(nn.Module):
    """A network that returns its losses, so that PyTorch can spread it over processes.

    Every forward returns (total, label, image), 0-dimensional float32 tensors; the label or the image
    loss is NaN where the step has none.
    """

    def __init__(
        self,
        network: DeepSXT,
        method: str,
        data_range: float,
        mixed: bool = False,
        keep_norms: bool = False,
        compiled: bool = False,
        agree: float = 0.0,
        teach: float = 0.0,
    ) -> None:
        """Wrap ``network``; ``data_range`` is that of the training images, ``mixed`` computes in bfloat16.

        ``agree`` and ``teach`` weigh what crops without labels in two appearances teach.
        """
        super().__init__()
        self.network = network
        self.method = method
        self.data_range = data_range
        self.mixed = mixed
        self.keep_norms = keep_norms
        self.agree, self.teach = agree, teach
        self.outline = torch.compile(network.outline) if compiled else network.outline
        self.draw_image = torch.compile(network.draw_image) if compiled else network.draw_image

    def train(self, mode: bool = True) -> Losses:
        """Switch to training; batch norms whose statistics are kept go on using them."""
        super().train(mode)
        if mode and self.keep_norms:
            for module in self.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        return self

    def forward(
        self,
        images: Tensor,
        labels: Tensor | None,
        with_image: bool = True,
        targets: Tensor | None = None,
        pseudo: Tensor | None = None,
        trust: float = 1.0,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the losses of crops (n, slices, y, x), of which the first ``len(labels)`` have labels.

        ``targets`` (n, 1, y, x) are what the image head is to draw; None: the middle slices. With ``pseudo``,
        labels (m, 1, y, x) that count by ``trust`` (0…1), the other crops are m first appearances followed by
        their m second ones.
        """
        count = 0 if labels is None else len(labels)
        outlined = count if pseudo is None else len(images)
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.mixed):
            if count:
                scores, neck = self.outline(images, outlined)
            else:
                scores, neck = None, self.network.encode(images)[1]
            redrawn = self.draw_image(neck).float() if with_image else None
        absent = images.new_full((), float("nan"))
        middle = images.shape[1] // 2
        images = images[:, middle : middle + 1] if targets is None else targets  # what is redrawn
        if self.method == "published":
            if scores is None or labels is None:
                image = image_loss(_given(redrawn), images, self.data_range)
                return image, absent, image.detach()
            label, image = label_huber(torch.tanh(scores.float()), labels), huber(_given(redrawn), images)
            return LABEL_SHARE * label + IMAGE_SHARE * image, label.detach(), image.detach()
        if scores is None or labels is None:
            raise ValueError("a quick step needs labelled crops")
        scores = scores.float()
        label = outline_loss(scores[:count], labels)
        total = label
        if pseudo is not None:
            first, second = torch.tanh(scores[count:]).chunk(2)
            total = total + self.agree * huber(first, second)
            total = total + self.teach * trust * outline_loss(scores[count:], torch.cat([pseudo, pseudo]))
        if redrawn is None:
            return total, label.detach(), absent
        image = QUICK_LABELLED * huber(redrawn[:count], images[:count])
        if len(images) > count:
            image = image + QUICK_UNLABELLED * image_loss(redrawn[count:], images[count:])
        return total + image, label.detach(), image.detach()


def _given(redrawn: Tensor | None) -> Tensor:
    if redrawn is None:
        raise ValueError("the published protocols always redraw the image")
    return redrawn
