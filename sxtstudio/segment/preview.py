"""A segmentation tried on one slice, and what a whole one will cost."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.core.polarity import Polarity, Value, chosen_polarity
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume
from sxtstudio.segment.card import ModelCard
from sxtstudio.segment.device import Device
from sxtstudio.segment.field import fill_note
from sxtstudio.segment.job import SegmentationJob, prepare
from sxtstudio.segment.neighbours import Image, Mean, Neighbours, Reach
from sxtstudio.segment.parameters import SegmentParameters, TrustChoice
from sxtstudio.segment.runner import SliceRunner, batch_size, make_runner
from sxtstudio.segment.slices import Pixels, labels_of, read_batches
from sxtstudio.segment.smaller import reduced_shape
from sxtstudio.segment.trust import recognised, share_redrawn, trust_map

_PROBE_PX = 256
_STACKS = 4  # are between reading and the network: see ``overlap``


@dataclass(frozen=True)
class SlicePreview:
    """One segmented slice: uint8 labels (y, x), 0 or 255, and the network's output (−1…1).

    Both are None where the slice is constant or holds no numbers. ``measured`` is the share (0…1) of the
    slice that was measured; the rest is a fill, which has no labels.
    """

    labels: Pixels | None
    values: Image | None
    measured: float
    polarity: Polarity
    device: str
    device_reason: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class TriedSlice:
    """A slice tried: as the polarity was judged and, where that is not sure, in the other one as well."""

    judged: SlicePreview
    other: SlicePreview | None = None

    def of(self, polarity: Value) -> SlicePreview:
        """Return the preview for dark or for bright membranes; there has to be one."""
        wanted = self.judged if self.other is None or polarity == self.judged.polarity.value else self.other
        return wanted


@dataclass(frozen=True)
class Recognition:
    """How a slice is recognised: the share of pixels within one standard deviation, whole and around each.

    ``around`` is float32 (y, x), 0…1, and 1 where nothing was measured; both are None where the slice is
    constant or holds no numbers.
    """

    share: float | None
    around: Image | None


@dataclass(frozen=True)
class Estimate:
    """What a segmentation will cost: time, peak memory of the computation, and how it will be done."""

    seconds: float
    memory_bytes: int
    disk_bytes: int
    tile_px: int | None
    notes: tuple[str, ...]


def segment_slice(
    volume: Volume,
    z: int,
    parameters: SegmentParameters,
    *,
    runner: SliceRunner | None = None,
    progress: Progress | None = None,
) -> SlicePreview:
    """Segment slice ``z`` exactly as ``segment`` would.

    Parameters
    ----------
    volume
        The tomogram (z, y, x).
    z
        Index of the slice.
    parameters
        As for ``segment``; ``slices`` is ignored.
    runner
        From ``make_runner`` for the same model and device: saves loading the model again.
    progress
        Cancels.

    Raises
    ------
    UserError
        As ``segment``.
    Cancelled
        If ``progress`` was cancelled.
    """
    progress = progress or Progress()
    with closing(prepare(volume, parameters, progress, runner=runner)) as job:
        return _tried(job, z, progress)


def try_slice(
    volume: Volume,
    z: int,
    parameters: SegmentParameters,
    *,
    known: Polarity | None = None,
    runner: SliceRunner | None = None,
    progress: Progress | None = None,
) -> TriedSlice:
    """Segment slice ``z``; where it is not sure whether membranes are dark or bright, for both.

    Parameters
    ----------
    volume, z, parameters, runner, progress
        As for ``segment_slice``. Where the polarity is "auto", it is judged, in doubt by the network as well.
    known
        What a network was asked before, which then stands in for the polarity of the parameters.

    Raises
    ------
    UserError
        As ``segment``.
    Cancelled
        If ``progress`` was cancelled.
    """
    progress = progress or Progress()
    if known is not None:
        parameters = replace(parameters, polarity=known.value)
    with closing(prepare(volume, parameters, progress, runner=runner)) as job:
        job.polarity = known or job.polarity
        first = _tried(job, z, progress)
        if job.polarity.sure or job.card.polarity != "dark":
            return TriedSlice(first)
        job.polarity = chosen_polarity(job.polarity.other)
        return TriedSlice(first, _tried(job, z, progress))


def _tried(job: SegmentationJob, z: int, progress: Progress) -> SlicePreview:
    wanted = job.neighbours.needed([z])
    progress.begin(len(wanted), "trying one slice")
    runner, mean = job.runner(), Mean(job.neighbours, [z])
    values, measured = None, 0.0
    for batch in read_batches(job.volume, job.neighbours, wanted, 1, job.flip, job.gold):
        for output in job.outputs(runner, batch, progress, redraw=False):
            for whole in mean.add(output):
                values = job.cleared(whole)
                measured = 0.0 if whole.field is None or values is None else whole.field.share
        progress.step()
    labels = None if values is None else labels_of(values, job.threshold)
    notes = (*job.notes, *runner.notes)
    if values is not None and measured < 1:
        notes += (fill_note(1 - measured, "this slice"),)
    device = runner.device
    return SlicePreview(labels, values, measured, job.polarity, device.name, device.reason, notes)


def recognise_slice(
    volume: Volume,
    z: int,
    parameters: SegmentParameters,
    *,
    runner: SliceRunner | None = None,
    progress: Progress | None = None,
) -> Recognition:
    """Tell where the network does not recognise slice ``z``, from what it redraws of it.

    Parameters
    ----------
    volume, z, parameters, progress
        As for ``segment_slice``.
    runner
        From ``make_runner`` with ``image=True``: saves loading the model again.

    Raises
    ------
    UserError
        As ``segment``; or if the model does not redraw its input.
    Cancelled
        If ``progress`` was cancelled.
    """
    progress = progress or Progress()
    with closing(prepare(volume, parameters, progress, redraws=True, runner=runner)) as job:
        head = job.card.image_output
        if head is None:
            raise UserError(
                f"The model {job.card.name} does not redraw its input, so it cannot say what it recognises. "
                "Choose another model."
            )
        # Turned as in the segmentation, so that the figure is the same.
        (batch,) = read_batches(volume, job.neighbours, [z], 1, job.flip)
        if batch.images is None:
            return Recognition(None, None)
        redrawn = job.runner().run(batch.images, progress.check)[head][0]
    field = batch.fields[0]
    stack = batch.images[0]
    redrawn, image = (
        job.neighbours.turned_back(one, z, field.box_shape) for one in (redrawn, stack[len(stack) // 2])
    )
    around = field.placed(trust_map(redrawn, image, field.in_box), outside=1.0)
    return Recognition(recognised(redrawn, image, field.in_box), np.ascontiguousarray(around))


def estimate(
    shape: Triple,
    card: ModelCard,
    device: Device,
    *,
    tile_px: int | None = None,
    batch: int | None = None,
    probability: bool = False,
    trust: TrustChoice = "none",
    neighbours: Reach = 1,
    noisy: bool = False,
    runner: SliceRunner | None = None,
) -> Estimate:
    """Estimate time and memory of a segmentation by timing a small piece of a slice.

    Parameters
    ----------
    shape
        Of the slices to segment, (z, y, x).
    card, device, tile_px, batch, probability, trust, neighbours, noisy
        As for ``segment``.
    runner
        From ``make_runner`` for these, with ``image=True`` where slices are redrawn; saves loading the model.
    """
    redrawn = 0.0 if card.image_output is None else share_redrawn(trust)
    own = runner or make_runner(card, device, tile_px=tile_px, image=redrawn > 0)
    try:
        at_once = batch_size(device, shape, batch)
        size = (shape[1], shape[2])
        area, memory = own.plan(reduced_shape(size) if noisy else size, at_once)
        edge = -(-min(_PROBE_PX, max(shape[1:])) // card.multiple) * card.multiple
        probe = np.random.default_rng(0).normal(size=(1, card.slices, edge, edge)).astype(np.float32)
        seconds = (1 - redrawn) * _timed(own, probe, [card.label_output])
        if redrawn and card.image_output is not None:
            seconds += redrawn * _timed(own, probe, [card.label_output, card.image_output])
        tile, notes = own.tile_px, tuple(own.notes)
    finally:
        if runner is None:
            own.close()
    disk = int(np.prod(shape)) * (2 if probability else 1)
    passes = len(Neighbours(neighbours, shape[0]).needed(range(shape[0])))
    # Outputs wait for their neighbours'.
    waiting = 2 * neighbours + 1
    if (
        card.slices > 1
    ):  # those that are held, and the stacks that are made, wait, are computed, or wait again
        waiting += card.slices * (1 + _STACKS * at_once)
    memory += waiting * shape[1] * shape[2] * np.dtype(np.float32).itemsize
    return Estimate(seconds / edge**2 * area * passes, memory, disk, tile, notes)


def _timed(runner: SliceRunner, probe: Image, heads: list[str]) -> float:
    """Return the seconds that these heads take for a piece of a slice, once they are warm."""
    runner.executor.run(probe, lambda: None, heads)
    begin = time.perf_counter()
    runner.executor.run(probe, lambda: None, heads)
    return time.perf_counter() - begin
