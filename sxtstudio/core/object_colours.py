"""The colour of an object by its number: the same everywhere, in slices, in 3D and in the table."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Colours = NDArray[np.uint8]

_GOLDEN = 0.618033988749895
# Saturation and brightness change from number to number, so that close hues still differ.
_SATURATION = np.array((0.72, 0.50, 0.85, 0.42))
_VALUE = np.array((0.92, 0.98, 0.78, 0.84))
_LUMINANCE = np.array((0.2126, 0.7152, 0.0722))
# Pure blue looks almost black when it is shaded or half transparent.
_DARKEST = 0.30


def number_colours(numbers: NDArray[Any]) -> Colours:
    """Return a colour for each number of an object, uint8 (n, 3): red, green, blue.

    Hues go round the circle in steps of the golden ratio, so that neighbours in number, which often are
    neighbours in the cell, are far apart. A colour depends on the number alone: nothing changes its colour
    when others come or go.

    Parameters
    ----------
    numbers
        (n,), integers from 1.
    """
    counted = np.asarray(numbers, np.int64)
    hue = (counted * _GOLDEN) % 1.0 * 6
    saturation, value = _SATURATION[counted % 4], _VALUE[counted % 4]
    # Hue to RGB without branches: https://en.wikipedia.org/wiki/HSL_and_HSV#HSV_to_RGB_alternative
    turn = (np.array((5.0, 3.0, 1.0)) + hue[:, None]) % 6
    part = np.clip(np.minimum(turn, 4 - turn), 0, 1)
    rgb = value[:, None] * (1 - saturation[:, None] * part)
    light = (rgb @ _LUMINANCE)[:, None]
    lifted = rgb + (1 - rgb) * np.maximum(0, _DARKEST - light) / (1 - light)
    colours: Colours = np.round(255 * lifted).astype(np.uint8)
    return colours
