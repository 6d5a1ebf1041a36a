"""Which of the true membranes a human could see in the reconstructed slices.

An annotator draws what stands out from the grain of some twenty pixels around. So the specimen as the
microscope could at best show it (blurred, without noise) is compared with the tomogram, slice by slice:
where the line's own contrast is small against everything else in the tomogram, be it noise, the streaks of
gold or the grain of the cytoplasm, the membrane counts as hidden.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.training.shapes import Array

Mask = NDArray[np.bool_]

#: Window (pixels) in which an eye follows a line, and that in which it takes in the surroundings.
LINE_PX, WINDOW_PX = 7, 17
#: Contrast of a line over the rest's standard deviation at which it is noticed, and then followed.
NOTICED, FOLLOWED = 0.8, 0.55
#: Share of the slice's range of grey values (10th to 90th percentile) that an eye takes for equal.
EQUAL = 0.05
#: The same for what was added to a line that already had grain of its own, so that more of it is needed.
DROWNED = 0.9
#: Smaller pieces of visible line are not noticed.
LEAST_PX = 40
#: Half of the longest gap that an annotator draws over.
GAP_PX = 5
#: Absorption above which only gold lies; it would hide everything else in the comparison.
GOLD_LAC = 1.2


def what_shows(lac: Array, tomogram: Array, outline: Mask, blur_px: float) -> Mask:
    """Return the part of ``outline`` that a human could see.

    Parameters
    ----------
    lac
        Absorption of the specimen without its grain, (z, y, x).
    tomogram
        Its reconstruction, absorbing structures positive.
    outline
        Lines of 5 pixels round upright membranes.
    blur_px
        Standard deviation of the microscope's blur.
    """
    ideal = ndimage.gaussian_filter(np.minimum(lac, np.float32(GOLD_LAC)), (1.5, blur_px, blur_px))
    fine_ideal, fine = _fine(ideal), _fine(tomogram)
    gain = _gain(fine_ideal[outline], fine[outline])
    shown = np.zeros(outline.shape, bool)
    if gain <= 0:
        return shown
    for z in np.flatnonzero(outline.any(axis=(1, 2))):
        expected = np.float32(gain) * fine_ideal[z]
        rest = fine[z] - expected
        whole = ndimage.binary_opening(outline[z], np.ones((3, 3), bool))
        line = whole.astype(np.float32)
        share = ndimage.uniform_filter(line, LINE_PX)
        signal = ndimage.uniform_filter(expected * expected * line, LINE_PX) / np.maximum(share, 1e-2)
        noise = ndimage.uniform_filter(rest * rest, WINDOW_PX)
        dark, bright = np.percentile(tomogram[z], [10, 90])
        noise += np.float32((EQUAL * (bright - dark)) ** 2)
        clarity = np.sqrt(np.maximum(signal, 0) / np.maximum(noise, 1e-20))
        pieces, _ = ndimage.label(whole & (clarity > FOLLOWED))
        noticed = np.bincount(pieces.ravel(), (clarity > NOTICED).ravel())
        keep = (noticed >= LEAST_PX / 2) & (np.bincount(pieces.ravel()) >= LEAST_PX)
        keep[0] = False
        shown[z] = whole & ndimage.binary_dilation(keep[pieces], iterations=GAP_PX)
    return shown


def drowned(before: Array, after: Array, line: Mask) -> Mask:
    """Return where a ``line`` that showed in a slice (y, x) is lost in what has been added to it.

    ``after`` is the slice with grain, artefacts or another contrast, of either polarity.
    """
    if not line.any():
        return line
    fine_before, fine_after = _fine(before), _fine(after)
    expected = np.float32(_gain(fine_before[line], fine_after[line])) * fine_before
    on_line = line.astype(np.float32)
    share = np.maximum(ndimage.uniform_filter(on_line, LINE_PX), 1e-2)
    signal = ndimage.uniform_filter(expected * expected * on_line, LINE_PX) / share
    added = ndimage.uniform_filter((fine_after - expected) ** 2, WINDOW_PX)
    lost: Mask = line & (signal < np.float32(DROWNED**2) * added)
    return lost


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
