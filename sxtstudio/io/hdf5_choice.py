"""Which dataset of an HDF5 file is the tomogram: the named one, the one that NeXus marks, or the only one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import h5py
import numpy as np

from sxtstudio.core.errors import UserError
from sxtstudio.io.axes import is_volume
from sxtstudio.io.axis_names import as_text
from sxtstudio.io.hdf5_links import Hdf5Tree, attribute
from sxtstudio.io.hdf5_tilts import tilt_series_of
from sxtstudio.io.mib import MODEL_NAMES
from sxtstudio.io.several import SeveralVolumes, VolumeInside

_LONGEST_CHAIN = 8


@dataclass(frozen=True)
class DatasetChoice:
    """A dataset, the path by which it was found, and the group whose attributes describe it."""

    path: str
    dataset: h5py.Dataset
    group: h5py.Group
    notes: tuple[str, ...] = ()


def named_dataset(tree: Hdf5Tree, inside: str) -> DatasetChoice:
    """Return the dataset ``inside``, or what NeXus marks as the data of the group of that name.

    Raises
    ------
    UserError
        If there is none.
    """
    try:
        item = tree.follow(tree.root["/"], inside)
    except KeyError:
        item = None
    if isinstance(item, h5py.Dataset):
        return DatasetChoice(inside, item, item.parent)
    if isinstance(item, h5py.Group):
        signal = _default(tree, item)
        if signal is not None:
            return signal
    raise UserError(f"{tree.path.name} has no dataset {inside}. It holds: {_listing([*_datasets(tree)])}.")


def likely_dataset(tree: Hdf5Tree) -> DatasetChoice:
    """Return the dataset that NeXus marks, else the only volume, else the only image.

    Links that lead nowhere are left out with a note, unless only at their end there could be a volume.

    Raises
    ------
    UserError
        If there is none or more than one.
    """
    signal = _default(tree, tree.root["/"])
    if signal is not None:
        return signal
    model = _model(tree)
    if model is not None:
        return model
    everything = [*_datasets(tree)]
    numeric = [c for c in everything if c.dataset.shape is not None and c.dataset.dtype.kind in "iufbc"]
    volumes = [c for c in numeric if is_volume(c.dataset.shape)]
    if volumes:
        found = _one_of(tree, volumes)
        return replace(found, notes=(*found.notes, *(str(lost) for lost in tree.lost)))
    if tree.lost:
        raise tree.lost[0].error
    images = [c for c in numeric if sum(n > 1 for n in c.dataset.shape) == 2]
    if len(images) == 1:
        return images[0]
    raise _ambiguous(tree, images) if images else _nothing(tree, everything, numeric)


def _model(tree: Hdf5Tree) -> DatasetChoice | None:
    """Return the labels that a model of Microscopy Image Browser names."""
    for name in MODEL_NAMES:
        if not isinstance(tree.root.get(name, getlink=True), h5py.HardLink):
            continue
        letters = tree.root[name]
        if isinstance(letters, h5py.Dataset) and letters.dtype == np.uint16 and 0 < letters.size < 100:
            called = tree.values(letters).ravel().tobytes().decode("utf-16-le", "ignore")
            if isinstance(tree.root.get(called, getlink=True), h5py.HardLink):
                labels = tree.root[called]
                if isinstance(labels, h5py.Dataset) and labels.dtype.kind in "iuf":
                    return DatasetChoice(f"/{called}", labels, tree.root["/"])
    return None


def _one_of(tree: Hdf5Tree, volumes: Sequence[DatasetChoice]) -> DatasetChoice:
    """Choose what NeXus marks, what is whole, and a tomogram rather than its projections."""
    marked = [m for m in _marked(tree) if m.dataset in [c.dataset for c in volumes]]
    if len(marked) == 1:
        return marked[0]
    if len(volumes) == 1:
        return volumes[0]
    whole = [c for c in volumes if _is_whole(tree, c)]
    tilts = [c for c in whole if tilt_series_of(tree, c.dataset, c.group)]
    others = [c for c in whole if c not in tilts]
    if len(others) != 1 and not (len(whole) == 1 or (len(tilts) == 1 and not others)):
        raise _ambiguous(tree, volumes)
    found = (others or tilts)[0]
    left_out = [
        f"{c.path} is left out: {'it holds projections' if c in tilts else 'parts of it are missing'}"
        for c in volumes
        if c is not found
    ]
    return replace(found, notes=tuple(left_out))


def _is_whole(tree: Hdf5Tree, choice: DatasetChoice) -> bool:
    try:
        tree.check_storage(choice.dataset)
    except UserError:
        return False
    return True


def _datasets(tree: Hdf5Tree) -> Iterator[DatasetChoice]:
    for path, item in tree.objects():
        if isinstance(item, h5py.Dataset):
            yield DatasetChoice(path, item, item.parent)


# -- NeXus (manual, "Find the plottable data") ---------------------------------------------------------


def _default(tree: Hdf5Tree, group: h5py.Group) -> DatasetChoice | None:
    """Follow root@default → entry@default → data@signal."""
    place = group.name.rstrip("/")
    for _ in range(_LONGEST_CHAIN):
        name = _signal_name(group) or as_text(attribute(group, "default"))
        if not name:
            return None
        try:
            item = tree.follow(group, name)
        except KeyError:
            return None
        place = _joined(place, name)
        if isinstance(item, h5py.Dataset):
            return DatasetChoice(place, item, group) if _can_be_shown(item) else None
        group = item
    return None


def _marked(tree: Hdf5Tree) -> Iterator[DatasetChoice]:
    """Yield the datasets that a group calls its signal, in files that name no default."""
    for path, item in tree.objects():
        name = _signal_name(item) if isinstance(item, h5py.Group) else None
        if name is None:
            continue
        try:
            signal = tree.follow(item, name)
        except (KeyError, UserError):
            continue
        if isinstance(signal, h5py.Dataset) and _can_be_shown(signal):
            yield DatasetChoice(_joined(path, name), signal, item)


def _joined(place: str, name: str) -> str:
    """Return the path of a member that a group names, relative or from the root."""
    return name if name.startswith("/") else f"{place}/{name.strip('/')}"


def _signal_name(group: h5py.Group) -> str | None:
    """Return what the group names as its signal, or, as before 2014, the member that says signal=1."""
    name = as_text(attribute(group, "signal"))
    if name or as_text(attribute(group, "NX_class")) != "NXdata":
        return name
    for member in group:
        if isinstance(group.get(member, getlink=True), h5py.HardLink):
            mark = attribute(group[member], "signal")
            if mark is not None and (as_text(mark) or str(np.ravel(mark)[0])) == "1":
                return str(member)
    return None


def _can_be_shown(dataset: h5py.Dataset) -> bool:
    return dataset.shape is not None and dataset.dtype.kind in "iuf" and is_volume(dataset.shape)


# -- what to say where there is no choice --------------------------------------------------------------


def _ambiguous(tree: Hdf5Tree, choice: Sequence[DatasetChoice]) -> SeveralVolumes:
    reasons = [tilt_series_of(tree, c.dataset, c.group) for c in choice]
    known = next((reason for reason in reasons if reason), "")
    tilts = f" It is a tilt series, no tomogram: {known}." if all(reasons) else ""
    found = [
        VolumeInside(
            c.path,
            tuple(c.dataset.shape),
            c.dataset.dtype.kind,
            8 * c.dataset.dtype.itemsize,
            "projections" if reason else "" if _is_whole(tree, c) else "incomplete",
        )
        for c, reason in zip(choice, reasons, strict=True)
    ]
    return SeveralVolumes(tilts, tree.path, found, "datasets")


def _nothing(
    tree: Hdf5Tree, everything: Sequence[DatasetChoice], numeric: Sequence[DatasetChoice]
) -> UserError:
    name = tree.path.name
    four = [c for c in numeric if sum(n > 1 for n in c.dataset.shape) > 3]
    if four:
        return UserError(
            f"{name} holds no 3D dataset, only data with more dimensions: {_listing(four)}. "
            "Save one 3D volume of it."
        )
    empty = [c for c in numeric if len(c.dataset.shape) >= 3 and 0 in c.dataset.shape]
    if empty:
        return UserError(f"{name} holds no voxels: {_listing(empty)}. Choose another file.")
    return UserError(f"{name} holds no 3D dataset. It holds: {_listing(everything)}.")


def _listing(items: Sequence[DatasetChoice]) -> str:
    shown = [f"{c.path} ({' × '.join(map(str, c.dataset.shape or ()))})" for c in items[:8]]
    return ", ".join(shown) + (" …" if len(items) > 8 else "") if shown else "nothing"
