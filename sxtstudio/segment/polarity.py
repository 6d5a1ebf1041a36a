"""Whether absorbing structures are dark or bright, where the image alone leaves a doubt: a network is asked.

A network that outlines dark membranes is shown pieces of a few slices as they are and turned around. Its
labels and their skeleton say which of the two it was made for:

* **Certainty.** It is surer of its labels (``trust.certainty``).
* **Firmness.** More of the skeleton has an output near 1.
* **Valleys.** A membrane is a valley of the image, curved across (the largest eigenvalue of the Hessian) and
  hardly along. What is taken for one in the wrong polarity, rims and gaps between bodies, is so less often.
* **Saddles.** A gap between two bodies is a saddle, curved the other way along (the smaller eigenvalue).

All are differences of the two passes, which change their sign with the image's. Together with the tails of
the grey values (``core.image_polarity``) they make a logistic rule. Of the sets of signs that were tried,
this was the best one where a rule was fitted to two simulators and judged by the third. It is fitted and
checked by ``python -m bench.polarity``. None of the signs suffices alone: see docs/models.md.

How firm and how sure a network is depends on its training, so a rule holds for one network, and stands in its
card. The rule of one, applied to another, turned real images round. For a network without a rule, such as one
that was retrained or imported, the default model is asked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.image_polarity import ImageSigns, image_signs
from sxtstudio.core.measured import Mask
from sxtstudio.core.normalise import normalise
from sxtstudio.core.polarity import SURE, Basis, Polarity, probability, slices_to_judge, verdict, voted
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume
from sxtstudio.segment.card import ModelCard, PolarityRule
from sxtstudio.segment.context import stack_of
from sxtstudio.segment.field import NO_MEMBRANE, Field
from sxtstudio.segment.registry import DEFAULT_MODEL, load_card
from sxtstudio.segment.runner import SliceRunner
from sxtstudio.segment.trust import certainty

Image = NDArray[np.float32]

_SLICES = 6  # are asked about at most
_FEWEST = 3  # after which a sure verdict ends the asking
_WINDOW_PX = 512
_COARSE_PX = 16
_FIRM = 0.9  # the network's output, −1…1
_LINE_PX, _GAP_PX = 1.5, 2.5  # half the width of a membrane, and of a gap between bodies
# Share of the pixels on the skeletons of both passes; below, means over them say nothing. In grain there were
# 0.0008, in the emptiest of 21 real images with membranes 0.0097.
_FEWEST_OUTLINES = 0.003
_STEEP = 2.0  # a valley is curved so much more across than along


@dataclass(frozen=True)
class LineSigns:
    """What the labels of one pass lie on: means over their skeleton, 0 where there is none.

    Attributes
    ----------
    firm
        Share with an output above 0.9.
    valleys
        Share where the image is a valley: curved up across at least twice as much as it is curved along.
    along
        Curvature along, in grey values per width of a gap between bodies; negative on a saddle.
    length_px
        Pixels of the skeleton.
    """

    firm: float = 0.0
    valleys: float = 0.0
    along: float = 0.0
    length_px: int = 0


@dataclass(frozen=True)
class Signs:
    """The signs of a slice; those of the network are positive where it prefers the slice as it is."""

    image: ImageSigns
    certainty: float
    firmness: float
    valleys: float
    saddles: float

    def log_odds(self, rule: PolarityRule) -> float:
        """Logarithm of the odds that absorbing structures are dark, by the rule of the network."""
        return (
            rule.tails * self.image.tails
            + rule.certainty * self.certainty
            + rule.firmness * self.firmness
            + rule.valleys * self.valleys
            + rule.saddles * self.saddles
        )


def judge_for(card: ModelCard) -> ModelCard | None:
    """Return the network that judges the polarity for one that takes dark membranes, or None.

    That is the network itself if its card has a rule, else the default model.
    """
    if card.polarity_rule is not None:
        return card
    try:
        default = load_card(DEFAULT_MODEL)
    except UserError:  # a damaged installation says so where that model is chosen
        return None
    return default if default.polarity_rule is not None else None


def ask_network(
    volume: Volume, card: ModelCard, runner: SliceRunner, progress: Progress | None = None
) -> Polarity:
    """Judge the polarity by image and network.

    Parameters
    ----------
    volume
        The tomogram, (z, y, x).
    card, runner
        Of a network that takes absorbing structures for dark, and whose card has a rule.
    progress
        Is told before each slice, as a network may be slow, and asked whether the user cancelled.
    """
    rule = card.polarity_rule
    if rule is None:
        raise ValueError(f"{card.name} has no rule for the polarity")
    progress = progress or Progress()
    found: list[float] = []
    for z in slices_to_judge(volume.shape[0], _SLICES):
        progress.step(0, "asking the network for the polarity")
        plane = volume.read(Box.slab(z, z + 1, volume.shape))[0]
        stack = stack_of(volume, z, card.slices) if card.slices > 1 else None
        signs = signs_of(plane, card, runner, progress, stack=stack)
        if signs is not None:
            found.append(signs.log_odds(rule))
        if len(found) >= _FEWEST and probability(abs(voted(found))) >= SURE:
            break
    return verdict(found, Basis.NETWORK)


def signs_of(
    image: NDArray[np.generic],
    card: ModelCard,
    runner: SliceRunner,
    progress: Progress | None = None,
    *,
    stack: Image | None = None,
) -> Signs | None:
    """Return all signs of a slice (y, x), or None where there is nothing to judge.

    ``stack`` is what a network for several slices is shown of it (``stack_of``); None: the slice alone.
    """
    check = (progress or Progress()).check
    of_image, normal = image_signs(image), normalise(image)
    if of_image is None or normal is None:
        return None
    shape = (image.shape[0], image.shape[1])
    field = Field(shape, normal.measured)
    window = _liveliest(field.cut(normal.values), field.in_box)
    piece = np.ascontiguousarray(field.cut(normal.values)[window])
    shown = piece[None] if stack is None else np.ascontiguousarray(stack[:, *window][None])
    measured = None if field.in_box is None else field.in_box[window]
    sure, lines = [], []
    for sign in (np.float32(1), np.float32(-1)):
        values = runner.run(sign * shown, check, heads=[card.label_output])[card.label_output][0]
        if measured is not None:
            values = np.where(measured, values, np.float32(NO_MEMBRANE))
        counted = values if measured is None else values[measured]
        sure.append(certainty(counted, card.threshold) or 0.0)
        lines.append(line_signs(sign * piece, values, card.threshold))
    as_is, turned = lines
    if as_is.length_px + turned.length_px < _FEWEST_OUTLINES * piece.size:
        return Signs(of_image, 0.0, 0.0, 0.0, 0.0)
    along = abs(as_is.along) + abs(turned.along)
    return Signs(
        of_image,
        sure[0] - sure[1],
        as_is.firm - turned.firm,
        as_is.valleys - turned.valleys,
        (as_is.along - turned.along) / along if along else 0.0,
    )


def line_signs(image: Image, values: Image, threshold: float) -> LineSigns:
    """Return what the labels of a pass lie on.

    Parameters
    ----------
    image
        As the network saw it, float32 (y, x), membranes dark.
    values
        Its label head's output, −1…1, (y, x).
    threshold
        Above which a pixel is labelled.
    """
    from skimage.morphology import skeletonize  # here, because few jobs come this far

    line = skeletonize(values > threshold)
    if not line.any():
        return LineSigns()
    across, beside = curvatures(image, line, _LINE_PX)
    _, along = curvatures(image, line, _GAP_PX)
    return LineSigns(
        float(np.mean(values[line] > _FIRM)),
        float(np.mean(across > _STEEP * np.abs(beside))),
        float(np.mean(along)),
        int(np.count_nonzero(line)),
    )


def curvatures(image: Image, where: Mask, sigma_px: float) -> tuple[Image, Image]:
    """Return the larger and the smaller eigenvalue of the Hessian of a smoothed image at some pixels.

    Both are times σ², in units of the image; the larger one is positive in a dark line.
    """
    yy, yx, xx = (
        ndimage.gaussian_filter(image, sigma_px, order=order)[where] for order in ((2, 0), (1, 1), (0, 2))
    )
    mean, spread = (yy + xx) / 2, np.sqrt(((yy - xx) / 2) ** 2 + yx**2)
    return (mean + spread) * sigma_px**2, (mean - spread) * sigma_px**2


def _liveliest(image: Image, measured: Mask | None) -> tuple[slice, slice]:
    """Return the window of at most 512 px in which most is to be seen.

    That is where the structures of the size of organelles are strongest; gold counts no more than they.
    """
    if max(image.shape) <= _WINDOW_PX:
        return slice(0, image.shape[0]), slice(0, image.shape[1])
    height, width = (n // _COARSE_PX for n in image.shape)
    rows, columns = height * _COARSE_PX, width * _COARSE_PX
    band = ndimage.gaussian_filter(image, 2) - ndimage.gaussian_filter(image, 16)
    strength = np.minimum(np.abs(band), 1)
    if measured is not None:
        strength *= measured
    coarse = strength[:rows, :columns].reshape(height, _COARSE_PX, width, _COARSE_PX).sum(axis=(1, 3))
    size = [min(n, _WINDOW_PX // _COARSE_PX) for n in coarse.shape]
    sums = np.pad(coarse, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    windows = (
        sums[size[0] :, size[1] :]
        - sums[: -size[0], size[1] :]
        - sums[size[0] :, : -size[1]]
        + sums[: -size[0], : -size[1]]
    )
    y, x = np.unravel_index(int(windows.argmax()), windows.shape)
    top, left = int(y) * _COARSE_PX, int(x) * _COARSE_PX
    return slice(top, top + _WINDOW_PX), slice(left, left + _WINDOW_PX)
