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
# Of the half width and height that the whole scene may fill.
_MARGIN = 0.94
# Degrees that a drag across the whole height of the view turns the scene.
_TURN = 220.0


class Camera3D:
    """A vtkCamera with the movements of the mouse; its focal point is what it turns around.

    The height of a picture shows always the same, so that a narrower one would cut off the sides: it knows
    for which width over height it stands where it is, and ``fit_pane`` goes back for a narrower pane.
    """

    def __init__(self, camera: Any) -> None:
        """Take over a camera."""
        self._camera = camera
        self._aspect: float | None = None  # not known of what former versions have saved
        self._view = ""  # the named side that it looks from, as long as nobody has moved it
        self._needed: float | None = None  # how wide a pane must be to show what is to be seen; None: not yet
        camera.SetViewAngle(VIEW_ANGLE)

    def look(self, view: str, points: NDArray[np.float64], aspect: float) -> None:
        """Look from a named side so that the points (n, 3) fill the picture."""
        direction, up = (np.array(vector) for vector in VIEWS[view])
        fit_camera(self._camera, points, direction, up, aspect, fill=(0.90, 0.84))
        self._aspect, self._view, self._needed = aspect, view, None

    def fit_pane(self, aspect: float, points: NDArray[np.float64]) -> None:
        """Show in a pane of another shape all that the former one showed of the scene.

        From a named side, where nobody has moved it since, the scene fills the pane again.

        Parameters
        ----------
        aspect
            Width over height of the pane.
        points
            Corners of the scene (n, 3).
        """
        if self._view:
            self.look(self._view, points, aspect)
            return
        if self._needed is None:
            self._needed = max(1e-3, self._width_needed(aspect, points))
        before = 1.0 if self._aspect is None else min(1.0, self._aspect / self._needed)
        self._go_back(before / min(1.0, aspect / self._needed), points)
        self._aspect = aspect

    def _width_needed(self, aspect: float, points: NDArray[np.float64]) -> float:
        """Return the width over height of the narrowest pane that shows all that is seen of the scene now."""
        _, x, y = self._extent(points)
        if self._aspect is None:  # whose height was seen as a whole, of that probably the width was, too
            return max(aspect, x) if y <= 1 else aspect
        return min(self._aspect, x / _MARGIN)

    def _go_back(self, factor: float, points: NDArray[np.float64]) -> None:
        """Show ``factor`` times as much to all sides, also in the farthest part of the scene."""
        camera = self._camera
        camera.SetParallelScale(camera.GetParallelScale() * factor)
        if camera.GetParallelProjection() or factor == 1.0:
            return
        focus, distance = np.array(camera.GetFocalPoint()), camera.GetDistance()
        forward = np.array(camera.GetDirectionOfProjection())
        # What is farther away than the focus becomes smaller more slowly.
        beyond = max(0.0, float(((points - focus) @ forward).max()))
        away = max((distance + beyond) * factor - beyond, 0.1 * distance * factor)
        camera.SetPosition(*(focus - away * forward))

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
        else:
            return
        self._needed = None

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
        self._view, self._needed = "", None

    def shift(self, right: float, down: float) -> None:
        """Move the scene with the pointer, by shares of the view's height."""
        step = self.pixel(1)
        _, across, up = self.frame()
        move = -right * step * across + down * step * up
        camera = self._camera
        camera.SetFocalPoint(*(np.array(camera.GetFocalPoint()) + move))
        camera.SetPosition(*(np.array(camera.GetPosition()) + move))
        self._view, self._needed = "", None

    def zoom(self, factor: float) -> None:
        """Come closer (factor above 1) or go away."""
        camera = self._camera
        if camera.GetParallelProjection():
            camera.SetParallelScale(camera.GetParallelScale() / factor)
        else:
            camera.Dolly(factor)
        self._view, self._needed = "", None

    def frame(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the directions (x, y, z) into, to the right of, and upwards on the picture."""
        forward = np.array(self._camera.GetDirectionOfProjection())
        right = np.cross(forward, np.array(self._camera.GetViewUp()))
        right /= np.linalg.norm(right)
        return forward, right, np.cross(right, forward)

    @contextmanager
    def turned(self, start: dict[str, Any], degrees: float) -> Iterator[None]:
        """Look from ``start`` turned around the vertical of the picture; afterwards from where it was."""
        former, view, needed = self.state(), self._view, self._needed
        self.restore(start)
        self._camera.Azimuth(degrees)
        try:
            yield
        finally:
            self.restore(former)
            self._view, self._needed = view, needed

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
        wide, across, high = self._extent(points, turning)
        if np.isinf(wide):
            return 1.0
        if high > 1 or across > shown:
            return min(1.0, wanted / shown)
        return min(_MARGIN * wanted / wide, _MARGIN / high)

    def _extent(self, points: NDArray[np.float64], turning: bool = False) -> tuple[float, float, float]:
        """Return how far points (n, 3) reach to the sides while the scene turns and now, and up or down.

        In halves of the height of the picture; infinity where some lie behind the camera.
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
            return np.inf, np.inf, np.inf
        wide, across, high = (np.abs(length) / half for length in (wide, across, away @ up))
        return float(wide.max()), float(across.max()), float(high.max())

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
        known = {} if self._aspect is None else {"aspect": self._aspect}
        return {
            "position": list(camera.GetPosition()),
            "focus": list(camera.GetFocalPoint()),
            "up": list(camera.GetViewUp()),
            "scale": camera.GetParallelScale(),
            **known,
        }

    def restore(self, state: dict[str, Any]) -> bool:
        """Take the values back; return False, and change nothing, where they make no sense.

        They are of a pane that may have had another shape: ``fit_pane`` comes next, where there is a pane.
        """
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
        aspect = state.get("aspect")
        self._aspect, self._view, self._needed = None, "", None
        if isinstance(aspect, int | float) and np.isfinite(aspect) and aspect > 0:
            self._aspect = float(aspect)
        return True
