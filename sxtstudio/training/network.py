"""The two-headed network of Dyhr, Sadeghi et al., PNAS 120 (2023) e2209938120.

One encoder feeds two decoders: one redraws the slice, the other outlines membranes. At base width
m = 64 it has 76.5 M parameters. Tensors are (batch, channels, y, x) float32; height and width are
multiples of 16. The published network sees one slice; here it may see its neighbours as further channels,
and redraws and outlines the middle one.

    input ─ stem ─ E0 ─▼─ E1 ─▼─ E2 ─▼─ E3 ─▼─ neck ─▲─ D0 ─▲─ D1 ─▲─ D2 ─▲─ D3 ─ label
                   │      │      │      └─────────────┤      │      │      │
                   │      │      └────────────────────┼──────┤      │      │     ▼ 2×2 max pooling
                   │      └───────────────────────────┼──────┼──────┤      │     ▲ transposed convolution
                   └──────────────────────────────────┼──────┼──────┼──────┘
                                                neck ─▲─ I0 ─▲─ I1 ─▲─ I2 ─▲─ I3 ─ image
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from sxtstudio.io.network.layers import BATCH_NORM_EPS, MOST_SLICES, NECK_KERNELS, STAGES

# Keras' momentum 0.99 is the share of the old mean; PyTorch's is the share of the new one.
BATCH_NORM_MOMENTUM = 0.01


class TwoHeads(NamedTuple):
    """Both outputs for a batch: (batch, 1, y, x)."""

    image: Tensor
    label: Tensor


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """Return a batch normalisation with the published constants."""
    return nn.BatchNorm2d(channels, eps=BATCH_NORM_EPS, momentum=BATCH_NORM_MOMENTUM)


class BottleneckConv(nn.Sequential):
    """1×1, k×k and 1×1 convolutions with half the channels in between and no activation."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, bias: bool) -> None:
        """Build the three convolutions; 'same' padding, an even kernel's extra row is at the bottom."""
        middle = max(1, channels_out // 2)
        super().__init__(
            nn.Conv2d(channels_in, middle, 1, bias=bias),
            nn.Conv2d(middle, middle, kernel, bias=bias, padding=(kernel - 1) // 2),
            nn.Conv2d(middle, channels_out, 1, bias=bias),
        )
        self.extra_row = (kernel + 1) % 2

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (batch, channels, y, x) without changing height and width."""
        first, second, third = self
        x = first(x)
        if self.extra_row:
            x = functional.pad(x, (0, 1, 0, 1))
        convolved: Tensor = third(second(x))
        return convolved


class ResidualBlock(nn.Module):
    """Adds ``growth`` channels to its input: out = ReLU(BN([x, B(ReLU(BN(B(x))))]))."""

    def __init__(self, channels_in: int, growth: int) -> None:
        """Build a block that turns ``channels_in`` channels into ``channels_in + growth``."""
        super().__init__()
        self.first = BottleneckConv(channels_in, growth, 3, bias=False)
        self.second = BottleneckConv(growth, growth, 3, bias=False)
        self.inner_norm = batch_norm(growth)
        self.outer_norm = batch_norm(channels_in + growth)

    def forward(self, x: Tensor) -> Tensor:
        """Return the widened feature maps."""
        grown = self.second(torch.relu(self.inner_norm(self.first(x))))
        return torch.relu(self.outer_norm(torch.cat([x, grown], dim=1)))


class Encoder(nn.Module):
    """The contracting path; its stages' outputs are kept as skip connections."""

    def __init__(self, width: int, slices: int) -> None:
        """Build four stages that grow by 1, 2, 4 and 8 times the base width."""
        super().__init__()
        self.stem = BottleneckConv(slices, width, 3, bias=True)
        self.stem_norm = batch_norm(width)
        self.blocks = nn.ModuleList(ResidualBlock(width * 2**i, width * 2**i) for i in range(STAGES))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the skip connections, finest first, before pooling."""
        x = torch.relu(self.stem_norm(self.stem(x)))
        skips: list[Tensor] = []
        for block in self.blocks:
            x = block(x if not skips else functional.max_pool2d(x, 2))
            skips.append(x)
        return skips


class NeckBranch(nn.Module):
    """Four bottleneck convolutions of one kernel size, each with batch norm and ReLU."""

    def __init__(self, channels: int, kernel: int) -> None:
        """Build the branch for the encoder's ``channels``."""
        super().__init__()
        self.convs = nn.ModuleList(BottleneckConv(channels, channels, kernel, bias=False) for _ in range(4))
        self.norms = nn.ModuleList(batch_norm(channels) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        """Return feature maps of the same size."""
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = torch.relu(norm(conv(x)))
        return x


def upsample(layer: nn.Module, x: Tensor) -> Tensor:
    """Double height and width; the published network crops the last row and column."""
    doubled: Tensor = layer(x)
    return doubled[:, :, :-1, :-1]


class Decoder(nn.Module):
    """An expanding path, with or without skip connections, back to base width at full size."""

    def __init__(self, width: int, blocks_per_stage: int, with_skips: bool) -> None:
        """Build four stages of 8, 4, 2 and 1 times the base width."""
        super().__init__()
        self.with_skips = with_skips
        self.upsamplers = nn.ModuleList()
        self.stages = nn.ModuleList()
        channels = 3 * 16 * width
        for growth in (8 * width, 4 * width, 2 * width, width):
            self.upsamplers.append(nn.ConvTranspose2d(channels, growth, 3, stride=2))
            channels = growth + (2 * growth if with_skips else 0)
            blocks = [ResidualBlock(channels + i * growth, growth) for i in range(blocks_per_stage)]
            self.stages.append(nn.ModuleList(blocks))
            channels += blocks_per_stage * growth
        self.last = BottleneckConv(channels, width, 3, bias=False)
        self.last_norm = batch_norm(width)

    def stage(self, index: int, x: Tensor, skip: Tensor | None) -> Tensor:
        """Run stage ``index`` on the coarser maps ``x`` and the skip connection of its size."""
        x = upsample(self.upsamplers[index], x)
        if skip is not None:
            x = torch.cat([skip, x], dim=1)
        for block in self.stages[index].children():
            x = block(x)
        return x

    def finish(self, x: Tensor) -> Tensor:
        """Bring the last stage's maps back to the base width."""
        return torch.relu(self.last_norm(self.last(x)))


class ImageHead(nn.Sequential):
    """Three bottleneck convolutions down to the redrawn slice, linear."""

    def __init__(self, width: int) -> None:
        """Build the head for ``width`` channels."""
        super().__init__(*(BottleneckConv(width, out, 3, bias=True) for out in (width, width, 1)))


class LabelHead(nn.Module):
    """Batch norm, a bottleneck convolution and a 1×1 convolution; tanh, −1 background … 1 membrane."""

    def __init__(self, width: int) -> None:
        """Build the head for ``width`` channels."""
        super().__init__()
        self.norm = batch_norm(width)
        self.conv = BottleneckConv(width, width, 3, bias=True)
        self.out = nn.Conv2d(width, 1, 1)

    def scores(self, x: Tensor) -> Tensor:
        """Return the label map before tanh; twice that is the log-odds of membrane."""
        scores: Tensor = self.out(self.conv(self.norm(x)))
        return scores

    def forward(self, x: Tensor) -> Tensor:
        """Return the label map."""
        return torch.tanh(self.scores(x))


class DeepSXT(nn.Module):
    """The whole network at any base width (an even number) for any odd number of slices; published: 64, 1."""

    def __init__(self, width: int = 64, slices: int = 1) -> None:
        """Build the network with He-uniform weights."""
        super().__init__()
        if slices not in range(1, MOST_SLICES + 1, 2):
            raise ValueError(f"a network sees an odd number of slices, {MOST_SLICES} at most, not {slices}")
        if width < 2 or width % 2:
            raise ValueError(f"the base width must be an even number of at least 2, not {width}")
        self.width, self.slices = width, slices
        self.encoder = Encoder(width, slices)
        self.neck = nn.ModuleList(NeckBranch(16 * width, kernel) for kernel in NECK_KERNELS)
        self.image_decoder = Decoder(width, blocks_per_stage=1, with_skips=False)
        self.image_head = ImageHead(width)
        self.label_decoder = Decoder(width, blocks_per_stage=2, with_skips=True)
        self.label_head = LabelHead(width)
        self.apply(_he_uniform)

    def forward(self, x: Tensor) -> TwoHeads:
        """Return the redrawn slice and the label map of normalised slices (batch, slices, y, x)."""
        tensors = self.trace(x)
        return TwoHeads(tensors["image"], tensors["label"])

    def encode(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return the skip connections, finest first, and the neck's output."""
        skips = self.encoder(x)
        deepest = functional.max_pool2d(skips[-1], 2)
        return skips, torch.cat([branch(deepest) for branch in self.neck], dim=1)

    def draw_image(self, neck: Tensor) -> Tensor:
        """Return the redrawn slice from the neck's output."""
        drawn: Tensor = self.image_head(_decode(self.image_decoder, neck, None, "image", {}))
        return drawn

    def outline(self, x: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Return the label map before tanh of the first ``count`` slices, and the neck of all."""
        skips, neck = self.encode(x)
        kept = [skip[:count] for skip in skips]
        return self.label_head.scores(_decode(self.label_decoder, neck[:count], kept, "label", {})), neck

    def trace(self, x: Tensor) -> dict[str, Tensor]:
        """Return both outputs and, by name, the tensors at the borders between the stages."""
        skips, neck = self.encode(x)
        tensors = {f"skip_{i}": skip for i, skip in enumerate(skips)}
        tensors["neck"] = neck
        tensors["label"] = self.label_head(_decode(self.label_decoder, neck, skips, "label", tensors))
        tensors["image"] = self.image_head(_decode(self.image_decoder, neck, None, "image", tensors))
        return tensors


def _decode(
    decoder: Decoder, x: Tensor, skips: list[Tensor] | None, name: str, tensors: dict[str, Tensor]
) -> Tensor:
    """Run a decoder's stages and note what they hand on to each other in ``tensors``."""
    for i in range(STAGES):
        x = decoder.stage(i, x, skips[-1 - i] if skips else None)
        if i < STAGES - 1:
            tensors[f"{name}_{i}"] = x
    return decoder.finish(x)


def _he_uniform(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        # Keras takes the fan-in of a transposed kernel (kh, kw, out, in) from its third axis, the output.
        receptive = module.kernel_size[0] * module.kernel_size[1]
        channels = module.out_channels if isinstance(module, nn.ConvTranspose2d) else module.in_channels
        limit = (6.0 / (channels * receptive)) ** 0.5
        nn.init.uniform_(module.weight, -limit, limit)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
