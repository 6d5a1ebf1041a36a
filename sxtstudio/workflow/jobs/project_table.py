"""The objects of a saved project as a table: measured as they are in it, with their classes and flags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.measure.flagged import with_border, with_open_cut
from sxtstudio.core.measure.measure import measure_objects
from sxtstudio.core.measure.table import about, object_table
from sxtstudio.core.object_table import ObjectTable
from sxtstudio.core.progress import Progress
from sxtstudio.io import open_volume
from sxtstudio.io.object_table import read_table
from sxtstudio.io.project import Record, project_folder, read_record, volume_path
from sxtstudio.workflow.document.views import labels_to_disk
from sxtstudio.workflow.jobs.outputs import check_space, scratch_folder

_READ_SHARE = 0.3


def project_columns(path: Path, progress: Progress | None = None) -> dict[str, NDArray[Any]]:
    """Measure the objects of a project; return the columns by their names, as a table of them has.

    Raises
    ------
    UserError
        If it is no project, is damaged, or has no objects.
    Cancelled
        If the job was cancelled through ``progress``.
    """
    progress = progress or Progress()
    folder = project_folder(path)
    record = read_record(folder)
    stored = record.volumes.get("objects")
    if stored is None:
        raise UserError(f"The project {folder.name} has no objects: find them in it, and save it.")
    with open_volume(volume_path(folder, stored)) as source:
        check_space(folder.parent, int(np.prod(source.shape)) * 4)
        with scratch_folder(folder.with_name(f"{folder.name}-table")) as scratch:
            objects, values = labels_to_disk(
                source, scratch / "objects", folder.name, progress.part(_READ_SHARE), keep=True
            )
            measured = measure_objects(objects, record.voxel_nm, progress=progress.part(1 - _READ_SHARE))
    rows = _rows(folder, record) or ObjectTable.of(values.voxels)
    measured = with_border(with_open_cut(measured, rows), rows)
    table = object_table(measured, rows, about(folder.name, record.voxel_nm))
    return {column.name: np.asarray(column.values) for column in table.columns}


def _rows(folder: Path, record: Record) -> ObjectTable | None:
    if record.table is None:
        return None
    return read_table(folder / record.table.name, f"The table of the objects in {folder.name}")[0]
