"""What a training says while it runs, and what came out of it."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.training_events import JudgedOn, is_clear, number

PREVIEW = "preview.npz"
Points = list[tuple[float, float]]

# Curves by name; each is what an event of this kind says under this key.
CURVES = {
    "label_loss": ("step", "label_loss"),
    "image_loss": ("step", "image_loss"),
    "test_label_loss": ("evaluate", "test_label_loss"),
    "test_image_loss": ("evaluate", "test_image_loss"),
    "label_share": ("evaluate", "label_share"),
    "image_share": ("evaluate", "image_share"),
    "f1": ("evaluate", "f1"),
}


@dataclass
class History:
    """The curves of a training, put together from its events, also over interruptions."""

    curves: dict[str, Points] = field(default_factory=lambda: {name: [] for name in CURVES})
    step: int = 0
    of: int = 0
    remaining_s: float | None = None
    seconds: float | None = None
    device: str = ""
    slices: tuple[int, int, int] | None = None
    judged_on: JudgedOn = JudgedOn.SLICES
    best_step: int | None = None
    paused: bool = False
    notes: list[str] = field(default_factory=list)
    error: str = ""
    done: dict[str, Any] | None = None

    @property
    def fraction(self) -> float:
        """How much is done, 0…1; by time where the number of steps is not fixed."""
        if self.of:
            return min(1.0, self.step / self.of)
        if self.seconds is None or self.remaining_s is None:
            return 0.0
        return self.seconds / max(1e-6, self.seconds + self.remaining_s)

    def add(self, event: Mapping[str, Any]) -> None:
        """Take an event in; unknown ones change nothing."""
        kind = event["event"]
        step = number(event, "step")
        if kind == "start":
            self._begin(event, int(step or 0))
        elif step is not None:
            self.step = int(step)
            self.of = int(number(event, "of") or self.of)
        for name, (where, key) in CURVES.items():
            value = number(event, key)
            if kind == where and value is not None and step is not None:
                self.curves[name].append((step, value))
        if kind == "step":
            self.remaining_s = number(event, "remaining_s")
            self.seconds = number(event, "seconds")
        elif kind == "evaluate" and event.get("best") is True:
            self.best_step = self.step
        elif kind in ("paused", "resumed"):
            self.paused = kind == "paused"
        elif kind == "note":
            self.notes.append(str(event.get("text", "")))
        elif kind == "error":
            self.error = str(event.get("text", ""))
        elif kind == "done":
            self.done = dict(event)

    def _begin(self, event: Mapping[str, Any], step: int) -> None:
        """Go on at ``step``: what came after it is done anew."""
        self.step, self.of = step, int(number(event, "of") or self.of)
        self.device = str(event.get("device", ""))
        self.error, self.done, self.paused, self.remaining_s = "", None, False, None
        self.judged_on = _judged_on(event)
        counts = [number(event, key) for key in ("labelled", "held_out", "unlabelled")]
        if None not in counts:
            labelled, held_out, unlabelled = (int(count or 0) for count in counts)
            self.slices = (labelled, held_out, unlabelled)
        for name, points in self.curves.items():
            # The evaluation before training has step 0 as well and belongs to it.
            self.curves[name] = [point for point in points if point[0] <= step and step > 0]


@dataclass(frozen=True)
class RecordedScores:
    """Precision, recall and F1 on held-out slices, within 2 pixels."""

    precision: float
    recall: float
    f1: float

    @classmethod
    def of(cls, content: Any) -> RecordedScores | None:
        """Return the scores in an event, or None where they are not all there."""
        if not isinstance(content, Mapping):
            return None
        found = [number(content, key) for key in ("precision", "recall", "f1")]
        if any(value is None for value in found):
            return None
        precision, recall, f1 = (float(value or 0.0) for value in found)
        return cls(precision, recall, f1)


@dataclass(frozen=True)
class HeldOutSlice:
    """A held-out slice: image f32, truth uint8 (0, 255; 128 does not count), networks' outputs −1…1."""

    image: NDArray[np.float32]
    truth: NDArray[np.uint8]
    before: NDArray[np.float32] | None
    after: NDArray[np.float32]


@dataclass(frozen=True)
class TrainingOutcome:
    """What a finished training brought.

    ``better``: whether to offer the new model; ``unclear``: what was judged differs too little to say which
    is better. ``verdict`` says so in a sentence.
    """

    model: Path
    reason: str
    before: RecordedScores | None
    after: RecordedScores | None
    better: bool
    unclear: bool
    verdict: str
    judged_on: JudgedOn = JudgedOn.SLICES
    pictures: tuple[HeldOutSlice, ...] = ()


def outcome_of(run: Path, done: Mapping[str, Any]) -> TrainingOutcome:
    """Return what the last event and the files of a run say."""
    before, after = RecordedScores.of(done.get("before")), RecordedScores.of(done.get("after"))
    better = done.get("better")
    if not isinstance(better, bool):
        better = after is not None and (before is None or after.f1 > before.f1)
    unclear = before is not None and after is not None and not is_clear(before.f1, after.f1)
    better = better and not unclear
    judged_on = _judged_on(done)
    verdict = _unclear(before, after, judged_on) if unclear else _verdict(before, after, better, judged_on)
    model = run / Path(str(done.get("model", ""))).name
    pictures = read_pictures(run / Path(str(done.get("comparison") or "comparison.npz")).name)
    reason = str(done.get("reason", ""))
    return TrainingOutcome(model, reason, before, after, better, unclear, verdict, judged_on, pictures)


def read_pictures(path: Path) -> tuple[HeldOutSlice, ...]:
    """Return the pictures of a comparison; of a file that is missing or damaged, none."""
    arrays = read_arrays(path)
    found = []
    for number_ in range(len(arrays)):
        image, truth = arrays.get(f"image_{number_}"), arrays.get(f"truth_{number_}")
        before, after = arrays.get(f"before_{number_}"), arrays.get(f"after_{number_}")
        if image is not None and truth is not None and after is not None:
            found.append(HeldOutSlice(image, truth, before, after))
    return tuple(found)


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the 2D arrays of an .npz by name; nothing if it is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, KeyError, EOFError, NotImplementedError, MemoryError, zipfile.BadZipFile):
        return {}
    return {name: array for name, array in arrays.items() if array.ndim == 2 and array.size}


_WHERE = {
    JudgedOn.SLICES: "on slices that it has not learned from",
    JudgedOn.STRIP: "on a strip of the same slice",
}
_ADVICE = {
    JudgedOn.SLICES: "More complete slices, or a longer training, may help.",
    JudgedOn.STRIP: "A second complete slice, from another place, tells more and teaches more.",
}


def _judged_on(event: Mapping[str, Any]) -> JudgedOn:
    return JudgedOn.STRIP if event.get("judged_on") == JudgedOn.STRIP else JudgedOn.SLICES


def _unclear(before: RecordedScores | None, after: RecordedScores | None, judged_on: JudgedOn) -> str:
    if before is None or after is None:
        raise ValueError("only two figures can differ too little")
    where = _WHERE[judged_on]
    return (
        f"{where[0].upper()}{where[1:]}, F1 was {before.f1:.2f} before and is {after.f1:.2f} after: "
        f"too little to tell whether the new model is better. {_ADVICE[judged_on]}"
    )


def _verdict(
    before: RecordedScores | None, after: RecordedScores | None, better: bool, judged_on: JudgedOn
) -> str:
    where = _WHERE[judged_on]
    if after is None:
        return "How good the new model is could not be judged, so look at the pictures before you use it."
    if before is None:
        return f"{where[0].upper()}{where[1:]}, the new model reaches F1 {after.f1:.2f}."
    if better:
        change = f"F1 rose from {before.f1:.2f} to {after.f1:.2f}"
        more = f" {_ADVICE[judged_on]}" if judged_on is JudgedOn.STRIP else ""
        return f"The new model is better: {where}, {change}.{more}"
    word = "fell" if after.f1 < before.f1 else "did not rise"
    change = f"F1 {word} ({before.f1:.2f} before, {after.f1:.2f} after)"
    return f"The new model is not better: {where}, {change}. {_ADVICE[judged_on]}"
