"""The numbers of a range's components in a file: their sizes, and the slices at which ranges are joined."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.objects import NumberedSlices, Seam
from sxtstudio.workflow.ranges.arrays import read_arrays, write_arrays

_NAME = "seam.npz"
_ARRAYS = {"sizes": np.int64, "pairs": np.int64, "first": np.uint32, "after": np.uint32}


def write_numbered(folder: Path, numbered: NumberedSlices) -> None:
    """Write them to a folder, the one of a range."""
    arrays: dict[str, NDArray[Any]] = {
        "sizes": numbered.sizes,
        "pairs": numbered.pairs,
        "first": numbered.seam.first,
        "after": numbered.seam.after,
    }
    write_arrays(folder / _NAME, arrays)


def read_numbered(folder: Path) -> NumberedSlices:
    """Return what was written to the folder of a range; raises UserError if it is damaged."""
    arrays = read_arrays(folder / _NAME, _ARRAYS)
    return NumberedSlices(arrays["sizes"], arrays["pairs"], Seam(arrays["first"], arrays["after"]))
