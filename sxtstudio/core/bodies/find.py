"""Bodies of a label volume: what its outlines enclose, numbered, each with its membrane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sxtstudio.core.bodies.joining import Pairs
from sxtstudio.core.bodies.regions import find_regions, wall_half_px
from sxtstudio.core.bodies.rule import IS_BODY, IS_ONE, is_droplet
from sxtstudio.core.bodies.tracks import Linker, Tracks
from sxtstudio.core.bodies.walls import Numbers, near_share, share_walls
from sxtstudio.core.geometry import Triple
from sxtstudio.core.pace import Work
from sxtstudio.core.progress import Progress
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.walk import walk

#: The width of outlines is measured in so many slices.
_SAMPLED = 24
#: A thick piece of outline of which this share lies at the wall of a body is that wall.
_OWN = 0.6


@dataclass(frozen=True)
class BodyParameters:
    """How bodies are found.

    Attributes
    ----------
    gap_px
        Gaps in outlines up to this width are closed.
    split
        Bodies that touch without an outline between them are divided where their neck is narrower than
        this share of the narrower one, 0…1.
    min_voxels
        The smallest body that stays, without its membrane.
    sure
        How probable it must be that something is a body, 0…1.
    """

    gap_px: float = 6.0
    split: float = 0.0
    min_voxels: int = 30
    sure: float = 0.5


def find_bodies(
    outlines: NDArray[np.uint8],
    bodies: Numbers,
    parameters: BodyParameters,
    *,
    z_step: float = 1.0,
    progress: Progress | None = None,
) -> int:
    """Number the bodies of a label volume 1…n, in the order of their first slices; return n.

    Parameters
    ----------
    outlines
        Labels (z, y, x), uint8, 0 is no membrane.
    bodies
        uint32 array or map of the same shape, which is written.
    z_step
        Distance of two slices, in px of a slice.
    """
    progress = progress or Progress()
    depth, height, width = outlines.shape
    half = wall_half_px(outlines[:: max(1, depth // _SAMPLED)] != 0)
    stages = Stages(progress, body_stages(depth * height * width))
    with stages.stage(Work.REGIONS) as counter:
        tracks = _link(outlines, bodies, parameters, half, counter)
    enclosed = IS_BODY.probability(tracks.features) >= parameters.sure
    is_body = np.where(tracks.solid, is_droplet(tracks.features, tracks.slices, depth), enclosed)
    is_body &= tracks.area >= parameters.min_voxels
    with stages.stage(Work.REWRITE) as counter:
        number = np.where(is_body, np.arange(1, tracks.count + 1), 0)
        renumber(bodies, np.concatenate([[0], number[tracks.of_region]]).astype(np.uint32), counter)
    reach = 2 * half + 1.5
    apart = np.concatenate([[False], is_body & tracks.solid])
    with stages.stage(Work.WALLS) as counter:
        near = near_share(bodies, apart, reach, z_step=z_step, progress=counter)[1:]
    is_body &= ~tracks.solid | (near < _OWN)
    with stages.stage(Work.JOIN) as counter:
        joined = _join(outlines, bodies, tracks, half, counter)
    # In the order of their first slices, without holes in the numbers.
    lead = np.full(tracks.count, np.iinfo(np.int64).max)
    np.minimum.at(lead, joined[is_body], tracks.begin[is_body])
    groups = np.unique(joined[is_body])
    ranked = groups[np.lexsort((groups, lead[groups]))]
    rank = np.zeros(tracks.count, np.int64)
    rank[ranked] = np.arange(1, len(ranked) + 1)
    final = np.concatenate([[0], np.where(is_body, rank[joined], 0)]).astype(np.uint32)
    with stages.stage(Work.REWRITE) as counter:
        renumber(bodies, final, counter)
    with stages.stage(Work.WALLS) as counter:
        share_walls(outlines, bodies, reach, z_step=z_step, progress=counter)
    return len(ranked)


def body_stages(voxels: int) -> tuple[Stage, ...]:
    """Return what ``find_bodies`` does with so many voxels, for what it will take."""
    return (
        Stage(Work.REGIONS, voxels, "looking for what outlines enclose"),
        Stage(Work.REWRITE, voxels, "telling bodies"),
        Stage(Work.WALLS, voxels, "telling bodies"),
        Stage(Work.JOIN, voxels, "joining parts"),
        Stage(Work.REWRITE, voxels, "numbering"),
        Stage(Work.WALLS, voxels, "sharing walls"),
    )


def _link(
    outlines: NDArray[np.uint8],
    bodies: Numbers,
    parameters: BodyParameters,
    half_px: float,
    progress: Progress,
) -> Tracks:
    """Find the regions of all slices; ``bodies`` gets the number of each, from 1, through all slices."""
    linker = Linker()
    for box in walk(_shape(outlines), outlines, bodies, progress=progress, slices=1):
        outline = outlines[box.start[0]] != 0
        regions = find_regions(outline, gap_px=parameters.gap_px, split=parameters.split, half_px=half_px)
        first = linker.first[-1]
        linker.add(regions)
        bodies[box.start[0]] = np.where(regions.numbers > 0, regions.numbers + first, 0)
    return linker.finish()


def renumber(numbers: Numbers, new: NDArray[np.uint32], progress: Progress, *, begin: bool = True) -> None:
    """Put ``new[n]`` in the place of each number n of a volume (z, y, x); ``begin`` as for ``walk``."""
    for box in walk(_shape(numbers), numbers, progress=progress, begin=begin):
        numbers[box.slices] = new[numbers[box.slices]]


def _join(
    outlines: NDArray[np.uint8], bodies: Numbers, tracks: Tracks, half_px: float, progress: Progress
) -> NDArray[np.int64]:
    """Return, of each track, the first track of its body; solid ones stay by themselves."""
    pairs = Pairs(half_px, tracks.begin, tracks.end)
    hollow = np.concatenate([[True], ~tracks.solid])
    for box in walk(_shape(outlines), outlines, bodies, progress=progress, slices=1):
        z = box.start[0]
        shown = bodies[z].astype(np.int32)
        shown[~hollow[shown]] = 0
        pairs.add(z, shown, outlines[z] != 0)
    found, features = pairs.finish()
    one = found[IS_ONE.probability(features) >= 0.5] if len(found) else found
    links = coo_array((np.ones(len(one), np.bool_), (one[:, 0], one[:, 1])), shape=(tracks.count,) * 2)
    group = connected_components(links, directed=False)[1] if tracks.count else np.empty(0, np.int64)
    leader = np.full(tracks.count, tracks.count, np.int64)
    np.minimum.at(leader, group, np.arange(tracks.count))
    result: NDArray[np.int64] = leader[group]
    return result


def _shape(array: NDArray[np.generic]) -> Triple:
    depth, height, width = array.shape
    return (depth, height, width)
