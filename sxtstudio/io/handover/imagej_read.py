"""Names and colours of label images that this program wrote for ImageJ, or that ImageJ saved again."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import tifffile

from sxtstudio.core.label_image import Legend, LegendEntry
from sxtstudio.io.tiff_ifd import read_directories

COLOUR_MAP = 320
_METADATA = 50839
COLOURS = 256  # that a LUT has
#: The first line of the Info, before "7 = Mitochondrion" and so on.
HEADING = "Label = name"
_LINE = re.compile(r"(\d{1,5}) = (.+)")
_MOST_INFO_BYTES = 32 << 20


def place_in_lut(value: int, largest: int) -> int:
    """Return which of 256 colours ImageJ gives a value, where ``largest`` has the last one."""
    return value * COLOURS // max(largest + 1, COLOURS)


def imagej_legend(path: Path) -> Legend:
    """Return names and colours of the labels of a TIFF, () where its Info does not list them."""
    try:
        read_directories(path, 1)
        with tifffile.TiffFile(path) as file:
            return _legend_in(file)
    except MemoryError:
        raise
    except Exception:  # tifffile raises many kinds for damaged files
        return ()


def _legend_in(file: tifffile.TiffFile) -> Legend:
    page = file.pages.first
    stored, table = page.tags.get(_METADATA), page.tags.get(COLOUR_MAP)
    if stored is None or stored.count > _MOST_INFO_BYTES or not file.is_imagej:
        return ()
    described = file.imagej_metadata or {}
    lines = str(described.get("Info", "")).splitlines()
    if HEADING not in lines:
        return ()
    colours = np.full((COLOURS, 3), 128)
    if table is not None and table.count == colours.size:
        colours = np.asarray(table.value).reshape(3, COLOURS).T >> 8
    largest = int(described.get("max", COLOURS - 1)) if page.dtype == np.uint16 else COLOURS - 1
    found = {}
    for line in lines[lines.index(HEADING) + 1 :]:
        match = _LINE.fullmatch(line.strip())
        if match is None:
            break
        value = int(match[1])
        red, green, blue = colours[min(place_in_lut(value, largest), COLOURS - 1)].tolist()
        if value:
            found[value] = LegendEntry(value, match[2], (red, green, blue))
    return tuple(found[value] for value in sorted(found))
