"""Random colours that are told apart easily."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray

#: Of labels whose objects are not told apart.
PLAIN_RGB = (222, 168, 92)
_GOLDEN = 0.618033988749895
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
_DARKEST = 0.28
# Saturation and brightness change from object to object, so that close hues still differ.
_TONES = ((0.72, 0.92), (0.50, 0.98), (0.85, 0.70), (0.38, 0.80))


def random_colours(count: int, seed: int = 1) -> NDArray[np.uint8]:
    """Return ``count`` colours as uint8 (count, 3); the same seed gives the same colours.

    Hues go round the circle in steps of the golden ratio, so that neighbours in the list, the
    largest objects first, are far apart; where the circle begins is random.
    """
    start = np.random.default_rng(seed).random()
    colours = np.empty((count, 3), np.uint8)
    for i in range(count):
        saturation, value = _TONES[i % len(_TONES)]
        rgb = np.array(colorsys.hsv_to_rgb((start + i * _GOLDEN) % 1, saturation, value))
        # Pure blue looks almost black when it is shaded: lift what is too dark.
        light = float(rgb @ _LUMINANCE)
        if light < _DARKEST:
            rgb += (1 - rgb) * (_DARKEST - light) / (1 - light)
        colours[i] = np.round(255 * rgb)
    return colours
