"""One OME-Zarr image that several processes write, each its own layers of chunks.

The chunks of an image are 16 slices deep, and those of a layer lie in a folder of their own:

    STORE/0/LAYER/ROW/COLUMN

A process writes its layers into a store of its own, and moves them into the image that all share once they
are complete. So no two processes ever write to one chunk, and no half of a chunk is ever seen.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Triple
from sxtstudio.core.volume import VoxelSize
from sxtstudio.io.export_zarr import CHUNK, Level, multiscale, new_array, nothing_written_later, write_group

#: Slices in a layer of chunks.
LAYER_SLICES = CHUNK[0]
_ARRAY = "0"


def layers_of(first: int, last: int) -> range:
    """Return the layers that hold the slices ``first`` to ``last`` (not included) of an image.

    Raises
    ------
    ValueError
        If ``first`` is not the first slice of a layer.
    """
    if first % LAYER_SLICES:
        raise ValueError(f"slice {first} is not the first one of a layer of {LAYER_SLICES}")
    return range(first // LAYER_SLICES, -(-last // LAYER_SLICES))


def create_image(
    store: Path,
    shape: Triple,
    dtype: np.dtype[Any],
    name: str,
    voxel_nm: VoxelSize | None,
    origin_nm: VoxelSize | None,
) -> None:
    """Make an OME-Zarr image (z, y, x) of zeros, in which no chunk is stored yet; the folder must be new."""
    store.mkdir()
    new_array(store / _ARRAY, shape, dtype)
    level = Level(_ARRAY, voxel_nm or (1.0, 1.0, 1.0), origin_nm or (0.0, 0.0, 0.0))
    write_group(store, {"multiscales": [multiscale(name, voxel_nm is not None, [level])]})


def write_layers(folder: Path, shape: Triple, first: int, slices: NDArray[Any]) -> None:
    """Write slices (z, y, x) that begin with slice ``first`` of an image of this shape to a new ``folder``.

    They are whole layers, but for the last ones of the image. At most a layer is held in memory.

    Raises
    ------
    OSError
        If the disk is full, or the folder cannot be written to.
    """
    last = first + slices.shape[0]
    if last % LAYER_SLICES and last != shape[0]:
        raise ValueError(f"slices {first} to {last - 1} are no whole layers")
    with nothing_written_later():
        array = new_array(folder, shape, slices.dtype)
        for layer in layers_of(first, last):
            begin = layer * LAYER_SLICES
            end = min(begin + LAYER_SLICES, last)
            array[begin:end] = slices[begin - first : end - first]


def move_layers(folder: Path, store: Path, layers: range) -> None:
    """Move layers of ``write_layers`` into the image ``store``; what was moved already stays where it is.

    A layer of nothing but zeros is not stored at all. Several processes may do this at once.

    Raises
    ------
    OSError
        If one cannot be moved.
    """
    for layer in layers:
        with suppress(FileNotFoundError):
            os.rename(folder / str(layer), store / _ARRAY / str(layer))


def layer_folders(store: Path, layers: range) -> list[Path]:
    """Return where layers of an image lie, or would lie."""
    return [store / _ARRAY / str(layer) for layer in layers]
