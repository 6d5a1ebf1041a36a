"""The pictures of a tomogram on the wall: a slice with outlines, three planes, and the labels in 3D.

The tomogram and its labels are read once, slab by slab; what is drawn is kept small on the way. Pictures have
a palette and at most so many pixels, so that none is larger than what ``MOST_PX`` says, whatever the grain.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import binary_erosion

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.contrast import Window, auto_window, to_grey
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume, VoxelSize
from sxtstudio.core.walk import walk
from sxtstudio.workflow.beamtime.record import PictureKind
from sxtstudio.workflow.results.pictures import draw_scale_bar

#: The longer edge of each picture; a byte for a pixel and the palette are the most that a file can take.
MOST_PX: dict[PictureKind, int] = {
    PictureKind.SMALL: 320,
    PictureKind.SLICE: 640,
    PictureKind.PLANES: 640,
    PictureKind.SURFACE: 640,
}
# Labels for the 3D picture are binned to about so many voxels along the longest edge.
_SURFACE_VOXELS = 200
_SURFACE_FACES = 200_000
_SURFACE_SIZE = (640, 480)
_READ_VOXELS = 8_000_000
# Of a pixel, so much must be labelled for it to count: lines of membranes are thin.
_LABELLED_SHARE = 0.3
# Grain needs no more greys, and they are what a file takes: 200 tomograms are to fit on a stick.
_GREYS, _OUTLINE, _GAP = 64, 64, 65
_OUTLINE_RGB, _GAP_RGB = (255, 176, 0), (36, 38, 43)
_GAP_PX = 6
# So wide pictures are in the details beside the wall of a small window.
_SHOWN_PX = 300


@dataclass(frozen=True, eq=False)
class MiddlePlanes:
    """What is drawn of a tomogram: its three middle planes, those of its labels, and all labels, binned.

    Attributes
    ----------
    images, labels
        xy (y, x), xz (z, x) and yz (z, y).
    small
        Where anything is labelled, in blocks of ``bins`` voxels (z, y, x).
    voxel_nm
        Edges of a voxel (z, y, x).
    window
        Grey values that are drawn black and white.
    labelled
        Labelled share of all voxels, 0…1.
    """

    images: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
    labels: tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]
    small: NDArray[np.uint8]
    bins: Triple
    voxel_nm: VoxelSize | None
    window: Window
    labelled: float


def read_planes(tomogram: Volume, labels: Volume, progress: Progress | None = None) -> MiddlePlanes:
    """Read a tomogram and labels of the same shape once, and keep what is drawn of them.

    Raises
    ------
    UserError
        If a file cannot be read.
    Cancelled
        If the job was cancelled.
    """
    shape = tomogram.shape
    z, y, x = (n // 2 for n in shape)
    voxel_nm = tomogram.voxel_nm
    bins = _bins(shape, voxel_nm)
    small = np.zeros(tuple(-(-n // b) for n, b in zip(shape, bins, strict=True)), np.uint8)
    slabs: list[tuple[NDArray[Any], NDArray[np.bool_], NDArray[Any], NDArray[np.bool_]]] = []
    middle: tuple[NDArray[Any], NDArray[np.bool_]] | None = None
    labelled = 0
    for box in walk(shape, progress=progress, stage="pictures", voxels=_READ_VOXELS):
        image, there = tomogram.read(box), labels.read(box) != 0
        slabs.append((image[:, y].copy(), there[:, y].copy(), image[:, :, x].copy(), there[:, :, x].copy()))
        labelled += int(np.count_nonzero(there))
        first, last = box.start[0], box.stop[0]
        if first <= z < last:
            middle = image[z - first].copy(), there[z - first].copy()
        for number in range(first, last):
            small[number // bins[0]] |= _any_in_blocks(there[number - first], bins[1], bins[2])
    if middle is None:
        raise ValueError("a volume without slices")
    xz, xz_labels, yz, yz_labels = (np.concatenate(parts) for parts in zip(*slabs, strict=True))
    return MiddlePlanes(
        (middle[0], xz, yz),
        (middle[1], xz_labels, yz_labels),
        small,
        bins,
        voxel_nm,
        auto_window(middle[0]),
        labelled / math.prod(shape),
    )


def _bins(shape: Triple, voxel_nm: VoxelSize | None) -> Triple:
    """Return how many voxels along (z, y, x) become one, so that the blocks are about cubes."""
    edges = np.array(voxel_nm or (1.0, 1.0, 1.0))
    block = max(float((edges * shape).max()) / _SURFACE_VOXELS, float(edges.min()))
    z, y, x = (max(1, round(block / edge)) for edge in edges)
    return z, y, x


def _any_in_blocks(there: NDArray[np.bool_], high: int, wide: int) -> NDArray[np.uint8]:
    rows = np.logical_or.reduceat(there, np.arange(0, there.shape[0], high), axis=0)
    blocks: NDArray[np.bool_] = np.logical_or.reduceat(rows, np.arange(0, there.shape[1], wide), axis=1)
    return blocks.astype(np.uint8)


def write_pictures(
    planes: MiddlePlanes, path_of: Callable[[PictureKind], Path], progress: Progress | None = None
) -> tuple[tuple[PictureKind, ...], str]:
    """Write the pictures of a tomogram as PNG; return which there are, and why there is none in 3D.

    Without labels there is none in 3D, and where the machine cannot draw it: then the text says why.

    Raises
    ------
    UserError
        If a picture cannot be written.
    """
    xy = _paletted(_drawn(planes, 0, MOST_PX[PictureKind.SLICE]))
    if planes.voxel_nm is not None:
        _, y, x = planes.voxel_nm
        edge_nm = max(y * planes.images[0].shape[0], x * planes.images[0].shape[1])
        draw_scale_bar(xy, edge_nm / max(xy.size), _SHOWN_PX)
    small = _paletted(_drawn(planes, 0, MOST_PX[PictureKind.SMALL]))
    three = _paletted(_three(planes))
    for kind, picture in ((PictureKind.SMALL, small), (PictureKind.SLICE, xy), (PictureKind.PLANES, three)):
        with atomic_write(path_of(kind), own=True) as temporary:
            picture.save(temporary, "PNG", optimize=True)
    made = (PictureKind.SMALL, PictureKind.SLICE, PictureKind.PLANES)
    try:
        drawn = _write_surface(planes, path_of(PictureKind.SURFACE), progress)
    except UserError as error:
        return made, str(error)
    return ((*made, PictureKind.SURFACE) if drawn else made), ""


def _write_surface(planes: MiddlePlanes, path: Path, progress: Progress | None) -> bool:
    # VTK takes a second to load: the thread of the work does that, not the window that shows the wall.
    from sxtstudio.surface import EmptyLabels, SurfaceParameters, extract_surface, render_picture

    edges = planes.voxel_nm
    binned = None if edges is None else (
        edges[0] * planes.bins[0], edges[1] * planes.bins[1], edges[2] * planes.bins[2],
    )  # fmt: skip
    # Of a single voxel there is a surface, too; how smooth it is does not matter here.
    parameters = SurfaceParameters(objects=True, min_faces=0, smooth=8, max_faces=_SURFACE_FACES)
    try:
        surface = extract_surface(planes.small, binned, parameters, progress=progress)
    except EmptyLabels:
        return False
    render_picture(path, surface, size=_SURFACE_SIZE, background="grey")
    return True


def _drawn(planes: MiddlePlanes, plane: int, most_px: int) -> NDArray[np.uint8]:
    """Return a plane with outlines as numbers of the palette, its pixels square."""
    image, labels = planes.images[plane], planes.labels[plane]
    high, wide = _edges_of(planes, plane)
    pixel = max(high * image.shape[0], wide * image.shape[1]) / most_px
    size = (max(1, round(wide * image.shape[1] / pixel)), max(1, round(high * image.shape[0] / pixel)))
    finite = np.nan_to_num(image, nan=planes.window[0]) if image.dtype.kind == "f" else image
    grey = Image.fromarray(to_grey(finite, planes.window))
    how = Image.Resampling.BOX if size[0] < image.shape[1] else Image.Resampling.BICUBIC
    index = np.asarray(grey.resize(size, how), np.uint16) * (_GREYS - 1) // 255
    share = Image.fromarray(labels.astype(np.uint8) * 255).resize(size, Image.Resampling.BOX)
    there = np.asarray(share) > 255 * _LABELLED_SHARE
    there = np.asarray(there & ~binary_erosion(there, border_value=1))
    drawn = index.astype(np.uint8)
    drawn[there] = _OUTLINE
    return drawn


def _edges_of(planes: MiddlePlanes, plane: int) -> tuple[float, float]:
    z, y, x = planes.voxel_nm or (1.0, 1.0, 1.0)
    return ((y, x), (z, x), (z, y))[plane]


def _three(planes: MiddlePlanes) -> NDArray[np.uint8]:
    """Return xy with xz below and yz, turned, to its right: an unfolded box, in one scale."""
    sizes = [np.multiply(_edges_of(planes, n), planes.images[n].shape) for n in range(3)]
    (high, wide), deep = sizes[0], sizes[1][0]
    pixel = max(high + deep, wide + deep) / (MOST_PX[PictureKind.PLANES] - _GAP_PX)
    most = [max(1, round(max(size) / pixel)) for size in sizes]
    xy, xz, yz = (_drawn(planes, n, most[n]) for n in range(3))
    yz = yz.T
    height, width = xy.shape[0] + _GAP_PX + xz.shape[0], xy.shape[1] + _GAP_PX + yz.shape[1]
    picture = np.full((height, width), _GAP, np.uint8)
    picture[: xy.shape[0], : xy.shape[1]] = xy
    picture[-xz.shape[0] :, : xz.shape[1]] = xz
    picture[: yz.shape[0], -yz.shape[1] :] = yz
    return picture


def _paletted(numbers: NDArray[np.uint8]) -> Image.Image:
    picture = Image.fromarray(numbers)
    greys = [grey for number in range(_GREYS) for grey in [round(number * 255 / (_GREYS - 1))] * 3]
    picture.putpalette([*greys, *_OUTLINE_RGB, *_GAP_RGB])
    return picture
