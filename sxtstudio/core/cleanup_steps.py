"""The steps of the clean-up that look at few slices at a time; all work in place.

Each walks through the volume once per pass and holds copies of the slices that it still needs and
has overwritten, so that memory does not grow with the number of slices.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.geometry import Triple
from sxtstudio.core.labels import in_mask
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume
from sxtstudio.core.walk import walk

Labels = NDArray[np.uint8]
Plane = NDArray[np.bool_]


def smooth_along_z(labels: Labels, reach: int, value: int, progress: Progress) -> None:
    """Let the majority of the slices z-reach…z+reach decide on each voxel.

    For two classes this is the median. Near the first and last slice only the slices that exist
    vote; a tie leaves the voxel as it is. Added voxels get ``value``.
    """
    depth, height, width = labels.shape
    votes = np.zeros(labels.shape[1:], np.uint16)
    window: deque[Plane] = deque()  # the planes z-reach … z+reach as they were
    for plane in labels[:reach]:
        window.append(plane != 0)
        votes += window[-1]
    shape = (depth, height, width)
    for box in walk(shape, labels, progress=progress, stage="smoothing along z", slices=1):
        z = box.start[0]
        if z + reach < depth:
            window.append(labels[z + reach] != 0)
            votes += window[-1]
        voters = min(z + reach, depth - 1) - max(z - reach, 0) + 1
        own = labels[z]
        added = (2 * votes > voters) & (own == 0)
        own *= 2 * votes >= voters
        own[added] = value
        if z - reach >= 0:
            votes -= window.popleft()


def apply_mask(labels: Labels, mask: Volume, progress: Progress) -> None:
    """Set labels to zero where the mask is zero or no number."""
    z, y, x = labels.shape
    for box in walk((z, y, x), labels, progress=progress, stage="cell mask"):
        part = labels[box.slices]
        part *= in_mask(mask.read(box))


def erode(labels: Labels, iterations: int, three_d: bool, progress: Progress) -> None:
    """Remove, ``iterations`` times, the label voxels that have background at one of their faces.

    The neighbours are the four in the slice, and in 3D also those in the slices above and below:
    scipy.ndimage.binary_erosion with its default structure and ``border_value=1``, i.e. voxels
    outside the volume count as label, so that membranes cut by the border are not eaten from there.
    """
    _peel(labels, iterations, three_d, None, progress, "erosion")


def dilate(labels: Labels, iterations: int, three_d: bool, value: int, progress: Progress) -> None:
    """Give ``value``, ``iterations`` times, to background that has a label voxel at one of its faces.

    scipy.ndimage.binary_dilation with its default structure, or with that in each slice: the
    background is eroded, and voxels outside the volume add nothing.
    """
    _peel(labels, iterations, three_d, value, progress, "dilation")


def close_gaps(labels: Labels, iterations: int, three_d: bool, value: int, progress: Progress) -> None:
    """Close gaps of up to twice ``iterations`` voxels: dilation, then as much erosion.

    scipy.ndimage.binary_closing, except that the border of the volume does not erode: every label
    voxel stays. Added voxels get ``value``.
    """
    _peel(labels, iterations, three_d, value, progress.part(0.5, "closing"), "closing")
    _peel(labels, iterations, three_d, None, progress.part(0.5, "closing"), "closing")


def fill_holes(labels: Labels, most_pixels: int, value: int, progress: Progress) -> None:
    """Give ``value`` to holes of at most ``most_pixels`` pixels within each slice.

    A hole is background that is connected (by edges, not corners) to itself and not to the border of
    the slice: those of scipy.ndimage.binary_fill_holes. A vesicle is such a hole as well, hence the limit.
    """
    depth, height, width = labels.shape
    for box in walk((depth, height, width), labels, progress=progress, stage="filling holes", slices=1):
        plane = labels[box.start[0]]
        if not plane.any():
            continue
        numbers, _ = ndimage.label(plane == 0)
        sizes = np.bincount(numbers.ravel())
        hole = sizes <= most_pixels
        hole[0] = False
        for edge in (numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1]):
            hole[edge] = False
        plane[hole[numbers]] = value


def _peel(
    labels: Labels, iterations: int, three_d: bool, value: int | None, progress: Progress, stage: str
) -> None:
    """Erode the labels, or the background, which then gets ``value``; beyond the border all is alike."""
    depth, height, width = labels.shape
    # What is left after so many is left for ever: what reaches every border in all slices.
    iterations = min(iterations, sum(labels.shape if three_d else labels.shape[1:]))
    passes, per_pass = (iterations, 1) if three_d else (1, iterations)
    shape = (depth, height, width)
    progress.begin(passes * depth, stage)

    def eaten(z: int) -> Plane:
        plane: Plane = labels[z] != 0
        return plane if value is None else ~plane

    for number in range(passes):
        changed = False
        above: Plane | None = None
        here = eaten(0)
        for box in walk(shape, labels, progress=progress, begin=False, slices=1):
            z = box.start[0]
            below = eaten(z + 1) if z + 1 < depth else None
            if here.any():
                kept = here
                for _ in range(per_pass):
                    former, kept = kept, _eroded_plane(kept)
                    if np.array_equal(former, kept):
                        break
                if three_d:
                    for neighbour in (above, below):
                        if neighbour is not None:
                            kept &= neighbour
                changed = changed or not np.array_equal(kept, here)
                if value is None:
                    labels[z] *= kept
                else:
                    labels[z][here & ~kept] = value
            if below is not None:
                above, here = here, below
        if not changed:
            progress.step((passes - number - 1) * depth)
            break


def _eroded_plane(plane: Plane) -> Plane:
    """Erode one slice by its four neighbours; beyond the border everything counts as set."""
    kept = plane.copy()
    kept[1:] &= plane[:-1]
    kept[:-1] &= plane[1:]
    kept[:, 1:] &= plane[:, :-1]
    kept[:, :-1] &= plane[:, 1:]
    return kept


def crop_borders(labels: Labels, margin: Triple, progress: Progress) -> None:
    """Set ``margin`` voxels (z, y, x) to zero at each side."""
    (z, y, x), (dz, dy, dx) = labels.shape, margin
    for box in walk((z, y, x), labels, progress=progress, stage="cropping", slices=1):
        index = box.start[0]
        plane = labels[index]
        if index < dz or index >= z - dz:
            plane[:] = 0
        else:
            plane[:dy] = 0
            plane[y - dy :] = 0
            plane[:, :dx] = 0
            plane[:, x - dx :] = 0
