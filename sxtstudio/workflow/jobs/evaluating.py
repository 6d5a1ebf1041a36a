"""Labels or objects against a reference, from file to report: ``sxtstudio evaluate``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.evaluation.contingency import count_common
from sxtstudio.core.evaluation.objects import ObjectScores, score_objects
from sxtstudio.core.evaluation.pixels import PixelScores, score_pixels
from sxtstudio.core.evaluation.slices import SliceChoice
from sxtstudio.core.evaluation.tolerance import Tolerance
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.label_values import LabelValues, ValueCounter
from sxtstudio.core.labels import LABEL, NOT_JUDGED, in_mask
from sxtstudio.core.numbering import NumberedObjects
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume, VoxelSize
from sxtstudio.core.walk import walk
from sxtstudio.core.wording import count, grouped, voxel_zyx_text
from sxtstudio.io import open_volume
from sxtstudio.workflow.document.views import notes_of
from sxtstudio.workflow.jobs.cleaning import check_mask, check_same_shape
from sxtstudio.workflow.jobs.evaluation_files import SUFFIXES, write_evaluation
from sxtstudio.workflow.jobs.objects import TakenAs
from sxtstudio.workflow.jobs.outputs import OutputFile, check_outputs
from sxtstudio.workflow.jobs.report import input_entry, new_report
from sxtstudio.workflow.jobs.unchanged import KnownInput

# Voxel sizes that differ by more than this are not the same.
_SAME_SIZE = 0.01
# Where the reference is empty in more of the slices than this, they may just not have been labelled.
_MANY_EMPTY = 0.5


@dataclass(frozen=True)
class EvaluateJob:
    """One run of ``sxtstudio evaluate``.

    Attributes
    ----------
    report
        .json or .csv.
    objects
        Score objects as well: one per number where a file holds several, else what hangs together.
    mask
        Only what lies within counts.
    label
        Take only voxels of this value in both files.
    taken_as
        What the numbers of both files are; None: several values are objects, one value is a label.
    """

    predicted: Path
    reference: Path
    report: Path
    tolerance: Tolerance = field(default_factory=Tolerance)
    slices: SliceChoice = field(default_factory=SliceChoice)
    objects: bool = False
    mask: Path | None = None
    voxel_nm: VoxelSize | None = None
    label: int | None = None
    taken_as: TakenAs | None = None


@dataclass(frozen=True)
class EvaluateResult:
    """What was found; ``objects`` is None where they were not asked for."""

    pixels: PixelScores
    objects: ObjectScores | None
    predicted_as: TakenAs
    reference_as: TakenAs
    predicted_values: LabelValues
    reference_values: LabelValues
    voxel_nm: VoxelSize | None
    notes: tuple[str, ...]


def evaluate_file(job: EvaluateJob, progress: Progress | None = None) -> EvaluateResult:
    """Score labels against a reference and write the report.

    Raises
    ------
    UserError
        If the files do not fit to each other (shape, voxel size), one holds no labels, the reference is empty
        in the slices that are judged, or the report cannot be written.
    Cancelled
        If the job was cancelled through ``progress``.
    """
    progress = progress or Progress()
    check_outputs([OutputFile(job.report, "a report", SUFFIXES)], (job.predicted, job.reference, job.mask))
    with ExitStack() as stack:
        predicted = stack.enter_context(open_volume(job.predicted))
        reference = stack.enter_context(open_volume(job.reference))
        known = [KnownInput.of(job.predicted, predicted), KnownInput.of(job.reference, reference)]
        check_same_shape(reference, "reference", predicted.shape)
        voxel_nm = job.voxel_nm or _voxel_nm(job, predicted.voxel_nm, reference.voxel_nm)
        job.tolerance.pixel(voxel_nm)
        mask = None
        if job.mask is not None:
            opened = stack.enter_context(open_volume(job.mask))
            check_same_shape(opened, "mask", predicted.shape)
            check_mask(opened, job.mask)
            known.append(KnownInput.of(job.mask, opened))
            mask = _Inside(opened)
        ours, our_values, our_pixels = _read(predicted, job.predicted.name, job, mask, progress)
        theirs, their_values, their_pixels = _read(reference, job.reference.name, job, mask, progress)
        slices, notes = _slices(job, their_pixels)
        for path, volume, judged in ((job.predicted, predicted, ours), (job.reference, reference, theirs)):
            if isinstance(judged, _Membrane):
                mask = _Inside(volume, but=NOT_JUDGED, mask=mask)
                notes += (
                    f"{path.name} holds {NOT_JUDGED} beside 0 and {LABEL}, which marks what is not to be "
                    "judged: nothing counts there.",
                )
        share = 0.25 if job.objects else 0.6
        pixels = score_pixels(
            ours,
            theirs,
            slices=slices,
            tolerance=job.tolerance,
            voxel_nm=voxel_nm,
            mask=mask,
            progress=progress.part(share, "comparing slices"),
        )
        taken = [TakenAs.of(values, job.taken_as, job.label) for values in (our_values, their_values)]
        objects = None
        if job.objects:
            numbered = [
                volume if kind is TakenAs.OBJECTS else NumberedObjects(volume, progress.part(0.1))
                for volume, kind in zip((ours, theirs), taken, strict=True)
            ]
            table = count_common(*numbered, slices=slices, mask=mask, progress=progress.part(0.2))
            objects = score_objects(table)
        for one in known:
            one.check()
        if not our_pixels[list(slices)].any():
            notes += (f"{job.predicted.name} holds no label in these slices.",)
        given = job.voxel_nm
        notes += (*notes_of(predicted, given), *notes_of(reference, given))
        result = EvaluateResult(
            pixels,
            objects,
            taken[0],
            taken[1],
            our_values,
            their_values,
            voxel_nm,
            tuple(dict.fromkeys(notes)),
        )
        head = new_report("evaluate")
        head["predicted"], head["reference"] = (input_entry(one, voxel_nm) for one in known[:2])
        head["parameters"] = _parameters(job, slices)
    write_evaluation(job.report, head, result.pixels, result.objects, taken, result.notes)
    return result


class _Inside:
    """A mask as 0 and 1, whatever numbers its file holds; or all of a file ``but`` one value, in a mask."""

    def __init__(self, volume: Volume, *, but: int | None = None, mask: Volume | None = None) -> None:
        self._volume, self._but, self._mask = volume, but, mask
        self.shape: Triple = volume.shape
        self.dtype: np.dtype[Any] = np.dtype(np.bool_)
        self.voxel_nm = volume.voxel_nm

    def read(self, box: Box) -> NDArray[Any]:
        """Return what of ``box`` is inside."""
        values = self._volume.read(box)
        inside: NDArray[Any] = in_mask(values) if self._but is None else values != self._but
        return inside if self._mask is None else inside & self._mask.read(box)


class _OneLabel:
    """The voxels of a label file that have one value; all others are 0."""

    def __init__(self, volume: Volume, value: int) -> None:
        self._volume, self._value = volume, value
        self.shape: Triple = volume.shape
        self.dtype: np.dtype[Any] = np.dtype(np.uint8)
        self.voxel_nm = volume.voxel_nm

    def read(self, box: Box) -> NDArray[Any]:
        """Return 1 where ``box`` has the value."""
        one: NDArray[Any] = (self._volume.read(box) == self._value).astype(np.uint8)
        return one


class _Membrane(_OneLabel):
    """The membranes of labels in which ``NOT_JUDGED`` marks what does not count, as ``simulate`` has them."""

    def __init__(self, volume: Volume) -> None:
        super().__init__(volume, LABEL)


def _read(
    volume: Volume, name: str, job: EvaluateJob, mask: Volume | None, progress: Progress
) -> tuple[Volume, LabelValues, NDArray[np.int64]]:
    """Return what is judged of a file, the values that it holds, and the labelled pixels of each slice."""
    counter, part = ValueCounter(name), progress.part(0.2, f"reading {name}")
    label = job.label
    pixels, doubtful = np.zeros((2, volume.shape[0]), np.int64)
    for box in walk(volume.shape, progress=part):
        values = counter.add(volume.read(box))
        labelled = values != 0 if label is None else values == label
        if mask is not None:
            labelled = labelled & mask.read(box)
        pixels[box.start[0] : box.stop[0]] = np.count_nonzero(labelled, axis=(1, 2))
        doubtful[box.start[0] : box.stop[0]] = np.count_nonzero(
            labelled & (values == NOT_JUDGED), axis=(1, 2)
        )
    found = counter.found()
    if label is None and job.taken_as is not TakenAs.OBJECTS and set(found.voxels) == {NOT_JUDGED, LABEL}:
        judged = LabelValues(found.name, {LABEL: found.voxels[LABEL]})
        return _Membrane(volume), judged, pixels - doubtful
    if label is None:
        return volume, found, pixels
    return _OneLabel(volume, label), found, pixels


def _slices(job: EvaluateJob, pixels: NDArray[np.int64]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the slices that are judged, and what to say of them."""
    wanted = job.slices.among(len(pixels))
    empty = [z for z in wanted if not pixels[z]]
    name = job.reference.name
    if len(empty) == len(wanted):
        where = " within the mask" if job.mask is not None else ""
        which = f" has the value {job.label}" if job.label is not None else " is labelled"
        raise UserError(
            f"The reference {name} is empty: no voxel{where}{which} in the slices that are to be judged. "
            "Give the right file, or other slices."
        )
    if job.slices.labelled:
        return tuple(z for z in wanted if pixels[z]), ()
    if len(empty) <= _MANY_EMPTY * len(wanted):
        return wanted, ()
    note = (
        f"The reference {name} holds nothing in {grouped(len(empty))} of {count(len(wanted), 'slice')}, "
        "where all that is predicted counts as false. If nobody labelled them, give --slices labelled."
    )
    return wanted, (note,)


def _voxel_nm(job: EvaluateJob, ours: VoxelSize | None, theirs: VoxelSize | None) -> VoxelSize | None:
    if ours is None or theirs is None:
        return ours or theirs
    if not all(math.isclose(a, b, rel_tol=_SAME_SIZE) for a, b in zip(ours, theirs, strict=True)):
        raise UserError(
            f"{job.predicted.name} has voxels of {voxel_zyx_text(ours)}, but {job.reference.name} of "
            f"{voxel_zyx_text(theirs)}: give the reference that belongs to these labels, or the right size "
            "with --voxel."
        )
    return ours


def _parameters(job: EvaluateJob, slices: Sequence[int]) -> dict[str, Any]:
    return {
        "tolerance": job.tolerance.value,
        "tolerance_unit": job.tolerance.unit,
        "slices": list(slices),
        "mask": None if job.mask is None else str(job.mask.absolute()),
        "label": job.label,
        "voxel_nm_zyx": job.voxel_nm,
    }
