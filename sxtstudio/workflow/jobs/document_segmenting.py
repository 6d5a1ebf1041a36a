"""Segmentation of what is open: its labels are replaced slice by slice, and can be gone on with.

The engine takes half a second to load; it is imported where a thread needs it, so that the window opens
at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from msgspec import Meta, Struct, field
from numpy.typing import NDArray

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.checked_volume import InputChangedError
from sxtstudio.core.edits import Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.polarity import Polarity
from sxtstudio.core.progress import Progress
from sxtstudio.core.records import read_json, record_of
from sxtstudio.core.trust import Trust, least_certain, median
from sxtstudio.core.uses import Use
from sxtstudio.core.wording import count, share, slice_number
from sxtstudio.io import open_volume
from sxtstudio.segment.checkpoint import forget, read_unfinished
from sxtstudio.segment.parameters import SegmentParameters, TrustChoice
from sxtstudio.workflow.document.network_output import forget_output, keep_output
from sxtstudio.workflow.jobs.unchanged import KnownInput

if TYPE_CHECKING:
    from sxtstudio.segment.job import SegmentationJob

Pixels = NDArray[np.uint8]
OnWritten = Callable[[Box], object]
OnFinished = Callable[[int, int], object]
OnBegun = Callable[[dict[str, Any]], object]
# What the engine's folder does not say of an unfinished run lies beside it.
_REQUEST = "segmentation.json"
# A card may say its threshold in more places than the field shows.
_SAME_THRESHOLD = 0.005


@dataclass(frozen=True)
class SegmentOutcome:
    """What is shown at the end of a segmentation."""

    slices: tuple[int, int]
    voxels: int
    seconds: float
    device: str
    device_reason: str
    polarity: Polarity
    output_kept: bool
    model: str
    model_sha256: str
    threshold: float
    use: Use | None
    tile_px: int | None
    neighbours: int
    leave_out: bool = False
    noisy: bool = False
    left_out: str = ""
    notes: tuple[str, ...] = ()
    trust: Trust = ()

    def step(self) -> dict[str, Any]:
        """Return what stands in the record of steps."""
        return {
            "model": self.model,
            "model_sha256": self.model_sha256,
            "device": self.device,
            "threshold": self.threshold,
            **({} if self.use is None else {"use": self.use.words}),
            "polarity": self.polarity.value,
            "slices": list(self.slices),
            "tile_px": self.tile_px,
            "neighbours": self.neighbours,
            "leave_out": self.leave_out,
            **({"noisy": True} if self.noisy else {}),
            **({"left_out": self.left_out} if self.left_out else {}),
            "voxels": self.voxels,
            "output_kept": self.output_kept,
        }


@dataclass(frozen=True)
class Interrupted:
    """A segmentation that was cancelled, or that a crash ended."""

    parameters: SegmentParameters
    finished: int
    wanted: int

    def changes(self, now: SegmentParameters, threshold: float, slice_count: int) -> list[str]:
        """Return in what the labels would be others now, such as "the threshold was 0.00 and is 0.50".

        Parameters
        ----------
        now
            What is asked for now. An automatic polarity is what it was.
        threshold
            That of now, as a number.
        slice_count
            Of the tomogram.
        """
        then, texts = self.parameters, []
        if str(then.model) != str(now.model):
            texts.append(f"the model was {_model_name(then.model)} and is {_model_name(now.model)}")
        before = threshold if then.threshold is None else then.threshold
        if not same_threshold(before, threshold):
            texts.append(f"the threshold was {before:.2f} and is {threshold:.2f}")
        if now.polarity != "auto" and then.polarity not in ("auto", now.polarity):
            texts.append(f"membranes were {then.polarity} and are {now.polarity}")
        slices, chosen = then.checked(slice_count), now.checked(slice_count)
        if slices != chosen:
            words = [f"{slice_number(first)} to {last}" for first, last in (slices, chosen)]
            texts.append(f"the slices were {words[0]} and are {words[1]}")
        if then.neighbours != now.neighbours:
            texts.append(f"neighbouring slices {'had' if then.neighbours else 'did not have'} a say")
        if then.leave_out != now.leave_out:
            texts.append(f"frames and gold were {'not ' if then.leave_out else ''}to be labelled")
        if then.noisy != now.noisy:
            texts.append(f"the tomogram was {'' if then.noisy else 'not '}to be seen as noisy")
        if then.probability != now.probability:
            texts.append(f"the network's output was {'' if then.probability else 'not '}to be kept")
        return texts


def same_threshold(one: float, other: float) -> bool:
    """Whether two thresholds are the same in the places that the field shows."""
    return abs(one - other) <= _SAME_THRESHOLD


def segment_document(
    recorder: Recorder,
    known: KnownInput,
    parameters: SegmentParameters,
    folder: Path,
    work_dir: Path,
    progress: Progress,
    on_written: OnWritten,
    *,
    resume: bool = False,
    on_finished: OnFinished | None = None,
    on_begun: OnBegun | None = None,
) -> SegmentOutcome:
    """Segment, and replace the labels slice by slice; called in a thread.

    Parameters
    ----------
    recorder
        Writes the labels of the document, so that they can be undone.
    known
        The tomogram.
    folder, work_dir
        Of the document, and of its unfinished segmentation.
    progress
        A cancel leaves the finished slices in ``work_dir``.
    on_written
        Called with every box whose labels were changed.
    resume
        Go on with what lies in ``work_dir``. Finished slices that were changed since stay as they are.
    on_finished
        Called with the slices, first and the one after the last, of which the labels are there.
    on_begun
        Called before the first slice is written, with what stands in the record of steps if it is ended
        half-way.

    Raises
    ------
    UserError
        If the tomogram or a parameter is bad, or the tomogram was changed or replaced meanwhile.
    Cancelled
        If it was cancelled through ``progress``.
    """
    from sxtstudio.segment import segment

    known.check()
    volume, shape = known.volume, known.volume.shape
    kept_by_hand = 0

    first, _ = parameters.checked(shape[0])

    def on_slices(z: int, labels: Pixels) -> None:
        box = Box.slab(z, z + 1, shape)
        if recorder.write(box, labels[np.newaxis]) is not None:
            on_written(box)
        if on_finished is not None:
            on_finished(first, z + 1)

    def on_earlier(z: int, labels: Pixels) -> None:
        nonlocal kept_by_hand
        now = recorder.labels[z]
        if now.any() and not np.array_equal(now, labels):
            kept_by_hand += 1
            if on_finished is not None:
                on_finished(first, z + 1)
        else:
            on_slices(z, labels)

    def on_decided(job: SegmentationJob) -> None:
        begun = _as_begun(job)
        _write_request(folder, parameters, begun)  # before a voxel changes: a crash must not lose it
        if on_begun is not None:
            on_begun(begun)

    if not resume:
        _write_request(folder, parameters)
    segmentation = segment(
        volume,
        parameters,
        work_dir,
        resume=resume,
        progress=progress,
        on_slices=on_slices,
        on_earlier=on_earlier,
        on_begun=on_decided,
    )
    try:
        known.check(segmentation.sources, lambda: open_volume(known.path))
    except InputChangedError:
        segmentation.discard()
        raise
    warnings = [f"⚠ {text}" for text in segmentation.warnings]
    notes = [*warnings, *segmentation.notes_counted_from(1)]
    if kept_by_hand:
        slices = count(kept_by_hand, "finished slice")
        notes.append(f"{slices} had been changed since and stayed as they were.")
    card = segmentation.card
    outcome = SegmentOutcome(
        segmentation.slices,
        segmentation.voxels,
        sum(segmentation.seconds.values()),
        segmentation.device,
        segmentation.device_reason,
        segmentation.polarity,
        segmentation.probability is not None,
        card.name,
        card.sha256,
        segmentation.threshold,
        segmentation.use,
        parameters.tile_px,
        parameters.neighbours,
        parameters.leave_out,
        parameters.noisy,
        segmentation.left_out,
        tuple(notes),
        segmentation.trust or (),
    )
    if outcome.output_kept:
        take = segmentation.take_probability
        keep_output(take, folder, shape, outcome.slices, segmentation.threshold, card.name)
    else:
        forget_output(folder)
    segmentation.discard()
    (folder / _REQUEST).unlink(missing_ok=True)
    return outcome


def trust_lines(figures: Trust, first: int) -> list[str]:
    """Return how sure the network was, and where the least; slices are counted from 1."""
    middle = median([figure.certainty for figure in figures])
    if middle is None:
        return []
    least = [f"{slice_number(first + i)} ({share(v)})" for i, v in least_certain(figures, 3)]
    worst = f"{'slice' if len(least) == 1 else 'slices'} {', '.join(least)}"
    text = f"The network is {share(middle)} sure of its labels (median); the least in {worst}."
    return [text.replace(" %", "\u00a0%")]


def _model_name(model: str | Path | None) -> str:
    return "the default" if model is None else Path(model).stem


class _Request(Struct, frozen=True):
    """What segmentation.json holds: what was asked for and does not change the labels."""

    model: str | None
    device: str = "auto"
    tile_px: Annotated[int, Meta(ge=1)] | None = None
    trust: TrustChoice = "sample"
    begun: dict[str, Any] = field(default_factory=dict)


def read_begun(folder: Path) -> dict[str, Any]:
    """Return what the record says of the unfinished segmentation of a document's folder; {} if unknown."""
    with suppress(UserError):
        return record_of(read_json(folder / _REQUEST, "The request"), _Request, "The request").begun
    return {}


def _as_begun(job: SegmentationJob) -> dict[str, Any]:
    """Return what is known of a segmentation before its end, as ``SegmentOutcome.step`` says it."""
    asked, use = job.parameters, job.card.use_of(job.threshold)
    return {
        "model": job.card.name,
        "model_sha256": job.card.sha256,
        "device": job.device.name,
        "threshold": job.threshold,
        **({} if use is None else {"use": use.words}),
        "polarity": job.polarity.value,
        "slices": list(job.slices),
        "tile_px": asked.tile_px,
        "neighbours": asked.neighbours,
        "leave_out": asked.leave_out,
        **({"noisy": True} if asked.noisy else {}),
    }


def read_interrupted(folder: Path, work_dir: Path) -> Interrupted | None:
    """Return the unfinished segmentation in ``work_dir``, or None if there is none to go on with."""
    found = read_unfinished(work_dir)
    if found is None:
        return None
    settings = found.settings
    request = _Request(settings.model)
    with suppress(UserError):  # without it the run goes on with what is usual
        request = record_of(read_json(folder / _REQUEST, "The request"), _Request, "The request")
    parameters = SegmentParameters(
        model=request.model,
        device=request.device,
        tile_px=request.tile_px,
        threshold=settings.threshold,
        polarity=settings.polarity,
        slices=(settings.first, settings.last + 1),
        probability=settings.probability,
        trust=request.trust,
        neighbours=0 if settings.neighbours == 0 else 1,
        leave_out=settings.leave_out,
        noisy=settings.noisy,
    )
    return Interrupted(parameters, found.finished, settings.shape[0])


def forget_interrupted(folder: Path, work_dir: Path) -> None:
    """Delete an unfinished segmentation."""
    forget(work_dir)
    with suppress(OSError):
        (folder / _REQUEST).unlink()


def _write_request(
    folder: Path, parameters: SegmentParameters, begun: Mapping[str, Any] | None = None
) -> None:
    content = {
        "model": None if parameters.model is None else str(parameters.model),
        "device": parameters.device,
        "tile_px": parameters.tile_px,
        "trust": parameters.trust,
        "begun": dict(begun or {}),
    }
    with atomic_write(folder / _REQUEST, own=True) as temporary:
        temporary.write_text(json.dumps(content), encoding="utf-8")
