"""Where the objects of a volume lie: number → box, found by one walk and kept up to date by the edits."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.patches import bounding_box
from sxtstudio.core.progress import Progress
from sxtstudio.core.walk import walk

# Above this number a slab's own numbers are counted through first: a table of 2^31 entries has no place.
_MOST_DIRECT = 1 << 22


def boxes_in(part: NDArray[Any], start: Triple = (0, 0, 0)) -> dict[int, Box]:
    """Return the box of every number but 0 in ``part`` (z, y, x), unsigned, which begins at ``start``."""
    largest = int(part.max(initial=0))
    if largest == 0:
        return {}
    if largest > _MOST_DIRECT:
        numbers, inverse = np.unique(part, return_inverse=True)
        # 0, if it is there, is the first: every other number is counted from 1 on.
        dense = inverse.reshape(part.shape).astype(np.int32) + (0 if numbers[0] == 0 else 1)
        numbers = numbers[1:] if numbers[0] == 0 else numbers
        found = ndimage.find_objects(dense)
        names = [int(number) for number in numbers]
    else:
        found = ndimage.find_objects(part.astype(np.int32) if part.itemsize < 4 else part.view(np.int32))
        names = list(range(1, len(found) + 1))
    boxes = {}
    for name, slices in zip(names, found, strict=True):
        if slices is not None:
            z, y, x = slices
            boxes[name] = Box(
                (start[0] + z.start, start[1] + y.start, start[2] + x.start),
                (start[0] + z.stop, start[1] + y.stop, start[2] + x.stop),
            )
    return boxes


class ObjectBoxes:
    """The boxes of all objects; safe to be asked from any thread.

    A box holds its object for certain. After an edit that made the object smaller it may be larger than it
    must be, until the volume is walked through anew.
    """

    def __init__(self) -> None:
        """Begin without objects."""
        self._boxes: dict[int, Box] = {}
        self._touched: list[Box] = []
        self._lock = threading.RLock()

    def touch(self, box: Box) -> None:
        """Take note that voxels in ``box`` have changed; they are looked at when somebody asks."""
        with self._lock:
            self._touched.append(box)

    def find_all(self, objects: NDArray[np.uint32], progress: Progress | None = None) -> int:
        """Walk through ``objects`` (z, y, x) once; return how many voxels are not 0."""
        z, y, x = objects.shape
        boxes: dict[int, Box] = {}
        voxels = 0
        with self._lock:
            self._touched = []
        for box in walk((z, y, x), objects, progress=progress):
            part = objects[box.slices]
            voxels += int(np.count_nonzero(part))
            _unite(boxes, boxes_in(part, box.start))
        with self._lock:
            self._boxes = boxes
        return voxels

    def refresh(self, objects: NDArray[np.uint32]) -> None:
        """Look at what has changed since; a job that changed much does so before it ends."""
        with self._lock:
            touched, self._touched = self._touched, []
            for box in touched:
                _unite(self._boxes, boxes_in(np.ascontiguousarray(objects[box.slices]), box.start))

    def of(self, number: int, objects: NDArray[np.uint32]) -> Box | None:
        """Return a box that holds the object ``number`` of ``objects``, or None if there never was one."""
        with self._lock:
            self.refresh(objects)
            return self._boxes.get(number)

    def around(self, numbers: Iterable[int], objects: NDArray[np.uint32]) -> Box | None:
        """Return the smallest box that holds the boxes of ``numbers``, or None if there are none."""
        with self._lock:
            self.refresh(objects)
            return bounding_box(self._boxes[number] for number in numbers if number in self._boxes)

    def touching(self, box: Box, objects: NDArray[np.uint32]) -> tuple[int, ...]:
        """Return the numbers whose boxes share a voxel with ``box``."""
        with self._lock:
            self.refresh(objects)
            return tuple(number for number, other in self._boxes.items() if _overlap(box, other))

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers that were there when the volume was walked through, and those that came since."""
        with self._lock:
            return tuple(sorted(self._boxes))


def _overlap(one: Box, other: Box) -> bool:
    (z, y, x), (z_stop, y_stop, x_stop) = one.start, one.stop
    (low_z, low_y, low_x), (high_z, high_y, high_x) = other.start, other.stop
    return z < high_z and low_z < z_stop and y < high_y and low_y < y_stop and x < high_x and low_x < x_stop


def _unite(boxes: dict[int, Box], others: dict[int, Box]) -> None:
    for number, box in others.items():
        known = boxes.get(number)
        boxes[number] = box if known is None else bounding_box((known, box)) or box
