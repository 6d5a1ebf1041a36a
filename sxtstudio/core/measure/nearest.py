"""The nearest other object of each object, of all objects or of those of a class.

Small objects are a crowd: the faces of all of them stand in one search tree, so that a hundred thousand
specks are asked for at once, and each looks only around itself, however they are spread. Large ones are
compared one by one, in the order of the distances of their boxes. Both ways are exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from sxtstudio.core.measure.faces import Surfaces, nearest_point
from sxtstudio.core.progress import Progress

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SMALL = 100  # faces at most has an object of the crowd
_AT_ONCE = 20_000  # points are asked for
_FIRST, _MORE = 8, 4  # so many neighbours of a point are looked at, then so many times as many
_FEW = 2000  # of so many large objects all are looked at; of more, those that are near, then farther ones
_WIDER = 4.0


@dataclass(frozen=True)
class Nearest:
    """Of each row the distance to the nearest other object (n,) and its row; inf and -1 where none is."""

    distance: Floats
    row: Ints

    @classmethod
    def none(cls, rows: int) -> Nearest:
        """Return what holds before anything is found."""
        return cls(np.full(rows, np.inf), np.full(rows, -1, np.int64))

    def take(self, rows: Ints, distances: Floats, others: Ints) -> None:
        """Take note of distances, several of one row among them, where they are less than what is known."""
        order = np.lexsort((distances, rows))
        first = order[np.unique(rows[order], return_index=True)[1]]
        closer = first[distances[first] < self.distance[rows[first]]]
        self.distance[rows[closer]] = distances[closer]
        self.row[rows[closer]] = others[closer]


def nearest_objects(surfaces: Surfaces, members: NDArray[np.bool_], progress: Progress) -> Nearest:
    """Find the nearest other object of each object.

    Parameters
    ----------
    surfaces
        Of all objects.
    members
        Which of them (n,) are looked for; each of all objects looks for one.
    progress
        Reports and takes the cancel.
    """
    faces = np.array([len(own) for own in surfaces.faces], np.int64)
    small = (faces > 0) & (faces <= _SMALL)
    found = Nearest.none(len(faces))
    looking = np.flatnonzero(small)
    crowd = _Crowd.of(surfaces, np.flatnonzero(small & members))
    share = len(looking) / max(1, len(faces))
    points, owners = _points(surfaces, looking)
    _in_crowd(crowd, points, owners, found, progress.part(0.7 * share))
    large = np.flatnonzero((faces > _SMALL) & members)
    _from_large(surfaces, large, points, owners, found, progress.part(0.3 * share))
    _of_large(surfaces, np.flatnonzero(faces > _SMALL), large, crowd, found, progress.part(1 - share))
    return found


@dataclass(frozen=True)
class _Crowd:
    """The faces of small objects, and the row of each."""

    tree: KDTree
    owners: Ints

    @classmethod
    def of(cls, surfaces: Surfaces, rows: Ints) -> _Crowd | None:
        points, owners = _points(surfaces, rows)
        return cls(KDTree(points), owners) if len(rows) else None


def _points(surfaces: Surfaces, rows: Ints) -> tuple[Floats, Ints]:
    """Return the centres of the faces of some objects (n, 3), and the row of each."""
    points = [surfaces.points(row) for row in rows.tolist()]
    return np.concatenate([np.empty((0, 3)), *points]), np.repeat(rows, [len(own) for own in points])


def _in_crowd(crowd: _Crowd | None, points: Floats, owners: Ints, found: Nearest, progress: Progress) -> None:
    """Look for the objects of the crowd that are nearest to points, which belong to rows."""
    progress.begin(len(points))
    if crowd is None or not len(points):
        progress.step(len(points))
        return
    strange = not np.isin(owners, crowd.owners).any()
    for begin in range(0, len(points), _AT_ONCE):
        rest = np.arange(begin, min(begin + _AT_ONCE, len(points)))
        asked, of_all = len(rest), len(crowd.owners)
        wanted = 1 if strange else _FIRST
        while len(rest):
            wanted = min(wanted, of_all)
            distance, index = crowd.tree.query(points[rest], k=np.arange(1, wanted + 1))
            others, own = crowd.owners[index], owners[rest]
            foreign = others != own[:, None]
            first = np.argmax(foreign, axis=1)
            seen = np.flatnonzero(foreign.any(axis=1))
            found.take(own[seen], distance[seen, first[seen]], others[seen, first[seen]])
            # What only its own faces are around may have a nearer one farther out, unless that is too far.
            farther = ~foreign.any(axis=1) & (distance[:, -1] < found.distance[own])
            rest = rest[farther] if wanted < of_all else rest[:0]
            wanted *= _MORE
            progress.check()
        progress.step(asked)


def _from_large(
    surfaces: Surfaces, large: Ints, points: Floats, owners: Ints, found: Nearest, progress: Progress
) -> None:
    """Look for the large objects that are nearest to the points of small ones."""
    progress.begin(len(large))
    rows, begins = np.unique(owners, return_index=True)
    counts = np.diff(begins, append=len(owners))
    low, high = surfaces.low[rows], surfaces.high[rows]
    for row in large.tolist():
        apart = np.maximum(surfaces.low[row] - high, low - surfaces.high[row])
        gaps = np.linalg.norm(np.maximum(apart, 0), axis=1)
        near = gaps < found.distance[rows]
        if near.any():
            asked = np.flatnonzero(np.repeat(near, counts))
            tree, bound = surfaces.tree(row), float(found.distance[rows[near]].max())
            for begin in range(0, len(asked), _AT_ONCE):
                some = asked[begin : begin + _AT_ONCE]
                distance, _ = tree.query(points[some], distance_upper_bound=bound)
                found.take(owners[some], distance, np.full(len(some), row))
                progress.check()
        progress.step()


def _of_large(
    surfaces: Surfaces,
    rows: Ints,
    large: Ints,
    crowd: _Crowd | None,
    found: Nearest,
    progress: Progress,
) -> None:
    """Look for what is nearest to large objects (``rows``): in the crowd, and among those of ``large``."""
    progress.begin(len(rows))
    is_large = np.zeros(len(surfaces.faces), np.bool_)
    is_large[large] = True
    for row in rows.tolist():
        nearest, other = math.inf, -1
        if crowd is not None:
            nearest, index = nearest_point(surfaces.points(row), crowd.tree)
            other = int(crowd.owners[index])
        reach = math.inf if len(large) <= _FEW else surfaces.spacing
        while True:
            others, gaps = surfaces.near(row, min(reach, nearest))
            kept = is_large[others]
            for there, gap in zip(others[kept].tolist(), gaps[kept].tolist(), strict=True):
                if gap >= nearest:
                    break
                distance = surfaces.gap(row, there, nearest)
                if distance < nearest:
                    nearest, other = distance, there
            # What lies beyond the reach may be nearer than what was found within.
            if nearest <= reach or math.isinf(reach):
                break
            reach = reach * _WIDER if reach < surfaces.extent else math.inf
        found.distance[row], found.row[row] = nearest, other
        progress.step()
