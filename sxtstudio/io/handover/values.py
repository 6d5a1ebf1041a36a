"""Which values a label image holds, and what they are called: some of them may stand in no legend."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.label_image import LabelImage, Legend, LegendEntry
from sxtstudio.core.object_boxes import boxes_in
from sxtstudio.core.object_colours import number_colours
from sxtstudio.core.patches import bounding_box
from sxtstudio.core.progress import Progress
from sxtstudio.core.walk import walk

LARGEST = 2**32 - 1
#: The share of a writer's bar that ``find_values`` takes.
FIRST_LOOK = 0.2


@dataclass(frozen=True)
class NamedValues:
    """The values other than 0 that occur: their boxes, ascending, and what each of them means."""

    boxes: dict[int, Box]
    legend: Legend

    @property
    def largest(self) -> int:
        """The largest value, 0 where there is none."""
        return max(self.boxes, default=0)


def find_values(image: LabelImage, progress: Progress) -> NamedValues:
    """Go through a label image once; ``progress`` counts its slices.

    Raises
    ------
    UserError
        If it holds values that are no numbers of labels.
    Cancelled
        If the user stopped the job.
    """
    boxes: dict[int, Box] = {}
    for box in walk(image.shape, progress=progress, stage=f"Looking at {image.name}"):
        for value, part in boxes_in(whole(image.volume.read(box), image.name), box.start).items():
            known = boxes.get(value)
            boxes[value] = part if known is None else bounding_box((known, part)) or part
    boxes = dict(sorted(boxes.items()))
    return NamedValues(boxes, legend_for(image, boxes))


def whole(part: NDArray[Any], name: str) -> NDArray[np.uint32]:
    """Return labels as unsigned 32-bit numbers; ``name`` is said in the error.

    Raises
    ------
    UserError
        If a value is negative, no whole number, or too large.
    """
    if part.dtype.kind == "b" or (part.dtype.kind == "u" and part.dtype.itemsize <= 4):
        return part.astype(np.uint32)
    low, high = part.min(initial=0), part.max(initial=0)
    if not (low >= 0 and high <= LARGEST) or (part.dtype.kind == "f" and not (part == np.rint(part)).all()):
        raise UserError(
            f"{name} holds values from {low} to {high} that are no numbers of labels. "
            "Hand over labels, objects or classes."
        )
    return part.astype(np.uint32)


def legend_for(image: LabelImage, values: Iterable[int]) -> Legend:
    """Return an entry for each of ``values`` (ascending); those without a name are "Label 7"."""
    known = {entry.value: entry for entry in image.legend}
    wanted = list(values)
    colours = number_colours(np.array(wanted, np.int64)) if wanted else np.zeros((0, 3), np.uint8)
    return tuple(
        known.get(value) or LegendEntry(value, f"Label {value}", (int(rgb[0]), int(rgb[1]), int(rgb[2])))
        for value, rgb in zip(wanted, colours, strict=True)
    )


def smallest_type(largest: int) -> np.dtype[Any]:
    """Return the smallest unsigned type that holds numbers up to ``largest``."""
    return np.min_scalar_type(largest)
