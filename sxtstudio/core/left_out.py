"""What of the network's output is not labelled: the frame of the reconstruction, and what surrounds gold.

Real membranes run into frames and past gold. So of the output above the threshold only these pieces go:
what runs along a frame, in it or a few pixels beyond its inner border; what lies in a frame alone; gold
itself; and lines of which nearly all lies around gold. A line that crosses a frame, or touches gold, stays,
but for what of it runs far along the frame.

What is left out at a threshold is left out at all stricter ones, and it is written into the output itself: so
whoever labels what of the output is above a threshold, now or later, gets the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.frame import NO_FRAME, Frame, frame_of, readable_slices
from sxtstudio.core.gold import Gold, gold_in
from sxtstudio.core.measured import Mask
from sxtstudio.core.normalise import normalise
from sxtstudio.core.progress import Progress
from sxtstudio.core.quality.beads import BeadSection, beads, sections
from sxtstudio.core.volume import Volume
from sxtstudio.core.wording import count

#: The network sees a line so many pixels beyond a frame's border, which is longer than so many.
BEYOND_PX = 4
_ALONG_PX = 24
#: Of a line that crosses a frame, so long a part in its direction goes: no cell is so flat along so much.
_LONG_PX, _BESIDE_PX = 101, 3
#: So large a share of it lies within a pixel of a straight line; aslant, a membrane has half of that.
_STRAIGHT = 0.8
#: So large a share of a line lies around gold, of one that goes.
_AROUND = 0.75
_ALL_NEIGHBOURS = np.ones((3, 3), bool)
_SLICES = 16  # in which beads are counted
#: Thresholds of the network's output at which it is asked what goes. Below, nearly all of an image is above
#: the threshold, and there are no lines. As outputs are kept: 255 * (output + 1)/2, in whole numbers.
_ASKED = (-0.8, -0.6, -0.4, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8)
_LEVELS = np.floor((np.array(_ASKED) + 1) * 127.5 + 1e-6) / 127.5 - 1
_NO_MEMBRANE = np.float32(-1)


@dataclass(frozen=True)
class Artefacts:
    """What a tomogram has that is not to be labelled: its frame, and how many gold beads were found.

    There may be more of them: only some slices are looked at, and faint beads are not told from grain.
    """

    frame: Frame = NO_FRAME
    beads: int = 0

    @property
    def text(self) -> str:
        """Return "at least 3 gold beads, frame of 12 px on the left"; "" where there is nothing."""
        gold = f"at least {count(self.beads, 'gold bead')}" if self.beads else ""
        return ", ".join(part for part in (gold, self.frame.text) if part)


NO_ARTEFACTS = Artefacts()


def artefacts_of(
    volume: Volume, *, dark: bool, count_beads: bool = True, progress: Progress | None = None
) -> Artefacts:
    """Return what a tomogram (z, y, x) has that is not to be labelled.

    It depends on the tomogram alone, so that all its parts get the same. A few slices spread over it are
    read, one at a time.

    Parameters
    ----------
    volume
        The tomogram.
    dark
        Whether absorbing structures are dark.
    count_beads
        Without, only the frame is looked for, in fewer slices.
    progress
        Only asked whether the user cancelled.
    """
    frame = frame_of(volume, progress)
    if not count_beads:
        return Artefacts(frame)
    found: list[BeadSection] = []
    for z, image in readable_slices(volume, _SLICES, progress):
        normal = normalise(image)
        if normal is not None:
            found += sections(normal.values, z, normal.measured, dark=dark)
    return Artefacts(frame, len(beads(found)))


def left_out_in(image: NDArray[Any], frame: Frame, *, dark: bool) -> tuple[Mask | None, int]:
    """Return where in a slice (y, x) lines may be left out (None: nowhere), and its number of beads."""
    normal = normalise(image)
    gold = None if normal is None else gold_in(normal.values, normal.measured, dark=dark)
    if gold is None:
        return (frame.mask(image.shape) if frame else None), 0
    return gold.around | frame.mask(gold.around.shape), len(gold.beads)


def without_left_out(values: NDArray[np.float32], frame: Frame, gold: Gold | None) -> NDArray[np.float32]:
    """Return a network's output in which what is not to be labelled is above no threshold at which it goes.

    Where nothing is left out it is ``values`` itself.

    Parameters
    ----------
    values
        The output (y, x) for a slice, -1 to 1.
    frame, gold
        Of the tomogram, and in this slice.
    """
    if not frame and gold is None:
        return values
    left = values.copy()
    for level in reversed(_LEVELS):
        # From strict to lenient: the most lenient threshold at which it goes decides.
        limit = np.float32(level)
        labelled = values > limit
        if (goes := left_out(labelled, frame, gold)) is not None:
            left[goes & labelled] = limit if level > _LEVELS[0] else _NO_MEMBRANE
    return left


def left_out(labelled: Mask, frame: Frame, gold: Gold | None) -> Mask | None:
    """Return which pixels are not to be labelled, or None where there are none to leave out.

    Parameters
    ----------
    labelled
        Where the network's output (y, x) of a slice is above the threshold.
    frame, gold
        Of the tomogram, and in this slice.
    """
    if not frame and gold is None:
        return None
    out = np.zeros(labelled.shape, bool)
    for side in range(4):
        if width := frame.width(side):
            deep = width + BEYOND_PX
            np.rot90(out, side)[:deep] |= _in_frame(np.rot90(labelled, side)[: deep + 1])[:deep]
    if gold is not None:
        out |= gold.core | _mostly_in(labelled, gold.around)
    return out


def _in_frame(strip: Mask) -> Mask:
    """Return what in a strip runs straight in its direction, or ends before its last line."""
    inner = ndimage.minimum_filter1d(strip, _LONG_PX, axis=1, mode="constant")
    long = ndimage.maximum_filter1d(inner, _LONG_PX, axis=1, mode="constant")
    long = strip & ndimage.maximum_filter1d(long, 2 * _BESIDE_PX + 1, axis=0, mode="constant")
    parts, _ = ndimage.label(strip & ~long, _ALL_NEIGHBOURS)
    goes = [False]
    for number, (across, along) in enumerate(ndimage.find_objects(parts), 1):
        piece = parts[across, along] == number
        middle = np.average(np.indices(piece.shape)[0], axis=0, weights=piece)
        near = np.abs(middle - np.median(middle)) <= 1
        straight = piece.shape[1] > _ALONG_PX and float(np.mean(near)) >= _STRAIGHT
        goes.append(straight or across.stop < len(strip))
    found: Mask = np.array(goes)[parts] | long
    return found


def _mostly_in(labelled: Mask, around: Mask) -> Mask:
    """Return the pieces of which nearly all lies in ``around``."""
    parts, count = ndimage.label(labelled, _ALL_NEIGHBOURS)
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    inside = np.bincount(parts[around], minlength=count + 1)
    goes = inside >= _AROUND * np.maximum(sizes, 1)
    goes[0] = False
    found: Mask = goes[parts]
    return found
