"""Ranges of a label file: what its plans hold, and the copy of its voxels that all ranges read."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from sxtstudio.core.checked_volume import InputChangedError
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.core.label_values import LabelValues
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import VoxelSize
from sxtstudio.core.walk import walk
from sxtstudio.io import FileVolume, open_volume
from sxtstudio.workflow.document.views import labels_to_disk
from sxtstudio.workflow.jobs.unchanged import KnownInput
from sxtstudio.workflow.ranges.folder import RangesFolder
from sxtstudio.workflow.ranges.plan import InputPlan, RangePlan

_VOXELS = "voxels.raw"


class LabelPlan(RangePlan, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ranges of a label file.

    Attributes
    ----------
    labels
        The file, whose voxels were copied when the plan was made: ranges read the copy.
    label
        The only value that counts; None: all.
    bytes_each
        Of a voxel in the copy; with 1 it may be 0 and 1 only.
    given_nm, voxel_nm
        Voxel size as the user has given it, and the one that counts.
    """

    labels: InputPlan
    label: int | None
    bytes_each: Annotated[int, Meta(ge=1, le=8)]
    given_nm: VoxelSize | None
    voxel_nm: VoxelSize | None

    @property
    def shape(self) -> Triple:
        """Of the labels, (z, y, x)."""
        return self.labels.shape

    def asked(self) -> dict[str, Any]:
        """Return what was asked for."""
        return {
            **super().asked(),
            "the file": Path(self.labels.path).name,
            "its content": self.labels.fingerprint.get("value"),
            "the label": self.label,
            "the voxel size": self.given_nm,
        }

    def voxels(self, folder: RangesFolder) -> NDArray[Any]:
        """Return the copy of the voxels (z, y, x), which cannot be written to.

        Raises
        ------
        UserError
            If it is damaged.
        """
        path = folder.path / _VOXELS
        try:
            return np.memmap(path, np.dtype(f"u{self.bytes_each}"), "r", shape=self.shape)
        except (OSError, TypeError, ValueError) as error:
            raise UserError(f"{path} is damaged ({error}): plan anew, and restart.") from error

    def check_copy(self, folder: RangesFolder, now: NDArray[Any]) -> None:
        """Raise InputChangedError if the voxels (z, y, x) that a file has now are not those of the copy."""
        copy = self.voxels(folder)
        for box in walk(self.shape, copy, now):
            if not np.array_equal(copy[box.slices], now[box.slices]):
                raise InputChangedError(
                    f"{self.labels.path}, or its mask, was changed after the ranges were planned. Plan anew, "
                    "and restart."
                )


class OpenedLabels:
    """A label file that is open for planning, with what is known of it."""

    def __init__(self, path: Path, given_nm: VoxelSize | None, stack: ExitStack) -> None:
        self.path = path
        self.file: FileVolume = stack.enter_context(open_volume(path))
        self.known = KnownInput.of(path, self.file)
        self.given_nm = given_nm
        self.voxel_nm = given_nm or self.file.voxel_nm

    def copied(
        self, folder: RangesFolder, label: int | None, progress: Progress, *, keep: bool = False
    ) -> tuple[NDArray[Any], LabelValues]:
        """Copy the voxels for all ranges, as ``labels_to_disk`` does."""
        voxels, values = labels_to_disk(
            self.file, folder.path / _VOXELS, self.path.name, progress, value=label, keep=keep
        )
        self.known.check()
        return voxels, values
