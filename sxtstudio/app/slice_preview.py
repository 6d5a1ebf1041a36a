"""What a slice would become: the preview that a task shows over it, and how that is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

import numpy as np
from numpy.typing import NDArray

from sxtstudio.app.states import LeavesOut

Labels = NDArray[np.uint8]


class PreviewStyle(Enum):
    """How a preview is drawn.

    LABELS: 0 or 255, in the colour and the place of the labels. SHADES: 0…255 as shades of one colour,
    over the labels. CHANGES: in the place of the labels, what stays, goes and comes (``Change``). OBJECTS: in
    the place of labels and objects, each value in a colour of its own.
    """

    LABELS = "labels"
    SHADES = "shades"
    CHANGES = "changes"
    OBJECTS = "objects"


class Change(IntEnum):
    """The pixels of a preview of changes; 0 is background before and after."""

    STAYS = 1
    GOES = 2
    COMES = 3


@dataclass(frozen=True)
class Preview:
    """What slice ``z`` would become: uint8 (y, x), and how that is drawn; only trials have ``leaves_out``."""

    z: int
    labels: Labels
    title: str
    style: PreviewStyle = PreviewStyle.LABELS
    leaves_out: LeavesOut | None = None
