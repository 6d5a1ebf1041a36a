"""Segmentation from the window: what the fields ask for, and the work that a job then does.

The engine takes half a second to load; it is imported where a thread needs it, so that the window opens
at once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from sxtstudio.app.jobs.job import Job
from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.checked_volume import InputChangedError
from sxtstudio.core.edits import Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.trust import Trust, least_certain, median
from sxtstudio.core.wording import count, share, slice_number
from sxtstudio.io import open_volume
from sxtstudio.segment.checkpoint import forget, read_unfinished
from sxtstudio.workflow.document.network_output import forget_output, keep_output
from sxtstudio.workflow.jobs.unchanged import KnownInput

if TYPE_CHECKING:
    from sxtstudio.segment import ModelCard, SegmentParameters
    from sxtstudio.segment.neighbours import Reach
    from sxtstudio.segment.parameters import TrustChoice

Pixels = NDArray[np.uint8]
PolarityChoice = Literal["auto", "dark", "bright"]
# What the engine's folder does not say of an unfinished run lies beside it.
_REQUEST = "segmentation.json"


@dataclass(frozen=True)
class SegmentChoice:
    """What the fields of the panel ask for.

    Attributes
    ----------
    model
        File of the model, its name, or None for the default one.
    device
        "auto", "cpu", "cuda:0" …
    tile_px
        None is automatic.
    threshold
        None is the model's own.
    polarity
        "auto" where it is not known yet.
    slices
        First slice and the one after the last.
    keep_output
        Keep the network's output, so that the threshold can be changed later.
    trust
        Which slices the network also redraws: "none", "sample" or "every".
    neighbours
        How many slices on each side have a say: 0 or 1.
    """

    model: str | None = None
    device: str = "auto"
    tile_px: int | None = None
    threshold: float | None = None
    polarity: PolarityChoice = "auto"
    slices: tuple[int, int] | None = None
    keep_output: bool = False
    trust: TrustChoice = "sample"
    neighbours: Reach = 1

    def parameters(self) -> SegmentParameters:
        """Return what the engine is asked; loads the engine."""
        from sxtstudio.segment import SegmentParameters

        return SegmentParameters(
            model=self.model,
            device=self.device,
            tile_px=self.tile_px,
            threshold=self.threshold,
            polarity=self.polarity,
            slices=self.slices,
            probability=self.keep_output,
            trust=self.trust,
            neighbours=self.neighbours,
        )


@dataclass(frozen=True)
class Choices:
    """Models and devices of this computer; ``problems`` are sentences on models that cannot be used."""

    models: tuple[ModelCard, ...]
    devices: tuple[tuple[str, str], ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class SegmentOutcome:
    """What is to be told at the end of a segmentation."""

    slices: tuple[int, int]
    voxels: int
    seconds: float
    device: str
    device_reason: str
    polarity: Literal["dark", "bright"]
    polarity_reason: str
    output_kept: bool
    notes: tuple[str, ...] = ()
    trust: Trust = ()


@dataclass(frozen=True)
class Interrupted:
    """A segmentation that was cancelled, or that a crash ended."""

    choice: SegmentChoice
    finished: int
    wanted: int = field(default=0)


def find_choices(extra: Sequence[str] = ()) -> Choices:
    """Return the installed models, those in the files ``extra``, and the devices; loads the engine."""
    from sxtstudio.segment import choose_device, find_models, load_card
    from sxtstudio.segment.device import driver_cards

    problems: list[str] = []
    models = find_models(problems=problems)
    for path in extra:
        if all(str(card.path) != path for card in models):
            try:
                models.append(load_card(Path(path)))
            except UserError as error:
                problems.append(str(error))
    try:
        cards = driver_cards()
    except Exception:  # no driver, no card: choose_device has the sentence on that
        cards = []
    devices = [("auto", "Automatic"), ("cpu", choose_device("cpu").name)]
    devices += [(f"cuda:{index}", name) for index, name in enumerate(cards)]
    return Choices(tuple(models), tuple(devices), tuple(problems))


def run_segmentation(
    job: Job,
    recorder: Recorder,
    known: KnownInput,
    choice: SegmentChoice,
    folder: Path,
    work_dir: Path,
    record: dict[str, Any],
    *,
    resume: bool = False,
) -> SegmentOutcome:
    """Segment, and replace the labels slice by slice; called in a thread.

    Parameters
    ----------
    known
        The tomogram.
    folder, work_dir
        Of the document, and of its unfinished segmentation.
    record
        Takes what belongs into the record of steps.
    resume
        Go on with what lies in ``work_dir``. Finished slices that were changed since stay as they are.
    """
    from sxtstudio.segment import segment

    known.check()
    volume, shape = known.volume, known.volume.shape
    before, kept_by_hand = job.progress.stage, 0

    def on_slices(z: int, labels: Pixels) -> None:
        nonlocal kept_by_hand
        box = Box.slab(z, z + 1, shape)
        now = recorder.labels[z]
        # The engine hands over the finished slices of an earlier run before it begins to count.
        earlier = job.progress.stage == before
        if earlier and now.any() and not np.array_equal(now, labels):
            kept_by_hand += 1
            return
        if recorder.write(box, labels[np.newaxis]) is not None:
            job.report(box)

    if not resume:
        _write_request(folder, choice)
    segmentation = segment(
        volume, choice.parameters(), work_dir, resume=resume, progress=job.progress, on_slices=on_slices
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
    record.update(
        model=card.name,
        model_sha256=card.sha256,
        device=segmentation.device,
        threshold=segmentation.threshold,
        polarity=segmentation.polarity,
        slices=list(segmentation.slices),
        tile_px=choice.tile_px,
        neighbours=choice.neighbours,
        voxels=segmentation.voxels,
    )
    outcome = SegmentOutcome(
        segmentation.slices,
        segmentation.voxels,
        sum(segmentation.seconds.values()),
        segmentation.device,
        segmentation.device_reason,
        segmentation.polarity,
        segmentation.polarity_reason,
        segmentation.probability is not None,
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
    worst = ", ".join(f"{slice_number(first + i)} ({share(v)})" for i, v in least_certain(figures, 3))
    text = f"The network is {share(middle)} sure of its labels (median); the least in slices {worst}."
    return [text.replace(" %", "\u00a0%")]


def interrupted(folder: Path, work_dir: Path) -> Interrupted | None:
    """Return the unfinished segmentation in ``work_dir``, or None if there is none to go on with."""
    found = read_unfinished(work_dir)
    if found is None:
        return None
    settings = found.settings
    request: dict[str, Any] = {"model": settings.model}
    with suppress(OSError, ValueError):
        request.update(json.loads((folder / _REQUEST).read_text(encoding="utf-8")))
    choice = SegmentChoice(
        model=None if request["model"] is None else str(request["model"]),
        device=str(request.get("device", "auto")),
        tile_px=request.get("tile_px"),
        threshold=settings.threshold,
        polarity=settings.polarity,
        slices=(settings.first, settings.last + 1),
        keep_output=settings.probability,
        trust=request.get("trust", "sample"),
        neighbours=0 if settings.neighbours == 0 else 1,
    )
    return Interrupted(choice, found.finished, settings.shape[0])


def forget_interrupted(folder: Path, work_dir: Path) -> None:
    """Delete an unfinished segmentation."""
    forget(work_dir)
    with suppress(OSError):
        (folder / _REQUEST).unlink()


def _write_request(folder: Path, choice: SegmentChoice) -> None:
    content = {
        "model": choice.model,
        "device": choice.device,
        "tile_px": choice.tile_px,
        "trust": choice.trust,
    }
    with atomic_write(folder / _REQUEST) as temporary:
        temporary.write_text(json.dumps(content), encoding="utf-8")
