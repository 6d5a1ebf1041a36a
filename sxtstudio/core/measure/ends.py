"""How objects end along the beam: by themselves, or as if they were cut."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.measure.subject import Subject

#: An end whose slice is smaller than this share of the largest one closes by itself.
CUT_SHARE = 0.5
#: So many slices lie beyond the end of a whole body at most: one, and what its largest slice is unsure by.
CUT_SLICES = 1.2


def end_shares(subject: Subject) -> NDArray[np.float64]:
    """Return the area of the first and of the last slice of each object in those of its largest: (n, 2)."""
    found = subject.inventory
    area = found.planes.area
    if not len(found.numbers):
        return np.empty((0, 2))
    last = np.cumsum(found.slices) - 1
    ends = np.stack([area[last - found.slices + 1], area[last]], axis=1)
    return np.asarray(ends / _largest(subject)[:, None])


def missing_slices(subject: Subject) -> NDArray[np.float64]:
    """Return how far below its first and above its last slice each object would close if it is round: (n, 2).

    In slices. A round tube that lies in the slices closes the most abruptly: its width is 2√(R² − h²) at the
    height h above its middle. A slice of the share s of the widest one lies h = √(1 − s²) R above it,
    and (1 − √(1 − s²)) R below its top. R follows from h, and is half the width of the object at most:
    what stands upright closes no farther away than it is wide. Coarse slices of a whole tube, which leave
    up to one slice open, are told from a cut by that.
    """
    found = subject.inventory
    if not len(found.numbers):
        return np.empty((0, 2))
    rest = np.sqrt(np.maximum(0.0, 1 - end_shares(subject) ** 2))
    largest, row = _largest(subject), found.row_of_plane
    at = np.flatnonzero(found.planes.area == largest[row])  # of one object several may be the largest
    low, high = found.last[:, 0].copy(), found.first[:, 0].copy()
    np.minimum.at(low, row[at], found.planes.z[at])
    np.maximum.at(high, row[at], found.planes.z[at])
    height = np.stack([low - found.first[:, 0], found.last[:, 0] - high], axis=1)
    z, y, x = subject.voxel
    wide = np.sqrt(largest * (y * x) / np.pi) / z
    radius = np.minimum(height / np.maximum(rest, 1e-9), wide[:, None])
    return np.asarray(np.where(height > 0, radius, wide[:, None]) * (1 - rest))


def cut_ends(subject: Subject) -> NDArray[np.bool_]:
    """Return whether the first and the last slice of each object look cut, but not by a face: (n, 2)."""
    found = subject.inventory
    inner = np.stack([found.first[:, 0] > 0, found.last[:, 0] < subject.shape[0] - 1], axis=1)
    flat = (end_shares(subject) >= CUT_SHARE) & (missing_slices(subject) > CUT_SLICES)
    return np.asarray(flat & inner)


def _largest(subject: Subject) -> NDArray[np.int64]:
    found = subject.inventory
    largest = np.zeros(len(found.numbers), np.int64)
    np.maximum.at(largest, found.row_of_plane, found.planes.area)
    return largest
