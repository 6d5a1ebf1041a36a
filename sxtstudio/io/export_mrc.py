"""MRC files (MRC2014) as IMOD, ChimeraX and mrcfile read them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import mrcfile.utils
import numpy as np
from mrcfile.constants import MAP_ID, VOLUME_SPACEGROUP
from mrcfile.dtypes import HEADER_DTYPE
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.io.export_plan import Plan
from sxtstudio.io.place import NM_PER_ANGSTROM, MrcFrame

# Mode 0 holds signed bytes: 255 would come back as −1. 127 is the largest value that reads the same
# whether a program takes the bytes as signed (MRC2014) or unsigned (old IMOD).
MRC_LABEL = 127


def mrc_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type in which voxels are stored: unsigned bytes become 16 bit (mode 6).

    Raises
    ------
    UserError
        If MRC has no mode for these values.
    """
    if dtype == np.uint8:
        return np.dtype(np.uint16)
    try:
        mrcfile.utils.mode_from_dtype(dtype)
    except ValueError:
        raise UserError(
            f"MRC files cannot hold {dtype} values. Export as TIFF or OME-Zarr instead."
        ) from None
    return dtype


def write_mrc(path: Path, plan: Plan, slabs: Iterable[NDArray[Any]]) -> str:
    """Write header and voxels, little-endian, and return the name of the format.

    The statistics in the header are those of the voxels, gathered while they pass.
    """
    stored = plan.dtype.newbyteorder("<")
    smallest, largest, total, squares = np.inf, -np.inf, 0.0, 0.0
    with open(path, "wb") as file:
        file.write(bytes(HEADER_DTYPE.itemsize))
        for slab in slabs:
            smallest = min(smallest, float(slab.min()))
            largest = max(largest, float(slab.max()))
            for one in slab:  # float64 copies of single slices only
                values = one.astype(np.float64).ravel()
                total += float(values.sum())
                squares += float(values @ values)
            file.write(np.ascontiguousarray(slab, dtype=stored).data)
        count = plan.shape[0] * plan.shape[1] * plan.shape[2]
        mean = total / count
        spread = float(np.sqrt(max(0.0, squares / count - mean * mean)))
        file.seek(0)
        file.write(_header(plan, smallest, largest, mean, spread).tobytes())
    return "MRC"


def _header(plan: Plan, smallest: float, largest: float, mean: float, spread: float) -> NDArray[Any]:
    header = np.zeros((), HEADER_DTYPE.newbyteorder("<"))
    frame = plan.place.frame
    if frame is None:
        z, y, x = (length / NM_PER_ANGSTROM for length in plan.origin_nm or (0.0, 0.0, 0.0))
        frame = MrcFrame(origin=(z, y, x))
    for index, (stored, axis) in enumerate(zip("zyx", frame.letters, strict=True)):
        header[f"n{stored}"] = header[f"m{axis}"] = plan.shape[index]
        if plan.voxel_nm is not None:  # a cell of length 0 says that the size is unknown
            header["cella"][axis] = plan.shape[index] * plan.voxel_nm[index] / NM_PER_ANGSTROM
    frame.write(header)
    header["mode"] = mrcfile.utils.mode_from_dtype(plan.dtype)
    header["cellb"] = (90.0, 90.0, 90.0)
    if np.isfinite([smallest, largest, mean, spread]).all():
        header["dmin"], header["dmax"], header["dmean"], header["rms"] = smallest, largest, mean, spread
    else:  # the convention for "not determined"
        header["dmin"], header["dmax"], header["dmean"], header["rms"] = 0, -1, -2, -1
    header["ispg"] = VOLUME_SPACEGROUP
    header["map"] = MAP_ID
    header["machst"] = mrcfile.utils.machine_stamp_from_byte_order("<")
    header["nlabl"] = 1
    text = f"SXT Studio: labels, 0 background, {MRC_LABEL} label" if plan.kind == "labels" else "SXT Studio"
    header["label"][0] = text.encode("ascii")
    return header
