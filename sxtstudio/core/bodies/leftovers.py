"""Outlines that bound no body: what has no lumen and lies alone, and open sheets (ER, plasma membrane)."""

from __future__ import annotations

from dataclasses import dataclass

import edt
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sxtstudio.core.bodies.walls import Numbers
from sxtstudio.core.objects import label_objects, shared_numbers
from sxtstudio.core.progress import Progress
from sxtstudio.core.walk import walk

#: Numbered at once, with 12 bytes each.
_SLAB_VOXELS = 8_000_000


@dataclass(frozen=True)
class Leftovers:
    """Pieces of outline that belong to no body and hang together (26 neighbours).

    Attributes
    ----------
    of_part
        The piece, from 0, of each number that ``number_leftovers`` wrote, in their order.
    voxels
        Of each piece.
    slices
        In how many each lies, at most.
    thickness
        Radius, px, of the largest circle in a slice of each.
    area
        Of the largest section through each in a slice, px.
    touching
        Share of the voxels of each that lie at a body, in its slice.
    """

    of_part: NDArray[np.int64]
    voxels: NDArray[np.int64]
    slices: NDArray[np.int64]
    thickness: NDArray[np.float64]
    area: NDArray[np.int64]
    touching: NDArray[np.float64]


def number_leftovers(
    outlines: NDArray[np.uint8],
    bodies: Numbers,
    first: int,
    *,
    progress: Progress | None = None,
    slab_voxels: int = _SLAB_VOXELS,
) -> Leftovers:
    """Write a number from ``first`` on at each label voxel of no body; a piece may have several of them.

    Parameters
    ----------
    outlines
        Labels (z, y, x), uint8, 0 is no membrane.
    bodies
        uint32 array or map of the same shape: the bodies with their membranes, 1…first - 1; is written.
    first
        The first number that is given.
    slab_voxels
        About how many are numbered at once; the pieces do not depend on it.
    """
    z, y, x = outlines.shape
    counts, pairs = [0], []
    rows: list[NDArray[np.float64]] = []
    above: NDArray[np.uint32] | None = None
    for box in walk((z, y, x), outlines, bodies, progress=progress, voxels=slab_voxels):
        begin, end = box.start[0], min(box.stop[0] + 1, z)
        # The first slice of the next slab is numbered in both, by which the parts of a piece are known.
        free = (outlines[begin:end] != 0) & (bodies[begin:end] == 0)
        numbers, count = label_objects(free)
        if above is not None:
            known = np.where(free[0], above, 0)
            pairs.append(shared_numbers(known, numbers[0], counts[-2], counts[-1]))
        above = numbers[-1].copy()
        own = numbers[: box.shape[0]]
        part = bodies[box.slices]
        rows.append(_measured(own, part > 0, count))
        part[own > 0] = own[own > 0] + np.uint32(first - 1 + counts[-1])
        counts.append(counts[-1] + count)
    total = counts[-1]
    links = np.concatenate([*pairs, np.empty((0, 2), np.int64)])
    graph = coo_array((np.ones(len(links), np.bool_), (links[:, 0], links[:, 1])), shape=(total, total))
    pieces, group = connected_components(graph, directed=False) if total else (0, np.empty(0, np.int64))
    voxels, slices, touching, thickness, area = np.concatenate([*rows, np.empty((5, 0))], 1)
    thickest, largest = np.zeros(pieces), np.zeros(pieces)
    np.maximum.at(thickest, group, thickness)
    np.maximum.at(largest, group, area)
    size = np.bincount(group, voxels, pieces)
    return Leftovers(
        np.asarray(group, np.int64),
        size.astype(np.int64),
        np.bincount(group, slices, pieces).astype(np.int64),
        thickest,
        largest.astype(np.int64),
        np.bincount(group, touching, pieces) / np.maximum(1, size),
    )


def _measured(numbers: NDArray[np.uint32], body: NDArray[np.bool_], count: int) -> NDArray[np.float64]:
    """Return voxels, slices, those at a body, thickness and largest section of the numbers 1…count."""
    voxels, slices, touching, thickness, area = found = np.zeros((5, count + 1))
    for plane, bodies in zip(numbers, body, strict=True):
        there = plane > 0
        if not there.any():
            continue
        part = np.bincount(plane[there], minlength=count + 1)
        voxels += part
        slices += part > 0
        touching += np.bincount(plane[there & ndimage.binary_dilation(bodies)], minlength=count + 1)
        np.maximum.at(thickness, plane[there], edt.edt(there, black_border=False)[there])
        np.maximum(area, part, out=area)
    return found[:, 1:]
