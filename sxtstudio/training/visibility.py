"""Which of the true membranes a human could see in the reconstructed slices.

The yardstick is what the microscope would have shown without noise. A filter that knows a piece of line
(15 pixels long) is laid on the line and on places where there is nothing but the rest: noise, grain of the
cytoplasm, streaks of gold. The ratio of its answers is the signal-to-noise ratio of that piece. A line is
noticed where its pieces together reach 5 (Rose, J. Opt. Soc. Am. 38 (1948) 196), and followed over the pieces
that reach 2. The filter does not whiten the noise and sees through a band-pass, as models of human observers
do (ICRU Report 54, 1996).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.training.shapes import Array

Mask = NDArray[np.bool_]

#: Signal-to-noise ratio at which a line is noticed as a whole, and at which a piece of it is followed.
NOTICED, FOLLOWED = 5.0, 2.0
#: Window (pixels) over which an eye adds up a piece of line, and that in which it takes in the surroundings.
PIECE_PX, WINDOW_PX = 15, 17
#: Pixels on both sides of a line that belong to its picture: an edge is dark here and bright there.
EDGE_PX = 2
#: How often the filter is applied to noise alone, to learn how strongly it answers to that.
NOISE_SAMPLES = 12
#: Share of the slice's range of grey values (10th to 90th percentile) that an eye takes for equal, and the
#: window in which contrast on a line is measured.
EQUAL, LINE_PX = 0.04, 7
#: Smaller pieces of visible line are not noticed.
LEAST_PX = 40
#: Half of the longest gap that an annotator draws over.
GAP_PX = 5
#: Absorption above which only gold lies; it would hide everything else in the comparison.
GOLD_LAC = 1.2
#: Contrasts, relative to a typical line's, of what a slice shows and of what lies in it, for a smear.
SMEARED, ABSENT = 0.4, 0.2
#: Where a smear comes from: slices above and below, and pixels around, (z, y, x).
REACH_PX = (21, 5, 5)


def without_gold(lac: Array) -> Array:
    """Return absorption with gold made as pale as the darkest of a cell."""
    return np.minimum(lac, np.float32(GOLD_LAC))


def what_shows(specimen: Array, plain: Array, tomogram: Array, outline: Mask) -> Mask:
    """Return the part of ``outline`` that a human could see.

    Parameters
    ----------
    specimen
        What a reconstruction from all tilts would show of membranes and bodies: the absorption, blurred,
        without grain and gold, (z, y, x).
    plain
        Their reconstruction as it is, but without noise.
    tomogram
        The reconstruction with noise, grain and gold.
    outline
        Lines of 5 pixels round upright membranes.
    """
    ideal, present = _fine(specimen), _fine(plain)
    ideal *= np.float32(max(_gain(ideal[outline], present[outline]), 0))
    rest = _fine(tomogram)
    rest -= ideal
    rest, level = _evened(rest)
    shown = np.zeros(outline.shape, bool)
    for z in map(int, np.flatnonzero(outline.any(axis=(1, 2)))):
        whole = ndimage.binary_opening(outline[z], np.ones((3, 3), bool))
        clear = _clarity(ideal[z], present[z], whole, rest, level, z)
        range_of_greys = np.subtract(*np.percentile(tomogram[z], [90, 10]))
        shown_contrast = _contrast(ideal[z], whole, LINE_PX) * _share_shown(ideal[z], present[z], whole)
        clear[shown_contrast < EQUAL * range_of_greys] = 0
        shown[z] = whole & ndimage.binary_dilation(_noticed(clear, whole), iterations=GAP_PX)
    return shown


def _share_shown(line: Array, present: Array, where: Mask) -> Array:
    """Return how much of a line's contrast (y, x) a slice shows, 0 to 1: smoothing may have taken it."""
    template = line * where
    own = np.maximum(_sum_of_piece(template * template), np.float32(1e-20))
    share: Array = np.clip(_sum_of_piece(template * present) / own, 0, 1)
    return share


def drowned(before: Array, after: Array, line: Mask) -> Mask:
    """Return where a ``line`` that showed in a slice (y, x) is lost in what has been added to it.

    ``after`` is the slice with grain, artefacts or another contrast, of either polarity.
    """
    if not line.any():
        return line
    expected, fine_after = _fine(before), _fine(after)
    expected *= np.float32(_gain(expected[line], fine_after[line]))
    rest, level = _evened((fine_after - expected)[None])
    clear = _clarity(expected, expected, line, rest, level, 0)
    lost: Mask = line & (clear < FOLLOWED)
    return lost


def _clarity(line: Array, present: Array, where: Mask, rest: Array, level: Array, z: int) -> Array:
    """Return the signal-to-noise ratio of the pieces of a line, at its pixels (y, x); elsewhere 0.

    Parameters
    ----------
    line, present
        The line's own picture, and what the slice shows of it.
    where
        The line's pixels.
    rest, level
        What hides lines, evened out to the level 1, and that level before, (z, y, x).
    z
        The line's slice.
    """
    template = line * ndimage.binary_dilation(where, iterations=EDGE_PX)
    depth, height, width = rest.shape
    noise = np.zeros_like(template)
    parts = NOISE_SAMPLES + 1
    for sample in range(1, parts):
        shift = (
            height * sample // (NOISE_SAMPLES + 1),
            width * (5 * sample % (NOISE_SAMPLES + 1)) // (NOISE_SAMPLES + 1),
        )
        noise += _sum_of_piece(template * np.roll(rest[(z + 3 * sample) % depth], shift, (0, 1))) ** 2
    answer = _sum_of_piece(template * present)
    # Beside a strong line, a faint one gets no more than its share of the filter's answer.
    own, around = (_contrast(line, where, window) for window in (LINE_PX, PIECE_PX))
    answer *= np.minimum(1, own / np.maximum(around, 1e-20))
    clarity: Array = np.where(
        where, answer / (np.sqrt(noise / NOISE_SAMPLES + np.float32(1e-30)) * level[z]), 0
    )
    return clarity


def _noticed(clarity: Array, where: Mask) -> Mask:
    """Return the connected pieces of a line (y, x) that are clear enough together.

    The squares of the ratios of pieces add up; each pixel has its share in that of its piece.
    """
    pieces, _ = ndimage.label(where & (clarity > FOLLOWED))
    share = clarity**2 / np.maximum(_sum_of_piece(where.astype(np.float32)), 1)
    together = np.sqrt(np.bincount(pieces.ravel(), share.ravel()))
    keep = (together >= NOTICED) & (np.bincount(pieces.ravel()) >= LEAST_PX)
    keep[0] = False
    noticed: Mask = keep[pieces]
    return noticed


def _evened(rest: Array) -> tuple[Array, Array]:
    """Divide ``rest`` (z, y, x) by its level in each slice, in place, and return both."""
    level = ndimage.uniform_filter(rest * rest, (1, WINDOW_PX, WINDOW_PX))
    np.sqrt(np.maximum(level, 0, out=level), out=level)
    level += np.float32(1e-20)
    rest /= level
    return rest, level


def _sum_of_piece(image: Array) -> Array:
    total: Array = ndimage.uniform_filter(image, PIECE_PX) * np.float32(PIECE_PX**2)
    return total


def _contrast(line: Array, where: Mask, window_px: int) -> Array:
    """Return the root mean square of what is on a line, in a window."""
    share = np.maximum(ndimage.uniform_filter(where.astype(np.float32), window_px), 1e-2)
    square = ndimage.uniform_filter(line * line * where, window_px)
    contrast: Array = np.sqrt(np.maximum(square, 0) / share)
    return contrast


def smears(plain: Array, specimen: Array, outline: Mask) -> Mask:
    """Return where a slice shows something as dark as its membranes that lies in other slices.

    The missing wedge draws bodies out along the beam, and who sees one slice cannot tell the smear from the
    thing.

    Parameters
    ----------
    plain
        Reconstruction without noise, grain and gold, (z, y, x).
    specimen
        What it would be with all tilts: the absorption, blurred.
    outline
        Lines of 5 pixels round the membranes that show.
    """
    middle = outline & ~ndimage.binary_dilation(~outline, np.ones((1, 3, 3)))
    if not middle.any():
        return np.zeros_like(outline)
    shown, there = _relative_contrast(plain, middle), _relative_contrast(specimen, middle)
    nearby = ndimage.maximum_filter(there, REACH_PX)  # what is nowhere is a spoilt border or a ghost
    smeared = (shown > SMEARED) & (there < ABSENT) & (nearby > SMEARED)
    broadened: Mask = ndimage.binary_dilation(smeared, np.ones((1, 5, 5)))
    return broadened


def _relative_contrast(image: Array, middle: Mask) -> Array:
    """Return what is darker than its surroundings in each slice; a typical line has 1."""
    darker: Array = image - ndimage.gaussian_filter(image, (0, 6, 6))
    darker /= max(float(np.median(darker[middle])), 1e-6)
    return darker


def _fine(image: Array) -> Array:
    """Return what differs from the surroundings in each slice, without the grain that an eye looks over."""
    in_slice = (*(0,) * (image.ndim - 2), 1.0, 1.0)
    smooth: Array = ndimage.gaussian_filter(image, in_slice)
    smooth -= ndimage.gaussian_filter(image, [6 * s for s in in_slice])
    return smooth


def _gain(expected: Array, measured: Array) -> float:
    """Return the factor between two sets of values (least squares)."""
    square = float(np.dot(expected, expected))
    return float(np.dot(expected, measured)) / square if square > 0 else 0.0
