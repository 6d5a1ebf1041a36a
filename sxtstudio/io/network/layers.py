"""The layers of the published network that hold weights: names, sizes, and how they belong together.

Names are those that PyTorch's network gives them (``encoder.stem.0``); a diagram stands in
``sxtstudio/training/network.py``, which computes with the same layers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

STAGES = 4
MULTIPLE: int = 2**STAGES
#: Height and width of a kernel in each branch of the neck.
NECK_KERNELS = (1, 2, 3)
BATCH_NORM_EPS = 1e-3
#: Share of the old mean when a batch norm follows a training (Keras' momentum).
BATCH_NORM_KEEPS = 0.99
#: The file of a wider network is larger than any that is read (core/model_bytes.py); the published has 64.
WIDEST = 92
#: The most neighbouring slices that a network sees, the middle one included.
MOST_SLICES = 7


@dataclass(frozen=True)
class Conv:
    """A convolution, or a transposed one; its kernel is (out, in, y, x), or (in, out, y, x)."""

    name: str
    channels_in: int
    channels_out: int
    kernel: int
    bias: bool
    transposed: bool = False

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Of the kernel, as PyTorch and ONNX store it."""
        ends = (self.channels_in, self.channels_out)
        first, second = ends if self.transposed else ends[::-1]
        return (first, second, self.kernel, self.kernel)

    @property
    def arrays(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Names and shapes of what it learns, in Keras' order."""
        kernel = (f"{self.name}.weight", self.shape)
        return (kernel, (f"{self.name}.bias", (self.channels_out,))) if self.bias else (kernel,)


@dataclass(frozen=True)
class Norm:
    """A batch normalisation."""

    name: str
    channels: int

    @property
    def arrays(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Names and shapes of what it learns, in Keras' order."""
        return tuple((f"{self.name}.{part}", (self.channels,)) for part in ("weight", "bias"))

    @property
    def statistics(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Names and shapes of its moving mean and variance."""
        parts = ("running_mean", "running_var")
        return tuple((f"{self.name}.{part}", (self.channels,)) for part in parts)


Layer = Conv | Norm


@dataclass(frozen=True)
class Bottleneck:
    """1×1, k×k and 1×1 convolutions with half the channels in between."""

    name: str
    channels_in: int
    channels_out: int
    kernel: int
    bias: bool

    @property
    def convs(self) -> tuple[Conv, Conv, Conv]:
        """Return the three convolutions."""
        middle = max(1, self.channels_out // 2)
        return (
            Conv(f"{self.name}.0", self.channels_in, middle, 1, self.bias),
            Conv(f"{self.name}.1", middle, middle, self.kernel, self.bias),
            Conv(f"{self.name}.2", middle, self.channels_out, 1, self.bias),
        )


@dataclass(frozen=True)
class Residual:
    """A block that adds ``growth`` channels to its input."""

    name: str
    channels_in: int
    growth: int

    @property
    def first(self) -> Bottleneck:
        """The bottleneck that reads the input."""
        return Bottleneck(f"{self.name}.first", self.channels_in, self.growth, 3, False)

    @property
    def second(self) -> Bottleneck:
        """The bottleneck behind the first norm."""
        return Bottleneck(f"{self.name}.second", self.growth, self.growth, 3, False)

    @property
    def inner_norm(self) -> Norm:
        """The norm between the bottlenecks."""
        return Norm(f"{self.name}.inner_norm", self.growth)

    @property
    def outer_norm(self) -> Norm:
        """The norm of input and growth together."""
        return Norm(f"{self.name}.outer_norm", self.channels_in + self.growth)

    @property
    def layers(self) -> list[Layer]:
        """Return its layers in Keras' order."""
        return [*self.first.convs, *self.second.convs, self.inner_norm, self.outer_norm]


@dataclass(frozen=True)
class NeckBranch:
    """Four bottlenecks of one kernel size, each with its norm."""

    name: str
    channels: int
    kernel: int

    @property
    def convs(self) -> list[Bottleneck]:
        """Return the bottlenecks."""
        channels, kernel = self.channels, self.kernel
        return [Bottleneck(f"{self.name}.convs.{i}", channels, channels, kernel, False) for i in range(4)]

    @property
    def norms(self) -> list[Norm]:
        """Return the norms."""
        return [Norm(f"{self.name}.norms.{i}", self.channels) for i in range(4)]

    @property
    def layers(self) -> list[Layer]:
        """Return its layers in Keras' order."""
        return [*(conv for part in self.convs for conv in part.convs), *self.norms]


@dataclass(frozen=True)
class Decoder:
    """An expanding path back to base width at full size."""

    name: str
    width: int
    blocks_per_stage: int
    with_skips: bool

    @property
    def growths(self) -> list[int]:
        """Channels that a block adds, stage by stage."""
        return [self.width * 2**i for i in reversed(range(STAGES))]

    @property
    def _ends(self) -> list[int]:
        """Channels before the first stage and behind each."""
        per_stage = 1 + (2 if self.with_skips else 0) + self.blocks_per_stage
        return [3 * MULTIPLE * self.width, *(per_stage * growth for growth in self.growths)]

    @property
    def upsamplers(self) -> list[Conv]:
        """Return the transposed convolutions, one a stage."""
        ends = zip(self._ends, self.growths, strict=False)
        return [
            Conv(f"{self.name}.upsamplers.{i}", before, growth, 3, bias=True, transposed=True)
            for i, (before, growth) in enumerate(ends)
        ]

    @property
    def stages(self) -> list[list[Residual]]:
        """Return the blocks of each stage."""
        return [
            [
                Residual(f"{self.name}.stages.{i}.{j}", (1 + 2 * self.with_skips + j) * growth, growth)
                for j in range(self.blocks_per_stage)
            ]
            for i, growth in enumerate(self.growths)
        ]

    @property
    def last(self) -> Bottleneck:
        """The bottleneck behind the last stage."""
        return Bottleneck(f"{self.name}.last", self._ends[-1], self.width, 3, False)

    @property
    def last_norm(self) -> Norm:
        """The norm behind it."""
        return Norm(f"{self.name}.last_norm", self.width)

    @property
    def layers(self) -> list[Layer]:
        """Return its layers in Keras' order."""
        blocks = [layer for stage in self.stages for block in stage for layer in block.layers]
        return [*self.upsamplers, *blocks, *self.last.convs, self.last_norm]


@dataclass(frozen=True)
class Network:
    """Both heads of the network at a base width (an even number; 64 as published).

    It sees ``slices`` neighbouring slices as channels (1 as published) and outlines the middle one.
    """

    width: int
    slices: int = 1

    @property
    def stem(self) -> Bottleneck:
        """The first convolutions, on the slices themselves."""
        return Bottleneck("encoder.stem", self.slices, self.width, 3, True)

    @property
    def stem_norm(self) -> Norm:
        """The norm behind them."""
        return Norm("encoder.stem_norm", self.width)

    @property
    def blocks(self) -> list[Residual]:
        """Return the blocks of the encoder."""
        widths = accumulate(range(STAGES - 1), lambda width, _: 2 * width, initial=self.width)
        return [Residual(f"encoder.blocks.{i}", width, width) for i, width in enumerate(widths)]

    @property
    def neck(self) -> list[NeckBranch]:
        """Return the branches of the neck."""
        channels = MULTIPLE * self.width
        return [NeckBranch(f"neck.{i}", channels, kernel) for i, kernel in enumerate(NECK_KERNELS)]

    @property
    def image_decoder(self) -> Decoder:
        """The path that redraws the slice."""
        return Decoder("image_decoder", self.width, blocks_per_stage=1, with_skips=False)

    @property
    def image_head(self) -> list[Bottleneck]:
        """Return the bottlenecks down to the redrawn slice."""
        outs = (self.width, self.width, 1)
        return [Bottleneck(f"image_head.{i}", self.width, out, 3, True) for i, out in enumerate(outs)]

    @property
    def label_decoder(self) -> Decoder:
        """The path that outlines membranes."""
        return Decoder("label_decoder", self.width, blocks_per_stage=2, with_skips=True)

    @property
    def label_norm(self) -> Norm:
        """The first layer of the label's head."""
        return Norm("label_head.norm", self.width)

    @property
    def label_conv(self) -> Bottleneck:
        """The second."""
        return Bottleneck("label_head.conv", self.width, self.width, 3, True)

    @property
    def label_out(self) -> Conv:
        """The last, before tanh."""
        return Conv("label_head.out", self.width, 1, 1, True)

    def groups(self) -> Iterator[tuple[str, list[Layer]]]:
        """Yield the groups of Keras' weight file with their layers in the order in which Keras made them."""
        blocks = (layer for block in self.blocks for layer in block.layers)
        yield "encoder", [*self.stem.convs, self.stem_norm, *blocks]
        for i, branch in enumerate(self.neck):
            yield f"mid_branch_{i}", branch.layers
        yield "image_decoder", self.image_decoder.layers
        for i, part in enumerate(self.image_head):
            yield f"image_decoder_final_convolution_{i}", list(part.convs)
        yield "label_decoder", self.label_decoder.layers
        yield "label_decoder_final_batchnorm", [self.label_norm]
        yield "label_decoder_final_convolution_1", list(self.label_conv.convs)
        yield "label_decoder_final_convolution_2", [self.label_out]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every array of the network by its name."""
        layers = [layer for _, group in self.groups() for layer in group]
        found: dict[str, tuple[int, ...]] = {}
        for layer in layers:
            found |= dict(layer.arrays)
            found |= dict(layer.statistics) if isinstance(layer, Norm) else {}
        return found
