"""Judgements as they stand in files; the program starts without this, and without msgspec."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from sxtstudio.core.evaluation.judgement import JudgedSlice, JudgementChange
from sxtstudio.core.evaluation.marks import JudgedPixels

_MOST = 100_000
SliceIndex = Annotated[int, Meta(ge=0, lt=1 << 20, description="the number of a slice, from 0")]
SliceIndices = Annotated[tuple[SliceIndex, ...], Meta(max_length=_MOST)]
_Pixels = Annotated[int, Meta(ge=0, lt=1 << 40, description="a number of pixels")]


class JudgedLine(Struct, frozen=True):
    """A judged slice."""

    slice: SliceIndex
    true_positive: _Pixels
    false_negative: _Pixels
    false_positive: _Pixels
    artefact: _Pixels
    labels_crc32: Annotated[int, Meta(ge=0, le=0xFFFFFFFF)]
    when: Annotated[str, Meta(max_length=40)] = ""

    def judged(self) -> JudgedSlice:
        """Return it without its number."""
        pixels = JudgedPixels(self.true_positive, self.false_negative, self.false_positive, self.artefact)
        return JudgedSlice(pixels, self.labels_crc32, self.when)


JudgedLines = Annotated[tuple[JudgedLine, ...], Meta(max_length=_MOST)]


class JudgementChangeRecord(Struct, frozen=True):
    """What was done to an evaluation: of ``changed`` slices, those that were and are judged are listed."""

    slices_before: SliceIndices
    slices_after: SliceIndices
    changed: SliceIndices
    before: JudgedLines
    after: JudgedLines
    shown: SliceIndex | None = None

    def change(self) -> JudgementChange:
        """Return it."""
        was = {line.slice: line.judged() for line in self.before}
        now = {line.slice: line.judged() for line in self.after}
        return JudgementChange(
            (self.slices_before, self.slices_after),
            {z: was.get(z) for z in self.changed},
            {z: now.get(z) for z in self.changed},
            self.shown,
        )

    @property
    def deepest(self) -> int:
        """The last slice that it names; -1: it names none."""
        shown = () if self.shown is None else (self.shown,)
        return max((*self.slices_before, *self.slices_after, *self.changed, *shown), default=-1)


def judged_to_json(z: int, one: JudgedSlice) -> dict[str, Any]:
    """Return a judged slice as JSON values."""
    return {
        "slice": z,
        "true_positive": one.pixels.true_positive,
        "false_negative": one.pixels.false_negative,
        "false_positive": one.pixels.false_positive,
        "artefact": one.pixels.artefact,
        "labels_crc32": one.crc32,
        "when": one.when,
    }


def change_to_json(change: JudgementChange) -> dict[str, Any]:
    """Return what was done to an evaluation as JSON values."""
    before, after = (
        [judged_to_json(z, one) for z, one in sorted(side.items()) if one is not None]
        for side in (change.before, change.after)
    )
    return {
        "slices_before": list(change.slices[0]),
        "slices_after": list(change.slices[1]),
        "changed": sorted(change.after),
        "before": before,
        "after": after,
        "shown": change.shown,
    }
