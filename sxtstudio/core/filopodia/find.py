"""A filopodium under a click: found, and a cut from the cell proposed; or in words why there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sxtstudio.core.bodies.membrane import membrane_in
from sxtstudio.core.errors import UserError
from sxtstudio.core.filopodia.axis import Axis
from sxtstudio.core.filopodia.candidate import Candidate, overlap_of, places_in
from sxtstudio.core.filopodia.doubt import is_doubtful, is_unlike_one
from sxtstudio.core.filopodia.ends import base_of, hangs_on, is_closed, rounded, tip_of, trimmed
from sxtstudio.core.filopodia.gold import touches_gold
from sxtstudio.core.filopodia.grey import Grey
from sxtstudio.core.filopodia.path import way_through
from sxtstudio.core.filopodia.records import (
    Filopodium,
    FilopodiumParameters,
    Incomplete,
    spacing_of,
    widest_of,
)
from sxtstudio.core.filopodia.sampling import Array, Ground, Labels, OneObject, half_wall_px
from sxtstudio.core.filopodia.start import TubePiece, pieces_at
from sxtstudio.core.filopodia.surface import RAYS, TubeSurface, surface_of
from sxtstudio.core.filopodia.trace import followed
from sxtstudio.core.filopodia.tube import TubeFit
from sxtstudio.core.geometry import Triple
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume, VoxelSize

#: The click lies in the tube, or so near to its surface, px.
_CLICK_PX = 2.0
#: Across so much of the rim of a sheet, which is no tube, the label goes on; less
#: where it is no thicker than so many lines.
_SHEET, _LINE, _LINE_CROSSED = 0.3, 1.6, 0.12
#: It is no ring: its ends are so far apart, measured by its length.
_STRAIGHT = 0.5
#: It is longer than so many half widths.
_LONGER = 2.5
#: A tube that is found so well is not compared with others.
_SURE, _SURE_LENGTH = 0.75, 4.0
#: A click is moved to the middle of what it is in, at most so often.
_CENTRED = 2
#: A tube is followed again from places so far along its axis to both sides, px, or radii where that is more;
#: it is doubtful where what is found from there overlaps with it less than this.
_AGAIN_PX, _AGAIN, _AGREES = 6.0, 1.0, 0.7
#: At least so well a piece at the click must fit.
_LEAST_FIT = 0.12
#: Much of its outline is missing where its sides have less than this share of it.
_GAPS = 0.75
#: Followed in a tomogram, it has an edge along so much of its sides.
_LEAST_SIDES = 0.65
#: A line is wider than the membrane; no less than this share of a tube's radius is left of it.
_LEFT = 0.75
#: The cut may be moved beyond the proposed base by so many widths.
_BEYOND = 1.5


@dataclass(frozen=True)
class _Tube:
    """What was followed from a piece, and how good it is; ``begin`` and ``end`` are points of its axis.

    ``of_ends``: both ends were clicked, and it may be as short as they say. ``agrees``: it is found from the
    places beside the click, too.
    """

    surface: TubeSurface
    begin: int
    end: int
    quality: float
    of_ends: bool = False
    agrees: bool = True

    @property
    def found(self) -> TubeSurface:
        return self.surface.part(self.begin, self.end)


def find_filopodium(
    labels: Labels | OneObject,
    seed: Triple,
    voxel_nm: VoxelSize | None,
    parameters: FilopodiumParameters | None = None,
    progress: Progress | None = None,
    grey: Grey | None = None,
    more: tuple[Triple, ...] = (),
) -> Candidate:
    """Find the filopodium at a voxel on or in it; only labels near it are read.

    Pieces of tubes are fitted to the outlines around the click, the best ones are followed both ways over
    gaps, and of the best the surface is taken. Of lines that are wider than membranes only that is left
    (``core.bodies.membrane``).

    Parameters
    ----------
    labels
        uint8 (z, y, x), 0 is no membrane; or an object that holds it, such as a cell with all that sticks
        out of it.
    seed
        Voxel (z, y, x).
    voxel_nm
        Edges of a voxel (z, y, x); None where unknown: lengths are then in voxels.
    grey
        How much the tomogram absorbs around the points (``grey_around``), for where labels are missing.
    more
        Further voxels on it: it runs through all of them, and from the first to the last.

    Raises
    ------
    UserError
        If there is no filopodium, or it cannot be cut out sensibly.
    Cancelled
        If the job was cancelled through ``progress``.
    """
    parameters, progress = parameters or FilopodiumParameters(), progress or Progress()
    shape = (labels.shape[0], labels.shape[1], labels.shape[2])
    spacing = spacing_of(voxel_nm)
    where = f"x {seed[2]}, y {seed[1]}, {{slices}}"
    for place in (seed, *more):
        if any(not 0 <= at < n for at, n in zip(place, shape, strict=True)):
            outside = f"x {place[2]}, y {place[1]}, {{slices}}"
            raise _none(outside, "lies outside of the volume", place)
    half_wall = 0.0 if isinstance(labels, OneObject) else half_wall_px(labels, seed, spacing)
    membrane = None if isinstance(labels, OneObject) else membrane_in(voxel_nm)
    # A line of whole voxels is half a voxel thinner than twice the distance from its middle to its edge.
    thicker = 0.0
    if membrane is not None and membrane.applies_to(2 * half_wall):
        thicker = half_wall - 0.25 - membrane.px / 2
    ground = Ground(labels, spacing, grey, thicker if grey is not None else 0.0)
    fit = TubeFit(ground, half_wall)
    widest = widest_of(parameters, voxel_nm) / ground.px / 2 + 2 * half_wall
    if more:
        tube: _Tube | None = _tube_through(fit, (seed, *more), widest)
    else:
        tube = _tube_at(fit, seed, widest, parameters, progress, where)
    if tube is None or (not tube.of_ends and tube.end - tube.begin < _LONGER * _half_width(tube.found)):
        raise _none(where, "is not on anything that is longer than wide", seed)
    if tube.end - tube.begin > parameters.longest_px:
        raise _none(where, "belongs to something longer than a filopodium", seed)
    candidate = _candidate(fit, tube, seed, 0.0 if grey is not None else thicker, spacing, shape, widest)
    if candidate is None:
        raise _none(where, "is not on anything that is longer than wide", seed)
    return candidate


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


def _tube_at(
    fit: TubeFit,
    seed: Triple,
    widest: float,
    parameters: FilopodiumParameters,
    progress: Progress,
    where: str,
) -> _Tube | None:
    labels = fit.ground.labels
    clicked = np.array(seed) * fit.ground.scale
    if fit.ground.grey is not None:
        seed = _centred(fit, seed, widest)
    pieces = [piece for piece in pieces_at(fit, seed, widest) if piece.score >= _LEAST_FIT]
    if not pieces and isinstance(labels, OneObject) and labels[seed]:
        raise _none(where, "is in something wider than a filopodium", seed)
    if not pieces and not labels[seed]:
        raise _none(where, "is neither on an outline nor in a narrow space between outlines", seed)
    best = _best_tube(fit, pieces, clicked, widest, parameters, progress)
    if best is None or fit.ground.grey is None:
        return best
    return _from_beside(fit, best, clicked, widest, parameters, progress)


def _centred(fit: TubeFit, seed: Triple, widest: float) -> Triple:
    """Return the voxel in the middle of what a click lies in, so that what is found depends on it little."""
    for _ in range(_CENTRED):
        pieces = pieces_at(fit, seed, widest, 1)
        if not pieces or pieces[0].score < _LEAST_FIT:
            break
        piece, at = pieces[0], np.array(seed) * fit.ground.scale
        middle = piece.middle + ((at - piece.middle) @ piece.direction) * piece.direction
        if float(np.linalg.norm(middle - at)) > piece.radius + _CLICK_PX or not fit.ground.holds(middle):
            break
        z, y, x = np.rint(middle / fit.ground.scale).astype(int).tolist()
        if (z, y, x) == seed:
            break
        seed = (z, y, x)
    return seed


def _from_beside(
    fit: TubeFit,
    best: _Tube,
    clicked: Array,
    widest: float,
    parameters: FilopodiumParameters,
    progress: Progress,
) -> _Tube:
    """Return of a tube, and what is followed from places beside the click on its axis, the one most alike."""
    found = best.found
    radius = _half_width(found)
    here = int(np.linalg.norm(found.points - clicked, axis=1).argmin())
    apart = round(max(_AGAIN_PX, _AGAIN * radius))
    tubes = [best]
    for place in (here - apart, here + apart):
        place = min(max(place, 0), len(found) - 1)
        piece = TubePiece(found.points[place], found.along[place], float(found.radii[place].mean()), 1.0)
        again = _best_tube(fit, [piece], found.points[place], widest, parameters, progress)
        if again is not None:
            tubes.append(again)
    alike = np.array([[overlap_of(one.found, other.found) for other in tubes] for one in tubes])
    chosen = int(alike.sum(axis=1).argmax())
    return replace(tubes[chosen], agrees=len(tubes) == 3 and bool(alike[chosen].min() >= _AGREES))


def _tube_through(fit: TubeFit, seeds: tuple[Triple, ...], widest: float) -> _Tube | None:
    """Return the tube through points, from the first one to the last."""
    way = way_through(fit, seeds, widest)
    around = surface_of(fit.ground, way)
    if around is None:
        return None
    surface, _, _ = around
    apart = [np.linalg.norm(surface.points - at, axis=1) for at in (way.points[0], way.points[-1])]
    ends = [int(far.argmin()) for far in apart]
    return _Tube(surface, min(ends), max(ends), 1.0, of_ends=True)


def _best_tube(
    fit: TubeFit,
    pieces: list[TubePiece],
    seed: Array,
    widest: float,
    parameters: FilopodiumParameters,
    progress: Progress,
) -> _Tube | None:
    best = None
    for piece in pieces:
        way = followed(fit, piece, widest, parameters.longest_px, progress)
        around = surface_of(fit.ground, way)
        if around is None:
            continue
        surface, begin, end = around
        begin, end = trimmed(surface, begin, end, piece.middle, parameters.jump)
        found = surface.part(begin, end)
        radius = _half_width(found)
        nearest = int(np.linalg.norm(found.points - seed, axis=1).argmin())
        away = float(np.linalg.norm(found.points[nearest] - seed))
        line = fit.half_wall
        if fit.ground.grey is not None:
            line = 0.0
            if float(found.lateral.mean()) < _LEAST_SIDES or radius > widest:
                continue
        if away > found.radii[nearest].max() + _CLICK_PX or _is_sheet(found, line):
            continue
        if float(np.linalg.norm(found.points[-1] - found.points[0])) < _STRAIGHT * (end - begin):
            continue
        outlined = float(found.outlined.mean())
        long = min(1.0, (end - begin) / (4 * radius))
        tube = _Tube(surface, begin, end, outlined * long + piece.score)
        if best is None or tube.quality > best.quality:
            best = tube
        if outlined >= _SURE and end - begin >= _SURE_LENGTH * radius and piece.score >= _SURE / 2:
            break
    return best


def _candidate(
    fit: TubeFit,
    tube: _Tube,
    seed: Triple,
    thicker: float,
    spacing: VoxelSize,
    shape: Triple,
    widest: float,
) -> Candidate | None:
    ground, found = fit.ground, tube.found
    begins, ends = (hangs_on(ground, found, place) for place in (0, -1))
    if begins > ends:
        turned = tube.surface.reversed()
        last = len(turned) - 1
        tube = replace(tube, surface=turned, begin=last - tube.end, end=last - tube.begin)
    tube = replace(tube, end=base_of(tube.surface, tube.begin, tube.end))
    tip = tip_of(ground, tube.surface, tube.begin, tube.end)
    tube = replace(tube, surface=rounded(tube.surface, tip, tube.begin, tube.end), begin=tip)
    found = tube.found
    problems = [] if is_closed(ground, found) else [Incomplete.OPEN_TIP]
    if float(found.lateral.mean()) < _GAPS:
        problems.append(Incomplete.GAPS)
    grey = ground.grey
    doubtful = grey is not None and is_doubtful(
        fit, grey, found, widest, agrees=tube.agrees, of_ends=tube.of_ends
    )
    if doubtful or is_unlike_one(found):
        problems.append(Incomplete.DOUBTFUL)
    half_width = _half_width(found)
    beyond = min(len(tube.surface) - 1, tube.end + round(2 * _BEYOND * half_width))
    longer = tube.surface.part(tube.begin, beyond)
    if thicker:
        longer = replace(longer, radii=np.maximum(longer.radii - thicker, _LEFT * longer.radii))
    placed = places_in(longer, spacing, shape)
    if placed is None:
        return None
    box, places = placed
    if not (places <= len(found) - 1).any():
        return None
    px = ground.px
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(longer.points, axis=0), axis=1))])
    area = 0.5 * np.sin(2 * np.pi / RAYS) * (longer.radii * np.roll(longer.radii, 1, axis=1)).sum(axis=1)
    inside = np.isfinite(places)
    places[inside] = np.interp(places[inside], np.arange(len(along)), along) * px
    axis = Axis(longer.points * px, along * px, area * px**2, float(along[len(found) - 1]) * px)
    return Candidate(
        seed,
        box,
        places,
        axis,
        _half_width(longer) * px,
        float(along[-1]) * px,
        shape,
        spacing,
        tuple(problems),
    )


def _is_sheet(found: TubeSurface, half_wall: float) -> bool:
    """Whether a label goes on across its surface: it is the membrane of a cell, or of something wide."""
    most = _LINE_CROSSED if _half_width(found) < _LINE * half_wall else _SHEET
    return float(np.median(found.crossed)) > most


def _half_width(surface: TubeSurface) -> float:
    """Return the usual radius of a tube, px."""
    return float(np.median(surface.radii.mean(axis=1)))


def _none(where: str, why: str, seed: Triple) -> UserError:
    return UserError(
        f"There is no filopodium: the point ({where}) {why}. Click on the outline of one, or inside "
        "it; or give a second point, so that its base and its tip are known, or close its outline by hand.",
        slices=(seed[0], seed[0]),
    )
