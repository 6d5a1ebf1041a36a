"""What was drawn on some slices is continued on the slices between them."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.labels import LABEL
from sxtstudio.core.patches import bounding_box
from sxtstudio.core.planes import as_planes, in_volume
from sxtstudio.core.progress import Progress
from sxtstudio.core.shapes_between import Between, shape_near, shapes_of

Labels = NDArray[np.uint8]


def interpolate_slices(
    labels: Labels,
    axis: int,
    first: int,
    last: int,
    *,
    at: tuple[int, int] | None = None,
    recorder: Recorder | None = None,
    progress: Progress | None = None,
) -> Box | None:
    """Fill in the slices between two labelled ones; labels that are there already stay.

    Parameters
    ----------
    labels
        uint8 (z, y, x), changed in place.
    axis
        The slices are perpendicular to this axis.
    first, last
        The two labelled slices; those between them are filled in.
    at
        Row and column: only the shapes at (or nearest to) this place of both slices are continued, whatever
        lies between them. None: everything on them is, and labelled slices between them are kept as they
        are and serve as further ends.
    recorder
        Remembers what was there, for undo; it must write into ``labels``.
    progress
        Counts the slices.

    Returns
    -------
    Box or None
        What changed.

    Raises
    ------
    UserError
        If there is nothing between the slices, or no label on one of them.
    """
    writer = recorder or Recorder(EditKind.INTERPOLATE, labels)
    planes = as_planes(labels, axis)
    first, last = min(first, last), max(first, last)
    keys = _ends(planes, first, last, only_these=at is not None)
    progress = progress or Progress()
    progress.begin(last - first - 1, "between the slices")
    changed: list[Box | None] = []
    for low, high in itertools.pairwise(keys):
        if high - low > 1:
            if at is None:
                pairs = shapes_of(planes[low], planes[high])
            else:
                pairs = [(shape_near(planes[low], low, at), shape_near(planes[high], high, at))]
            between = [Between(a, b) for a, b in pairs]
            for number in range(low + 1, high):
                for shapes in between:
                    progress.check()
                    found = shapes.at((number - low) / (high - low), planes.shape[1:])
                    if found is not None:
                        corner, area = found
                        box, where = in_volume(axis, (number, *corner), area[None])
                        changed.append(writer.paint(box, where, LABEL))
                progress.step()
        if high < last:
            progress.step()
    return bounding_box(box for box in changed if box is not None)


def _ends(planes: Labels, first: int, last: int, *, only_these: bool) -> list[int]:
    """Return the labelled slices between which shapes are continued; errors count slices from 1."""
    if not 0 <= first < last < len(planes):
        raise UserError(f"Choose two different slices between 1 and {len(planes)}.")
    if last - first < 2:
        raise UserError(
            f"There is no slice between {first + 1} and {last + 1}. Choose slices that are farther apart."
        )
    for number in (first, last):
        if not planes[number].any():
            raise UserError(
                f"Slice {number + 1} is empty. Draw on both slices, then interpolate between them."
            )
    if only_these:
        return [first, last]
    keys = [number for number in range(first, last + 1) if planes[number].any()]
    if len(keys) == last - first + 1:
        raise UserError(
            f"All slices between {first + 1} and {last + 1} have labels already. "
            "To continue one shape through them, put the crosshair on it and interpolate only that shape."
        )
    return keys


def nearest_gap(
    labels: Labels, axis: int, around: int, *, reach: int = 100, progress: Progress | None = None
) -> tuple[int, int] | None:
    """Return the labelled slices before and after the nearest empty ones.

    Parameters
    ----------
    labels
        uint8 (z, y, x).
    axis
        The slices are perpendicular to this axis.
    around, reach
        The slice from which to look, and how far.
    progress
        Asked at each slice whether to stop.

    Returns
    -------
    (first, last) or None
        None if within reach no empty slices lie between two labelled ones.
    """
    planes = as_planes(labels, axis)
    low, high = max(0, around - reach), min(len(planes), around + reach + 1)
    labelled = []
    for number in range(low, high):
        if progress is not None:
            progress.check()
        if planes[number].any():
            labelled.append(number)
    gaps = [(a, b) for a, b in itertools.pairwise(labelled) if b - a > 1]
    return min(gaps, key=lambda gap: max(0, gap[0] - around, around - gap[1]), default=None)
