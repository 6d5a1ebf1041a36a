"""One slice of the tomogram with everything that is drawn over it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from sxtstudio.app import theme
from sxtstudio.app.context import Context
from sxtstudio.app.labels.tools.toolbox import Toolbox
from sxtstudio.app.objects.style import ObjectStyle
from sxtstudio.app.slice_preview import Change, PreviewStyle
from sxtstudio.app.slices import overlays
from sxtstudio.app.slices.camera import Camera
from sxtstudio.app.slices.colour_maps import colours_of
from sxtstudio.app.slices.fetching import SliceData
from sxtstudio.app.slices.layers import (
    LEFT_OUT_COLOURS,
    MARK_COLOURS,
    ImageLayer,
    LabelLayer,
    OutlineLayer,
)
from sxtstudio.app.slices.object_layer import ObjectLayer
from sxtstudio.app.slices.plane_mouse import PlaneMouse
from sxtstudio.core.edit_kind import Target
from sxtstudio.core.geometry import Box
from sxtstudio.core.object_colours import number_colours
from sxtstudio.core.planes import COLUMNS, NORMAL, ROWS, Plane

_SELECTED = (255, 255, 255)
_SHADES = (170, 60, 255)  # violet: neither labels nor cell mask
# Red and green that also differ in brightness, for those who see them alike.
_GOES, _COMES = QColor(226, 38, 54, 225), QColor(92, 240, 120, 225)


class PlaneView(QWidget):
    """Shows a slice; ``shown_depth`` is the slice that is drawn, which may lag behind the one asked for."""

    def __init__(
        self,
        context: Context,
        toolbox: Toolbox,
        camera: Camera,
        plane: Plane,
        style: ObjectStyle,
        parent: QWidget | None = None,
    ) -> None:
        """Begin empty."""
        super().__init__(parent)
        self._context = context
        self.toolbox = toolbox
        self.camera = camera
        self.plane: Plane = plane
        self.shown_depth = 0
        self.image = ImageLayer()
        self.labels = LabelLayer()
        self.objects = ObjectLayer()
        self._style = style
        self.preview = LabelLayer()
        self._preview_style = PreviewStyle.LABELS
        self.marks = LabelLayer()
        self.marks.colour_with(MARK_COLOURS)
        self.outline = OutlineLayer(dashed=True)
        self.selected = LabelLayer()
        self.selected_edge = OutlineLayer(dashed=False)
        self.left_out = LabelLayer()
        self.left_out.colour_with(LEFT_OUT_COLOURS)
        self.left_out_text = ""
        self.preview_title = ""
        self.note = ""
        self.error = ""
        self.edits = -1
        self._crossed = QPoint()
        self.mouse = PlaneMouse(context, toolbox, self)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(60, 40)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName(f"{plane.upper()} slice")
        camera.changed.connect(self.update)
        self.apply_style()

    # -- what is shown ---------------------------------------------------------------------------

    def clear(self) -> None:
        """Show nothing."""
        self.image.set(None)
        for layer in (self.labels, self.preview, self.selected, self.marks, self.left_out):
            layer.set(None)
        self.outline.set(None)
        self.objects.set(None)
        self.selected_edge.set(None)
        self.note = self.error = self.preview_title = self.left_out_text = ""
        self.shown_depth, self.edits = 0, -1
        self.update()

    def show_slice(self, data: SliceData) -> None:
        """Take what a reader has found."""
        moved = data.depth != self.shown_depth
        self.shown_depth, self.note, self.error = data.depth, data.note, ""
        if data.image is not None:
            self.image.set(data.image, data.bins)
        elif moved:
            self.image.set(None)
        if data.edits >= 0:
            self.edits = data.edits
            self.labels.set(data.labels)
            self.outline.set(data.mask)
            self.objects.set(data.objects)
            self.marks.set(data.marks)
        if moved:
            self.show_preview()
            self.show_selection()
        self.update()

    def show_error(self, text: str) -> None:
        """Say in the view why there is no image."""
        self.image.set(None)
        self.error = text
        self.update()

    def apply_style(self) -> None:
        """Follow the display settings."""
        state = self._context.session.display.value
        window = (state.high, state.low) if state.inverted else (state.low, state.high)
        self.image.apply_style(window, colours_of(state.colour_map))
        self.labels.paint_with(state.label_rgb, state.label_opacity)
        self._style_preview()
        self.selected.paint_with(_SELECTED, 0.35)
        self.update()

    def restyle_objects(self) -> None:
        """Follow colours and visibility of the objects, and which are chosen."""
        self.objects.restyle()
        self.objects.select(frozenset(self._context.session.objects.value.selected))
        self.update()

    def _style_preview(self) -> None:
        state = self._context.session.display.value
        strong = min(1.0, state.label_opacity + 0.15)
        match self._preview_style:
            case PreviewStyle.SHADES:
                self.preview.shade_with(_SHADES, 0.75)
            case PreviewStyle.CHANGES:
                kept = QColor(*state.label_rgb, round(255 * state.label_opacity))
                self.preview.colour_with({Change.STAYS: kept, Change.GOES: _GOES, Change.COMES: _COMES})
            case PreviewStyle.OBJECTS:
                colours = number_colours(np.arange(1, 256)).tolist()
                self.preview.colour_with({n: QColor(r, g, b, 150) for n, (r, g, b) in enumerate(colours, 1)})
            case PreviewStyle.LABELS:
                self.preview.paint_with(state.label_rgb, strong)

    def follow_tool(self) -> None:
        """Show the cursor and the circle of the tool that is in the hand now."""
        self.mouse.enter()
        self.update()

    def show_preview(self) -> None:
        """Follow the session's preview, which belongs to one slice of the XY view."""
        preview = self._context.session.preview
        mine = preview is not None and self.plane == "xy" and preview.z == self.shown_depth
        self._preview_style = PreviewStyle.LABELS if preview is None else preview.style
        self._style_preview()
        self.preview.set(preview.labels.copy() if preview is not None and mine else None)
        self.preview_title = preview.title if preview is not None and mine else ""
        self.update()

    def show_left_out(self, stripes: NDArray[np.uint8] | None, text: str) -> None:
        """Hatch what was not labelled (y, x), and say what that is; without a text, show none."""
        if stripes is not None or self.left_out.labels is not None or text != self.left_out_text:
            self.left_out.set(stripes)
            self.left_out_text = text
            self.update()

    def show_selection(self) -> None:
        """Follow the session's selection."""
        selection = self._context.session.selection
        axis = NORMAL[self.plane]
        part: Any = None
        origin = (0, 0)
        if selection is not None and selection.box.start[axis] <= self.shown_depth < selection.box.stop[axis]:
            part = selection.where.take(self.shown_depth - selection.box.start[axis], axis=axis)
            part = (part.T if self.plane == "yz" else part).astype("u1") * 255
            origin = (selection.box.start[ROWS[self.plane]], selection.box.start[COLUMNS[self.plane]])
        self.selected.set(None if part is None else part.copy(order="C"), origin)
        self.selected_edge.set(part, origin)
        self.update()

    def has(self, target: Target) -> bool:
        """Whether a slice of this volume has been read for this view."""
        shown = {
            "labels": self.labels.labels,
            "mask": self.outline.mask,
            "objects": self.objects.numbers,
            "marks": self.marks.labels,
        }
        return shown[target] is not None

    def patch(self, target: Target, box: Box) -> None:
        """Read again what has changed within ``box``, if it is seen in this view."""
        axis = NORMAL[self.plane]
        layers: dict[Target, LabelLayer | OutlineLayer | ObjectLayer] = {
            "labels": self.labels,
            "mask": self.outline,
            "objects": self.objects,
            "marks": self.marks,
        }
        volume = self._context.session.labels_of(target)
        if volume is None or not box.start[axis] <= self.shown_depth < box.stop[axis]:
            return
        index = list(box.slices)
        index[axis] = slice(self.shown_depth, self.shown_depth + 1)
        part = volume[tuple(index)].squeeze(axis)
        row, column = box.start[ROWS[self.plane]], box.start[COLUMNS[self.plane]]
        layers[target].patch(row, column, part.T if self.plane == "yz" else part)
        if target in ("mask", "objects"):
            self.update()  # outlines may change anywhere
        else:
            rows, columns = box.stop[ROWS[self.plane]], box.stop[COLUMNS[self.plane]]
            corners = QRectF(column - 0.5, row - 0.5, columns - column, rows - row)
            self.update(self.transform().mapRect(corners).toAlignedRect().adjusted(-2, -2, 2, 2))

    # -- geometry --------------------------------------------------------------------------------

    def transform(self) -> QTransform:
        """Return the way from pixels of the slice (x = column) to points of the widget."""
        camera, row, column = self.camera, ROWS[self.plane], COLUMNS[self.plane]
        return QTransform(
            camera.zoom * camera.voxel[column],
            0,
            0,
            camera.zoom * camera.voxel[row],
            self.width() / 2 - camera.centre[column] * camera.zoom,
            self.height() / 2 - camera.centre[row] * camera.zoom,
        )

    def cross(self) -> QPoint:
        """Return where the crosshair is in the widget."""
        cursor = self._context.session.cursor
        return self.transform().map(QPointF(cursor[COLUMNS[self.plane]], cursor[ROWS[self.plane]])).toPoint()

    def move_cross(self) -> None:
        """Repaint the crosshair where it was and where it is now; the image between stays."""
        new, old = self.cross(), self._crossed
        self._crossed = new
        if new != old and self._context.session.display.value.crosshair:
            for place in (old, new):
                self.update(QRect(0, place.y() - 1, self.width(), 3))
                self.update(QRect(place.x() - 1, 0, 3, self.height()))

    def pixel_at(self, point: QPointF) -> tuple[float, float]:
        """Return (row, column) under a point of the widget."""
        place = self.transform().inverted()[0].map(point)
        return place.y(), place.x()

    # -- painting --------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what needs painting; Qt cuts everything off outside the changed rectangle."""
        with QPainter(self) as painter:
            painter.fillRect(event.rect(), QColor("#0d0f11" if theme.is_dark() else "#d5d8dc"))
            session = self._context.session
            state = session.display.value
            self._crossed = self.cross()
            if session.document is not None:
                painter.setTransform(self.transform(), True)
                self.image.draw(painter, state.smooth)
                replaced = self.preview.labels is not None and self._preview_style is not PreviewStyle.SHADES
                shown = session.objects.value
                proposed = self.preview.labels is not None and self._preview_style is PreviewStyle.OBJECTS
                covered = None
                if shown.visible and not proposed:
                    covered = self.objects.prepare(self._style.colours, self._style.shown)
                    self.objects.draw(painter, shown.opacity)
                if state.labels_visible and not replaced:
                    self.labels.draw(painter, covered)  # not below objects: their colours must be their own
                self.left_out.draw(painter)
                if session.marks.value.visible and not replaced:
                    self.marks.draw(painter)
                self.preview.draw(painter)
                self.selected.draw(painter)
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                self.selected_edge.draw(painter, _SELECTED, 1.5)
                if shown.visible:
                    self.objects.draw_selected(painter, self._style.shown)
                if state.mask_visible:
                    self.outline.draw(painter, state.mask_rgb)
                overlays.draw_tool(painter, self, self.mouse.over)
                painter.resetTransform()
                overlays.draw_all(painter, self)
            if self.hasFocus() and self.mouse.by_keyboard:
                overlays.draw_focus(painter, self)

    @property
    def context(self) -> Context:
        """The parts of the window."""
        return self._context

    def update_pixels(self, row: float, column: float, radius: float) -> None:
        """Repaint around a pixel."""
        area = QRectF(column - radius, row - radius, 2 * radius, 2 * radius)
        rect: QRect = self.transform().mapRect(area).toAlignedRect()
        self.update(rect.adjusted(-4, -4, 4, 4))

    # -- events go to the mouse ------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a drag, a click or a stroke."""
        self.mouse.press(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Fit, or hand it to the tool."""
        self.mouse.press(event, double=True)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with it, or hover."""
        self.mouse.move(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End it."""
        self.mouse.release(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Go through the slices, or zoom."""
        self.mouse.wheel(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        """Show the cursor of the tool."""
        self.mouse.enter()

    def leaveEvent(self, event: object) -> None:
        """Take the brush circle and the readout away."""
        self.mouse.leave()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show a frame where the keys go, if they are what brought the focus."""
        tabs = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        self.mouse.by_keyboard = event.reason() in tabs
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Take the frame away."""
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go through the slices with the arrow keys."""
        if not self.mouse.key(event):
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Paint anew."""
        self.update()
