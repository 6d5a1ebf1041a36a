"""What the 3D view shows and how, as frozen values: the panel and the view share them; no VTK here."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

Range = tuple[float, float]

#: What one tomogram needs and the next one does not: where it is cut open, what is left out or hidden.
OF_THE_TOMOGRAM = (
    "surface_visible",
    "bodies_visible",
    "mask_visible",
    "seed",
    "min_faces",
    "clip",
    "clip_z",
    "clip_y",
    "clip_x",
)
BACKGROUNDS = ("dark", "light", "white")


@dataclass(frozen=True)
class SceneState:
    """How the scene looks, and how its surfaces are made.

    Attributes
    ----------
    surface_visible, opacity, rgb
        The surface of the labels; its colour where objects are not told apart. The opacity is that of the
        bodies, too.
    bodies_visible
        The surfaces of the objects that were found, in their own colours.
    objects, seed
        Objects in random colours, and which random colours.
    min_faces
        Objects of fewer faces are left out; -1: 1000 with objects, else none.
    smooth, max_faces
        Iterations of smoothing; larger surfaces are simplified.
    mask_visible, mask_opacity
        The surface of the cell mask.
    plane_xy, plane_xz, plane_yz, plane_opacity
        Slices of the tomogram at the crosshair.
    clip, clip_z, clip_y, clip_x
        Clipping box: first and last shown place along each axis as a share of the volume.
    clip_box
        Draw the edges of the clipping box.
    lighting, light
        Shading, and how strong the light is (1 is usual).
    background
        "dark", "light", "white", or "auto": as the window.
    perspective
        Else orthographic.
    scale_bar, axes, box
        What else is drawn: a scale bar, the directions of the axes, the edges of the volume.
    auto_update
        Make the surface of small volumes anew whenever the labels have changed.
    """

    surface_visible: bool = True
    bodies_visible: bool = True
    opacity: float = 1.0
    rgb: tuple[int, int, int] = (236, 178, 92)
    objects: bool = False
    seed: int = 1
    min_faces: int = -1
    smooth: int = 20
    max_faces: int = 1_000_000
    mask_visible: bool = False
    mask_opacity: float = 0.18
    plane_xy: bool = True
    plane_xz: bool = False
    plane_yz: bool = False
    plane_opacity: float = 1.0
    clip: bool = False
    clip_z: Range = (0.0, 1.0)
    clip_y: Range = (0.0, 1.0)
    clip_x: Range = (0.0, 1.0)
    clip_box: bool = True
    lighting: bool = True
    light: float = 1.0
    background: str = "auto"
    perspective: bool = True
    scale_bar: bool = True
    axes: bool = True
    box: bool = True
    auto_update: bool = False

    def backdrop(self, dark: bool) -> str:
        """Return "dark", "light" or "white", given whether the window is dark."""
        if self.background in BACKGROUNDS:
            return self.background
        return "dark" if dark else "light"

    def clip_range(self, axis: str) -> Range:
        """Return the first and last shown place along "z", "y" or "x"."""
        return {"z": self.clip_z, "y": self.clip_y, "x": self.clip_x}[axis]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()
        }


def scene_from_json(values: Any, base: SceneState | None = None) -> SceneState:
    """Return the state of ``to_json``; what is missing, unknown or of another kind stays as in ``base``."""
    base = base or SceneState()
    if not isinstance(values, dict):
        return base
    given: dict[str, Any] = {}
    for field in fields(SceneState):
        default, value = vars(base)[field.name], values.get(field.name)
        if isinstance(default, tuple) and isinstance(value, list) and len(value) == len(default):
            if all(isinstance(part, int | float) for part in value):
                given[field.name] = tuple(type(default[0])(part) for part in value)
        elif isinstance(default, bool) or isinstance(value, bool):
            if type(value) is type(default):
                given[field.name] = value
        elif isinstance(default, float) and isinstance(value, int | float):
            given[field.name] = float(value)
        elif type(value) is type(default):
            given[field.name] = value
    return replace(base, **given)


@dataclass(frozen=True)
class SceneStatus:
    """What the view has to say.

    Attributes
    ----------
    ready
        The view can draw.
    building
        A surface is being made.
    outdated
        The labels have changed since the surface was made.
    summary, notes
        What is shown ("120 objects, 300,000 faces"), and what the user should know of it.
    body_notes
        The same of the surfaces of the objects.
    message
        A sentence in place of a surface: no labels yet, no OpenGL.
    opengl, software
        Who draws, and whether that is the processor.
    canvas
        How it gets onto the screen, and why so; empty before the view is first shown.
    """

    ready: bool = False
    building: bool = False
    outdated: bool = False
    summary: str = ""
    notes: tuple[str, ...] = ()
    body_notes: tuple[str, ...] = ()
    message: str = ""
    opengl: str = ""
    software: bool = False
    canvas: str = ""
