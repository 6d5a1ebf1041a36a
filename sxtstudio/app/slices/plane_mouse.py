"""Mouse and keys over a slice: what the view does itself, and what goes to the tool in the hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPointF, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QMouseEvent, QWheelEvent

from sxtstudio.app.context import Context
from sxtstudio.app.labels.tools.base import PointerEvent
from sxtstudio.app.labels.tools.toolbox import Toolbox
from sxtstudio.app.slices.overlays import brush_px
from sxtstudio.app.widgets.controls import NOTCH, WheelSteps
from sxtstudio.core.planes import COLUMNS, NORMAL, ROWS

if TYPE_CHECKING:
    from sxtstudio.app.slices.plane_view import PlaneView

_ZOOM_STEP = 1.2
_CLICK_PX = 3  # a press that moves no farther is a click
_BUTTONS = {
    Qt.MouseButton.LeftButton: "left",
    Qt.MouseButton.RightButton: "right",
    Qt.MouseButton.MiddleButton: "middle",
}


class PlaneMouse(QObject):
    """Left: tool, or pan and crosshair. Middle: pan. Right: contrast. Wheel: slices; with Ctrl: zoom."""

    hovered = Signal(object)  # PointerEvent, or None when the pointer has left
    fit_wanted = Signal()

    def __init__(self, context: Context, toolbox: Toolbox, view: PlaneView) -> None:
        """Serve ``view``."""
        super().__init__(view)
        self._context = context
        self._toolbox = toolbox
        self._view = view
        self._drag = ""  # "pan", "contrast" or "tool"
        self._from = QPointF()
        self._last = QPointF()
        self._moved = False
        self._wheel = WheelSteps()
        self._rests: QPointF | None = None  # where the pointer is, while it is over the view
        self.over: tuple[float, float] | None = None
        self.by_keyboard = False

    def _pointer(self, event: QMouseEvent, button: str = "", double: bool = False) -> PointerEvent:
        return self._pointer_at(event.position(), event.modifiers(), button, double)

    def _pointer_at(
        self, place: QPointF, keys: Qt.KeyboardModifier, button: str = "", double: bool = False
    ) -> PointerEvent:
        row, column = self._view.pixel_at(place)
        return PointerEvent(
            self._view.plane,
            row,
            column,
            self._view.shown_depth,
            button,
            bool(keys & Qt.KeyboardModifier.ShiftModifier),
            bool(keys & Qt.KeyboardModifier.ControlModifier),
            bool(keys & Qt.KeyboardModifier.AltModifier),
            double,
        )

    def press(self, event: QMouseEvent, double: bool = False) -> None:
        """Begin a drag, a click or a stroke."""
        if self._context.session.document is None or self._drag:
            return
        self.by_keyboard = False
        self._from = self._last = event.position()
        self._moved = False
        if event.button() == Qt.MouseButton.LeftButton:
            if self._toolbox.wants_pointer:
                self._drag = "tool"
                self._toolbox.press(self._pointer(event, "left", double))
            elif double:
                self.fit_wanted.emit()
            else:
                self._drag = "pan"
        elif event.button() == Qt.MouseButton.MiddleButton:
            self._drag = "pan"
        elif event.button() == Qt.MouseButton.RightButton:
            self._drag = "contrast"

    def move(self, event: QMouseEvent) -> None:
        """Go on with it, or hover."""
        if self._context.session.document is None:
            return
        place, former = event.position(), self._last
        self._last = self._rests = place
        if (place - self._from).manhattanLength() > _CLICK_PX:
            self._moved = True
        pointer = self._pointer(event, _held(event))
        self._hover_at(pointer)
        if self._drag == "tool":
            self._toolbox.move(pointer)
        elif self._drag == "pan" and self._moved:
            camera, view = self._view.camera, self._view
            camera.pan(
                {
                    COLUMNS[view.plane]: (former.x() - place.x()) / camera.zoom,
                    ROWS[view.plane]: (former.y() - place.y()) / camera.zoom,
                }
            )
        elif self._drag == "contrast" and self._moved:
            self._contrast(place - former)
        elif not self._drag and self._toolbox.wants_pointer:
            self._toolbox.hover(pointer)

    def release(self, event: QMouseEvent) -> None:
        """End it."""
        drag, self._drag = self._drag, ""
        if drag == "tool":
            self._toolbox.release(self._pointer(event, "left"))
        elif drag == "pan" and not self._moved and event.button() == Qt.MouseButton.LeftButton:
            pointer = self._pointer(event, "left")
            if pointer.ctrl:
                self._toolbox.pick(pointer)
            else:
                self._toolbox.point(pointer)

    def wheel(self, event: QWheelEvent) -> None:
        """Go through the slices, or zoom."""
        event.accept()
        if self._context.session.document is None:
            return
        view = self._view
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            turned = event.angleDelta().y() or event.angleDelta().x()
            row, column = view.pixel_at(event.position())
            axes = (ROWS[view.plane], COLUMNS[view.plane])
            place = {axis: n * view.camera.voxel[axis] for axis, n in zip(axes, (row, column), strict=True)}
            view.camera.zoom_at(_ZOOM_STEP ** (turned / NOTCH), place)
            return
        steps = self._wheel.take(event)
        if steps:
            far = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.step(steps * (10 if far else 1))

    def step(self, slices: int) -> None:
        """Move the crosshair along the normal of the view."""
        session = self._context.session
        place = list(session.cursor)
        place[NORMAL[self._view.plane]] += slices
        session.set_cursor((place[0], place[1], place[2]))

    def key(self, event: QKeyEvent) -> bool:
        """Go through the slices with the arrow keys; return whether the key was one of them."""
        steps = {Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1, Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1}
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            return False
        self.by_keyboard = True
        self.step(step * (10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1))
        return True

    def follow(self, *, other_slice: bool) -> None:
        """Say anew what is under a pointer that rests: the view moved, or what it shows has changed."""
        if self._rests is None or self._context.session.document is None:
            return
        pointer = self._pointer_at(self._rests, QGuiApplication.keyboardModifiers())
        self._hover_at(pointer)
        if other_slice and not self._drag and self._toolbox.wants_pointer:
            self._toolbox.hover(pointer)

    def enter(self) -> None:
        """Show the cursor of the tool."""
        drawing = self._toolbox.wants_pointer
        self._view.setCursor(Qt.CursorShape.CrossCursor if drawing else Qt.CursorShape.ArrowCursor)

    def leave(self) -> None:
        """Forget where the pointer was."""
        self._rests = None
        self.hovered.emit(None)
        self._toolbox.leave()
        if self.over is not None:
            row, column = self.over
            self.over = None
            self._view.update_pixels(row, column, self._radius())

    def _hover_at(self, pointer: PointerEvent) -> None:
        former, self.over = self.over, (pointer.row, pointer.column)
        if brush_px(self._context.session) is not None:
            for place in (former, self.over):
                if place is not None:
                    self._view.update_pixels(*place, self._radius())
        self.hovered.emit(pointer)

    def _radius(self) -> float:
        return (brush_px(self._context.session) or 0) / 2 + 1

    def _contrast(self, moved: QPointF) -> None:
        """Up and down: brightness. Right and left: contrast."""
        state = self._context.session.display.value
        width = state.high - state.low
        centre = (state.high + state.low) / 2 + moved.y() * width / 300
        width *= 1.006 ** -moved.x()
        self._context.session.display.set(low=centre - width / 2, high=centre + width / 2)


def _held(event: QMouseEvent) -> str:
    for button, name in _BUTTONS.items():
        if event.buttons() & button:
            return name
    return ""
