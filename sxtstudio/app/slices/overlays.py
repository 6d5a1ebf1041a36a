"""Crosshair, scale bar, names and notes over a slice, and what the tool in the hand shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from sxtstudio.app import theme
from sxtstudio.app.labels.tools.catalogue import FILOPODIUM, LOOK, RULER
from sxtstudio.app.objects.tools.catalogue import tool_info
from sxtstudio.app.session import Session
from sxtstudio.app.slices.layers import path_of, stroke
from sxtstudio.app.states import ToolState
from sxtstudio.core.evaluation.marks import MARK_RGB, MARK_TITLES
from sxtstudio.core.lengths import round_length
from sxtstudio.core.wording import length_text

if TYPE_CHECKING:
    from sxtstudio.app.slices.plane_view import PlaneView

_GAP = 9  # the crosshair leaves the pixel it points to free
_MARGIN = 12.0
#: The last line of the legend of what is hatched.
LEGEND_HINT = "Hide: Image > Not labelled"


def draw_tool(painter: QPainter, view: PlaneView, over: tuple[float, float] | None) -> None:
    """Draw the lines of a tool and the circle of the brush, in pixels of the slice."""
    sketch = view.toolbox.sketch
    if sketch is not None and sketch.plane == view.plane and sketch.depth == view.shown_depth:
        path = path_of(sketch.lines, closed=sketch.closed)
        for colour, width in ((QColor(0, 0, 0, 150), 3.5), (QColor(255, 255, 255), 1.5)):
            stroke(painter, _line(colour, width))
            painter.drawPath(path)
    session = view.context.session
    tool, size = session.tool.value, brush_px(session)
    if over is not None and size is not None:
        radius = size / 2
        for colour, width in ((QColor(0, 0, 0, 150), 3.0), (QColor(255, 255, 255), 1.2)):
            pen = _line(colour, width)
            if tool.tool == "eraser" and width < 2:
                pen.setDashPattern([3, 3])
            stroke(painter, pen)
            painter.drawEllipse(QPointF(over[1], over[0]), radius, radius)


def brush_px(session: Session) -> int | None:
    """Return the diameter of the circle around the pointer in pixels; None where the tool has none."""
    tool = session.tool.value
    if tool.tool == "mark":
        return session.marks.value.brush_px
    return tool.brush_px if tool.tool in ("brush", "eraser") else None


def draw_focus(painter: QPainter, view: PlaneView) -> None:
    """Draw a frame around the view that the keys go to."""
    stroke(painter, QPen(QColor(theme.ACCENT), 2))
    painter.drawRect(view.rect().adjusted(1, 1, -1, -1))


def draw_all(painter: QPainter, view: PlaneView) -> None:
    """Draw what has a constant size on the screen."""
    state = view.context.session.display.value
    if state.crosshair:
        _crosshair(painter, view)
    painter.setFont(_font(view))
    sketch = view.toolbox.sketch
    if sketch is not None and sketch.text and (sketch.plane, sketch.depth) == (view.plane, view.shown_depth):
        row, column = sketch.lines[-1][-1]
        _beside(painter, view, sketch.text, view.transform().map(QPointF(column, row)))
    if state.scale_bar and view.plane == "xy":
        _scale_bar(painter, view)
    name = view.plane.upper() + (f"   {view.note}" if view.note else "")
    _pill(painter, view, name, QPointF(8, 8), QColor(0, 0, 0, 110), QColor(255, 255, 255, 210))
    tool = tool_text(view.context.session.tool.value)
    if tool and view.plane == "xy":
        session = view.context.session
        target = session.tool.value.target
        colour = QColor("white")
        if target == "marks":
            tool = MARK_TITLES[session.marks.value.mark]
            colour = QColor(*MARK_RGB[session.marks.value.mark])
        elif session.objects.value.click_class:
            tool = f"A click gives: {session.objects.value.click_gives or 'no class'}"
        elif target != "objects":
            colour = QColor(*(state.mask_rgb if target == "mask" else state.label_rgb))
        below = QPointF(8, 8 + QFontMetricsF(painter.font()).height() + 10)
        _pill(painter, view, tool, below, colour, QColor("black"))
    if view.preview_title:
        width = _width(painter, view.preview_title) + 20
        place = QPointF(max(70.0, (view.width() - width) / 2), 8)
        _pill(painter, view, view.preview_title, place, QColor(theme.ACCENT), QColor("white"))
    if view.left_out_text:
        _legend(painter, view)
    if view.error:
        painter.setPen(QColor("#e5484d"))
        area = QRectF(view.rect()).adjusted(20, 40, -20, -20)
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, view.error)


def tool_text(tool: ToolState) -> str:
    """Return what the mouse does and to what: "Brush: cell mask"; "" where it changes nothing."""
    info = tool_info(tool.tool, tool.target)
    if info is None or info.name in (LOOK.name, RULER.name):
        return ""
    if info.name == FILOPODIUM.name:
        return info.title
    return f"{info.title}: {'cell mask' if tool.target == 'mask' else tool.target}"


def scale_bar(view: PlaneView) -> tuple[float, str]:
    """Return how long the scale bar is on the screen, and what stands above it."""
    zoom = view.camera.zoom
    length = round_length(max(40.0, min(0.25 * view.width(), 180.0)) / zoom)
    document = view.context.session.document
    known = document is not None and document.voxel_nm is not None
    return length * zoom, length_text(length) if known else f"{length:g} px"


def _crosshair(painter: QPainter, view: PlaneView) -> None:
    centre = view.cross()
    x, y, width, height = centre.x(), centre.y(), view.width(), view.height()
    colour = QColor(theme.ACCENT)
    colour.setAlpha(190)
    # Filled rectangles: smooth lines of this length take longer than the image.
    for part in (
        QRect(0, y, x - _GAP, 1),
        QRect(x + _GAP, y, width - x - _GAP, 1),
        QRect(x, 0, 1, y - _GAP),
        QRect(x, y + _GAP, 1, height - y - _GAP),
    ):
        if part.isValid():
            painter.fillRect(part.intersected(QRect(0, 0, width, height)), colour)


def _scale_bar(painter: QPainter, view: PlaneView) -> None:
    length, text = scale_bar(view)
    metrics = QFontMetricsF(painter.font())
    wide = max(length, metrics.horizontalAdvance(text))
    left, bottom = _MARGIN, view.height() - _MARGIN
    high = metrics.height() + 14
    if bottom - high < 8 + metrics.height() + 6:  # on a small screen the names leave no room above
        left = max(left, view.width() - wide - _MARGIN)
    _fill(painter, QColor(0, 0, 0, 110))
    painter.drawRoundedRect(QRectF(left - 6, bottom - high, wide + 12, high + 4), 4, 4)
    _fill(painter, QColor("white"))
    painter.drawRect(QRectF(left + (wide - length) / 2, bottom - 5, length, 4))
    painter.setPen(QColor("white"))
    area = QRectF(left, bottom - high + 2, wide, metrics.height())
    painter.drawText(area, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, text)


def _pill(painter: QPainter, view: PlaneView, text: str, place: QPointF, back: QColor, ink: QColor) -> None:
    metrics = QFontMetricsF(painter.font())
    room = view.width() - place.x() - 26
    text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(10.0, room))
    box = QRectF(place.x(), place.y(), metrics.horizontalAdvance(text) + 14, metrics.height() + 6)
    _fill(painter, back)
    painter.drawRoundedRect(box, 5, 5)
    painter.setPen(ink)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def _legend(painter: QPainter, view: PlaneView) -> None:
    """Say small what is hatched, and where that is switched off, where the least of it is covered."""
    font = QFont(painter.font())
    font.setPointSizeF(max(7.0, 0.85 * font.pointSizeF()))
    font.setWeight(QFont.Weight.Normal)
    # One thing per line: beside an image that is not zoomed there is room for what is narrow.
    title, _, things = view.left_out_text.partition(": ")
    metrics = QFontMetricsF(font)
    room = max(60.0, view.width() - 32.0)
    elided = Qt.TextElideMode.ElideRight
    lines = [metrics.elidedText(line, elided, room) for line in (title, *things.split(", "), LEGEND_HINT)]
    width = max(metrics.horizontalAdvance(line) for line in lines) + 14
    high = len(lines) * metrics.lineSpacing() + 8
    right, low = view.width() - width - 8, view.height() - _MARGIN - high
    # Below the names of view and tool at the top, and above the scale bar at the bottom left.
    names = QFontMetricsF(painter.font()).height() + 14
    corners = ((right, low), (right, 8 + names), (8, low - 2 * names), (8, 8 + 2 * names))
    box = legend_place([QRectF(x, y, width, high) for x, y in corners], view)
    painter.save()
    painter.setFont(font)
    _fill(painter, QColor(0, 60, 58, 190))
    painter.drawRoundedRect(box, 5, 5)
    painter.setPen(QColor(170, 255, 248))
    painter.drawText(box.adjusted(7, 3, -7, -3), Qt.AlignmentFlag.AlignLeft, "\n".join(lines))
    painter.restore()


def legend_place(boxes: list[QRectF], view: PlaneView) -> QRectF:
    """Return the box of the screen that covers the least of what is hatched, and then of the slice."""
    return min(boxes, key=lambda box: _covered(view, box))


def _covered(view: PlaneView, box: QRectF) -> tuple[int, float]:
    """Return how many hatched pixels of the slice lie under a box of the screen, and the share of image."""
    stripes = view.left_out.labels
    if stripes is None:
        return 0, 0.0
    (top, left), (low, right) = view.pixel_at(box.topLeft()), view.pixel_at(box.bottomRight())
    rows = slice(max(0, int(top)), max(0, int(low) + 1))
    columns = slice(max(0, int(left)), max(0, int(right) + 1))
    under = stripes[rows, columns]
    return int(np.count_nonzero(under)), under.size / max(1.0, (low - top) * (right - left))


def _beside(painter: QPainter, view: PlaneView, text: str, point: QPointF) -> None:
    """Write ``text`` beside a point, on the side where there is room."""
    wide, high = _width(painter, text) + 14, QFontMetricsF(painter.font()).height() + 6
    left = point.x() + 12 if point.x() + 12 + wide < view.width() - 12 else point.x() - 12 - wide
    top = min(max(4.0, point.y() - high / 2), view.height() - high - 4)
    _pill(painter, view, text, QPointF(max(4.0, left), top), QColor(0, 0, 0, 190), QColor("white"))


def _fill(painter: QPainter, colour: QColor) -> None:
    """Fill the next shapes, without a line around them."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)


def _width(painter: QPainter, text: str) -> float:
    return QFontMetricsF(painter.font()).horizontalAdvance(text)


def _font(view: PlaneView) -> QFont:
    font = view.font()
    font.setPointSizeF(max(8.0, font.pointSizeF()))
    font.setWeight(QFont.Weight.DemiBold)
    return font


def _line(colour: QColor, width: float) -> QPen:
    pen = QPen(colour, width)
    pen.setCosmetic(True)
    return pen
