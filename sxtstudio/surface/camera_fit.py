"""Where the camera stands so that a scene fills the picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

VIEW_ANGLE = 20.0


def fit_camera(
    camera: Any,
    points: Vector,
    direction: Vector,
    up: Vector,
    aspect: float,
    fill: tuple[float, float] = (0.92, 0.80),
) -> float:
    """Place a VTK camera so that the points just fit into the picture; return its distance to their middle.

    Parameters
    ----------
    camera
        A vtkCamera; its kind of projection stays, for both kinds the points fit.
    points
        (n, 3) as (x, y, z).
    direction, up
        From the middle to the camera, and what is up on the picture.
    aspect
        Width of the picture over its height.
    fill
        Share of the half width and half height that may be filled; the rest is margin.
    """
    forward = -direction / np.linalg.norm(direction)
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(right, forward), forward])
    place = points @ axes.T
    low, high = place.min(axis=0), place.max(axis=0)
    middle = (low + high) / 2
    half = np.tan(np.radians(VIEW_ANGLE / 2))
    limit = half * np.array([fill[0] * aspect, fill[1]])
    radius = float(np.linalg.norm(high - low)) / 2 or 1.0
    distance = radius / half
    for _ in range(8):  # near things look larger, so the best middle depends on the distance
        seen = (place - middle)[:, :2] / (place[:, 2:] - middle[2] + distance)
        middle[:2] += distance * (seen.min(axis=0) + seen.max(axis=0)) / 2
        across = np.abs(place - middle)[:, :2] / limit - (place[:, 2:] - middle[2])
        distance = max(float(across.max()), 0.02 * radius)
    focus = axes.T @ middle
    camera.SetViewAngle(VIEW_ANGLE)
    camera.SetFocalPoint(*focus)
    camera.SetPosition(*(focus - distance * forward))
    camera.SetViewUp(*axes[1])
    camera.SetParallelScale(distance * half)
    return float(distance)
