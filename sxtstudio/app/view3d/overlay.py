"""Scale bar and directions of the axes, painted over the picture of the 3D scene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen, QPolygonF

from sxtstudio.app.view3d.camera import Camera3D
from sxtstudio.app.view3d.state import SceneState
from sxtstudio.core.lengths import round_length
from sxtstudio.core.wording import length_text

_AXIS_COLOURS = {
    "dark": ("#ff6b6b", "#5fd068", "#6ea8ff"),
    "light": ("#c92a2a", "#2b8a3e", "#1c5fd4"),
}


@dataclass(frozen=True, eq=False)
class Overlay:
    """What is painted: ``pixel`` is the length of a pixel of the picture in ``unit``.

    ``right`` and ``up`` are the directions (x, y, z) to the right and upwards on the picture.
    """

    pixel: float
    unit: str
    right: NDArray[np.float64]
    up: NDArray[np.float64]
    dark: bool
    scale_bar: bool = True
    axes: bool = True


def overlay_of(camera: Camera3D, height: int, state: SceneState, unit: str, dark: bool) -> Overlay:
    """Return scale bar and axes for a picture of ``height`` pixels; ``dark``: the window is dark."""
    _, right, up = camera.frame()
    return Overlay(
        pixel=camera.pixel(height),
        unit=unit,
        right=right,
        up=up,
        dark=state.backdrop(dark) == "dark",
        scale_bar=state.scale_bar,
        axes=state.axes,
    )


def paint_overlay(painter: QPainter, width: float, height: float, overlay: Overlay) -> None:
    """Paint onto a picture of ``width`` × ``height``; sizes follow the picture's."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    # Readable in a small view and in proportion on a large picture.
    unit = max(1.0, min(width, height) / 700.0)
    ink = QColor("#e9edf2" if overlay.dark else "#1b1f24")
    font = QFont(painter.font())
    font.setPixelSize(round(13 * unit))
    painter.setFont(font)
    if overlay.scale_bar:
        _paint_bar(painter, width, height, unit, ink, overlay)
    if overlay.axes:
        _paint_axes(painter, height, unit, overlay)


def bar_of(overlay: Overlay, width: float, height: float) -> tuple[float, str]:
    """Return length in pixels and text of the scale bar."""
    length = round_length(0.22 * min(width, 1.4 * height) * overlay.pixel)
    return length / overlay.pixel, length_text(length, overlay.unit)


def _paint_bar(
    painter: QPainter, width: float, height: float, unit: float, ink: QColor, overlay: Overlay
) -> None:
    bar, text = bar_of(overlay, width, height)
    right, bottom, thick = width - 18 * unit, height - 18 * unit, 4 * unit
    painter.fillRect(QRectF(right - bar, bottom - thick, bar, thick), ink)
    painter.setPen(ink)
    area = QRectF(right - bar - 100 * unit, bottom - thick - 26 * unit, bar + 200 * unit, 22 * unit)
    area.setRight(min(area.right(), 2 * (right - bar / 2) - area.left()))
    painter.drawText(area, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom, text)


def _paint_axes(painter: QPainter, height: float, unit: float, overlay: Overlay) -> None:
    """Three arrows from one point; what points away from the viewer is painted first."""
    middle = np.array([58 * unit, height - 58 * unit])
    towards = np.cross(overlay.right, overlay.up)
    colours = _AXIS_COLOURS["dark" if overlay.dark else "light"]
    for axis in np.argsort(towards):
        colour = QColor(colours[axis])
        flat = np.array([overlay.right[axis], -overlay.up[axis]])
        length = float(np.linalg.norm(flat))
        tip = middle + 34 * unit * flat
        pen = QPen(colour, 2.4 * unit)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        if length > 0.12:
            along = flat / length
            across = np.array([-along[1], along[0]])
            head = min(9 * unit, 34 * unit * length)
            base = tip - head * along
            painter.drawLine(QPointF(*middle), QPointF(*base))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            wide = 0.45 * head * across
            painter.drawPolygon(QPolygonF([QPointF(*tip), QPointF(*(base + wide)), QPointF(*(base - wide))]))
            place = tip + 11 * unit * along
        else:  # seen from its end: a dot, the letter beside it
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawEllipse(QPointF(*middle), 3.5 * unit, 3.5 * unit)
            place = middle + np.array([-12.0, 12.0]) * unit
        painter.setPen(colour)
        area = QRectF(place[0] - 10 * unit, place[1] - 10 * unit, 20 * unit, 20 * unit)
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, "xyz"[axis])
    painter.setBrush(Qt.BrushStyle.NoBrush)
