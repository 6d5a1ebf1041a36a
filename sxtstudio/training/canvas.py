"""The volume that a phantom is painted into: absorption, and the outlines a human would draw."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from sxtstudio.core.geometry import Box, Triple
from sxtstudio.training import shapes
from sxtstudio.training.shapes import Array, Vector

#: Half the width of an annotator's line, and how far a membrane may lean and still be seen.
OUTLINE_HALF_PX = 2.5
UPRIGHT = 0.5


@dataclass
class Phantom:
    """A volume under construction: absorption (1/µm), outlines, and where something already is."""

    lac: Array
    outline: NDArray[np.bool_]
    cell: NDArray[np.bool_]
    taken: list[tuple[Vector, float]] = field(default_factory=list)

    @property
    def shape(self) -> Triple:
        """Number of voxels along (z, y, x)."""
        z, y, x = self.lac.shape
        return (z, y, x)


@dataclass(frozen=True)
class Material:
    """How a closed object absorbs: inside (None keeps what was there), its membrane, the membrane's width."""

    inside: float | None
    membrane: float
    width: float
    texture: float = 0.0
    labelled: bool = True


def paint(
    phantom: Phantom, box: Box, implicit: Array, material: Material, texture: Array | None = None
) -> None:
    """Put a closed shape into the phantom: its inside, its membrane, and the outline to be drawn."""
    distance, upright = shapes.signed_distance(implicit)
    lac, outline = phantom.lac[box.slices], phantom.outline[box.slices]
    if material.inside is not None:
        filling = np.float32(material.inside) if texture is None else material.inside + texture
        share = np.clip(0.5 - distance, 0, 1)
        lac += share * (filling - lac)
        outline[distance < -OUTLINE_HALF_PX] = False
    elif texture is not None:
        lac += np.clip(0.5 - distance, 0, 1) * texture
    share = np.clip(material.width / 2 + 0.5 - np.abs(distance), 0, 1)
    lac += share * (np.maximum(material.membrane, lac) - lac)
    if material.labelled:
        # In the slice the line's distance grows as the surface leans: |d| / upright.
        outline |= (np.abs(distance) < OUTLINE_HALF_PX * upright) & (upright > UPRIGHT)


def box_around(phantom: Phantom, low: Vector, high: Vector, margin: float = 8) -> Box | None:
    """Return the box from ``low`` to ``high`` and a margin round it, or None where little lies inside."""
    start = np.maximum(np.floor(low - margin), 0).astype(int)
    stop = np.minimum(np.ceil(high + margin), phantom.shape).astype(int)
    if (stop - start < 3).any():
        return None
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def paint_ellipsoid(
    rng: np.random.Generator,
    phantom: Phantom,
    centre: Vector,
    radii: Vector,
    material: Material,
    bumps: float,
) -> None:
    """Put a randomly turned ellipsoid into the phantom; ``bumps`` is the unevenness of its surface."""
    box = box_around(phantom, centre - radii.max() * 1.2, centre + radii.max() * 1.2)
    if box is None:
        return
    implicit = shapes.bumpy_ellipsoid(rng, box, centre, radii, Rotation.random(random_state=rng), bumps)
    grain = None
    if material.texture:
        grain = material.texture * shapes.smooth_noise(rng, box.shape, rng.uniform(4, 12))
    paint(phantom, box, implicit, material, grain)
