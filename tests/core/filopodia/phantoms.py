"""A round cell in ice with filopodia, as a tomogram and as labels, whose shape is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.filopodia.candidate import Candidate
from sxtstudio.core.volume import ArrayVolume

SHAPE = (36, 110, 100)
#: The cell's membrane is at y = 40 for z = 18, x = 50; filopodia stand on it, 45 px long, 6 px in radius.
CENTRE, CELL_RADIUS, LENGTH, RADIUS = (18.0, -40.0, 50.0), 80.0, 45.0, 6.0
BASE, MIDDLE, TIP = (18, 43, 50), (18, 62, 50), (18, 82, 50)


@dataclass(frozen=True)
class Scene:
    """Absorption, labels of all membranes, and the filopodium at x = 50, its membrane included."""

    absorbs: NDArray[np.float32]
    labels: NDArray[np.uint8]
    truth: NDArray[np.bool_]

    def image(self, *, dark: bool = True) -> ArrayVolume:
        """The tomogram, absorbing structures dark or bright."""
        return ArrayVolume(100 * (-self.absorbs if dark else self.absorbs) + np.float32(40))

    def overlap(self, candidate: Candidate) -> float:
        """Intersection over union of a proposal and the truth."""
        found = candidate.cut()
        mine = np.zeros(self.truth.shape, np.bool_)
        mine[found.box.slices] = found.where
        return float((mine & self.truth).sum() / (mine | self.truth).sum())


def scene(
    columns: tuple[float, ...] = (50.0,), *, inside: float = 0.3, noise: float = 0.08, seed: int = 1
) -> Scene:
    """Make a cell with filopodia at columns, blurred as by a zone plate and noisy; ice absorbs 0.1."""
    z, y, x = np.meshgrid(*(np.arange(n, dtype=float) for n in SHAPE), indexing="ij")
    cell = np.sqrt((z - CENTRE[0]) ** 2 + (y - CENTRE[1]) ** 2 + (x - CENTRE[2]) ** 2) - CELL_RADIUS
    ahead = np.clip(y, 0, 40 + LENGTH - RADIUS)
    tubes = [np.sqrt((z - 18) ** 2 + (y - ahead) ** 2 + (x - at) ** 2) - RADIUS for at in columns]
    whole = np.minimum(cell, np.min(tubes, axis=0))
    wall = (whole <= 0) & (whole > -2.2)
    absorbs = np.where(whole <= 0, inside, 0.1) + 0.2 * wall
    absorbs = ndimage.gaussian_filter(absorbs, 1.0)
    absorbs += np.random.default_rng(seed).normal(0, noise, absorbs.shape)
    truth = (tubes[0] <= 0) & (cell > 0)
    return Scene(absorbs.astype(np.float32), wall.astype(np.uint8) * 255, truth)
