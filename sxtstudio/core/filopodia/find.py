"""A filopodium under a click: found, and a cut from the cell proposed; or in words why there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sxtstudio.core.errors import UserError
from sxtstudio.core.filopodia.axis import axis_from
from sxtstudio.core.filopodia.candidate import Candidate
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
            if largest or not _at_inner_face(candidate, box):
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
    solid, inner_faces = _closely(solid, _inner_faces(box, shape), spacing)
    outline = labels[solid.box.slices] != 0
    tip = find_tip(solid, outline, inner_faces, spacing)
    if tip is None or tip.at_edge:
        return False
    progress.check()
    # The disk bulges into the mouth, which is half as wide as it, by 2 - √3 of half the mouth's width; a wall
    # of whole voxels is half a voxel thinner than twice the distance from its middle to what is free.
    wall = (2 * lumen.half_wall_px - 0.5) * min(spacing[1:])
    behind = wall - 0.27 * lumen.half_width
    axis = axis_from(solid, tip.voxel, spacing, parameters.jump, behind)
    return Candidate(seed, solid, axis, outline, shape, spacing, tip.open_aside > _OPEN)


def _closely(solid: Solid, inner_faces: Mask, spacing: VoxelSize) -> tuple[Solid, Mask]:
    """Return what fills a window, and the window's inner faces, in the part of it that matters."""
    margin = [int(np.ceil(2 * solid.half_width / edge)) + 2 for edge in spacing]
    low, high = [], []
    for axis, size in enumerate(solid.where.shape):
        others = tuple(other for other in range(3) if other != axis)
        hit = np.flatnonzero(solid.where.any(axis=others))
        low.append(max(0, int(hit[0]) - margin[axis]))
        high.append(min(size, int(hit[-1]) + 1 + margin[axis]))
    part = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    first = [at + a for at, a in zip(solid.box.start, low, strict=True)]
    last = [at + b for at, b in zip(solid.box.start, high, strict=True)]
    closer = replace(
        solid,
        box=Box((first[0], first[1], first[2]), (last[0], last[1], last[2])),
        where=np.ascontiguousarray(solid.where[part]),
        inside=None if solid.inside is None else np.ascontiguousarray(solid.inside[part]),
        start=(solid.start[0] - low[0], solid.start[1] - low[1], solid.start[2] - low[2]),
    )
    return closer, np.ascontiguousarray(inner_faces[part])


def _checked(candidate: Candidate, where: str) -> Candidate:
    """Refuse what is not longer than wide: the membrane of the cell, a vesicle."""
    if candidate.proposed < 2 * candidate.solid.half_width:
        raise _none(where, "is not on anything that is longer than wide", candidate.seed)
    return candidate


def _none(where: str, why: str, seed: Triple) -> UserError:
    return UserError(
        f"There is no filopodium: the point ({where}) {why}. Click on the outline of one, or inside "
        "it; where its outline is broken or missing, close it by hand first.",
        slices=(seed[0], seed[0]),
    )


def _at_inner_face(candidate: Candidate, window: Box) -> bool:
    """Whether what is proposed may go on beyond the window."""
    cut, shape = candidate.cut().box, candidate.shape
    sides = zip(cut.start, cut.stop, window.start, window.stop, shape, strict=True)
    return any((a == first > 0) or (b == last < size) for a, b, first, last, size in sides)


def _inner_faces(box: Box, shape: Triple) -> Mask:
    faces = np.zeros(box.shape, np.bool_)
    for axis in range(3):
        planes = np.moveaxis(faces, axis, 0)
        if box.start[axis] > 0:
            planes[0] = True
        if box.stop[axis] < shape[axis]:
            planes[-1] = True
    return faces
