"""Measure the objects of a table: with what their classes and flags add to what their voxels say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from sxtstudio.core.measure.calibration import LacCalibration, calibrated_anew
from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.measure.contacts import ContactRule, contacts_group
from sxtstudio.core.measure.flagged import with_border, with_open_cut
from sxtstudio.core.measure.measure import GROUPS, measure_objects
from sxtstudio.core.measure.relations import relations_group
from sxtstudio.core.object_table import ObjectTable
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume, VoxelSize


def measure_tabled(
    objects: NDArray[Any],
    table: ObjectTable,
    voxel_nm: VoxelSize | None,
    *,
    image: Volume | None = None,
    contacts: Sequence[ContactRule] = (),
    lac: LacCalibration | None = None,
    progress: Progress | None = None,
) -> Measurements:
    """Measure everything of every object: the one way of the window, of exports, and of doing all again.

    Parameters
    ----------
    objects, voxel_nm, image, progress
        As of ``measure_objects``.
    table
        The rows of the objects: distances go to their classes, and bodies that are flagged as open count as
        cut by the missing wedge, and those that are flagged so as at the border.
    contacts
        The contacts of classes to look for, too.
    lac
        The calibration of the tomogram, where there is one.

    Raises
    ------
    UserError, Cancelled
        As ``measure_objects``.
    """
    classes = {number: row.class_name for number, row in table.rows.items()}
    groups = (*GROUPS, relations_group(classes), *([contacts_group(classes, contacts)] if contacts else []))
    found = measure_objects(objects, voxel_nm, image=image, groups=groups, progress=progress)
    return calibrated_anew(with_border(with_open_cut(found, table), table), lac)
