"""Clean-up of membrane labels: smoothing, gaps, holes, cell mask, faces, small objects, borders."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.cleanup_steps import (
    apply_mask,
    close_gaps,
    crop_borders,
    dilate,
    erode,
    fill_holes,
    smooth_along_z,
)
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.core.labels import count_labels
from sxtstudio.core.objects import ObjectCount, remove_small_objects
from sxtstudio.core.pace import Work
from sxtstudio.core.progress import Progress
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.volume import Volume, VoxelSize
from sxtstudio.core.walk import walk
from sxtstudio.core.wording import shape_text

# So many slices above and below may vote; they are all held in memory.
MOST_SMOOTHING = 50


@dataclass(frozen=True)
class CleanParameters:
    """What to do to the labels; the defaults do nothing.

    Attributes
    ----------
    erode
        Iterations of erosion; each takes one voxel off every face.
    erode_3d
        Erode, dilate and close in 3D, or slice by slice (2D).
    min_size_voxels, min_size_nm3
        Objects (26-connected) smaller than this are removed; with both, the larger limit counts.
    crop
        Voxels (z, y, x) that are set to zero at each side of the volume.
    smooth_z
        The majority of the slices z-N…z+N decides on each voxel; 0 is off.
    close
        Iterations of a dilation that is followed by as many erosions: gaps of up to 2N voxels close.
    fill_px
        Holes within a slice of at most so many pixels are filled; 0 is off.
    dilate
        Iterations of dilation; each adds one voxel at every face.
    """

    erode: int = 0
    erode_3d: bool = True
    min_size_voxels: int | None = None
    min_size_nm3: float | None = None
    crop: Triple = (0, 0, 0)
    smooth_z: int = 0
    close: int = 0
    fill_px: int = 0
    dilate: int = 0


@dataclass(frozen=True)
class CleanStepResult:
    """One step that was done: voxels with a label before and after, time, and objects if counted."""

    name: str
    voxels_before: int
    voxels_after: int
    seconds: float
    objects_found: int | None = None
    objects_removed: int | None = None


@dataclass(frozen=True)
class CleanReport:
    """The cleaned labels (``out`` where it was given) and what each step did.

    ``objects`` are those of the labels before and after all of it, where small ones were removed and somebody
    counted them; a step knows those that the steps before it have left.
    """

    labels: NDArray[np.uint8]
    voxels_before: int
    voxels_after: int
    steps: tuple[CleanStepResult, ...]
    objects: tuple[int, int] | None = None

    @property
    def objects_removed(self) -> int:
        """Number of small objects that were removed."""
        return sum(step.objects_removed or 0 for step in self.steps)

    @property
    def seconds(self) -> float:
        """Time of all steps together."""
        return sum(step.seconds for step in self.steps)


def clean(
    labels: NDArray[np.uint8],
    parameters: CleanParameters,
    *,
    out: NDArray[np.uint8] | None = None,
    voxel_nm: VoxelSize | None = None,
    mask: Volume | None = None,
    progress: Progress | None = None,
) -> CleanReport:
    """Clean: smoothing, closing, holes, dilation, mask, erosion, small objects, cropping, in this order.

    Parameters
    ----------
    labels
        uint8 array or memory map (z, y, x); 0 is background, all other values are label. Voxels
        that stay keep their value; voxels that a step adds get the largest value of all.
    parameters
        What to do.
    out
        uint8 array or memory map of the same shape that takes the result; it may be ``labels``.
        By default a new array. It is unfinished when an error or a cancel comes up.
    voxel_nm
        Edge lengths of a voxel in nm, (z, y, x); needed for sizes in nm³.
    mask
        Volume of the same shape, zero outside the cell.
    progress
        Counts the slices of every step.

    Returns
    -------
    CleanReport
        The result, and voxels, objects and seconds of each step.

    Raises
    ------
    UserError
        If the parameters do not fit the labels, the mask has another shape, or a size in nm³ is
        asked for without a voxel size.
    Cancelled
        If the job was cancelled through ``progress``.
    """
    progress = progress or Progress()
    shape = _checked_shape(labels)
    check_parameters(parameters, shape)
    min_voxels = min_voxels_of(parameters, voxel_nm)
    if mask is not None and tuple(mask.shape) != shape:
        raise UserError(
            f"The mask has {shape_text(mask.shape)} voxels (z × y × x) but the labels have "
            f"{shape_text(shape)}: "
            "give a mask of the same shape as the labels."
        )
    if out is None:
        out = np.empty(shape, np.uint8)
    elif out.shape != shape or out.dtype != np.uint8:
        raise ValueError(f"out must be uint8 of shape {shape}, not {out.dtype} of shape {out.shape}")

    target = out
    planned = stages_of(parameters, shape, masked=mask is not None)
    stages = Stages(progress, planned)
    with stages.stage(Work.COPY) as reading:
        before, largest = _copy(labels, target, reading)
    steps: list[CleanStepResult] = []
    voxels = before
    runs = _runs(target, parameters, mask, min_voxels, largest)
    for planned_step in planned[1:]:
        work = planned_step.work
        if work is Work.SMALL_OBJECTS and min_voxels <= 1:
            continue  # less than a voxel
        begin = time.perf_counter()
        with stages.stage(work) as counter:
            objects = runs[work](counter)
            after = objects.voxels_left if objects else count_labels(target)
        seconds = time.perf_counter() - begin
        found, removed = (objects.found, objects.removed) if objects else (None, None)
        steps.append(CleanStepResult(planned_step.name, voxels, after, seconds, found, removed))
        voxels = after
    return CleanReport(target, before, voxels, tuple(steps))


def reach_of(parameters: CleanParameters) -> int:
    """Return how many slices above and below a slice have a say in what the steps make of it.

    Small objects are another matter: they may reach through all slices. So is cropping, for which the slice's
    number counts.
    """
    p = parameters
    return p.smooth_z + (p.erode_3d and 2 * p.close + p.dilate + p.erode)


def clean_slab(
    labels: NDArray[np.uint8],
    own: slice,
    parameters: CleanParameters,
    *,
    mask: Volume | None = None,
    value: int = 1,
) -> list[tuple[int, float]]:
    """Do, in place, the steps that look at neighbouring slices only: all but small objects and cropping.

    Parameters
    ----------
    labels
        uint8 array (z, y, x): some slices of a volume.
    own
        Those of them that come out as in the whole: there are ``reach_of`` more on both sides of them, unless
        the volume ends there.
    mask
        The same slices of a mask.
    value
        What voxels get that a step adds; in the whole it is the largest value of all.

    Returns
    -------
    list
        Label voxels of the own slices after each step, and the seconds that it took.
    """
    shape = _checked_shape(labels)
    runs = _runs(labels, parameters, mask, 0, value)
    found = []
    for stage in stages_of(parameters, shape, masked=mask is not None):
        if stage.work not in (Work.COPY, Work.SMALL_OBJECTS, Work.CROP):
            begin = time.perf_counter()
            runs[stage.work](Progress())
            found.append((count_labels(labels[own]), time.perf_counter() - begin))
    return found


def stages_of(parameters: CleanParameters, shape: Triple, *, masked: bool = False) -> tuple[Stage, ...]:
    """Return the steps that a clean-up of labels of ``shape`` consists of, in their order."""
    p, voxels = parameters, math.prod(shape)
    # How often each goes through all voxels; 0 is off.
    passes = {
        Work.COPY: 1,
        Work.SMOOTH: int(p.smooth_z > 0),
        Work.CLOSE: 2 * p.close,
        Work.FILL: int(p.fill_px > 0),
        Work.DILATE: p.dilate,
        Work.MASK: int(masked),
        Work.ERODE: p.erode,
        Work.SMALL_OBJECTS: int(bool(p.min_size_voxels or p.min_size_nm3)),
        Work.CROP: int(any(p.crop)),
    }
    return tuple(Stage(work, voxels * times, _NAMES[work]) for work, times in passes.items() if times)


_NAMES = {
    Work.COPY: "reading labels",
    Work.SMOOTH: "smoothing along z",
    Work.CLOSE: "closing",
    Work.FILL: "filling holes",
    Work.DILATE: "dilation",
    Work.MASK: "cell mask",
    Work.ERODE: "erosion",
    Work.SMALL_OBJECTS: "small objects",
    Work.CROP: "cropping",
}


def _runs(
    labels: NDArray[np.uint8], parameters: CleanParameters, mask: Volume | None, min_voxels: int, value: int
) -> dict[Work, Callable[[Progress], ObjectCount | None]]:
    """Return how each step is done."""
    p = parameters
    return {
        Work.SMOOTH: lambda job: smooth_along_z(labels, p.smooth_z, value, job),
        Work.CLOSE: lambda job: close_gaps(labels, p.close, p.erode_3d, value, job),
        Work.FILL: lambda job: fill_holes(labels, p.fill_px, value, job),
        Work.DILATE: lambda job: dilate(labels, p.dilate, p.erode_3d, value, job),
        Work.MASK: lambda job: None if mask is None else apply_mask(labels, mask, job),
        Work.ERODE: lambda job: erode(labels, p.erode, p.erode_3d, job),
        Work.SMALL_OBJECTS: lambda job: remove_small_objects(labels, min_voxels, progress=job),
        Work.CROP: lambda job: crop_borders(labels, p.crop, job),
    }


def _checked_shape(labels: NDArray[Any]) -> Triple:
    if labels.ndim != 3 or labels.dtype != np.uint8 or 0 in labels.shape:
        raise UserError(
            f"Labels must be a stack of 8-bit slices; these are {labels.dtype} of shape "
            f"{shape_text(labels.shape)}. Export them as an 8-bit (z, y, x) stack first."
        )
    z, y, x = labels.shape
    return (z, y, x)


def check_parameters(parameters: CleanParameters, shape: Triple) -> None:
    """Raise UserError for numbers that make no sense, or that would leave nothing of labels of ``shape``."""
    check_numbers(parameters)
    for axis, cut, size in zip("zyx", parameters.crop, shape, strict=True):
        if 2 * cut >= size:
            raise UserError(
                f"Cropping {cut} voxels at each side along {axis} would leave nothing: the labels have "
                f"only {size} there. Crop less than {(size + 1) // 2}."
            )


def check_numbers(parameters: CleanParameters) -> None:
    """Raise UserError for numbers that make no sense, whatever the labels."""
    numbers = {
        "The number of erosions": parameters.erode,
        "The number of slices to smooth over": parameters.smooth_z,
        "The number of closings": parameters.close,
        "The number of dilations": parameters.dilate,
        "The largest hole to fill": parameters.fill_px,
        "The smallest size in voxels": parameters.min_size_voxels or 0,
        "The smallest size in nm³": parameters.min_size_nm3 or 0,
        "The number of voxels to crop": min(parameters.crop),
    }
    for name, number in numbers.items():
        if not (number >= 0 and math.isfinite(number)):
            raise UserError(f"{name} is {number}: give zero or more.")
    if parameters.smooth_z > MOST_SMOOTHING:
        raise UserError(
            f"Smoothing over {parameters.smooth_z} slices above and below is more than the memory holds: "
            f"give {MOST_SMOOTHING} or fewer."
        )


def min_voxels_of(parameters: CleanParameters, voxel_nm: VoxelSize | None) -> int:
    """Return the voxels of the smallest object that stays; UserError if that is in nm³, and no size known."""
    limit = parameters.min_size_voxels or 0
    if parameters.min_size_nm3:
        if voxel_nm is None:
            raise UserError(
                "The smallest size is given in nm³ but the voxel size of the labels is unknown: "
                "give the voxel size, or give the smallest size in voxels."
            )
        # An object whose volume is the limit stays; the division must not turn 8.000…1 into 9.
        exact = parameters.min_size_nm3 / math.prod(voxel_nm)
        limit = max(limit, math.ceil(exact * (1 - 1e-9)))
    return limit


def _copy(labels: NDArray[np.uint8], out: NDArray[np.uint8], progress: Progress) -> tuple[int, int]:
    """Copy the labels to ``out`` where that is another array; return label voxels and largest value."""
    z, y, x = labels.shape
    voxels = largest = 0
    for box in walk((z, y, x), labels, out, progress=progress):
        source = labels[box.slices]
        if out is not labels:
            out[box.slices] = source
        voxels += int(np.count_nonzero(source))
        largest = max(largest, int(source.max()))
    return voxels, largest
