"""Areas of one slice: within an outline, around a click, of similar grey values. No Qt, no files."""

from __future__ import annotations

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.draw import polygon

from sxtstudio.core.errors import UserError

Area = NDArray[np.bool_]
Corner = tuple[int, int]

# A click beside the outline would otherwise fill most of the slice.
_LARGEST_OPEN_SHARE = 0.25
_WAND_SIGMA_PX = 1.5
WAND_MARGIN_PX = 6
# Holes up to this size are noise.
_WAND_HOLE_PX = 40


def near_label(labels: NDArray[np.uint8], row: int, column: int, reach_px: int = 4) -> tuple[int, int] | None:
    """Return the labelled pixel of a slice that a click means: thin membranes are easily missed by a few px.

    Parameters
    ----------
    labels
        Slice (rows, columns), 0 is background.
    row, column
        Where the click was; may lie outside.
    reach_px
        How far beside a label a click may be.

    Returns
    -------
    row, column
        The nearest labelled pixel within reach, or None.
    """
    top, left = max(0, row - reach_px), max(0, column - reach_px)
    rows, columns = np.nonzero(labels[top : max(0, row + reach_px + 1), left : max(0, column + reach_px + 1)])
    if not rows.size:
        return None
    squared = (rows + top - row) ** 2 + (columns + left - column) ** 2
    nearest = int(np.argmin(squared))
    if squared[nearest] > reach_px**2:
        return None
    return int(rows[nearest]) + top, int(columns[nearest]) + left


def polygon_area(points: NDArray[np.float64], shape: tuple[int, int]) -> tuple[Corner, Area] | None:
    """Return the pixels within a closed outline.

    Parameters
    ----------
    points
        Corners (n, 2) as (row, column); whole numbers are pixel centres.
    shape
        Rows and columns of the slice.

    Returns
    -------
    corner, area
        First row and column of the smallest rectangle around it, and the pixels in that; None if the
        outline holds no pixel of the slice.
    """
    rows, columns = polygon(points[:, 0], points[:, 1], shape)
    return None if not len(rows) else _from_pixels(rows, columns)


def fill_area(labels: NDArray[np.uint8], row: int, column: int) -> tuple[Corner, Area]:
    """Return what *Fill* fills: the hole under the click, or all holes of the outline under it.

    Parameters
    ----------
    labels
        Slice (rows, columns), 0 is background. A hole is background that touches at edges; the outline
        around it may touch at corners.
    row, column
        Where the click was.

    Raises
    ------
    UserError
        If the area is open, or the outline has no hole.
    """
    if labels[row, column]:
        return _holes_of(labels, row, column)
    corner, area = _cropped(_flooded(labels == 0, row, column, connectivity=4))
    open_to_edge = (
        corner[0] == 0
        or corner[1] == 0
        or corner[0] + area.shape[0] == labels.shape[0]
        or corner[1] + area.shape[1] == labels.shape[1]
    )
    if open_to_edge and np.count_nonzero(area) > _LARGEST_OPEN_SHARE * labels.size:
        raise UserError(
            "This area is open: it reaches the edge of the slice and much of it. "
            "Close the gap in the outline with the brush, then fill again."
        )
    return corner, area


def _holes_of(labels: NDArray[np.uint8], row: int, column: int) -> tuple[Corner, Area]:
    corner, area = part_at(labels, row, column)
    holes = ndimage.binary_fill_holes(area) & ~area
    # What lies in the holes already is filled, too: only the background is new.
    holes &= labels[corner[0] : corner[0] + area.shape[0], corner[1] : corner[1] + area.shape[1]] == 0
    if not holes.any():
        raise UserError(
            "This label has no closed hole to fill. Close its outline first, or click into the hole."
        )
    return corner, holes


def part_at(labels: NDArray[np.uint8], row: int, column: int) -> tuple[Corner, Area]:
    """Return the labelled pixels of a slice that hang together with the one at a place, also at corners."""
    return _cropped(_flooded(labels != 0, row, column, connectivity=8))


def wand_area(
    image: NDArray[np.floating], row: int, column: int, tolerance: float, reach_px: int
) -> tuple[Corner, Area]:
    """Return the pixels around a click whose grey values are similar, as far as they hang together.

    Tiny holes are filled.

    Parameters
    ----------
    image
        Grey values (rows, columns). They are smoothed a little first, against noise.
    tolerance
        Largest difference from the (smoothed) value at the click.
    reach_px
        No pixel is farther from the click than this.
    """
    top, left = max(0, row - reach_px), max(0, column - reach_px)
    # A few pixels more, so that smoothing at the border of the window sees what it should.
    margin = WAND_MARGIN_PX
    window_top, window_left = max(0, top - margin), max(0, left - margin)
    window = image[window_top : row + reach_px + margin + 1, window_left : column + reach_px + margin + 1]
    smooth = ndimage.gaussian_filter(window.astype(np.float32), _WAND_SIGMA_PX)
    here = (row - window_top, column - window_left)
    y = np.arange(window.shape[0])[:, None] - here[0]
    x = np.arange(window.shape[1])[None, :] - here[1]
    similar = (np.abs(smooth - smooth[here]) <= tolerance) & (y * y + x * x <= reach_px * reach_px)
    corner, area = _cropped(_flooded(similar, *here, connectivity=4))
    holes, count = ndimage.label(ndimage.binary_fill_holes(area) & ~area)
    area |= (np.bincount(holes.ravel(), minlength=count + 1) <= _WAND_HOLE_PX)[holes] & (holes > 0)
    return (corner[0] + window_top, corner[1] + window_left), area


def _flooded(area: Area, row: int, column: int, connectivity: int) -> Area:
    """Return the pixels of an area that hang together with one of them; that one must belong to it."""
    named = cc3d.connected_components(np.ascontiguousarray(area), connectivity=connectivity)
    return np.asarray(named == named[row, column])


def _cropped(area: Area) -> tuple[Corner, Area]:
    rows = np.flatnonzero(area.any(axis=1))
    columns = np.flatnonzero(area.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    return (top, left), area[top : int(rows[-1]) + 1, left : int(columns[-1]) + 1]


def _from_pixels(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> tuple[Corner, Area]:
    top, left = int(rows.min()), int(columns.min())
    area = np.zeros((int(rows.max()) - top + 1, int(columns.max()) - left + 1), bool)
    area[rows - top, columns - left] = True
    return (top, left), area
