"""The network's output of the latest segmentation, kept so that the threshold can be changed afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.records import Finite, read_json, record_of
from sxtstudio.core.steps import Step, StepKind, effective
from sxtstudio.core.volume import VoxelSize

_VALUES, _FACTS = "output.raw", "output.json"


@dataclass(frozen=True)
class KeptOutput:
    """The output for the slices ``first`` … ``last`` (not included) of a tomogram.

    ``threshold`` is the one that it was segmented with, ``model`` the name of the model.
    """

    path: Path
    shape: Triple
    first: int
    last: int
    threshold: float
    model: str

    def open(self) -> NDArray[np.uint8]:
        """Return the output as a read-only map (z, y, x): 255 times (output + 1)/2."""
        return np.memmap(self.path, np.uint8, "r", shape=(self.last - self.first, *self.shape[1:]))


class KeptVolume:
    """The kept output seen as a volume of the tomogram's shape; 0 in the slices that it does not hold."""

    dtype = np.dtype(np.uint8)

    def __init__(self, kept: KeptOutput, voxel_nm: VoxelSize | None = None) -> None:
        """Open the file for reading."""
        self._kept = kept
        self._values = kept.open()
        self.shape: Triple = kept.shape
        self.voxel_nm = voxel_nm

    def read(self, box: Box) -> NDArray[np.uint8]:
        """Return the voxels of ``box`` (z, y, x): 255 times (output + 1)/2."""
        out = np.zeros(box.shape, np.uint8)
        first, last = max(box.start[0], self._kept.first), min(box.stop[0], self._kept.last)
        if first < last:
            inner = self._values[first - self._kept.first : last - self._kept.first]
            out[first - box.start[0] : last - box.start[0]] = inner[:, box.slices[1], box.slices[2]]
        return out


def keep_output(
    take: Callable[[Path], None],
    folder: Path,
    shape: Triple,
    slices: tuple[int, int],
    threshold: float,
    model: str,
) -> None:
    """Keep the output of a finished segmentation in ``folder``, in place of a former one.

    ``take`` puts the values (z, y, x) of the slices to a given place, such as
    ``Segmentation.take_probability``; if it raises, nothing is kept.
    """
    forget_output(folder)
    try:
        take(folder / _VALUES)
    except BaseException:
        forget_output(folder)
        raise
    facts = asdict(KeptOutput(Path(_VALUES), shape, slices[0], slices[1], threshold, model))
    with atomic_write(folder / _FACTS, own=True) as temporary:
        temporary.write_text(json.dumps({**facts, "path": _VALUES}), encoding="utf-8")


def forget_output(folder: Path) -> None:
    """Delete what was kept."""
    for name in (_FACTS, _VALUES):
        with suppress(OSError):
            (folder / name).unlink()


class _Facts(Struct, frozen=True):
    """What output.json holds."""

    shape: tuple[int, int, int]
    first: int
    last: int
    threshold: Finite
    model: str


def standing_threshold(kept: KeptOutput, steps: Iterable[Step]) -> float:
    """Return the threshold that the labels come from now: that of a later clean-up, if it changed it.

    Parameters
    ----------
    steps
        All that was done to the document; what was undone does not count.
    """
    for step in reversed(effective(steps)):
        if step.kind is not StepKind.EDIT or step.target != "labels":
            continue
        if step.edit is EditKind.SEGMENT:
            break
        changed = step.parameters.get("threshold") if step.edit is EditKind.CLEAN_UP else None
        if isinstance(changed, int | float):
            return float(changed)
    return kept.threshold


def holds_frames(steps: Iterable[Step]) -> bool:
    """Whether a former version segmented last, which did not know how to leave frames and gold out."""
    for step in reversed(effective(steps)):
        if step.kind is StepKind.EDIT and step.edit is EditKind.SEGMENT:
            return "leave_out" not in step.parameters
    return False


def find_output(folder: Path, shape: Triple) -> KeptOutput | None:
    """Return what is kept for a tomogram of this shape, or None."""
    try:
        facts = record_of(read_json(folder / _FACTS, "The network's output"), _Facts, "The network's output")
        path = folder / _VALUES
        fits = path.stat().st_size == (facts.last - facts.first) * shape[1] * shape[2]
    except (OSError, UserError):
        return None
    if not fits or facts.shape != shape:
        return None
    return KeptOutput(path, shape, facts.first, facts.last, facts.threshold, facts.model)
