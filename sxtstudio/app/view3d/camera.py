"""The camera of the 3D view: turning, moving, zooming, and the state that is saved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.surface.camera_fit import VIEW_ANGLE, fit_camera
from sxtstudio.surface.povray.scene import PovCamera, camera_of
from sxtstudio.surface.scene import VIEWS

_HALF = float(np.tan(np.radians(VIEW_ANGLE / 2)))
# Degrees that a drag across the whole height of the view turns the scene.
_TURN = 220.0


class Camera3D:
    """A vtkCamera with the movements of the mouse; its focal point is what it turns around."""

    def __init__(self, camera: Any) -> None:
        """Take over a camera."""
        self._camera = camera
        camera.SetViewAngle(VIEW_ANGLE)

    def look(self, view: str, points: NDArray[np.float64], aspect: float) -> None:
        """Look from a named side so that the points (n, 3) fill the picture."""
        direction, up = (np.array(vector) for vector in VIEWS[view])
        fit_camera(self._camera, points, direction, up, aspect, fill=(0.90, 0.84))

    def set_perspective(self, on: bool) -> None:
        """Switch between perspective and orthographic; what is in the focus keeps its size."""
        camera = self._camera
        if on and camera.GetParallelProjection():
            camera.ParallelProjectionOff()
            forward = np.array(camera.GetDirectionOfProjection())
            distance = camera.GetParallelScale() / _HALF
            camera.SetPosition(*(np.array(camera.GetFocalPoint()) - distance * forward))
        elif not on and not camera.GetParallelProjection():
            camera.ParallelProjectionOn()
            camera.SetParallelScale(camera.GetDistance() * _HALF)

    def pixel(self, height: int) -> float:
        """Length of a pixel, at the depth of the focus, in a picture of ``height`` pixels."""
        camera = self._camera
        if camera.GetParallelProjection():
            return float(2 * camera.GetParallelScale() / height)
        return float(2 * camera.GetDistance() * np.tan(np.radians(camera.GetViewAngle() / 2)) / height)

    def turn(self, right: float, down: float) -> None:
        """Turn the scene after a drag by shares of the view's height."""
        self._camera.Azimuth(-_TURN * right)
        self._camera.Elevation(_TURN * down)
        self._camera.OrthogonalizeViewUp()

    def shift(self, right: float, down: float) -> None:
        """Move the scene with the pointer, by shares of the view's height."""
        step = self.pixel(1)
        _, across, up = self.frame()
        move = -right * step * across + down * step * up
        camera = self._camera
        camera.SetFocalPoint(*(np.array(camera.GetFocalPoint()) + move))
        camera.SetPosition(*(np.array(camera.GetPosition()) + move))

    def zoom(self, factor: float) -> None:
        """Come closer (factor above 1) or go away."""
        camera = self._camera
        if camera.GetParallelProjection():
            camera.SetParallelScale(camera.GetParallelScale() / factor)
        else:
            camera.Dolly(factor)

    def frame(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the directions (x, y, z) into, to the right of, and upwards on the picture."""
        forward = np.array(self._camera.GetDirectionOfProjection())
        right = np.cross(forward, np.array(self._camera.GetViewUp()))
        right /= np.linalg.norm(right)
        return forward, right, np.cross(right, forward)

    @contextmanager
    def turned(self, start: dict[str, Any], degrees: float) -> Iterator[None]:
        """Look from ``start`` turned around the vertical of the picture; afterwards from where it was."""
        former = self.state()
        self.restore(start)
        self._camera.Azimuth(degrees)
        try:
            yield
        finally:
            self.restore(former)

    def room(self, points: NDArray[np.float64], shown: float, wanted: float, turning: bool) -> float:
        """Return how much larger a picture can show the scene than the view does.

        What is seen in the view is seen in the picture; so where the whole scene is seen, it may fill a
        picture of another shape.

        Parameters
        ----------
        points
            Corners of the scene (n, 3).
        shown, wanted
            Width over height of the view and of the picture.
        turning
            The scene turns around the vertical in the picture.
        """
        forward, right, up = self.frame()
        camera = self._camera
        away = points - np.array(camera.GetFocalPoint())
        across, along = away @ right, away @ forward
        wide = np.hypot(across, along) if turning else np.abs(across)
        half = self.pixel(1) / 2
        if not camera.GetParallelProjection():
            near = -wide if turning else along
            half = half * (camera.GetDistance() + near) / camera.GetDistance()
        if np.any(half <= 0):
            return 1.0
        x, y = float((wide / half).max()), float((np.abs(away @ up) / half).max())
        if y > 1 or float((np.abs(across) / half).max()) > shown:
            return min(1.0, wanted / shown)
        return min(0.94 * wanted / x, 0.94 / y)

    @contextmanager
    def enlarged(self, factor: float) -> Iterator[None]:
        """Show everything larger for a while, from where the camera is."""
        camera = self._camera
        angle, scale = camera.GetViewAngle(), camera.GetParallelScale()
        camera.SetViewAngle(2 * np.degrees(np.arctan(np.tan(np.radians(angle / 2)) / factor)))
        camera.SetParallelScale(scale / factor)
        try:
            yield
        finally:
            camera.SetViewAngle(angle)
            camera.SetParallelScale(scale)

    def for_povray(self) -> PovCamera:
        """Return where it stands and what it shows now."""
        return camera_of(self._camera)

    def state(self) -> dict[str, Any]:
        """Return plain JSON values."""
        camera = self._camera
        return {
            "position": list(camera.GetPosition()),
            "focus": list(camera.GetFocalPoint()),
            "up": list(camera.GetViewUp()),
            "scale": camera.GetParallelScale(),
        }

    def restore(self, state: dict[str, Any]) -> bool:
        """Take the values back; return False, and change nothing, where they make no sense."""
        try:
            vectors = np.array([state["position"], state["focus"], state["up"]], float)
            scale = float(state["scale"])
        except (KeyError, TypeError, ValueError):
            return False
        position, focus, up = vectors if vectors.shape == (3, 3) else (np.zeros(3),) * 3
        flat = np.linalg.norm(np.cross(focus - position, up)) == 0
        if not np.isfinite(vectors).all() or not np.isfinite(scale) or scale <= 0 or flat:
            return False
        self._camera.SetPosition(*position)
        self._camera.SetFocalPoint(*focus)
        self._camera.SetViewUp(*up)
        self._camera.SetParallelScale(scale)
        return True
