"""Small data by this checkout, for the installed program to work on: `make_data.py FOLDER`.

filopodia.tif, seeds.csv    membranes of a cell with two filopodia, the second cut by the last slice
bodies.tif, examples.csv    balls and rods, and the class of some of them
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

METADATA = {"axes": "ZYX", "unit": "um", "spacing": 0.01}


def cell_with_filopodia() -> NDArray[np.uint8]:
    """Return membranes (z, y, x) of a cell above y = 30 with two tubes, 40 px long and 12 wide.

    The second tube is cut by the last slice.
    """
    z, y, x = np.meshgrid(*(np.arange(n, dtype=float) for n in (26, 84, 90)), indexing="ij")
    nearest = np.clip(y, 0, 64)
    tubes = [
        np.sqrt((z - at) ** 2 + (y - nearest) ** 2 + (x - column) ** 2) - 6
        for at, column in ((12, 25), (22, 65))
    ]
    whole = np.minimum(y - 30, np.min(tubes, axis=0))
    return ((whole <= 0) & (whole > -2.2)).astype(np.uint8) * 255


def filopodia(folder: Path) -> None:
    """Write the cell, and a seed on each of its tubes."""
    labels = cell_with_filopodia()
    tifffile.imwrite(folder / "filopodia.tif", labels, imagej=True, resolution=(100, 100), metadata=METADATA)
    (folder / "seeds.csv").write_text("x,y,z\n25,50,12\n65,50,22\n", encoding="utf-8")


def bodies(folder: Path) -> None:
    """Draw twelve bodies; those with even numbers are rods."""
    z, y, x = np.meshgrid(*(np.arange(n, dtype=float) for n in (20, 60, 300)), indexing="ij")
    found = np.zeros(z.shape, np.uint16)
    for number in range(1, 13):
        row, place = divmod(number - 1, 6)
        along = 14 if number % 2 == 0 else 5
        level = ((z - 9.5) / 5) ** 2 + ((y - 15 - 30 * row) / 5) ** 2 + ((x - 26 - 49 * place) / along) ** 2
        found[level <= 1] = number
    tifffile.imwrite(folder / "bodies.tif", found, imagej=True, resolution=(100, 100), metadata=METADATA)
    rows = [f"{number},{'rod' if number % 2 == 0 else 'ball'}\n" for number in range(1, 9)]
    (folder / "examples.csv").write_text("object,class\n" + "".join(rows), encoding="utf-8")


if __name__ == "__main__":
    filopodia(Path(sys.argv[1]))
    bodies(Path(sys.argv[1]))
