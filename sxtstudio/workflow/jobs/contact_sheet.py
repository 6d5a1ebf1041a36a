"""A contact sheet: the middle slice of many tomograms with what was found in them, on one picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.contrast import auto_window
from sxtstudio.core.geometry import Box
from sxtstudio.core.shipped import resources
from sxtstudio.io import open_volume

PANEL_PX = 320
CAPTION_PX = 46
GAP_PX = 10
# More than these on one picture would be larger than programs open gladly; the next ones get another.
PANELS_PER_SHEET = 60

_GROUND, _TEXT, _FAINT, _FRAME = (24, 26, 30), (232, 234, 237), (150, 155, 163), (70, 74, 82)
_LABEL = np.array((255, 176, 0), np.float32)
_OPACITY = 0.55


@dataclass(frozen=True)
class SheetPanel:
    """One picture: a line with the name, a line below it, and RGB pixels (y, x, 3) or a message instead."""

    name: str
    caption: str
    pixels: NDArray[np.uint8] | None = None
    message: str = ""


def panel_of(tomogram: Path, labels: Path | None, caption: str) -> SheetPanel:
    """Return the panel of the middle slice of a tomogram, with its labels over it.

    Parameters
    ----------
    tomogram, labels
        Files of the same shape.
    caption
        The second line.

    Raises
    ------
    UserError
        If a file cannot be read.
    """
    with open_volume(tomogram) as source:
        z = source.shape[0] // 2
        box = Box.slab(z, z + 1, source.shape)
        image = source.read(box)[0]
        found: NDArray[np.bool_] | None = None
        if labels is not None:
            with open_volume(labels) as file:
                found = file.read(box)[0] != 0 if file.shape == source.shape else None
    return SheetPanel(tomogram.name, caption, _overlay(image, found))


def sheet_paths(path: Path, panels: int) -> list[Path]:
    """Return the names of the pictures that ``panels`` panels need: sheet.png, sheet-2.png …"""
    count = max(1, math.ceil(panels / PANELS_PER_SHEET))
    return [path if n == 1 else path.with_name(f"{path.stem}-{n}{path.suffix}") for n in range(1, count + 1)]


def write_contact_sheet(path: Path, panels: list[SheetPanel], first: int = 0) -> list[Path]:
    """Write the panels as PNG pictures and return their files; more than 60 panels need several.

    ``first`` is the number of full pictures that were written before, whose panels are not among these.

    Raises
    ------
    UserError
        If a file cannot be written.
    """
    paths = sheet_paths(path, first * PANELS_PER_SHEET + len(panels))[first:]
    for number, file in enumerate(paths):
        picture = draw(panels[number * PANELS_PER_SHEET : (number + 1) * PANELS_PER_SHEET])
        with atomic_write(file) as temporary:
            picture.save(temporary, "PNG")
    return paths


def draw(panels: list[SheetPanel]) -> Image.Image:
    """Return the picture of some panels, in a grid that is a little wider than high."""
    columns = max(1, min(len(panels), math.ceil(math.sqrt(1.3 * len(panels)))))
    rows = max(1, math.ceil(len(panels) / columns))
    step_x, step_y = PANEL_PX + GAP_PX, PANEL_PX + CAPTION_PX + GAP_PX
    sheet = Image.new("RGB", (GAP_PX + columns * step_x, GAP_PX + rows * step_y), _GROUND)
    pen = ImageDraw.Draw(sheet)
    large, small = _font(15), _font(12)
    for number, panel in enumerate(panels):
        left, top = GAP_PX + number % columns * step_x, GAP_PX + number // columns * step_y
        if panel.pixels is None:
            pen.rectangle((left, top, left + PANEL_PX - 1, top + PANEL_PX - 1), outline=_FRAME)
            pen.multiline_text((left + 16, top + 16), _wrapped(pen, panel.message, small), _FAINT, small)
        else:
            height, width = panel.pixels.shape[:2]
            corner = (left + (PANEL_PX - width) // 2, top + (PANEL_PX - height) // 2)
            sheet.paste(Image.fromarray(panel.pixels), corner)
        pen.text((left, top + PANEL_PX + 5), _shortened(pen, panel.name, large), _TEXT, large)
        pen.text((left, top + PANEL_PX + 25), _shortened(pen, panel.caption, small), _FAINT, small)
    return sheet


@cache
def _font(px: int) -> Any:
    """Return the font that came with the program: Pillow's own has no letters beyond those of English."""
    try:
        return ImageFont.truetype(resources() / "fonts" / "DejaVuSans.ttf", px)
    except OSError:
        return ImageFont.load_default(px)


def _overlay(image: NDArray[Any], labels: NDArray[np.bool_] | None) -> NDArray[np.uint8]:
    """Return a slice (y, x) as RGB of at most PANEL_PX, with the contrast that the window would choose."""
    values = np.nan_to_num(image.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = auto_window(image)
    grey = 255 * np.clip((values - float(low)) / max(float(high - low), 1e-30), 0, 1)
    height, width = grey.shape
    scale = PANEL_PX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = Image.Resampling.BOX if scale < 1 else Image.Resampling.NEAREST
    small = np.asarray(Image.fromarray(grey.astype(np.uint8)).resize(size, how), np.float32)
    rgb = np.repeat(small[:, :, np.newaxis], 3, axis=2)
    if labels is not None:
        # The share of labelled pixels under each pixel of the panel: thin membranes stay visible.
        share = np.asarray(Image.fromarray(labels.astype(np.uint8) * 255).resize(size, how), np.float32) / 255
        cover = (np.sqrt(share) * _OPACITY)[:, :, np.newaxis]
        rgb = (rgb * (1 - cover) + _LABEL * cover).astype(np.float32)
    return np.rint(rgb).astype(np.uint8)


def _shortened(pen: ImageDraw.ImageDraw, text: str, font: Any) -> str:
    """Return as much of a line as fits, without its middle, where names are alike the least."""
    text = " ".join(text.split())
    if pen.textlength(text, font=font) <= PANEL_PX:
        return text
    keep = len(text)
    while keep > 4:
        keep -= 1
        short = f"{text[: keep // 2]}…{text[len(text) - keep // 2 :]}"
        if pen.textlength(short, font=font) <= PANEL_PX:
            return short
    return text[:4]


def _wrapped(pen: ImageDraw.ImageDraw, text: str, font: Any) -> str:
    """Break a sentence into lines that fit into a panel."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and pen.textlength(longer, font=font) > PANEL_PX - 32:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(_shortened(pen, line, font) for line in lines[:18])
