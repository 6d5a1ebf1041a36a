"""The grey value of a material in what is open: where the user says that it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.object_table import NONE_CHOSEN
from sxtstudio.core.progress import Progress
from sxtstudio.core.wording import slice_number
from sxtstudio.workflow.document.document import Document

if TYPE_CHECKING:  # at run time this loads what measures objects
    from sxtstudio.core.measure.samples import MaterialGrey

#: Of the cube around the crosshair, in voxels on each side of it.
REACH = 7


class SampleFrom(Enum):
    """Where a material is."""

    CROSSHAIR = "around the crosshair"
    OBJECT = "the chosen object"
    LABELS = "labels in this slice"
    OUTSIDE = "outside the cell mask, in this slice"


@dataclass(frozen=True)
class MaterialPlace:
    """Where a material is: the voxel of the crosshair (z, y, x), and the chosen object or 0."""

    source: SampleFrom
    cursor: Triple
    number: int = 0


def sample_document(
    document: Document, place: MaterialPlace, progress: Progress | None = None
) -> MaterialGrey:
    """Take the grey value of a material; called in a thread.

    Raises
    ------
    UserError
        If there is no such object, label or mask, or no grey value.
    """
    from sxtstudio.core.measure.samples import sample_object, sample_place

    z = place.cursor[0]
    shape = document.shape
    if place.source is SampleFrom.CROSSHAIR:
        start = place.cursor
        box = Box(start, (start[0] + 1, start[1] + 1, start[2] + 1)).grown((REACH, REACH, REACH), shape)
        x, y = place.cursor[2], place.cursor[1]
        text = f"around x {x}, y {y} in slice {slice_number(z)}"
        return sample_place(document.tomogram, box, text, progress=progress)
    if place.source is SampleFrom.OBJECT:
        objects, found = document.objects, document.box_of(place.number)
        if objects is None or found is None:
            raise UserError(NONE_CHOSEN)
        return sample_object(document.tomogram, objects, place.number, found, document.voxel_nm)
    labelled = place.source is SampleFrom.LABELS
    plane = document.labels if labelled else document.mask
    if plane is None or (labelled and not plane[z].any()):
        raise UserError(
            f"There are no labels in slice {slice_number(z)}. Paint some where the material is, or choose "
            "another place."
            if labelled
            else "There is no cell mask yet. Make one in the panel “Cell mask”, or choose another place."
        )

    def inside(box: Box) -> NDArray[np.bool_]:
        return np.asarray((plane[box.slices] != 0) == labelled)

    text = f"{'labels' if labelled else 'outside the cell mask'} in slice {slice_number(z)}"
    return sample_place(document.tomogram, Box.slab(z, z + 1, shape), text, inside, progress)
