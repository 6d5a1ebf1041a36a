"""What instruments leave in slices that is no membrane: shadows of gold, doubled structures, borders.

Images are normalised crops, float32 with absorbing structures dark: of a slice (y, x) or of neighbouring ones
(slices, y, x). Labels (y, x) are those of the middle slice: −1 background, 1 membrane, 0 does not count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import expit

from sxtstudio.training.neighbouring import heights, persisting, random_share

Image = NDArray[np.float32]
Labels = NDArray[np.int8]


def add_artefacts(rng: np.random.Generator, image: Image, labels: Labels) -> tuple[Image, Labels]:
    """Return the crop with some of the artefacts, most crops with none, and what then still counts."""
    if rng.random() < 0.12:
        image = double(rng, image)
    if rng.random() < 0.3:
        image = add_gold_shadows(rng, image)
    if rng.random() < 0.12:
        image, labels = spoil_borders(rng, image, labels)
    return image, labels


def bare_ice(rng: np.random.Generator, size: int, slices: int = 0) -> tuple[Image, Labels]:
    """Return a normalised square of ice with grain, gold and its shadows, all of it background.

    The image is (y, x), or (slices, y, x) if a number of slices is given.

    Membranes are what most crops show, so a network seldom learns what there is where there are none. The
    beads themselves, which look like lipid droplets, do not count.
    """
    shape = (slices, size, size) if slices else (size, size)
    image = rng.normal(size=shape).astype(np.float32)
    blur_px = rng.uniform(0.4, 1.2)
    image = persisting(image, random_share(rng, shape, blur_px))
    image = ndimage.gaussian_filter(image, blur_px, axes=(-2, -1))
    image /= image.std()
    labels = np.full((size, size), -1, np.int8)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    image += np.float32(rng.uniform(0, 2) / size) * (y * rng.normal() + x * rng.normal()).astype(np.float32)
    image = add_gold_shadows(rng, image)
    for _ in range(int(rng.integers(0, 4))):
        radius, (cy, cx) = rng.uniform(3, 13), rng.uniform(-0.1, 1.1, 2) * size
        along, across = (y - cy, x - cx) if rng.random() < 0.5 else (x - cx, y - cy)
        streak = np.exp(-((across / radius) ** 2) - np.abs(along) / rng.uniform(10, 60))
        distance = np.hypot(along, across) - radius
        bead = expit(-distance / rng.uniform(0.5, 1.5))
        image += (rng.uniform(0.5, 5) * streak - rng.uniform(4, 12) * bead).astype(np.float32)
        labels[distance < 4] = 0  # drawn out along z, they look the same in the next slices
    return image - image.mean(), labels


def add_gold_shadows(rng: np.random.Generator, image: Image) -> Image:
    """Draw the shadows of one to three gold beads that lie above or below the slice.

    A slice at the height dz from a bead receives the bead's filtered projection from each tilt θ, shifted by
    dz·tan θ across the tilt axis: a streak, striped where the tilts lie far apart. At high tilts beads leave
    the focus, so that many streaks are wider at their ends. The tilt axis is parallel to an edge of the crop.
    """
    shadowed = image.copy()
    for _ in range(int(rng.integers(1, 4))):
        shadow = _shadow(rng, image.shape)  # streaks move on from slice to slice
        strongest = np.abs(shadow).max()
        if strongest > 0:
            shadowed -= shadow / strongest * np.float32(np.exp(rng.uniform(np.log(0.5), np.log(6))))
    return shadowed


def double(rng: np.random.Generator, image: Image) -> Image:
    """Return the mean of the image and itself up to 4 px away, as misaligned halves of a series do."""
    offset = rng.uniform(-1.4, 1.4, 2)

    def doubled(plane: Image) -> Image:
        halves = [ndimage.shift(plane, sign * offset, order=1, mode="nearest") for sign in (1, -1)]
        mean: Image = ((halves[0] + halves[1]) / 2).astype(np.float32)
        return mean

    return doubled(image) if image.ndim == 2 else np.stack([doubled(plane) for plane in image])


def spoil_borders(rng: np.random.Generator, image: Image, labels: Labels) -> tuple[Image, Labels]:
    """Brighten or darken strips of up to 21 px along some edges, as reconstructions of a cut-out region do.

    Strips that drown what lies below them do not count, except for the membranes' background.
    """
    image, labels = image.copy(), labels.copy()
    for side in range(4):
        if rng.random() >= 0.35:
            continue
        width, height = int(rng.integers(2, 22)), rng.uniform(-4, 4)
        profile = np.full(width, height)
        if rng.random() < 0.6:
            profile *= np.exp(-np.arange(width) / max(1, width / 3))
        uneven = 1 + 0.3 * rng.normal(size=(1, image.shape[-1] if side % 2 == 0 else image.shape[-2]))
        np.rot90(image, side, (-2, -1))[..., :width, :] += (profile[:, None] * uneven).astype(np.float32)
        if abs(height) > 1:
            strip = np.rot90(labels, side)[:width]
            strip[strip > 0] = 0
    return image, labels


def _shadow(rng: np.random.Generator, shape: tuple[int, ...]) -> Image:
    radius, height = rng.uniform(3, 13), np.exp(rng.uniform(np.log(2), np.log(90)))
    axis = int(rng.integers(2))  # along which the shadow is drawn out
    growth = rng.uniform(0, 0.8) if rng.random() < 0.5 else 0.0
    reach = int(3 * radius * (1 + growth) + 3)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    edge, flank, depth = rng.uniform(0.5, 1.5), rng.uniform(0.5, 1.0), rng.uniform(0.3, 1.1)
    stamps = []
    for size in radius * (1 + growth * np.linspace(0, 1, 4 if growth else 1)):
        disc = expit((size - np.hypot(y, x)) / edge) * np.float32(radius / size)
        # The ramp filter leaves flanks of the other sign across the tilt axis.
        stamps.append(disc - depth * ndimage.gaussian_filter1d(disc, size * flank, axis=axis))
    limit, step = np.deg2rad(rng.uniform(50, 66)), np.deg2rad(rng.choice([1.0, 2.0, 3.0]))
    size = shape[-2:]
    centre = [rng.uniform(-0.1, 1.1) * n for n in size]
    canvas = np.zeros([*shape[:-2], *(n + 4 * reach for n in size)], np.float32)
    planes = canvas[np.newaxis] if canvas.ndim == 2 else canvas
    for tilt in np.arange(-limit, limit, step):
        stamp = stamps[int(abs(tilt) / limit * (len(stamps) - 1) + 0.5)]
        place = [round(c) + reach for c in centre]
        for plane, step in zip(planes, heights(shape), strict=True):
            place[axis] = round(centre[axis] + (height + step) * np.tan(tilt)) + reach
            if all(0 <= p < n + 2 * reach for p, n in zip(place, size, strict=True)):
                part = plane[tuple(slice(p, p + 2 * reach + 1) for p in place)]
                part += stamp[: part.shape[0], : part.shape[1]]
    inner: Image = canvas[..., 2 * reach : 2 * reach + size[0], 2 * reach : 2 * reach + size[1]]
    return inner
