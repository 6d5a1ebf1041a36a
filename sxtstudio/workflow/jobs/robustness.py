"""Objects and volume of a segmentation against threshold, erosion and smallest size, as a table."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.printable import csv_text
from sxtstudio.core.progress import Progress
from sxtstudio.core.reserved import create_array
from sxtstudio.core.robustness import ParameterGrid, Robustness, try_choices
from sxtstudio.core.volume import Volume, VoxelSize
from sxtstudio.io import open_volume
from sxtstudio.workflow.document.network_output import KeptOutput, KeptVolume
from sxtstudio.workflow.document.views import VolumeView
from sxtstudio.workflow.jobs.outputs import OutputFile, check_outputs, check_space, scratch_folder

_NM3_PER_UM3 = 1e9


@dataclass(frozen=True)
class RobustnessJob:
    """One run of ``sxtstudio robustness``.

    Attributes
    ----------
    output
        A file of the network's output, as ``segment --probability`` writes it.
    slices
        First and last (not included), None for the end.
    """

    output: Path
    table: Path
    choices: ParameterGrid = field(default_factory=ParameterGrid)
    slices: tuple[int | None, int | None] = (None, None)
    voxel_nm: VoxelSize | None = None


@dataclass(frozen=True)
class RobustnessResult:
    """What was tried, and the voxel size (None where it is unknown: volumes are in voxels)."""

    found: Robustness
    voxel_nm: VoxelSize | None


def robustness_file(job: RobustnessJob, progress: Progress | None = None) -> RobustnessResult:
    """Try thresholds, erosions and smallest sizes on a file of the network's output; write a CSV.

    Raises
    ------
    UserError
        If the input is no output of the network, or the table cannot be written.
    Cancelled
        If the job was cancelled through ``progress``.
    """
    check_outputs([OutputFile(job.table, "a table", (".csv",))], [job.output])
    with open_volume(job.output) as source:
        if source.dtype != np.uint8:
            raise UserError(
                f"{job.output.name} holds {source.dtype} and not the network's output, which is 8-bit: give "
                "the file that 'segment --probability' has written."
            )
        voxel_nm = job.voxel_nm or source.voxel_nm
        view = VolumeView(source, _range(job.slices, source.shape[0]), voxel_nm)
        with scratch_folder(job.table) as folder:
            found = robustness_of(view, job.choices, folder, progress)
    write_table(job.table, found, voxel_nm)
    return RobustnessResult(found, voxel_nm)


def robustness_of(
    output: Volume, choices: ParameterGrid, folder: Path, progress: Progress | None = None
) -> Robustness:
    """Try all choices on an output of the network; a file of a byte per voxel is left in ``folder``."""
    check_space(folder, math.prod(output.shape))
    scratch = create_array(folder / "robustness.raw", output.shape, "write to another disk")
    return try_choices(output, scratch, choices, progress)


def robustness_of_output(
    kept: KeptOutput,
    folder: Path,
    choices: ParameterGrid,
    slices: tuple[int, int],
    progress: Progress | None = None,
) -> Robustness:
    """Try all choices on slices (first, and the one after the last) of the kept output of a document.

    Raises
    ------
    UserError
        If the output holds none of these slices, or the disk of ``folder`` is full.
    Cancelled
        If the job was cancelled through ``progress``.
    """
    first, last = max(slices[0], kept.first), min(slices[1], kept.last)
    if first >= last:
        raise UserError("The network's output holds none of these slices: choose others, or segment them.")
    with scratch_folder(folder / "robustness") as scratch:
        return robustness_of(VolumeView(KeptVolume(kept), (first, last)), choices, scratch, progress)


def write_table(path: Path, found: Robustness, voxel_nm: VoxelSize | None) -> None:
    """Write a row for each combination as CSV."""
    with atomic_write(path) as temporary:
        text = csv_text(_names(voxel_nm), table_rows(found, voxel_nm))
        temporary.write_text(text, encoding="utf-8", newline="")


def table_rows(found: Robustness, voxel_nm: VoxelSize | None) -> Iterator[dict[str, Any]]:
    """Yield a row for each combination."""
    for trial in found.trials:
        for size in found.choices.min_sizes:
            count, voxels = trial.above(size)
            yield dict(
                zip(
                    _names(voxel_nm),
                    (trial.threshold, trial.erosions, size, count, volume_of(voxels, voxel_nm)),
                    strict=True,
                )
            )


def volume_of(voxels: float, voxel_nm: VoxelSize | None) -> float:
    """Return a volume in µm³, or in voxels where their size is unknown."""
    return voxels if voxel_nm is None else voxels * math.prod(voxel_nm) / _NM3_PER_UM3


def _names(voxel_nm: VoxelSize | None) -> tuple[str, ...]:
    volume = "volume_voxels" if voxel_nm is None else "volume_um3"
    return ("threshold", "erosions", "min_size_voxels", "objects", volume)


def _range(slices: tuple[int | None, int | None], depth: int) -> tuple[int, int]:
    first, last = slices[0] or 0, depth if slices[1] is None else min(slices[1], depth)
    if first >= last:
        raise UserError(f"There are no slices {first}:{last}: the file has {depth}, counted from 0.")
    return first, last
