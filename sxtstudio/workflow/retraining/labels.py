"""Labels that a model is to learn from: which slices are complete, and whether they are fit for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.contrast import auto_window
from sxtstudio.core.errors import UserError
from sxtstudio.core.evaluation.marks import CorrectedLabels, corrected
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.image_polarity import detect_polarity
from sxtstudio.core.labels import NOT_JUDGED
from sxtstudio.core.paths import resolved
from sxtstudio.core.polarity import Polarity
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import LARGEST_VOXEL_RATIO, Volume, VoxelSize
from sxtstudio.core.walk import walk
from sxtstudio.core.wording import shape_text, slices_text
from sxtstudio.io import open_volume
from sxtstudio.io.project import read_record, volume_path
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.evaluation import still_judged_in_project
from sxtstudio.workflow.document.project import find_tomogram
from sxtstudio.workflow.retraining.marks import HandWork, hand_work, marked_slices

IGNORE = NOT_JUDGED
"""Value of pixels that do not count, in 8-bit labels."""
_THUMBNAIL_PX = 112
# Labels of more than this share of a slice are areas rather than membranes.
_TOO_MUCH = 0.5
# A slice with less than this share of what the others hold is not finished.
_LEAST_OF_USUAL = 0.5


@dataclass(frozen=True)
class LabelSource:
    """A tomogram and its labels.

    Attributes
    ----------
    tomogram, labels
        Where they lie, as ``open_volume`` takes it; labels of an open document are in no file.
    polarity
        None where it is not known.
    by_hand, marked
        What was drawn by hand, and the slices (from 0) that the user called complete.
    marks
        Where the marks of an expert lie, by which the labels are corrected; "": there are none.
    judged
        Those of the marked slices that an expert has judged, and whose labels are as they were then.
    held
        Tomogram and labels that are open already and are not closed after use.
    project
        The project that they are saved in, whether it is open or not; None: in none.
    """

    name: str
    tomogram: str
    labels: str
    polarity: Polarity | None = None
    voxel_nm: VoxelSize | None = None
    by_hand: HandWork = field(default_factory=HandWork)
    marked: tuple[int, ...] = ()
    marks: str = ""
    judged: tuple[int, ...] = ()
    held: tuple[Volume, Volume] | None = field(default=None, compare=False)
    project: Path | None = None

    def is_same(self, other: LabelSource) -> bool:
        """Whether both are the same labels, perhaps as they were at another time."""
        if self.project is not None and other.project is not None:
            return resolved(self.project) == resolved(other.project)
        if self.held is not None or other.held is not None:
            return self.held is not None and other.held is not None
        return (self.tomogram, self.labels) == (other.tomogram, other.labels)

    @contextmanager
    def opened(self) -> Iterator[tuple[Volume, Volume]]:
        """Yield tomogram and labels; raises UserError if they cannot be read or do not fit."""
        if self.held is not None:
            _check_fit(self, *self.held)
            yield self.held
            return
        with open_volume(self.tomogram) as image, open_volume(self.labels) as labels:
            _check_fit(self, image, labels)
            if not self.marks:
                yield image, labels
                return
            with open_volume(self.marks) as marks:
                _check_fit(self, image, marks)
                yield image, CorrectedLabels(labels, marks)


@dataclass(frozen=True)
class LabelSummary:
    """What labels are like: shape (z, y, x), membrane pixels of each slice, slices proposed as complete.

    ``signed`` labels are −1 background, 1 membrane, 0 not to be counted; others 0 background.
    """

    source: LabelSource
    shape: Triple
    voxel_nm: VoxelSize | None
    polarity: Polarity
    pixels: NDArray[np.int64]
    signed: bool
    proposed: tuple[int, ...]

    @property
    def doubt(self) -> str:
        """What to say and to do where it is not sure whether membranes are dark or bright; "" where it is."""
        if self.source.held is not None:
            advice = f"If that is wrong, choose {self.polarity.other} in the panel “Segment”."
        else:
            advice = (
                f"If that is wrong, open it with its labels, choose {self.polarity.other} in the panel "
                "“Segment”, save it as a project, and learn from that."
            )
        return self.polarity.doubt(advice)

    def membrane(self, slices: Sequence[int]) -> int:
        """Return the number of membrane pixels in some slices."""
        return int(self.pixels[list(slices)].sum())


def of_document(document: Document, marked: Sequence[int] = (), judged: Sequence[int] = ()) -> LabelSource:
    """Return the labels of the open document, corrected by the marks of its evaluation.

    Slices that are ``marked`` or ``judged`` are complete.

    Raises
    ------
    UserError
        If there are none.
    """
    if document.labels is None:
        raise UserError(f"{document.name} has no labels yet: segment it or draw some, and correct them.")
    return LabelSource(
        name=document.name,
        tomogram=document.source,
        labels="",
        polarity=document.polarity,
        voxel_nm=document.voxel_nm,
        by_hand=hand_work(document.steps),
        marked=tuple(sorted({*marked, *judged})),
        judged=tuple(judged),
        held=(document.tomogram, _OfDocument(document, document.labels)),
        project=document.project,
    )


class _OfDocument:
    """The labels of a document, corrected by the marks that there are when they are read."""

    def __init__(self, document: Document, labels: NDArray[np.uint8]) -> None:
        self._document, self._labels = document, labels
        self.shape: Triple = document.shape
        self.dtype: np.dtype[Any] = np.dtype(np.uint8)
        self.voxel_nm = document.voxel_nm

    def read(self, box: Box) -> NDArray[Any]:
        """Return a copy of the voxels of ``box``."""
        labels, marks = self._labels[box.slices], self._document.array("marks")
        return np.array(labels) if marks is None else corrected(labels, marks[box.slices])


def of_project(folder: Path) -> LabelSource:
    """Return the labels of a saved project, corrected by the marks of its evaluation.

    Raises
    ------
    UserError
        If it is no project, has no labels, or its tomogram is not found.
    """
    record = read_record(folder)
    stored = record.volumes.get("labels")
    if stored is None:
        raise UserError(f"The project {folder.name} has no labels. Choose another one.")
    marks, judged = record.volumes.get("marks"), still_judged_in_project(folder, record)
    return LabelSource(
        name=folder.name,
        tomogram=find_tomogram(folder, record, None)[0],
        labels=str(volume_path(folder, stored)),
        polarity=record.polarity,
        voxel_nm=record.voxel_nm,
        by_hand=hand_work(record.steps),
        marked=tuple(sorted({*marked_slices(record.view), *judged})),
        marks="" if marks is None else str(volume_path(folder, marks)),
        judged=judged,
        project=folder,
    )


def of_pair(tomogram: str | Path, labels: str | Path) -> LabelSource:
    """Return a tomogram and its labels in two files."""
    return LabelSource(Path(tomogram).name, str(tomogram), str(labels))


def summary(source: LabelSource, progress: Progress | None = None) -> LabelSummary:
    """Count the membrane pixels of every slice and propose which slices are complete.

    Labels are read slab by slab. The proposal: slices that the user marked, else those wholly drawn by hand,
    with not much less in them than in the others. Of labels that a network made or that were only touched
    here and there, none. Of labels of which it is not known who made them, all slices that hold some where
    these are few, or where all slices do.

    Raises
    ------
    UserError
        If the files cannot be read, do not fit, or hold something else than labels.
    """
    progress = progress or Progress()
    with source.opened() as (image, labels):
        z = labels.shape[0]
        progress.begin(z + 1, f"Looking at the labels of {source.name}")
        positive, other = np.zeros(z, np.int64), np.zeros(z, np.int64)
        signed = False
        for box in walk(labels.shape, progress=progress, begin=False):
            part = labels.read(box)
            _check_values(part, source)
            here = slice(box.start[0], box.stop[0])
            positive[here] = np.count_nonzero(part > 0, axis=(1, 2))
            other[here] = np.count_nonzero(_counts(part), axis=(1, 2))
            signed = signed or bool((part < 0).any())
        pixels = positive if signed else other
        polarity = source.polarity or detect_polarity(image, progress=progress)
        progress.step()
        voxel_nm = source.voxel_nm or image.voxel_nm
        return LabelSummary(
            source, image.shape, voxel_nm, polarity, pixels, signed, _proposal(source, pixels)
        )


def membrane_pixels(labels: NDArray[Any]) -> int:
    """Return how many pixels are labelled and count."""
    return int(np.count_nonzero(_counts(labels)))


def _counts(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where there is a label that counts."""
    there: NDArray[np.bool_] = labels != 0
    return there & (labels != IGNORE) if labels.dtype == np.uint8 else there


def _proposal(source: LabelSource, pixels: NDArray[np.int64]) -> tuple[int, ...]:
    depth = len(pixels)
    marked = tuple(z for z in source.marked if z < depth)
    drawn = [z for z in source.by_hand.drawn if z < depth and pixels[z]]
    if drawn:
        usual = float(np.median(pixels[drawn]))
        drawn = [z for z in drawn if pixels[z] >= _LEAST_OF_USUAL * usual]
    if marked or drawn:
        return marked or tuple(drawn)
    if source.by_hand.touched or source.by_hand.segmented:
        return ()
    labelled = tuple(int(z) for z in np.flatnonzero(pixels))
    sparse = len(labelled) <= depth // 2
    whole_pair = source.held is None and len(labelled) == depth and not source.labels.endswith(".zarr")
    return labelled if sparse or whole_pair else ()


def truth_of(labels: NDArray[Any], signed: bool) -> NDArray[np.uint8]:
    """Return labels as 0 background, 255 membrane, 128 not to be counted."""
    if signed:
        found: NDArray[np.uint8] = np.where(labels < 0, 0, np.where(labels > 0, 255, IGNORE)).astype(np.uint8)
        return found
    found = np.where(labels == 0, 0, 255).astype(np.uint8)
    if labels.dtype == np.uint8:
        found[labels == IGNORE] = IGNORE
    return found


def thumbnail(found: LabelSummary, z: int) -> NDArray[np.uint8]:
    """Return slice ``z`` small, with its labels in colour: (y, x, 3)."""
    with found.source.opened() as (image, labels):
        box = Box.slab(z, z + 1, found.shape)
        grey = image.read(box)[0].astype(np.float32)
        truth = truth_of(labels.read(box)[0], found.signed)
    step = max(1, -(-max(grey.shape) // _THUMBNAIL_PX))
    rows, columns = (n // step * step for n in grey.shape)
    blocks = (rows // step, step, columns // step, step)
    small = np.nan_to_num(grey[:rows, :columns].reshape(blocks).mean(axis=(1, 3)))
    low, high = auto_window(small)
    small = np.clip((small - low) / max(float(high - low), 1e-12), 0, 1) * 255
    picture = np.repeat(small[..., None], 3, axis=2)
    share = (truth[:rows, :columns] == 255).reshape(blocks).max(axis=(1, 3))[..., None]
    picture = np.where(share, 0.35 * picture + 0.65 * np.array((255, 176, 0)), picture)
    tiny: NDArray[np.uint8] = picture.astype(np.uint8)
    return tiny


def parse_slices(text: str, depth: int) -> tuple[int, ...]:
    """Return the slices that "1-3, 40" names, as the window counts them (from 1), counted from 0.

    Raises
    ------
    UserError
        If the text is something else, or there is no such slice among ``depth``.
    """
    found: set[int] = set()
    for part in filter(None, (part.strip() for part in re.split(r"[,;]", text))):
        match = re.fullmatch(r"(\d{1,7})(?:\s*[-–—]\s*(\d{1,7}))?", part)
        if match is None:
            raise UserError(f"“{part}” names no slices: write for example 1-3, 40.")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise UserError(f"“{part}” runs backwards: write {last}-{first}.")
        if not 1 <= first <= last <= depth:
            wrong = last if last > depth else first
            raise UserError(f"There is no slice {wrong}: the slices are 1 to {depth}.")
        found.update(range(first - 1, last))
    return tuple(sorted(found))


@dataclass(frozen=True)
class Chosen:
    """Labels with the slices (from 0) that are complete."""

    summary: LabelSummary
    slices: tuple[int, ...]

    @property
    def name(self) -> str:
        """What the user calls it."""
        return self.summary.source.name


@dataclass(frozen=True)
class Problem:
    """A sentence for the user; ``stops``: training cannot start before it is mended."""

    text: str
    stops: bool = True


def judge(chosen: Sequence[Chosen]) -> list[Problem]:
    """Return what is wrong with the labels, or might be, the gravest first."""
    total = sum(len(one.slices) for one in chosen)
    membrane = sum(one.summary.membrane(one.slices) for one in chosen)
    if not chosen:
        return [Problem("There are no labels to learn from yet: add a project, or a tomogram with labels.")]
    if not total:
        text = "Say which slices are complete: only slices in which every membrane is labelled may be used."
        return [Problem(text)]
    found = []
    if total == 1:
        text = (
            "Only one slice is complete, so a fifth of it is kept aside to judge the new model by. A second "
            "one, from another place, teaches much more."
        )
        found.append(Problem(text, stops=False))
    if not membrane:
        found.append(Problem("The labels are empty: in the complete slices not one pixel is labelled."))
    found += _voxel_problem(chosen)
    for one in chosen:
        area = one.summary.shape[1] * one.summary.shape[2]
        empty = [z for z in one.slices if not one.summary.pixels[z]]
        full = [z for z in one.slices if one.summary.pixels[z] > _TOO_MUCH * area]
        if empty and membrane:
            text = (
                f"{one.name}: nothing is labelled in slice {slices_text(empty)}, so it teaches that there is "
                "no membrane. Take it off the list unless that is true."
            )
            found.append(Problem(text, stops=False))
        if full:
            text = (
                f"{one.name}: most of slice {slices_text(full)} is labelled. Labels have to mark the "
                "membranes, not what lies between them."
            )
            found.append(Problem(text, stops=False))
    if 1 < total < 3 and membrane:
        text = f"{total} complete slices are few: three or more, from different places, teach much more."
        found.append(Problem(text, stops=False))
    return sorted(found, key=lambda problem: not problem.stops)


def held_out_count(slices: int) -> int:
    """Return how many of the complete slices are kept aside to judge by: a tenth, at least one."""
    return max(1, round(0.1 * slices)) if slices > 1 else 0


def _voxel_problem(chosen: Sequence[Chosen]) -> list[Problem]:
    known = [
        (one.summary.voxel_nm[1], one.name)
        for one in chosen
        if one.summary.voxel_nm is not None and one.slices
    ]
    if not known or max(known)[0] <= LARGEST_VOXEL_RATIO * min(known)[0]:
        return []
    (low, fine), (high, coarse) = min(known), max(known)
    text = (
        f"The voxels of {fine} ({low:g} nm) and {coarse} ({high:g} nm) differ too much to learn from both: "
        "correct the voxel size that is wrong, or train twice."
    )
    return [Problem(text)]


def _check_fit(source: LabelSource, image: Volume, labels: Volume) -> None:
    if image.shape != labels.shape:
        name = Path(source.labels).name or "The labels"
        raise UserError(
            f"{name} has {shape_text(labels.shape)} voxels (z × y × x), but {source.name} has "
            f"{shape_text(image.shape)}. Choose the labels that belong to this tomogram."
        )


def _check_values(labels: NDArray[Any], source: LabelSource) -> None:
    if labels.dtype.kind == "f" and not np.array_equal(labels, np.rint(labels)):
        name = Path(source.labels).name or source.name
        raise UserError(f"{name} holds fractional grey values and is no label file. Choose the labels.")
