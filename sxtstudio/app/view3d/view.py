"""The 3D view; VTK is loaded when it is first shown."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QLabel, QStackedWidget, QVBoxLayout, QWidget

from sxtstudio.app.context import Context
from sxtstudio.app.errors import show_error
from sxtstudio.app.objects.style import ObjectStyle
from sxtstudio.app.states import Belonging, Observed
from sxtstudio.app.view3d.bar import View3DBar
from sxtstudio.app.view3d.choice import CanvasChoice
from sxtstudio.app.view3d.picture_jobs import PictureJobs, PictureSource
from sxtstudio.app.view3d.reopening import OpenWhenLeft
from sxtstudio.app.view3d.starting import CanvasStart
from sxtstudio.app.view3d.state import OF_THE_TOMOGRAM, SceneStatus, scene_from_json
from sxtstudio.core.errors import sentence_of
from sxtstudio.core.geometry import Box
from sxtstudio.core.volume import VoxelSize
from sxtstudio.workflow.document.document import Document

if TYPE_CHECKING:  # at run time these load VTK, which must wait
    from sxtstudio.app.view3d.bodies import Bodies
    from sxtstudio.app.view3d.building import Builder
    from sxtstudio.app.view3d.canvas import Canvas3D
    from sxtstudio.app.view3d.contacts import ContactPatches
    from sxtstudio.app.view3d.picking import Picking
    from sxtstudio.app.view3d.plane_feeder import PlaneFeeder
    from sxtstudio.surface.objects import ObjectSurface

_LOG = logging.getLogger(__name__)
# Volumes of at most so many voxels can be updated automatically.
SMALL_VOXELS = 64_000_000
_AUTO_MS = 900
_CHANGED = "The labels have changed. Press Update to make their surface."
_OPEN_FIRST = "Open a tomogram to see it here in 3D."


class View3D(QWidget):
    """Surfaces and slices in 3D. Panels set ``scene`` and read ``status``."""

    def __init__(self, context: Context, style: ObjectStyle, parent: QWidget | None = None) -> None:
        """Build the widget; nothing heavy happens before it is shown."""
        super().__init__(parent)
        self._context, self._style = context, style
        stored = context.settings.get("view3d/scene", {})
        self.scene = Observed(scene_from_json(stored), self)
        self._belonging = Belonging(self.scene, OF_THE_TOMOGRAM)
        self.scene.set(**vars(self._belonging.own))
        self.status = Observed(SceneStatus(), self)
        self.canvas: Canvas3D | None = None
        self._former = self.scene.value
        self._feeder: PlaneFeeder | None = None
        self._closed = False
        self._builder: Builder | None = None
        self._picking: Picking | None = None
        self._bodies: Bodies | None = None
        self._contacts: ContactPatches | None = None
        self._shown_document: Document | None = None
        self._shown_voxel_nm: VoxelSize | None = None
        self._pending_camera: dict[str, Any] = {}
        self._bodies_seen = False  # when the open project was saved: whether labels are shown too was chosen
        self._auto = QTimer(self, singleShot=True, interval=_AUTO_MS)
        self._auto.timeout.connect(self.update_surface)
        self._start = CanvasStart(context, self)
        self._start.found.connect(self._on_canvas_found)
        self._start.failed.connect(self._on_no_opengl)
        self._start.silent.connect(self.restart)
        self.pictures = PictureJobs(context, self._shown)
        self.has_drawn_all = False  # of the shown document, at least once
        OpenWhenLeft(context, self)
        self._build()
        self._connect()

    def _build(self) -> None:
        self._stack = QStackedWidget()
        self._page = QLabel("Loading the 3D view …")
        self._page.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._page.setWordWrap(True)
        self._page.setMargin(40)
        self._stack.addWidget(self._page)
        self._sentence = QLabel(self)
        self._sentence.setWordWrap(True)
        self._sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._sentence.setStyleSheet(
            "background: rgba(20, 24, 30, 190); color: #f0f2f5; border-radius: 6px; padding: 8px 12px;"
        )
        self._sentence.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._sentence.hide()
        self.bar = View3DBar(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.bar)
        layout.addWidget(self._stack, 1)
        self.setMinimumWidth(180)

    def _connect(self) -> None:
        session = self._context.session
        self.scene.changed.connect(self._on_scene_changed)
        self.status.changed.connect(self._show_sentence)
        session.document_changed.connect(self._on_document_changed)
        session.facts_changed.connect(self._on_facts_changed)
        session.labels_changed.connect(self._on_labels_changed)
        session.mask_changed.connect(self._on_mask_changed)
        session.cursor_changed.connect(self._request_planes)
        session.display.changed.connect(self._request_planes)
        session.register_view("view3d", self, look=True)

    # -- starting --------------------------------------------------------------------------------

    def showEvent(self, event: Any) -> None:
        """Load VTK when the view is first seen."""
        super().showEvent(event)
        self._context.session.layout.set(view3d=True)
        if self.canvas is not None:
            self._sync()
        elif not self._closed:
            self._start.begin()

    def hideEvent(self, event: Any) -> None:
        """Say so where it was hidden by itself, not with the window."""
        super().hideEvent(event)
        if not self._closed and self.isHidden():
            self._context.session.layout.set(view3d=False)
            self._context.session.autosave()

    def _on_canvas_found(self, canvas: Canvas3D, choice: CanvasChoice) -> None:
        """Show the scene in ``canvas`` from now on."""
        from sxtstudio.app.view3d.bodies import Bodies
        from sxtstudio.app.view3d.building import Builder
        from sxtstudio.app.view3d.contacts import ContactPatches
        from sxtstudio.app.view3d.picking import Picking
        from sxtstudio.app.view3d.plane_feeder import PlaneFeeder

        # OpenGL in a widget makes Qt show the window anew: nobody must use the canvas before that.
        self._stack.addWidget(canvas.widget)
        self.canvas = canvas
        canvas.drawn.connect(self._on_canvas_drawn)
        self._feeder = PlaneFeeder(self._context, canvas.scene, canvas.request, self)
        self._builder = Builder(self._context, canvas, self.scene, self.status, self)
        self._picking = Picking(self._context, canvas, self.scene, self)
        self._bodies = Bodies(
            self._context, canvas, self.scene, self.status, self._style, lambda: self._bodies_seen, self
        )
        self._contacts = ContactPatches(
            self._context.session, canvas.scene, lambda: canvas.refresh(self.scene.value), self
        )
        opengl = choice.opengl
        self.status.set(
            ready=True, opengl=opengl.renderer, software=opengl.software, canvas=choice.description
        )
        if opengl.software:
            self._context.session.message.emit(
                f"3D is drawn by the processor ({opengl.renderer.split('(')[0].strip()}), because no "
                "graphics card can be used: large surfaces turn slowly."
            )
        self._sync()

    def _on_canvas_drawn(self) -> None:
        """Once all that is shown has been drawn, a crash does not come from opening the view."""
        making = self.status.value.building or (self._bodies is not None and self._bodies.building)
        if self._shown_document is not None and not making and not self.has_drawn_all:
            self.has_drawn_all = True
            self._context.session.autosave()

    def restart(self) -> None:
        """Begin anew with the canvas that is wanted now; the surface is made again."""
        camera = self.view_state()["camera"]
        self._drop_canvas()
        self._pending_camera = camera
        if self.isVisible():
            self._start.begin()

    def _on_no_opengl(self, error: Exception) -> None:
        sentence = sentence_of(error)
        if sentence is None:
            show_error(self._context.window, error)
        _LOG.warning("No 3D view: %s", sentence or error)
        self._page.setText(
            f"The 3D view cannot be shown here.\n\n{sentence or error}\n\n"
            "Everything else works; surfaces can be exported without it."
        )
        self.status.set(message=sentence or str(error))

    # -- following the session -------------------------------------------------------------------

    def _sync(self) -> None:
        """Show the open document, if it is not the one that is shown."""
        document = self._context.session.document
        canvas = self.canvas
        if canvas is None or self._feeder is None:
            return
        if document is None:
            self._page.setText(_OPEN_FIRST)
            self._stack.setCurrentWidget(self._page)
            return
        if document is self._shown_document:
            return
        self._forget()
        self._shown_document, self._shown_voxel_nm = document, document.voxel_nm
        self._stack.setCurrentWidget(canvas.widget)
        canvas.unit = "voxel" if document.voxel_nm is None else "nm"
        canvas.scene.set_volume(document.shape, document.voxel_nm)
        canvas.scene.apply(self.scene.value, False)
        canvas.scene.frame_all("oblique", max(0.2, self.width() / max(1, self.height())))
        canvas.scene.camera.restore(self._pending_camera)
        canvas.fit_pane()
        canvas.refresh(self.scene.value)
        self._request_planes()
        if self._picking is not None:
            self._picking.show(document)
        if self._bodies is not None:
            self._bodies.show(document)
        if self._contacts is not None:
            self._contacts.show(document)
        if document.objects is not None and self.scene.value.bodies_visible and not self._bodies_seen:
            # The membranes of the objects would hide them, or be drawn twice.
            self.scene.set(surface_visible=False)
        self.update_surface()

    def _forget(self) -> None:
        """Drop everything that belongs to the shown document."""
        self._auto.stop()
        self._shown_document, self.has_drawn_all = None, False
        if self.canvas is not None and self._feeder is not None:
            self._feeder.forget()
            self.canvas.clear()
        if self._builder is not None and self._picking is not None:
            self._builder.forget()
            self._picking.show(None)
        if self._bodies is not None:
            self._bodies.show(None)
        if self._contacts is not None:
            self._contacts.show(None)

    def _on_document_changed(self) -> None:
        self._pending_camera = {}
        self._bodies_seen = False
        self._forget()
        self._belonging.begin()
        if self.isVisible():
            self._sync()

    def _on_facts_changed(self) -> None:
        """Another voxel size makes all lengths wrong: begin anew."""
        document = self._shown_document
        if document is not None and document.voxel_nm != self._shown_voxel_nm:
            self._forget()
            if self.isVisible():
                self._sync()

    def _on_labels_changed(self, _box: Box) -> None:
        if self._shown_document is None:
            return
        self.status.set(outdated=True, message=_CHANGED if self.status.value.message else "")
        if self.scene.value.auto_update and self.is_small and self.isVisible():
            self._auto.start()

    def _on_mask_changed(self, _box: Box) -> None:
        if self._shown_document is not None and self.scene.value.mask_visible:
            self.status.set(outdated=True)

    @property
    def is_small(self) -> bool:
        """Whether the open volume is small enough to be updated automatically."""
        document = self._context.session.document
        if document is None:
            return False
        depth, height, width = document.shape
        return depth * height * width <= SMALL_VOXELS

    def _request_planes(self, *_: Any) -> None:
        if self._feeder is not None and self._shown_document is not None and self.isVisible():
            self._feeder.request(self.scene.value)

    def _on_scene_changed(self) -> None:
        former, state = self._former, self.scene.value
        self._former = state
        if self.canvas is None or self._builder is None:
            return
        if former.seed != state.seed:
            self._builder.recolour(state.seed)
        self.canvas.refresh(state)
        self._request_planes()
        if self._shown_document is None:
            return
        if state.bodies_visible and not former.bodies_visible and self._bodies is not None:
            self._bodies.update()
        if state.surface_visible and not former.surface_visible and not self.canvas.scene.has_surface:
            self.update_surface()
            return
        if state.objects != former.objects and self.is_small:
            self.update_surface()
        elif self._builder.needs_update(state) or (
            self._bodies is not None and self._bodies.needs_update(state)
        ):
            self.status.set(outdated=True)
        elif state.mask_visible and not former.mask_visible and not self._builder.has_mask:
            self._builder.start(self._shown_document, labels=False)

    # -- surfaces --------------------------------------------------------------------------------

    def update_surface(self) -> None:
        """Make the surfaces anew, in a job; show the view if it is hidden."""
        if not self.isVisible():
            self.show()
        if self.canvas is None or self._shown_document is None:
            return  # it is done once the view has started
        self._auto.stop()
        if self._bodies is not None:
            self._bodies.update()
        objects = self._shown_document.objects is not None and self.scene.value.bodies_visible
        if self._builder is not None and (self.scene.value.surface_visible or not objects):
            self._builder.start(self._shown_document)

    def update_or_cancel(self) -> None:
        """Do what the button says: make the surfaces, or stop making them."""
        if self.status.value.building:
            self.cancel()
        else:
            self.update_surface()

    def cancel(self) -> None:
        """Stop making a surface; the one that is shown stays."""
        if self._builder is not None:
            self._builder.cancel()

    @property
    def body_surfaces(self) -> Mapping[int, ObjectSurface]:
        """The surfaces of the objects, by their numbers."""
        return {} if self._bodies is None else self._bodies.surfaces

    # -- camera ----------------------------------------------------------------------------------

    def set_view(self, name: str) -> None:
        """Look along an axis ("xy", "xz", "yz") or from an edge ("oblique"); all of the volume is seen."""
        if self.canvas is not None and self._shown_document is not None:
            self.canvas.scene.frame_all(
                name, self.canvas.widget.width() / max(1, self.canvas.widget.height())
            )
            self.canvas.request()

    def reset_camera(self) -> None:
        """Show everything from the usual side."""
        self.set_view("oblique")

    def _shown(self) -> PictureSource | None:
        """Return what pictures are taken of; None while there is nothing to draw."""
        if self.canvas is None or self._shown_document is None:
            return None
        return PictureSource(self.canvas, self._shown_document)

    # -- keeping and closing ---------------------------------------------------------------------

    def view_state(self) -> dict[str, Any]:
        """Return what is saved with the project."""
        shown = self.canvas is not None and self._shown_document is not None
        camera = self.canvas.scene.camera.state() if shown and self.canvas else self._pending_camera
        seen = self._bodies_seen or bool(self.body_surfaces)
        return {"scene": self.scene.value.to_json(), "camera": camera, "bodies_seen": seen}

    def restore_view_state(self, state: dict[str, Any]) -> None:
        """Take it back."""
        values = scene_from_json(state.get("scene"), self.scene.value)
        camera = state.get("camera")
        self._pending_camera = camera if isinstance(camera, dict) else {}
        self._bodies_seen = state.get("bodies_seen") is True
        self.scene.set(**vars(values))
        if "scene" in state:
            self._belonging.restored()
        if self.canvas is not None and self._shown_document is not None:
            self.canvas.scene.camera.restore(self._pending_camera)
            self.canvas.fit_pane()
            self.canvas.request()

    def resizeEvent(self, event: Any) -> None:
        """Keep the sentence in its place."""
        super().resizeEvent(event)
        self._show_sentence()

    def _show_sentence(self) -> None:
        text = self.status.value.message if self.canvas is not None else ""
        self._sentence.setVisible(bool(text) and self._shown_document is not None)
        self._sentence.setText(text)
        width = min(420, self.width() - 24)
        height = max(self._sentence.heightForWidth(width), 30)
        self._sentence.setGeometry((self.width() - width) // 2, self.bar.height() + 12, width, height)
        self._sentence.raise_()

    def _drop_canvas(self) -> None:
        """Let go of the canvas and of all that draws on it."""
        self._start.forget()
        self._forget()
        if self._picking is not None:
            self._picking.shut_down()
        if self._bodies is not None:
            self._bodies.shut_down()
        if self._contacts is not None:
            self._contacts.shut_down()
        if self._feeder is not None:
            self._feeder.shut_down()
        self._builder = self._picking = self._feeder = self._bodies = self._contacts = None
        if self.canvas is not None:
            canvas, self.canvas = self.canvas, None
            self._stack.removeWidget(canvas.widget)
            canvas.close()
            canvas.widget.hide()
            canvas.widget.deleteLater()

    def shut_down(self) -> None:
        """Release OpenGL; called when the window closes."""
        if self._closed:
            return
        self._context.settings.set("view3d/scene", self._belonging.own.to_json())
        self._closed = True
        left = self.view_state()  # the project gets it after this
        self._drop_canvas()
        self._pending_camera, self._bodies_seen = left["camera"], left["bodies_seen"]
