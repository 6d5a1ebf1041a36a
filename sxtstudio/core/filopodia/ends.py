"""The tip of a filopodium: where its narrow voxels, followed from a click, come to a closed end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cc3d
import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.filopodia.inside import Mask, Solid
from sxtstudio.core.filopodia.walking import walked
from sxtstudio.core.geometry import Triple
from sxtstudio.core.volume import VoxelSize

Distances = NDArray[np.float64]

#: What is followed may have so many times the cross-section that it has at the click.
_NARROW = 4.0
#: Two ends are equally open that differ by less than this share.
_SAME = 0.03
#: The cross-section from which the tip is measured lies so many half widths behind it.
_BEHIND = 4.0


@dataclass(frozen=True)
class Tip:
    """The tip: a voxel (z, y, x) of the window.

    ``open_aside`` is the share of its rims in the slices that have no membrane (above and below there may be
    none in ±60° data); ``at_edge``: it may lie beyond the window.
    """

    voxel: Triple
    open_aside: float
    at_edge: bool


def distances(where: Mask, starts: Triple | Sequence[Triple], spacing: VoxelSize) -> Distances:
    """Return how far each voxel of a mask is from one or several of them, within the mask; inf outside."""
    return walked(where, starts, spacing)


def band_width(spacing: VoxelSize) -> float:
    """Return the width of the bands of equal distance that are counted."""
    return 1.5 * max(spacing)


def find_tip(solid: Solid, outline: Mask, inner_faces: Mask, spacing: VoxelSize) -> Tip | None:
    """Return the tip of a filopodium; None where what was clicked is no filopodium.

    Parameters
    ----------
    outline
        Labels of the window (bool).
    inner_faces
        The voxels on those faces of the window that are no faces of the volume (bool).
    """
    far = distances(solid.where, solid.start, spacing)
    ends = _narrow_ends(solid, far, inner_faces, spacing)
    if any(at_edge for _, _, at_edge in ends):
        place = next(place for place, _, at_edge in ends if at_edge)
        return Tip(place, 0.0, at_edge=True)
    if not ends:
        ends = [(solid.start, 0.0, False)]
    first = max(ends, key=lambda end: end[1])[0]
    beyond = distances(solid.where, first, spacing)
    # Clicked near its tip, that is no branch of its own: it is what lies farthest from the other end there.
    near = np.where(far <= 3 * solid.half_width, beyond, -np.inf)
    z, y, x = (int(at) for at in np.unravel_index(int(near.argmax()), near.shape))
    second = max([(z, y, x), *(end[0] for end in ends)], key=lambda place: beyond[place])
    candidates = [first] if beyond[second] < 2 * solid.half_width else [first, second]
    shares = [_open_share(solid, outline, place, spacing) for place in candidates]
    best = 0
    if len(candidates) > 1 and shares[1] < shares[0] - _SAME:
        best = 1
    tip = _farthest(solid, candidates[best], spacing)
    return Tip(tip, _open_share(solid, outline, tip, spacing, axes=(1, 2)), at_edge=False)


def _farthest(solid: Solid, tip: Triple, spacing: VoxelSize) -> Triple:
    """Return the voxel near a tip that is farthest from a cross-section behind it.

    What is farthest from a single voxel of the other end lies on the other side of the tip.
    """
    far = distances(solid.where, tip, spacing)
    behind = _BEHIND * solid.half_width
    section = np.argwhere(np.abs(far - behind) <= band_width(spacing) / 2)
    if not len(section):
        return tip
    from_section = distances(solid.where, [(int(z), int(y), int(x)) for z, y, x in section], spacing)
    near = np.where(far < behind, from_section, -np.inf)
    z, y, x = (int(at) for at in np.unravel_index(int(near.argmax()), near.shape))
    return (z, y, x)


def _narrow_ends(
    solid: Solid, far: Distances, inner_faces: Mask, spacing: VoxelSize
) -> list[tuple[Triple, float, bool]]:
    """Return where narrow branches end: a voxel, its distance from the click, and if it is at the edge."""
    step = band_width(spacing)
    reached = np.isfinite(far)
    bands = np.where(reached, far / step, -1).astype(np.int64) + 1
    parts, count = cc3d.connected_components(bands.astype(np.uint32), connectivity=26, return_N=True)
    sizes = np.bincount(parts.ravel(), minlength=count + 1) * float(np.prod(spacing)) / step
    band = np.zeros(count + 1, np.int64)
    band[parts[reached]] = bands[reached]
    pairs = np.array(sorted(cc3d.region_graph(parts, connectivity=26)), np.int64).reshape(-1, 2)
    pairs = pairs[(pairs > 0).all(axis=1)]
    swapped = band[pairs[:, 0]] > band[pairs[:, 1]]
    pairs[swapped] = pairs[swapped][:, ::-1]
    pairs = pairs[band[pairs[:, 0]] < band[pairs[:, 1]]]
    # The widest way to each part, from the click outwards: all that lie before it are narrow, or not.
    widest = np.full(count + 1, np.inf)
    first = int(parts[solid.start])
    widest[first] = 0.0
    for near, beyond in pairs[np.argsort(band[pairs[:, 0]], kind="stable")]:
        widest[beyond] = min(widest[beyond], max(widest[near], sizes[beyond]))
    limit = _NARROW * np.pi * solid.half_width**2
    narrow = widest <= limit
    narrow[0] = False
    at_edge = np.zeros(count + 1, np.bool_)
    at_edge[parts[inner_faces]] = True
    goes_on = np.zeros(count + 1, np.bool_)
    goes_on[pairs[:, 0]] = True
    found = []
    for part in np.flatnonzero(narrow & (at_edge | ~goes_on)):
        if band[part] * step < solid.half_width and not at_edge[part]:
            continue
        places = np.argwhere(parts == part)
        last = places[np.argmax(far[tuple(places.T)])]
        place = (int(last[0]), int(last[1]), int(last[2]))
        found.append((place, float(far[place]), bool(at_edge[part])))
    return found


def _open_share(
    solid: Solid, outline: Mask, place: Triple, spacing: VoxelSize, axes: tuple[int, ...] = (0, 1, 2)
) -> float:
    """Return the share of the surface of the inside near an end that has no membrane; 0 without an inside."""
    if solid.inside is None:
        return 0.0
    reach = 0.2 * solid.half_inside + solid.half_width + max(spacing)
    margin = [int(np.ceil(reach / edge)) + 1 for edge in spacing]
    low = [max(0, at - m) for at, m in zip(place, margin, strict=True)]
    part = tuple(slice(a, at + m + 1) for a, at, m in zip(low, place, margin, strict=True))
    inside, label, where = solid.inside[part], outline[part], solid.where[part]
    grid = np.meshgrid(
        *(
            (np.arange(n) + a - at) * edge
            for n, a, at, edge in zip(inside.shape, low, place, spacing, strict=True)
        ),
        indexing="ij",
    )
    near = inside & (sum(axis**2 for axis in grid) <= reach**2)
    open_faces = walled = 0
    for axis in axes:
        for ahead in (1, -1):
            beside = np.roll(near, ahead, axis)  # the neighbours of near voxels in this direction
            edge: list[slice | int] = [slice(None)] * 3
            edge[axis] = 0 if ahead == 1 else -1
            beside[tuple(edge)] = False
            walled += int(np.count_nonzero(beside & label))
            open_faces += int(np.count_nonzero(beside & ~label & ~where))
    return open_faces / max(1, open_faces + walled)
