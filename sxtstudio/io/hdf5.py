"""HDF5 and NeXus files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import h5py
from numpy.typing import NDArray

from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.wording import reason_of
from sxtstudio.io.axes import NamedBy, find_axes, refuse_colour
from sxtstudio.io.chunks import ChunkedSlices
from sxtstudio.io.filevolume import FileVolume
from sxtstudio.io.hdf5_axes import describe_axes, origin_of_model, voxel_size
from sxtstudio.io.hdf5_choice import DatasetChoice, likely_dataset, named_dataset
from sxtstudio.io.hdf5_chunks import reader_of
from sxtstudio.io.hdf5_links import Hdf5Tree
from sxtstudio.io.hdf5_tilts import tilt_series_of
from sxtstudio.io.limits import check_chunks


def open_hdf5(path: Path, inside: str | None = None, order: AxisOrder | None = None) -> FileVolume:
    """Open the tomogram in an HDF5 file.

    Parameters
    ----------
    path
        File.
    inside
        Path of the dataset. By default NeXus's marks of the data are followed; without them the file must
        hold exactly one 3D dataset, or no 3D dataset and one image.
    order
        How the user names the stored axes, where the file does not or wrongly.

    Raises
    ------
    UserError
        If there is none or more than one, or if its voxels lie outside the folder of the file.
    """
    tree = Hdf5Tree(path)
    try:
        choice = named_dataset(tree, inside) if inside is not None else likely_dataset(tree)
        return _volume(tree, path, choice, order)
    except UserError:
        tree.close()
        raise
    except Exception as error:  # damaged files raise many kinds
        tree.close()
        raise UserError(f"{path.name} is a damaged HDF5 file ({reason_of(error)}). Copy it again.") from error


def _volume(tree: Hdf5Tree, path: Path, choice: DatasetChoice, order: AxisOrder | None) -> FileVolume:
    dataset = choice.dataset
    name = f"{path.name}::{choice.path}"
    if dataset.shape is None:
        raise UserError(f"{name} is empty. Choose another dataset.")
    tree.check_storage(dataset)
    read_stored = reader_of(name, dataset)
    described = describe_axes(tree, dataset, choice.group)
    axes = find_axes(name, dataset.shape, described.letters, order)
    if axes.named_by is NamedBy.NOBODY:
        refuse_colour(name, dataset.shape, dataset.dtype)
    check_chunks(name, axes, dataset.chunks, dataset.dtype.itemsize)
    shape = axes.volume_shape

    def read(box: Box) -> NDArray[Any]:
        return axes.arranged(read_stored(axes.index(box)), box)

    voxel_nm, notes = voxel_size(tree, dataset, choice.group, axes, described)
    return FileVolume(
        path,
        format="NeXus" if "default" in tree.root.attrs or "NX_class" in dataset.parent.attrs else "HDF5",
        shape=shape,
        dtype=dataset.dtype,
        reader=axes.mirrored(ChunkedSlices(read, shape, dataset.dtype, axes.depth(dataset.chunks)).read),
        close=tree.close,
        voxel_nm=voxel_nm,
        origin_nm=origin_of_model(tree, dataset, axes),
        notes=(f"dataset {choice.path}", *choice.notes, *axes.notes, *notes),
        axes=axes,
        tilt_series=tilt_series_of(tree, dataset, choice.group),
        files=tree.files,
        lacks_parts=lambda: _lacks_parts(dataset),
    )


def _lacks_parts(dataset: h5py.Dataset) -> bool:
    if dataset.is_virtual:
        return False
    if dataset.chunks is None:
        # Small ones lie in the header; of others the room is made with the first value.
        compact = dataset.id.get_create_plist().get_layout() == h5py.h5d.COMPACT
        return not compact and dataset.id.get_offset() is None
    chunks = (-(-n // c) for n, c in zip(dataset.shape, dataset.chunks, strict=True))
    return bool(dataset.id.get_num_chunks() < math.prod(chunks))
