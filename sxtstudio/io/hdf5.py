"""HDF5 and NeXus files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.volume import VoxelSize
from sxtstudio.io.attributes import voxel_from_attributes
from sxtstudio.io.axes import is_volume, refuse_colour, space_axes
from sxtstudio.io.chunks import ChunkedSlices
from sxtstudio.io.filevolume import FileVolume
from sxtstudio.io.hdf5_links import Hdf5Tree
from sxtstudio.io.units import judge_voxel, nm_per_unit


def open_hdf5(path: Path, inside: str | None = None) -> FileVolume:
    """Open the tomogram in an HDF5 file.

    Parameters
    ----------
    path
        File.
    inside
        Path of the dataset. By default the NeXus attributes ``default`` and ``signal`` are followed; without
        them the file must hold exactly one 3D dataset, or no 3D dataset and one image.

    Raises
    ------
    UserError
        If there is none or more than one, or if its voxels lie outside the folder of the file.
    """
    tree = Hdf5Tree(path)
    try:
        place, dataset = _named(tree, inside) if inside is not None else _found(tree)
        return _volume(tree, path, place, dataset)
    except UserError:
        tree.close()
        raise
    except Exception as error:  # damaged files raise many kinds
        tree.close()
        raise UserError(f"{path.name} is a damaged HDF5 file ({error}). Copy it again.") from error


def _named(tree: Hdf5Tree, inside: str) -> tuple[str, h5py.Dataset]:
    try:
        item = tree.follow(tree.root["/"], inside)
    except KeyError:
        item = None
    if isinstance(item, h5py.Dataset):
        return inside, item
    if isinstance(item, h5py.Group):
        signal = _signal(tree, item)
        if signal is not None:
            return signal
    raise UserError(f"{tree.path.name} has no dataset {inside}. It holds: {_listing(_all(tree))}.")


def _found(tree: Hdf5Tree) -> tuple[str, h5py.Dataset]:
    signal = _signal(tree, tree.root["/"])
    if signal is not None:
        return signal
    everything = _all(tree)
    numeric = [(name, d) for name, d in everything if d.shape is not None and d.dtype.kind in "iufbc"]
    for choice in (
        [(name, d) for name, d in numeric if is_volume(d.shape)],
        [(name, d) for name, d in numeric if sum(n > 1 for n in d.shape) == 2],
    ):
        if len(choice) == 1:
            return choice[0]
        if choice:
            raise UserError(
                f"{tree.path.name} holds {len(choice)} datasets that could be meant: {_listing(choice)}. "
                f"Name one, for example {tree.path.name}::{choice[0][0]}"
            )
    four = [(name, d) for name, d in numeric if sum(n > 1 for n in d.shape) > 3]
    if four:
        raise UserError(
            f"{tree.path.name} holds no 3D dataset, only data with more dimensions: {_listing(four)}. "
            "Save one 3D volume of it."
        )
    empty = [(name, d) for name, d in numeric if len(d.shape) >= 3 and 0 in d.shape]
    if empty:
        raise UserError(f"{tree.path.name} holds no voxels: {_listing(empty)}. Choose another file.")
    raise UserError(f"{tree.path.name} holds no 3D dataset. It holds: {_listing(everything)}.")


def _all(tree: Hdf5Tree) -> list[tuple[str, h5py.Dataset]]:
    return list(tree.datasets())


def _listing(items: list[tuple[str, h5py.Dataset]]) -> str:
    shown = [f"{name} ({' × '.join(map(str, d.shape or ()))})" for name, d in items[:8]]
    return ", ".join(shown) + (" …" if len(items) > 8 else "") if shown else "nothing"


def _signal(tree: Hdf5Tree, group: h5py.Group) -> tuple[str, h5py.Dataset] | None:
    """Follow NeXus (manual, "plottable data"): root@default → entry@default → data@signal."""
    place = group.name.rstrip("/")
    for _ in range(8):
        signal, default = _text(group.attrs.get("signal")), _text(group.attrs.get("default"))
        name = signal or default
        if not name:
            return None
        try:
            item = tree.follow(group, name)
        except KeyError:
            return None
        place = f"{place}/{name}"
        if isinstance(item, h5py.Dataset):
            usable = item.shape is not None and item.dtype.kind in "iuf" and is_volume(item.shape)
            return (place, item) if usable else None
        group = item
    return None


def _volume(tree: Hdf5Tree, path: Path, place: str, dataset: h5py.Dataset) -> FileVolume:
    name = f"{path.name}::{place}"
    if dataset.shape is None:
        raise UserError(f"{name} is empty. Choose another dataset.")
    tree.check_storage(dataset)
    _check_filters(name, dataset)
    refuse_colour(name, dataset.shape, dataset.dtype)
    axes = space_axes(name, dataset.shape)
    shape = tuple(1 if a is None else dataset.shape[a] for a in axes)
    depth = dataset.chunks[axes[0]] if dataset.chunks and axes[0] is not None else 1

    def read(box: Box) -> NDArray[Any]:
        index: list[slice | int] = [0] * dataset.ndim
        for axis, part in zip(axes, box.slices, strict=True):
            if axis is not None:
                index[axis] = part
        voxels: NDArray[Any] = dataset[tuple(index)]
        return voxels.reshape(box.shape)

    voxel_nm, notes = _voxel_size(tree, dataset, axes, depth_matters=shape[0] > 1)
    return FileVolume(
        path,
        format="NeXus" if "default" in tree.root.attrs or "NX_class" in dataset.parent.attrs else "HDF5",
        shape=shape,
        dtype=dataset.dtype,
        reader=ChunkedSlices(read, shape, dataset.dtype, depth).read,
        close=tree.close,
        voxel_nm=voxel_nm,
        notes=(f"dataset {place}", *notes),
    )


def _check_filters(name: str, dataset: h5py.Dataset) -> None:
    """Say so at once if the voxels are compressed in a way that this installation cannot read."""
    properties = dataset.id.get_create_plist()
    for index in range(properties.get_nfilters()):
        code, _, _, label = properties.get_filter(index)
        if not h5py.h5z.filter_avail(code):
            method = label.decode(errors="replace") or f"filter {code}"
            raise UserError(
                f"{name} is compressed with {method}, which SXT Studio cannot read. "
                "Save it with gzip or uncompressed."
            )


def _voxel_size(
    tree: Hdf5Tree, dataset: h5py.Dataset, axes: list[int | None], *, depth_matters: bool
) -> tuple[VoxelSize | None, tuple[str, ...]]:
    voxel, notes = voxel_from_attributes(_places(tree, dataset), depth_matters=depth_matters)
    if voxel is None:
        by_axes = _from_nexus_axes(tree, dataset, axes, depth_matters=depth_matters)
        if by_axes is not None:
            return by_axes
    return voxel, notes


def _places(tree: Hdf5Tree, dataset: h5py.Dataset) -> Iterator[dict[str, Any]]:
    """Yield the attributes of the dataset and of the groups above it, each with small datasets in them."""
    yield dict(dataset.attrs)
    group = dataset.parent
    while True:
        found = dict(group.attrs)
        for name in group:
            if "size" in name.lower() or "spacing" in name.lower():
                try:
                    item = tree.child(group, name)
                except (KeyError, UserError):
                    continue
                if isinstance(item, h5py.Dataset) and item.shape is not None and item.size <= 5:
                    tree.check_storage(item)
                    found[name] = item[()]
                    found[f"{name}_units"] = item.attrs.get("units", item.attrs.get("unit"))
        yield found
        if group.name in ("/", None):
            return
        group = group.parent


def _from_nexus_axes(
    tree: Hdf5Tree, dataset: h5py.Dataset, axes: list[int | None], *, depth_matters: bool
) -> tuple[VoxelSize | None, tuple[str, ...]] | None:
    """Return the step of the coordinate arrays that NXdata names in ``axes``, if there are any."""
    names = dataset.parent.attrs.get("axes")
    if not isinstance(names, np.ndarray) or len(names) != dataset.ndim:
        return None
    values: list[float | None] = [None] * 3
    units: list[float | None] = [None] * 3
    for place, axis in enumerate(axes):
        if axis is None:
            continue
        try:
            item = tree.child(dataset.parent, _text(names[axis]) or ".")
        except (KeyError, UserError):
            continue
        if isinstance(item, h5py.Dataset) and item.shape == (dataset.shape[axis],) and item.shape[0] > 1:
            tree.check_storage(item)
            steps = np.diff(item[()].astype(np.float64))
            if np.allclose(steps, steps[0], rtol=1e-3):
                values[place] = float(abs(steps.mean()))
                units[place] = nm_per_unit(item.attrs.get("units"))
    if all(value is None for value in values):
        return None
    return judge_voxel(values, units, depth_matters=depth_matters)


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value) if isinstance(value, str) and value else None
