"""What a slice view hands to a mouse tool, and what the tool has drawn on the slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Triple
from sxtstudio.core.planes import COLUMNS, NORMAL, ROWS, Plane


@dataclass(frozen=True)
class PointerEvent:
    """The pointer over a slice.

    Attributes
    ----------
    plane
        In which view.
    row, column
        Position in the view in pixels of the slice; pixel centres lie at whole numbers.
    depth
        Index of the slice that the view shows, along the plane's normal.
    button
        "left", "right", "middle", or "" while none is held.
    shift, ctrl, alt
        Keys that are held.
    double
        The second press of a double click.
    """

    plane: Plane
    row: float
    column: float
    depth: int
    button: str = ""
    shift: bool = False
    ctrl: bool = False
    alt: bool = False
    double: bool = False

    @property
    def voxel(self) -> Triple:
        """The voxel (z, y, x) under the pointer; it may lie outside the volume."""
        place = [0, 0, 0]
        place[NORMAL[self.plane]] = self.depth
        place[ROWS[self.plane]] = int(np.floor(self.row + 0.5))
        place[COLUMNS[self.plane]] = int(np.floor(self.column + 0.5))
        return (place[0], place[1], place[2])


@dataclass(frozen=True, eq=False)
class Sketch:
    """Lines that a tool draws over slice ``depth`` of a view: arrays (n, 2) of (row, column).

    ``text`` stands beside the last point.
    """

    plane: Plane
    depth: int
    lines: tuple[NDArray[np.float64], ...]
    closed: bool = False
    text: str = ""
