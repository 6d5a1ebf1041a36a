"""Reading slices: from memory, from the overview, or from the file as far as that is affordable."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.app.slices.reader import Emit
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.mapped_memory import release_pages
from sxtstudio.core.newest import Stale
from sxtstudio.core.overview import Overview
from sxtstudio.core.planes import COLUMNS, NORMAL, ROWS, Plane
from sxtstudio.core.volume import Volume

CACHE_BYTES = 64 << 20
_QUICK_S = 0.06  # a slice that is read in less is read at once: handing it to a thread costs more
_PATIENCE = 20  # slices read by the thread before the window tries again
_AHEAD = (1, 2, 3, -1)  # slices read in advance, in the direction of scrolling
_REST_S = 0.15  # the crosshair must rest so long before a side view is read from the file
_AFFORDABLE_S = 4.0  # a side view that would take longer stays as in the overview for now
# It is tried again, in case it was slow only because everything was being read at once.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 64.0
_TRY_S = 0.5
_CHUNK = 8  # slices


@dataclass(frozen=True, eq=False)
class SliceData:
    """What a view shows: image (rows, columns), of ``bins`` pixels each; labels, mask, objects, marks if any.

    ``edits`` counts the changes of labels that it contains. Without ``image`` the old one stays.
    """

    plane: Plane
    depth: int
    image: NDArray[Any] | None
    bins: tuple[int, int] = (1, 1)
    labels: NDArray[np.uint8] | None = None
    mask: NDArray[np.uint8] | None = None
    objects: NDArray[np.uint32] | None = None
    marks: NDArray[np.uint8] | None = None
    edits: int = 0
    note: str = ""


class SliceCache:
    """The slices looked at last, up to a number of bytes; used by several threads."""

    def __init__(self, limit_bytes: int = CACHE_BYTES) -> None:
        """Begin empty."""
        self.limit_bytes = limit_bytes
        self.bytes = 0
        self._slices: OrderedDict[tuple[Plane, int], NDArray[Any]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, plane: Plane, depth: int) -> NDArray[Any] | None:
        """Return a slice, or None if it is not there."""
        with self._lock:
            image = self._slices.get((plane, depth))
            if image is not None:
                self._slices.move_to_end((plane, depth))
            return image

    def put(self, plane: Plane, depth: int, image: NDArray[Any]) -> None:
        """Keep a slice; those looked at longest ago go."""
        with self._lock:
            former = self._slices.pop((plane, depth), None)
            self._slices[plane, depth] = image
            self.bytes += image.nbytes - (former.nbytes if former is not None else 0)
            while self.bytes > self.limit_bytes and len(self._slices) > 1:
                self.bytes -= self._slices.popitem(last=False)[1].nbytes

    def __contains__(self, key: tuple[Plane, int]) -> bool:
        """Tell whether a slice is there, without touching its age."""
        with self._lock:
            return key in self._slices


@dataclass(frozen=True)
class Pause:
    """Side views of a plane took too long: the next try is at ``until`` (monotonic), after ``length_s``."""

    until: float
    length_s: float


@dataclass(eq=False)
class SliceSource:
    """A tomogram as the views read it; belongs to one document."""

    volume: Volume
    overview: Overview | None = None
    cache: SliceCache = field(default_factory=SliceCache)
    pauses: dict[Plane, Pause] = field(default_factory=dict)
    patience: int = 1

    @property
    def quick(self) -> bool:
        """Whether slices come so quickly that the window can read them itself, as from raw files."""
        return self.patience == 0

    def pause(self, plane: Plane) -> None:
        """Leave a plane that takes too long as it is, each time for twice as long."""
        former = self.pauses.get(plane)
        length = _FIRST_PAUSE_S if former is None else min(2 * former.length_s, _LONGEST_PAUSE_S)
        self.pauses[plane] = Pause(time.monotonic() + length, length)

    def may_try(self, plane: Plane) -> bool:
        """Whether side views of a plane may be read from the file now."""
        pause = self.pauses.get(plane)
        return pause is None or time.monotonic() >= pause.until

    def read_xy(self, depth: int, *, by_window: bool = False) -> NDArray[Any]:
        """Read a slice from the file, and judge from the time whether the window may read the next."""
        begin = time.perf_counter()
        image: NDArray[Any] = self.volume.read(Box.slab(depth, depth + 1, self.volume.shape))[0]
        spent = time.perf_counter() - begin
        # A thread shares the processor with the window, so what it needs says less.
        if spent > (_QUICK_S if by_window else 2 * _QUICK_S):
            self.patience = _PATIENCE
        elif not by_window:
            self.patience = max(0, self.patience - 1)
        if not self.quick:  # else the memory of the former slice serves for the next, which is quicker still
            self.cache.put("xy", depth, image)
        return image

    def image_at_once(self, plane: Plane, depth: int) -> tuple[NDArray[Any], tuple[int, int]] | None:
        """Return the full slice and its bins (1, 1) if that takes no time worth a thread."""
        if self.overview is not None and self.overview.exact:
            return as_seen(plane, self.overview.plane(NORMAL[plane], depth)), (1, 1)
        image = self.cache.get(plane, depth)
        if image is None and plane == "xy" and self.quick:
            with suppress(Exception):  # the thread of the reader will say what is wrong
                image = self.read_xy(depth, by_window=True)
        return None if image is None else (image, (1, 1))


@dataclass(frozen=True, eq=False)
class SliceRequest:
    """One request: slice ``depth`` of a plane, with labels and all else as they are at ``edits``."""

    source: SliceSource
    plane: Plane
    depth: int
    forward: int
    labels: NDArray[np.uint8] | None
    mask: NDArray[np.uint8] | None
    objects: NDArray[np.uint32] | None
    marks: NDArray[np.uint8] | None
    edits: int
    shown: bool = False  # the view has it already; what is left is to read its neighbours

    def fetch(self, stale: Stale, emit: Emit) -> None:
        """Read the slice; runs in the thread of a reader."""
        if self.plane == "xy":
            if not self.shown:
                emit(self._with_overlays(self._xy(self.depth)))
            for step in () if self.source.quick else _AHEAD:
                depth = self.depth + step * self.forward
                if stale():
                    return
                if 0 <= depth < self.source.volume.shape[0] and ("xy", depth) not in self.source.cache:
                    self._xy(depth)
        else:
            self._side(stale, emit)

    def _xy(self, depth: int) -> NDArray[Any]:
        ready = self.source.image_at_once("xy", depth)
        if ready is not None:
            return ready[0]
        return self.source.read_xy(depth)

    def _side(self, stale: Stale, emit: Emit) -> None:
        ready = self.source.image_at_once(self.plane, self.depth)
        if ready is not None:
            emit(self._with_overlays(*ready))
            return
        overview, refine = self.source.overview, self.source.may_try(self.plane)
        if overview is not None:
            bins = (overview.bins[ROWS[self.plane]], overview.bins[COLUMNS[self.plane]])
            coarse = as_seen(self.plane, overview.plane(NORMAL[self.plane], self.depth))
            emit(self._with_overlays(coarse, bins, "refining …" if refine else "overview"))
        else:
            emit(self._with_overlays(None, note="preparing …"))
        if not self._rests(stale):
            return
        for volume in (
            self.labels,
            self.mask,
            self.objects,
            self.marks,
        ):  # a cut goes through every page of these files
            if volume is not None:
                release_pages(volume)
        if overview is None and self.plane == "yz":
            return  # a YZ slice touches the whole file, which the overview is being made from now
        while not stale():
            pause = self.source.pauses.get(self.plane)
            if not self._rests(stale, pause.until if pause is not None else 0.0):
                return
            image = self._from_file(stale)
            if stale():
                return
            if image is not None:
                self.source.pauses.pop(self.plane, None)
                self.source.cache.put(self.plane, self.depth, image)
                emit(SliceData(self.plane, self.depth, image, edits=-1))
                return
            if overview is not None:
                emit(SliceData(self.plane, self.depth, coarse, bins, edits=-1, note="overview"))

    def _rests(self, stale: Stale, until: float | None = None) -> bool:
        """Wait a little, or until then; return whether the slice is wanted still."""
        rest = time.monotonic() + _REST_S if until is None else until
        while time.monotonic() < rest and not stale():
            time.sleep(0.01)
        return not stale()

    def _from_file(self, stale: Stale) -> NDArray[Any] | None:
        """Read a side view; None if nobody waits any more, or if it would take too long."""
        volume, begin = self.source.volume, time.monotonic()
        depth = volume.shape[0]
        parts = []
        for box in side_boxes(volume.shape, NORMAL[self.plane], self.depth):
            if stale():
                return None
            parts.append(volume.read(box).squeeze(NORMAL[self.plane]))
            spent, share = time.monotonic() - begin, box.stop[0] / depth
            if spent > _TRY_S and spent / share > _AFFORDABLE_S:
                self.source.pause(self.plane)
                return None
        return as_seen(self.plane, np.concatenate(parts))

    def _with_overlays(
        self, image: NDArray[Any] | None, bins: tuple[int, int] = (1, 1), note: str = ""
    ) -> SliceData:
        return SliceData(
            self.plane,
            self.depth,
            image,
            bins,
            cut(self.labels, self.plane, self.depth),
            cut(self.mask, self.plane, self.depth),
            cut(self.objects, self.plane, self.depth),
            cut(self.marks, self.plane, self.depth),
            self.edits,
            note,
        )


def side_boxes(shape: Triple, axis: int, index: int) -> Iterator[Box]:
    """Yield the slice through ``index`` of axis 1 or 2 in pieces of a few slices z."""
    for first in range(0, shape[0], _CHUNK):
        start, stop = [first, 0, 0], [min(first + _CHUNK, shape[0]), shape[1], shape[2]]
        start[axis], stop[axis] = index, index + 1
        yield Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def cut(volume: NDArray[Any] | None, plane: Plane, depth: int) -> NDArray[Any] | None:
    """Return a copy of a slice as the view has it: rows, columns."""
    if volume is None:
        return None
    index = [slice(None), slice(None), slice(None)]
    place: tuple[Any, ...] = (*index[: NORMAL[plane]], depth, *index[NORMAL[plane] + 1 :])
    image = volume[place]
    return np.array(image.T if plane == "yz" else image, order="C", subok=False)


def as_seen(plane: Plane, image: NDArray[Any]) -> NDArray[Any]:
    """Bring a cut in the order of the volume's axes into that of the view: in YZ, z runs to the right."""
    return np.ascontiguousarray(image.T) if plane == "yz" else image
