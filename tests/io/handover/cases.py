"""A label image for writers: one object without any symmetry, unequal voxels, an origin, odd names."""

from __future__ import annotations

import numpy as np

from sxtstudio.core.label_image import LabelImage, LegendEntry
from sxtstudio.core.volume import ArrayVolume

VOXEL = (25.0, 12.5, 10.0)
ORIGIN = (300.0, -40.0, 1000.0)
LEGEND = (
    LegendEntry(1, "Körper", (255, 176, 0)),
    LegendEntry(2, "Mitochondrium 2 (groß)", (0, 128, 255)),
    LegendEntry(5, "ER", (10, 20, 30)),
)


def asymmetric() -> np.ndarray:
    """(z, y, x) = (4, 6, 9): an L that no turning or mirroring brings onto itself, and two voxels."""
    labels = np.zeros((4, 6, 9), np.uint16)
    labels[0, 1, 1:8] = 1
    labels[0, 1:4, 1] = 1
    labels[0:3, 1, 1] = 1
    labels[3, 5, 8] = 2
    labels[2, 4, 0] = 5
    return labels


def label_image(labels: np.ndarray | None = None, legend=LEGEND, voxel=VOXEL, origin=ORIGIN) -> LabelImage:
    """The labels as they are handed over."""
    volume = ArrayVolume(asymmetric() if labels is None else labels, voxel)
    return LabelImage("cell", volume, legend, voxel, origin)


def many_objects(count: int) -> LabelImage:
    """``count`` objects of a voxel each, with a name each."""
    labels = np.zeros((11, 32, 64), np.uint32)
    labels.reshape(-1)[: 2 * count : 2] = np.arange(1, count + 1)
    legend = tuple(LegendEntry(n, f"Objekt ä{n}", (n % 256, n // 256 % 256, 7)) for n in range(1, count + 1))
    return label_image(labels, legend)
