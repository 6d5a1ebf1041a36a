"""Is a dataset a tilt series? NeXus (NXtomo), ALBA's TomoNormalized, Data Exchange and likewise say so."""

from __future__ import annotations

from collections.abc import Iterator

import h5py
import numpy as np

from sxtstudio.core.errors import UserError
from sxtstudio.io.axis_names import as_text, letter_of
from sxtstudio.io.hdf5_axes import describe_axes
from sxtstudio.io.hdf5_links import Hdf5Tree

_CALLED_SO = ("TomoNormalized", "tilt_series", "tiltseries", "projections")
# Beside its projections, such a file may keep what was reconstructed from them.
_RECONSTRUCTED = ("recon", "tomogram", "process", "result", "volume")
_FEWEST_ANGLES = 3


def tilt_series_of(tree: Hdf5Tree, dataset: h5py.Dataset, group: h5py.Group) -> str:
    """Return why ``dataset`` is held for projections rather than slices, or nothing.

    It is, if its first long axis is one of angles, if as many angles as it has images lie in its groups or in
    "sample" beside them, or if a group above it is an NXtomo or one of ALBA's normalised series.
    """
    if dataset.shape is None or dataset.ndim < 3:
        return ""
    images = next((axis for axis, n in enumerate(dataset.shape) if n > 1), 0)
    letters = describe_axes(tree, dataset, group).letters
    if letters and letters[images] == "a":
        return "the file calls its slices angles"
    for place in _groups(group, dataset.parent):
        angles = _angles(tree, place, dataset.shape[images])
        if angles is not None:
            return angles
    words = str(dataset.name).lower()
    for place in _groups(dataset.parent):
        if _definition(tree, place) == "NXtomo" and not any(word in words for word in _RECONSTRUCTED):
            return f"{place.name} is an NXtomo, the projections of a tomogram"
    called = next((name for name in _CALLED_SO if name.lower() in words.split("/")), None)
    return "" if called is None else f"it is called {called}"


def _groups(*inner: h5py.Group) -> Iterator[h5py.Group]:
    """Yield groups and those above them."""
    for group in inner:
        while True:
            yield group
            if group.name in ("/", None):
                break
            group = group.parent


def _angles(tree: Hdf5Tree, group: h5py.Group, images: int) -> str | None:
    places = [group]
    try:
        sample = tree.child(group, "sample")
        places += [sample] if isinstance(sample, h5py.Group) else []
    except (KeyError, UserError):
        pass
    for place in places:
        for name in place:
            if letter_of(name) != "a":
                continue
            try:
                item = tree.child(place, name)
            except (KeyError, UserError):
                continue
            if not isinstance(item, h5py.Dataset) or item.shape is None or item.dtype.kind not in "iuf":
                continue
            if item.size == images == max(item.shape, default=0):
                values = tree.values(item).astype(np.float64)
                if images >= _FEWEST_ANGLES and np.ptp(values) > 0:
                    return f"{name} gives an angle for each of its {images} images"
    return None


def _definition(tree: Hdf5Tree, group: h5py.Group) -> str | None:
    try:
        item = tree.child(group, "definition")
    except (KeyError, UserError):
        return None
    if not isinstance(item, h5py.Dataset) or item.shape is None or item.size != 1:
        return None
    try:
        value = tree.values(item)
    except UserError:
        return None
    return as_text(value if isinstance(value, bytes | str | np.ndarray) else None)
