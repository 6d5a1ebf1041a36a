"""From a file of objects, or of labels, to a table of measurements."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.bodies.find import BodyParameters
from sxtstudio.core.bodies.found import FoundBodies, at_fill, bodies_table
from sxtstudio.core.bodies.membrane import membrane_in
from sxtstudio.core.bodies.method import Method
from sxtstudio.core.errors import UserError
from sxtstudio.core.label_values import LabelValues
from sxtstudio.core.length_unit import LengthUnit
from sxtstudio.core.measure.calibration import lac_warning
from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.measure.counted import Counted, at_border, counted, flagged
from sxtstudio.core.measure.flagged import with_open_cut
from sxtstudio.core.measure.inventory import take_inventory
from sxtstudio.core.measure.measure import GROUPS, measure_objects
from sxtstudio.core.measure.slices import SliceMeasurements, measure_slices
from sxtstudio.core.measure.subject import ColumnGroup
from sxtstudio.core.measure.table import about, object_table, slice_table
from sxtstudio.core.object_table import ObjectFlag, ObjectRow, ObjectTable
from sxtstudio.core.pace import Work
from sxtstudio.core.progress import Progress
from sxtstudio.core.reserved import create_numbers
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.volume import SizeUnknown, Volume, VoxelSize
from sxtstudio.core.walk import walk
from sxtstudio.core.watched_volume import Seen, WatchedVolume
from sxtstudio.core.wording import count
from sxtstudio.io import FileVolume, open_volume
from sxtstudio.io.tables import TABLE_SUFFIXES, dictionary_path, write_table
from sxtstudio.workflow.document.views import labels_to_disk
from sxtstudio.workflow.jobs.cleaning import check_same_shape
from sxtstudio.workflow.jobs.flag_table import FlagTable, read_flags
from sxtstudio.workflow.jobs.measure_more import MoreMeasurements, prepare, write_more
from sxtstudio.workflow.jobs.objects import TakenAs, number_objects, number_stage, why_no_body
from sxtstudio.workflow.jobs.outputs import OutputFile, check_outputs, check_space, on_disk, scratch_folder
from sxtstudio.workflow.jobs.unchanged import KnownInput

# Voxel sizes of objects and tomogram that differ by more than this are not the same.
_SAME_SIZE = 0.01
# Of objects and labels some background is left; of a tomogram in whole numbers hardly any voxel is 0.
_MOST_FILLED = 0.99


@dataclass(frozen=True)
class MeasureJob:
    """One run of ``sxtstudio measure``.

    Attributes
    ----------
    source
        A file of objects, or of labels.
    table, per_slice, meshes
        The table of objects, that of objects in slices, and a folder for a mesh of each object.
    image
        The tomogram, for grey values.
    taken_as
        None: several values are objects, one value is a label.
    method
        How objects are found in labels.
    label
        Take only voxels of this value, as labels.
    mesh_suffix
        .ply or .stl.
    more
        LAC, relations, contact sites, Table S1.
    with_border
        Objects at the border count in Table S1.
    flags
        A table that says which objects of ``source`` are open, doubtful or sheets, as ``objects`` writes it.
    """

    source: Path
    table: Path
    image: Path | None = None
    per_slice: Path | None = None
    meshes: Path | None = None
    taken_as: TakenAs | None = None
    method: Method = Method.BODIES
    label: int | None = None
    voxel_nm: VoxelSize | None = None
    mesh_suffix: str = ".ply"
    more: MoreMeasurements = field(default_factory=MoreMeasurements)
    with_border: bool = False
    flags: Path | None = None


@dataclass(frozen=True)
class MeasureResult:
    """What was measured, and what was written.

    ``taken_as`` says which way was gone, ``meshes`` how many were written.
    """

    measured: Measurements
    taken_as: TakenAs
    values: LabelValues
    voxel_nm: VoxelSize | None
    written: tuple[Path, ...]
    meshes: int
    notes: tuple[str, ...]
    rows: ObjectTable = field(default_factory=ObjectTable)

    @property
    def sheets(self) -> NDArray[np.bool_]:
        """Which objects are flagged as sheets, which enclose nothing (n,)."""
        return self.counted().sheets

    @property
    def at_border(self) -> NDArray[np.bool_]:
        """Which objects that are no sheets are cut by a border (n,)."""
        return self.counted().border

    def counted(self, *, with_border: bool = False) -> Counted:
        """Return which objects count in means, by the rule of all means."""
        numbers, rows = self.measured.numbers, self.rows.rows
        return counted(
            np.ones(len(numbers), np.bool_),
            at_border(numbers, self.measured.values["touches_border"], rows),
            flagged(numbers, rows, ObjectFlag.SHEET),
            with_border=with_border,
        )


@dataclass(frozen=True)
class KnownMeasurements:
    """What is known of all objects of a file.

    Attributes
    ----------
    values
        As ``known`` of ``measure_objects``.
    per_slice
        Of all objects, or None.
    seen
        What was seen of the tomogram meanwhile.
    """

    values: Mapping[str, NDArray[np.generic]]
    per_slice: SliceMeasurements | None
    seen: Seen


#: Gives objects their class once they are measured: measurements, rows and tomogram to other rows.
Decide = Callable[[Measurements, ObjectTable, Volume | None], ObjectTable]


def measure_file(
    job: MeasureJob,
    progress: Progress | None = None,
    *,
    groups: Sequence[ColumnGroup] = GROUPS,
    decide: Decide | None = None,
    known: KnownMeasurements | None = None,
    also_read: Iterable[Path | None] = (),
) -> MeasureResult:
    """Measure the objects of a file and write the tables, with a dictionary beside each.

    Parameters
    ----------
    job
        What to measure and write.
    progress
        Reports and takes the cancel.
    groups
        The columns that are measured.
    decide
        Gives the objects their classes before the table is written.
    known
        What was measured of the objects of this file before.
    also_read
        Inputs that ``decide`` knows of: nothing is written over them.

    Raises
    ------
    UserError
        If an input is bad or holds no object, the tomogram has another shape, or an output cannot be written;
        existing outputs are then as they were.
    Cancelled
        If the job was cancelled through ``progress``.
    """
    progress = progress or Progress()
    given = None if job.flags is None else read_flags(job.flags)
    if given is not None and given.has_classes and job.more.classes is None and decide is None:
        job = replace(job, more=replace(job.more, classes=job.flags))
    job.more.check(image=job.image is not None)
    written = check_measure_outputs(job, also_read)
    with ExitStack() as files:
        source = files.enter_context(open_volume(job.source))
        opened = KnownInput.of(job.source, source)
        image = None if job.image is None else files.enter_context(open_volume(job.image))
        if image is not None:
            check_same_shape(image, "tomogram", source.shape)
        voxel_nm, notes = voxel_size_of(job, source, image)
        voxels = math.prod(source.shape)
        check_space(job.table.parent, 8 * voxels)
        stages = Stages(progress, _stages(job, voxels))
        folder = files.enter_context(scratch_folder(job.table))
        with stages.stage(Work.COPY) as counter:
            numbers, values = labels_to_disk(
                source, folder / "values", job.source.name, counter, value=job.label, keep=True
            )
        check_values(values, job.source.name, voxels)
        opened.check()
        taken_as = TakenAs.of(values, job.taken_as, job.label)
        if taken_as is TakenAs.OBJECTS:
            values.check_objects()
        if taken_as is TakenAs.LABELS and given is not None:
            raise UserError(
                f"{job.source.name} holds labels, in which objects are found first: their numbers are not "
                "those of --flags. Give the file of objects that belongs to the table, or leave --flags out."
            )
        found: FoundBodies | None = None
        if taken_as is TakenAs.LABELS:
            with stages.stage(Work.REGIONS) as counter:
                numbers, found = _find(numbers, folder, job, voxel_nm, counter)
        with stages.stage(Work.MEASURE) as counter:
            more = prepare(job.more, groups, numbers, image, voxel_nm)
            watched = None if image is None else WatchedVolume(image, image.path.name)
            if watched is not None and known is not None:
                watched.seen = watched.seen | known.seen
            measured = measure_objects(
                numbers,
                voxel_nm,
                image=watched,
                groups=more.groups,
                known=None if known is None else known.values,
                progress=counter,
            )
        notes = notes if watched is None else (*notes, *watched.notes)
        unlikely = lac_warning(measured)
        notes = (*notes, *more.warnings, *((unlikely,) if unlikely else ()))
        rows = _with_classes(_rows(measured, found, given), more.classes)
        measured = with_open_cut(measured, rows)
        notes = (*notes, *_notes_of_flags(job, taken_as, given, rows))
        unknown = len(set(more.classes) - set(rows.rows))
        if unknown and job.more.classes is not None:
            notes = (
                *notes,
                f"{count(unknown, 'object')} of {job.more.classes.name} not in {job.source.name}: left out",
            )
        if decide is not None:
            rows = decide(measured, rows, image)
        described = about(job.source.name, voxel_nm, **_described(job, taken_as))
        with stages.stage(Work.TABLE) as counter:
            if job.per_slice is not None:
                each = None if known is None else known.per_slice
                if each is None:
                    each = measure_slices(numbers, voxel_nm, progress=counter)
                write_table(job.per_slice, slice_table(each, described))
            write_table(job.table, object_table(measured, rows, described))
            write_more(
                job.more,
                more,
                measured,
                numbers,
                voxel_nm,
                described,
                rows=rows,
                with_border=job.with_border,
            )
        meshes = 0
        if job.meshes is not None:
            with stages.stage(Work.SURFACE) as counter:
                meshes = write_meshes(
                    numbers, voxel_nm, job.meshes, source.origin_nm, suffix=job.mesh_suffix, progress=counter
                )
    return MeasureResult(measured, taken_as, values, voxel_nm, written, meshes, notes, rows)


def check_values(values: LabelValues, name: str, voxels: int) -> None:
    """Raise UserError if a file of so many voxels holds nothing, or is an image."""
    if not values.voxels:
        raise UserError(f"{name} holds no object and no label: every voxel is 0.")
    if sum(values.voxels.values()) > _MOST_FILLED * voxels:
        raise UserError(
            f"{name} has hardly any background (voxels that are 0), as an image has: give a "
            "file of objects or labels."
        )


def write_meshes(
    numbers: NDArray[Any],
    voxel_nm: VoxelSize | None,
    folder: Path,
    origin_nm: VoxelSize | None = None,
    *,
    suffix: str = ".ply",
    progress: Progress | None = None,
) -> int:
    """Write a smoothed mesh of each object as ``object_00012.ply`` and return how many there are.

    The folder is made where there is none; files of other names in it are left alone.
    """
    # VTK takes as long to load as all the rest, and a worker that measures writes no meshes.
    from sxtstudio.surface.handover.part import object_parts
    from sxtstudio.surface.handover.sink import Lengths
    from sxtstudio.surface.handover.write import write_file

    progress = progress or Progress()
    found = take_inventory(numbers, progress.part(0.1, "meshes"))
    folder.mkdir(exist_ok=True)
    boxes = {number: found.box(row) for row, number in enumerate(found.numbers.tolist())}
    lengths = Lengths(None)
    if voxel_nm is not None:
        z, y, x = origin_nm or (0.0, 0.0, 0.0)
        lengths = Lengths(LengthUnit.NM, (x, y, z))
    rest = progress.part(0.9, "meshes")
    written = 0
    for part in object_parts(numbers, boxes, ObjectTable(), voxel_nm, progress=rest):
        name = f"object_{part.number:05d}"
        write_file(folder / f"{name}{suffix}", iter((part,)), lengths, name, lambda _count: rest.check())
        written += 1
    return written


def check_measure_outputs(job: MeasureJob, also_read: Iterable[Path | None] = ()) -> tuple[Path, ...]:
    """Check all that will be written, against all that is read; return it."""
    tables = [
        (job.table, "a table"),
        (job.per_slice, "a table of slices"),
        (job.more.sites, "a table of contact sites"),
    ]
    outputs = job.more.outputs()
    for path, what in tables:
        if path is not None:
            outputs.append(OutputFile(path, what, TABLE_SUFFIXES))
            beside = dictionary_path(path)
            if beside is not None:
                outputs.append(OutputFile(beside, "a dictionary", (".csv",)))
    check_outputs(outputs, [job.source, job.image, job.flags, *job.more.inputs(), *also_read])
    if job.meshes is not None:
        if job.meshes.exists() and not job.meshes.is_dir():
            raise UserError(f"{job.meshes} is a file: give a folder for the meshes.")
        if job.meshes.is_dir() and on_disk(job.source).is_dir() and job.meshes.samefile(on_disk(job.source)):
            raise UserError(f"{job.meshes} is the input: give another folder for the meshes.")
        if not job.meshes.is_dir() and not job.meshes.parent.is_dir():
            raise UserError(f"{job.meshes} cannot be made because {job.meshes.parent} is no folder.")
    return tuple(output.path for output in outputs)


def voxel_size_of(
    job: MeasureJob, source: FileVolume, image: FileVolume | None
) -> tuple[VoxelSize | None, tuple[str, ...]]:
    """Return the voxel size, and what the user should know of it and of the file."""
    theirs = None if image is None else image.voxel_nm
    size = job.voxel_nm or source.voxel_nm or theirs
    notes = [note for note in source.notes if not isinstance(note, SizeUnknown)]
    if size is None:
        notes.append("the voxel size is unknown, so everything is measured in voxels: give it with --voxel")
    elif job.voxel_nm is None and source.voxel_nm is None:
        notes.append(f"the voxel size is that of {image.path.name if image else ''}")
    elif theirs is not None and job.voxel_nm is None:
        if any(abs(a - b) > _SAME_SIZE * a for a, b in zip(size, theirs, strict=True)):
            notes.append(
                f"the voxel size of the tomogram is another one ({_size(theirs)} nm); that of "
                f"{job.source.name} is taken ({_size(size)} nm)"
            )
    return size, tuple(notes)


def _size(voxel_nm: VoxelSize) -> str:
    return " × ".join(f"{edge:g}" for edge in voxel_nm)


def _find(
    values: NDArray[Any], folder: Path, job: MeasureJob, voxel_nm: VoxelSize | None, progress: Progress
) -> tuple[NDArray[Any], FoundBodies]:
    """Number the objects of labels in a map of their own, as ``sxtstudio objects`` does."""
    z, y, x = values.shape
    labels = create_numbers(folder / "labels", (z, y, x), 1, "write to another disk")
    for box in walk((z, y, x), values, labels):
        labels[box.slices] = values[box.slices] != 0
    numbers = create_numbers(folder / "objects", (z, y, x), 4, "write to another disk")
    found = number_objects(
        labels, numbers, job.method, BodyParameters(membrane=membrane_in(voxel_nm)), voxel_nm, progress
    )
    if not found.count:
        advice = "use '--method components', or find objects with 'sxtstudio objects' and a wider --close."
        raise UserError(why_no_body(job.source.name, labels, advice))
    return numbers, found


def _notes_of_flags(
    job: MeasureJob, taken_as: TakenAs, given: FlagTable | None, rows: ObjectTable
) -> tuple[str, ...]:
    """Say what is not known of the objects of a file, for want of the table of their flags."""
    if taken_as is TakenAs.LABELS:
        return ()
    if given is None or job.flags is None:
        return (
            "which objects are open, doubtful or sheets is not known: give the table of 'sxtstudio objects "
            "--table' with --flags",
        )
    here = set(rows.rows)
    if here.isdisjoint(given.flags):
        raise UserError(
            f"{job.flags.name} names no object of {job.source.name}: give the table that was written with it."
        )
    missing = len(here - set(given.flags))
    if not missing:
        return ()
    return (f"{job.flags.name} does not have {count(missing, 'object')} of {job.source.name}",)


def _rows(measured: Measurements, found: FoundBodies | None, given: FlagTable | None) -> ObjectTable:
    """Return the rows of the objects: with the flags that were found or given, or that follow from shape."""
    if found is not None:
        cut = measured.numbers[measured.values["touches_border"] == 1]
        return bodies_table(at_fill(found, cut.tolist()))
    if given is not None:
        border = measured.values["touches_border"] == 1
        nothing: frozenset[ObjectFlag] = frozenset()
        return ObjectTable(
            {
                n: ObjectRow(flags=given.flags.get(n, nothing) | ({ObjectFlag.BORDER} if cut else nothing))
                for n, cut in zip(measured.numbers.tolist(), border.tolist(), strict=True)
            }
        )
    columns = ((ObjectFlag.BORDER, "touches_border"), (ObjectFlag.OPEN, "cut_by_wedge"))
    each = zip(*(measured.values[key].tolist() for _, key in columns), strict=True)
    rows = (
        ObjectRow(flags=frozenset(flag for (flag, _), there in zip(columns, row, strict=True) if there == 1))
        for row in each
    )
    return ObjectTable(dict(zip(measured.numbers.tolist(), rows, strict=True)))


def _with_classes(table: ObjectTable, classes: Mapping[int, str]) -> ObjectTable:
    """Return a table in which objects have the classes that were given for them."""
    rows = {
        number: replace(row, class_name=classes.get(number, row.class_name))
        for number, row in table.rows.items()
    }
    return ObjectTable(rows, table.classes) if classes else table


def _described(job: MeasureJob, taken_as: TakenAs) -> dict[str, str]:
    ways = {
        Method.BODIES: "bodies that outlines enclose",
        Method.COMPONENTS: "label voxels that hang together",
    }
    objects = "numbers of the file" if taken_as is TakenAs.OBJECTS else ways[job.method]
    return {"objects are": objects, **({"tomogram": job.image.name} if job.image else {})}


def _stages(job: MeasureJob, voxels: int) -> tuple[Stage, ...]:
    return (
        Stage(Work.COPY, voxels, "reading objects"),
        number_stage(job.method, voxels),
        Stage(Work.MEASURE, voxels, "measuring"),
        Stage(Work.TABLE, voxels, "table"),
        *((Stage(Work.SURFACE, voxels, "meshes"),) if job.meshes else ()),
    )
