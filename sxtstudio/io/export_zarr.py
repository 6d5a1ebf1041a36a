"""OME-Zarr 0.4 (Zarr version 2), which napari, MoBIE, Fiji and BigDataViewer read today."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Triple
from sxtstudio.core.volume import VoxelSize
from sxtstudio.io.export_plan import Plan

# The same for every volume, so that the same labels give the same files.
CHUNK = (16, 256, 256)
_ZLIB = {"id": "zlib", "level": 3}
_ZSTD = {"id": "zstd", "level": 1, "checksum": False}


def write_zarr(path: Path, plan: Plan, slabs: Iterable[NDArray[Any]]) -> str:
    """Write a folder with one resolution, and return the name of the format."""
    path.mkdir()
    with nothing_written_later():
        array = new_array(path / "0", plan.shape, plan.dtype, zstd=plan.zstd)
        first = 0
        for slab in slabs:
            array[first : first + slab.shape[0]] = slab
            first += slab.shape[0]
        # The group comes last: a folder without it is no image.
        level = Level("0", plan.voxel_nm or (1.0, 1.0, 1.0), plan.origin_nm or (0.0, 0.0, 0.0))
        write_group(path, {"multiscales": [multiscale(plan.name, plan.voxel_nm is not None, [level])]})
    return "OME-Zarr"


@contextmanager
def nothing_written_later() -> Iterator[None]:
    """Let what is done inside end before an error leaves it.

    zarr writes several files at once and raises the first error, while the others are still being written: a
    folder that is removed then would be made again.
    """
    try:
        yield
    except BaseException:
        from zarr.core.sync import sync  # the only door to the loop in which zarr writes

        sync(_others_ended())
        raise


async def _others_ended() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others, return_exceptions=True)


@dataclass(frozen=True)
class Level:
    """A resolution of an image: its array, edge lengths of a voxel, place of the first one (z, y, x)."""

    path: str
    scale: VoxelSize
    origin: VoxelSize


def new_array(path: Path, shape: Triple, dtype: np.dtype[Any], *, zstd: bool = False) -> Any:
    """Make an empty array (z, y, x) of version 2 and return it."""
    import zarr  # takes half a second to load

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about specifications in progress
        return zarr.create_array(
            str(path),
            shape=shape,
            dtype=dtype,
            chunks=tuple(min(c, n) for c, n in zip(CHUNK, shape, strict=True)),
            compressors=_ZSTD if zstd else _ZLIB,
            fill_value=0,
            zarr_format=2,
            chunk_key_encoding={"name": "v2", "separator": "/"},
        )


def write_group(path: Path, attributes: Mapping[str, Any]) -> None:
    """Make a folder a group of version 2 with these attributes."""
    (path / ".zattrs").write_text(json.dumps(attributes, indent=2), encoding="utf-8")
    (path / ".zgroup").write_text(json.dumps({"zarr_format": 2}), encoding="utf-8")


def multiscale(name: str, in_nm: bool, levels: Sequence[Level]) -> dict[str, Any]:
    """Describe an image by its resolutions; ``in_nm`` where lengths are known, else they are in voxels."""
    unit = {"unit": "nanometer"} if in_nm else {}
    datasets = []
    for level in levels:
        steps: list[dict[str, Any]] = [{"type": "scale", "scale": list(level.scale)}]
        if in_nm and any(levels[0].origin):
            steps.append({"type": "translation", "translation": list(level.origin)})
        datasets.append({"path": level.path, "coordinateTransformations": steps})
    return {
        "version": "0.4",
        "name": name,
        "axes": [{"name": axis, "type": "space", **unit} for axis in "zyx"],
        "datasets": datasets,
    }
