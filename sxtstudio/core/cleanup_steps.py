"""The steps of the clean-up that look at few slices at a time; all work in place.

Each walks through the volume once per pass and holds copies of the slices that it still needs and
has overwritten, so that memory does not grow with the number of slices.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Triple, slabs
from sxtstudio.core.mapped_memory import PageReleaser
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume

Labels = NDArray[np.uint8]
Plane = NDArray[np.bool_]


def smooth_along_z(labels: Labels, reach: int, value: int, progress: Progress) -> None:
    """Let the majority of the slices z-reach…z+reach decide on each voxel.

    For two classes this is the median. Near the first and last slice only the slices that exist
    vote; a tie leaves the voxel as it is. Added voxels get ``value``.
    """
    depth = len(labels)
    progress.begin(depth, "smoothing along z")
    pages = PageReleaser(labels)
    votes = np.zeros(labels.shape[1:], np.uint16)
    window: deque[Plane] = deque()  # the planes z-reach … z+reach as they were
    for plane in labels[:reach]:
        window.append(plane != 0)
        votes += window[-1]
    for z in range(depth):
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
        pages.read(own.nbytes)
        progress.step()


def apply_mask(labels: Labels, mask: Volume, progress: Progress) -> None:
    """Set labels to zero where the mask is zero."""
    z, y, x = labels.shape
    progress.begin(z, "cell mask")
    pages = PageReleaser(labels)
    for box in slabs((z, y, x), max(1, 16_000_000 // (y * x))):
        part = labels[box.slices]
        part *= mask.read(box) != 0
        pages.read(part.nbytes)
        progress.step(box.shape[0])


def erode(labels: Labels, iterations: int, three_d: bool, progress: Progress) -> None:
    """Remove, ``iterations`` times, the label voxels that have background at one of their faces.

    The neighbours are the four in the slice, and in 3D also those in the slices above and below:
    scipy.ndimage.binary_erosion with its default structure and ``border_value=1``, i.e. voxels
    outside the volume count as label, so that membranes cut by the border are not eaten from there.
    """
    depth = len(labels)
    # What is left after so many is left for ever: labels that reach every border in all slices.
    iterations = min(iterations, sum(labels.shape if three_d else labels.shape[1:]))
    passes, per_pass = (iterations, 1) if three_d else (1, iterations)
    progress.begin(passes * depth, "erosion")
    pages = PageReleaser(labels)
    for number in range(passes):
        changed = False
        above: Plane | None = None
        here = labels[0] != 0
        for z in range(depth):
            below = labels[z + 1] != 0 if z + 1 < depth else None
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
                labels[z] *= kept
            if below is not None:
                above, here = here, below
            pages.read(here.nbytes)
            progress.step()
        if not changed:
            progress.step((passes - number - 1) * depth)
            break


def _eroded_plane(plane: Plane) -> Plane:
    """Erode one slice by its four neighbours; beyond the border everything counts as label."""
    kept = plane.copy()
    kept[1:] &= plane[:-1]
    kept[:-1] &= plane[1:]
    kept[:, 1:] &= plane[:, :-1]
    kept[:, :-1] &= plane[:, 1:]
    return kept


def crop_borders(labels: Labels, margin: Triple, progress: Progress) -> None:
    """Set ``margin`` voxels (z, y, x) to zero at each side."""
    progress.begin(len(labels), "cropping")
    (z, y, x), (dz, dy, dx) = labels.shape, margin
    pages = PageReleaser(labels)
    for index, plane in enumerate(labels):
        if index < dz or index >= z - dz:
            plane[:] = 0
        else:
            plane[:dy] = 0
            plane[y - dy :] = 0
            plane[:, :dx] = 0
            plane[:, x - dx :] = 0
        pages.read(plane.nbytes)
        progress.step()
