"""NIfTI-1 volumes (.nii, .nii.gz) are written.

Lengths are in µm, and said to be so; ITK turns them into mm, and so are the numbers in ITK-SNAP. nibabel and
ITK read what is written here in the tests; ITK-SNAP and 3D Slicer, which read with ITK, were not run.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.label_image import HandedOver, LabelImage, Legend
from sxtstudio.core.progress import Progress
from sxtstudio.io.export_plan import Plan
from sxtstudio.io.handover.label_volumes import Write, check_legend, materials, named, write_label_volume
from sxtstudio.io.handover.nifti_read import BYTES_1, COMMENT, TYPES, names_in
from sxtstudio.io.mib import NM_PER_UM

_MICRON, _LABELS = 3, 1002
_MOST_ALONG = 32_767


def nifti_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type in which grey values are stored: float16 becomes float32."""
    return np.dtype(np.float32) if dtype == np.float16 else dtype


def write_nifti(path: Path, plan: Plan, slabs: Iterable[NDArray[Any]]) -> str:
    """Write a volume, packed with gzip where the name ends so, and return the name of the format."""
    return _write(path, plan, slabs, ())


def write_nifti_labels(path: Path, image: LabelImage, progress: Progress) -> HandedOver:
    """Write labels (.nii, .nii.gz); names and colours stand in a comment that other programs pass over.

    Raises
    ------
    UserError
        As ``write_label_volume``.
    """
    legend = materials(named(image)[0], "Label {}")

    def write(largest: Callable[[], int]) -> Write:
        return lambda target, plan, slabs: _write(target, plan, slabs, legend)

    def check(temporary: Path) -> bool:
        return check_legend(path, names_in(temporary), legend)

    packed = path.suffix.lower() == ".gz"
    done = write_label_volume(path, image, write, progress, check=check, compressed=packed)
    losses = ["NIfTI has no place for names and colours that other programs read; the table has them."]
    if image.voxel_nm is None:
        losses.append("The voxel size is unknown: programs take a voxel for 1 mm.")
    return HandedOver(
        path, done.format, done.bytes, done.verified, (("Largest value", str(done.largest)),), tuple(losses)
    )


def _write(path: Path, plan: Plan, slabs: Iterable[NDArray[Any]], legend: Legend) -> str:
    if max(plan.shape) > _MOST_ALONG:
        raise UserError(f"{plan.name} is too large for NIfTI (32,767 voxels along an axis). Export as NRRD.")
    packed = path.suffix.lower() == ".gz"
    stored = plan.dtype.newbyteorder("<")
    extension = _extension(legend)
    packer = zlib.compressobj(3, wbits=31)
    with open(path, "wb") as file:

        def put(data: Any) -> None:
            file.write(packer.compress(data) if packed else data)

        put(_header(plan, BYTES_1 + 4 + len(extension)) + bytes((bool(extension), 0, 0, 0)) + extension)
        for slab in slabs:
            put(np.ascontiguousarray(slab, stored).data)
        if packed:
            file.write(packer.flush())
    return "NIfTI-1"


def _extension(legend: Legend) -> bytes:
    if not legend:
        return b""
    labels = [{"value": entry.value, "name": entry.name, "rgb": list(entry.rgb)} for entry in legend]
    text = json.dumps({"labels": labels}, ensure_ascii=False, separators=(",", ":")).encode()
    size = -(-(8 + len(text)) // 16) * 16
    return struct.pack("<2i", size, COMMENT) + text.ljust(size - 8, b"\0")


def _header(plan: Plan, start: int) -> bytes:
    """Return the 348 bytes: RAS, so that x and y point against those of LPS, in which SXT Studio counts."""
    (code,) = (n for n, kind in TYPES.items() if kind == f"{plan.dtype.kind}{plan.dtype.itemsize}")
    z, y, x = (1.0, 1.0, 1.0) if plan.voxel_nm is None else (edge / NM_PER_UM for edge in plan.voxel_nm)
    oz, oy, ox = (value / NM_PER_UM for value in (plan.voxel_nm and plan.origin_nm) or (0.0, 0.0, 0.0))
    head = bytearray(BYTES_1)
    struct.pack_into("<i", head, 0, BYTES_1)
    struct.pack_into("<8h", head, 40, 3, *plan.shape[::-1], 1, 1, 1, 1)
    struct.pack_into("<h", head, 68, _LABELS if plan.kind in ("labels", "objects") else 0)
    struct.pack_into("<2h", head, 70, code, 8 * plan.dtype.itemsize)
    struct.pack_into("<8f", head, 76, 1.0, x, y, z, 0, 0, 0, 0)
    struct.pack_into("<3f", head, 108, start, 1.0, 0.0)
    head[123] = 0 if plan.voxel_nm is None else _MICRON
    head[148 : 148 + len(b"SXT Studio")] = b"SXT Studio"
    # A quaternion of (0, 0, 1) turns by 180° round z, which is the same as the rows below.
    struct.pack_into("<2h", head, 252, 1, 1)
    struct.pack_into("<6f", head, 256, 0, 0, 1, -ox, -oy, oz)
    struct.pack_into("<12f", head, 280, -x, 0, 0, -ox, 0, -y, 0, -oy, 0, 0, z, oz)
    head[344:348] = b"n+1\0"
    return bytes(head)
