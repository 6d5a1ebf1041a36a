"""Colour maps of the slices."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

# Name in the settings and name for the user.
COLOUR_MAPS = {
    "grey": "Grey",
    "viridis": "Viridis",
    "magma": "Magma",
    "inferno": "Inferno",
    "plasma": "Plasma",
    "cividis": "Cividis (colour-blind safe)",
}


@lru_cache(maxsize=8)
def colours_of(name: str) -> NDArray[np.uint32] | None:
    """Return the 256 colours (0xffrrggbb) of a map; None for grey and for unknown names."""
    if name == "grey" or name not in COLOUR_MAPS:
        return None
    import pyqtgraph  # loaded when first needed: it takes a third of a second

    table = np.asarray(pyqtgraph.colormap.get(name).getLookupTable(nPts=256), np.uint32)
    packed: NDArray[np.uint32] = (
        np.uint32(0xFF000000) | table[:, 0] << np.uint32(16) | table[:, 1] << np.uint32(8) | table[:, 2]
    )
    return packed
