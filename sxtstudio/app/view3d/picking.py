"""Clicks in the 3D view select objects everywhere, and what is selected elsewhere is highlighted in 3D."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.session import Selection
from sxtstudio.app.states import Observed
from sxtstudio.app.view3d.canvas import Canvas3D
from sxtstudio.app.view3d.meshes import make_highlight
from sxtstudio.app.view3d.state import SceneState
from sxtstudio.core.geometry import Triple
from sxtstudio.core.objects_at import object_at
from sxtstudio.surface.picking import labelled_voxel, voxel_index
from sxtstudio.workflow.document.document import Document


class Picking(QObject):
    """Between the clicks on a canvas and the selection of the session."""

    def __init__(
        self, context: Context, canvas: Canvas3D, scene: Observed[SceneState], parent: QObject | None = None
    ) -> None:
        """Listen to clicks on ``canvas``."""
        super().__init__(parent)
        self._context = context
        self._canvas = canvas
        self._scene = scene
        self._document: Document | None = None
        self._search: Job | None = None
        self._highlight: Job | None = None
        canvas.clicked.connect(self._on_clicked)
        context.session.selection_changed.connect(self._on_selection_changed)

    def show(self, document: Document | None) -> None:
        """Belong to another document from now on."""
        for job in (self._search, self._highlight):
            if job is not None:
                job.cancel()
        self._search = self._highlight = None
        self._document = document
        self._on_selection_changed()

    def shut_down(self) -> None:
        """Listen to nobody any more."""
        self.show(None)
        self._context.session.selection_changed.disconnect(self._on_selection_changed)

    def _on_clicked(self, x: float, y: float) -> None:
        document, session = self._document, self._context.session
        if document is None:
            return
        picked = self._canvas.pick(x, y)
        if picked is None:
            session.select(None)
            session.objects.set(selected=())
            return
        if picked.what == "bodies":
            # The slices stay where they are, for the one in this view would come before the object.
            session.objects.set(selected=(picked.number,))
            return
        if picked.what == "plane" or document.labels is None:
            session.set_cursor(voxel_index(picked.place, document.voxel_nm, document.shape))
            return
        seed = labelled_voxel(document.labels, picked.place, document.voxel_nm)
        if seed is None:
            session.remark("There is no label any more where you clicked. Update the surface.")
            return
        session.set_cursor(seed)
        self.select_at(seed)

    def select_at(self, seed: Triple) -> None:
        """Find the object at a voxel, in a quiet job, and select it in all views."""
        document, session = self._document, self._context.session
        if document is None or document.labels is None:
            return
        labels = document.labels

        def select(found: Any) -> None:
            if job is self._search and found is not None and document is session.document:
                session.select(Selection(seed, found.box, found.where, found.voxels))

        if self._search is not None:
            self._search.cancel()
        self._search = job = self._context.jobs.start(
            "Object under the pointer",
            lambda job: object_at(labels, seed, progress=job.progress),
            on_done=select,
            quiet=True,
        )

    def _on_selection_changed(self) -> None:
        if self._highlight is not None:
            self._highlight.cancel()
            self._highlight = None
        self._canvas.scene.set_highlight(None)
        self._canvas.refresh(self._scene.value)
        selection, document = self._context.session.selection, self._document
        if selection is None or document is None:
            return
        smooth, voxel_nm = self._scene.value.smooth, document.voxel_nm

        def show(mesh: Any) -> None:
            if job is self._highlight:
                self._highlight = None
                self._canvas.scene.set_highlight(mesh)
                self._canvas.refresh(self._scene.value)

        self._highlight = job = self._context.jobs.start(
            "Highlight",
            lambda job: make_highlight(selection.where, selection.box, voxel_nm, smooth, job.progress),
            on_done=show,
            quiet=True,
        )
