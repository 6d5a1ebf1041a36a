"""Labels in memory and on disk: uint8 (z, y, x), 0 where nothing is labelled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LABEL = 255


def as_labels(where: NDArray[Any]) -> NDArray[np.uint8]:
    """Return uint8 of the same shape: ``LABEL`` where ``where`` is true or not 0, else 0."""
    labels: NDArray[np.uint8] = np.multiply(where != 0, np.uint8(LABEL), dtype=np.uint8)
    return labels
