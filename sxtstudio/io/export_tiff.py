"""TIFF and BigTIFF as ImageJ, Fiji and MIB read them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.labels import LABEL
from sxtstudio.io.export_plan import Plan

# A classic TIFF addresses 4 GB; some is left for directories and incompressible data.
CLASSIC_LIMIT_BYTES = (1 << 32) - (1 << 26)
_NO_UNIT = 1  # ImageJ's unit stands in the description


def tiff_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type in which voxels are stored: float16, which ImageJ cannot read, becomes float32.

    Raises
    ------
    UserError
        For 64-bit integers, which hardly any program reads.
    """
    if dtype == np.float16:
        return np.dtype(np.float32)
    if dtype.kind in "iu" and dtype.itemsize == 8:
        raise UserError(f"TIFF files with {dtype} values open hardly anywhere. Export as OME-Zarr instead.")
    return dtype


def write_tiff(path: Path, plan: Plan, slabs: Iterable[NDArray[Any]]) -> str:
    """Write one page per slice, labels and objects with deflate, and return the name of the format.

    Voxel size and origin stand in ImageJ's description and the resolution tags, in nm. A BigTIFF
    gets the same description: ImageJ itself does not open BigTIFF, Fiji (Bio-Formats) does.
    """
    big = plan.bytes > CLASSIC_LIMIT_BYTES
    resolution = None
    if plan.voxel_nm is not None:
        resolution = (1.0 / plan.voxel_nm[2], 1.0 / plan.voxel_nm[1])
    description: str | None = imagej_description(plan)
    with tifffile.TiffWriter(path, bigtiff=big) as writer:
        for slab in slabs:
            for page in slab:
                writer.write(
                    page,
                    photometric="minisblack",
                    compression="zlib" if plan.kind in ("labels", "objects") else None,
                    resolution=resolution,
                    resolutionunit=_NO_UNIT,
                    description=description,
                    metadata=None,
                    software="SXT Studio",
                )
                description = None  # the first page speaks for all
    return "ImageJ BigTIFF" if big else "ImageJ TIFF"


def imagej_description(plan: Plan) -> str:
    """Return ImageJ's ImageDescription; ImageJ counts an origin in voxels, from the other side."""
    lines = ["ImageJ=1.54f"]
    if plan.shape[0] > 1:
        lines += [f"images={plan.shape[0]}", f"slices={plan.shape[0]}", "loop=false"]
    if plan.voxel_nm is not None:
        lines += ["unit=nm", f"spacing={plan.voxel_nm[0]!r}"]
        if plan.origin_nm is not None and any(plan.origin_nm):
            for axis, origin, edge in zip("zyx", plan.origin_nm, plan.voxel_nm, strict=True):
                lines.append(f"{axis}origin={-origin / edge!r}")
    if plan.kind == "labels":
        lines += ["min=0.0", f"max={LABEL:.1f}"]
    return "\n".join(lines) + "\n"
