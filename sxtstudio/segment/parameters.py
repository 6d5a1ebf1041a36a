"""What a segmentation is asked to do, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, get_args

from sxtstudio.core.errors import OutsideError, SliceBase, UserError
from sxtstudio.core.left_out import NO_ARTEFACTS, Artefacts
from sxtstudio.core.polarity import Polarity, PolarityChoice
from sxtstudio.core.trust import SliceTrust
from sxtstudio.core.uses import Use
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.core.wording import count
from sxtstudio.segment.card import ModelCard
from sxtstudio.segment.checkpoint import Checkpoint
from sxtstudio.segment.field import fill_note
from sxtstudio.segment.neighbours import Reach
from sxtstudio.segment.slices import listed

TrustChoice = Literal["none", "sample", "every"]
SliceChoice = tuple[int | None, int | None]


@dataclass(frozen=True)
class SegmentParameters:
    """One segmentation.

    Attributes
    ----------
    model
        Name of an installed model, or its file; None takes the default model.
    device
        "auto", "cpu", "cuda" or "cuda:1".
    tile_px
        Longest edge of the pieces in which a slice is computed, in pixels, without the margin that
        the network needs around them. None: the whole slice where memory allows. Small pieces need
        less memory and more time; the result is the same.
    batch
        Slices computed at once on a GPU; None chooses.
    threshold
        Network output (−1…1) above which a pixel is labelled; None takes that for the ``use``.
    use
        What the labels are for: the model's card has a threshold for it. None takes the model's own.
    polarity
        Whether absorbing structures are dark or bright in the tomogram.
    slices
        First slice and the one after the last, as in Python: None is the border, negative numbers count
        from the end, and what lies beyond the last slice is left out. None takes all.
    probability
        Also keep the network's output, as (output + 1)/2.
    trust
        Which slices the network also redraws, to tell whether it recognises them: "sample" is every
        fifth, which takes about 8 % more time; "every" takes about 40 % more. "none" leaves out all
        figures of trust.
    neighbours
        How many slices on each side have a say: with 1 the mean of the network's outputs for a slice and its
        two neighbours is labelled, each turned by a quarter more than the one before, in the same time; with
        0 the output for the slice alone, as published.
    leave_out
        Do not label what runs along the frame of the reconstruction, and gold and its streaks
        (``core.left_out``).
    noisy
        Show the network the slices in four fifths of their size (``smaller``): better in a noisy tomogram,
        and a third less time.
    """

    model: str | Path | None = None
    device: str = "auto"
    tile_px: int | None = None
    batch: int | None = None
    threshold: float | None = None
    use: Use | None = None
    polarity: PolarityChoice = "auto"
    slices: SliceChoice | None = None
    probability: bool = False
    trust: TrustChoice = "sample"
    neighbours: Reach = 1
    leave_out: bool = True
    noisy: bool = False

    def threshold_for(self, card: ModelCard) -> float:
        """Return the output above which a pixel is labelled; UserError if the card does not know the use."""
        return card.threshold_of(self.use) if self.threshold is None else self.threshold

    def checked(self, slice_count: int) -> tuple[int, int]:
        """Return the slices to segment, out of ``slice_count``.

        Raises
        ------
        UserError
            If a value makes no sense (``check_values``), or no slice is left.
        """
        self.check_values()
        first, last, _ = slice(*(self.slices or (None, None))).indices(slice_count)
        if last <= first:
            text = "No slices are left: the tomogram has {slices}. Choose some of these."
            raise UserError(text, slices=(0, slice_count - 1))
        return first, last

    def check_values(self) -> None:
        """Raise OutsideError if a value makes no sense, whatever the tomogram."""
        if self.tile_px is not None and self.tile_px < 1:
            raise OutsideError(f"Tiles of {self.tile_px} px are not possible: give a positive number.")
        if self.batch is not None and self.batch < 1:
            raise OutsideError(f"A batch of {self.batch} slices is not possible: give a positive number.")
        if self.threshold is not None and not -1 <= self.threshold < 1:
            raise OutsideError(
                f"The threshold is {self.threshold:g}: give a number from −1 up to, not including, 1."
            )
        if self.threshold is not None and self.use is not None:
            raise OutsideError(
                f"Both a threshold ({self.threshold:g}) and a use (“{self.use.words}”) are given: give "
                "one of them."
            )
        if self.polarity not in get_args(PolarityChoice):
            raise OutsideError(f"The polarity is {self.polarity!r}: give auto, dark or bright.")
        if self.trust not in ("none", "sample", "every"):
            raise OutsideError(f"The choice for trust is {self.trust!r}: give none, sample or every.")
        if self.neighbours not in (0, 1):
            raise OutsideError(f"{self.neighbours} neighbours on each side are not possible: give 0 or 1.")


@dataclass(frozen=True)
class PartOf:
    """The segmentation of which only some slices are done: what is decided once, for all of its parts.

    Attributes
    ----------
    slices
        All slices, first and one after the last: of these, every fifth is redrawn.
    polarity
        As it was judged in the whole tomogram.
    artefacts
        What the whole tomogram has that is not labelled.
    """

    slices: tuple[int, int]
    polarity: Polarity
    artefacts: Artefacts = NO_ARTEFACTS


@dataclass(kw_only=True)
class SegmentationFacts:
    """What is known of a finished segmentation but for its voxels.

    Attributes
    ----------
    on_gpu, device, device_reason
        What it ran on, and why.
    polarity
        "dark" or "bright", how that is known, and how surely.
    slices
        First slice of the tomogram and the one after the last.
    resumed
        How many slices an earlier run had finished.
    voxels
        Labelled voxels.
    seconds
        Time by stage. Reading, inference and writing overlap.
    notes
        What the user should know, but for the slices ``blank``: see ``notes_counted_from``.
    blank
        Slices of the tomogram, from 0, that are constant or hold no numbers.
    left_out
        What was not labelled, such as "at least 3 gold beads, frame of 12 px on the left"; "" for nothing.
    warnings
        What is probably wrong, such as that nothing was labelled.
    fill_share
        Share (0…1) of the segmented voxels that were not measured: a fill around the reconstruction, or
        slices that are constant or hold no numbers.
    trust
        Figures of each of the slices ``slices``, in their order; None where they were not wanted.
    sources
        The CRC-32 of every slice of the tomogram that was read.
    """

    card: ModelCard
    parameters: SegmentParameters
    on_gpu: bool
    device: str
    device_reason: str
    polarity: Polarity
    threshold: float
    slices: tuple[int, int]
    resumed: int
    voxels: int
    seconds: dict[str, float]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    fill_share: float
    trust: tuple[SliceTrust, ...] | None = None
    sources: Mapping[int, int] = field(default_factory=dict, repr=False)
    blank: tuple[int, ...] = ()
    left_out: str = ""

    def notes_counted_from(self, first: SliceBase) -> tuple[str, ...]:
        """Return all notes; slices are counted from 0, as programs do, or from 1, as the window does."""
        if not self.blank:
            return self.notes
        slices = listed(z + first for z in self.blank)
        one = len(self.blank) == 1
        text = (
            f"Slice {slices} is constant or holds no numbers and has no labels"
            if one
            else f"{len(self.blank)} slices are constant or hold no numbers and have no labels: {slices}"
        )
        return (*self.notes, text + (" (counted from 0)." if first == 0 else "."))

    @property
    def use(self) -> Use | None:
        """What the card says that this threshold is for, if anything."""
        return self.card.use_of(self.threshold)

    @property
    def model_checksum(self) -> str:
        """SHA-256 of the model's file."""
        return self.card.sha256


@dataclass(kw_only=True)
class Segmentation(SegmentationFacts):
    """A finished segmentation; its labels lie on disk until ``discard``.

    Attributes
    ----------
    labels
        uint8 (z, y, x), 0 or 255: the slices ``slices`` of the tomogram, in a file that may be changed.
    probability
        uint8 (z, y, x): 255 times (output + 1)/2, rounded so that the threshold of the run makes the
        labels of it; or None. Eight bits, because ImageJ does not read 16-bit floats and one part
        in 255 is finer than the network's own certainty.
    """

    labels: ArrayVolume
    probability: ArrayVolume | None
    checkpoint: Checkpoint = field(repr=False)

    def take_probability(self, target: Path) -> None:
        """Move the file of ``probability`` to ``target``; ``labels`` cannot be used after that either."""
        self.checkpoint.take_probability(target)

    def close(self) -> None:
        """Let go of the files; the finished slices stay on disk."""
        self.checkpoint.close()

    def discard(self) -> None:
        """Delete the files on disk; ``labels`` must no longer be used."""
        self.checkpoint.discard()

    def __enter__(self) -> Segmentation:
        """Return the segmentation itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the files."""
        self.close()


@dataclass(frozen=True)
class FillSummary:
    """What of the segmented slices was no measurement.

    Attributes
    ----------
    share
        Share (0…1) of all voxels.
    note
        What the user should know of it, of the slices in which there is anything; "" where there is none.
    """

    share: float
    note: str

    @classmethod
    def of(cls, trust: Sequence[SliceTrust]) -> FillSummary:
        """Sum up the figures of all slices."""
        measured = [1.0 if f.measured is None else f.measured for f in trust]
        seen = [share for share in measured if share > 0]
        note = fill_note(1 - sum(seen) / len(seen), "the slices") if sum(seen) < len(seen) else ""
        return cls(1 - sum(measured) / len(measured), note)


def warnings_of(voxels: int, polarity: Polarity, threshold: float) -> tuple[str, ...]:
    """Return what is probably wrong where so many ``voxels`` were labelled."""
    found = []
    if not voxels:
        found.append(
            f"Nothing was labelled. Check in the image whether membranes are {polarity.value}, as was "
            f"assumed here, or {polarity.other}; else try a lower threshold than {threshold:g}, or "
            "another model."
        )
    if not polarity.sure:
        found.append(polarity.doubt(f"If the labels look wrong, choose {polarity.other}."))
    return tuple(found)


def kept_note(slices: int) -> str:
    """Return what the user should know where so many slices were there already."""
    return f"{count(slices, 'slice')} {'was' if slices == 1 else 'were'} finished by an earlier run and kept."


def all_blank() -> UserError:
    """Return what to raise where there was nothing to be seen in any slice."""
    return UserError(
        "There is nothing to segment: every slice is constant or holds no numbers. "
        "Check that the file is the reconstruction, and that it was written completely."
    )
