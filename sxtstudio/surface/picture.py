"""Pictures of surfaces, drawn off-screen: lit, in perspective, with scale bar and axes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonDataModel import vtkImageData, vtkPolyData
from vtkmodules.vtkIOImage import vtkPNGWriter

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.progress import Progress
from sxtstudio.surface.mesh import Surface
from sxtstudio.surface.offscreen import OpenGL, find_opengl, offscreen_window, opengl_renderer, pixels
from sxtstudio.surface.scene import VIEWS, Scene

BACKGROUNDS: dict[str, tuple[float, float, float]] = {
    "white": (1.0, 1.0, 1.0),
    "black": (0.0, 0.0, 0.0),
    "grey": (0.22, 0.24, 0.27),
    "transparent": (1.0, 1.0, 1.0),
}
_LARGEST = 8192


@dataclass(frozen=True)
class Picture:
    """A picture that was written, and what drew it."""

    path: Path
    size: tuple[int, int]
    opengl: OpenGL


def render_picture(
    path: str | Path,
    surface: Surface,
    size: tuple[int, int] = (1200, 900),
    view: str = "oblique",
    background: str = "white",
    progress: Progress | None = None,
) -> Picture:
    """Write a PNG of the surface with a scale bar and the directions of the axes.

    No screen is needed. The scale bar holds at the depth of the middle of the surface.

    Parameters
    ----------
    path
        Name of the picture, .png.
    surface
        What is drawn; objects in their colours.
    size
        Width and height in pixels.
    view
        "oblique", or straight along an axis: "xy" (as a slice in ImageJ: x to the right, y down),
        "xz", "yz".
    background
        "white", "black", "grey" or "transparent".
    progress
        Takes the cancel before and after drawing.

    Returns
    -------
    Picture

    Raises
    ------
    UserError
        For another suffix, view, background or size, without a working OpenGL, and where the file
        cannot be written.
    """
    path = Path(path)
    _check(path, size, view, background)
    progress = progress or Progress()
    progress.begin(3, "picture")
    opengl = find_opengl()
    progress.step()
    image, _ = draw(opengl, surface.mesh, size, view, background, surface.unit)
    progress.step()
    with atomic_write(path) as temporary:
        temporary.write_bytes(png_of(image))
    progress.step()
    return Picture(path, size, opengl)


def _check(path: Path, size: tuple[int, int], view: str, background: str) -> None:
    if path.suffix.lower() != ".png":
        raise UserError(f"{path.name}: pictures are written as PNG. End the name with .png.")
    if view not in VIEWS:
        raise UserError(f"There is no view named {view!r}. Choose one of {', '.join(VIEWS)}.")
    if background not in BACKGROUNDS:
        raise UserError(f"There is no background {background!r}. Choose one of {', '.join(BACKGROUNDS)}.")
    if not all(100 <= edge <= _LARGEST for edge in size):
        raise UserError(
            f"A picture of {size[0]}×{size[1]} pixels cannot be drawn. Choose 100 to {_LARGEST} pixels."
        )


def draw(
    opengl: OpenGL,
    mesh: vtkPolyData,
    size: tuple[int, int],
    view: str = "oblique",
    background: str = "white",
    unit: str = "nm",
) -> tuple[NDArray[np.uint8], str]:
    """Return the picture as uint8 (height, width, 3 or 4) and the name of who drew it."""
    # Drawn twice as large and averaged: edges are smooth with every driver.
    factor = 2 if max(size) <= _LARGEST // 2 else 1
    large = (factor * size[0], factor * size[1])
    colour = BACKGROUNDS[background]
    clear = background == "transparent"
    direction, up = (np.array(vector) for vector in VIEWS[view])
    with offscreen_window(opengl, large) as window:
        window.SetAlphaBitPlanes(int(clear))
        scene = Scene(window, large, factor, dark=sum(colour) < 1.5)
        pixel = scene.add_surface(mesh, direction, up, colour)
        scene.add_scale_bar(pixel, unit)
        scene.add_axes()
        image = pixels(window, alpha=clear)
        renderer = opengl_renderer(window)
    if factor == 2:
        image = _halved(image)
    return image, renderer


def _halved(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width, channels = image.shape
    blocks = image.reshape(height // 2, 2, width // 2, 2, channels)
    return np.asarray(np.round(blocks.mean(axis=(1, 3), dtype=np.float32)), np.uint8)


def png_of(image: NDArray[np.uint8]) -> bytes:
    """Return a picture (height, width, channels), first row on top, as the bytes of a PNG."""
    height, width, channels = image.shape
    # VTK counts rows from the bottom.
    flat = np.ascontiguousarray(image[::-1]).reshape(-1, channels)
    data = vtkImageData()
    data.SetDimensions(width, height, 1)
    data.GetPointData().SetScalars(numpy_to_vtk(flat))
    writer = vtkPNGWriter()
    writer.SetInputData(data)
    writer.WriteToMemoryOn()
    writer.Write()
    return bytes(memoryview(writer.GetResult()))
