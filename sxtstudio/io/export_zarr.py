"""OME-Zarr 0.4 (Zarr version 2), which napari, MoBIE, Fiji and BigDataViewer read today."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from sxtstudio.io.export_plan import Plan

# The same for every volume, so that the same labels give the same files.
CHUNK = (16, 256, 256)
_ZLIB = {"id": "zlib", "level": 3}
_ZSTD = {"id": "zstd", "level": 1, "checksum": False}


def write_zarr(path: Path, plan: Plan, slabs: Iterable[NDArray[Any]]) -> str:
    """Write a folder with one resolution, and return the name of the format."""
    import zarr  # takes half a second to load

    path.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about specifications in progress
        array = zarr.create_array(
            str(path / "0"),
            shape=plan.shape,
            dtype=plan.dtype,
            chunks=tuple(min(c, n) for c, n in zip(CHUNK, plan.shape, strict=True)),
            compressors=_ZSTD if plan.zstd else _ZLIB,
            fill_value=0,
            zarr_format=2,
            chunk_key_encoding={"name": "v2", "separator": "/"},
        )
    first = 0
    for slab in slabs:
        array[first : first + slab.shape[0]] = slab
        first += slab.shape[0]
    # The group comes last: a folder without it is no image.
    (path / ".zattrs").write_text(
        json.dumps({"multiscales": [_multiscale(plan)]}, indent=2), encoding="utf-8"
    )
    (path / ".zgroup").write_text(json.dumps({"zarr_format": 2}), encoding="utf-8")
    return "OME-Zarr"


def _multiscale(plan: Plan) -> dict[str, Any]:
    unit = {} if plan.voxel_nm is None else {"unit": "nanometer"}
    steps: list[dict[str, Any]] = [{"type": "scale", "scale": list(plan.voxel_nm or (1.0, 1.0, 1.0))}]
    if plan.voxel_nm is not None and plan.origin_nm is not None and any(plan.origin_nm):
        steps.append({"type": "translation", "translation": list(plan.origin_nm)})
    return {
        "version": "0.4",
        "name": plan.name,
        "axes": [{"name": axis, "type": "space", **unit} for axis in "zyx"],
        "datasets": [{"path": "0", "coordinateTransformations": steps}],
    }
