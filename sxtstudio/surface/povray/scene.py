"""What a scene of POV-Ray holds: meshes, slices, edges of boxes, camera, lights, and what is cut off."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkCamera, vtkRenderer

from sxtstudio.surface.camera_fit import VIEW_ANGLE, fit_camera
from sxtstudio.surface.handover.part import MeshPart
from sxtstudio.surface.scene import AMBIENT, DIFFUSE, SPECULAR, SPECULAR_POWER, VIEWS, light_kit

Vector = NDArray[np.float64]
Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Finish:
    """How a mesh reflects light, as VTK's properties say it; ``lit`` False: its colour as it is."""

    ambient: float = AMBIENT
    diffuse: float = DIFFUSE
    specular: float = SPECULAR
    power: float = SPECULAR_POWER
    lit: bool = True


@dataclass(frozen=True, eq=False)
class PovMesh:
    """A mesh with its appearance.

    Attributes
    ----------
    part
        Points, triangles, colour, name.
    opacity
        0…1.
    finish
        How it reflects light.
    raised
        So far, in the unit of the points, it is moved outwards, because it lies on another one.
    """

    part: MeshPart
    opacity: float = 1.0
    finish: Finish = field(default_factory=Finish)
    raised: float = 0.0


@dataclass(frozen=True, eq=False)
class PovPlane:
    """A slice: uint8 (rows, columns); corner (x, y, z) of its first pixel, and the edges along both."""

    name: str
    grey: NDArray[np.uint8]
    corner: Vector
    along_columns: Vector
    along_rows: Vector
    opacity: float = 1.0


@dataclass(frozen=True, eq=False)
class PovBox:
    """A box of which the edges are seen."""

    low: Vector
    high: Vector
    rgb: Colour


@dataclass(frozen=True, eq=False)
class PovCamera:
    """Where the scene is seen from, (x, y, z).

    ``half`` is half of what is seen from below to above: of a parallel projection a length, of a perspective
    the tangent of the angle.
    """

    position: Vector
    focus: Vector
    up: Vector
    half: float
    perspective: bool

    @property
    def axes(self) -> tuple[Vector, Vector, Vector]:
        """Directions into, to the right of, and upwards on the picture, of length 1."""
        forward = (self.focus - self.position) / np.linalg.norm(self.focus - self.position)
        right = np.cross(forward, self.up)
        right /= np.linalg.norm(right)
        return forward, right, np.cross(right, forward)

    @property
    def height(self) -> float:
        """How much is seen from below to above at the depth of the focus."""
        return float(2 * self.half * (np.linalg.norm(self.focus - self.position) if self.perspective else 1))


@dataclass(frozen=True)
class PovLight:
    """A lamp far away: the direction in which it stands, seen from the scene (x, y, z), and its colour."""

    towards: tuple[float, float, float]
    rgb: Colour


@dataclass(frozen=True, eq=False)
class PovScene:
    """A scene; ``meshes`` are gone through once.

    Attributes
    ----------
    name
        Of the tomogram.
    unit
        "nm", or "voxel".
    low, high
        Corners (x, y, z) of the volume.
    clip
        Lower and upper corner of what is seen of the meshes; slices and boxes are always seen.
    """

    name: str
    unit: str
    meshes: Iterable[PovMesh]
    camera: PovCamera
    lights: tuple[PovLight, ...]
    background: Colour
    low: Vector
    high: Vector
    planes: tuple[PovPlane, ...] = ()
    boxes: tuple[PovBox, ...] = ()
    clip: tuple[Vector, Vector] | None = None


def camera_of(camera: Any) -> PovCamera:
    """Return what a vtkCamera shows."""
    perspective = not camera.GetParallelProjection()
    half = np.tan(np.radians(camera.GetViewAngle() / 2)) if perspective else camera.GetParallelScale()
    places = (camera.GetPosition(), camera.GetFocalPoint(), camera.GetViewUp())
    position, focus, up = (np.array(place, float) for place in places)
    return PovCamera(position, focus, up, float(half), perspective)


def camera_on(low: Vector, high: Vector, view: str = "oblique", aspect: float = 4 / 3) -> PovCamera:
    """Return a camera that sees all of a volume from one of the named sides."""
    camera = vtkCamera()
    direction, up = (np.array(vector) for vector in VIEWS[view])
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T
    fit_camera(camera, corners, direction, up, aspect, fill=(0.90, 0.84))
    camera.SetViewAngle(VIEW_ANGLE)
    return camera_of(camera)


def lights_of(camera: PovCamera, strength: float = 1.0) -> tuple[PovLight, ...]:
    """Return the lights of the 3D view, which stand around the camera and go with it."""
    renderer = vtkRenderer()
    light_kit(strength).AddLightsToRenderer(renderer)
    forward, right, up = camera.axes
    lights = renderer.GetLights()
    found = []
    for number in range(lights.GetNumberOfItems()):
        light = lights.GetItemAsObject(number)
        # VTK counts these places from a camera that looks along -z, with x to the right and y upwards.
        x, y, z = np.array(light.GetPosition()) - np.array(light.GetFocalPoint())
        towards = x * right + y * up - z * forward
        rgb = light.GetIntensity() * np.array(light.GetDiffuseColor())
        found.append(PovLight(tuple(towards.tolist()), tuple(rgb.tolist())))
    return tuple(found)
