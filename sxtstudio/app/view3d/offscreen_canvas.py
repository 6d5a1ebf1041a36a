"""The 3D view as a picture that is drawn off-screen: wherever VTK can draw at all."""

from __future__ import annotations

import logging
import time

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.latest import Latest
from sxtstudio.app.view3d.canvas import Canvas3D
from sxtstudio.app.view3d.overlay import paint_overlay
from sxtstudio.app.view3d.painter import Painter
from sxtstudio.app.view3d.scene import Scene3D
from sxtstudio.surface.offscreen import OpenGL, hidden_window

_LOG = logging.getLogger(__name__)
# Good pictures that take longer are drawn by a child process: the window must not wait for them.
_PATIENCE_S = 0.15


class OffscreenCanvas(Canvas3D):
    """Draws in a hidden window, and shows the pixels.

    Pictures of something that moves are drawn here, at once. Good ones of the scene at rest come from a child
    process where they take long, as they do without a graphics card; until then the quick one is seen.
    """

    def __init__(self, context: Context, opengl: OpenGL, unit: str = "nm") -> None:
        """Open the hidden window."""
        window = hidden_window(opengl)
        window.SetAlphaBitPlanes(1)
        self._opengl = opengl
        self._image: QImage | None = None
        super().__init__(Scene3D(window, software=opengl.software), unit, _PictureWidget(self))
        self._slow = opengl.software
        self._painter = Painter(opengl)
        self._still = Latest(
            context, "3D picture", self._show, on_error=self._on_still_failed, delay_ms=0, parent=self
        )

    def render(self) -> None:
        """Draw a good picture now, and wait for it."""
        self._still.cancel()
        self._show(self.scene.render(self.pixels_size(), "screen"))

    def grab(self) -> QImage:
        """Return the picture that is shown, without scale bar and axes."""
        if self._image is None:
            self._draw_fast()
        assert self._image is not None
        return self._image

    @property
    def image(self) -> QImage | None:
        """The picture that is shown, or None where there is none yet."""
        return self._image

    @property
    def ratio(self) -> float:
        """Pixels of the picture per pixel of the widget; without a graphics card these are enough."""
        return 1.0 if self._opengl.software else super().ratio

    @property
    def at_rest(self) -> bool:
        """Whether no better picture is to come."""
        return not self._next.isActive() and not self._settle.isActive() and not self._still.busy

    def request(self) -> None:
        """Draw a quick picture soon, and a good one when nothing has moved for a moment."""
        self._still.cancel()
        super().request()
        if not self.widget.isVisible():
            self._image = None

    def surface_changed(self) -> None:
        """Try whether the surface is drawn quickly enough to be drawn here."""
        self._slow = self._opengl.software

    def clear(self) -> None:
        """Show nothing; the child process gives its memory back."""
        self._rest()
        super().clear()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A view that is hidden needs no child process."""
        if event.type() == QEvent.Type.Hide:
            self._rest()
        return super().eventFilter(watched, event)

    def close(self) -> None:
        """Release OpenGL."""
        super().close()
        self._still.shut_down()
        self._rest()
        self.scene.close()

    def _rest(self) -> None:
        """End the child process; it is started again when it is needed."""
        self._settle.stop()
        self._still.cancel(wait_s=5)
        self._painter.close()

    def _draw_fast(self) -> None:
        self._show(self.scene.render(self.pixels_size(), "moving"))

    def _draw_at_rest(self) -> None:
        if not self._slow:
            begin = time.perf_counter()
            self.render()
            self._slow = time.perf_counter() - begin > _PATIENCE_S
            return
        contents, size, painter = self.contents(), self.pixels_size(), self._painter
        self._still.request(
            lambda job: painter.draw(contents, size, "screen", progress=job.progress), at_once=True
        )

    def _on_still_failed(self, error: Exception) -> None:
        """Leave the quick picture where it is."""
        _LOG.warning("no better 3D picture: %s", error)

    def _show(self, pixels: NDArray[np.uint8]) -> None:
        self._image = image_of(pixels)
        self.widget.update()
        self._count()


class _PictureWidget(QWidget):
    """Paints the picture of a canvas, with scale bar and axes."""

    def __init__(self, canvas: OffscreenCanvas) -> None:
        super().__init__()
        self._canvas = canvas
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Show the latest picture."""
        image = self._canvas.image
        with QPainter(self) as painter:
            if image is None:
                painter.fillRect(self.rect(), self.palette().window())
                return
            painter.drawImage(self.rect(), image)
            paint_overlay(painter, self.width(), self.height(), self._canvas.overlay(self.height()))


def image_of(pixels: NDArray[np.uint8], clear: bool = False) -> QImage:
    """Return pixels (height, width, 4) as an image with memory of its own; ``clear``: with transparency."""
    height, width, _ = pixels.shape
    kinds = QImage.Format
    kind = kinds.Format_RGBA8888_Premultiplied if clear else kinds.Format_RGBX8888
    return QImage(pixels.data, width, height, 4 * width, kind).copy()
