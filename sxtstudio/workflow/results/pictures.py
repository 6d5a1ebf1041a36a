"""Pictures of slices with labels or objects over them and a scale bar; no Qt, no screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.contrast import auto_window
from sxtstudio.core.geometry import Box
from sxtstudio.core.object_classes import Rgb
from sxtstudio.core.object_colours import number_colours
from sxtstudio.core.wording import grouped
from sxtstudio.workflow.document.exporting import ExportSource

#: Axes of the plane, rows first, and the axis that stands on it.
PLANES: dict[str, tuple[int, int, int]] = {"xy": (1, 2, 0), "xz": (0, 2, 1), "yz": (0, 1, 2)}
_LEAST_PX, _MOST_PX = 512, 2048
# Letters of this height are read.
_LETTERS_PX = 14
_OPACITY = 0.5
NARROW = "\u202f"
_BARS_NM = (100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)


def write_slice_picture(path: Path, source: ExportSource, plane: str, index: int | None = None) -> None:
    """Write a slice as PNG with square pixels, the contrast of the window, and a scale bar.

    Objects are drawn where there are some, in their colours, else the labels.

    Parameters
    ----------
    plane
        "xy" (x to the right, y down), "xz" or "yz".
    index
        Along the third axis; None: the middle.

    Raises
    ------
    UserError
        If the tomogram cannot be read or the picture cannot be written.
    """
    rows, columns, across = PLANES[plane]
    at = source.tomogram.shape[across] // 2 if index is None else index
    start, stop = [0, 0, 0], list(source.tomogram.shape)
    start[across], stop[across] = at, at + 1
    box = Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
    image = source.tomogram.read(box)[box_slice(across)]
    picture = _coloured(_grey(image), source, box, across)
    edges = (1.0, 1.0, 1.0) if source.voxel_nm is None else source.voxel_nm
    pixel = min(edges[rows], edges[columns])
    size = [picture.shape[1] * edges[columns] / pixel, picture.shape[0] * edges[rows] / pixel]
    zoom = max(1.0, _LEAST_PX / max(size))
    zoom = min(zoom, _MOST_PX / max(size))
    wide, high = (max(1, round(edge * zoom)) for edge in size)
    drawn = Image.fromarray(picture).resize((wide, high), Image.Resampling.BICUBIC)
    if source.voxel_nm is not None:
        draw_scale_bar(drawn, pixel / zoom)
    with atomic_write(path) as temporary:
        drawn.save(temporary, "PNG")


def box_slice(across: int) -> Any:
    """Return the index that makes a slab of one slice along ``across`` a plane."""
    return tuple(0 if axis == across else slice(None) for axis in range(3))


def _grey(image: NDArray[Any]) -> NDArray[np.float32]:
    values = np.nan_to_num(image.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = (float(end) for end in auto_window(image))
    grey: NDArray[np.float32] = 255 * np.clip((values - low) / max(high - low, 1e-30), 0, 1)
    return grey.astype(np.float32)


def _coloured(grey: NDArray[np.float32], source: ExportSource, box: Box, across: int) -> NDArray[np.uint8]:
    rgb = np.repeat(grey[:, :, np.newaxis], 3, axis=2)
    if source.objects is not None:
        numbers = np.asarray(source.objects[box.slices])[box_slice(across)]
        _paint(rgb, numbers, source)
    elif source.labels is not None:
        there = np.asarray(source.labels[box.slices])[box_slice(across)] != 0
        rgb[there] = rgb[there] * (1 - _OPACITY) + np.array(source.label_rgb, np.float32) * _OPACITY
    return np.rint(rgb).astype(np.uint8)


def _paint(rgb: NDArray[np.float32], numbers: NDArray[Any], source: ExportSource) -> None:
    """Draw objects in the colours of their classes, where there are such, else of their numbers."""
    there = numbers != 0
    found, place = np.unique(numbers[there], return_inverse=True)
    classes: dict[str, Rgb] = {one.name: one.rgb for one in source.table.classes}
    colours = number_colours(found).astype(np.float32)
    for row, number in enumerate(found.tolist()):
        known = source.table.rows.get(number)
        if known is not None and known.class_name in classes:
            colours[row] = classes[known.class_name]
    rgb[there] = rgb[there] * (1 - _OPACITY) + colours[place.ravel()] * _OPACITY


def draw_scale_bar(picture: Image.Image, pixel_nm: float, shown_px: int | None = None) -> None:
    """Draw a scale bar into the lower left corner, white with a dark edge, and its length above it.

    ``shown_px`` is the width at which a larger picture is shown, too: its letters are then still read.
    Nothing is drawn where even the shortest would be too long. A palette must have both colours.
    """
    width, height = picture.size
    fitting = [bar for bar in _BARS_NM if bar / pixel_nm <= 0.3 * width]
    if not fitting:
        return
    bar = fitting[-1]
    length, thick = bar / pixel_nm, max(3, width // 150)
    text = f"{grouped(bar).replace(NARROW, ' ')} nm"  # the font has no µ and no narrow space
    letters = max(_LETTERS_PX, width // 26)  # read, too, where the picture is shown at half its size
    if shown_px is not None:
        letters = max(letters, round(_LETTERS_PX * width / shown_px))
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(letters)
    left, top = 0.03 * width, height - 0.03 * width - thick
    for shift, colour in ((1, (0, 0, 0)), (0, (255, 255, 255))):
        pen.rectangle((left + shift, top + shift, left + length + shift, top + thick + shift), colour)
        pen.text((left + shift, top - letters * 1.4 + shift), text, colour, font)
