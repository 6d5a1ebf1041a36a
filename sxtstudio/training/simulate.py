"""From a seed to a reconstructed tomogram with its outlines: the training data and the sample."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Triple
from sxtstudio.training.phantom import make_phantom
from sxtstudio.training.tilt_series import Microscope, random_microscope, reconstruct, take_series

#: How far the specimen goes on beyond the field of view, voxels to each side along x.
BEYOND_PX = 24


@dataclass(frozen=True)
class Simulated:
    """A tomogram (z, y, x), its outlines, and how it was taken. Absorbing structures are dark."""

    tomogram: NDArray[np.float32]
    outline: NDArray[np.bool_]
    microscope: Microscope


def simulate(seed: int, shape: Triple, microscope: Microscope | None = None) -> Simulated:
    """Return a simulated tomogram of ``shape`` (z, y, x); the same seed gives the same tomogram.

    The specimen is wider than the field of view and as thick as the tomogram.
    """
    rng = np.random.default_rng(seed)
    depth, height, width = shape
    microscope = microscope or random_microscope(rng)
    phantom = make_phantom(rng, (depth, height, width + 2 * BEYOND_PX))
    series = take_series(rng, phantom.lac, width, microscope)
    tomogram = -reconstruct(series, depth, microscope)
    outline = phantom.outline[:, :, BEYOND_PX:-BEYOND_PX].copy()
    return Simulated(tomogram, outline, microscope)


def save_pair(folder: Path, name: str, simulated: Simulated) -> None:
    """Write ``name.npy`` (float16, mean 0, SD 1) and ``name.labels.npy`` (uint8 0/1) for training."""
    folder.mkdir(parents=True, exist_ok=True)
    tomogram = simulated.tomogram
    scaled = np.clip((tomogram - tomogram.mean()) / tomogram.std(), -30, 30)
    np.save(folder / f"{name}.npy", scaled.astype(np.float16))
    np.save(folder / f"{name}.labels.npy", simulated.outline.astype(np.uint8))
