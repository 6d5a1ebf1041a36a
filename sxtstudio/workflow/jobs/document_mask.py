"""The cell mask of what is open: slab by slab, on files that do not fit into memory.

All of these write with a recorder, and call ``on_written`` with every box that was changed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.cellmask import MaskVolume, cell_mask
from sxtstudio.core.edits import Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.image_polarity import detect_polarity
from sxtstudio.core.interpolation import interpolate_slices
from sxtstudio.core.labels import as_labels
from sxtstudio.core.mask_slices import ThresholdMask, fill_holes, mask_of_slice, outline, suggest_value
from sxtstudio.core.pace import Work
from sxtstudio.core.polarity import Polarity
from sxtstudio.core.progress import Progress
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.volume import Volume
from sxtstudio.core.walk import SLAB_VOXELS, walk
from sxtstudio.core.wording import shape_text, slices_text
from sxtstudio.io import open_labels
from sxtstudio.workflow.jobs.unchanged import KnownInput

Pixels = NDArray[np.uint8]
OnWritten = Callable[[Box], object]


@dataclass(frozen=True)
class MaskResult:
    """What is to be said of a new mask: notes, and the polarity if it had to be found out.

    ``segment_first``: there is none, as nothing separates cell from ice, and the outlines of all slices may.
    """

    notes: tuple[str, ...] = ()
    polarity: Polarity | None = None
    segment_first: bool = False


@dataclass(frozen=True)
class GreyRange:
    """Grey values of a slice: where most of them lie, and the one that parts it into two classes."""

    low: float
    high: float
    suggested: float


def grey_range(volume: Volume, z: int, smooth_px: float) -> GreyRange | None:
    """Return the grey values of slice ``z``, or None where nothing can be told apart."""
    image = volume.read(Box.slab(z, z + 1, volume.shape))[0]
    suggested = suggest_value(image, smooth_px)
    if suggested is None:
        return None
    grey = image[np.isfinite(image)]
    low, high = np.percentile(grey[:: max(1, grey.size // 100_000)], (0.2, 99.8))
    return GreyRange(float(low), float(high), suggested)


def outline_of_slice(volume: Volume, z: int, how: ThresholdMask) -> Pixels:
    """Return the outline, uint8 (y, x), of what the mask of slice ``z`` would be."""
    mask = mask_of_slice(volume.read(Box.slab(z, z + 1, volume.shape))[0], how)
    return as_labels(outline(mask))


def make_automatic(
    recorder: Recorder,
    volume: Volume,
    polarity: Polarity | None,
    labels: Volume | None,
    progress: Progress,
    on_written: OnWritten,
) -> MaskResult:
    """Replace the mask by one made from the tomogram itself, with the help of labels where there are any.

    Where grey values and labels do not tell ice from cell, a network has a quick look. Where that does not
    either, the mask stays as it is.
    """
    from sxtstudio.workflow.jobs import cell_hints  # with the libraries of the network

    found = None
    depth, height, width = volume.shape
    stages = Stages(
        progress,
        (
            *((Stage(Work.POLARITY, height * width, "polarity"),) if polarity is None else ()),
            Stage(Work.CELL_MASK, depth * height * width, "looking for the cell"),
            Stage(
                Work.CELL_HINTS, min(depth, cell_hints.SLICES) * height * width, "a quick look of the network"
            ),
            Stage(Work.REWRITE, depth * height * width, "writing the mask"),
        ),
    )
    if polarity is None:
        with stages.stage(Work.POLARITY) as counter:
            found = detect_polarity(volume, progress=counter)
        polarity = found
    with stages.stage(Work.CELL_MASK) as counter:
        made = cell_mask(volume, polarity=polarity.value, labels=labels, progress=counter)
    mask: MaskVolume | None = made
    if not made.ice_found:
        with stages.stage(Work.CELL_HINTS) as counter:
            mask = cell_hints.mask_by_hints(volume, polarity.value, made, counter)
    doubt = polarity.doubt(
        f"If that is wrong, choose {polarity.other} in the panel “Segment” and find the cell again."
    )
    doubts = (f"⚠ {doubt}",) if doubt else ()
    if mask is None:
        segmented = labels is not None
        return MaskResult((_no_ice_found(segmented), *doubts), found, segment_first=not segmented)
    with stages.stage(Work.REWRITE) as counter:
        _rewrite(recorder, lambda box: mask.read(box) != 0, counter, on_written)
    return MaskResult((*mask.notes, *doubts), found)


def _no_ice_found(segmented: bool) -> str:
    seen = "The grey values do not tell cell from ice here"
    if segmented:
        return f"{seen}, nor do the labels. If there is ice, draw the cell by hand on some slices."
    return (
        f"{seen}. If there is ice in the image, segment first and find the cell again: the outlines of all "
        "slices tell more. Or draw the cell by hand on some slices."
    )


def make_by_threshold(
    recorder: Recorder, volume: Volume, how: ThresholdMask, progress: Progress, on_written: OnWritten
) -> MaskResult:
    """Replace the mask by what is brighter or darker than a grey value."""

    def part(box: Box) -> NDArray[np.bool_]:
        return np.stack([mask_of_slice(plane, how) for plane in volume.read(box)])

    _rewrite(recorder, part, progress, on_written, share=8)
    return MaskResult()


def interpolate(recorder: Recorder, progress: Progress, on_written: OnWritten) -> MaskResult:
    """Fill in the slices between those that have a mask.

    Raises
    ------
    UserError
        If there are fewer than two such slices, or none between them.
    """
    drawn = [z for z, plane in enumerate(recorder.labels) if plane.any()]
    if len(drawn) < 2:
        raise UserError(
            "Draw the cell on at least two slices first, for example the first, the middle and the last one."
        )
    changed = interpolate_slices(
        recorder.labels, 0, drawn[0], drawn[-1], recorder=recorder, progress=progress
    )
    if changed is not None:
        on_written(changed)
    bare = bare_ends(recorder.labels)
    if not bare:
        return MaskResult()
    return MaskResult(
        (
            f"No mask in slice {slices_text(bare)}: all that lies there counts as outside of the cell. "
            "“To the ends” takes the nearest drawn slice for them.",
        )
    )


def bare_ends(mask: Pixels) -> tuple[int, ...]:
    """Return the slices without a mask before the first one that has some, and after the last one."""
    depth = len(mask)
    first = next((z for z in range(depth) if mask[z].any()), None)
    if first is None:
        return ()
    last = next(z for z in reversed(range(depth)) if mask[z].any())
    return (*range(first), *range(last + 1, depth))


def continue_to_ends(recorder: Recorder, progress: Progress, on_written: OnWritten) -> MaskResult:
    """Copy the first slice that has a mask to those before it, and the last one to those after it.

    Raises
    ------
    UserError
        If no slice has a mask, or the first and the last one have one already.
    """
    bare = bare_ends(recorder.labels)
    if not bare:
        there = recorder.labels[0].any()
        raise UserError(
            "The mask reaches from the first to the last slice already."
            if there
            else "Draw the cell on a slice first; the mask is continued from there."
        )
    depth = len(recorder.labels)
    first = next(z for z in range(depth) if recorder.labels[z].any())
    last = next(z for z in reversed(range(depth)) if recorder.labels[z].any())
    progress.begin(len(bare), "to the ends")
    for z in bare:
        values = np.array(recorder.labels[first if z < first else last])
        changed = recorder.write(Box((z, 0, 0), (z + 1, *values.shape)), values[None])
        if changed is not None:
            on_written(changed)
        progress.step()
    return MaskResult()


def invert(recorder: Recorder, progress: Progress, on_written: OnWritten) -> MaskResult:
    """Swap inside and outside."""
    _rewrite(recorder, lambda box: recorder.labels[box.slices] == 0, progress, on_written)
    return MaskResult()


def fill(recorder: Recorder, progress: Progress, on_written: OnWritten) -> MaskResult:
    """Fill the holes in every slice."""

    def part(box: Box) -> NDArray[np.bool_]:
        return np.stack([fill_holes(plane != 0) for plane in recorder.labels[box.slices]])

    _rewrite(recorder, part, progress, on_written)
    return MaskResult()


def clear(recorder: Recorder, progress: Progress, on_written: OnWritten) -> MaskResult:
    """Empty the mask."""
    _rewrite(recorder, lambda box: np.zeros(box.shape, bool), progress, on_written)
    return MaskResult()


def cut_labels(recorder: Recorder, mask: Pixels, progress: Progress, on_written: OnWritten) -> MaskResult:
    """Remove the labels (of ``recorder``) outside the mask."""

    def part(box: Box) -> NDArray[np.bool_]:
        inside: NDArray[np.bool_] = (recorder.labels[box.slices] != 0) & (mask[box.slices] != 0)
        return inside

    _rewrite(recorder, part, progress, on_written)
    return MaskResult()


def load(recorder: Recorder, path: Path, progress: Progress, on_written: OnWritten) -> MaskResult:
    """Replace the mask by that in a file: everything that is not 0.

    Raises
    ------
    UserError
        If the file cannot be read, has another shape, or is an image rather than a mask.
    """
    shape = _shape(recorder)
    volume = open_labels(path, shape)
    try:
        known = KnownInput.of(path, volume)
        if tuple(volume.shape) != shape:
            raise UserError(
                f"{path.name} has {shape_text(volume.shape)} voxels (z × y × x) but the tomogram has "
                f"{shape_text(shape)}: choose a mask of the same shape."
            )
        outside = 0

        def part(box: Box) -> NDArray[np.bool_]:
            nonlocal outside
            values = volume.read(box)
            if values.dtype.kind == "f" and not np.array_equal(values, np.rint(values)):
                raise UserError(f"{path.name} holds fractional values and is no mask: choose another file.")
            inside: NDArray[np.bool_] = values != 0
            outside += inside.size - int(np.count_nonzero(inside))
            return inside

        _rewrite(recorder, part, progress, on_written)
        known.check()
        if outside == math.prod(shape):
            raise UserError(f"{path.name} is empty: every voxel is 0, which is no mask. Choose another file.")
    finally:
        volume.close()
    return MaskResult(() if outside else ("No voxel of the file is 0, so the mask holds the whole volume.",))


def fraction(mask: Pixels, progress: Progress) -> float:
    """Return the share of the volume that is in the mask, 0…1."""
    z, y, x = mask.shape
    boxes = walk((z, y, x), mask, progress=progress)
    return sum(int(np.count_nonzero(mask[box.slices])) for box in boxes) / mask.size


def _rewrite(
    recorder: Recorder,
    part: Callable[[Box], NDArray[Any]],
    progress: Progress,
    on_written: OnWritten,
    share: int = 1,
) -> None:
    """Replace the labels of ``recorder`` by ``part(box)``, 255 where it is true, in slabs of a ``share``."""
    shape = _shape(recorder)
    for box in walk(shape, recorder.labels, progress=progress, voxels=SLAB_VOXELS // share):
        values = as_labels(part(box))
        changed = recorder.write(box, values)
        if changed is not None:
            on_written(changed)


def _shape(recorder: Recorder) -> Triple:
    z, y, x = recorder.labels.shape
    return (z, y, x)
