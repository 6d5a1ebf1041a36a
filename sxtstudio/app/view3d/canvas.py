"""What shows the 3D scene: one interface for the picture drawn off-screen and for OpenGL in the window."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtGui import QImage, QResizeEvent
from PySide6.QtWidgets import QWidget

from sxtstudio.app import theme
from sxtstudio.app.view3d.camera import Camera3D
from sxtstudio.app.view3d.contents import SceneContents
from sxtstudio.app.view3d.navigation import Navigation
from sxtstudio.app.view3d.overlay import Overlay, overlay_of
from sxtstudio.app.view3d.scene import Picked, Scene3D
from sxtstudio.app.view3d.state import SceneState

_SETTLE_MS = 180


class Canvas3D(QObject):
    """Draws quickly while something moves, and well once it rests; abstract.

    The kinds of canvas say how a quick and a good picture come about, how the picture is fetched, and what
    is let go of at the end; all else is the same.

    Signals
    -------
    clicked(float, float)
        A click without a drag, in pixels of the widget from its top left.
    drawn()
        There is a new picture.
    """

    clicked = Signal(float, float)
    drawn = Signal()

    def __init__(self, scene: Scene3D, unit: str, widget: QWidget) -> None:
        """Show ``scene`` in ``widget``; ``unit`` is "nm" or "voxel"."""
        super().__init__(widget)
        self.scene = scene
        self.unit = unit
        self.widget = widget
        self.state = SceneState()
        self.frames = 0
        self._navigation = Navigation(widget, scene.camera, self)
        self._navigation.moved.connect(self.request)
        self._navigation.clicked.connect(self.clicked)
        self._next = QTimer(self, singleShot=True, interval=0)
        self._next.timeout.connect(self._draw_fast)
        self._settle = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._settle.timeout.connect(self._draw_at_rest)
        widget.setMinimumSize(160, 120)
        widget.setAccessibleName("3D view")
        widget.installEventFilter(self)

    # -- what the kinds of canvas do -------------------------------------------------------------

    def render(self) -> None:
        """Draw a good picture now, and wait for it."""
        raise NotImplementedError

    def grab(self) -> QImage:
        """Return the picture that is shown, without scale bar and axes."""
        raise NotImplementedError

    def _draw_fast(self) -> None:
        """Draw a quick picture."""
        raise NotImplementedError

    def _draw_at_rest(self) -> None:
        """See to it that there is a good picture soon."""
        raise NotImplementedError

    @property
    def ratio(self) -> float:
        """Pixels of the picture per pixel of the widget."""
        return self.widget.devicePixelRatioF()

    # -- what all of them do ---------------------------------------------------------------------

    @property
    def camera(self) -> Camera3D:
        """From where the scene is seen."""
        return self.scene.camera

    def refresh(self, state: SceneState | None = None) -> None:
        """Draw anew soon, with another state if given."""
        if state is not None:
            self.state = state
        self.scene.apply(self.state, theme.is_dark())
        self.request()

    def request(self) -> None:
        """Draw a quick picture soon, and a good one when nothing has moved for a moment."""
        if self.widget.isVisible():
            if not self._next.isActive():
                self._next.start()
            self._settle.start()

    def surface_changed(self) -> None:
        """Take note that another surface, which may be quicker to draw, is in the scene."""

    def clear(self) -> None:
        """Show nothing: the document is closed."""
        self.scene.set_volume((1, 1, 1), None)

    def pick(self, x: float, y: float) -> Picked | None:
        """Return what is seen at (x, y) pixels of the widget from its top left, or None."""
        return self.scene.pick(x * self.ratio, y * self.ratio)

    def pixels_size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        widget = self.widget
        return max(1, round(widget.width() * self.ratio)), max(1, round(widget.height() * self.ratio))

    def overlay(self, height: int) -> Overlay:
        """Return scale bar and axes for a picture of ``height`` pixels."""
        return overlay_of(self.camera, height, self.state, self.unit, theme.is_dark())

    def contents(self) -> SceneContents:
        """Return what is seen now."""
        return self.scene.contents(theme.is_dark())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the widget: its size, whether it is seen, dark and light."""
        kind = event.type()
        if kind == QEvent.Type.Resize and isinstance(event, QResizeEvent):
            self.fit_pane()
            self.request()
        elif kind == QEvent.Type.Show:
            self.request()
        elif kind == QEvent.Type.PaletteChange:
            self.refresh()
        return False

    def fit_pane(self) -> None:
        """Keep in sight what was seen of the scene, when the widget is narrower than it was."""
        width, height = self.widget.width(), self.widget.height()
        if width > 0 and height > 0:
            self.camera.fit_pane(width / height, self.scene.corners)

    def _count(self) -> None:
        """Say that there is a new picture."""
        self.frames += 1
        self.drawn.emit()

    def close(self) -> None:
        """Release OpenGL; the canvas cannot be used after that."""
        self._next.stop()
        self._settle.stop()
        self.widget.removeEventFilter(self)
        self._navigation.release()
