"""The frame of a reconstruction: a strip along an edge whose inner border is as straight as a ruler.

Where a region was cut out of projections, or the tilted field of view ended, reconstructions have some lines
of other grey values along one or two edges. Their inner border looks like a membrane. Nothing of a specimen
runs for the whole length of an edge, parallel to it and at one pixel's distance: so a frame ends where the
grey value jumps the same way nearly all along the edge, and far more than lines further inside ever do. A
capillary's wall, too, runs along an edge, but it is soft; what lies deeper than ``DEEPEST_PX`` is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.measured import Mask
from sxtstudio.core.polarity import slices_to_judge
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume

#: A frame's inner border lies at most so many pixels from the edge.
DEEPEST_PX = 16
#: So large a share of the pieces of an edge jump the same way; of lines inside at most 0.8 do.
_SAME_WAY = 0.95
#: So many times as far as 99 of 100 lines inside. Frames of real tomograms reach 6 to 65; edges without one,
#: and those of phantoms, at most 4.
_JUMP = 5.0
_SHARP_PX = 5  # in so many lines at most it is half as steep as in the steepest one
_WEAKEST, _SHARE = 20, 0.3  # a fifth of the pieces may jump less than this share of the usual jump
_PIECE_PX = 8  # along the edge, of which the mean is taken
_INSIDE = (40, 200)  # lines from the edge, with which the jumps are compared
_SMALLEST_PX = 120
_SLICES = 7


@dataclass(frozen=True)
class Frame:
    """Widths of a frame in pixels, clockwise as ``np.rot90`` turns them up; 0 where an edge has none."""

    top: int = 0
    right: int = 0
    bottom: int = 0
    left: int = 0

    def __bool__(self) -> bool:
        """Whether any edge has one."""
        return any(astuple(self))

    def width(self, side: int) -> int:
        """Return the width along the edge that ``np.rot90(image, side)`` turns up."""
        return (self.top, self.right, self.bottom, self.left)[side]

    @property
    def text(self) -> str:
        """Return "frame of 12 px on the left, 3 px at the top"; "" where there is none."""
        sides = {"on the left": self.left, "on the right": self.right}
        sides |= {"at the top": self.top, "at the bottom": self.bottom}
        widths = ", ".join(f"{width} px {side}" for side, width in sides.items() if width)
        return widths and f"frame of {widths}"

    def mask(self, shape: tuple[int, int], beyond: int = 0) -> Mask:
        """Return which pixels (y, x) lie in it, or at most ``beyond`` pixels further inside."""
        inside = np.zeros(shape, bool)
        for side, width in enumerate(astuple(self)):
            if width:
                np.rot90(inside, side)[: width + beyond] = True
        return inside


NO_FRAME = Frame()


def frame_of(volume: Volume, progress: Progress | None = None) -> Frame:
    """Return the frame of a tomogram (z, y, x): what most of seven slices spread over it have in common.

    It depends on the tomogram only, so that all its parts get the same. One slice is read at a time.
    """
    found = [astuple(frame_of_slice(image)) for _, image in readable_slices(volume, _SLICES, progress)]
    if not found:
        return NO_FRAME
    # The lower one of the two in the middle: in doubt there is none.
    return Frame(*(sorted(widths)[(len(widths) - 1) // 2] for widths in zip(*found, strict=True)))


def readable_slices(
    volume: Volume, number: int, progress: Progress | None = None
) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield slices (y, x) that are spread over a tomogram, each with its index.

    Those that cannot be read are passed over: whoever needs them will say what is wrong.
    """
    for z in slices_to_judge(volume.shape[0], number):
        if progress is not None:
            progress.check()
        try:
            image = volume.read(Box.slab(z, z + 1, volume.shape))[0]
        except UserError:
            continue
        yield z, image


def frame_of_slice(image: NDArray[Any]) -> Frame:
    """Return the frame of a slice (y, x) of real numbers; none in small ones and in those with bad pixels."""
    if min(image.shape) < _SMALLEST_PX or not np.isfinite(image).all():
        return Frame()
    return Frame(*(_width(np.rot90(image, side)) for side in range(4)))


def _width(image: NDArray[Any]) -> int:
    """Return the width of the frame along the first line of a slice."""
    lines = image[: min(_INSIDE[1], len(image) // 2) + 2].astype(np.float64)
    pieces = lines.shape[1] // _PIECE_PX
    lines = lines[:, : pieces * _PIECE_PX].reshape(len(lines), pieces, _PIECE_PX).mean(axis=2)
    # Across the border between line i and the one before: of two lines each, but at the very edge.
    pairs = (lines[1:] + lines[:-1]) / 2
    jumps = np.concatenate([[pairs[1] - lines[0]], pairs[2:] - pairs[:-2]])
    typical = np.median(jumps, axis=1)
    same_way = np.mean(np.sign(jumps) == np.sign(typical)[:, np.newaxis], axis=1)
    usual = float(np.percentile(np.abs(typical[_INSIDE[0] :]), 99))
    if not usual > 0:
        return 0
    strength = typical / usual
    # In most pieces by a good part of that: half an edge with a strong membrane has the same median.
    least = np.percentile(jumps * np.sign(typical)[:, np.newaxis], _WEAKEST, axis=1)
    ends = (np.abs(strength) > _JUMP) & (same_way >= _SAME_WAY) & (least > _SHARE * np.abs(typical))
    found = [i for i in np.flatnonzero(ends[:DEEPEST_PX]) if _is_sharp(strength, int(i))]
    return int(found[-1]) + 1 if found else 0


def _is_sharp(strength: NDArray[np.float64], i: int) -> bool:
    """Whether line ``i`` is the steepest of a slope of a few lines; walls are soft."""
    steep = strength * np.sign(strength[i])
    if steep[max(0, i - 1) : i + 2].max() > steep[i]:
        return False
    parts, _ = ndimage.label(steep >= 0.5 * steep[i])
    return bool(np.count_nonzero(parts == parts[i]) <= _SHARP_PX)
