"""Bodies of a label volume: what its outlines enclose, numbered, each with its membrane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sxtstudio.core.bodies.ahead import worked_ahead
from sxtstudio.core.bodies.droplets import add_balls, choose_balls, find_balls, no_balls
from sxtstudio.core.bodies.edges import find_edges
from sxtstudio.core.bodies.ends import add_caps, find_ends
from sxtstudio.core.bodies.evidence import darkness, find_doubtful, grey_levels, output_at
from sxtstudio.core.bodies.faint_gaps import close_faint_gaps
from sxtstudio.core.bodies.found import FoundBodies, find_at_border, flag_bodies, renumber
from sxtstudio.core.bodies.joining import PairInSlice, Pairs
from sxtstudio.core.bodies.leaks import Leaks
from sxtstudio.core.bodies.leftovers import number_leftovers
from sxtstudio.core.bodies.membrane import Membrane
from sxtstudio.core.bodies.necks import divide_at_necks
from sxtstudio.core.bodies.regions import Regions, find_regions, wall_half_px
from sxtstudio.core.bodies.rings import flat_rings
from sxtstudio.core.bodies.rule import IS_BALL, IS_BODY, IS_DARK_DROPLET, IS_DROPLET, IS_ONE, droplet_features
from sxtstudio.core.bodies.tracks import FEATURES, Linker, Tracks
from sxtstudio.core.bodies.walls import Numbers, near_share, share_walls, trim_walls
from sxtstudio.core.geometry import Triple
from sxtstudio.core.pace import Work
from sxtstudio.core.progress import Progress
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.volume import Volume
from sxtstudio.core.walk import walk

#: The width of outlines is measured in so many slices.
_SAMPLED = 24
#: What has no lumen lies in so many slices at least.
_SLICES = 3
#: How probable it must be that something without a lumen is a droplet, and in fewer slices, where nobody sees
#: whether it goes on as a wall does, without a tomogram.
_DROPLET, _FLAT_DROPLET = 0.5, 0.9
#: What lies by itself and is so many times as thick as an outline is a body without a lumen.
_THICK = 1.35
#: It is a thick piece of a wall where more of it lies at a body, or its section is so much larger than the
#: largest circle in it.
_ALONE, _COMPACT = 0.2, 2.0
#: Two pieces of a droplet differ less than so many times in their sections.
_ALIKE = 4.0
#: What has so many bodies in it, which take that part of its area, is the cell, and so is what has many of
#: any size; nucleoli take less. What touches so many sides of a slice lies around everything.
_CELL_CHILDREN, _CELL_TAKEN, _CELL_MANY, _ROUND_ABOUT = 3, 0.12, 12, 3


@dataclass(frozen=True)
class BodyParameters:
    """How bodies are found.

    Attributes
    ----------
    gap_px
        Gaps in outlines up to this width are closed; wider ones of large bodies where lines end.
    split
        Bodies that touch without an outline between them are divided where their neck is narrower than
        this share of the narrower one, 0…1.
    min_voxels
        The smallest body that stays, without its membrane.
    sure
        How probable it must be that what an outline encloses is a body, 0…1. More than a half, as crowded
        cells have more spaces between bodies than what the rule was fitted to.
    sheets
        Whether pieces of outline that enclose nothing get numbers, too.
    min_sheet
        Voxels of the smallest of those.
    caps
        Whether bodies are closed where they end open.
    membrane
        So much of a line around a body is its membrane; None is all of it. What of the line lies outside of
        that is no part of the body, except in walls that bodies share, and of bodies without a lumen.
    """

    gap_px: float = 6.0
    split: float = 0.0
    min_voxels: int = 30
    sure: float = 0.65
    sheets: bool = True
    min_sheet: int = 1000
    caps: bool = True
    membrane: Membrane | None = None


#: Gives what the outlines of a slice enclose.
RegionsOf = Callable[[int], Regions]


def half_px_of(outlines: NDArray[np.uint8]) -> float:
    """Return half the usual width of outlines (z, y, x), px of a slice, from some of the slices."""
    return wall_half_px(outlines[:: max(1, len(outlines) // _SAMPLED)] != 0)


def regions_in(outlines: NDArray[np.uint8], parameters: BodyParameters, half_px: float) -> Regions:
    """Return what the outlines (y, x) of one slice enclose: all that needs no other slice."""
    return find_regions(outlines != 0, gap_px=parameters.gap_px, split=parameters.split, half_px=half_px)


def find_bodies(
    outlines: NDArray[np.uint8],
    bodies: Numbers,
    parameters: BodyParameters,
    *,
    z_step: float = 1.0,
    image: Volume | None = None,
    probability: Volume | None = None,
    progress: Progress | None = None,
    regions_of: RegionsOf | None = None,
) -> FoundBodies:
    """Number the bodies of a label volume 1…n, in the order of their first slices; sheets come after them.

    Parameters
    ----------
    outlines
        Labels (z, y, x), uint8, 0 is no membrane.
    bodies
        uint32 array or map of the same shape, which is written.
    z_step
        Distance of two slices, in px of a slice.
    image
        The tomogram (z, y, x), any unit and polarity: balls in the labels that are darker than outlines are
        droplets, also where the labels run into others, and what else has no lumen is rather a droplet if it
        is darker.
    probability
        The network's certainty (z, y, x), 0…255 or 0…1: gaps in outlines across which it saw a faint membrane
        are closed, and bodies whose outline it was not sure of are flagged.
    regions_of
        Gives what the outlines of slice z enclose, where that was found before (``regions_in``); it is called
        by several threads.

    Raises
    ------
    Cancelled
        If the user stopped it; ``bodies`` then holds numbers that mean nothing.
    """
    progress = progress or Progress()
    depth, height, width = outlines.shape
    half = half_px_of(outlines)
    line_px = 2 * half - 1
    membrane = parameters.membrane
    membrane = membrane if membrane is not None and membrane.applies_to(line_px) else None
    planned = body_stages(
        depth * height * width,
        image=image is not None,
        certainty=probability is not None,
        trimmed=membrane is not None,
    )
    stages = Stages(progress, planned)

    lock = Lock()  # nobody promises that a volume can be read by several threads

    def looked_at(z: int) -> Regions:
        regions = regions_of(z) if regions_of else regions_in(outlines[z], parameters, half)
        if probability is None:
            return regions
        with lock:
            output = output_at(probability, z)
        return close_faint_gaps(regions, outlines[z] != 0, output, parameters.gap_px, half)

    with stages.stage(Work.REGIONS) as counter:
        tracks = _link(outlines, bodies, looked_at, half, counter)
    tracks = divide_at_necks(tracks, enclosed_bodies(tracks, parameters))
    enclosed = enclosed_bodies(tracks, parameters)
    maybe = np.where(tracks.solid, tracks.slices >= min(_SLICES, depth), enclosed)
    maybe[_pieces_of_droplets(tracks, maybe)] = True
    with stages.stage(Work.REWRITE) as counter:
        number = np.where(maybe, np.arange(1, tracks.count + 1), 0)
        renumber(bodies, np.concatenate([[0], number[tracks.of_region]]).astype(np.uint32), counter)
    with stages.stage(Work.WALLS) as counter:
        apart = np.concatenate([[False], maybe & ~enclosed])
        near = near_share(bodies, apart, 2 * half, z_step=z_step, progress=counter)[1:]
    rows = droplet_features(tracks, near, half)
    levels = None if image is None else grey_levels(outlines, image)
    if image is None:
        droplets = IS_DROPLET.probability(rows) >= (_DROPLET if depth >= _SLICES else _FLAT_DROPLET)
    else:
        with stages.stage(Work.ENDS) as counter:
            dark = darkness(outlines, bodies, tracks.count, image, counter, levels=levels)[1:]
        droplets = IS_DARK_DROPLET.probability(np.c_[rows, dark]) >= _DROPLET
    is_body = np.where(tracks.solid, maybe & droplets, enclosed)
    pieces = _pieces_of_droplets(tracks, is_body)
    is_body[pieces] = True
    balls = no_balls()
    if image is not None and depth >= _SLICES:
        with stages.stage(Work.DROPLETS) as counter:
            balls = find_balls(outlines, image, half, z_step=z_step, progress=counter, levels=levels)
        balls = balls.only(IS_BALL.probability(balls.features) >= _DROPLET)
        chosen, is_body = choose_balls(balls, outlines, bodies, tracks, is_body, half, z_step=z_step)
        balls = balls.only(chosen)
        whole = is_body[pieces].all(1)
        is_body[pieces[~whole]] = False  # a ball takes the place of both pieces of a droplet
        pieces, enclosed = pieces[whole], enclosed & is_body
    with stages.stage(Work.JOIN) as counter:
        joined = _join(outlines, bodies, tracks, enclosed, half, pieces, counter)
    begin = np.concatenate([tracks.begin, balls.begin(z_step)])
    count, final = _in_order(is_body, joined, begin)
    final, of_ball = np.split(final, [tracks.count + 1])
    with stages.stage(Work.REWRITE) as counter:
        renumber(bodies, final, counter)
    with stages.stage(Work.WALLS) as counter:
        share_walls(outlines, bodies, 2 * half, z_step=z_step, progress=counter)
    add_balls(outlines, bodies, balls, of_ball, half, z_step=z_step)
    with stages.stage(Work.NUMBER) as counter:
        left = number_leftovers(outlines, bodies, count + 1, progress=counter)
    solid = (left.thickness >= _THICK * half) & (left.slices >= min(_SLICES, depth))
    solid &= (left.voxels >= parameters.min_voxels) & (left.area < height * width / 2)
    solid &= (left.touching <= _ALONE) & (left.area <= _COMPACT * np.pi * left.thickness**2)
    sheet = ~solid & (left.voxels >= parameters.min_sheet) if parameters.sheets else np.zeros_like(solid)
    new = np.zeros(len(solid), np.int64)
    new[solid] = count + 1 + np.arange(solid.sum())
    bodies_count = count + int(solid.sum())
    new[sheet] = bodies_count + 1 + np.arange(sheet.sum())
    total = bodies_count + int(sheet.sum())
    with stages.stage(Work.REWRITE) as counter:
        kept = np.concatenate([np.arange(count + 1), new[left.of_part]]).astype(np.uint32)
        renumber(bodies, kept, counter)
    with stages.stage(Work.ENDS) as counter:
        ends = find_ends(outlines, bodies, total, counter)
    lumen = np.zeros(total + 1)
    np.maximum.at(lumen, final[1:], np.where(enclosed, tracks.radius, 0.0))
    lumen[0] = 0
    if membrane is not None:
        edges = None
        if image is not None:
            with stages.stage(Work.WALLS) as counter:
                edges = find_edges(outlines, bodies, image, lumen > 0, counter, z_step=z_step, levels=levels)
                edges[bodies_count + 1 :] = np.nan  # sheets stay as they are drawn
        with stages.stage(Work.WALLS) as counter:
            trim_walls(outlines, bodies, lumen, line_px, membrane.px, counter, edges)
    with stages.stage(Work.ENDS) as counter:
        widest = lumen + (line_px if membrane is None else membrane.px)
        draw = parameters.caps
        caps = add_caps(outlines, bodies, ends, widest, z_step=z_step, draw=draw, progress=counter)
    with stages.stage(Work.REWRITE) as counter:
        voxels, at_border = find_at_border(bodies, total, counter)
    doubtful = None
    if probability is not None:
        with stages.stage(Work.ENDS) as counter:
            doubtful = find_doubtful(outlines, bodies, total, probability, counter)
    return flag_bodies(
        total, bodies_count, at_border=at_border, is_open=caps.leave_open(voxels), doubtful=doubtful
    )


def enclosed_bodies(tracks: Tracks, parameters: BodyParameters) -> NDArray[np.bool_]:
    """Return which tracks are bodies with a lumen, told from cytoplasm, ice and what lies between bodies."""
    column = dict(zip(FEATURES, tracks.features.T, strict=True))
    found = IS_BODY.probability(tracks.features) >= parameters.sure
    # Few of those that the rule was fitted to had something in them: a closed outline that bulges is one.
    nucleus = (tracks.children > 0) & (column["walled"] >= 0.9) & (column["solidity"] >= 0.93)
    found |= nucleus & (column["holes"] <= _CELL_TAKEN) & (tracks.sides == 0)
    found &= (tracks.area >= parameters.min_voxels) & ~tracks.solid & ~tracks.between
    cell = (tracks.children >= _CELL_CHILDREN) & (column["holes"] > _CELL_TAKEN)
    cell |= tracks.children >= _CELL_MANY
    result: NDArray[np.bool_] = found & ~cell & (tracks.sides < _ROUND_ABOUT)
    rings, holes = flat_rings(tracks)
    result[rings], result[holes] = True, False
    return result


def _in_order(
    is_body: NDArray[np.bool_], joined: NDArray[np.int64], begin: NDArray[np.int64]
) -> tuple[int, NDArray[np.uint32]]:
    """Return how many bodies there are, and the number of each track + 1, in the order of first slices.

    ``begin`` has the first slices of tracks, and behind them those of bodies that are none.
    """
    tracks, count = len(is_body), len(begin)
    is_body = np.concatenate([is_body, np.ones(count - tracks, np.bool_)])
    joined = np.concatenate([joined, np.arange(tracks, count)])
    lead = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(lead, joined[is_body], begin[is_body])
    groups = np.unique(joined[is_body])
    ranked = groups[np.lexsort((groups, lead[groups]))]
    rank = np.zeros(count, np.int64)
    rank[ranked] = np.arange(1, len(ranked) + 1)
    return len(ranked), np.concatenate([[0], np.where(is_body, rank[joined], 0)]).astype(np.uint32)


def body_stages(
    voxels: int, *, image: bool = False, certainty: bool = False, trimmed: bool = False
) -> tuple[Stage, ...]:
    """Return what ``find_bodies`` does with so many voxels, for what it will take."""
    return (
        Stage(Work.REGIONS, voxels, "looking for what the outlines enclose"),
        Stage(Work.REWRITE, voxels, "finding the bodies in the outlines"),
        Stage(Work.WALLS, voxels, "finding the bodies in the outlines"),
        *((Stage(Work.ENDS, voxels, "finding the bodies in the outlines"),) if image else ()),
        *((Stage(Work.DROPLETS, voxels, "looking for droplets"),) if image else ()),
        Stage(Work.JOIN, voxels, "joining the parts of bodies"),
        Stage(Work.REWRITE, voxels, "numbering the bodies"),
        Stage(Work.WALLS, voxels, "sharing the walls between bodies"),
        Stage(Work.NUMBER, voxels, "looking for pieces of membrane"),
        Stage(Work.REWRITE, voxels, "looking for pieces of membrane"),
        Stage(Work.ENDS, voxels, "closing the ends of bodies"),
        *((Stage(Work.WALLS, voxels, "giving bodies their membranes"),) if trimmed and image else ()),
        *((Stage(Work.WALLS, voxels, "giving bodies their membranes"),) if trimmed else ()),
        Stage(Work.ENDS, voxels, "closing the ends of bodies"),
        Stage(Work.REWRITE, voxels, "closing the ends of bodies"),
        *((Stage(Work.ENDS, voxels, "how sure the network is of each"),) if certainty else ()),
    )


def _link(
    outlines: NDArray[np.uint8],
    bodies: Numbers,
    regions_of: RegionsOf,
    half_px: float,
    progress: Progress,
) -> Tracks:
    """Find the regions of all slices; ``bodies`` gets the number of each, from 1, through all slices."""
    linker, leaks = Linker(), Leaks(half_px)

    def number(known: list[Regions]) -> None:
        for regions in known:
            first = linker.first[-1]
            bodies[len(linker.first) - 1] = np.where(regions.numbers > 0, regions.numbers + first, 0)
            linker.add(regions)

    with worked_ahead(regions_of, len(outlines)) as found:
        for _ in walk(_shape(outlines), outlines, bodies, progress=progress, slices=1):
            number(leaks.add(next(found)))
        number(leaks.finish())
    return linker.finish()


def _join(
    outlines: NDArray[np.uint8],
    bodies: Numbers,
    tracks: Tracks,
    enclosed: NDArray[np.bool_],
    half_px: float,
    pieces: NDArray[np.int64],
    progress: Progress,
) -> NDArray[np.int64]:
    """Return, of each track, the first track of its body: of those ``enclosed``, and of ``pieces`` (n, 2)."""
    pairs = Pairs(half_px, tracks)
    hollow = np.concatenate([[True], enclosed])

    def measured(z: int) -> list[PairInSlice]:
        shown = bodies[z].astype(np.int32)
        shown[~hollow[shown]] = 0
        return pairs.measure(z, shown, outlines[z] != 0)

    with worked_ahead(measured, len(outlines)) as found_pairs:
        for _ in walk(_shape(outlines), outlines, bodies, progress=progress, slices=1):
            pairs.take(next(found_pairs))
    found, features = pairs.finish()
    one = found[IS_ONE.probability(features) >= 0.5] if len(found) else found
    # What lies in a body is a body of its own.
    inside = set(map(tuple, tracks.inside.tolist()))
    one = np.array(
        [pair for pair in one.tolist() if not {tuple(pair), tuple(pair[::-1])} & inside], np.int64
    ).reshape(-1, 2)
    one = np.concatenate([one, pieces])
    links = coo_array((np.ones(len(one), np.bool_), (one[:, 0], one[:, 1])), shape=(tracks.count,) * 2)
    group = connected_components(links, directed=False)[1] if tracks.count else np.empty(0, np.int64)
    leader = np.full(tracks.count, tracks.count, np.int64)
    np.minimum.at(leader, group, np.arange(tracks.count))
    result: NDArray[np.int64] = leader[group]
    return result


def _shape(array: NDArray[np.generic]) -> Triple:
    depth, height, width = array.shape
    return (depth, height, width)


def _pieces_of_droplets(tracks: Tracks, is_body: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return pairs of tracks that are one droplet: with a small lumen in some slices, and none in others."""
    section = tracks.area / np.maximum(1, tracks.slices)
    pairs = []
    for pair in tracks.stacked:
        droplets = [n for n in pair if tracks.solid[n]]
        lumens = [n for n in pair if not tracks.solid[n]]
        if not droplets or not is_body[droplets].all():
            continue
        small, large = sorted(section[list(pair)])
        if section[lumens[0]] < section[droplets[0]] if lumens else large < _ALIKE * small:
            pairs.append(pair)
    return np.array(pairs, np.int64).reshape(-1, 2)
