"""What is known of a filopodium: its voxels, its axis from tip to cut, and why it may not be whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.volume import VoxelSize

#: The first axis of filopodia in slices is 302 ± 189 nm long in the paper, their width some 130 to 200 nm.
WIDEST_NM, WIDEST_PX = 400.0, 40.0
#: None is longer, px of a slice.
LONGEST_PX = 600


@dataclass(frozen=True)
class FilopodiumParameters:
    """What is looked for.

    Attributes
    ----------
    widest
        Of the inside of a filopodium in a slice, nm, or px of a slice where the voxel size is unknown;
        None: 400 nm, or 40 px.
    jump
        The base is where it becomes so many times as wide as it was.
    longest_px
        How far from the click it is looked for, px.
    """

    widest: float | None = None
    jump: float = 1.4
    longest_px: int = LONGEST_PX


class Incomplete(StrEnum):
    """Why a filopodium is not whole, or may be wrong; the values stand in files and never change."""

    FIRST_Z, LAST_Z = "first slice", "last slice"
    FIRST_Y, LAST_Y = "top border", "bottom border"
    FIRST_X, LAST_X = "left border", "right border"
    GOLD = "gold"
    OPEN_TIP = "open tip"
    GAPS = "gaps"
    DOUBTFUL = "doubtful"


#: In the order of the axes: the faces of the volume.
FACES = (
    (Incomplete.FIRST_Z, Incomplete.LAST_Z),
    (Incomplete.FIRST_Y, Incomplete.LAST_Y),
    (Incomplete.FIRST_X, Incomplete.LAST_X),
)
_WORDS = {
    Incomplete.FIRST_Z: "cut by the first slice (z)",
    Incomplete.LAST_Z: "cut by the last slice (z)",
    Incomplete.FIRST_Y: "cut by the upper border of the slices (y)",
    Incomplete.LAST_Y: "cut by the lower border of the slices (y)",
    Incomplete.FIRST_X: "cut by the left border of the slices (x)",
    Incomplete.LAST_X: "cut by the right border of the slices (x)",
    Incomplete.GOLD: "interrupted by gold",
    Incomplete.OPEN_TIP: "its outline is open at the tip, so that it may go on",
    Incomplete.GAPS: "much of its outline is missing and was guessed: look whether it is right",
    Incomplete.DOUBTFUL: (
        "doubtful, as its edge is unclear, it is uneven, or it may be several: look whether it is right"
    ),
}


@dataclass(frozen=True)
class Filopodium:
    """A filopodium that was cut, closed and filled.

    Attributes
    ----------
    seed
        The voxel (z, y, x) that was clicked.
    box, where
        The smallest box around it, and its voxels in that (bool), its membrane included.
    cut
        Where it was cut: along the axis from the tip, in nm (px without a voxel size).
    length
        Along the axis from the tip to the cut, in the same unit.
    axis
        Points (n, 3) from the tip to the cut, in voxels (z, y, x).
    along, width
        The width profile (m,): places along the axis, and there the diameter of a circle of the area of the
        cross-section.
    incomplete
        Why it is not whole; empty where it is.
    """

    seed: Triple
    box: Box
    where: NDArray[np.bool_]
    cut: float
    length: float
    axis: NDArray[np.float64]
    along: NDArray[np.float64]
    width: NDArray[np.float64]
    incomplete: tuple[Incomplete, ...] = ()

    @property
    def voxels(self) -> int:
        """How many voxels it has."""
        return int(np.count_nonzero(self.where))


def why_incomplete(problems: Sequence[Incomplete]) -> str:
    """Return why a filopodium is not whole, "" where it is: "cut by the last slice (z); …"."""
    return "; ".join(_WORDS[problem] for problem in problems)


def spacing_of(voxel_nm: VoxelSize | None) -> VoxelSize:
    """Return the edges of a voxel (z, y, x), 1 where they are unknown."""
    return (1.0, 1.0, 1.0) if voxel_nm is None else voxel_nm


def widest_of(parameters: FilopodiumParameters, voxel_nm: VoxelSize | None) -> float:
    """Return the widest inside of a filopodium, in the unit of ``spacing_of``."""
    if parameters.widest is not None:
        return parameters.widest
    return WIDEST_PX if voxel_nm is None else WIDEST_NM
