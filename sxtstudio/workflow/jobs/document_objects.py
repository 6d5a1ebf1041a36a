"""The objects of what is open: a preview of them on a slice, and finding them in all slices.

What finds them is loaded when it is needed: the window imports this when it starts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.bodies.method import Method
from sxtstudio.core.edits import Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.core.object_boxes import ObjectBoxes
from sxtstudio.core.object_table import ObjectTable
from sxtstudio.core.pace import Work
from sxtstudio.core.progress import Progress
from sxtstudio.core.reserved import open_numbers
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.volume import ArrayVolume, Volume, VoxelSize
from sxtstudio.core.walk import walk
from sxtstudio.workflow.document.label_history import SliceRun
from sxtstudio.workflow.document.network_output import KeptOutput, KeptVolume
from sxtstudio.workflow.document.objects import replace_objects
from sxtstudio.workflow.document.views import VolumeView
from sxtstudio.workflow.jobs.document_cleaning import scratch_file

if TYPE_CHECKING:  # at run time this loads what finds bodies
    from sxtstudio.core.bodies.find import BodyParameters
    from sxtstudio.core.bodies.found import FoundBodies

_SCRATCH, _INSIDE = "finding.raw", "inside.raw"
_WHAT = "Finding objects"


@dataclass(frozen=True)
class FindObjects:
    """How objects are found in what is open.

    Attributes
    ----------
    gap_px
        Gaps in outlines up to this width are closed.
    split
        Bodies that touch are divided where their neck is narrower than this share of the narrower part, 0…1.
    min_voxels
        Smaller objects are left out.
    inside_mask
        What lies outside of the cell mask is nothing.
    image
        The grey values of the tomogram tell droplets without a lumen from thick outlines.
    network_output
        Whether the network's output tells of faint membranes and of doubt; None: where it was kept.
    within
        The runs of slices, first and the one after the last, that were segmented (``segmented_runs``): what
        ends at their end is cut as at a face of the volume, and goes on in no other slice. (): all slices.
    """

    method: Method = Method.BODIES
    gap_px: float = 6.0
    split: float = 0.0
    min_voxels: int = 30
    inside_mask: bool = False
    image: bool = True
    within: tuple[SliceRun, ...] = ()
    network_output: bool | None = None

    def parameters(self, voxel_nm: VoxelSize | None) -> BodyParameters:
        """Return what bodies are found with in voxels of this size."""
        from sxtstudio.core.bodies.find import BodyParameters
        from sxtstudio.core.bodies.membrane import membrane_in

        return BodyParameters(gap_px=self.gap_px, split=self.split, membrane=membrane_in(voxel_nm))

    def first_and_last(self, depth: int) -> SliceRun:
        """Return the first slice to look in and the one after the last, of ``depth`` slices."""
        return (self.within[0][0], self.within[-1][1]) if self.within else (0, depth)

    def step(self) -> dict[str, Any]:
        """Return what stands in the record of steps."""
        found: dict[str, Any] = {"method": self.method.value, "min_voxels": self.min_voxels}
        if self.method is Method.BODIES:
            found |= {"gap_px": self.gap_px, "split": self.split}
            found |= {} if self.network_output is None else {"network_output": self.network_output}
        found |= {"inside_mask": True} if self.inside_mask else {}
        found |= {"within_slices": [list(run) for run in self.within]} if self.within else {}
        return found | ({"image": True} if self.image and self.method is Method.BODIES else {})


@dataclass(frozen=True, eq=False)
class ObjectsInput:
    """The labels in which objects are found, and what belongs to them; maps of files, never copies."""

    labels: NDArray[np.uint8]
    mask: NDArray[np.uint8] | None
    voxel_nm: VoxelSize | None
    tomogram: Volume
    former: ObjectTable
    boxes: ObjectBoxes
    output: KeptOutput | None = None

    def certainty(self, wanted: FindObjects) -> KeptVolume | None:
        """How sure the network was of each voxel; None where it is not wanted, or not known of all slices."""
        first, last = wanted.first_and_last(self.shape[0])
        kept = None if wanted.network_output is False else self.output
        known = kept is not None and kept.first <= first and last <= kept.last
        return KeptVolume(kept) if kept is not None and known else None

    @property
    def shape(self) -> Triple:
        """Number of voxels along (z, y, x)."""
        z, y, x = self.labels.shape
        return (z, y, x)

    def mask_for(self, wanted: FindObjects) -> NDArray[np.uint8] | None:
        """Return the mask if it is to be used.

        Raises
        ------
        UserError
            If there is none.
        """
        if not wanted.inside_mask:
            return None
        if self.mask is None:
            raise UserError("There is no cell mask yet. Make one in the panel “Cell mask” first.")
        return self.mask


@dataclass(frozen=True)
class FoundObjects:
    """What was found, with flags; ``small`` were left out for their size."""

    found: FoundBodies
    small: int


@dataclass(frozen=True, eq=False)
class ObjectsPreview:
    """The regions of slice ``z`` that would be parts of objects: numbers (y, x), 0 is none."""

    z: int
    numbers: NDArray[np.int32]
    count: int


def preview_objects(given: ObjectsInput, wanted: FindObjects, z: int, progress: Progress) -> ObjectsPreview:
    """Find the regions of one slice; called in a thread.

    Raises
    ------
    UserError
        If a mask is wanted and there is none.
    Cancelled
        If ``progress`` was cancelled.
    """
    from scipy import ndimage

    outline = np.asarray(given.labels[z]) != 0
    mask = given.mask_for(wanted)
    if mask is not None:
        outline &= np.asarray(mask[z]) != 0
    progress.check()
    if wanted.method is Method.COMPONENTS:
        numbers, count = ndimage.label(outline, np.ones((3, 3)))
        return ObjectsPreview(z, np.asarray(numbers, np.int32), int(count))
    from sxtstudio.core.bodies.evidence import output_at
    from sxtstudio.core.bodies.preview import preview_slice

    first, last = wanted.first_and_last(given.shape[0])
    certainty = given.certainty(wanted) if first <= z < last else None
    output = None if certainty is None else output_at(certainty, z)
    found = preview_slice(outline, wanted.parameters(given.voxel_nm), output=output)
    progress.check()
    return ObjectsPreview(z, found, int(found.max(initial=0)))


def find_document_objects(
    recorder: Recorder, given: ObjectsInput, wanted: FindObjects, folder: Path, progress: Progress
) -> FoundObjects:
    """Find objects in all slices, and replace those of the document; called in a thread.

    They are numbered in a file of its own in ``folder``, and only then taken over, slab by slab.

    Parameters
    ----------
    recorder
        Writes the objects, so that finding them can be undone; it gets the rows of the table.

    Raises
    ------
    UserError
        If there are no labels, the disk has no room, or the slices to look in are none of these; the objects
        are then unchanged.
    Cancelled
        If ``progress`` was cancelled.
    """
    voxels, mask = math.prod(given.shape), given.mask_for(wanted)
    ends = [0, *(z for run in wanted.within for z in run), given.shape[0]]
    if any(first >= last for first, last in wanted.within) or ends != sorted(ends):
        raise UserError("The slices to find objects in are none of this tomogram: segment it again.")
    with scratch_file(folder / _SCRATCH, 4 * voxels, _WHAT) as path:
        numbers = open_numbers(path, given.shape, 4)
        if mask is None:
            return _find_in(given.labels, numbers, recorder, given, wanted, progress)
        with scratch_file(folder / _INSIDE, voxels, _WHAT) as other:
            inside = open_numbers(other, given.shape, 1)
            for box in walk(given.shape, given.labels, mask, inside):
                inside[box.slices] = np.where(mask[box.slices] != 0, given.labels[box.slices], 0)
                progress.check()
            return _find_in(inside, numbers, recorder, given, wanted, progress)


def _find_in(
    labels: NDArray[np.uint8],
    numbers: NDArray[np.uint32],
    recorder: Recorder,
    given: ObjectsInput,
    wanted: FindObjects,
    progress: Progress,
) -> FoundObjects:
    from sxtstudio.core.bodies.found import at_fill, bodies_table, keep_large
    from sxtstudio.core.measured_edge import numbers_at_fill
    from sxtstudio.workflow.jobs.objects import number_objects, number_stage

    depth = given.shape[0]
    # Seen by themselves, these slices end where a volume ends: with faces, and nothing beyond them.
    first, last = wanted.first_and_last(depth)
    image: Volume | None = given.tomogram if wanted.image else None
    certainty: Volume | None = given.certainty(wanted)
    if (first, last) != (0, depth):
        image = None if image is None else VolumeView(image, (first, last), image.voxel_nm)
        certainty = None if certainty is None else VolumeView(certainty, (first, last), None)
    voxels = math.prod(given.shape)
    planned = number_stage(
        wanted.method, voxels // depth * (last - first), image=wanted.image, certainty=certainty is not None
    )
    stages = Stages(
        progress,
        (
            replace(planned, name="finding objects"),
            Stage(Work.COPY, voxels, "the edge of what was measured"),
            Stage(Work.REWRITE, 3 * voxels, "taking them over"),
        ),
    )
    with stages.stage(Work.REGIONS) as counter:
        every = number_objects(
            labels[first:last],
            numbers[first:last],
            wanted.method,
            wanted.parameters(given.voxel_nm),
            given.voxel_nm,
            counter,
            image=image,
            probability=certainty,
        )
        every = at_fill(every, _cut_between(numbers, wanted.within))
    with stages.stage(Work.COPY) as counter:
        every = at_fill(every, numbers_at_fill(numbers, given.tomogram, counter).tolist())
    with stages.stage(Work.REWRITE) as counter:
        found = keep_large(numbers, every, wanted.min_voxels, counter.part(0.4))
        table = ObjectTable(bodies_table(found).rows, given.former.classes)
        replace_objects(recorder, ArrayVolume(numbers), given.former, table, given.boxes, counter.part(0.6))
    return FoundObjects(found, every.count - found.count)


def _cut_between(numbers: NDArray[np.uint32], runs: Sequence[SliceRun]) -> list[int]:
    """Return the objects that end between two runs of slices, and clear what lies between.

    A run of a single slice has no ends, as a volume of one has none.
    """
    found: set[int] = set()
    for before, after in pairwise(runs):
        ends = ((before, before[1] - 1), (after, after[0]))
        for z in (z for run, z in ends if run[1] - run[0] > 1):
            found.update(np.unique(numbers[z]).tolist())
        numbers[before[1] : after[0]] = 0
    return sorted(found - {0})
