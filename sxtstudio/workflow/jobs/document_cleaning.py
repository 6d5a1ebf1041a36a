"""Clean-up of the labels of what is open: its preview on a slice, and the work on all slices."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core import wording
from sxtstudio.core.cleanup import CleanReport, check_parameters, clean, stages_of
from sxtstudio.core.cleanup_preview import CleanPreview, preview_slice
from sxtstudio.core.edits import Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.labels import as_labels, threshold_byte
from sxtstudio.core.objects import object_sizes
from sxtstudio.core.pace import Work
from sxtstudio.core.progress import Progress
from sxtstudio.core.reserved import create_reserved, open_array
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.volume import ArrayVolume, VoxelSize
from sxtstudio.core.walk import walk
from sxtstudio.workflow.document.network_output import KeptOutput
from sxtstudio.workflow.jobs.cleaning import CleanUp

Pixels = NDArray[np.uint8]
OnWritten = Callable[[Box], object]
_SCRATCH = "cleaning.raw"
# Left on the disk for everybody else.
_SPARE_BYTES = 100_000_000


@dataclass(frozen=True)
class CleanInput:
    """The labels to clean and what belongs to them; maps of files, never copies."""

    labels: Pixels
    mask: Pixels | None
    output: KeptOutput | None
    voxel_nm: VoxelSize | None

    @property
    def shape(self) -> Triple:
        """Number of voxels along (z, y, x)."""
        z, y, x = self.labels.shape
        return (z, y, x)

    def source(self, clean_up: CleanUp) -> ThresholdedLabels:
        """Return what is cleaned: the labels, or the network's output above the threshold."""
        return ThresholdedLabels(self, clean_up.threshold)

    def mask_volume(self, clean_up: CleanUp) -> ArrayVolume | None:
        """Return the mask if it is to be used.

        Raises
        ------
        UserError
            If there is none, or another one than that of the document is asked for.
        """
        if clean_up.mask is not None or clean_up.auto_mask:
            raise UserError("Labels in the window are cleaned with their own cell mask: load it there first.")
        if not clean_up.inside_mask:
            return None
        if self.mask is None:
            raise UserError("There is no cell mask yet. Make one in the panel “Cell mask” first.")
        return ArrayVolume(self.mask)


class ThresholdedLabels:
    """Reads slices of the labels, made anew from the network's output where that is asked for."""

    def __init__(self, given: CleanInput, threshold: float | None) -> None:
        """Read from ``given``.

        Raises
        ------
        UserError
            If a threshold is asked for, and no output was kept.
        """
        self._labels = given.labels
        self._kept = given.output if threshold is not None else None
        if threshold is not None and self._kept is None:
            raise UserError(
                "The threshold cannot be changed: there is no output of the network. "
                "Segment with “Keep the network's output”."
            )
        self._values = None if self._kept is None else self._kept.open()
        self._level = 0.0 if threshold is None else threshold_byte(threshold)

    def read(self, first: int, last: int) -> Pixels:
        """Return a copy of the slices ``first`` to ``last`` (not included)."""
        part = np.array(self._labels[first:last])
        if self._kept is not None and self._values is not None:
            low, high = max(first, self._kept.first), min(last, self._kept.last)
            if low < high:
                values = self._values[low - self._kept.first : high - self._kept.first]
                part[low - first : high - first] = as_labels(values > self._level)
        return part


def preview_clean_up(given: CleanInput, clean_up: CleanUp, z: int, progress: Progress) -> CleanPreview:
    """Clean one slice, as ``clean_document`` would; called in a thread.

    As there, the voxels before are those of the labels, whatever the threshold makes of them first.
    """
    found = preview_slice(
        given.source(clean_up).read,
        given.shape,
        z,
        clean_up.parameters,
        voxel_nm=given.voxel_nm,
        mask=given.mask_volume(clean_up),
        progress=progress,
    )
    return replace(found, voxels_before=int(np.count_nonzero(given.labels[z])))


def clean_document(
    recorder: Recorder,
    given: CleanInput,
    clean_up: CleanUp,
    folder: Path,
    progress: Progress,
    on_written: OnWritten,
) -> CleanReport:
    """Clean all slices; called in a thread.

    The result is made in a file of its own in ``folder``, and only then taken over, slab by slab.

    Parameters
    ----------
    recorder
        Writes the labels of ``given``, so that the clean-up can be undone.
    on_written
        Called with every box whose labels were changed.

    Raises
    ------
    UserError
        If the clean-up is not possible, or the disk has no room for it; the labels are then unchanged.
    """
    check_parameters(clean_up.parameters, given.shape)
    with scratch_file(folder / _SCRATCH, math.prod(given.shape)) as path:
        return _clean_through(path, recorder, given, clean_up, progress, on_written)


def _clean_through(
    path: Path,
    recorder: Recorder,
    given: CleanInput,
    clean_up: CleanUp,
    progress: Progress,
    on_written: OnWritten,
) -> CleanReport:
    """Clean in the file ``path``; when this returns nobody holds a map of it any more."""
    mask, source, shape = given.mask_volume(clean_up), given.source(clean_up), given.shape
    result = open_array(path, shape)
    before = 0
    voxels = math.prod(shape)
    steps = stages_of(clean_up.parameters, shape, masked=mask is not None)
    works = [step.work for step in steps if step.work is not Work.COPY]
    # The step that removes small objects has seen what the threshold and the steps before it made, and not
    # what the steps after it leave.
    counted = Work.SMALL_OBJECTS in works
    counts_before = counted and (clean_up.threshold is not None or works[0] is not Work.SMALL_OBJECTS)
    counts_after = counted and works[-1] is not Work.SMALL_OBJECTS
    counting = Stage(Work.COUNT_OBJECTS, voxels, "counting objects")
    stages = Stages(
        progress,
        (
            Stage(Work.COPY, voxels, "reading labels"),
            Stage(Work.CLEAN_UP, voxels, "cleaning", steps),
            *(counting for wanted in (counts_before, counts_after) if wanted),
            Stage(Work.REWRITE, voxels, "changing labels"),
        ),
    )
    with stages.stage(Work.COPY) as counter:
        for box in walk(shape, result, given.labels, progress=counter):
            part = source.read(box.start[0], box.stop[0])
            before += int(np.count_nonzero(given.labels[box.slices]))
            result[box.slices] = part
    with stages.stage(Work.CLEAN_UP) as counter:
        report = clean(
            result,
            clean_up.parameters,
            out=result,
            voxel_nm=given.voxel_nm,
            mask=mask,
            progress=counter,
        )
    objects = None
    for step in report.steps:
        if step.objects_found is not None and step.objects_removed is not None:
            objects = (step.objects_found, step.objects_found - step.objects_removed)
    if objects is not None and counts_before:
        with stages.stage(Work.COUNT_OBJECTS) as counter:
            objects = (len(object_sizes(given.labels, progress=counter)), objects[1])
    if objects is not None and counts_after:
        with stages.stage(Work.COUNT_OBJECTS) as counter:
            objects = (objects[0], len(object_sizes(result, progress=counter)))
    with stages.stage(Work.REWRITE) as counter:
        for box in walk(shape, result, given.labels, recorder.labels, progress=counter):
            changed = recorder.write(box, result[box.slices])
            if changed is not None:
                on_written(changed)
    return CleanReport(given.labels, before, report.voxels_after, report.steps, objects)


@contextmanager
def scratch_file(path: Path, size_bytes: int, what: str = "The clean-up") -> Iterator[Path]:
    """Make a file of zeros for the work that is called ``what``, and delete it in the end.

    Raises
    ------
    UserError
        If the disk has no room for it.
    """
    free = shutil.disk_usage(path.parent).free
    if free < size_bytes + _SPARE_BYTES:
        raise UserError(
            f"{what} needs {wording.bytes_text(size_bytes)} of disk space for a while, and "
            f"{path.parent} has "
            f"only {wording.bytes_text(free)} left. Free some space and try again; nothing has changed."
        )
    try:
        create_reserved(path, size_bytes)
        yield path
    finally:
        with suppress(OSError):
            path.unlink()
