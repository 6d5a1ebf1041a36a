"""What a picture shows: surface, lights, camera, scale bar and axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import vtkmodules.vtkRenderingFreeType
import vtkmodules.vtkRenderingOpenGL2  # noqa: F401  (both are needed to draw at all)
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
from vtkmodules.vtkFiltersCore import vtkTriangleMeshPointNormals
from vtkmodules.vtkRenderingAnnotation import vtkAxesActor
from vtkmodules.vtkRenderingCore import (
    vtkActor,
    vtkActor2D,
    vtkLightKit,
    vtkPolyDataMapper,
    vtkPolyDataMapper2D,
    vtkRenderer,
    vtkTextActor,
)

from sxtstudio.core.lengths import round_length
from sxtstudio.core.wording import length_text
from sxtstudio.surface.camera_fit import VIEW_ANGLE, Vector, fit_camera
from sxtstudio.surface.colours import PLAIN_RGB

# From the middle to the camera, and what is up on the picture. "xy" looks like a slice in ImageJ:
# x to the right, y down, the first slice in front.
VIEWS: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "oblique": ((-0.32, 0.80, -1.0), (0.0, -1.0, 0.0)),
    "xy": ((0.0, 0.0, -1.0), (0.0, -1.0, 0.0)),
    "xz": ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0)),
    "yz": ((1.0, 0.0, 0.0), (0.0, -1.0, 0.0)),
}
# How surfaces reflect light.
AMBIENT, DIFFUSE, SPECULAR, SPECULAR_POWER = 0.18, 0.85, 0.18, 25.0
_AXES_DISTANCE = 9.6
_AXIS_COLOURS = {"X": (0.80, 0.16, 0.16), "Y": (0.13, 0.58, 0.20), "Z": (0.16, 0.34, 0.82)}


def shaded(mesh: vtkPolyData) -> Any:
    """Return the mesh with its normals, for smooth shading, its objects, and their colours as scalars."""
    normals = vtkTriangleMeshPointNormals()
    normals.SetInputData(mesh)
    normals.Update()
    ready: Any = normals.GetOutput()
    colours = ready.GetPointData().GetArray("RGB")
    if colours is not None:
        ready.GetPointData().SetScalars(colours)
    objects = mesh.GetPointData().GetArray("object")
    if objects is not None:  # the filter drops it
        ready.GetPointData().AddArray(objects)
    return ready


def surface_actor(mesh: vtkPolyData) -> vtkActor:
    """Return the mesh as something to draw: smooth shading, the colours of its objects."""
    return actor_of(shaded(mesh))


def actor_of(ready: vtkPolyData) -> vtkActor:
    """Return what ``shaded`` has prepared as something to draw."""
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(ready)
    if ready.GetPointData().GetScalars() is not None:
        mapper.SetColorModeToDirectScalars()
    else:
        mapper.ScalarVisibilityOff()
    actor = vtkActor()
    actor.SetMapper(mapper)
    look = actor.GetProperty()
    look.SetColor(*(channel / 255 for channel in PLAIN_RGB))
    look.SetInterpolationToPhong()
    look.SetAmbient(AMBIENT)
    look.SetDiffuse(DIFFUSE)
    look.SetSpecular(SPECULAR)
    look.SetSpecularPower(SPECULAR_POWER)
    return actor


def light_kit(strength: float = 1.0) -> vtkLightKit:
    """Return lights that stand around the camera; ``strength`` 1 is usual."""
    lights = vtkLightKit()
    lights.SetKeyLightIntensity(0.9 * strength)
    lights.SetKeyLightAngle(42, -28)
    lights.SetKeyToFillRatio(2.6)
    lights.SetKeyToHeadRatio(4.0)
    lights.SetKeyLightWarmth(0.54)
    return lights


class Scene:
    """Fills a VTK window of ``size`` (width, height) with a mesh seen from one side.

    ``factor`` is how many times larger than the final picture the window is.
    """

    def __init__(self, window: Any, size: tuple[int, int], factor: int, dark: bool) -> None:
        self._window = window
        self._size = size
        self._factor = factor
        self._ink = (0.93, 0.93, 0.93) if dark else (0.10, 0.10, 0.10)
        window.SetNumberOfLayers(2)

    def add_surface(
        self, mesh: vtkPolyData, direction: Vector, up: Vector, background: tuple[float, float, float]
    ) -> float:
        """Add the mesh so that it fills the picture; return the length of a pixel at its middle."""
        renderer = vtkRenderer()
        renderer.SetBackground(*background)
        renderer.AddActor(surface_actor(mesh))
        low, high = np.array(mesh.GetBounds()).reshape(3, 2).T
        diagonal = float(np.linalg.norm(high - low)) or 1.0
        # Shade where little light comes, between and below objects: shape and depth show.
        renderer.UseSSAOOn()
        renderer.SetSSAORadius(0.06 * diagonal)
        renderer.SetSSAOBias(0.002 * diagonal)
        renderer.SetSSAOKernelSize(32)
        renderer.SSAOBlurOn()
        lights = light_kit()
        lights.AddLightsToRenderer(renderer)
        self._window.AddRenderer(renderer)
        points = vtk_to_numpy(mesh.GetPoints().GetData())
        sample = points[:: max(1, len(points) // 100_000)].astype(np.float64)
        return self._fit_camera(renderer, sample, direction, up)

    def _fit_camera(self, renderer: vtkRenderer, points: Vector, direction: Vector, up: Vector) -> float:
        """Place the camera so that the points just fit into the picture, above the scale bar."""
        width, height = self._size
        camera = renderer.GetActiveCamera()
        distance = fit_camera(camera, points, direction, up, width / height)
        camera.SetWindowCenter(0, -0.10)
        renderer.ResetCameraClippingRange()
        self._camera = camera
        return float(2 * distance * np.tan(np.radians(VIEW_ANGLE / 2)) / height)

    def _overlay(self, viewport: tuple[float, float, float, float]) -> vtkRenderer:
        renderer = vtkRenderer()
        renderer.SetLayer(1)
        renderer.SetViewport(*viewport)
        renderer.InteractiveOff()
        self._window.AddRenderer(renderer)
        return renderer

    def add_scale_bar(self, pixel: float, unit: str) -> None:
        """Draw a bar of round length at the bottom right, right at the depth of the mesh's middle."""
        width, height = self._size
        length = round_length(0.22 * min(width, 1.4 * height) * pixel)
        bar = length / pixel
        thick = max(2.0 * self._factor, 0.007 * height)
        right, bottom = width - 0.03 * width, 0.045 * height
        renderer = self._overlay((0, 0, 1, 1))
        renderer.AddViewProp(self._rectangle(right - bar, bottom, right, bottom + thick))
        text = self._text(length_text(length, unit), 0.03)
        text.GetTextProperty().SetVerticalJustificationToBottom()
        text.SetPosition(right - bar / 2, bottom + 2 * thick)
        renderer.AddViewProp(text)

    def _rectangle(self, left: float, bottom: float, right: float, top: float) -> vtkActor2D:
        corners = np.array(
            [(left, bottom, 0), (right, bottom, 0), (right, top, 0), (left, top, 0)], np.float32
        )
        points = vtkPoints()
        points.SetData(numpy_to_vtk(corners, deep=1))
        cells = vtkCellArray()
        cells.InsertNextCell(4, (0, 1, 2, 3))
        shape = vtkPolyData()
        shape.SetPoints(points)
        shape.SetPolys(cells)
        mapper = vtkPolyDataMapper2D()
        mapper.SetInputData(shape)
        actor = vtkActor2D()
        actor.SetMapper(mapper)
        actor.GetProperty().SetColor(*self._ink)
        return actor

    def add_axes(self) -> None:
        """Draw the directions of x, y and z at the bottom left."""
        width, height = self._size
        edge = max(0.22 * height, 60 * self._factor)
        renderer = self._overlay((0, 0, edge / width, edge / height))
        axes = vtkAxesActor()
        axes.SetTotalLength(1, 1, 1)
        axes.SetShaftTypeToCylinder()
        axes.SetCylinderRadius(0.05)
        axes.SetConeRadius(0.32)
        axes.SetNormalizedTipLength(0.25, 0.25, 0.25)
        axes.SetNormalizedShaftLength(0.75, 0.75, 0.75)
        axes.AxisLabelsOff()
        for name, colour in _AXIS_COLOURS.items():
            for part in ("Shaft", "Tip"):
                look = getattr(axes, f"Get{name}Axis{part}Property")()
                look.SetColor(*colour)
                look.SetAmbient(0.35)
                look.SetDiffuse(0.75)
        renderer.AddActor(axes)
        forward = np.array(self._camera.GetDirectionOfProjection())
        up = np.array(self._camera.GetViewUp())
        camera = renderer.GetActiveCamera()
        camera.SetViewAngle(VIEW_ANGLE)
        camera.SetFocalPoint(0, 0, 0)
        camera.SetPosition(*(-_AXES_DISTANCE * forward))
        camera.SetViewUp(*up)
        camera.SetClippingRange(1, 20)
        # Letters beyond the tips; that of an axis seen from its end goes where the others are not.
        tips = np.stack([np.cross(forward, up), up], axis=1)
        size = np.linalg.norm(tips, axis=1, keepdims=True)
        places = np.where(size > 0.3, tips + 0.4 * tips / np.maximum(size, 0.3), -0.3 * tips.sum(axis=0))
        unit = edge / 2 / (_AXES_DISTANCE * np.tan(np.radians(VIEW_ANGLE / 2)))
        for name, place in zip(_AXIS_COLOURS, edge / 2 + unit * places, strict=True):
            letter = self._text(name.lower(), 0.028)
            letter.GetTextProperty().SetVerticalJustificationToCentered()
            letter.SetPosition(*place)
            renderer.AddViewProp(letter)

    def _text(self, words: str, share: float) -> vtkTextActor:
        """Words in a size that is this share of the picture's height, but never too small to read."""
        actor = vtkTextActor()
        actor.SetInput(words)
        look = actor.GetTextProperty()
        look.SetFontFamilyToArial()
        look.SetFontSize(max(12 * self._factor, round(share * self._size[1])))
        look.SetColor(*self._ink)
        look.SetJustificationToCentered()
        return actor
