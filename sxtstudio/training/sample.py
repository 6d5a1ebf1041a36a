"""The sample tomogram that ships: ``python -m sxtstudio.training.sample``.

It is a simulated cell, made with a seed that no model was trained on, so that everybody may have it
and its true outlines are known.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import export_volume
from sxtstudio.training.microscope import Microscope
from sxtstudio.training.simulate import simulate

SEED, SCENE = 1, "edge"
SHAPE = (64, 384, 384)
VOXEL_NM = (10.0, 10.0, 10.0)
MICROSCOPE = Microscope(
    tilt_deg=62,
    step_deg=1.5,
    voxel_nm=10,
    photons=900,
    zone_plate_nm=25,
    jitter_px=0.3,
    smoothing_px=0.6,
    method="sirt",
    iterations=40,
    margin_px=24,
)


def write_sample(tomogram: Path, outline: Path) -> None:
    """Write the sample as 8-bit TIFF, and its true outlines (0/255) beside the tests."""
    simulated = simulate(SEED, SHAPE, MICROSCOPE, scene=SCENE)
    low, high = np.percentile(simulated.tomogram, [0.6, 99.9])
    grey = np.clip((simulated.tomogram - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    export_volume(tomogram, ArrayVolume(grey, VOXEL_NM), kind="image")
    export_volume(outline, ArrayVolume(simulated.outline.astype(np.uint8), VOXEL_NM), kind="labels")


if __name__ == "__main__":
    write_sample(Path("resources/sample.tif"), Path("tests/data/sample.labels.tif"))
