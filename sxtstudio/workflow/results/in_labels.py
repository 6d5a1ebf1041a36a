"""Which steps there is something of in the results: what was replaced later is not told in a paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.workflow.document.label_history import slices_of
from sxtstudio.workflow.jobs.standing_clean_up import recorded_clean_up
from sxtstudio.workflow.results.standing import standing

_EDITS = (StepKind.EDIT, StepKind.OTHER)


@dataclass(frozen=True)
class Told:
    """A step to be told.

    Attributes
    ----------
    step
        As it is recorded.
    anew
        Of a clean-up with a threshold, in which slices the labels came from the network's output again; None
        where that is every slice, or not known.
    """

    step: Step
    anew: range | None = None


def told_steps(steps: Sequence[Step], slice_count: int) -> list[Told]:
    """Return the steps that stand and of which the labels, the mask or the objects still have something.

    A segmentation and a clean-up with a threshold make the labels of their slices anew: clean-ups and work by
    hand before them are not in those any more. They are told all the same where labels may be left of them in
    other slices, and where the objects were found before.

    Parameters
    ----------
    steps
        All that was done; what was undone does not count.
    slice_count
        Of the tomogram.
    """
    stand = standing(steps, slice_count)
    makers = [n for n, step in enumerate(stand) if _makes_objects(step)]
    found = makers[-1] if makers and stand[makers[-1]].edit is EditKind.FIND_OBJECTS else None
    traces = _Traces(slice_count)
    read: set[int] = set()
    for number, step in enumerate(stand):
        if number == found:
            read = traces.left()
        if step.kind in _EDITS and step.target == "labels":
            traces.follow(number, step, _output_of(step, steps, stand, slice_count))
    left = read | traces.left()
    told = []
    for number, step in enumerate(stand):
        if step.kind in _EDITS and step.target == "labels" and number not in left:
            continue
        if found is not None and number < found and step.edit is EditKind.FIND_OBJECTS:
            continue  # all objects are others since
        anew = traces.anew.get(number)
        told.append(Told(step, None if anew is None or len(anew) == slice_count else anew))
    return told


@dataclass
class _Traces:
    """Of each step, in which slices there may be something of it; steps are numbers, slices are bits."""

    slice_count: int
    anew: dict[int, range] = field(default_factory=dict)
    _of: dict[int, int] = field(default_factory=dict)
    _labels: int = 0  # where there may be labels at all
    _begun: bool = False
    _corrected: bool = False

    @property
    def _everywhere(self) -> int:
        return (1 << self.slice_count) - 1

    def left(self) -> set[int]:
        """Return the steps of which something is left."""
        return {number for number, slices in self._of.items() if slices}

    def follow(self, number: int, step: Step, output: tuple[int, range] | None) -> None:
        """Go on with a step of the labels.

        ``output`` is the segmentation whose output a clean-up makes the labels from, and its slices.
        """
        if step.edit is EditKind.SEGMENT:
            self._segment(number, step)
            return
        self._corrected = self._begun
        if step.edit is EditKind.CLEAN_UP and not step.partial:
            self._clean(number, step, output)
        elif step.edit is EditKind.REMOVE_OUTSIDE and not step.partial:
            self._of[number] = self._labels or self._everywhere
        elif step.edit is EditKind.CLEAR and not step.partial:
            self._replace(self._everywhere)
            self._of[number] = self._everywhere
        else:
            if step.edit is EditKind.OPEN_LABELS and not step.partial:
                self._replace(self._everywhere)
            self._of[number] = self._labels = self._everywhere

    def _segment(self, number: int, step: Step) -> None:
        known = slices_of(step, self.slice_count)
        slices = self._everywhere if known is None else _bits(known)
        if step.partial:
            self._begun = True
        else:
            # One that was gone on with left finished slices as they had been corrected.
            if known is not None and not self._corrected:
                self._replace(slices)
            self._begun = self._corrected = False
        self._of[number] = slices
        self._labels |= slices

    def _clean(self, number: int, step: Step, output: tuple[int, range] | None) -> None:
        if output is not None:
            source, self.anew[number] = output
            slices = _bits(output[1])
            self._replace(slices)
            # Labels that were opened or cleared since are gone as well, and those of the network are back.
            self._of[source] = self._of.get(source, 0) | slices
            self._labels |= slices
        grown = {slices: self._grown(slices, step) for slices in {*self._of.values(), self._labels}}
        # Where there were none before, several steps together may have made them.
        new = grown[self._labels] & ~self._labels
        self._of = {former: grown[slices] | new for former, slices in self._of.items() if slices}
        self._labels = grown[self._labels]
        self._of[number] = self._labels or self._everywhere

    def _replace(self, slices: int) -> None:
        self._of = {former: there & ~slices for former, there in self._of.items()}
        self._labels &= ~slices

    def _grown(self, slices: int, step: Step) -> int:
        """Return the slices in which labels can be after a clean-up, of those of ``slices``.

        Smoothing can where most of the slices that vote have labels, which is near the ends of the tomogram
        only; closing can at these ends, beyond which nothing has a say; dilation can everywhere.
        """
        if not slices:
            return 0
        try:
            steps = recorded_clean_up(step.parameters).parameters
        except UserError:
            return self._everywhere
        count, grown = self.slice_count, slices
        for z in range(count):
            voters = range(max(0, z - steps.smooth_z), min(count, z + steps.smooth_z + 1))
            if 2 * (slices & _bits(voters)).bit_count() > len(voters):
                grown |= 1 << z
        if not steps.erode_3d:
            return grown
        near = min(count, steps.close)
        ends = (1 << near) - 1
        grown |= self._spread(grown, near) & (ends | ends << (count - near))
        return self._spread(grown, min(count, steps.dilate))

    def _spread(self, slices: int, reach: int) -> int:
        for _ in range(reach):
            slices |= slices << 1 | slices >> 1
        return slices & self._everywhere


def _bits(slices: range) -> int:
    return ((1 << len(slices)) - 1) << slices.start if slices else 0


def _output_of(
    step: Step, steps: Sequence[Step], stand: Sequence[Step], slice_count: int
) -> tuple[int, range] | None:
    """Return the segmentation from whose output a clean-up made the labels anew, and its slices.

    The output is that of the latest one, also of one that was undone. None without a threshold, and where
    the record does not say which slices there were: then nothing counts as replaced.
    """
    threshold = step.parameters.get("threshold")
    if step.edit is not EditKind.CLEAN_UP or not isinstance(threshold, int | float):
        return None
    place = next(n for n, one in enumerate(steps) if one is step)
    made = [
        one
        for one in steps[:place]
        if one.kind is StepKind.EDIT and one.edit is EditKind.SEGMENT and not one.partial
    ]
    if not made or made[-1].parameters.get("output_kept") is False:
        return None
    number = next((n for n, one in enumerate(stand) if one is made[-1]), None)
    slices = slices_of(made[-1], slice_count)
    if number is None or not slices:
        return None
    return number, slices


def _makes_objects(step: Step) -> bool:
    """Whether all objects are others after it; of what is not known nobody can say so."""
    if step.kind is not StepKind.EDIT or step.target != "objects" or step.partial or step.edit is None:
        return False
    return step.edit is EditKind.CLEAR or step.edit.replaces_objects
