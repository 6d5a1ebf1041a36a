"""Child process of ``probes``: draw a ball in a window of Qt's as the native canvas does, say who drew it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget
from vtkmodules.vtkFiltersSources import vtkSphereSource

from sxtstudio.app.view3d.export import frame_of
from sxtstudio.app.view3d.native_canvas import NativeCanvas
from sxtstudio.app.view3d.state import SceneState
from sxtstudio.surface.offscreen import OpenGL
from sxtstudio.surface.scene import shaded


def main(answer_file: str) -> None:
    """Write OpenGL's name for itself, or nothing where the picture shows nothing.

    Nothing is also written before OpenGL is tried, whose failure may end the process: a window opened.
    """
    application = QApplication(sys.argv[:1])
    plain = _window()
    plain.show()
    application.processEvents()
    Path(answer_file).write_text("", "utf-8")
    window = _window()
    canvas = NativeCanvas(OpenGL("", ""))
    layout = QVBoxLayout(window)
    layout.addWidget(canvas.widget)
    window.show()
    application.processEvents()
    ball = vtkSphereSource()
    ball.SetCenter(5, 5, 5)
    ball.SetRadius(4)
    ball.Update()
    canvas.scene.set_volume((11, 11, 11), None)
    canvas.scene.set_surface(shaded(ball.GetOutput()))
    canvas.refresh(SceneState(opacity=0.9, box=False, axes=False, scale_bar=False))
    canvas.scene.frame_all("oblique", 1.0)
    canvas.render()
    Path(answer_file).write_text(canvas.renderer_name() if _is_drawn(canvas) else "", "utf-8")
    canvas.close()


def _window() -> QWidget:
    window = QWidget()
    window.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    window.resize(200, 160)
    return window


def _is_drawn(canvas: NativeCanvas) -> bool:
    """Whether the window shows the ball in the middle of the widget, and the backdrop in its corners."""
    # With all of the window: OpenGL may work in a widget that Qt then cannot put into a window.
    window = canvas.widget.window()
    picture = window.grab(canvas.widget.geometry()).toImage()
    if canvas.frames == 0 or picture.isNull():
        return False
    frame = frame_of(picture).astype(int)
    corners = frame[[0, 0, -1, -1], [0, -1, 0, -1]]
    middle = frame[frame.shape[0] // 2, frame.shape[1] // 2]
    return bool(np.ptp(corners, axis=0).max() < 10 and np.abs(middle - corners[0]).max() > 50)


if __name__ == "__main__":
    main(sys.argv[1])
