"""Labels that look different from every side, to tell whether axes were exchanged or turned round."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

VOXEL = (20.0, 13.0, 13.0)  # (z, y, x), nm
ORIGIN = (100.0, -26.0, 25.0)
NAMES = {3: "Zellkern mit Höhle", 7: "Lipidtröpfchen", 9: "Ω ≥ 5 µm"}
COLOURS = {3: (230, 85, 75), 7: (75, 160, 235), 9: (1, 2, 250)}


def asymmetric() -> NDArray[np.uint16]:
    """Three labels in (6, 20, 30) voxels: a hand with a hole and an island in it, a voxel, and a corner."""
    labels = np.zeros((6, 20, 30), np.uint16)
    labels[1:4, 2:9, 3:12] = 3  # a palm, nearer to the first slice, row and column
    labels[3, 2:15, 4] = 3  # a long finger towards the last row
    labels[2, 4:7, 5:10] = 0
    labels[2, 5, 7] = 3  # an island in the hole
    labels[1, 9, 12] = 3  # touches the palm in a corner only
    labels[0, 15, 25] = 7
    labels[5, 0:2, 0:3] = 9
    return labels
