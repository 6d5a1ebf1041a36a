"""What is found in the labels of a tomogram once it is segmented: objects, and their classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sxtstudio.core.errors import SliceBase, sentence_of
from sxtstudio.core.logs import LOGGER
from sxtstudio.core.object_table import ObjectFlag
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import VoxelSize


@dataclass(frozen=True)
class ObjectsWanted:
    """What is to be found: objects, and with a ``classifier`` (a file) also their classes.

    ``voxel_nm`` is in place of what the files say.
    """

    classifier: Path | None = None
    voxel_nm: VoxelSize | None = None


@dataclass(frozen=True)
class ObjectsFound:
    """What was found: how many of each class ("": without one), and what the user should know.

    So many of them are ``bodies``; the others are pieces of membrane, which enclose nothing. So many, of
    both, touch the ``border``. None where that is not known. ``trouble`` is a sentence where it went wrong.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    trouble: str = ""
    bodies: int | None = None
    border: int | None = None


def find_objects(wanted: ObjectsWanted, tomogram: Path, labels: Path, progress: Progress) -> ObjectsFound:
    """Write the objects of a label file beside it, and their tables.

    Raises
    ------
    UserError
        As ``objects_file`` and ``classify_file``.
    Cancelled
        If the job was cancelled through ``progress``.
    """
    from sxtstudio.workflow.jobs.classifying import ClassifyJob, classify_file
    from sxtstudio.workflow.jobs.measuring import MeasureJob
    from sxtstudio.workflow.jobs.objects import ObjectsJob, TakenAs, objects_file

    output, voxel_nm = objects_path(labels), wanted.voxel_nm
    classes, table = object_tables(labels)
    progress.begin(1)
    job = ObjectsJob(labels, output, image=tomogram, table=table, voxel_nm=voxel_nm)
    found = objects_file(job, progress.part(0.6, "objects")).found
    bodies, border = found.bodies, found.flagged(ObjectFlag.BORDER)
    if wanted.classifier is None:
        return ObjectsFound({"": found.count}, bodies=bodies, border=border)
    # Where there is one object, its file has one value, as labels have.
    measure = MeasureJob(
        output, classes, image=tomogram, flags=table, voxel_nm=voxel_nm, taken_as=TakenAs.OBJECTS
    )
    classified = classify_file(ClassifyJob(measure, wanted.classifier), progress.part(0.4, "classes"))
    return ObjectsFound(dict(classified.counts), tuple(classified.notes), bodies=bodies, border=border)


def trouble_of(error: Exception, slices_from: SliceBase) -> str:
    """Return the sentence of an error after a segmentation; what nobody expected goes to the log as well."""
    said = sentence_of(error, slices_from)
    if said is None:
        LOGGER.error("unexpected error after a segmentation", exc_info=error)
        said = f"Something went wrong in the program ({type(error).__name__}); see the log file."
    return said


def object_tables(labels: Path) -> tuple[Path, Path]:
    """Return the tables of the objects with their classes, and with their flags only."""
    flags = objects_path(labels).with_suffix(".csv")
    return flags.with_suffix(".classes.csv"), flags


def objects_path(labels: Path) -> Path:
    """Return the file for the objects of a label file: cell.labels.tif gives cell.objects.tif."""
    stem = labels.name.removesuffix(labels.suffix)
    head, dot, tail = stem.rpartition(".labels")
    return labels.with_name(
        f"{head}.objects{tail}{labels.suffix}" if dot else f"{stem}.objects{labels.suffix}"
    )
