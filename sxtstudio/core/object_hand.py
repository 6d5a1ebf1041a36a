"""Objects by hand: merge, delete, draw, erase, grow, shrink and fill; no Qt, no files.

Every change goes through a ``Recorder`` of the objects and sets its ``rows``, so that voxels and table are
one step for *Undo*. It is bounded to the box of the object: the volume is gone through for *keep only* alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.distance import distances
from sxtstudio.core.edits import Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.interpolation import interpolate_slices, nearest_gap
from sxtstudio.core.labels import as_labels
from sxtstudio.core.object_boxes import ObjectBoxes
from sxtstudio.core.object_table import ObjectFlag, ObjectRow, ObjectTable
from sxtstudio.core.planes import IN_PLANE, as_planes, from_planes
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import VoxelSize
from sxtstudio.core.walk import walk

Mask = NDArray[np.bool_]

# What must be held at once of one object; what needs no neighbours goes slab by slab instead.
MOST_VOXELS = 64_000_000
_SLAB_VOXELS = 16_000_000
_ROUNDING = 1e-3  # distances are of 32 bit
_TOO_LARGE = "Object {number} is too large for this: its box has {voxels:,} voxels. {advice}"


@dataclass(frozen=True)
class Hand:
    """An edit of objects by hand that has been begun.

    ``table`` is that of the document as it was before, ``boxes`` say where its objects lie.
    """

    recorder: Recorder
    table: ObjectTable
    boxes: ObjectBoxes

    @property
    def objects(self) -> NDArray[np.uint32]:
        """The numbers (z, y, x), uint32."""
        return self.recorder.labels

    @property
    def shape(self) -> Triple:
        """Number of voxels along (z, y, x)."""
        z, y, x = self.objects.shape
        return (z, y, x)

    def free_for(self, number: int, part: NDArray[np.uint32]) -> Mask:
        """Return which voxels a body may be drawn over: those of no object, and of open membranes.

        A membrane that encloses nothing was found as an object of its own only for want of the body that it
        bounds. It stays where another open membrane is drawn.
        """
        row = self.table.rows.get(number)
        sheets = [n for n, other in self.table.rows.items() if ObjectFlag.SHEET in other.flags]
        if not sheets or (row is not None and ObjectFlag.SHEET in row.flags):
            return np.asarray(part == 0)
        return np.isin(part, [0, *sheets])

    def box_of(self, number: int) -> Box:
        """Return a box that holds an object.

        Raises
        ------
        UserError
            If there is no such object.
        """
        box = self.boxes.of(number, self.objects) if number in self.table.rows else None
        if box is None:
            raise UserError(f"There is no object {number}. Choose one that is there.")
        return box

    def where(self, number: int, margin: Triple = (0, 0, 0), advice: str = "") -> tuple[Box, Mask]:
        """Return the box of an object, widened by ``margin``, and which voxels of it are the object's.

        Raises
        ------
        UserError
            If there is no such object, or it is too large to be held in memory; ``advice`` says what to do.
        """
        box = self.box_of(number).grown(margin, self.shape)
        voxels = int(np.prod(box.shape))
        if voxels > MOST_VOXELS:
            raise UserError(_TOO_LARGE.format(number=number, voxels=voxels, advice=advice).strip())
        return box, self.objects[box.slices] == number

    def slabs(self, number: int) -> Iterator[Box]:
        """Yield the box of an object in slabs that are small enough to be worked on."""
        box = self.box_of(number)
        _, height, width = box.shape
        step = max(1, _SLAB_VOXELS // (height * width))
        for first in range(box.start[0], box.stop[0], step):
            last = min(first + step, box.stop[0])
            yield Box((first, *box.start[1:]), (last, *box.stop[1:]))

    def renumber(self, number: int, to: int) -> None:
        """Give all voxels of an object another number, 0 for none."""
        for box in self.slabs(number):
            self.recorder.paint(box, self.objects[box.slices] == number, to)

    def is_there(self, number: int) -> bool:
        """Whether any voxel has this number now."""
        box = self.boxes.of(number, self.objects)
        if box is None:
            return False
        return any(bool((self.objects[z, *box.slices[1:]] == number).any()) for z in range(*_ends(box)))

    def change_rows(self, rows: dict[int, ObjectRow | None]) -> None:
        """Say what changes in the table with the edit."""
        self.recorder.rows = self.table.change(rows)


def _ends(box: Box) -> tuple[int, int]:
    return box.start[0], box.stop[0]


def merge(hand: Hand, numbers: tuple[int, ...]) -> int:
    """Make one object of several; return its number: the first of ``numbers``.

    It keeps class and notes; where it has none, those of the next one that has hold. Flags of all hold.

    Raises
    ------
    UserError
        If there are fewer than two, or one of them is not there.
    """
    if len(set(numbers)) < 2:
        raise UserError("Merging needs two objects. Click on one, then on another.")
    kept, *others = dict.fromkeys(numbers)
    rows = [hand.table.rows.get(number) for number in (kept, *others)]
    for number in (kept, *others):
        hand.box_of(number)
    there = [row for row in rows if row is not None]
    classed = next((row for row in there if row.class_name), there[0])
    notes = "; ".join(dict.fromkeys(row.notes for row in there if row.notes))
    flags = frozenset().union(*(row.flags for row in there))
    if not all(ObjectFlag.SHEET in row.flags for row in there):
        flags -= {ObjectFlag.SHEET}
    if not all(ObjectFlag.CHECKED in row.flags for row in there):
        flags -= {ObjectFlag.CHECKED}
    for number in others:
        hand.renumber(number, kept)
    hand.change_rows({**dict.fromkeys(others), kept: replace(classed, notes=notes, flags=flags)})
    return kept


def delete(hand: Hand, numbers: tuple[int, ...]) -> None:
    """Delete objects; raises UserError if one of them is not there."""
    for number in numbers:
        hand.box_of(number)
    for number in numbers:
        hand.renumber(number, 0)
    hand.change_rows(dict.fromkeys(numbers))


def keep_only(hand: Hand, numbers: tuple[int, ...], progress: Progress | None = None) -> None:
    """Delete all objects but these; goes through the volume, slab by slab."""
    for number in numbers:
        hand.box_of(number)
    for box in walk(hand.shape, hand.objects, progress=progress):
        part = hand.objects[box.slices]
        hand.recorder.paint(box, (part != 0) & ~np.isin(part, numbers), 0)
    hand.change_rows(dict.fromkeys(hand.table.rows.keys() - set(numbers)))


def paint(hand: Hand, number: int, box: Box, where: Mask) -> Box | None:
    """Give the voxels ``where`` of ``box`` to an object, but none of another object; return what changed.

    The rows follow with ``painted`` at the end.
    """
    return hand.recorder.paint(box, where & (hand.objects[box.slices] == 0), number)


def enclose(hand: Hand, number: int, box: Box, where: Mask) -> set[int]:
    """Give what lies within a drawn outline to an object, open membranes too, but none of another object.

    Returns
    -------
    set
        The objects that have changed. The rows follow with ``painted`` at the end.
    """
    part = hand.objects[box.slices]
    taken = where & hand.free_for(number, part)
    changed = {number, *np.unique(part[taken]).tolist()} - {0}
    hand.recorder.paint(box, taken, number)
    return changed


def erase(hand: Hand, number: int, box: Box, where: Mask) -> Box | None:
    """Take the voxels ``where`` of ``box`` from an object; return what changed."""
    return hand.recorder.paint(box, where & (hand.objects[box.slices] == number), 0)


def painted(hand: Hand, *numbers: int) -> None:
    """Have a row for each of these objects that has voxels now, and none for those that have none left."""
    rows: dict[int, ObjectRow | None] = {}
    for number in numbers:
        if not hand.is_there(number):
            rows[number] = None
        elif number not in hand.table.rows:
            rows[number] = ObjectRow()
    hand.change_rows(rows)


def grow(hand: Hand, number: int, pixels: float, voxel_nm: VoxelSize | None = None) -> int:
    """Widen an object by a distance, not into others; return how many voxels it gained.

    Parameters
    ----------
    pixels
        How far, in voxels of the smallest edge.
    voxel_nm
        Edge lengths (z, y, x): the distance is the same in all directions.

    Raises
    ------
    UserError
        If it is not there, is too large, or there is no room around it.
    """
    steps = _steps(voxel_nm)
    margin = _margin(pixels, steps)
    box, own = hand.where(number, margin, "Draw at its border with the brush.")
    near = distances(~own, steps, reach=pixels + _ROUNDING) <= pixels + _ROUNDING
    near &= own | (hand.objects[box.slices] == 0)
    # What lies behind another object is near, and no part of this one.
    pieces = cc3d.connected_components(near, connectivity=6, out_dtype=np.uint32)
    reached = np.zeros(int(pieces.max()) + 1, np.bool_)
    reached[pieces[own]] = True
    reached[0] = False
    new = reached[pieces] & ~own
    gained = int(np.count_nonzero(new))
    if not gained:
        raise UserError(f"There is no room around object {number}: other objects lie all around it.")
    hand.recorder.paint(box, new, number)
    return gained


def shrink(hand: Hand, number: int, pixels: float, voxel_nm: VoxelSize | None = None) -> int:
    """Take the outermost layer from an object; return how many voxels it lost.

    Where it ends at the border of the volume it is taken to go on, and loses nothing.

    Parameters
    ----------
    pixels, voxel_nm
        As of ``grow``.

    Raises
    ------
    UserError
        If it is not there, is too large, or nothing would be left of it.
    """
    steps = _steps(voxel_nm)
    box, own = hand.where(number, (1, 1, 1), "Erase at its border with the eraser.")
    lost = own & (distances(own, steps, reach=pixels + _ROUNDING) <= pixels + _ROUNDING)
    gone = int(np.count_nonzero(lost))
    if gone == np.count_nonzero(own):
        raise UserError(f"Nothing would be left of object {number}. Shrink it by less, or delete it.")
    hand.recorder.paint(box, lost, 0)
    return gone


def fill(hand: Hand, number: int, axis: int | None = 0) -> int:
    """Fill the holes of an object; return how many voxels it gained.

    Parameters
    ----------
    axis
        The holes of each slice perpendicular to this axis of (z, y, x); None: cavities that are closed in 3D.
        Other objects that lie in a hole stay.

    Raises
    ------
    UserError
        If it is not there, or has no such hole.
    """
    gained = 0
    if axis is None:
        box, own = hand.where(number, advice="Fill it slice by slice.")
        gained += _fill(hand, number, box, ndimage.binary_fill_holes(own) & ~own)
    else:
        for box in _along(hand, number, axis):
            own = as_planes(hand.objects[box.slices] == number, axis)
            holes = np.stack([ndimage.binary_fill_holes(plane) & ~plane for plane in own])
            gained += _fill(hand, number, box, from_planes(holes, axis))
    row = hand.table.rows[number]
    if gained and ObjectFlag.SHEET in row.flags:  # it encloses something, so it is a body
        hand.change_rows({number: replace(row, flags=row.flags - {ObjectFlag.SHEET})})
    if not gained:
        where = "closed in 3D" if axis is None else "in these slices"
        raise UserError(f"Object {number} has no hole {where}. Close its outline with the brush first.")
    return gained


def _fill(hand: Hand, number: int, box: Box, holes: Mask) -> int:
    new = holes & (hand.objects[box.slices] == 0)
    hand.recorder.paint(box, new, number)
    return int(np.count_nonzero(new))


def _along(hand: Hand, number: int, axis: int) -> Iterator[Box]:
    """Yield the box of an object in whole slices perpendicular to ``axis``."""
    box = hand.box_of(number)
    step = max(1, _SLAB_VOXELS // int(np.prod([box.shape[own] for own in IN_PLANE[axis]])))
    for first in range(box.start[axis], box.stop[axis], step):
        start, stop = list(box.start), list(box.stop)
        start[axis], stop[axis] = first, min(first + step, box.stop[axis])
        yield Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def _steps(voxel_nm: VoxelSize | None) -> VoxelSize:
    """Return the edges of a voxel, the smallest being 1."""
    edges = voxel_nm or (1.0, 1.0, 1.0)
    z, y, x = (edge / min(edges) for edge in edges)
    return (z, y, x)


def _margin(pixels: float, steps: tuple[float, ...]) -> Triple:
    z, y, x = (int(pixels / step) + 1 for step in steps)
    return (z, y, x)


def interpolate(
    hand: Hand, number: int, axis: int, first: int | None, last: int | None, *, around: int = 0
) -> int:
    """Continue an object on the slices between two of its slices; return how many voxels it gained.

    Parameters
    ----------
    axis, first, last
        As of ``interpolate_slices``; None: the empty slices that are nearest to the slice ``around``.

    Raises
    ------
    UserError
        If it is not there, is too large, or there is nothing between.
    """
    box = hand.box_of(number)
    start, stop = list(box.start), list(box.stop)
    start[axis], stop[axis] = 0, hand.shape[axis]  # slices are counted from the first one
    box = Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
    if int(np.prod(box.shape)) > MOST_VOXELS:
        raise UserError(_TOO_LARGE.format(number=number, voxels=int(np.prod(box.shape)), advice="").strip())
    part = as_labels(hand.objects[box.slices] == number)
    if first is None or last is None:
        gap = nearest_gap(part, axis, around)
        if gap is None:
            raise UserError(
                f"Object {number} has no empty slices between its own nearby. Draw it on two slices that are "
                "some slices apart, then interpolate."
            )
        first, last = gap
    interpolate_slices(part, axis, first, last)
    new = (part != 0) & (hand.objects[box.slices] != number)
    gained = int(np.count_nonzero(new & hand.free_for(number, hand.objects[box.slices])))
    painted(hand, *enclose(hand, number, box, new))
    return gained
