"""What instruments leave in slices that is no membrane: shadows of gold, doubled structures, borders.

Images are normalised crops (y, x) float32 with absorbing structures dark; labels are −1 background,
1 membrane, 0 does not count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import expit

Image = NDArray[np.float32]
Labels = NDArray[np.int8]


def add_artefacts(rng: np.random.Generator, image: Image, labels: Labels) -> tuple[Image, Labels]:
    """Return the crop with some of the artefacts, most crops with none, and what then still counts."""
    if rng.random() < 0.12:
        image = double(rng, image)
    if rng.random() < 0.22:
        image = add_gold_shadows(rng, image)
    if rng.random() < 0.12:
        image, labels = spoil_borders(rng, image, labels)
    return image, labels


def add_gold_shadows(rng: np.random.Generator, image: Image) -> Image:
    """Draw the shadows of one to three gold beads that lie above or below the slice.

    A slice at the height dz from a bead receives the bead's filtered projection from each tilt θ, shifted by
    dz·tan θ across the tilt axis: a streak, striped where the tilts lie far apart. The tilt axis is parallel
    to one edge of the crop.
    """
    shadowed = image.copy()
    for _ in range(int(rng.integers(1, 4))):
        shadow = _shadow(rng, image.shape)
        strongest = np.abs(shadow).max()
        if strongest > 0:
            shadowed -= shadow / strongest * np.float32(np.exp(rng.uniform(np.log(0.5), np.log(6))))
    return shadowed


def double(rng: np.random.Generator, image: Image) -> Image:
    """Return the mean of the image and itself up to 4 px away, as misaligned halves of a series do."""
    offset = rng.uniform(-1.4, 1.4, 2)
    halves = [ndimage.shift(image, sign * offset, order=1, mode="nearest") for sign in (1, -1)]
    mean: Image = ((halves[0] + halves[1]) / 2).astype(np.float32)
    return mean


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
        uneven = 1 + 0.3 * rng.normal(size=(1, image.shape[1] if side % 2 == 0 else image.shape[0]))
        np.rot90(image, side)[:width] += (profile[:, None] * uneven).astype(np.float32)
        if abs(height) > 1:
            strip = np.rot90(labels, side)[:width]
            strip[strip > 0] = 0
    return image, labels


def _shadow(rng: np.random.Generator, shape: tuple[int, ...]) -> Image:
    radius, height = rng.uniform(3, 13), np.exp(rng.uniform(np.log(2), np.log(90)))
    axis = int(rng.integers(2))  # along which the shadow is drawn out
    reach = int(3 * radius + 3)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    disc = expit((radius - np.hypot(y, x)) / rng.uniform(0.5, 1.5))
    # The ramp filter leaves flanks of the other sign across the tilt axis.
    flanks = ndimage.gaussian_filter1d(disc, radius * rng.uniform(0.5, 1.0), axis=axis)
    stamp = disc - rng.uniform(0.3, 1.1) * flanks
    limit, step = np.deg2rad(rng.uniform(50, 66)), np.deg2rad(rng.choice([1.0, 2.0, 3.0]))
    centre = [rng.uniform(-0.1, 1.1) * n for n in shape]
    canvas = np.zeros([n + 4 * reach for n in shape], np.float32)
    for tilt in np.arange(-limit, limit, step):
        place = [round(c) + reach for c in centre]
        place[axis] = round(centre[axis] + height * np.tan(tilt)) + reach
        if all(0 <= p < n + 2 * reach for p, n in zip(place, shape, strict=True)):
            rows, columns = (slice(p, p + 2 * reach + 1) for p in place)
            canvas[rows, columns] += stamp[: canvas[rows, columns].shape[0], : canvas[rows, columns].shape[1]]
    inner: Image = canvas[tuple(slice(2 * reach, 2 * reach + n) for n in shape)]
    return inner
