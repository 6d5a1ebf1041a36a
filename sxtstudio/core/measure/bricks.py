"""Objects cut out one by one: small ones in batches, large ones in bricks, each with a rim around it.

What is summed over voxels may be summed over bricks: a brick owns the voxels that it counts, and its rim lets
their neighbourhoods be seen.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Triple
from sxtstudio.core.mapped_memory import PageReleaser
from sxtstudio.core.measure.inventory import Inventory
from sxtstudio.core.progress import Progress

#: Voxels around those that a brick owns; what a filter of this reach gives is right for all that it owns.
RIM = 8
#: Around a whole object nothing is missing, so that a thinner rim is enough: for what lies just outside.
THIN_RIM = 5
# About as many voxels as fit into the cache of a processor as float32.
_BATCH_VOXELS = 250_000
# Objects in larger boxes are cut into bricks that own so many voxels along each axis.
_LARGEST_BOX = 2_000_000
_OWNED: Triple = (48, 128, 128)
# Boxes are widened to one of few shapes, so that many fit into a batch.
_STEP = 4

Result = TypeVar("Result")


@dataclass(frozen=True)
class Brick:
    """Masks of some objects, or of a part of one.

    Attributes
    ----------
    rows
        The row of each in the inventory: (n,).
    mask
        uint8 (n, z, y, x), 1 where the object is; the rim is part of it.
    rim
        Its width.
    origin
        Where the first voxel that it owns lies in the volume, along (z, y, x): (n, 3).
    whole
        These are whole objects: the voxels around them are counted, too, as far as they have a share in them.
    """

    rows: NDArray[np.int64]
    mask: NDArray[np.uint8]
    rim: int
    origin: NDArray[np.int64]
    whole: bool

    @property
    def owned(self) -> tuple[slice, ...]:
        """The voxels (n, z, y, x) that this brick counts; those of all bricks of an object are its box."""
        edge = self.rim - 1 if self.whole else self.rim
        return (slice(None), *(slice(edge, length - edge) for length in self.mask.shape[1:]))


def bricks(objects: NDArray[Any], found: Inventory) -> Iterator[Brick]:
    """Yield every object in bricks that hold it, about from the first slice on."""
    sizes = found.last - found.first + 1
    large = np.prod(sizes + 2 * THIN_RIM, axis=1) > _LARGEST_BOX
    shapes = -(-sizes // _STEP) * _STEP
    pages = PageReleaser(objects)
    waiting: dict[Triple, list[int]] = {}
    for row in np.argsort(found.first[:, 0], kind="stable").tolist():
        if large[row]:
            yield from _parts(objects, found, row, pages)
            continue
        z, y, x = shapes[row].tolist()
        batch = waiting.setdefault((z, y, x), [])
        batch.append(row)
        if (len(batch) + 1) * (z + 2 * THIN_RIM) * (y + 2 * THIN_RIM) * (x + 2 * THIN_RIM) > _BATCH_VOXELS:
            yield _batch(objects, found, batch, (z, y, x), pages)
            del waiting[z, y, x]
    for shape, batch in waiting.items():
        yield _batch(objects, found, batch, shape, pages)


def over_bricks(
    objects: NDArray[Any],
    found: Inventory,
    measure: Callable[[Brick], Result],
    progress: Progress,
    stage: str,
) -> Iterator[tuple[Brick, Result]]:
    """Yield what ``measure`` returns for each brick, in their order; several are worked on at once.

    Raises
    ------
    Cancelled
        If the job was cancelled through ``progress``, which counts a step per voxel of the boxes.
    """
    boxes = np.prod(found.last - found.first + 1, axis=1).sum() if len(found.numbers) else 1
    progress.begin(int(boxes), stage)
    workers = min(4, os.cpu_count() or 1)
    running: deque[tuple[Brick, Future[Result]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for brick in bricks(objects, found):
                running.append((brick, pool.submit(measure, brick)))
                if len(running) > workers:
                    yield _finished(running, progress)
            while running:
                yield _finished(running, progress)
        finally:
            for _, future in running:
                future.cancel()


def _finished(running: deque[tuple[Brick, Future[Result]]], progress: Progress) -> tuple[Brick, Result]:
    brick, future = running.popleft()
    result = future.result()
    inside = [length - 2 * brick.rim for length in brick.mask.shape[1:]]
    progress.step(len(brick.rows) * inside[0] * inside[1] * inside[2])
    return brick, result


def _batch(
    objects: NDArray[Any], found: Inventory, rows: list[int], shape: Triple, pages: PageReleaser
) -> Brick:
    """Return whole objects in boxes of one shape."""
    z, y, x = (length + 2 * THIN_RIM for length in shape)
    masks = np.zeros((len(rows), z, y, x), np.uint8)
    for mask, row in zip(masks, rows, strict=True):
        box = found.box(row)
        part = objects[box.slices]
        inside = tuple(slice(THIN_RIM, THIN_RIM + length) for length in box.shape)
        np.equal(part, found.numbers[row].astype(objects.dtype), out=mask[inside].view(np.bool_))
        pages.read(part.size * part.itemsize)
    return Brick(np.array(rows, np.int64), masks, THIN_RIM, found.first[rows] - 1, whole=True)


def _parts(objects: NDArray[Any], found: Inventory, row: int, pages: PageReleaser) -> Iterator[Brick]:
    """Yield the bricks of one object in which it has voxels; they own a voxel around its box, too."""
    first, stop = found.first[row] - 1, found.last[row] + 2
    number = found.numbers[row].astype(objects.dtype)
    starts = (range(int(a), int(b), n) for a, b, n in zip(first, stop, _OWNED, strict=True))
    for start in product(*starts):
        end = [min(s + n, int(b)) for s, n, b in zip(start, _OWNED, stop, strict=True)]
        low = [max(0, s - RIM) for s in start]
        high = [min(n, e + RIM) for n, e in zip(objects.shape, end, strict=True)]
        part = objects[low[0] : high[0], low[1] : high[1], low[2] : high[2]] == number
        pages.read(part.size * objects.itemsize)
        if not part.any():
            continue
        z, y, x = (e - s + 2 * RIM for s, e in zip(start, end, strict=True))
        mask = np.zeros((1, z, y, x), np.uint8)
        inside = tuple(slice(a - s + RIM, b - s + RIM) for a, b, s in zip(low, high, start, strict=True))
        mask[0][inside] = part
        yield Brick(np.array([row]), mask, RIM, np.array([start]), whole=False)
