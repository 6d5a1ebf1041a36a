"""Volumes out, in any format: written slab by slab, read back, and only then given their name."""

from __future__ import annotations

import math
import os
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.progress import Progress
from sxtstudio.core.verified import EVERY_VOXEL, NAMES_AND_COLOURS, NotAsWritten, differs
from sxtstudio.core.volume import Volume, VoxelSize
from sxtstudio.core.walk import walk
from sxtstudio.io.export_plan import Plan
from sxtstudio.io.opening import open_volume

#: About so much of a volume is written at once.
SLAB_BYTES = 32 << 20

Convert = Callable[[NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True)
class Format:
    """How volumes are written in one format.

    Attributes
    ----------
    write
        Writes the slabs of a plan, and returns the name of the format.
    dtype
        The type in which grey values of a type are stored; raises UserError where it holds no such.
    label, label_dtype
        What stands for a label where there is only one kind of it.
    slab_slices
        Slabs have a multiple of so many slices.
    compressed
        Whether the voxels of a plan are written compressed, so that their size is not known beforehand.
    holds_voxel
        Whether a file says how large its voxels are.
    """

    write: Callable[[Path, Plan, Iterable[NDArray[Any]]], str]
    dtype: Callable[[np.dtype[Any]], np.dtype[Any]]
    label: int
    label_dtype: Any = np.uint8
    is_folder: bool = False
    slab_slices: int = 1
    compressed: Callable[[Plan], bool] = lambda plan: False
    holds_voxel: bool = True


@dataclass(frozen=True)
class WrittenVolume:
    """A volume on the disk: name of the format, size of the file, and voxels that are not 0 in labels.

    ``compared`` is what was read back and was the same.
    """

    format: str
    bytes: int
    labelled: int | None
    compared: tuple[str, ...]


def write_volume(
    target: Path,
    volume: Volume,
    plan: Plan,
    form: Format,
    convert: Convert,
    progress: Progress,
    check: Callable[[Path], bool] = lambda temporary: False,
) -> WrittenVolume:
    """Write a volume under a temporary name, read it back and compare, and give it its name.

    Until then a former file of that name stays as it was.

    Parameters
    ----------
    target, form
        File or folder, and its format.
    volume, plan
        What to write (z, y, x), and how.
    convert
        Turns voxels as they are read into C-ordered ones of ``plan.dtype``.
    progress
        Counts slices, once for writing and once for reading back.
    check
        Reads back names and colours of the file at its temporary path; raises UserError where they differ,
        and returns whether there are any.

    Raises
    ------
    UserError
        If the folder is missing or not writable, the disk is full, or the read-back differs.
    Cancelled
        If the user stopped the job; nothing is left behind.
    """
    progress.begin(2 * plan.shape[0], f"Writing {target.name}")
    checksums: list[int] = []
    counts: list[int] = []

    def converted() -> Iterator[NDArray[Any]]:
        for box in walk(plan.shape, progress=progress, begin=False, slices=plan.thickness):
            slab = convert(volume.read(box))
            checksums.append(zlib.crc32(slab.data))
            if plan.kind in ("labels", "objects"):
                counts.append(int(np.count_nonzero(slab)))
            yield slab

    with atomic_write(target) as temporary:
        _check_space(temporary, plan, form)
        name = form.write(temporary, plan, converted())
        compared = _verify(temporary, target, plan, form, checksums, progress)
        compared += (NAMES_AND_COLOURS,) if check(temporary) else ()
        size = _size_on_disk(temporary)
    return WrittenVolume(name, size, sum(counts) if counts else None, compared)


def slab_thickness(volume: Volume, dtype: np.dtype[Any], form: Format) -> int:
    """Return how many slices are best written at once, as ``dtype``."""
    slice_bytes = volume.shape[1] * volume.shape[2] * max(dtype.itemsize, volume.dtype.itemsize)
    blocks = max(1, SLAB_BYTES // (slice_bytes * form.slab_slices))
    return min(volume.shape[0], blocks * form.slab_slices)


def _check_space(temporary: Path, plan: Plan, form: Format) -> None:
    """Uncompressed sizes are known beforehand: better no start than a stop after minutes."""
    free = shutil.disk_usage(temporary.parent).free
    if not form.compressed(plan) and plan.bytes > free:
        raise UserError(
            f"The disk is too full for {plan.name}: it needs {plan.bytes / 1e6:.1f} MB, "
            f"{free / 1e6:.1f} MB are free. Free some space or choose another folder."
        )


def _verify(
    temporary: Path, target: Path, plan: Plan, form: Format, checksums: list[int], progress: Progress
) -> tuple[str, ...]:
    """Read the file back as any other file, compare it with what was to be written, and say what was."""
    compared = [EVERY_VOXEL]
    trouble = f"{target.name} was not written: what was read back from the disk differs"
    try:
        with open_volume(temporary) as back:
            if back.shape != plan.shape or back.dtype != plan.dtype:
                raise NotAsWritten(f"{trouble} in size or type. Check the disk.")
            if form.holds_voxel:
                if not same_voxel(back.voxel_nm, plan.voxel_nm):
                    raise NotAsWritten(f"{trouble} in voxel size. Check the voxel size {plan.voxel_nm} nm.")
                compared += ["voxel size"] if back.voxel_nm is not None else []
            # The frame of an MRC places voxels by rules of its own.
            if back.place.frame is None and back.origin_nm is not None and plan.origin_nm is not None:
                if not same_place(back.origin_nm, plan.origin_nm, plan.voxel_nm):
                    raise differs(target, "its position")
                compared.append("position")
            boxes = walk(plan.shape, progress=progress, begin=False, slices=plan.thickness)
            for box, checksum in zip(boxes, checksums, strict=True):
                if zlib.crc32(back.read(box).data) != checksum:
                    raise NotAsWritten(
                        f"{trouble} in {{slices}}. Check the disk.",
                        slices=(box.start[0], box.stop[0] - 1),
                    )
    except NotAsWritten:
        raise
    except UserError as error:
        raise NotAsWritten(f"{trouble} ({error.text}) Check the disk.", slices=error.slices) from error
    return tuple(compared)


def same_place(found: VoxelSize, wanted: VoxelSize, voxel_nm: VoxelSize | None) -> bool:
    """Whether two positions (nm; z, y, x) are the same to a hundredth of a voxel or float32."""
    near = 0.01 * min(voxel_nm or (1.0,))
    pairs = zip(found, wanted, strict=True)
    return all(math.isclose(a, b, rel_tol=1e-6, abs_tol=near) or not math.isfinite(b) for a, b in pairs)


def same_voxel(found: VoxelSize | None, wanted: VoxelSize | None) -> bool:
    """A size that no microscope can have is written as given, but not believed when read."""
    if found is None or wanted is None:
        return found is None and (wanted is None or any(not 0.1001 < v < 9999 for v in wanted))
    return all(math.isclose(a, b, rel_tol=1e-5) for a, b in zip(found, wanted, strict=True))


def _size_on_disk(path: Path) -> int:
    if not path.is_dir():
        return path.stat().st_size
    return sum(os.path.getsize(Path(folder, name)) for folder, _, names in os.walk(path) for name in names)
