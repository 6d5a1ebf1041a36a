"""The pieces of a filopodium in slice after slice: narrow spaces with walls, and strokes without a lumen.

Of a piece in one slice those in the next ones belong to it that lie on it. A slit between a filopodium and
the cell or a neighbour is narrow, too, and a gap in the wall leads into it: so gaps are closed first
(``bodies.regions``), and what merely touches a piece in its slice is not followed.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import cc3d
import edt
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.bodies.regions import disk, find_regions
from sxtstudio.core.geometry import Triple
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import VoxelSize

Mask = NDArray[np.bool_]

#: Gaps in an outline up to this width are closed, px.
_GAP_PX = 6.0
#: A lumen whose radius is this part of half the width of outlines is filled: it is a speck in a stroke.
_SPECK = 1.0
#: A stroke has no lumen where it is so many px thicker than outlines are, to each side.
THICKER_PX = 1.5
#: Strokes that touch are divided where they are narrower than this share of the narrower one.
_NECK = 0.65
#: A piece in the next slice belongs to this one if that share of it lies on it ...
_SHARED = 0.5
#: ... or if that share of this one lies on it, and it is not larger than so many times this one.
_GROWS = 1.7
#: A space goes over into a stroke in its slice, or back, of up to so many times its area.
_IN_LINE = 4.0


@dataclass(frozen=True)
class SlicePieces:
    """The pieces of a slice: their numbers (y, x), 0 is none, and of each (and 0) its area and kind."""

    numbers: NDArray[np.uint32]
    area: NDArray[np.int64]
    is_stroke: Mask


def pieces_of(
    outline: Mask,
    missing: list[tuple[int, int]],
    pad: int,
    radius: float,
    half_wall_px: float,
    edges: VoxelSize,
) -> SlicePieces:
    """Return the pieces of a slice.

    Parameters
    ----------
    outline
        (y, x), True where there is a membrane, with ``pad`` px around what is wanted but for those that the
        volume lacks (``missing`` at both ends of y and x).
    radius
        Of the disk that does not fit into what is narrow, in the unit of ``edges`` (voxels (z, y, x)).
    """
    # Beyond a border of the volume it goes on as it came: a tube cut across or along is no wide space.
    outline = np.pad(outline, missing, mode="symmetric")
    inner = (slice(pad, outline.shape[0] - pad), slice(pad, outline.shape[1] - pad))
    if not outline.any():
        nothing = np.zeros(outline[inner].shape, np.uint32)
        return SlicePieces(nothing, np.array([nothing.size]), np.zeros(1, np.bool_))
    found = find_regions(outline, gap_px=_GAP_PX, split=0.0, half_px=half_wall_px)
    table = found.table
    specks = (table["solid"] | (table["radius"] <= _SPECK * half_wall_px)) & (table["walled"] >= 0.9)
    filled = outline | np.concatenate([[False], specks])[found.numbers]
    strokes = ndimage.binary_opening(filled, disk(half_wall_px + THICKER_PX))
    free = ~outline & ~strokes
    centres = edt.edt(free, anisotropy=edges[1:], black_border=False) >= radius
    reached = (
        edt.edt(~centres, anisotropy=edges[1:], black_border=False) < radius if centres.any() else centres
    )
    narrow = np.where(free & ~reached, found.numbers, 0)[inner].astype(np.uint32)
    spaces = cc3d.connected_components(narrow, connectivity=4).astype(np.uint32)
    count = int(spaces.max())
    if strokes[inner].any():
        divided = find_regions(~strokes, gap_px=0.0, split=_NECK, half_px=half_wall_px).numbers
        solid = np.where(strokes, divided, 0)[inner].astype(np.uint32)
        spaces = np.where(solid > 0, solid + count, spaces).astype(np.uint32)
    area = np.bincount(spaces.ravel())
    return SlicePieces(spaces, area, np.arange(len(area)) > count)


class Follower:
    """Follows the pieces of a filopodium through the slices of a window; looks only at those it needs."""

    def __init__(
        self,
        outline: Mask,
        missing: list[tuple[int, int]],
        pad: int,
        radius: float,
        half_wall_px: float,
        edges: VoxelSize,
        progress: Progress,
    ) -> None:
        """Take the outline (z, y, x) of a window as ``pieces_of`` takes that of a slice."""
        self._outline, self._missing, self._pad = outline, missing, pad
        self._radius, self._half_wall, self._edges = radius, half_wall_px, edges
        self._progress = progress
        self._known: dict[int, SlicePieces] = {}

    def slice(self, z: int) -> SlicePieces:
        """Return the pieces of a slice."""
        if z not in self._known:
            self._progress.check()
            self._known[z] = pieces_of(
                self._outline[z], self._missing, self._pad, self._radius, self._half_wall, self._edges
            )
        return self._known[z]

    def follow(self, start: Triple, *, over_strokes: bool) -> tuple[Mask, Mask] | None:
        """Return the spaces and strokes (bool, (z, y, x)) that belong to the piece at a voxel, or None."""
        z, y, x = start
        first = int(self.slice(z).numbers[y, x])
        if not first:
            return None
        taken, todo = {(z, first)}, deque([(z, first)])
        while todo:
            z, number = todo.popleft()
            for beside in ((z, other) for other in self._in_line(z, number) if over_strokes):
                if beside not in taken:
                    taken.add(beside)
                    todo.append(beside)
            for near in (z - 1, z + 1):
                if 0 <= near < len(self._outline):
                    for other in self._on(z, number, near):
                        passes = over_strokes or not self.slice(near).is_stroke[other]
                        if passes and (near, other) not in taken:
                            taken.add((near, other))
                            todo.append((near, other))
        shape = (len(self._outline), *self.slice(start[0]).numbers.shape)
        spaces, strokes = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
        for z, number in taken:
            pieces = self.slice(z)
            (strokes if pieces.is_stroke[number] else spaces)[z] |= pieces.numbers == number
        return spaces, strokes

    def _on(self, z: int, number: int, near: int) -> list[int]:
        """Return the pieces of the next slice that belong to one of this slice."""
        own, other = self.slice(z), self.slice(near)
        shared = np.bincount(other.numbers[own.numbers == number], minlength=len(other.area))
        shared[0] = 0
        area = own.area[number]
        belongs = (shared >= _SHARED * other.area) | (
            (shared >= _SHARED * area) & (other.area <= _GROWS * area)
        )
        return [int(n) for n in np.flatnonzero(belongs & (shared > 0))]

    def _in_line(self, z: int, number: int) -> list[int]:
        """Return the strokes that a space goes over into in its slice, and the spaces that a stroke does."""
        pieces = self.slice(z)
        near = edt.edt(pieces.numbers != number, black_border=False) <= 2 * self._half_wall + 0.5
        beside = np.bincount(pieces.numbers[near], minlength=len(pieces.area))
        beside[[0, number]] = 0
        fits = (beside > 0) & (pieces.is_stroke != pieces.is_stroke[number])
        fits &= pieces.area <= _IN_LINE * pieces.area[number]
        return [int(n) for n in np.flatnonzero(fits)]
