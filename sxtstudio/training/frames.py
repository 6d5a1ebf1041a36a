"""Where pictures end: aligned projections that cover the view only in part, and cut edges of the tomogram.

Alignment shifts and turns the pictures of a tilt series, so that near the borders of the view some or all
of them have nothing to show. Programs fill these pixels with the mean, the last value, or nothing, and
the reconstruction gets bands along one or two edges. Or the tomogram itself is framed: turned, cropped or
padded, with a constant where there is no data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.training.microscope import Microscope, ProjectionFill

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

#: Voxels beside a frame in which no line can be judged.
BESIDE_PX = 2


def ended(rng: np.random.Generator, microscope: Microscope, detector: int, height: int) -> Mask | None:
    """Return where aligned pictures have ended, (angles, detector, y); None where none has.

    The specimen drifts along a smooth path by up to ``microscope.drift_px`` from where it was at tilt 0.
    """
    count = len(microscope.angles)
    if not microscope.drift_px and not microscope.rotation_deg:
        return None
    path = np.cumsum(ndimage.gaussian_filter1d(rng.normal(size=(count, 2)), 3, axis=0), axis=0)
    path += np.linspace(-1, 1, count)[:, None] * rng.normal(scale=0.5 * np.abs(path).max() + 1e-9, size=2)
    path -= path[count // 2]
    path *= microscope.drift_px / max(np.abs(path).max(), 1e-9)
    path *= np.array([[1, 1], [1, 0.2], [0.2, 1]])[rng.integers(3)]  # mostly along one direction
    turn = np.deg2rad(microscope.rotation_deg)
    u = np.arange(detector)[:, None] - (detector - 1) / 2
    y = np.arange(height)[None] - (height - 1) / 2
    across = u * np.cos(turn) + y * np.sin(turn) + (detector - 1) / 2
    along = y * np.cos(turn) - u * np.sin(turn) + (height - 1) / 2
    missing = np.zeros((count, detector, height), bool)
    for picture, (du, dy) in zip(missing, path, strict=True):
        picture |= (across + du < 0) | (across + du > detector - 1)
        picture |= (along + dy < 0) | (along + dy > height - 1)
    return missing if missing.any() else None


def fill(series: Array, missing: Mask, how: ProjectionFill) -> Array:
    """Return projections (angles, detector, y) with the pixels that were ``missing`` filled in."""
    filled = series.copy()
    for picture, lacks in zip(filled, missing, strict=True):
        if not lacks.any() or lacks.all():
            continue
        if how is ProjectionFill.EDGE:
            nearest = ndimage.distance_transform_edt(lacks, return_distances=False, return_indices=True)
            picture[lacks] = picture[tuple(index[lacks] for index in nearest)]
        else:
            picture[lacks] = picture[~lacks].mean() if how is ProjectionFill.MEAN else 0
    return filled


@dataclass(frozen=True)
class EdgeBands:
    """What has been cut off a tomogram: bands along its edges, slanting if it was turned, and their value."""

    widths: tuple[float, float, float, float]  # voxels at first y, last y, first x, last x; 0: none
    slant: float = 0.0  # change of width along the edge, voxels per voxel
    value: str = "zero"  # "zero", "mean", "dark" or "bright": how it appears in the slice

    def mask(self, height: int, width: int) -> Mask:
        """Return where there is no data, (y, x)."""
        y, x = np.mgrid[:height, :width].astype(np.float32)
        top, bottom, left, right = self.widths
        cut = np.zeros((height, width), bool)
        lean_x, lean_y = self.slant * (x - width / 2), self.slant * (y - height / 2)
        if top:
            cut |= y < top + lean_x
        if bottom:
            cut |= y > height - 1 - bottom + lean_x
        if left:
            cut |= x < left - lean_y
        if right:
            cut |= x > width - 1 - right - lean_y
        return cut

    def apply(self, tomogram: Array) -> None:
        """Set the bands of a tomogram (z, y, x), absorbing structures positive, to their value, in place."""
        cut = self.mask(*tomogram.shape[1:])
        inside = tomogram[:, ~cut]
        if not inside.size:
            return
        low, middle, high = np.percentile(inside[:: max(1, len(inside) // 8)], [0.1, 50, 99.9])
        values = {"zero": 0.0, "mean": middle, "dark": high + (high - low), "bright": low - (high - low)}
        tomogram[:, cut] = np.float32(values[self.value])


def random_frame(rng: np.random.Generator, height: int, width: int) -> EdgeBands | None:
    """Return a frame along one or two edges, seldom along all; None for most tomograms."""
    if rng.random() < 0.75:
        return None
    edges = rng.permutation(4)[: int(rng.choice([1, 2, 4], p=[0.45, 0.4, 0.15]))]
    widths = [0.0] * 4
    for edge in edges:
        size = height if edge < 2 else width
        widths[edge] = float(min(np.exp(rng.uniform(0, np.log(40))), 0.2 * size))
    slant = float(np.tan(np.deg2rad(rng.normal(scale=3)))) if rng.random() < 0.35 else 0.0
    value = str(rng.choice(["zero", "mean", "dark", "bright"], p=[0.35, 0.35, 0.15, 0.15]))
    return EdgeBands((widths[0], widths[1], widths[2], widths[3]), slant, value)
