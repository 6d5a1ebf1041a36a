"""What an HDF5 file says of the axes of a dataset: their names, and how long a voxel is along each.

Sources, the surest first: ilastik's ``axistags``, labels and scales of dimensions (HDF5, netCDF), NeXus's
``axes`` in its forms of today and of before 2014, attributes with the names, and MATLAB's order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

from sxtstudio.core.errors import UserError
from sxtstudio.core.volume import VoxelSize
from sxtstudio.io.attributes import voxel_from_attributes
from sxtstudio.io.axes import MATLAB_AXES, NamedBy, Names, StoredAxes
from sxtstudio.io.axis_names import as_names, as_text, letters_of, names_in, resolutions
from sxtstudio.io.hdf5_links import Hdf5Tree, attribute, attributes
from sxtstudio.io.mib import BOXES, place_of_model
from sxtstudio.io.units import judge_voxel, nm_per_unit

Coordinates = Sequence[h5py.Dataset | None]


@dataclass(frozen=True)
class Described:
    """Kinds of the stored axes, one letter each where they are known, and their coordinates."""

    letters: Names | None
    coordinates: Coordinates


def describe_axes(tree: Hdf5Tree, dataset: h5py.Dataset, group: h5py.Group) -> Described:
    """Return what the file says of the axes of ``dataset``, which ``group`` (NXdata) may describe."""
    dimensions = dataset.ndim
    names = _nexus_names(tree, dataset, group)
    coordinates = _coordinates(tree, dataset, group, names) if names else [None] * dimensions
    scales = _scales(tree, dataset)
    coordinates = [a if a is not None else b for a, b in zip(coordinates, scales, strict=True)]
    letters: Names | None = names_in({"axistags": attribute(dataset, "axistags")}, dimensions)
    letters = letters or letters_of(label or "." for label in _labels(dataset, scales))
    letters = letters or (letters_of(names) if names else None) or names_in(attributes(dataset), dimensions)
    if letters is None and "MATLAB_class" in dataset.attrs:
        letters = MATLAB_AXES.get(dimensions)
    return Described(letters, coordinates)


def voxel_size(
    tree: Hdf5Tree, dataset: h5py.Dataset, group: h5py.Group, axes: StoredAxes, described: Described
) -> tuple[VoxelSize | None, tuple[str, ...]]:
    """Return the voxel size (nm; z, y, x), or None and a note: from attributes, tags or coordinates."""
    deep = axes.volume_shape[0] > 1
    ranks = None if axes.named_by is NamedBy.NOBODY else axes
    voxel, notes = voxel_from_attributes(_places(tree, dataset, group), depth_matters=deep, axes=ranks)
    if voxel is None and "MATLAB_class" in dataset.attrs:
        voxel, notes = _from_mib(tree, dataset, axes) or (None, notes)
    for values, units in (_from_tags(dataset, axes), _from_coordinates(tree, axes, described.coordinates)):
        if voxel is None and any(value is not None for value in values):
            voxel, notes = judge_voxel(values, units, depth_matters=deep)
    return voxel, notes


def origin_of_model(tree: Hdf5Tree, dataset: h5py.Dataset, axes: StoredAxes) -> VoxelSize | None:
    """Return where the first voxel of a model of Microscopy Image Browser lies (nm; z, y, x)."""
    box = _box_of_mib(tree, dataset) if "MATLAB_class" in dataset.attrs else None
    return None if box is None else place_of_model(box, axes)[2]


def _nexus_names(tree: Hdf5Tree, dataset: h5py.Dataset, group: h5py.Group) -> list[str] | None:
    """Return the names of the axes by NXdata: a list, or in one text, or by numbers at the axes."""
    for place in (group, dataset.parent, dataset):
        names = as_names(attribute(place, "axes"), dataset.ndim)
        if names is not None:
            return names
    numbered = ["."] * dataset.ndim
    for name, member in _small_members(tree, group):
        number = attribute(member, "axis")
        indices = attribute(group, f"{name}_indices")
        place = indices if indices is not None else _minus_one(number)
        if place is not None and np.size(place) == 1 and 0 <= int(np.ravel(place)[0]) < dataset.ndim:
            numbered[int(np.ravel(place)[0])] = name
    return numbered if any(name != "." for name in numbered) else None


def _small_members(tree: Hdf5Tree, group: h5py.Group) -> Iterator[tuple[str, h5py.Dataset]]:
    """Yield the 1D datasets that may be coordinates."""
    for name in group:
        try:
            member = tree.child(group, name)
        except (KeyError, UserError):
            continue
        if isinstance(member, h5py.Dataset) and member.shape is not None and member.ndim == 1:
            yield str(name), member


def _minus_one(number: Any) -> int | None:
    try:
        return int(as_text(number) or np.ravel(number)[0]) - 1
    except (TypeError, ValueError, IndexError):
        return None


def _coordinates(
    tree: Hdf5Tree, dataset: h5py.Dataset, group: h5py.Group, names: Sequence[str]
) -> Coordinates:
    found: list[h5py.Dataset | None] = []
    for axis, name in enumerate(names):
        item = None
        for place in (group, dataset.parent):
            try:
                item = item or (None if name == "." else tree.child(place, name))
            except (KeyError, UserError, ValueError):
                continue
        fits = isinstance(item, h5py.Dataset) and item.shape == (dataset.shape[axis],)
        found.append(item if fits else None)
    return found


def _scales(tree: Hdf5Tree, dataset: h5py.Dataset) -> Coordinates:
    """Return the scale that hangs on each dimension, where there is one of its length."""
    found: list[h5py.Dataset | None] = []
    for axis in range(dataset.ndim):
        scales = [scale for scale in dataset.dims[axis].values() if scale.shape == (dataset.shape[axis],)]
        found.append(scales[0] if scales else None)
    return found


def _labels(dataset: h5py.Dataset, scales: Coordinates) -> Iterator[str]:
    for axis, scale in enumerate(scales):
        yield dataset.dims[axis].label or ("" if scale is None else str(scale.name).rpartition("/")[2])


def _places(tree: Hdf5Tree, dataset: h5py.Dataset, described_by: h5py.Group) -> Iterator[dict[str, Any]]:
    """Yield the attributes of the dataset and of the groups above it, each with small datasets in them."""
    yield attributes(dataset)
    if described_by != dataset.parent:
        yield attributes(described_by)
    group = dataset.parent
    while True:
        found = attributes(group)
        for name in group:
            if "size" in name.lower() or "spacing" in name.lower():
                try:
                    item = tree.child(group, name)
                except (KeyError, UserError):
                    continue
                if isinstance(item, h5py.Dataset) and item.shape is not None and item.size <= 5:
                    found[name] = tree.values(item)
                    found[f"{name}_units"] = attribute(item, "units" if "units" in item.attrs else "unit")
        yield found
        if group.name in ("/", None):
            return
        group = group.parent


def _from_mib(
    tree: Hdf5Tree, dataset: h5py.Dataset, axes: StoredAxes
) -> tuple[VoxelSize | None, tuple[str, ...]] | None:
    """Return the voxel size by the box in a .model of Microscopy Image Browser."""
    box = _box_of_mib(tree, dataset)
    found = None if box is None else place_of_model(box, axes)
    return None if found is None or found[2] is None else found[:2]


def _box_of_mib(tree: Hdf5Tree, dataset: h5py.Dataset) -> list[float] | None:
    for name in BOXES:
        try:
            item = tree.child(dataset.parent, name)
        except (KeyError, UserError):
            continue
        if isinstance(item, h5py.Dataset) and item.size == 6 and item.dtype.kind == "f":
            values: list[float] = tree.values(item).ravel().tolist()
            return values
    return None


def _from_tags(dataset: h5py.Dataset, axes: StoredAxes) -> tuple[list[float | None], list[float | None]]:
    """Return size and unit by ilastik's tags; 0 says that it knows none."""
    found = resolutions(attributes(dataset), dataset.ndim)
    if not found:
        return [None] * 3, [None] * 3
    return axes.pick([size or None for size, _ in found]), axes.pick([nm_per_unit(unit) for _, unit in found])


def _from_coordinates(
    tree: Hdf5Tree, axes: StoredAxes, coordinates: Coordinates
) -> tuple[list[float | None], list[float | None]]:
    """Return step and unit of evenly spaced coordinates."""
    values: list[float | None] = [None] * len(coordinates)
    units: list[float | None] = [None] * len(coordinates)
    for axis, item in enumerate(coordinates):
        if item is None or item.shape[0] < 2 or item.dtype.kind not in "iuf":
            continue
        steps = np.diff(tree.values(item).astype(np.float64))
        if np.allclose(steps, steps[0], rtol=1e-3):
            values[axis] = float(abs(steps.mean()))
            units[axis] = nm_per_unit(as_text(attribute(item, "units")))
    return axes.pick(values), axes.pick(units)
