"""The three linked slice views."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, fields
from typing import Any

from PySide6.QtCore import QRectF, QTimer
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QStackedLayout, QWidget

from sxtstudio.app.context import Context
from sxtstudio.app.document.first_scan import FirstScan
from sxtstudio.app.document.start_page import StartPage
from sxtstudio.app.labels.tools.base import PointerEvent
from sxtstudio.app.labels.tools.toolbox import Toolbox
from sxtstudio.app.objects.style import ObjectStyle
from sxtstudio.app.slices.camera import Camera
from sxtstudio.app.slices.fetching import SliceData, SliceRequest, SliceSource, cut
from sxtstudio.app.slices.left_out import LeftOutOverlay
from sxtstudio.app.slices.plane_layout import PlaneLayout
from sxtstudio.app.slices.plane_view import PlaneView
from sxtstudio.app.slices.reader import Reader
from sxtstudio.app.slices.readout import cross_texts, readout
from sxtstudio.app.slices.slice_bar import SliceBar
from sxtstudio.app.states import Belonging, DisplayState
from sxtstudio.core.contrast import auto_window
from sxtstudio.core.edit_kind import TARGETS, Target
from sxtstudio.core.errors import sentence_of
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.planes import COLUMNS, NORMAL, PLANES, ROWS, Plane

_KEPT_EDITS = 200
# Of a view: an object smaller than the first or larger than the second is shown anew, as large as the last.
_SPECK, _WHOLE, _FRAMED = 0.12, 0.7, 0.35
_LEAST_FRAMED_PX = 24  # of a smaller object more of what lies around it is shown
# What was hidden or turned round in one tomogram would puzzle in the next.
_OF_THE_TOMOGRAM = ("inverted", "labels_visible", "mask_visible")


class SlicesView(QWidget):
    """XY, XZ and YZ through the crosshair, or the start page while nothing is open."""

    def __init__(
        self,
        context: Context,
        first_scan: FirstScan,
        toolbox: Toolbox,
        style: ObjectStyle,
        start_page: StartPage,
        parent: QWidget | None = None,
    ) -> None:
        """Build the widgets."""
        super().__init__(parent)
        self._context = context
        self._session = session = context.session
        self.first_scan = first_scan
        self.camera = Camera(self)
        self.views = {plane: PlaneView(context, toolbox, self.camera, plane, style) for plane in PLANES}
        self.left_out = LeftOutOverlay(context, self.views["xy"])
        self.readers = {plane: Reader(plane, self) for plane in PLANES}
        self._source: SliceSource | None = None
        self._edits = 0
        self._edited: deque[tuple[int, Target, Box]] = deque(maxlen=_KEPT_EDITS)
        self._asked: dict[Plane, int] = {}
        self._forward: dict[Plane, int] = dict.fromkeys(PLANES, 1)
        self._fitted = False  # follows the size of the window until the user pans or zooms
        self._framed: Box | None = None  # what was gone to, until then
        self._contrast_chosen = False
        self._sides_wanted = True  # a single slice is shown without them
        self.start_page = start_page
        self.start_page.setMinimumWidth(1)  # hidden, it must not make a small window wider
        self.bar = SliceBar(context)
        self.bar.entered.connect(self.views["xy"].setFocus)
        self.planes = PlaneLayout(self.views["xy"], self.views["xz"], self.views["yz"], self.bar)
        self._display = Belonging(session.display, ("low", "high", *_OF_THE_TOMOGRAM))
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.start_page)
        self._stack.addWidget(self.planes)
        for plane, reader in self.readers.items():
            reader.arrived.connect(self._show)
            reader.failed.connect(lambda error, plane=plane: self._on_failure(plane, error))
            mouse = self.views[plane].mouse
            mouse.hovered.connect(self._on_hover)
            mouse.fit_wanted.connect(self.fit)
        session.document_changed.connect(self._on_document)
        session.facts_changed.connect(self._on_facts)
        session.cursor_changed.connect(self._on_cursor)
        session.labels_changed.connect(lambda box: self._on_edit("labels", box))
        session.mask_changed.connect(lambda box: self._on_edit("mask", box))
        session.objects_changed.connect(lambda box: self._on_edit("objects", box))
        session.marks_changed.connect(lambda box: self._on_edit("marks", box))
        for view in self.views.values():
            session.preview_changed.connect(view.show_preview)
            session.selection_changed.connect(view.show_selection)
            session.display.changed.connect(view.apply_style)
            session.tool.changed.connect(view.follow_tool)
            session.objects.changed.connect(view.restyle_objects)
            session.marks.changed.connect(view.update)
            style.changed.connect(view.restyle_objects)
            toolbox.sketch_changed.connect(view.update)
        self.first_scan.sampled.connect(self._on_sample)
        self.first_scan.overviewed.connect(self._on_overview)
        self.first_scan.failed.connect(self._show_failure)
        self.camera.changed.connect(self._on_camera)
        session.layout.changed.connect(self._on_layout)
        session.register_view("slices", self, look=True)

    # -- the document ----------------------------------------------------------------------------

    def _on_document(self) -> None:
        for reader in self.readers.values():
            reader.drop(wait_s=10)  # the former file is closed next
        for view in self.views.values():
            view.clear()
        self._edited.clear()
        self._asked.clear()
        self._contrast_chosen = False
        self._display.begin()
        document = self._session.document
        self._stack.setCurrentIndex(0 if document is None else 1)
        if document is None:
            self.planes.line.make_room("")
            self._source = None
            return
        first = PointerEvent("xy", 0, 0, 0)
        self.planes.line.make_room(readout(document, first, None, False, self._session.unit)[0])
        self._source = SliceSource(document.tomogram)
        self.camera.voxel = (1.0, 1.0, 1.0)
        self.camera.look_at(document.shape, document.voxel_nm)
        self._fitted = True
        self._set_sides(self._sides_wanted and document.shape[0] > 1)
        self._suit()
        QTimer.singleShot(0, self, self._suit)  # once the views have their sizes
        self.refresh()

    def _on_facts(self) -> None:
        document = self._session.document
        if document is not None and (document.voxel_nm or (1.0, 1.0, 1.0)) != self.camera.voxel:
            self.camera.look_at(document.shape, document.voxel_nm)
            if self._fitted:
                self._suit()
        for view in self.views.values():
            view.update()
        self._follow_pointer()
        self._show_corner()

    def _show_corner(self) -> None:
        document = self._session.document
        texts = () if document is None else cross_texts(document, self._session.cursor, self._session.unit)
        self.planes.corner.show_texts(texts)

    def refresh(self) -> None:
        """Show the slices through the crosshair anew."""
        self._asked.clear()
        self._on_cursor(self._session.cursor)

    def _on_cursor(self, cursor: Triple) -> None:
        for plane, view in self.views.items():
            depth = cursor[NORMAL[plane]]
            if self._source is not None and self._asked.get(plane) != depth:
                former = self._asked.get(plane)
                self._forward[plane] = -1 if former is not None and depth < former else 1
                self._ask(plane, depth)
            view.move_cross()
        self._show_corner()

    def _ask(self, plane: Plane, depth: int) -> None:
        source, document = self._source, self._session.document
        if source is None or document is None:
            return
        self._asked[plane] = depth
        ready = source.image_at_once(plane, depth)
        exact = source.overview is not None and source.overview.exact
        # Labels across the file's slices are spread over the disk: only small volumes are cut at once.
        at_once = ready is not None and (plane == "xy" or exact)
        if at_once and ready is not None:
            labels, mask, objects, marks = (cut(document.array(t), plane, depth) for t in TARGETS)
            self._show(SliceData(plane, depth, *ready, labels, mask, objects, marks, self._edits))
        if at_once and exact:
            self.readers[plane].drop()
            return
        labels, mask, objects, marks = (document.array(target) for target in TARGETS)
        wanted = SliceRequest(
            source,
            plane,
            depth,
            self._forward[plane],
            labels,
            mask,
            objects,
            marks,
            self._edits,
            at_once,
        )
        self.readers[plane].request(wanted.fetch)

    def _show(self, data: SliceData) -> None:
        view = self.views[data.plane]
        moved = data.depth != view.shown_depth
        view.show_slice(data)
        if data.edits >= 0:  # what was changed while the slice was being read
            for edit, target, box in self._edited:
                if edit > data.edits:
                    view.patch(target, box)
        if data.image is None:
            self._show_failure()
        view.mouse.follow(other_slice=moved)
        if not self._contrast_chosen and data.plane == "xy" and data.image is not None:
            self._contrast_chosen = True
            self._choose(auto_window(data.image))

    def _on_failure(self, plane: Plane, error: Exception) -> None:
        text = sentence_of(error) or f"This slice could not be read: {error}"
        self.views[plane].show_error(text)

    def _show_failure(self) -> None:
        """Where a side view waits for an overview that will not come, say why."""
        for plane in PLANES[1:]:
            if self.first_scan.error is not None and self.views[plane].image.image is None:
                self._on_failure(plane, self.first_scan.error)

    def _on_overview(self) -> None:
        if self._source is not None:
            self._source.overview = self.first_scan.overview
            # All of them: what was read without the overview may be on its way here and not shown yet.
            for plane in PLANES[1:]:
                self._ask(plane, self._session.cursor[NORMAL[plane]])

    # -- contrast --------------------------------------------------------------------------------

    def _on_sample(self) -> None:
        """Take the contrast of the whole volume unless somebody has chosen another in the meantime."""
        sample, state = self.first_scan.sample, self._session.display.value
        if sample is not None and len(sample.values) and (state.low, state.high) == self._automatic:
            self._contrast_chosen = True
            self._choose(sample.window)

    _automatic: tuple[float, float] = (0.0, 1.0)

    def _choose(self, window: tuple[float, float]) -> None:
        self._automatic = window
        self._session.display.set(low=window[0], high=window[1])

    def auto_contrast(self, *, this_slice: bool = False) -> None:
        """Choose the contrast from the whole volume, or from the XY slice that is shown."""
        sample, image = self.first_scan.sample, self.views["xy"].image.image
        if this_slice and image is not None:
            self._choose(auto_window(image))
        elif sample is not None:
            self._choose(sample.window)

    # -- labels ----------------------------------------------------------------------------------

    def _on_edit(self, target: Target, box: Box) -> None:
        self._edits += 1
        self._edited.append((self._edits, target, box))
        for plane, view in self.views.items():
            depth, axis = view.shown_depth, NORMAL[plane]
            if not box.start[axis] <= depth < box.stop[axis]:
                continue
            if not view.has(target) or (plane != "xy" and _is_large(box, axis)):
                self._ask(plane, self._session.cursor[axis])
            else:
                view.patch(target, box)
        self._follow_pointer()
        if self._session.replayed is not None:
            self._bring_into_sight(box)

    def _bring_into_sight(self, box: Box) -> None:
        """Go to what was undone or made again, where it is not seen: to its middle, in all three views."""
        axis = _thinnest(box) if self.planes.sides_shown else 0
        cursor = list(self._session.cursor)
        if not box.start[axis] <= cursor[axis] < box.stop[axis]:
            cursor[axis] = (box.start[axis] + box.stop[axis] - 1) // 2
            self._session.set_cursor((cursor[0], cursor[1], cursor[2]))
        view = self.views[PLANES[axis]]
        row, column = ROWS[view.plane], COLUMNS[view.plane]
        size = QRectF(
            box.start[column] - 0.5,
            box.start[row] - 0.5,
            box.stop[column] - box.start[column],
            box.stop[row] - box.start[row],
        )
        place = view.transform().mapRect(size)
        if not place.intersects(QRectF(view.rect())):
            moved = place.center() - QRectF(view.rect()).center()
            self.camera.pan({column: moved.x() / self.camera.zoom, row: moved.y() / self.camera.zoom})

    def frame(self, box: Box) -> None:
        """Put ``box`` in the middle; zoom only where it would be a speck, or larger than the view."""
        view, camera = self.views["xy"], self.camera
        size = [(stop - start) * v for start, stop, v in zip(box.start, box.stop, camera.voxel, strict=True)]
        least = _LEAST_FRAMED_PX * camera.voxel[1]
        share = camera.zoom * max(max(size[1], least) / view.height(), max(size[2], least) / view.width())
        camera.centre = [
            (start + stop - 1) / 2 * v
            for start, stop, v in zip(box.start, box.stop, camera.voxel, strict=True)
        ]
        if not _SPECK <= share <= _WHOLE:
            camera.zoom_to(camera.zoom * _FRAMED / share)
        else:
            camera.changed.emit()
        self._framed = box

    # -- what is seen ----------------------------------------------------------------------------

    def fit(self) -> None:
        """Show the whole slice."""
        view = self.views["xy"]
        self.camera.fit(view.width(), view.height())
        self._fitted = True

    def _suit(self) -> None:
        """Share the room between the views, and fit; what was gone to stays in sight."""
        if self._session.document is not None and self._fitted:
            self.planes.suit(self.camera)
            self.fit()
        elif self._framed is not None:  # as when the pane of the objects takes half of the height
            self.frame(self._framed)

    def zoom(self, factor: float) -> None:
        """Zoom in or out around the centre of the views."""
        self.camera.zoom_to(self.camera.zoom * factor)

    def step(self, slices: int) -> None:
        """Go through the XY slices."""
        z, y, x = self._session.cursor
        self._session.set_cursor((z + slices, y, x))

    def show_sides(self, shown: bool) -> None:
        """Show all three planes, or XY alone."""
        self._sides_wanted = shown
        self._set_sides(shown)
        QTimer.singleShot(0, self, self._suit)

    def _set_sides(self, shown: bool) -> None:
        self.planes.show_sides(shown)
        self._session.layout.set(sides=shown)

    def _on_layout(self) -> None:
        wanted = self._session.layout.value.sides
        if wanted != self.planes.sides_shown:
            self.show_sides(wanted)

    def _on_camera(self) -> None:
        self._fitted = False
        self._framed = None
        self._follow_pointer()

    def _follow_pointer(self) -> None:
        for view in self.views.values():
            view.mouse.follow(other_slice=False)

    def _on_hover(self, pointer: PointerEvent | None) -> None:
        document = self._session.document
        parts = ("", "")
        if document is not None and pointer is not None:
            image = self.views[pointer.plane].image
            value = image.value_at(pointer.row, pointer.column)
            number = self.views[pointer.plane].objects.number_at(pointer.row, pointer.column)
            parts = readout(document, pointer, value, image.bins != (1, 1), self._session.unit, number)
        self.planes.line.show_parts(*parts)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the whole slice in sight as long as the user has not zoomed."""
        super().resizeEvent(event)
        QTimer.singleShot(0, self, self._suit)

    def showEvent(self, event: QShowEvent) -> None:
        """Fit once the sizes are known."""
        super().showEvent(event)
        QTimer.singleShot(0, self, self._suit)

    # -- state -----------------------------------------------------------------------------------

    def view_state(self) -> dict[str, Any]:
        """Return crosshair, zoom and display settings as JSON values."""
        state: dict[str, Any] = {
            "cursor": list(self._session.cursor),
            "sides": self._sides_wanted,
            "display": {
                name: list(value) if isinstance(value, tuple) else value
                for name, value in asdict(self._session.display.value).items()
            },
        }
        if not self._fitted:
            state["zoom"] = self.camera.zoom
            state["centre"] = list(self.camera.centre)
        return state

    def restore_view_state(self, state: dict[str, Any]) -> None:
        """Take them back; what is missing or damaged stays as it is."""
        if _numbers(state.get("cursor"), 3):
            z, y, x = (int(n) for n in state["cursor"])
            self._session.set_cursor((z, y, x))
        if isinstance(state.get("sides"), bool):
            self._sides_wanted = state["sides"]
            document = self._session.document
            single = document is not None and document.shape[0] == 1
            self._set_sides(state["sides"] and not single)
            QTimer.singleShot(0, self, self._suit)
        if _numbers(state.get("centre"), 3) and _numbers([state.get("zoom")], 1) and state["zoom"] > 0:
            self.camera.centre = [float(n) for n in state["centre"]]
            self.camera.zoom_to(float(state["zoom"]))
        display = state.get("display")
        if isinstance(display, dict):
            kept: dict[str, Any] = {}
            for entry in fields(DisplayState):
                value: Any = display.get(entry.name)
                default: Any = entry.default
                if isinstance(default, tuple) and _numbers(value, 3):
                    kept[entry.name] = tuple(min(255, max(0, int(n))) for n in value)
                elif isinstance(default, float) and _numbers([value], 1):
                    kept[entry.name] = float(value)
                elif type(value) is type(default) and not isinstance(default, tuple):
                    kept[entry.name] = value
            self._session.display.set(**kept)
            self._display.restored()
            self._contrast_chosen = "low" in kept and "high" in kept

    def shut_down(self) -> None:
        """End the threads."""
        self.left_out.shut_down()
        for reader in self.readers.values():
            reader.shut_down()


def _thinnest(box: Box) -> int:
    """Return the axis across the slice that was drawn on; that of the XY slices where several are as thin."""
    return min(range(3), key=lambda axis: box.shape[axis])


def _is_large(box: Box, axis: int) -> bool:
    """Whether a cut through ``box`` touches so many places on the disk that it must not be waited for."""
    z, y, _ = box.shape
    return z * (y if axis == 2 else 1) > 4000


def _numbers(values: Any, count: int) -> bool:
    return (
        isinstance(values, list)
        and len(values) == count
        and all(isinstance(n, int | float) and not isinstance(n, bool) and abs(n) < 1e12 for n in values)
    )
