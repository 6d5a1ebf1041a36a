"""From a label file to a file of objects: one number per body, or per piece that hangs together."""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.bodies.find import BodyParameters, RegionsOf, body_stages, find_bodies
from sxtstudio.core.bodies.found import FoundBodies, at_fill, find_at_border, flag_bodies, keep_large
from sxtstudio.core.bodies.membrane import membrane_in
from sxtstudio.core.bodies.method import Method
from sxtstudio.core.bodies.regions import enclose_something
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.label_values import LabelValues
from sxtstudio.core.measure.table import FLAGS, NUMBER, FileColumn, Table, about
from sxtstudio.core.measured_edge import numbers_at_fill
from sxtstudio.core.objects import label_objects
from sxtstudio.core.pace import Work
from sxtstudio.core.progress import Progress
from sxtstudio.core.reserved import create_numbers
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.volume import Volume, VoxelSize
from sxtstudio.core.walk import walk
from sxtstudio.core.watched_volume import WatchedVolume
from sxtstudio.core.wording import count
from sxtstudio.io import ExportReceipt, export_volume, open_volume
from sxtstudio.io.tables import TABLE_SUFFIXES, write_table
from sxtstudio.workflow.document.views import labels_to_disk, notes_of
from sxtstudio.workflow.jobs.cleaning import check_mask, check_same_shape
from sxtstudio.workflow.jobs.outputs import (
    VOLUME_SUFFIXES,
    OutputFile,
    check_outputs,
    check_space,
    scratch_folder,
)
from sxtstudio.workflow.jobs.unchanged import KnownInput


class TakenAs(StrEnum):
    """What the numbers of a file are."""

    OBJECTS = "objects"  # one number per object
    LABELS = "labels"  # outlines, or other labels, in which objects are found first

    @classmethod
    def of(cls, values: LabelValues, wanted: TakenAs | None, label: int | None) -> TakenAs:
        """Return what is ``wanted``; None: several values are objects, unless one is the ``label``."""
        if label is not None:
            return cls.LABELS
        return wanted or (cls.OBJECTS if values.several else cls.LABELS)


@dataclass(frozen=True)
class ObjectsJob:
    """One run of ``sxtstudio objects``.

    Attributes
    ----------
    gap_nm
        Gaps in outlines up to this width are closed; None closes those of up to 6 px.
    split
        Bodies are divided where their neck is narrower than this share of the narrower part, 0…1.
    min_voxels, min_nm3
        Objects smaller than this are left out; both None: than 30 voxels, as in the window.
    mask
        What lies outside of this is nothing.
    membrane_nm
        So much of the line around a body is its membrane; 0 is all of it, None as of ``membrane_in``.
    sheets, caps
        As of ``BodyParameters``.
    image
        The tomogram, which tells droplets without a lumen from thick outlines.
    probability
        The network's output: gaps across which it saw a faint membrane are closed, and objects whose outline
        it was not sure of are flagged.
    table
        For the flags of the objects.
    taken_as
        None: several values are objects, one value is a label.
    """

    labels: Path
    output: Path
    method: Method = Method.BODIES
    gap_nm: float | None = None
    split: float = 0.0
    min_voxels: int | None = None
    min_nm3: float | None = None
    mask: Path | None = None
    voxel_nm: VoxelSize | None = None
    label: int | None = None
    membrane_nm: float | None = None
    sheets: bool = True
    caps: bool = True
    image: Path | None = None
    probability: Path | None = None
    table: Path | None = None
    taken_as: TakenAs | None = None


@dataclass(frozen=True)
class ObjectsResult:
    """What was found and written; ``taken_as`` and ``values`` say what the file held.

    ``judged``: outlines of which the network was not sure are flagged.
    """

    found: FoundBodies
    taken_as: TakenAs
    values: LabelValues
    receipt: ExportReceipt
    voxel_nm: VoxelSize | None
    notes: tuple[str, ...]
    judged: bool = False


class NumberedBy(Protocol):
    """Numbers the objects of labels, as ``number_objects`` does."""

    def __call__(
        self,
        labels: NDArray[np.uint8],
        numbers: NDArray[np.uint32],
        method: Method,
        parameters: BodyParameters,
        voxel_nm: VoxelSize | None,
        progress: Progress,
        image: Volume | None,
        probability: Volume | None,
        /,
    ) -> FoundBodies:
        """Return what was found."""


def objects_file(
    job: ObjectsJob, progress: Progress | None = None, *, numbered_by: NumberedBy | None = None
) -> ObjectsResult:
    """Number the objects of a label file and write them, uint16 where their numbers fit, else uint32.

    ``numbered_by`` finds them; None does it here.

    Raises
    ------
    UserError
        If an input or a parameter is bad, there is no label or no object, or the output cannot be written;
        an existing output is then as it was.
    Cancelled
        If the job was cancelled through ``progress``.
    """
    progress = progress or Progress()
    inputs = (job.labels, job.mask, job.image, job.probability)
    outputs = [OutputFile(job.output, "objects", VOLUME_SUFFIXES)]
    if job.table is not None:
        outputs.append(OutputFile(job.table, "a table", TABLE_SUFFIXES))
    check_outputs(outputs, inputs)
    with ExitStack() as stack:
        source = stack.enter_context(open_volume(job.labels))
        known = KnownInput.of(job.labels, source)
        voxel_nm = job.voxel_nm or source.voxel_nm
        smallest = _smallest(job, voxel_nm)
        parameters = parameters_of(job, voxel_nm)
        image, probability = (
            None if path is None else _opened(path, what, source.shape, stack)
            for path, what in ((job.image, "tomogram"), (job.probability, "network's output"))
        )
        voxels = math.prod(source.shape)
        check_space(job.output.parent, 6 * voxels)
        stages = Stages(progress, _stages(job, voxels))
        folder = stack.enter_context(scratch_folder(job.output))
        with stages.stage(Work.COPY) as counter:
            labels, values = labels_to_disk(
                source, folder / "labels", job.labels.name, counter, value=job.label
            )
        if not values.voxels:
            raise UserError(f"{job.labels.name} holds no label: every voxel is 0, so there is no object.")
        if job.mask is not None:
            with stages.stage(Work.MASK) as counter:
                keep_inside(labels, job.mask, counter)
        known.check()
        numbers = create_numbers(folder / "objects", source.shape, 4, "write to another disk")
        taken_as = TakenAs.of(values, job.taken_as, job.label)
        with stages.stage(Work.REGIONS) as counter:
            if taken_as is TakenAs.OBJECTS:
                found = _taken_over(source, values, labels, numbers, counter)
            else:
                found = (numbered_by or number_objects)(
                    labels, numbers, job.method, parameters, voxel_nm, counter, image, probability
                )
        if image is not None:
            with stages.stage(Work.COPY) as counter:
                found = at_fill(found, numbers_at_fill(numbers, image, counter).tolist())
        numbered = found.count
        with stages.stage(Work.REWRITE) as counter:
            found = keep_large(numbers, found, smallest, counter)
        if not found.count:
            raise UserError(_why_none(job, values, numbered, smallest, labels))
        with stages.stage(Work.EXPORT) as counter:
            receipt = export_volume(
                job.output,
                Numbers(numbers, voxel_nm, np.uint16 if found.count < 1 << 16 else np.uint32),
                voxel_nm=voxel_nm,
                place=source.place,
                kind="objects",
                progress=counter,
            )
        if job.table is not None:
            write_table(job.table, _table(found, job.output.name, voxel_nm))
        watched = [volume for volume in (image, probability) if volume is not None]
        notes = (*notes_of(source, job.voxel_nm), *(note for one in watched for note in one.notes))
        judged = probability is not None and not probability.blank
    return ObjectsResult(found, taken_as, values, receipt, voxel_nm, notes, judged)


def why_no_body(name: str, labels: NDArray[np.uint8], advice: str) -> str:
    """Return why labels (z, y, x) hold no body; ``advice`` is for outlines that close around nothing."""
    if enclose_something(labels):
        return (
            f"What the outlines in {name} enclose is too flat or too small for a body, so there is no "
            "object: outline it in more slices, or take '--method components', which numbers the outlines "
            "themselves."
        )
    return f"{name} holds outlines that enclose nothing, so there is no object: {advice}"


def _why_none(
    job: ObjectsJob, values: LabelValues, numbered: int, smallest: int, labels: NDArray[np.uint8]
) -> str:
    """Return why there is no object, of which so many were found with those below the smallest size."""
    name, labelled = job.labels.name, sum(values.voxels.values())
    least = f"{count(smallest, 'voxel')}, which the smallest object has (--min-size)"
    if labelled < smallest:
        return f"{name} holds {count(labelled, 'label voxel')}, fewer than {least}, so there is no object."
    if numbered:
        what = f"the {count(numbered, 'object')} in {name} {'is' if numbered == 1 else 'are all'}"
        return f"There is no object: {what} smaller than {least}. Give a smaller --min-size."
    advice = "take '--method components', or a wider --close if the outlines have gaps."
    return why_no_body(name, labels, advice)


def parameters_of(job: ObjectsJob, voxel_nm: VoxelSize | None) -> BodyParameters:
    """Return how bodies are found; raises UserError if a length is given and no voxel size known."""
    gap_px = _px(job.gap_nm, "width of gaps", voxel_nm)
    return BodyParameters(
        gap_px=BodyParameters.gap_px if gap_px is None else gap_px,
        split=job.split,
        sheets=job.sheets,
        caps=job.caps,
        membrane=membrane_in(voxel_nm, job.membrane_nm),
    )


def _opened(path: Path, what: str, shape: Triple, stack: ExitStack) -> WatchedVolume:
    volume = stack.enter_context(open_volume(path))
    check_same_shape(volume, what, shape)
    return WatchedVolume(volume, f"{path.name} ({what})")


def _taken_over(
    source: Volume,
    values: LabelValues,
    labels: NDArray[np.uint8],
    numbers: NDArray[np.uint32],
    progress: Progress,
) -> FoundBodies:
    """Take the objects of a file that holds such already, numbered 1…n in the order of their numbers."""
    numbers_there = sorted(values.voxels)
    known = np.array(numbers_there, np.int64 if numbers_there[-1] < 1 << 63 else np.uint64)
    for box in walk(source.shape, labels, numbers, progress=progress):
        part = source.read(box).astype(known.dtype)
        part[labels[box.slices] == 0] = 0  # outside of a mask
        numbers[box.slices] = np.where(part == 0, 0, np.searchsorted(known, part) + 1)
    return flag_bodies(len(known), len(known), at_border=find_at_border(numbers, len(known))[1])


def _table(found: FoundBodies, name: str, voxel_nm: VoxelSize | None) -> Table:
    """Return the flags of the objects as a table for a file."""
    flags = np.array([" ".join(sorted(flags)) for flags in found.flags], object)
    columns = (
        FileColumn(NUMBER.key, np.arange(1, found.count + 1), NUMBER),
        FileColumn(FLAGS.key, flags, FLAGS),
    )
    return Table(columns, about(name, voxel_nm), voxel_nm is not None)


def number_objects(
    labels: NDArray[np.uint8],
    numbers: NDArray[np.uint32],
    method: Method,
    parameters: BodyParameters,
    voxel_nm: VoxelSize | None,
    progress: Progress,
    image: Volume | None = None,
    probability: Volume | None = None,
    regions_of: RegionsOf | None = None,
) -> FoundBodies:
    """Number the objects of labels (z, y, x; 0 and 1) in ``numbers``, a map of this shape full of zeros.

    ``image``, ``probability`` and ``regions_of`` as of ``find_bodies``.
    """
    if method is Method.BODIES:
        z_step = 1.0 if voxel_nm is None else 2 * voxel_nm[0] / (voxel_nm[1] + voxel_nm[2])
        return find_bodies(
            labels,
            numbers,
            parameters,
            z_step=z_step,
            image=image,
            probability=probability,
            progress=progress,
            regions_of=regions_of,
        )
    numbers[:], count = label_objects(labels)
    return flag_bodies(count, count, at_border=find_at_border(numbers, count)[1])


class Numbers:
    """Numbers in a map, in as few bytes as they need."""

    def __init__(self, numbers: NDArray[np.uint32], voxel_nm: VoxelSize | None, dtype: Any) -> None:
        self._numbers, self.voxel_nm, self.dtype = numbers, voxel_nm, np.dtype(dtype)
        z, y, x = numbers.shape
        self.shape: Triple = (z, y, x)

    def read(self, box: Box) -> NDArray[Any]:
        """Return a copy of the voxels of ``box``."""
        return self._numbers[box.slices].astype(self.dtype)


def _stages(job: ObjectsJob, voxels: int) -> tuple[Stage, ...]:
    return (
        Stage(Work.COPY, voxels, "reading labels"),
        *((Stage(Work.MASK, voxels, "mask"),) if job.mask else ()),
        number_stage(
            job.method,
            voxels,
            image=job.image is not None,
            certainty=job.probability is not None,
            trimmed=job.membrane_nm != 0,
        ),
        *((Stage(Work.COPY, voxels, "the edge of what was measured"),) if job.image else ()),
        Stage(Work.REWRITE, voxels, "small objects"),
        Stage(Work.EXPORT, voxels, "writing"),
    )


def number_stage(
    method: Method, voxels: int, *, image: bool = False, certainty: bool = False, trimmed: bool = True
) -> Stage:
    """Return the stage that ``number_objects`` is; the switches as of ``body_stages``."""
    bodies = method is Method.BODIES
    inner = (
        body_stages(voxels, image=image, certainty=certainty, trimmed=trimmed)
        if bodies
        else (Stage(Work.NUMBER, voxels),)
    )
    return Stage(Work.REGIONS, voxels, "objects", inner)


def _px(nm: float | None, what: str, voxel_nm: VoxelSize | None) -> float | None:
    """Return a length in px of a slice."""
    if nm is None:
        return None
    if voxel_nm is None:
        raise UserError(f"The {what} is given in nm but the voxel size is unknown: give it with --voxel.")
    return 2 * nm / (voxel_nm[1] + voxel_nm[2])


def _smallest(job: ObjectsJob, voxel_nm: VoxelSize | None) -> int:
    """Return how many voxels an object has at least."""
    if job.min_nm3 is None:
        return BodyParameters.min_voxels if job.min_voxels is None else job.min_voxels
    if voxel_nm is None:
        raise UserError(
            "The smallest size is given in nm³ but the voxel size is unknown: give it with --voxel, "
            "or give the smallest size in voxels."
        )
    return math.ceil(job.min_nm3 / math.prod(voxel_nm))


def keep_inside(labels: NDArray[np.uint8], path: Path, progress: Progress) -> None:
    """Clear the labels outside of a mask, in place."""
    z, y, x = labels.shape
    with open_volume(path) as mask:
        check_same_shape(mask, "mask", (z, y, x))
        check_mask(mask, path)
        for box in walk((z, y, x), labels, progress=progress):
            labels[box.slices][mask.read(box) == 0] = 0
