"""A filopodium under a click: found, a cut from the cell proposed, and cut anywhere along its axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.errors import UserError
from sxtstudio.core.filopodia.axis import Axis, axis_from
from sxtstudio.core.filopodia.ends import find_tip
from sxtstudio.core.filopodia.gold import touches_gold
from sxtstudio.core.filopodia.inside import (
    Labels,
    Lumen,
    Mask,
    OneObject,
    Solid,
    filled_near,
    lumen_near,
    solid_in,
)
from sxtstudio.core.filopodia.records import (
    FACES,
    Filopodium,
    FilopodiumParameters,
    Incomplete,
    spacing_of,
    widest_of,
)
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume, VoxelSize

#: The first window reaches so many px to each side of the click, each next one twice as far.
_FIRST_PX = 40
#: A tip is open where more than this share of its rims in the slices has no membrane.
_OPEN = 0.2
#: The cut may be moved beyond the proposed base by so many widths.
_BEYOND = 1.5


@dataclass(frozen=True)
class Candidate:
    """A filopodium that was found and is still to be cut.

    Attributes
    ----------
    solid, axis
        What fills the window, and the axis from the tip.
    outline
        The labels of the window (bool).
    shape, spacing
        Of the volume, and the edges of a voxel (1 where unknown).
    open_tip
        Its outline is not closed at the tip.
    """

    seed: Triple
    solid: Solid
    axis: Axis
    outline: Mask
    shape: Triple
    spacing: VoxelSize
    open_tip: bool

    @property
    def proposed(self) -> float:
        """Where the cut is proposed: along the axis from the tip, nm (px without a voxel size)."""
        return self.axis.base

    @property
    def limits(self) -> tuple[float, float]:
        """The nearest and the farthest place from the tip where it can be cut."""
        width = 2 * self.solid.half_width
        return min(width / 2, self.proposed), self.proposed + (0.0 if self.axis.ends else _BEYOND * width)

    def cut(self, place: float | None = None) -> Filopodium:
        """Cut it across its axis, from what lies beyond, and fill it.

        Parameters
        ----------
        place
            Along the axis from the tip; None is where it is proposed.

        Returns
        -------
        Filopodium
            ``incomplete`` knows the borders and the tip, and not yet of gold (``complete``).
        """
        low, high = self.limits
        place = self.proposed if place is None else min(max(place, low), high)
        where = self._tip_side(place)
        for plane in where:
            plane |= _small_holes(plane, self.solid.half_width, self.spacing)
        box, where = _cropped(self.solid.box, where)
        count = int(np.searchsorted(self.axis.along, place, side="right"))
        points = np.concatenate([self.axis.points[:count], self.axis.at(place)[0][None]])
        length = float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
        return Filopodium(
            seed=self.seed,
            box=box,
            where=where,
            cut=place,
            length=length,
            axis=points / np.array(self.spacing) + self.solid.box.start,
            along=self.axis.along[:count],
            width=self.axis.width()[:count],
            incomplete=self._incomplete(box),
        )

    def _tip_side(self, place: float) -> Mask:
        """Return the voxels on the tip's side of the cut."""
        point, direction = self.axis.at(place)
        reach = 2.5 * self.solid.half_width
        part = np.isfinite(self.axis.far) & (self.axis.far <= place + 2 * reach)
        z, y, x = np.nonzero(part)
        from_cut = np.stack([z, y, x], axis=1) * np.array(self.spacing) - point
        ahead = from_cut @ direction
        aside = np.linalg.norm(from_cut - ahead[:, None] * direction, axis=1)
        beyond = (ahead > 0) & (aside < 2 * reach) | (self.axis.far[part] > place + reach)
        far_side = (self.axis.far[part] > place - reach) & (aside > reach) & (ahead > -reach)
        where = np.zeros(part.shape, np.bool_)
        where[part] = ~beyond & ~far_side
        tip = np.unravel_index(int(np.argmin(self.axis.far)), where.shape)
        if not where[tip]:
            return self.axis.far <= place
        numbers = cc3d.connected_components(where, connectivity=26)
        result: Mask = numbers == numbers[tip]
        return result

    def _incomplete(self, box: Box) -> tuple[Incomplete, ...]:
        found = []
        for axis, (first, last) in enumerate(FACES):
            if box.start[axis] == 0:
                found.append(first)
            if box.stop[axis] == self.shape[axis]:
                found.append(last)
        if self.open_tip and not found:
            found.append(Incomplete.OPEN_TIP)
        return tuple(found)


def find_filopodium(
    labels: Labels | OneObject,
    seed: Triple,
    voxel_nm: VoxelSize | None,
    parameters: FilopodiumParameters | None = None,
    progress: Progress | None = None,
) -> Candidate:
    """Find the filopodium at a voxel on or in it; only a window of the labels is read.

    Parameters
    ----------
    labels
        uint8 (z, y, x), 0 is no membrane; or an object that holds it, such as a cell with all that sticks
        out of it.
    seed
        Voxel (z, y, x).
    voxel_nm
        Edges of a voxel (z, y, x); None where unknown: lengths are then in voxels.

    Raises
    ------
    UserError
        If there is no filopodium.
    Cancelled
        If the job was cancelled through ``progress``.
    """
    parameters, progress = parameters or FilopodiumParameters(), progress or Progress()
    shape = (labels.shape[0], labels.shape[1], labels.shape[2])
    spacing = spacing_of(voxel_nm)
    where = f"x {seed[2]}, y {seed[1]}, {{slices}}"
    if any(not 0 <= at < n for at, n in zip(seed, shape, strict=True)):
        raise _none(where, "lies outside of the volume", seed)
    widest = widest_of(parameters, voxel_nm)
    lumen = (
        filled_near(labels, seed, spacing, widest)
        if isinstance(labels, OneObject)
        else lumen_near(labels, seed, spacing, widest)
    )
    if lumen.middle is None and lumen.half_width > widest and labels[seed]:
        raise _none(where, "is in something wider than a filopodium", seed)
    reach = _FIRST_PX
    while True:
        z_reach = int(np.ceil(reach * min(spacing[1:]) / spacing[0]))
        box = Box(seed, (seed[0] + 1, seed[1] + 1, seed[2] + 1)).grown((z_reach, reach, reach), shape)
        candidate = _in_window(labels, box, seed, lumen, spacing, parameters, progress)
        if candidate is None:
            raise _none(where, "is neither on an outline nor in a narrow space between outlines", seed)
        largest = reach >= parameters.longest_px or box == Box.whole(shape)
        if isinstance(candidate, Candidate):
            edge = _inner_faces(box, shape)
            if largest or not (candidate._tip_side(candidate.proposed) & edge).any():
                return _checked(candidate, where)
        elif largest:
            raise _none(where, "belongs to something longer than a filopodium", seed)
        reach *= 2


def complete(
    found: Filopodium, labels: Labels, image: Volume | None, *, absorbing_dark: bool
) -> tuple[Incomplete, ...]:
    """Return why a filopodium is not whole, gold in the tomogram included."""
    if image is None:
        return found.incomplete
    box = found.box.grown((6, 12, 12), image.shape)
    where = np.zeros(box.shape, np.bool_)
    where[found.box.relative_to(box).slices] = found.where
    if touches_gold(image.read(box), labels[box.slices] != 0, where, absorbing_dark=absorbing_dark):
        return (*found.incomplete, Incomplete.GOLD)
    return found.incomplete


def _in_window(
    labels: Labels | OneObject,
    box: Box,
    seed: Triple,
    lumen: Lumen,
    spacing: VoxelSize,
    parameters: FilopodiumParameters,
    progress: Progress,
) -> Candidate | bool | None:
    """Return what a window shows: a candidate, False where it is too small, None where there is nothing."""
    shape = (labels.shape[0], labels.shape[1], labels.shape[2])
    solid = solid_in(labels, box, seed, lumen, spacing, progress)
    if solid is None:
        return None
    outline = labels[box.slices] != 0
    tip = find_tip(solid, outline, _inner_faces(box, shape), spacing)
    if tip is None or tip.at_edge:
        return False
    progress.check()
    # The disk bulges into the mouth, which is half as wide as it, by 2 - √3 of half the mouth's width.
    behind = 2 * lumen.half_wall_px * min(spacing[1:]) - 0.27 * lumen.half_width
    axis = axis_from(solid, tip.voxel, spacing, parameters.jump, behind)
    return Candidate(seed, solid, axis, outline, shape, spacing, tip.open_aside > _OPEN)


def _checked(candidate: Candidate, where: str) -> Candidate:
    """Refuse what is not longer than wide: the membrane of the cell, a vesicle."""
    if candidate.proposed < 2 * candidate.solid.half_width:
        raise _none(where, "is not on anything that is longer than wide", candidate.seed)
    return candidate


def _none(where: str, why: str, seed: Triple) -> UserError:
    return UserError(
        f"There is no filopodium: the point ({where}) {why}. Click on the outline of one, or inside it.",
        slices=(seed[0], seed[0]),
    )


def _inner_faces(box: Box, shape: Triple) -> Mask:
    faces = np.zeros(box.shape, np.bool_)
    for axis in range(3):
        planes = np.moveaxis(faces, axis, 0)
        if box.start[axis] > 0:
            planes[0] = True
        if box.stop[axis] < shape[axis]:
            planes[-1] = True
    return faces


def _small_holes(plane: Mask, half_width: float, spacing: VoxelSize) -> Mask:
    """Return the holes of a slice that are no wider than the filopodium."""
    if not plane.any():
        return plane
    holes = ndimage.binary_fill_holes(plane) & ~plane
    numbers, count = ndimage.label(holes)
    if not count:
        return plane
    areas = np.bincount(numbers.ravel()) * spacing[1] * spacing[2]
    small = areas <= 4 * np.pi * half_width**2
    small[0] = False
    result: Mask = small[numbers]
    return result


def _cropped(window: Box, where: Mask) -> tuple[Box, NDArray[Any]]:
    ranges = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        hit = np.flatnonzero(where.any(axis=others))
        ranges.append((int(hit[0]), int(hit[-1]) + 1))
    start = [at + low for at, (low, _) in zip(window.start, ranges, strict=True)]
    stop = [at + high for at, (_, high) in zip(window.start, ranges, strict=True)]
    part = np.ascontiguousarray(where[tuple(slice(low, high) for low, high in ranges)])
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2])), part
