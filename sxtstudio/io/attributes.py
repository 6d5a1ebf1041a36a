"""Voxel sizes in free-form attributes of HDF5 files and Zarr arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from sxtstudio.core.volume import SizeUnknown, VoxelSize
from sxtstudio.io.axes import StoredAxes
from sxtstudio.io.units import judge_voxel, nm_per_unit

_NAMES = ("voxel_size", "voxelsize", "element_size", "pixel_size", "pixelsize", "spacing")
_SUFFIXES = {"_nm": "nm", "_um": "um", "_mm": "mm", "_m": "m", "_angstrom": "angstrom"}
_UNIT_KEYS = ("{}_units", "{}_unit", "units", "unit")
_NOTHING = (SizeUnknown("the file does not give it"),)

Attributes = Mapping[str, Any]


def voxel_from_attributes(
    places: Iterable[Attributes], *, depth_matters: bool, axes: StoredAxes | None = None
) -> tuple[VoxelSize | None, tuple[str, ...]]:
    """Look for a voxel size in several sets of attributes, the nearest to the data first.

    Accepted are ``voxel_size``, ``element_size``, ``pixel_size``, ``spacing`` … as one number or as
    (z, y, x), with the unit in the name (``element_size_um``) or in an attribute beside it
    (``voxel_size_units``, ``units``); also ``x_pixel_size`` and so on for each axis. A number without a
    unit is not taken for a length.

    Parameters
    ----------
    places
        The attributes.
    depth_matters
        As in ``judge_voxel``.
    axes
        Where the axes have names: several numbers are then in the order of the stored axes.

    Returns
    -------
    voxel_nm, notes
        As in ``judge_voxel``.
    """
    first_notes: tuple[str, ...] | None = None
    for attributes in places:
        # Case and blanks differ between programs: "Voxel size", "PixelSize" …
        tidy = {str(key).strip().lower().replace(" ", "_"): value for key, value in attributes.items()}
        for values, unit in _candidates(tidy, axes):
            voxel, notes = judge_voxel(values, unit, depth_matters=depth_matters)
            if voxel is not None:
                return voxel, notes
            first_notes = first_notes or notes
    return None, first_notes or _NOTHING


def _candidates(
    tidy: Attributes, axes: StoredAxes | None
) -> Iterable[tuple[list[float | None], float | None]]:
    for name in _NAMES:
        for suffix, unit in _SUFFIXES.items():
            if name + suffix in tidy:
                yield _three(tidy[name + suffix], axes), nm_per_unit(unit)
        if name in tidy:
            yield _three(tidy[name], axes), _unit(tidy, name)
        each = [next((tidy[k] for k in (f"{a}_{name}", f"{name}_{a}") if k in tidy), None) for a in "zyx"]
        if any(value is not None for value in each):
            along_x = f"x_{name}" if f"x_{name}" in tidy else f"{name}_x"
            yield [None if v is None else _three(v)[0] for v in each], _unit(tidy, along_x, name)


def _three(value: object, axes: StoredAxes | None = None) -> list[float | None]:
    """Return one number three times, or three numbers as (z, y, x)."""
    try:
        numbers = np.atleast_1d(np.asarray(value, dtype=np.float64)).ravel()
    except (TypeError, ValueError):
        return [None] * 3
    if numbers.size == 1:
        return [float(numbers[0])] * 3
    if axes is not None and numbers.size in (len(axes.shape), len(axes.used)):
        return axes.pick([float(n) for n in numbers])
    if numbers.size > 3 and (numbers[:-3] == 1).all():
        numbers = numbers[-3:]  # t and c in front, as in the element_size of 5D data
    return [float(n) for n in numbers] if numbers.size == 3 else [None] * 3


def _unit(tidy: Attributes, *names: str) -> float | None:
    for name in names:
        for key in _UNIT_KEYS:
            unit = tidy.get(key.format(name))
            if isinstance(unit, np.ndarray | list | tuple) and len(unit):
                unit = unit[-1]
            nm = nm_per_unit(unit)
            if nm is not None:
                return nm
    return None
