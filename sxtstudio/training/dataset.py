"""The data of a training: checked before it starts, split before augmentation, read when needed."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.measured import measured_pixels
from sxtstudio.core.normalise import normalise_slice
from sxtstudio.core.progress import Progress
from sxtstudio.core.resemblance import around, coarsened, resemble
from sxtstudio.core.volume import LARGEST_VOXEL_RATIO
from sxtstudio.training.config import TrainConfig, TrainingSource
from sxtstudio.training.stacks import Stack, open_labelled, open_unlabelled

Image = NDArray[np.float32]
Truth = NDArray[np.int8]

HELD_OUT_SHARE = 0.1
_MANY_TOMOGRAMS = 10
_FEWEST_TO_DIVIDE = 3  # tomograms of one of several sources
_CACHE_BYTES = 384 << 20
_SMALLEST_PX = 16
_STRIPS = 5  # of a single labelled slice, one of which is kept to judge by
_MOST_MEMBRANE = 0.6  # of the pixels that count: more is rather a tomogram, or grain
_PROBED = 8  # slices of a tomogram without labels that are looked at before training


@dataclass(frozen=True)
class Strip:
    """Rows of a slice, from ``first`` to before ``end``: they alone count, or all but they."""

    first: int
    end: int
    counts: bool


@dataclass(frozen=True)
class SliceRef:
    """One slice of a stack; slices are counted from 0. With a ``strip`` not all of its labels count."""

    stack: Stack
    z: int
    strip: Strip | None = None

    def wrong(self, text: str) -> UserError:
        """Return an error: "b.tif, slice 3 is empty", where ``text`` is "is empty"."""
        return UserError(f"{self.stack.name}, {{slices}} {text}", slices=(self.z, self.z))


class SliceReader:
    """Reads slices, normalised as inference does it, and remembers the last few hundred MB of them.

    It may be used from several threads; what it returns must not be changed.
    """

    def __init__(self, budget_bytes: int = _CACHE_BYTES) -> None:
        self._budget = budget_bytes
        self._used = 0
        self._kept: OrderedDict[tuple[int, int, Strip | None, str], NDArray[Any]] = OrderedDict()
        self._alike: dict[tuple[int, int, int], bool] = {}
        self._lock = threading.Lock()

    def image(self, ref: SliceRef) -> Image:
        """Return a slice (y, x): mean 0, SD 1, absorbing structures dark; zeros if it has no contrast."""
        return self._get(ref, "image")

    def context(self, ref: SliceRef, slices: int) -> tuple[Image, ...]:
        """Return a slice among its neighbours in order: ``slices`` images (y, x), of which it is the middle.

        Border slices are repeated; a neighbour that does not resemble the slice is replaced by it. Of a
        single image all are the same array.
        """
        own = self.image(ref)
        others = around(ref.z, slices, ref.stack.depth) if slices > 1 else [ref.z]
        return tuple(
            own if z == ref.z or not self._are_alike(ref, z) else self.image(SliceRef(ref.stack, z))
            for z in others
        )

    def _are_alike(self, ref: SliceRef, z: int) -> bool:
        key = (id(ref.stack), min(ref.z, z), max(ref.z, z))
        if key not in self._alike:
            one, other = self.image(ref), self.image(SliceRef(ref.stack, z))
            self._alike[key] = one.shape == other.shape and resemble(coarsened(one), coarsened(other))
        return self._alike[key]

    def truth(self, ref: SliceRef) -> Truth:
        """Return the labels of a slice: −1 background, 1 membrane, 0 does not count (also in a fill)."""
        return self._get(ref, "truth")

    def _get(self, ref: SliceRef, kind: str) -> NDArray[Any]:
        key = (id(ref.stack), ref.z, ref.strip if kind == "truth" else None, kind)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        value = self._normalised(ref) if kind == "image" else self._truth(ref)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = value
                self._used += value.nbytes
            while self._used > self._budget and len(self._kept) > 1:
                self._used -= self._kept.popitem(last=False)[1].nbytes
        return value

    def _normalised(self, ref: SliceRef) -> Image:
        raw = ref.stack.image(ref.z)
        normal = normalise_slice(raw)
        if normal is None:
            return np.zeros(raw.shape, np.float32)
        return -normal if ref.stack.polarity.value == "bright" else normal

    def _truth(self, ref: SliceRef) -> Truth:
        truth = ref.stack.truth(ref.z)
        measured = measured_pixels(ref.stack.image(ref.z))
        if measured is not None and measured.shape == truth.shape:
            truth = np.where(measured, truth, np.int8(0))
        if ref.strip is not None:
            rows = np.arange(len(truth))
            inside = (rows >= ref.strip.first) & (rows < ref.strip.end)
            truth = np.where((inside == ref.strip.counts)[:, np.newaxis], truth, np.int8(0))
        return truth


@dataclass(frozen=True)
class Dataset:
    """Slices to learn from, slices to judge by, and slices without labels.

    ``data_range`` is that of the normalised training images, which SSIM needs; ``notes`` are for the user.
    ``chances`` are those of the labelled slices to be cropped, summed up to each; None: all alike.
    """

    labelled: tuple[SliceRef, ...]
    held_out: tuple[SliceRef, ...]
    unlabelled: tuple[SliceRef, ...]
    reader: SliceReader
    data_range: float
    notes: tuple[str, ...] = ()
    chances: NDArray[np.float64] | None = None


def open_dataset(config: TrainConfig, scratch: Path, progress: Progress | None = None) -> Dataset:
    """Open all sources of a training and check them.

    Every labelled slice is read once. ``scratch`` is a folder for what has to be unpacked.

    Raises
    ------
    UserError
        In one sentence, if anything is wrong with the data.
    """
    progress = progress or Progress()
    reader = SliceReader()
    kept, set_aside = _open_all(config.labelled, scratch)
    held, more = _open_all(config.held_out, scratch)
    held = [*held, *more] or set_aside
    free = [stack for source in config.unlabelled for stack in open_unlabelled(source)]
    _check_voxels([*kept, *held, *free])
    labelled, held_out = _refs(kept), _refs(held)
    progress.begin(len(labelled) + len(held_out), "reading the labels")
    low, high, membrane, notes = _check_labelled(reader, labelled, held_out, progress)
    if not held_out and len(labelled) == 1:
        labelled, held_out = split_slice(labelled[0], reader.truth(labelled[0]))
        membrane = {ref: bool((reader.truth(ref) > 0).any()) for ref in (*labelled, *held_out)}
    elif not held_out:
        labelled, held_out = split(labelled, config.training.seed)
    if not any(membrane[ref] for ref in labelled):
        raise UserError("There is no membrane in the labelled slices that are left for training: label more.")
    if not any(membrane[ref] for ref in held_out):
        notes.append(
            "There is no membrane in the held-out slices, so they cannot tell how good the model is."
        )
    low, high = _check_unlabelled(reader, free, low, high)
    unlabelled = _refs(free)
    notes += _doubts([*kept, *held, *free])
    if not unlabelled and config.method == "published":
        notes.append("There are no tomograms without labels, so only the labelled protocol runs.")
    return Dataset(labelled, held_out, unlabelled, reader, high - low, tuple(notes), chances(labelled))


def chances(refs: Sequence[SliceRef]) -> NDArray[np.float64] | None:
    """Return the chance of each slice to be cropped, summed up (ascending to 1); None where all are alike.

    Sources with a share get it, divided among their slices; the other slices divide the rest.
    """
    counts = Counter(ref.stack.source for ref in refs)
    shares = {source: source.share for source in counts if source.share is not None}
    if not shares:
        return None
    others = sum(count for source, count in counts.items() if source not in shares)
    rest = (1 - sum(shares.values())) / max(1, others)
    each = [
        shares[ref.stack.source] / counts[ref.stack.source] if ref.stack.source in shares else rest
        for ref in refs
    ]
    summed = np.cumsum(each)
    return np.asarray(summed / summed[-1])


def split(refs: Sequence[SliceRef], seed: int) -> tuple[tuple[SliceRef, ...], tuple[SliceRef, ...]]:
    """Return nine tenths of the slices (two or more) for training and the rest, at least one, to judge by.

    Where there are ten tomograms or more, whole ones are set aside: neighbouring slices are so alike that
    a slice beside one that was learned from is no test. Of several sources each has a part in these, if it
    has three tomograms or more: what is judged by simulated slices alone says little of real ones.
    """
    stacks = list(dict.fromkeys(id(ref.stack) for ref in refs))
    parts = [id(ref.stack) for ref in refs] if len(stacks) >= _MANY_TOMOGRAMS else list(range(len(refs)))
    rng = np.random.default_rng([seed, 1])
    of_source: dict[TrainingSource | None, dict[int, None]] = {}
    for part, ref in zip(parts, refs, strict=True):
        source = ref.stack.source if len(stacks) >= _MANY_TOMOGRAMS else None
        of_source.setdefault(source, {})[part] = None
    groups = [list(group) for group in of_source.values()]
    if len(groups) > 1:
        groups = [group for group in groups if len(group) >= _FEWEST_TO_DIVIDE] or [
            list(dict.fromkeys(parts))
        ]
    chosen: set[int] = set()
    for distinct in groups:
        count = max(1, round(HELD_OUT_SHARE * len(distinct)))
        order = rng.permutation(len(distinct))
        chosen |= {distinct[i] for i in order[:count]}
    kept = tuple(ref for part, ref in zip(parts, refs, strict=True) if part not in chosen)
    return kept, tuple(ref for part, ref in zip(parts, refs, strict=True) if part in chosen)


def split_slice(ref: SliceRef, truth: Truth) -> tuple[tuple[SliceRef, ...], tuple[SliceRef, ...]]:
    """Return a slice without a strip of its rows, to learn from, and that strip, to judge by.

    Of five strips it is the one that holds most nearly a fifth of the membranes.

    Raises
    ------
    UserError
        If the slice is too small to be divided.
    """
    height = len(truth)
    if height < _STRIPS * _SMALLEST_PX:
        raise UserError(
            f"There is only one labelled slice, and its {height} rows are too few to keep some aside: label "
            "one more to judge by, or give [[held_out]]."
        )
    edges = np.linspace(0, height, _STRIPS + 1).astype(int)
    membrane = [int((truth[a:b] > 0).sum()) for a, b in pairwise(edges)]
    best = int(np.argmin(np.abs(np.array(membrane) - sum(membrane) / _STRIPS)))
    first, end = int(edges[best]), int(edges[best + 1])
    kept, judged = (replace(ref, strip=Strip(first, end, counts)) for counts in (False, True))
    return (kept,), (judged,)


def _open_all(sources: Iterable[TrainingSource], scratch: Path) -> tuple[list[Stack], list[Stack]]:
    kept: list[Stack] = []
    set_aside: list[Stack] = []
    for source in sources:
        first, second = open_labelled(source, scratch)
        kept += first
        set_aside += second
    return kept, set_aside


def _refs(stacks: Iterable[Stack]) -> tuple[SliceRef, ...]:
    return tuple(SliceRef(stack, z) for stack in stacks for z in stack.slices)


def _check_labelled(
    reader: SliceReader, labelled: Sequence[SliceRef], held_out: Sequence[SliceRef], progress: Progress
) -> tuple[float, float, dict[SliceRef, bool], list[str]]:
    """Read every labelled slice; return the range of the images, which slices show membrane, and notes."""
    low, high, counted, marked = 0.0, 0.0, 0, 0
    membrane: dict[SliceRef, bool] = {}
    unlabelled = 0
    for ref in (*labelled, *held_out):
        image, truth = _checked_image(ref, reader), reader.truth(ref)
        if image.shape != truth.shape:
            raise ref.wrong("has not the size of its labels.")
        low, high = min(low, float(image.min())), max(high, float(image.max()))
        counted += int(np.count_nonzero(truth))
        marked += int(np.count_nonzero(truth > 0))
        membrane[ref] = bool((truth > 0).any())
        unlabelled += not membrane[ref]
        progress.step()
    if not counted:
        raise UserError("All pixels of the labelled slices are marked to be ignored: nothing can be learned.")
    if not any(membrane.values()):
        raise UserError(
            "The labels are empty: no pixel of the labelled slices is marked as membrane. Check the slices."
        )
    if marked == counted:
        raise UserError(
            "The labels show no background: every pixel that counts in the labelled slices is membrane. "
            "Check that these are the labels, and not the tomogram."
        )
    notes = []
    if marked > _MOST_MEMBRANE * counted:
        notes.append(
            f"{marked / counted:.0%} of the labelled pixels are membrane, more than in most cells: check "
            "that these are the labels, and not the tomogram."
        )
    if unlabelled:
        notes.append(
            f"{unlabelled} of {len(membrane)} labelled slices show no membrane; they teach background only."
        )
    return low, high, membrane, notes


def _doubts(stacks: Iterable[Stack]) -> list[str]:
    """Return in which tomograms it is not sure whether membranes are dark or bright, and what to do."""
    advice = 'If that is wrong, write polarity = "{other}" for it in the configuration ({where}).'
    return [
        stack.polarity.doubt(
            advice.format(other=stack.polarity.other, where=stack.source.where), name=stack.name
        )
        for stack in stacks
        if not stack.polarity.sure
    ]


def _check_unlabelled(
    reader: SliceReader, stacks: Iterable[Stack], low: float, high: float
) -> tuple[float, float]:
    for stack in stacks:
        for z in stack.slices[:: max(1, -(-len(stack.slices) // _PROBED))]:
            image = _checked_image(SliceRef(stack, z), reader)
            low, high = min(low, float(image.min())), max(high, float(image.max()))
    return low, high


def _checked_image(ref: SliceRef, reader: SliceReader) -> Image:
    raw = ref.stack.image(ref.z)
    if min(raw.shape) < _SMALLEST_PX:
        raise ref.wrong(f"is only {raw.shape[0]} × {raw.shape[1]} pixels, too small to learn from.")
    image = reader.image(ref)
    if not image.any():
        raise ref.wrong("is empty: all its pixels have the same value, or are not numbers. Leave it out.")
    return image


def _check_voxels(stacks: Iterable[Stack]) -> None:
    known = [(stack.voxel_nm[1], stack.name) for stack in stacks if stack.voxel_nm is not None]
    if not known:
        return
    (low, smallest), (high, largest) = min(known), max(known)
    if high > LARGEST_VOXEL_RATIO * low:
        raise UserError(
            f"The voxel sizes of {smallest} ({low:g} nm) and {largest} ({high:g} nm) differ too much to "
            "learn from both: correct the one that is wrong, or train apart."
        )
