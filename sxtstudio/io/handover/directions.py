"""Where the axes of an image point, as medical formats say it, and what of that SXT Studio keeps.

NRRD and NIfTI give each stored axis a direction in space, and the centre of the first voxel a position there.
SXT Studio has axes of its own only: voxels are kept as they are stored, their size is the length of the
directions, and the origin is the position along them. A volume that is written, and read again, so stays::

    space (LPS)  y ▲   / axis 1      origin along axis i = direction i · position of the first voxel
                   │  / ╲ axis 0
                   │ •
                   └────▶ x
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ALMOST = 1e-3


def lengths_and_origin(
    directions: NDArray[np.float64], position: NDArray[np.float64] | None
) -> tuple[list[float], list[float] | None, tuple[str, ...]]:
    """Return what is kept of directions and position.

    Parameters
    ----------
    directions
        (space, axes), a column for each stored axis of space, as long as a voxel.
    position
        (space,), of the centre of the first voxel; None where the file does not say.

    Returns
    -------
    lengths, origin
        Along each axis, in the units of the file.
    notes
        That the image is turned against the axes of space, if it is.
    """
    lengths = np.linalg.norm(directions, axis=0)
    if not np.isfinite(lengths).all() or (lengths <= 0).any():
        return [float(length) for length in lengths], None, ()
    unit = directions / lengths
    origin = None
    if position is not None and np.isfinite(position).all():
        origin = [float(value) + 0.0 for value in unit.T @ position]
    straight = np.abs(unit).max(axis=0) > 1 - _ALMOST
    along = np.abs(unit).argmax(axis=0).tolist()
    notes: tuple[str, ...] = ()
    if not straight.all():
        notes = ("the file turns its axes against those of space; its voxels are kept as they are stored",)
    elif along != sorted(along) or np.linalg.det(unit if unit.shape[0] == unit.shape[1] else np.eye(2)) < 0:
        notes = ("the file exchanges or mirrors axes; its voxels are kept as they are stored",)
    return [float(length) for length in lengths], origin, notes
