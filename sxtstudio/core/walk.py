"""Going through a volume: a box at a time, with progress, a place to cancel, and memory given back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray

from sxtstudio.core.geometry import Box, Triple, slabs
from sxtstudio.core.mapped_memory import PageReleaser
from sxtstudio.core.progress import Progress

#: So many voxels are worked on at once: some 16 MB of labels, 64 MB of grey values, and as much again.
SLAB_VOXELS = 16_000_000


def slab_slices(shape: Triple, voxels: int | None = None, *, multiple: int = 1) -> int:
    """Return how many slices of a volume (z, y, x) hold about ``voxels``: a multiple of ``multiple``."""
    voxels = SLAB_VOXELS if voxels is None else voxels
    return max(1, voxels // (shape[1] * shape[2]) // multiple) * multiple


def walk(
    shape: Triple,
    *maps: NDArray[Any],
    progress: Progress | None = None,
    stage: str | None = None,
    begin: bool = True,
    voxels: int | None = None,
    slices: int | None = None,
) -> Iterator[Box]:
    """Yield slabs that cover a volume from the first slice on; what is done with a box is the caller's.

    Parameters
    ----------
    shape
        Of the volume, (z, y, x).
    maps
        Arrays of this shape that are read or written, the box of each; those that are maps of files have
        their pages released now and then, so that resident memory does not grow with the volume.
    progress
        Counts a step per slice once the caller comes back for the next box, which is where a cancel takes
        effect.
    stage
        The name of what is done, where ``progress`` does not say it yet.
    begin
        Whether the count begins anew, with the slices of one walk. With several walks for one bar their
        caller begins it.
    voxels
        About how many a slab holds; None is ``SLAB_VOXELS``.
    slices
        Its slices instead, where these matter: 1 where a slice follows from its neighbours, or a
        multiple of the chunks of a file.

    Raises
    ------
    Cancelled
        If the user stopped the job.
    """
    if progress is not None and begin:
        progress.begin(shape[0], stage)
    pages = PageReleaser(*maps)
    bytes_per_voxel = sum(array.itemsize for array in maps)
    for box in slabs(shape, slices or slab_slices(shape, voxels)):
        yield box
        depth, height, width = box.shape
        pages.read(bytes_per_voxel * depth * height * width)
        if progress is not None:
            progress.step(depth)
