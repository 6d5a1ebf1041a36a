"""The widget that shows the 3D scene and turns it with the mouse."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from sxtstudio.app import theme
from sxtstudio.app.view3d.contents import SceneContents
from sxtstudio.app.view3d.overlay import Overlay, overlay_of, paint_overlay
from sxtstudio.app.view3d.scene import Scene3D
from sxtstudio.app.view3d.state import SceneState

# A pointer that moves less between press and release has clicked.
_CLICK_PX = 4
_SETTLE_MS = 180
# Refinements that take longer than this are left out where the processor draws.
_PATIENCE_S = 0.7
# 2: all faces and shadows, 1: all faces, 0: the lighter surface.
_MOST = 2
_KEYS = {
    Qt.Key.Key_Left: (-0.06, 0.0),
    Qt.Key.Key_Right: (0.06, 0.0),
    Qt.Key.Key_Up: (0.0, -0.06),
    Qt.Key.Key_Down: (0.0, 0.06),
}


class Canvas3D(QWidget):
    """Draws quickly while something moves, and well once it rests.

    Left drag turns, middle or Shift+left drag moves, right drag and wheel zoom; a click picks.
    """

    clicked = Signal(float, float)
    drawn = Signal()

    def __init__(self, scene: Scene3D, unit: str, parent: QWidget | None = None) -> None:
        """Show ``scene``; ``unit`` is "nm" or "voxel"."""
        super().__init__(parent)
        self.scene = scene
        self.unit = unit
        self.state = SceneState()
        self.frames = 0
        self._image: QImage | None = None
        self._pressed: QPointF | None = None
        self._last = QPointF()
        self._button = Qt.MouseButton.NoButton
        self._moved = False
        # How well still pictures are drawn, opaque and translucent: see ``draw_well``.
        self._effort: dict[bool, int] = {}
        self.try_again()
        self._next = QTimer(self, singleShot=True, interval=0)
        self._next.timeout.connect(self._draw_fast)
        self._settle = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._settle.timeout.connect(self.draw_well)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(160, 120)
        self.setAccessibleName("3D view")
        theme.follow(self, self.refresh)

    # -- drawing ---------------------------------------------------------------------------------

    def refresh(self, state: SceneState | None = None) -> None:
        """Draw anew soon, with another state if given."""
        if state is not None:
            self.state = state
        self.scene.apply(self.state, theme.is_dark())
        self.request()

    def request(self) -> None:
        """Draw a quick picture soon, and a good one when nothing has moved for a moment."""
        if self.isVisible():
            if not self._next.isActive():
                self._next.start()
            self._settle.start()
        else:
            self._image = None

    def draw_well(self) -> None:
        """Draw a good picture now."""
        translucent, size = self.scene.translucent, self.pixels_size()
        effort = self._effort[translucent]
        begin = time.perf_counter()
        self._show(self.scene.render(size, "screen", shadows=effort > 1, light=effort < 1))
        if self.scene.opengl.software and time.perf_counter() - begin > _PATIENCE_S:
            self._effort[translucent] = max(0, effort - 1)

    def try_again(self) -> None:
        """Draw as well as possible again: another surface may be quicker to draw."""
        self._effort = {False: _MOST, True: 0 if self.scene.opengl.software else _MOST}

    def _draw_fast(self) -> None:
        self._show(self.scene.render(self.pixels_size(), "moving"))

    def _show(self, pixels: NDArray[np.uint8]) -> None:
        self._image = image_of(pixels)
        self.frames += 1
        self.update()
        self.drawn.emit()

    @property
    def ratio(self) -> float:
        """Pixels of the picture per pixel of the widget."""
        return 1.0 if self.scene.opengl.software else self.devicePixelRatioF()

    def pixels_size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        return max(1, round(self.width() * self.ratio)), max(1, round(self.height() * self.ratio))

    @property
    def image(self) -> QImage | None:
        """The picture that is shown, without scale bar and axes."""
        return self._image

    def overlay(self, height: int) -> Overlay:
        """Return scale bar and axes for a picture of ``height`` pixels."""
        return overlay_of(self.scene.camera, height, self.state, self.unit, theme.is_dark())

    def contents(self) -> SceneContents:
        """Return what is seen now."""
        return self.scene.contents(theme.is_dark())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Show the latest picture, with scale bar and axes."""
        painter = QPainter(self)
        if self._image is None:
            painter.fillRect(self.rect(), self.palette().window())
            return
        painter.drawImage(self.rect(), self._image)
        paint_overlay(painter, self.width(), self.height(), self.overlay(self.height()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Draw in the new size; what is seen in a narrow view stays in it when it becomes narrower."""
        before, now = event.oldSize(), event.size()
        if self._image is not None and before.height() > 0 and now.height() > 0:
            narrow = min(1.0, now.width() / now.height())
            factor = narrow / min(1.0, before.width() / before.height())
            if factor != 1.0:
                self.scene.camera.zoom(factor)
        self.request()

    def showEvent(self, event: Any) -> None:
        """Draw what has changed while nobody looked."""
        super().showEvent(event)
        self.request()

    # -- the mouse and the keys ------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a drag, or a click."""
        self._pressed = self._last = event.position()
        self._button = event.button()
        self._moved = False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Turn, move or zoom."""
        if self._pressed is None:
            return
        place = event.position()
        if not self._moved and (place - self._pressed).manhattanLength() < _CLICK_PX:
            return
        self._moved = True
        step = (place - self._last) / max(1, self.height())
        self._last = place
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if self._button == Qt.MouseButton.MiddleButton or (
            self._button == Qt.MouseButton.LeftButton and shift
        ):
            self.scene.camera.shift(step.x(), step.y())
        elif self._button == Qt.MouseButton.LeftButton:
            self.scene.camera.turn(step.x(), step.y())
        else:
            self.scene.camera.zoom(float(np.exp(-2.5 * step.y())))
        self.request()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a drag, or pick."""
        if self._pressed is not None and not self._moved and event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit(event.position().x() * self.ratio, event.position().y() * self.ratio)
        self._pressed = None

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom."""
        self.scene.camera.zoom(float(np.exp(event.angleDelta().y() / 800.0)))
        self.request()

    def event(self, event: QEvent) -> bool:
        """Keep the arrow keys from the shortcuts of the slices while the 3D view has the focus."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if event.key() in _KEYS or event.text() in ("+", "-"):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Turn with the arrow keys, zoom with + and -."""
        step = _KEYS.get(Qt.Key(event.key()))
        if step is not None:
            self.scene.camera.turn(*step)
        elif event.text() in ("+", "-"):
            self.scene.camera.zoom(1.15 if event.text() == "+" else 1 / 1.15)
        else:
            super().keyPressEvent(event)
            return
        self.request()

    def shut_down(self) -> None:
        """Release OpenGL."""
        self._next.stop()
        self._settle.stop()
        self.scene.close()


def image_of(pixels: NDArray[np.uint8], clear: bool = False) -> QImage:
    """Return pixels (height, width, 4) as an image with memory of its own; ``clear``: with transparency."""
    height, width, _ = pixels.shape
    kinds = QImage.Format
    kind = kinds.Format_RGBA8888_Premultiplied if clear else kinds.Format_RGBX8888
    return QImage(pixels.data, width, height, 4 * width, kind).copy()
