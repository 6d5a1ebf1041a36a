"""The work of an expert on a tomogram: which slices are to be judged, which are, and in what time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from sxtstudio.core.evaluation.marks import KINDS, JudgedPixels
from sxtstudio.core.statistics import Spread
from sxtstudio.core.wording import slice_number


@dataclass(frozen=True)
class JudgedSlice:
    """A slice that was judged.

    Attributes
    ----------
    pixels
        What was counted in it.
    crc32
        Of its labels when it was judged: other labels were not.
    when
        UTC, "2026-01-31T12:00:00+00:00".
    """

    pixels: JudgedPixels
    crc32: int
    when: str = ""


@dataclass(frozen=True)
class Evaluation:
    """The slices of a tomogram that are to be judged, and what became of them; slices count from 0.

    Attributes
    ----------
    slices
        Ascending.
    judged
        Of slices that were judged, what was found.
    seconds
        Time spent on slices, judged or not.
    """

    slices: tuple[int, ...] = ()
    judged: Mapping[int, JudgedSlice] = field(default_factory=dict)
    seconds: Mapping[int, float] = field(default_factory=dict)

    @property
    def left(self) -> tuple[int, ...]:
        """The slices that are still to be judged."""
        return tuple(z for z in self.slices if z not in self.judged)

    @property
    def total_seconds(self) -> float:
        """Time spent on all slices."""
        return sum(self.seconds.values())

    def of(self, slices: Iterable[int]) -> Evaluation:
        """Return the evaluation of other slices: what was judged of them before stays."""
        wanted = tuple(sorted(set(slices)))
        judged = {z: one for z, one in self.judged.items() if z in wanted}
        return Evaluation(wanted, judged, {z: s for z, s in self.seconds.items() if z in wanted})

    def with_judged(self, z: int, found: JudgedSlice | None) -> Evaluation:
        """Return it with a slice judged, or (None) to be judged anew."""
        others = {n: one for n, one in self.judged.items() if n != z}
        return replace(self, judged=others if found is None else {**others, z: found})

    def with_time(self, z: int, seconds: float) -> Evaluation:
        """Return it with so much more time spent on a slice."""
        return replace(self, seconds={**self.seconds, z: self.seconds.get(z, 0.0) + seconds})

    def after(self, z: int | None) -> int | None:
        """Return the slice to judge after slice ``z``: the next one that is left, from the first again."""
        left = self.left
        return next((n for n in left if z is None or n > z), left[0] if left else None)


@dataclass(frozen=True)
class JudgementChange:
    """What was done to an evaluation beside the marks: slices chosen, judged, or not judged after all.

    Attributes
    ----------
    slices
        Those to be judged, before and after it.
    before, after
        Of the slices whose judgement it changed; None: not judged.
    shown
        The slice to go back to; None: stay.
    """

    slices: tuple[tuple[int, ...], tuple[int, ...]]
    before: Mapping[int, JudgedSlice | None]
    after: Mapping[int, JudgedSlice | None]
    shown: int | None = None

    @classmethod
    def of(cls, before: Evaluation, after: Evaluation, shown: int | None = None) -> JudgementChange:
        """Compare two evaluations."""
        numbers = before.judged.keys() | after.judged.keys()
        other = sorted(z for z in numbers if before.judged.get(z) != after.judged.get(z))
        return cls(
            (before.slices, after.slices),
            {z: before.judged.get(z) for z in other},
            {z: after.judged.get(z) for z in other},
            shown,
        )

    @property
    def title(self) -> str:
        """How *Undo* calls it."""
        if self.slices[0] != self.slices[1]:
            return "Choose slices"
        if len(self.after) != 1:
            return "Judge slices again"
        ((z, now),) = self.after.items()
        return f"Slice {slice_number(z)} {'not judged' if now is None else 'judged'}"


@dataclass(frozen=True)
class JudgedTomogram:
    """A tomogram by name, and what was judged in it; ``outdated``: slices whose labels are others by now."""

    name: str
    evaluation: Evaluation
    outdated: frozenset[int] = frozenset()

    @property
    def usable(self) -> tuple[int, ...]:
        """The judged slices whose labels are as they were: with the marks, they are right."""
        return tuple(sorted(self.evaluation.judged.keys() - self.outdated))

    @property
    def pixels(self) -> JudgedPixels:
        """All judged slices together."""
        total = JudgedPixels()
        for one in self.evaluation.judged.values():
            total += one.pixels
        return total


@dataclass(frozen=True)
class EvaluationSummary:
    """What experts say of the labels of one or several tomograms.

    Attributes
    ----------
    tomograms
        Those in which slices were judged.
    over_slices
        Percent of each kind of pixels: mean and SD over the judged slices that have any, as in the paper.
    over_tomograms
        Likewise over the tomograms, each with the mean of its slices.
    pixels
        All judged slices together, each pixel with one weight.
    """

    tomograms: tuple[JudgedTomogram, ...]
    over_slices: Mapping[str, Spread]
    over_tomograms: Mapping[str, Spread]
    pixels: JudgedPixels

    @property
    def slices(self) -> int:
        """How many slices were judged."""
        return sum(len(one.evaluation.judged) for one in self.tomograms)

    @property
    def seconds(self) -> float:
        """Time spent on them, and on slices that were begun."""
        return sum(one.evaluation.total_seconds for one in self.tomograms)


#: The paper's own figures: percent of all labelled pixels, mean and SD over 59 slices of 3 tomograms.
PAPER: Mapping[str, tuple[float, float]] = {
    "true_positive": (69.8, 10.4),
    "false_negative": (27.7, 10.8),
    "false_positive": (1.3, 2.2),
    "artefact": (1.2, 2.1),
}
PAPER_SLICES = 59


def summarise(tomograms: Iterable[JudgedTomogram]) -> EvaluationSummary:
    """Return mean and SD of the kinds of pixels; tomograms without a judged slice do not count."""
    judged = tuple(one for one in tomograms if one.evaluation.judged)
    per_tomogram = [_percents(one) for one in judged]
    filled = [rows for rows in per_tomogram if len(rows)]
    slices = np.concatenate([np.empty((0, len(KINDS))), *filled])
    means = np.array([rows.mean(axis=0) for rows in filled]).reshape(-1, len(KINDS))
    total = JudgedPixels()
    for one in judged:
        total += one.pixels
    return EvaluationSummary(
        judged,
        {kind: Spread.of(slices[:, i]) for i, kind in enumerate(KINDS)},
        {kind: Spread.of(means[:, i]) for i, kind in enumerate(KINDS)},
        total,
    )


def _percents(tomogram: JudgedTomogram) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return the percent of each kind in each judged slice that has pixels (n, 4)."""
    judged = tomogram.evaluation.judged
    rows = [percent for z in sorted(judged) if (percent := judged[z].pixels.percent) is not None]
    return np.array(rows, np.float64).reshape(-1, len(KINDS))
