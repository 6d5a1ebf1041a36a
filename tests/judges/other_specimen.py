"""The specimen of the second simulator: a cell painted from level sets and swept tubes.

Used only by other_simulator.py beside it, which loads it. Axes are (z, y, x), lengths in px unless named _nm.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import fft

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
Points = NDArray[np.float64]
Shape = tuple[int, int, int]
Box = tuple[slice, ...]

ICE, GOLD = 0.11, 6.0  # LAC in 1/µm; gold is in truth nearer 14, but no reconstruction recovers that
OUTLINE, DOUBLE_OUTLINE = 2.5, 3.0  # half width of the line drawn round a membrane, and round a double one
UPRIGHT = 0.6  # in-plane part of a membrane's normal below which an annotator no longer sees a line
EVERYWHERE: Box = (slice(None),) * 3


class Scene:
    """The specimen while it is painted."""

    def __init__(self, shape: Shape, appearance: SimpleNamespace, voxel_nm: float) -> None:
        self.shape, self.appearance = shape, appearance
        self.unit = appearance.scale / voxel_nm  # px per nm of the textbook
        self.lac = np.full(shape, ICE, np.float32)
        self.plain = self.lac  # later: the same without grain and gold
        self.drawn = np.zeros(shape, bool)  # outlines of upright membranes, visible or not
        self.centre = np.zeros(shape, bool)
        self.doubtful = np.zeros(shape, bool)
        self.taken = np.empty((0, 4))  # balls that organelles occupy: z, y, x, radius
        self.tally: dict[str, int] = {}
        self.sigma = np.sqrt(max((appearance.membrane_width / 2.355) ** 2 - appearance.blur**2, 0.45**2))
        # what the blur takes from a membrane's peak is given back: `look.membrane` is what a slice shows
        self.peak = appearance.membrane * np.hypot(self.sigma, appearance.blur) / self.sigma

    def fill(self, box: Box, distance: Array, value: float) -> None:
        inside = np.clip(0.5 - distance, 0.0, 1.0)
        self.lac[box] += inside * (value - self.lac[box])

    def double_membrane(self, box: Box, distance: Array, gap: float, strength: float) -> None:
        """Two membranes `gap` apart, which an annotator takes for one line."""
        for shift in (0.0, gap):
            self.membrane(box, distance + np.float32(shift), strength, outline=0.0)
        self.membrane(box, distance + np.float32(gap / 2), 0.0, outline=DOUBLE_OUTLINE)

    def membrane(self, box: Box, distance: Array, strength: float, outline: float = OUTLINE) -> None:
        """Add a membrane at distance 0 and its outline; strength 0 outlines a bare edge."""
        near = np.abs(distance) < 8
        spans = [np.flatnonzero(near.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
        if min(span.size for span in spans) < 2:
            return
        tight = as_box([span[0] for span in spans], [span[-1] + 1 for span in spans])
        distance = distance[tight]
        upright = _uprightness(distance)
        profile = strength * self.peak * np.exp(-0.5 * (distance / self.sigma) ** 2)
        self.lac[box][tight] += profile.astype(np.float32)
        if not outline:
            return
        in_slice = np.abs(distance) / np.maximum(upright, 0.1)
        line = in_slice <= outline
        self.drawn[box][tight] |= line & (upright > UPRIGHT)
        self.doubtful[box][tight] |= line & (upright <= UPRIGHT)
        self.centre[box][tight] |= (in_slice <= 1.0) & (upright > UPRIGHT)

    def count(self, kind: str) -> None:
        self.tally[kind] = self.tally.get(kind, 0) + 1

    def take(self, points: Points, radius: float) -> None:
        self.taken = np.vstack([self.taken, np.column_stack([points, np.full(len(points), radius)])])

    def is_free(self, points: Points, radius: float) -> Mask:
        """Whether a ball of this radius fits at each point."""
        square = sum((points[:, i, None] - self.taken[None, :, i]) ** 2 for i in range(3))
        return (square > (self.taken[:, 3] + radius) ** 2).all(axis=1)


def as_box(low: Points, high: Points) -> Box:
    return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))


def _box(low: Points, high: Points, shape: tuple[int, ...]) -> tuple[Box, list[Array]] | None:
    """Box from `low` to `high` inside `shape`, and its coordinates as broadcastable arrays."""
    low = np.maximum(np.floor(low), 0).astype(int)
    high = np.minimum(np.ceil(high) + 1, shape).astype(int)
    if np.any(high - low < 3):
        return None
    box = as_box(low, high)
    return box, [axis.astype(np.float32) for axis in np.ogrid[box]]


def _uprightness(distance: Array) -> Array:
    """In-plane part (0..1) of the unit normal of the level sets of `distance`."""
    gz, gy, gx = np.gradient(distance)
    plane = gy * gy + gx * gx
    return np.sqrt(plane / (plane + gz * gz + 1e-6))


def _to_distance(level: Array) -> Array:
    """First-order signed distance of a level-set function, good near its zero."""
    gz, gy, gx = np.gradient(level)
    return level / np.sqrt(gz * gz + gy * gy + gx * gx + 1e-8)


def waves(rng: Generator, shape: tuple[int, ...], shortest: float, longest: float, count: int) -> Array:
    """Sum of random Fourier modes, each of a height in proportion to its wavelength."""
    total = np.zeros(shape, np.float32)
    for _ in range(count):
        wavelength = np.exp(rng.uniform(np.log(shortest), np.log(longest)))
        direction = rng.normal(size=3) * (0.6, 1.0, 1.0)
        k = 2 * np.pi / wavelength * direction / np.linalg.norm(direction)
        phase = [np.exp(1j * k[a] * np.arange(shape[a])).astype(np.complex64) for a in range(3)]
        height = 0.1 * wavelength / np.sqrt(count) * np.exp(2j * np.pi * rng.random())
        plane = (height * np.outer(phase[1], phase[2])).astype(np.complex64)
        along = phase[0][:, None, None]
        total += along.real * plane.real - along.imag * plane.imag
    return total


def _body(rng: Generator, scene: Scene, centre: Points, axes: Points, roughness: float) -> Array:
    """Signed distance (negative inside) of a big ellipsoid roughened by random Fourier modes."""
    grid = np.ogrid[tuple(slice(0, n) for n in scene.shape)]
    rho = np.sqrt(sum(((g - c) / a) ** 2 for g, c, a in zip(grid, centre, axes, strict=True)))
    level = ((rho - 1.0) * axes[1:].min()).astype(np.float32)
    return _to_distance(level + roughness * waves(rng, scene.shape, 400 * scene.unit, 2500 * scene.unit, 8))


def _walk(rng: Generator, start: Points, direction: Points, length: float, bend: float) -> Points:
    """Smooth random walk with steps of 1 px, mostly within the slice plane."""
    direction = direction / np.linalg.norm(direction)
    turn = np.zeros(3)
    points = [np.asarray(start, float)]
    for _ in range(max(int(length), 2)):
        turn = 0.93 * turn + rng.normal(size=3) * bend * (0.4, 1.0, 1.0)
        direction = direction + turn
        direction /= np.linalg.norm(direction)
        points.append(points[-1] + direction)
    return np.array(points)


def _tube(shape: Shape, path: Points, radii: Points, margin: float) -> tuple[Box, Array, Array] | None:
    """Signed distance to spheres strung along a path, and the position along it, in their own box."""
    reach = radii.max() + margin
    found = _box(path.min(0) - reach, path.max(0) + reach, shape)
    if found is None:
        return None
    box, grid = found
    size = [g.size for g in grid]
    low = np.array([g.flat[0] for g in grid])
    distance = np.full(size, margin, np.float32)
    along = np.zeros(size, np.float32)
    forward = np.gradient(path, axis=0).astype(np.float32)
    for i in range(0, len(path), max(1, int(radii.min() / 5))):
        centre, reach = path[i] - low, radii[i] + margin
        part = _box(centre - reach, centre + reach, tuple(size))
        if part is None:
            continue
        here, local = part
        z, y, x = (g - np.float32(c) for g, c in zip(local, centre, strict=True))
        new = np.sqrt(z * z + y * y + x * x) - np.float32(radii[i])
        nearer = new < distance[here]
        np.copyto(distance[here], new, where=nearer)
        fz, fy, fx = forward[i]
        np.copyto(along[here], i + fz * z + fy * y + fx * x, where=nearer)
    return box, distance, along


def _blob(
    rng: Generator, shape: Shape, centre: Points, radius: float, lumps: float
) -> tuple[Box, Array] | None:
    """Signed distance of a slightly lumpy ellipsoid in its own box."""
    reach = radius * (1.3 + lumps) + 8
    found = _box(centre - reach, centre + reach, shape)
    if found is None:
        return None
    box, grid = found
    offset = np.stack(np.broadcast_arrays(*(g - c for g, c in zip(grid, centre, strict=True))), axis=-1)
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    unit = (offset @ rotation / (radius * rng.uniform(0.85, 1.2, 3))).astype(np.float32)
    level = np.sqrt((unit**2).sum(-1)) - 1.0
    for _ in range(3):
        direction = rng.normal(size=3).astype(np.float32) * 1.6
        level += lumps / 3 * np.sin(unit @ direction + np.float32(rng.uniform(0, 6.3)))
    return box, _to_distance(level * np.float32(radius))


def frequencies(shape: Shape) -> tuple[Array, Array, Array]:
    """Frequencies (kz, ky, kx) in cycles per px, broadcastable, for rfftn."""
    kz, ky, kx = np.fft.fftfreq(shape[0]), np.fft.fftfreq(shape[1]), np.fft.rfftfreq(shape[2])
    return tuple(k.astype(np.float32) for k in (kz[:, None, None], ky[:, None], kx))


def complex_noise(rng: Generator, shape: Shape) -> NDArray[np.complex64]:
    """White noise as its rfftn."""
    return rng.standard_normal((*shape[:2], shape[2] // 2 + 1, 2), np.float32).view(np.complex64)[..., 0]


def _texture(rng: Generator, shape: Shape, size: float) -> Array:
    """Gaussian field of unit variance, 1/f-like beyond the wavelength 2*pi*size."""
    k2 = sum(k * k for k in frequencies(shape))
    field = complex_noise(rng, shape) * ((k2 + (0.16 / size) ** 2) ** -0.7 * np.exp(-k2 / 0.12))
    field[0, 0, 0] = 0
    real = fft.irfftn(field, shape, overwrite_x=True)
    return real / real.std()


def _paint_cell(rng: Generator, scene: Scene) -> tuple[Array, Array]:
    """Cell with filopodia and perhaps a nucleus; returns the signed distances of both."""
    appearance, u = scene.appearance, scene.unit
    shape = np.array(scene.shape, float)
    half = shape[1:].min() / 2
    angle = rng.uniform(0, 2 * np.pi)
    outward = np.array([0.0, np.sin(angle), np.cos(angle)])
    size = np.array([rng.uniform(1500, 4000), *rng.uniform(3500, 7000, 2)]) * u
    # share of half the field of view at which the cell ends, counted from the middle
    ends = {"edge": (-0.1, 0.35), "inside": (1.2, 1.3), "nucleus": (0.4, 1.2), "filopodia": (-0.5, -0.25)}
    centre = shape / 2 + outward * (rng.uniform(*ends[appearance.scene]) * half - size[1:].min())
    centre[0] += rng.uniform(-0.5, 0.5) * size[0]
    cell = _body(rng, scene, centre, size, rng.uniform(0.4, 1.4))
    _add_filopodia(rng, scene, cell)
    scene.fill(EVERYWHERE, cell, appearance.cytosol)
    scene.membrane(EVERYWHERE, cell, rng.uniform(0.8, 1.3))
    if appearance.scene != "nucleus" and (appearance.scene != "inside" or rng.random() < 0.7):
        return cell, np.full(scene.shape, np.inf, np.float32)
    size = np.array([rng.uniform(1200, 2500), *rng.uniform(1500, 3500, 2)]) * u
    centre = shape / 2 - outward * (rng.uniform(-0.4, 0.5) * half + size[1:].min())
    nucleus = np.maximum(_body(rng, scene, centre, size, rng.uniform(0.3, 1.0)), cell + 120 * u)
    scene.fill(EVERYWHERE, nucleus, appearance.cytosol + rng.uniform(-0.04, 0.03))
    scene.double_membrane(EVERYWHERE, nucleus, rng.uniform(30, 50) * u, 0.85)
    scene.count("nucleus")
    return cell, nucleus


def _add_filopodia(rng: Generator, scene: Scene, cell: Array) -> None:
    """Melt filopodia into the cell's distance, in place (smooth union)."""
    u = scene.unit
    wanted = {"inside": 0, "nucleus": 1, "edge": 4, "filopodia": 9}[scene.appearance.scene]
    surface = np.argwhere(np.abs(cell) < 1.0) if wanted else np.empty((0, 3))
    for _ in range(rng.poisson(wanted)):
        start, outward = rng.random(3) * scene.shape, rng.normal(size=3)  # a neighbour's passes by
        if len(surface) and rng.random() < 0.75:
            start = np.clip(surface[rng.integers(len(surface))], 1, np.array(scene.shape) - 2)
            corner = as_box(start - 1, start + 2)
            outward = np.array([g.mean() for g in np.gradient(cell[corner])])
        outward = outward / (np.linalg.norm(outward) + 1e-6) + rng.normal(0, 0.35, 3)
        outward[0] *= 0.25
        path = _walk(rng, start, outward, rng.uniform(700, 3500) * u, rng.uniform(0.001, 0.004))
        t = np.linspace(0, 1, len(path))
        shape = 1 + 0.5 * np.exp(-t * 8) - 0.35 * t**2 + 0.1 * np.sin(t * rng.uniform(5, 25))
        tube = _tube(scene.shape, path, rng.uniform(50, 110) * u * shape, margin=14)
        if tube is None:
            continue
        box, other, _ = tube
        body, k = cell[box], 10.0
        h = np.clip(0.5 + 0.5 * (other - body) / k, 0, 1)
        cell[box] = np.where(other < 13.9, other + h * (body - other) - k * h * (1 - h), body)
        scene.count("filopodium")


def _fits(scene: Scene, cell: Array, nucleus: Array, points: Points, radius: float) -> Mask:
    """Whether a ball of this radius lies in free cytoplasm, at each point; false outside the volume."""
    inside = np.all((points >= 0) & (points < scene.shape), axis=1)
    at = tuple(np.clip(points, 0, np.array(scene.shape) - 1).astype(int).T)
    return inside & (cell[at] < -radius - 4) & (nucleus[at] > radius + 5) & scene.is_free(points, radius + 2)


def _site(rng: Generator, scene: Scene, cell: Array, nucleus: Array, radius: float) -> Points | None:
    """A free place in the cytoplasm for a ball of this radius, or None."""
    places = rng.random((25, 3)) * scene.shape
    fits = _fits(scene, cell, nucleus, places, radius)
    return places[fits.argmax()] if fits.any() else None


def _add_mitochondrion(rng: Generator, scene: Scene, cell: Array, nucleus: Array) -> None:
    u, appearance = scene.unit, scene.appearance
    radius = rng.uniform(110, 220) * u
    start = _site(rng, scene, cell, nucleus, radius)
    if start is None:
        return
    direction = rng.normal(size=3) * (0.4, 1, 1)
    path = _walk(rng, start, direction, rng.uniform(150, 1600) * u, rng.uniform(0.001, 0.006))
    path = path[np.logical_and.accumulate(_fits(scene, cell, nucleus, path, radius))]
    if len(path) <= 3:
        return
    waist = 1 + 0.12 * np.sin(np.arange(len(path)) / (80 * u) + rng.uniform(0, 6.3))
    tube = _tube(scene.shape, path, radius * waist, margin=8)
    if tube is None:
        return
    box, outer, along = tube
    scene.take(path[::4], radius)
    gap = rng.uniform(18, 28) * u
    inner = outer + np.float32(gap)
    scene.fill(box, outer, appearance.cytosol - 0.02)
    scene.fill(box, inner, rng.uniform(0.32, 0.45))
    if rng.random() < 0.8:  # cristae: sheets across the long axis, folded by slow random modes
        folds = waves(rng, outer.shape, radius, 4 * radius, 5)
        sheet = np.sin(np.pi * (along + 3 * folds) / (rng.uniform(70, 130) * u))
        crista = np.clip(-inner - 1, 0, 1) * np.exp(-0.5 * (sheet / 0.3) ** 2)
        scene.lac[box] += np.float32(rng.uniform(0.6, 1.3) * appearance.membrane) * crista
        scene.doubtful[box] |= crista > 0.4
    scene.double_membrane(box, outer, gap, 0.8)
    scene.count("mitochondrion")


def _add_ball(rng: Generator, scene: Scene, cell: Array, nucleus: Array, kind: str) -> None:
    """Vesicle (hollow, one membrane), dense body, or lipid droplet (dark, no visible membrane)."""
    cytosol = scene.appearance.cytosol
    smallest, largest, lumps, lac, strength = {
        "vesicle": (50, 320, 0.25, (0.12, cytosol + 0.03), (0.7, 1.3)),
        "dense": (60, 200, 0.15, (0.38, 0.5), (0.2, 0.8)),
        "lipid": (90, 330, 0.0, (0.6, 0.8), (0.0, 0.0)),
    }[kind]
    radius = np.exp(rng.uniform(np.log(smallest), np.log(largest))) * scene.unit
    centre = _site(rng, scene, cell, nucleus, radius)
    blob = None if centre is None else _blob(rng, scene.shape, centre, radius, lumps)
    if blob is None:
        return
    scene.take(centre[None], radius)
    value = rng.uniform(*lac)
    scene.fill(*blob, value)
    scene.membrane(*blob, rng.uniform(*strength))
    scene.count(kind)
    if kind == "vesicle" and radius > 18 and rng.random() < 0.25:  # a vesicle within the vesicle
        small = radius * rng.uniform(0.3, 0.5)
        blob = _blob(rng, scene.shape, centre + rng.normal(0, radius / 6, 3), small, 0.1)
        if blob is not None:
            scene.fill(*blob, value + rng.uniform(0.0, 0.15))
            scene.membrane(*blob, rng.uniform(0.6, 1.0))


def _add_er(rng: Generator, scene: Scene, cell: Array, nucleus: Array) -> None:
    u = scene.unit
    radius = rng.uniform(25, 50) * u
    start = _site(rng, scene, cell, nucleus, radius)
    if start is None:
        return
    path = _walk(rng, start, rng.normal(size=3) * (0.3, 1, 1), rng.uniform(400, 2000) * u, 0.012)
    path = path[_fits(scene, cell, nucleus, path, radius)]
    tube = _tube(scene.shape, path, np.full(len(path), radius), margin=8) if len(path) >= 10 else None
    if tube is not None:
        scene.membrane(tube[0], tube[1], rng.uniform(0.5, 1.0))
        scene.count("er tubule")


def _add_gold(rng: Generator, scene: Scene) -> None:
    """A bead with a faint diffraction ring; nobody outlines it, and what it hides cannot be drawn."""
    radius = rng.uniform(45, 125) * scene.unit / scene.appearance.scale  # beads do not scale with the cell
    blob = _blob(rng, scene.shape, rng.random(3) * scene.shape, radius, 0.0)
    if blob is None:
        return
    box, distance = blob
    scene.fill(box, distance, GOLD * rng.uniform(0.4, 1.0))
    ring = np.cos(distance * np.float32(2 * np.pi / rng.uniform(6, 9))) * np.exp(-np.abs(distance) / 4)
    scene.lac[box] += np.float32(0.3 * scene.appearance.membrane) * np.where(distance > 1, ring, 0)
    hidden = distance < 2
    scene.drawn[box] &= ~hidden
    scene.centre[box] &= ~hidden
    scene.doubtful[box] |= hidden
    scene.count("gold")


def paint(rng: Generator, shape: Shape, appearance: SimpleNamespace, voxel_nm: float) -> Scene:
    scene = Scene(shape, appearance, voxel_nm)
    cell, nucleus = _paint_cell(rng, scene)
    # per 100 µm³ of cytoplasm; some cells are crammed with one kind, others nearly without
    volume = np.count_nonzero((cell < -20) & (nucleus > 20)) / scene.unit**3 / 1e11
    amounts = {"mitochondrion": 150, "lipid": 50, "dense": 80, "vesicle": 350, "er": 250}
    for kind, amount in amounts.items():
        for _ in range(min(rng.poisson(volume * amount * np.exp(rng.normal(0, 0.8))), 80)):
            if kind == "mitochondrion":
                _add_mitochondrion(rng, scene, cell, nucleus)
            elif kind == "er":
                _add_er(rng, scene, cell, nucleus)
            else:
                _add_ball(rng, scene, cell, nucleus, kind)
    scene.plain = scene.lac.copy()
    field = _texture(rng, shape, appearance.grain_size)
    if "nucleus" in scene.tally:  # chromatin: the same field elsewhere, softly thresholded
        chromatin = np.tanh(2 * np.roll(field, [n // 2 for n in shape], (0, 1, 2)) - 1) + 1
        scene.lac += np.clip(-nucleus - 60 * scene.unit, 0, 1) * chromatin * np.float32(rng.uniform(0, 0.04))
    scene.lac += np.float32(appearance.grain) * field * np.clip(scene.lac - ICE, 0, 0.5)
    for _ in range(rng.poisson(1.5e-5 * shape[1] * shape[2] * np.exp(rng.normal(0, 0.6)))):
        _add_gold(rng, scene)
    return scene
