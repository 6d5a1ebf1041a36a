"""Projects and files as what is handed over, for the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.handover import Content
from sxtstudio.core.label_image import unique_names
from sxtstudio.core.measure.kept import KeptMeasurements, mark_of_classes
from sxtstudio.core.measure.tabled import measure_tabled
from sxtstudio.core.object_classes import ObjectClass
from sxtstudio.core.object_colours import number_colours
from sxtstudio.core.object_table import ObjectRow, ObjectTable
from sxtstudio.core.pace import Work
from sxtstudio.core.progress import Progress
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.volume import VoxelSize
from sxtstudio.core.wording import shape_text
from sxtstudio.io import FileVolume, open_volume
from sxtstudio.io.legend import read_legend
from sxtstudio.io.project import is_project
from sxtstudio.workflow.document.exporting import ExportSource, ImageBeneath, source_of
from sxtstudio.workflow.document.object_input import with_classes
from sxtstudio.workflow.document.project import open_project
from sxtstudio.workflow.document.recovery import of_a_command
from sxtstudio.workflow.document.views import labels_to_disk, notes_of
from sxtstudio.workflow.jobs.class_table import classes_in
from sxtstudio.workflow.jobs.outputs import scratch_folder

#: What needs measurements.
_MEASURED = (Content.TABLE, Content.PLOTS)
_IMAGES = (Content.IMAGE, Content.OUTPUT)
_OF_OBJECTS = (Content.OBJECTS, Content.CLASSES, Content.TABLE, Content.PLOTS, Content.SURFACES)


@contextmanager
def opened_source(
    path: Path,
    content: Content,
    beside: Path,
    *,
    tomogram: Path | None = None,
    table: Path | None = None,
    voxel_nm: VoxelSize | None = None,
    whole: bool = False,
    progress: Progress | None = None,
) -> Iterator[tuple[ExportSource, tuple[str, ...]]]:
    """Open a project, or a file of labels, objects or an image, and yield it with notes for the user.

    Parameters
    ----------
    path
        The project folder, or the file. In a file the values are what ``content`` says: objects, classes, or
        labels where they are not 0.
    beside
        What will be written: on its disk is room for copies.
    tomogram
        Where that of a project lies now; for a file of labels the one that they are of: over it they are
        shown, its grey values are measured, and it has the voxel size and position that they do not say.
    table
        A table with the classes of the objects of a file.
    whole
        Refuse a project of which a part cannot be read, such as its objects.
    voxel_nm
        The voxel size (z, y, x) of a file that does not say it, or wrongly.

    Raises
    ------
    UserError
        If it cannot be read, or holds nothing of that kind.
    Cancelled
        If the user stopped it.
    """
    progress = progress or Progress()
    if is_project(path):
        measure = content in _MEASURED
        opened = open_project(path, tomogram=tomogram, progress=progress.part(0.5 if measure else 1.0))
        document = opened.document
        try:
            of_a_command(document.folder)
            if whole and document.unread:
                lost = " ".join(opened.notes)
                raise UserError(f"Not all of {path} could be read, and its results would lack that: {lost}")
            source, notes = source_of(document), opened.notes
            if measure and source.measured is None and source.objects is not None:
                found = _measured(source, source.objects, source.tomogram, progress.part(0.5))
                source = replace(source, measured=found)
                notes += ("The objects had not been measured: they were now.",)
            yield source, notes
        finally:
            document.discard()
            document.close()
        return
    with open_volume(path) as file, scratch_folder(beside) as folder:
        if content is Content.METHODS:
            raise UserError(f"{path.name} does not say what was done: give a project.")
        bare = ExportSource(file, None, None, voxel_nm or file.voxel_nm, file.place)
        if content in _IMAGES:
            yield bare, notes_of(file, voxel_nm)
        elif tomogram is None:
            yield _of_labels(bare, file, content, folder, None, table, progress), notes_of(file, voxel_nm)
        else:
            with open_volume(tomogram) as image:
                over = _over(bare, image)
                notes = notes_of(file, over.voxel_nm)
                yield _of_labels(over, file, content, folder, image, table, progress), notes


def _over(bare: ExportSource, image: FileVolume) -> ExportSource:
    """Return labels as those of a tomogram: where they do not say voxel size and position, they have its."""
    if image.shape != bare.tomogram.shape:
        raise UserError(
            f"{bare.tomogram.path.name} has {shape_text(bare.tomogram.shape)} voxels, and {image.path.name} "
            f"has {shape_text(image.shape)} (z × y × x): give the tomogram of these labels."
        )
    return replace(
        bare,
        voxel_nm=bare.voxel_nm or image.voxel_nm,
        place=image.place if bare.place.origin_nm is None else bare.place,
        image=ImageBeneath(image.path, image.place),
    )


def _of_labels(
    bare: ExportSource,
    file: FileVolume,
    content: Content,
    folder: Path,
    image: FileVolume | None,
    table: Path | None,
    progress: Progress,
) -> ExportSource:
    """Copy the values of a file to ``folder``, and say what they are."""
    voxels = int(np.prod(file.shape))
    measuring = content in _MEASURED
    stages = Stages(
        progress,
        (
            Stage(Work.COPY, voxels, "reading labels"),
            *((Stage(Work.MEASURE, voxels, "measuring"),) if measuring else ()),
        ),
    )
    keep = content in _OF_OBJECTS
    with stages.stage(Work.COPY) as counter:
        array, values = labels_to_disk(file, folder / "values", file.path.name, counter, keep=keep)
    if not values.voxels:
        raise UserError(f"{file.path.name} holds no label: every voxel is 0.")
    if content is Content.MASK:
        return replace(bare, mask=array)
    if not keep or (content in (Content.OBJECTS, Content.SURFACES) and not values.several):
        return replace(bare, labels=_ones(array))
    if min(values.voxels) < 0:
        raise UserError(f"{file.path.name} holds negative numbers, and objects are numbered from 1.")
    known = _table(file, content, list(values.voxels), table)
    source = replace(bare, labels=None, objects=array, table=known)
    if measuring:
        with stages.stage(Work.MEASURE) as counter:
            source = replace(source, measured=_measured(source, array, image, counter))
    return source


def _ones(array: NDArray[Any]) -> NDArray[np.uint8]:
    """Labels of one value may have any; only whether a voxel is 0 counts."""
    return array if array.dtype == np.uint8 else (array != 0).view(np.uint8)


def _table(file: FileVolume, content: Content, values: list[int], table: Path | None) -> ObjectTable:
    """Return the objects of a file with their classes: those of a table, or a class for each value.

    Names and colours of the values are those of the file, where it has such.
    """
    if content is Content.CLASSES and table is None:
        colours = number_colours(np.array(values)).tolist()
        legend = {entry.value: entry for entry in read_legend(file.path)}  # of the file itself
        names_of = unique_names(
            legend[value].name if value in legend else f"Class {value}" for value in values
        )
        classes = tuple(
            ObjectClass(name, legend[value].rgb if value in legend else (rgb[0], rgb[1], rgb[2]))
            for value, name, rgb in zip(values, names_of, colours, strict=True)
        )
        rows = {value: ObjectRow(one.name) for value, one in zip(values, classes, strict=True)}
        return ObjectTable(rows, classes)
    found = ObjectTable.of(values)
    if table is None:
        return found
    given = classes_in(table, by_hand=False)
    if not given.keys() & found.rows.keys():
        raise UserError(f"{table.name} names no object of {file.path.name}: give its own table.")
    classes = with_classes(found.classes, filter(None, given.values()))
    spelt = {one.name.casefold(): one.name for one in classes}
    rows = {
        number: replace(row, class_name=spelt.get(given.get(number, "").casefold(), ""))
        for number, row in found.rows.items()
    }
    return ObjectTable(rows, classes)


def _measured(
    source: ExportSource, objects: NDArray[Any], image: FileVolume | None, progress: Progress
) -> KeptMeasurements:
    lac = None if source.record is None else source.record.lac
    found = measure_tabled(objects, source.table, source.voxel_nm, image=image, lac=lac, progress=progress)
    return KeptMeasurements(found, voxel_nm=source.voxel_nm, classified=mark_of_classes(source.table))
