"""One segmentation while it runs: what was decided before it began, and the counts as it goes on."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sxtstudio.core.checked_volume import CheckedVolume, InputChangedError
from sxtstudio.core.errors import Cancelled, outside_the_file
from sxtstudio.core.image_polarity import detect_polarity
from sxtstudio.core.left_out import NO_ARTEFACTS, Artefacts, artefacts_of, without_left_out
from sxtstudio.core.polarity import Polarity, Value, chosen_polarity
from sxtstudio.core.progress import Progress
from sxtstudio.core.trust import SliceTrust
from sxtstudio.core.volume import ArrayVolume, Volume
from sxtstudio.segment.card import ModelCard
from sxtstudio.segment.check import try_model
from sxtstudio.segment.checkpoint import Checkpoint
from sxtstudio.segment.device import Device, choose_device
from sxtstudio.segment.keeper import RunnerKeeper
from sxtstudio.segment.ledger import MadeFrom
from sxtstudio.segment.neighbours import Image, Mean, Neighbours, NetworkOutput
from sxtstudio.segment.overlap import overlapped
from sxtstudio.segment.parameters import (
    FillSummary,
    PartOf,
    Segmentation,
    SegmentParameters,
    all_blank,
    kept_note,
    warnings_of,
)
from sxtstudio.segment.polarity import ask_network, judge_for
from sxtstudio.segment.registry import load_card
from sxtstudio.segment.run_settings import RunSettings
from sxtstudio.segment.runner import SliceRunner, batch_size, make_runner
from sxtstudio.segment.slices import (
    Pixels,
    SliceBatch,
    fingerprint,
    labels_of,
    probability_of,
    read_batches,
)
from sxtstudio.segment.trust import certainty, recognised, sampled


@dataclass(frozen=True)
class Finished:
    """A slice of the tomogram whose labels (y, x) are on disk."""

    z: int
    labels: Pixels
    blank: bool = False


@dataclass
class SegmentationJob:
    """A segmentation of the slices ``slices`` (first, one after the last) of a volume.

    ``redraws`` says whether slices are redrawn as well; ``lent`` is a runner that somebody else will close,
    ``keeper`` has one, or makes it; ``part_of`` is the whole where these slices are a part of one.
    """

    volume: CheckedVolume
    parameters: SegmentParameters
    slices: tuple[int, int]
    card: ModelCard
    device: Device
    polarity: Polarity
    redraws: bool = False
    lent: SliceRunner | None = None
    keeper: RunnerKeeper | None = None
    part_of: PartOf | None = None
    artefacts: Artefacts = NO_ARTEFACTS
    seconds: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    voxels: int = 0
    resumed: int = 0
    blank: list[int] = field(default_factory=list)
    _own: SliceRunner | None = None

    def runner(self) -> SliceRunner:
        """Return the network, loaded when it is asked for first."""
        if self.lent is None and self.keeper is not None:
            with self.timed("loading the model"):
                self.lent = self.keeper.lend(
                    self.card, self.device, tile_px=self.parameters.tile_px, image=self.redraws
                )
        if self.lent is not None:
            return self.lent
        if self._own is None:
            with self.timed("loading the model"):
                tile_px = self.parameters.tile_px
                self._own = make_runner(self.card, self.device, tile_px=tile_px, image=self.redraws)
        return self._own

    def close(self) -> None:
        """Give the network's memory back."""
        if self._own is not None:
            self._own.close()
            self._own = None

    @property
    def threshold(self) -> float:
        """Network output above which a pixel is labelled."""
        return self.parameters.threshold_for(self.card)

    @property
    def whole(self) -> tuple[int, int]:
        """All slices of the segmentation to which these belong."""
        return self.slices if self.part_of is None else self.part_of.slices

    @property
    def neighbours(self) -> Neighbours:
        """How each slice is looked at."""
        asked = self.parameters
        return Neighbours(asked.neighbours, self.volume.shape[0], self.card.slices, asked.noisy)

    @property
    def flip(self) -> bool:
        """Whether the slices must be turned around before the network sees them."""
        return self.card.polarity == "dark" and self.polarity.value == "bright"

    @property
    def gold(self) -> Value | None:
        """Whether gold is dark or bright, where it is not labelled."""
        return self.polarity.value if self.parameters.leave_out else None

    def cleared(self, output: NetworkOutput) -> Image | None:
        """Return an output's values without frame and gold, where these are not labelled."""
        values, gold = output.values, None if output.field is None else output.field.gold
        if values is None or not self.parameters.leave_out:
            return values
        return without_left_out(values, self.artefacts.frame, gold)

    def checkpoint(self, folder: Path, resume: bool | None) -> Checkpoint:
        """Open the folder of the finished slices."""
        first, last = self.slices
        settings = RunSettings(
            model=self.card.name,
            model_sha256=self.card.sha256,
            threshold=self.threshold,
            polarity=self.polarity.value,
            first=first,
            last=last - 1,
            probability=self.parameters.probability,
            neighbours=self.parameters.neighbours,
            tomogram=self.volume.shape,
            dtype=str(self.volume.dtype),
            content=fingerprint(self.volume, self.slices),
            leave_out=self.parameters.leave_out,
            noisy=self.parameters.noisy,
        )
        return Checkpoint(folder, settings, resume=resume)

    def earlier(self, checkpoint: Checkpoint, progress: Progress) -> Iterator[Finished]:
        """Yield the slices that an interrupted run had finished.

        Raises
        ------
        InputChangedError
            If a slice of the tomogram is not the one that its labels were made from.
        """
        self.resumed = len(checkpoint.finished)
        if self.resumed and self.part_of is None:
            self.notes.append(kept_note(self.resumed))
        trust = checkpoint.trust()
        for index in sorted(checkpoint.finished):
            progress.check()
            z, made_from = self.slices[0] + index, checkpoint.source(index)
            if made_from is not None and made_from != self._made_from(z, made_from.around is not None):
                raise InputChangedError(
                    f"The tomogram is not the one of which {self.resumed} slices were finished: its "
                    "{slices}, or a neighbour of it, is another. Restart to discard the finished slices.",
                    slices=(z, z),
                )
            yield self._finished_at(index, checkpoint, trust[index])

    def _finished_at(self, index: int, checkpoint: Checkpoint, trust: SliceTrust) -> Finished:
        # Only where there was nothing to see, nothing was measured.
        return Finished(self.slices[0] + index, checkpoint.read(index), blank=trust.measured == 0)

    def compute(self, checkpoint: Checkpoint, progress: Progress) -> Iterator[Finished]:
        """Compute the other slices; yield each once it is on disk, also those of the moment of a cancel."""
        first, last = self.slices
        todo = [z for z in range(first, last) if z - first not in checkpoint.finished]
        if not todo:
            return
        runner = self.runner()
        self.device = runner.device
        progress.begin(len(todo), f"segmenting on {self.device.name}")
        progress.step(0)  # the first slice may take long
        yield from self._run(runner, todo, checkpoint, progress)
        self.notes.extend(runner.notes)

    def count(self, done: Finished) -> None:
        """Take a finished slice into the counts."""
        self.voxels += int(np.count_nonzero(done.labels))
        if done.blank:
            self.blank.append(done.z)

    def refuse_if_all_blank(self, checkpoint: Checkpoint) -> None:
        """Raise UserError if there was nothing to be seen in any slice; a part may be so."""
        if self.part_of is None and len(self.blank) == checkpoint.shape[0]:
            checkpoint.discard()
            raise all_blank()

    def result(self, checkpoint: Checkpoint) -> Segmentation:
        """Return what came out."""
        probability = checkpoint.probability()
        voxel_nm = self.volume.voxel_nm
        trust = checkpoint.trust()
        fill = FillSummary.of(trust)
        if fill.note and self.part_of is None:
            self.notes.append(fill.note)
        return Segmentation(
            labels=ArrayVolume(checkpoint.labels(), voxel_nm),
            probability=None if probability is None else ArrayVolume(probability, voxel_nm),
            card=self.card,
            parameters=self.parameters,
            on_gpu=self.device.is_gpu,
            device=self.device.name,
            device_reason=self.device.reason,
            polarity=self.polarity,
            threshold=self.threshold,
            slices=self.slices,
            resumed=self.resumed,
            voxels=self.voxels,
            seconds={name: round(seconds, 3) for name, seconds in self.seconds.items()},
            notes=tuple(self.notes),
            warnings=warnings_of(self.voxels, self.polarity, self.threshold),
            fill_share=fill.share,
            blank=tuple(sorted(self.blank)),
            left_out=self.artefacts.text,
            checkpoint=checkpoint,
            sources=dict(self.volume.checksums),
            trust=None if self.parameters.trust == "none" else trust,
        )

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time of a block to a stage; each stage belongs to one thread."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - begin

    def _run(
        self, runner: SliceRunner, todo: list[int], checkpoint: Checkpoint, progress: Progress
    ) -> Iterator[Finished]:
        size = batch_size(self.device, self.volume.shape, self.parameters.batch)
        wanted = self.neighbours.needed(todo)
        source = self._timed_reading(
            read_batches(self.volume, self.neighbours, wanted, size, self.flip, self.gold)
        )
        mean = Mean(self.neighbours, todo)

        def work(batch: SliceBatch) -> list[NetworkOutput]:
            with self.timed("inference"):
                return self.outputs(runner, batch, progress)

        def sink(outputs: list[NetworkOutput]) -> list[Finished]:
            with self.timed("keeping slices"):
                return [self._keep(whole, checkpoint) for one in outputs for whole in mean.add(one)]

        unseen = set(todo)
        try:
            with closing(overlapped(source, work, sink, check=progress.check)) as written:
                for finished in written:
                    unseen.difference_update(one.z for one in finished)
                    yield from finished
                    progress.step(len(finished))
        except Cancelled:
            # What was computed already is kept on disk meanwhile, and counts as finished there: so it must
            # for those who hear of each slice, and have its labels.
            trust = checkpoint.trust()
            left = {z - self.slices[0] for z in unseen}
            for index in sorted(left & checkpoint.finished):
                yield self._finished_at(index, checkpoint, trust[index])
            # With nothing left to do it came too late: there would be nothing to go on with.
            if not left <= checkpoint.finished:
                raise

    def outputs(
        self, runner: SliceRunner, batch: SliceBatch, progress: Progress, *, redraw: bool = True
    ) -> list[NetworkOutput]:
        """Return what the network sees; some slices are redrawn as well, unless ``redraw`` is False."""
        outputs = {}
        images = batch.images
        if images is None:
            return [
                NetworkOutput(position, None, like)
                for position, like in zip(batch.positions, batch.like_previous, strict=True)
            ]
        redrawn = [i for i, position in enumerate(batch.positions) if redraw and self._is_redrawn(position)]
        plain = [i for i in range(len(images)) if i not in redrawn]
        for part, heads in ((plain, self.heads[:1]), (redrawn, self.heads)):
            if not part:
                continue
            results = runner.run(images[part], progress.check, heads=heads)
            for row, i in enumerate(part):
                position, field = batch.positions[i], batch.fields[i]
                values = field.placed(
                    self.neighbours.turned_back(results[heads[0]][row], position, field.box_shape)
                )
                share = None
                if len(heads) > 1:
                    again, image = (
                        self.neighbours.turned_back(one, position, field.box_shape)
                        for one in (results[heads[1]][row], images[i][len(images[i]) // 2])
                    )
                    share = recognised(again, image, field.in_box)
                outputs[i] = NetworkOutput(position, values, batch.like_previous[i], share, field)
        return [outputs[i] for i in range(len(images))]

    @property
    def heads(self) -> list[str]:
        """The outputs that are computed at most: the label, and the redrawn slice where it is wanted."""
        image = None if self.parameters.trust == "none" else self.card.image_output
        return [self.card.label_output, *([image] if image else [])]

    def _is_redrawn(self, position: int) -> bool:
        if len(self.heads) == 1 or not self.slices[0] <= position < self.slices[1]:
            return False
        return self.parameters.trust == "every" or sampled(position, self.whole)

    def _keep(self, output: NetworkOutput, checkpoint: Checkpoint) -> Finished:
        z, values = output.position, self.cleared(output)
        shape = self.volume.shape[1:]
        labels = np.zeros(shape, np.uint8) if values is None else labels_of(values, self.threshold)
        probability = None
        if self.parameters.probability:
            probability = (
                np.zeros(shape, np.uint8) if values is None else probability_of(values, self.threshold)
            )
        field = output.field
        measured = 0.0 if values is None else 1.0 if field is None else field.share
        sure = None
        if self.parameters.trust != "none" and values is not None:
            sure = certainty(values if field is None else field.inside(values), self.card.threshold)
        trust = SliceTrust(sure, output.recognised, measured)
        index, source = z - self.slices[0], self._made_from(z, len(self.neighbours.seen(z)) > 1)
        checkpoint.write(index, labels, probability, trust, source=source)
        return Finished(z, labels, blank=values is None)

    def _made_from(self, z: int, with_others: bool) -> MadeFrom:
        """The checksums of what labels of a slice are made from; slices not read yet are read."""
        own = self.volume.checksum(z)
        if not with_others:
            return MadeFrom(own)
        all_seen = np.array([self.volume.checksum(other) for other in self.neighbours.seen(z)], "<u4")
        return MadeFrom(own, zlib.crc32(all_seen.data))

    def _timed_reading(self, batches: Iterator[SliceBatch]) -> Iterator[SliceBatch]:
        while True:
            with self.timed("reading"):
                batch = next(batches, None)
            if batch is None:
                return
            yield batch


def check_settings(parameters: SegmentParameters) -> ModelCard:
    """Check all that can be said before there is a tomogram, but for the device; return the model's card.

    Raises
    ------
    OutsideError
        If a value makes no sense, there is no such model, something is wrong with it or its card, or the
        card has no threshold for the use.
    """
    with outside_the_file():
        parameters.check_values()
        card = load_card(parameters.model)
        parameters.threshold_for(card)
        try_model(card)
    return card


def prepare(
    volume: Volume,
    parameters: SegmentParameters,
    progress: Progress,
    *,
    redraws: bool = False,
    runner: SliceRunner | None = None,
    keeper: RunnerKeeper | None = None,
    part_of: PartOf | None = None,
    count_beads: bool = False,
) -> SegmentationJob:
    """Check the parameters and decide on model, device and polarity.

    The network is loaded for the polarity only where the image leaves a doubt. Close the job when it is done.

    Parameters
    ----------
    volume, parameters, progress
        As for ``segment``.
    redraws
        Whether slices will be redrawn as well.
    runner
        A network for these that is loaded already; it stays the caller's.
    keeper
        Has a network, or makes it, where the caller has none yet.
    part_of
        The whole where only a part of its slices is done; its polarity and artefacts are taken.
    count_beads
        Say also how many gold beads are not labelled, which takes a second or two.

    Raises
    ------
    UserError
        If a parameter or the model is bad, or the device is not there (``OutsideError``).
    """
    volume = CheckedVolume(volume)
    slices = parameters.checked(volume.shape[0])
    card = check_settings(parameters)  # refused now, not after the polarity has been judged
    with outside_the_file():
        device = choose_device(parameters.device)
    begin = time.perf_counter()
    if part_of is not None:
        polarity = part_of.polarity
    elif parameters.polarity == "auto":
        polarity = detect_polarity(volume, progress=progress)
    else:
        polarity = chosen_polarity(parameters.polarity)
    job = SegmentationJob(
        volume, parameters, slices, card, device, polarity, redraws, runner, keeper, part_of
    )
    if part_of is None and not polarity.sure and card.polarity == "dark":
        try:
            job.polarity = _judged_by_network(job, progress)
        except BaseException:
            job.close()
            raise
    if parameters.leave_out:
        _look_for_artefacts(job, progress, count_beads)
    job.seconds["polarity"] = time.perf_counter() - begin
    job.notes.extend(card.notes)
    if parameters.trust != "none" and card.image_output is None:
        job.notes.append(
            f"The model {card.name} does not redraw its input, so how much of it is recognised is not known."
        )
    return job


def _judged_by_network(job: SegmentationJob, progress: Progress) -> Polarity:
    """Return the polarity by the network whose rule it is: the job's own, or the default model."""
    judge = judge_for(job.card)
    if judge is None:
        return job.polarity
    if judge == job.card:
        return ask_network(job.volume, judge, job.runner(), progress)
    runner = make_runner(judge, job.device)
    try:
        return ask_network(job.volume, judge, runner, progress)
    finally:
        runner.close()


def _look_for_artefacts(job: SegmentationJob, progress: Progress, count_beads: bool) -> None:
    """Find out once what is not labelled, before the first slice, so that all slices go by the same."""
    if job.part_of is not None:
        job.artefacts = job.part_of.artefacts
        return
    dark = job.polarity.value == "dark"
    job.artefacts = artefacts_of(job.volume, dark=dark, count_beads=count_beads, progress=progress)
    if count_beads and job.artefacts.text:
        job.notes.append(f"{job.artefacts.text[:1].upper()}{job.artefacts.text[1:]}: not labelled.")
