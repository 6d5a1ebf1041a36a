"""The 3D view as OpenGL in the window: pyvistaqt's widget, with our scene, camera style and pickers."""

from __future__ import annotations

import os
import time
from typing import Any

# qtpy, through which pyvistaqt finds Qt, takes the first binding that it finds.
os.environ.setdefault("QT_API", "pyside6")

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget
from pyvistaqt import QtInteractor

from sxtstudio.app.view3d.canvas import Canvas3D
from sxtstudio.app.view3d.overlay import paint_overlay
from sxtstudio.app.view3d.scene import Scene3D
from sxtstudio.surface.offscreen import OpenGL, opengl_renderer

# Refinements that take longer are left out: they are drawn in the thread of the window.
_PATIENCE_S = 0.25
# 2: all faces and shadows, 1: all faces, 0: the lighter surface.
_MOST = 2


class NativeCanvas(Canvas3D):
    """Draws into the window with the graphics card; what is drawn needs no way back to the processor."""

    def __init__(self, opengl: OpenGL, unit: str = "nm") -> None:
        """Make pyvistaqt's widget; OpenGL starts when it is first painted."""
        # Its own drawing, mouse, keys and drops stay unused: the scene draws when something has changed.
        self._interactor: Any = QtInteractor(auto_update=False, multi_samples=0)
        self._interactor.setAcceptDrops(False)
        window = self._interactor.render_window
        for renderer in self._interactor.renderers:
            window.RemoveRenderer(renderer)
        super().__init__(Scene3D(window, software=opengl.software), unit, self._interactor)
        self._software = opengl.software
        # How well still pictures are drawn, opaque and translucent.
        self._effort: dict[bool, int] = {}
        self.surface_changed()
        self._begin = 0.0
        self._closed = False
        self._observers = [
            window.AddObserver("StartEvent", self._on_started),
            window.AddObserver("EndEvent", self._on_ended),
        ]
        self._overlay = _Overlay(self)
        self._at_rest = False

    def render(self) -> None:
        """Draw a good picture now, and wait for it."""
        self._prepare_good()
        self._interactor.grabFramebuffer()
        self._interactor.update()

    def grab(self) -> QImage:
        """Return the picture that is shown, without scale bar and axes."""
        image: QImage = self._interactor.grabFramebuffer()
        return image

    def renderer_name(self) -> str:
        """Return OpenGL's name for who draws; it must have been drawn before."""
        return opengl_renderer(self._interactor.render_window)

    def surface_changed(self) -> None:
        """Draw as well as possible again: another surface may be quicker to draw."""
        self._effort = {False: 1, True: 0} if self._software else {False: _MOST, True: _MOST}

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep the overlay over all of the picture."""
        if isinstance(event, QResizeEvent):
            self._overlay.resize(event.size())
        return super().eventFilter(watched, event)

    def close(self) -> None:
        """Release OpenGL."""
        if self._closed:
            return
        self._closed = True
        super().close()
        window = self._interactor.render_window
        for observer in self._observers:
            window.RemoveObserver(observer)
        window.MakeCurrent()
        self.scene.close()
        self._interactor.close()

    def _draw_fast(self) -> None:
        self._at_rest = False
        self.scene.prepare("moving")
        self._update()

    def _draw_at_rest(self) -> None:
        self._prepare_good()
        self._update()

    def _prepare_good(self) -> None:
        effort = self._effort[self.scene.translucent]
        self._at_rest = True
        self.scene.prepare("screen", shadows=effort > 1, light=effort < 1)

    def _update(self) -> None:
        self._interactor.update()
        self._overlay.update()

    def _on_started(self, *_: object) -> None:
        self._begin = time.perf_counter()

    def _on_ended(self, *_: object) -> None:
        if self._at_rest:
            self._interactor.render_window.WaitForCompletion()
            translucent = self.scene.translucent
            if time.perf_counter() - self._begin > _PATIENCE_S:
                self._effort[translucent] = max(0, self._effort[translucent] - 1)
        self._count()


class _Overlay(QWidget):
    """Scale bar and axes over the picture; the mouse goes through it."""

    def __init__(self, canvas: NativeCanvas) -> None:
        super().__init__(canvas.widget)
        self._canvas = canvas
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.resize(canvas.widget.size())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint both."""
        with QPainter(self) as painter:
            paint_overlay(painter, self.width(), self.height(), self._canvas.overlay(self.height()))
