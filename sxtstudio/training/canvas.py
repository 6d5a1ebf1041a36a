"""The volume that a phantom is painted into: absorption, what is where, and what a human would outline."""

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
#: How far inside the edge of a dark body without a darker rim an annotator draws: on its dark side.
DARK_SIDE_PX = 1.5

#: What a voxel can belong to; the values are those of ``Phantom.classes``.
CLASSES = {
    "ice": 0,
    "cytosol": 1,
    "nucleus": 2,
    "nucleolus": 3,
    "mitochondrion": 4,
    "vesicle": 5,
    "dense body": 6,
    "lipid droplet": 7,
    "endoplasmic reticulum": 8,
    "Golgi cisterna": 9,
    "filopodium": 10,
    "virus": 11,
    "nanoparticle": 12,
    "gold": 13,
    "granule": 14,
    "filament": 15,
    "vacuum": 16,
    "carbon film": 17,
    "glass": 18,
    "no data": 19,
}

#: Sites for new bodies are looked for on every fourth voxel.
SITE_STEP = 4


@dataclass(frozen=True)
class Appearance:
    """What all membranes of one phantom have in common."""

    voxel_nm: float
    cytosol: float  # absorption, 1/µm
    membrane: float  # absorption of a membrane that shows well
    width_nm: float  # apparent thickness of a membrane
    rims: float  # 0: bodies have no darker rim; 1: their membranes show well

    @property
    def width(self) -> float:
        """Apparent thickness of a membrane, voxels."""
        return max(0.7, self.width_nm / self.voxel_nm)

    def px(self, nm: float) -> float:
        """Return a length in voxels."""
        return nm / self.voxel_nm

    def rim(self, rng: np.random.Generator, inside: float) -> float:
        """Return the absorption of the membrane round a body of this absorption: from none to a clear rim."""
        faint = max(inside, self.cytosol) + rng.uniform(0.0, 0.05)
        clear = max(inside + 0.03, self.membrane * rng.uniform(0.85, 1.1))
        return float(faint + (max(clear, faint) - faint) * np.clip(self.rims * rng.uniform(0.4, 1.6), 0, 1))


@dataclass
class Phantom:
    """A volume under construction; all arrays are (z, y, x).

    ``room`` is the distance in voxels to the nearest thing that a new organelle must not overlap: positive
    in free cytosol, negative in organelles, the nucleus and outside the cell.
    """

    appearance: Appearance
    lac: Array  # absorption without grain, 1/µm
    grain: Array  # the fine structure of cytoplasm and organelles, to be added to ``lac``
    outline: NDArray[np.bool_]
    hidden: NDArray[np.bool_]
    classes: NDArray[np.uint8]
    instances: NDArray[np.uint16]
    room: Array
    sites: Array  # ``room`` on every fourth voxel, true to far beyond an organelle's neighbourhood
    objects: list[str] = field(default_factory=list)  # class of each instance, the first is number 1
    scene: str = ""

    @classmethod
    def empty(cls, shape: Triple, appearance: Appearance, lac: float, room: float = 0.0) -> Phantom:
        """Return a phantom of one material; ``room`` is what is free for organelles."""
        return cls(
            appearance,
            np.full(shape, lac, np.float32),
            np.zeros(shape, np.float32),
            np.zeros(shape, bool),
            np.zeros(shape, bool),
            np.zeros(shape, np.uint8),
            np.zeros(shape, np.uint16),
            np.full(shape, room, np.float32),
            np.full([-(-n // SITE_STEP) for n in shape], room, np.float32),
        )

    @property
    def shape(self) -> Triple:
        """Number of voxels along (z, y, x)."""
        z, y, x = self.lac.shape
        return (z, y, x)

    def new_instance(self, kind: str) -> int:
        """Return the number of a new object of class ``kind``."""
        self.objects.append(kind)
        return min(len(self.objects), np.iinfo(np.uint16).max)

    def find_site(
        self,
        rng: np.random.Generator,
        radius: float,
        crowded: float,
        near: tuple[Vector, float] | None = None,
    ) -> Vector | None:
        """Return a place where a ball finds room, touching its neighbours with the chance ``crowded``.

        Up to a sixth of the radius may overlap: the new body is then pressed flat against its neighbour.
        ``near`` is a point and how far from it (voxels) the place may be.
        """
        free = self.sites > radius * 0.83
        if near is not None:
            z, y, x = (
                (np.arange(n, dtype=np.float32) * SITE_STEP - c) ** 2
                for n, c in zip(self.sites.shape, near[0].astype(np.float32), strict=True)
            )
            free &= z[:, None, None] + y[:, None] + x < np.float32(near[1] ** 2)
        if crowded > 0 and rng.random() < crowded:
            tight = free & (self.sites < radius * 1.25 + 3)
            free = tight if tight.any() else free
        where = np.flatnonzero(free)
        if not len(where):
            return None
        site = np.unravel_index(where[rng.integers(len(where))], self.sites.shape)
        return np.array(site) * SITE_STEP + rng.uniform(-0.5, 0.5, 3) * SITE_STEP

    def room_at(self, points: Vector) -> Vector:
        """Return the free distance at points (n, 3); outside the volume as at its border."""
        index = np.rint(points / SITE_STEP).astype(int)
        z, y, x = np.clip(index, 0, np.array(self.sites.shape) - 1).T
        return np.asarray(self.sites[z, y, x], np.float64)

    def fit(self, box: Box, implicit: Array, gap: float) -> Array:
        """Return a shape cut back to where there is room, at a distance of ``gap`` from what is there."""
        # Far from its neighbours ``room`` is not exact, but there it does not matter.
        limit = np.float32(gap) - np.minimum(self.room[box.slices], np.float32(shapes.NEAR_PX))
        return np.asarray(np.maximum(implicit, limit))

    def claim(self, box: Box, implicit: Array, points: Vector, radius: float) -> None:
        """Take the room of a body: its shape near by, balls round ``points`` (n, 3) farther away."""
        part = self.room[box.slices]
        np.minimum(part, implicit, out=part)
        z, y, x = (np.arange(n, dtype=np.float32) * SITE_STEP for n in self.sites.shape)
        for cz, cy, cx in np.atleast_2d(points).astype(np.float32):
            square = ((z - cz) ** 2)[:, None, None] + ((y - cy) ** 2)[:, None] + (x - cx) ** 2
            np.minimum(self.sites, np.sqrt(square) - np.float32(radius), out=self.sites)

    def refresh_sites(self) -> None:
        """Take over ``room`` after a large change, such as a new cell or nucleus."""
        self.sites = np.ascontiguousarray(self.room[::SITE_STEP, ::SITE_STEP, ::SITE_STEP])


@dataclass(frozen=True)
class PhantomMaterial:
    """How a closed object absorbs: inside (None keeps what was there), its membrane, the membrane's width."""

    inside: float | None
    membrane: float
    width: float
    texture: float = 0.0
    labelled: bool = True


def paint(
    phantom: Phantom,
    box: Box,
    implicit: Array,
    material: PhantomMaterial,
    texture: Array | None = None,
    kind: str | None = None,
    one_stroke: bool = False,
    pieces: NDArray[np.int32] | None = None,
) -> None:
    """Put a closed shape into the phantom: its inside, its membrane, and the outline to be drawn.

    Parameters
    ----------
    texture
        Absorption that is added to the inside.
    kind
        Class of the inside's voxels, which become a new instance; None leaves both as they are.
    one_stroke
        A narrow object is drawn as one stroke, not as two lines with nothing between them.
    pieces
        Numbers from 1 of several bodies that the shape consists of, each of which becomes an instance.
    """
    distance, upright = shapes.signed_distance(implicit)
    lac, grain = phantom.lac[box.slices], phantom.grain[box.slices]
    inwards = _line_inwards(lac, distance, material)
    if material.inside is not None or texture is not None:
        share = np.clip(np.float32(0.5) - distance, 0, 1)
        if material.inside is not None:
            lac -= share * (lac - np.float32(material.inside))
            grain -= share * grain
        if texture is not None:
            grain += share * texture
    if material.width > 0:
        share = np.clip(np.float32(material.width / 2 + 0.5) - np.abs(distance), 0, 1)
        lac += share * np.maximum(np.float32(material.membrane) - lac, 0)
    if kind is not None:
        inside = distance < 0 if pieces is None else (distance < 0) & (pieces > 0)
        phantom.classes[box.slices][inside] = CLASSES[kind]
        if pieces is None:
            phantom.instances[box.slices][inside] = phantom.new_instance(kind)
        else:
            numbers = np.zeros(int(pieces.max()) + 1, np.uint16)
            for piece in np.unique(pieces[inside]):
                numbers[piece] = phantom.new_instance(kind)
            phantom.instances[box.slices][inside] = numbers[pieces[inside]]
    outline, hidden = phantom.outline[box.slices], phantom.hidden[box.slices]
    if material.inside is not None:
        covered = distance < -OUTLINE_HALF_PX
        outline[covered] = False
        hidden[covered] = False
    if material.labelled:
        draw(outline, hidden, distance + inwards, upright, one_stroke)


def _line_inwards(lac: Array, distance: Array, material: PhantomMaterial) -> np.float32:
    """Return how far inside a body's edge (px) its line is drawn, before the body is painted.

    An annotator follows the middle of a dark rim, but the dark side of a mere edge. Between the two,
    the contrasts of rim and body decide.
    """
    around = lac[(distance > 1) & (distance < 4)]
    if material.inside is None or not around.size:
        return np.float32(0)
    outside = float(np.median(around))
    body = max(material.inside - outside, 0.0)
    rim = max(material.membrane - max(material.inside, outside), 0.0) if material.width > 0 else 0.0
    return np.float32(DARK_SIDE_PX * body / max(body + rim, 1e-6))


def draw(
    outline: NDArray[np.bool_],
    hidden: NDArray[np.bool_],
    distance: Array,
    upright: Array,
    one_stroke: bool = False,
    half: float = OUTLINE_HALF_PX,
) -> None:
    """Add the line that an annotator would draw at distance 0, and where the surface lies in the slice."""
    # In the slice the line's distance grows as the surface leans: |d| / upright.
    seen = upright > UPRIGHT
    outline |= (np.abs(distance) < half * upright) & seen
    hidden |= (np.abs(distance) < half) & ~seen
    if one_stroke:
        outline |= (distance < 0) & (distance > -half - 1) & seen


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
    material: PhantomMaterial,
    bumps: float = 0.0,
    kind: str | None = None,
    gap: float | None = None,
    within: tuple[Box, Array] | None = None,
) -> tuple[Box, Array] | None:
    """Put a randomly turned ellipsoid into the phantom; ``bumps`` is the unevenness of its surface.

    With a ``gap`` it is a body of its own: it keeps this distance (voxels) from its neighbours, flattened
    where they press on it, and takes its room. ``within`` cuts it off at the surface of another shape.
    """
    box = box_around(phantom, centre - radii.max() * 1.2, centre + radii.max() * 1.2)
    if box is None:
        return None
    implicit = shapes.bumpy_ellipsoid(rng, box, centre, radii, Rotation.random(random_state=rng), bumps)
    if gap is not None:
        implicit = phantom.fit(box, implicit, gap)
        phantom.claim(box, implicit, centre, float(radii.mean()))
    if within is not None:
        implicit = _cut_off(box, implicit, within)
    grain = None
    if material.texture:
        grain = np.float32(material.texture) * shapes.smooth_noise(rng, box.shape, rng.uniform(4, 12))
    paint(phantom, box, implicit, material, grain, kind)
    return box, implicit


def _cut_off(box: Box, implicit: Array, within: tuple[Box, Array]) -> Array:
    """Return the part of a shape that lies inside another one."""
    outer_box, outer = within
    limit = np.full(box.shape, shapes.NEAR_PX, np.float32)
    low = np.maximum(box.start, outer_box.start)
    high = np.minimum(box.stop, outer_box.stop)
    if (high > low).all():
        here = tuple(slice(a - o, b - o) for a, b, o in zip(low, high, box.start, strict=True))
        there = tuple(slice(a - o, b - o) for a, b, o in zip(low, high, outer_box.start, strict=True))
        limit[here] = outer[there]
    cut: Array = np.maximum(implicit, limit + 1)
    return cut
