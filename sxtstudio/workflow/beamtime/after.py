"""What comes after the segmentation of a tomogram: objects, quality, pictures.

Each of these may fail without harm to the others: what went wrong stands in the record.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from sxtstudio.core.errors import SliceBase
from sxtstudio.core.plain_files import refuse_linked_folder
from sxtstudio.core.progress import Progress
from sxtstudio.core.quality.record import Quality
from sxtstudio.core.volume import VoxelSize
from sxtstudio.io import open_volume
from sxtstudio.workflow.beamtime.pictures import read_planes, write_pictures
from sxtstudio.workflow.beamtime.record import PICTURES, PictureKind, TomogramRecord, TomogramState
from sxtstudio.workflow.document.views import VolumeView
from sxtstudio.workflow.jobs.batch_objects import (
    ObjectsFound,
    ObjectsWanted,
    find_objects,
    object_tables,
    trouble_of,
)
from sxtstudio.workflow.jobs.quality import QualityJob

#: Judges a tomogram.
Judge = Callable[[QualityJob, Progress], Quality]


class AfterSegmentation:
    """Does what is wanted of each tomogram of a beamtime.

    Parameters
    ----------
    page
        The folder of the pictures.
    objects
        None where none are looked for.
    voxel_nm
        In place of what the files say.
    judge
        Judges the quality.
    slices_from
        The number of the first slice in messages.
    on_step
        Hears what is done to which tomogram.
    """

    def __init__(
        self,
        page: Path,
        objects: ObjectsWanted | None,
        voxel_nm: VoxelSize | None,
        judge: Judge,
        slices_from: SliceBase,
        on_step: Callable[[TomogramRecord, str], None],
    ) -> None:
        self._page, self._wanted, self._voxel_nm = page, objects, voxel_nm
        self._judge, self._slices_from, self._on_step = judge, slices_from, on_step

    def run(
        self,
        record: TomogramRecord,
        tomogram: Path,
        labels: Path,
        found: ObjectsFound | None,
        progress: Progress,
    ) -> TomogramRecord:
        """Return the record with all that came of it; ``found`` are the objects, where a worker did that."""
        steps: tuple[tuple[str, Callable[[TomogramRecord, Progress], dict[str, Any]]], ...] = (
            ("objects", lambda one, counter: self._objects(one, tomogram, labels, found, counter)),
            ("quality", lambda one, counter: self._quality(one, tomogram, labels, counter)),
            ("pictures", lambda one, counter: self._pictures(one, tomogram, labels, counter)),
        )
        for name, step in steps:
            progress.restart(name)
            self._on_step(record, name)
            try:
                record = replace(record, **step(record, progress.part(1, name)))
            except Exception as error:
                said = f"No {name}: {trouble_of(error, self._slices_from)}"
                record = replace(record, messages=(*record.messages, said))
        return replace(record, state=TomogramState.DONE)

    def _objects(
        self,
        record: TomogramRecord,
        tomogram: Path,
        labels: Path,
        found: ObjectsFound | None,
        progress: Progress,
    ) -> dict[str, Any]:
        if self._wanted is None:
            return {}
        if found is None:
            found = find_objects(self._wanted, tomogram, labels, progress)
        if found.trouble:
            return {"messages": (*record.messages, f"No objects: {found.trouble}")}
        return {
            "objects": dict(found.counts),
            "bodies": found.bodies,
            "border": found.border,
            "messages": (*record.messages, *found.notes),
        }

    def _quality(
        self, record: TomogramRecord, tomogram: Path, labels: Path, progress: Progress
    ) -> dict[str, Any]:
        table = next((path for path in object_tables(labels) if record.objects and path.is_file()), None)
        job = QualityJob(tomogram, labels, objects=table, voxel_nm=self._voxel_nm)
        return {"quality": self._judge(job, progress)}

    def _pictures(
        self, record: TomogramRecord, tomogram: Path, labels: Path, progress: Progress
    ) -> dict[str, Any]:
        refuse_linked_folder(self._page / PICTURES)

        def path_of(kind: PictureKind) -> Path:
            return self._page / PICTURES / f"{record.id}-{kind.value}.png"

        with open_volume(tomogram) as image, open_volume(labels) as there:
            voxel_nm = self._voxel_nm or image.voxel_nm
            view = VolumeView(image, (0, image.shape[0]), voxel_nm)
            planes = read_planes(view, there, progress)
            facts = {"shape": image.shape, "voxel_nm": voxel_nm, "labelled": planes.labelled}
        made, trouble = write_pictures(planes, path_of)
        messages = (*record.messages, *([trouble] if trouble else []))
        return {**facts, "pictures": made, "messages": messages}
