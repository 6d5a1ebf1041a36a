"""A volume in a file of MATLAB, version 5, such as a model or a mask of Microscopy Image Browser."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.errors import UserError
from sxtstudio.core.volume import VoxelSize
from sxtstudio.io import mat5
from sxtstudio.io.axes import MATLAB_AXES, StoredAxes, is_volume
from sxtstudio.io.filevolume import FileVolume
from sxtstudio.io.mib import BOXES, MODEL_NAMES, place_of_model
from sxtstudio.io.several import SeveralVolumes, VolumeInside
from sxtstudio.io.stored import axes_of_format, check_stored, stored_volume
from sxtstudio.io.units import judge_voxel


def open_mat5(path: Path, inside: str | None = None, order: AxisOrder | None = None) -> FileVolume:
    """Open the volume of a file: MATLAB's (rows, columns, slices) as (z, y, x).

    Parameters
    ----------
    path
        File.
    inside
        Name of the variable; by default the one that MIB names, or the only volume, or the only image.
    order
        How the user names the axes as they are stored: MATLAB's last axis first.

    Raises
    ------
    UserError
        If there is none or more than one, or it is damaged.
    """
    found = mat5.variables(path)
    chosen = _named(path, found, inside) if inside is not None else _likely(path, found)
    name = f"{path.name}::/{chosen.name}"
    stored = chosen.size[::-1]
    axes = axes_of_format(name, stored, order, MATLAB_AXES.get(len(stored)))
    voxel_nm, notes, origin_nm = _place(path, found, axes)
    source = chosen.source(path)
    try:
        assert chosen.stored is not None
        check_stored(path, source, chosen.first, stored, chosen.stored)
    except BaseException:
        source.close()
        raise
    return stored_volume(
        path,
        source,
        format="MATLAB 5",
        start=chosen.first,
        dtype=chosen.stored,
        axes=axes,
        voxel_nm=voxel_nm,
        origin_nm=origin_nm,
        notes=(f"variable {chosen.name}", *notes),
    )


def _named(path: Path, found: dict[str, mat5.Variable], inside: str) -> mat5.Variable:
    variable = found.get(inside.strip("/"))
    if variable is None or variable.stored is None:
        raise UserError(f"{path.name} has no volume {inside}. It holds: {', '.join(found) or 'nothing'}.")
    return variable


def _likely(path: Path, found: dict[str, mat5.Variable]) -> mat5.Variable:
    for name in MODEL_NAMES:
        if name in found:
            model = found.get(str(mat5.value_of(path, found[name])))
            if model is not None and model.stored is not None:
                return model
    numeric = [one for one in found.values() if one.stored is not None]
    volumes = [one for one in numeric if is_volume(one.size)] or [
        one for one in numeric if sum(n > 1 for n in one.size) == 2
    ]
    if len(volumes) == 1:
        return volumes[0]
    if volumes:
        inside = [
            VolumeInside(f"/{one.name}", one.size[::-1], one.stored.kind, 8 * one.stored.itemsize)
            for one in volumes
            if one.stored is not None
        ]
        raise SeveralVolumes("", path, inside, "variables")
    raise UserError(f"{path.name} holds no volume. It holds: {', '.join(found) or 'nothing'}.")


def _place(
    path: Path, found: dict[str, mat5.Variable], axes: StoredAxes
) -> tuple[VoxelSize | None, tuple[str, ...], VoxelSize | None]:
    """Return voxel size, notes and origin (nm; z, y, x) by the box of a model of MIB."""
    for name in BOXES:
        variable = found.get(name)
        if variable is None or math.prod(variable.size) != 6:
            continue
        value = mat5.value_of(path, variable)
        if isinstance(value, np.ndarray):
            found_place = place_of_model(value.ravel().astype(float).tolist(), axes)
            if found_place[2] is not None:
                return found_place
    return None, judge_voxel((None, None, None), None)[1], None
