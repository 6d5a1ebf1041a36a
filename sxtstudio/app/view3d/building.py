"""Starts the jobs that make surfaces for the 3D view, and puts what they made into the scene."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject

from sxtstudio.app.context import Context
from sxtstudio.app.errors import show_error
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.states import Observed
from sxtstudio.app.view3d.canvas import Canvas3D
from sxtstudio.app.view3d.meshes import NO_LABELS, Meshes, make_meshes
from sxtstudio.app.view3d.state import SceneState, SceneStatus
from sxtstudio.core.errors import UserError
from sxtstudio.core.wording import grouped
from sxtstudio.surface import SurfaceParameters
from sxtstudio.surface.colours import random_colours
from sxtstudio.workflow.document.document import Document


class Builder(QObject):
    """At most one surface is being made at a time; a newer request takes the place of the older one."""

    def __init__(
        self,
        context: Context,
        canvas: Canvas3D,
        scene: Observed[SceneState],
        status: Observed[SceneStatus],
        parent: QObject | None = None,
    ) -> None:
        """Make surfaces for ``canvas`` as ``scene`` says, and report on it in ``status``."""
        super().__init__(parent)
        self._context = context
        self._canvas = canvas
        self._scene = scene
        self._status = status
        self._job: Job | None = None
        self._built_with: SceneState | None = None
        self._objects = 0
        self.has_mask = False

    def start(self, document: Document, *, labels: bool = True) -> None:
        """Make the surface of the labels and, if it is to be seen, of the mask; or only the latter."""
        state = self._scene.value
        self.cancel()
        voxels = document.labels if labels else None
        mask = document.mask if state.mask_visible else None
        if voxels is None and mask is None:
            if labels:
                self._status.set(message=NO_LABELS, outdated=False)
            return
        try:
            parameters = _parameters(state)
        except UserError as error:
            self._status.set(message=str(error))
            return
        voxel_nm = document.voxel_nm
        self._status.set(building=True, outdated=self._status.value.outdated and not labels, message="")
        self._job = job = self._context.jobs.start(
            "Surface for the 3D view",
            lambda job: make_meshes(voxels, mask, voxel_nm, parameters, job.progress),
            on_done=lambda meshes: self._on_done(job, meshes, state, labels),
            on_error=lambda error: self._on_stopped(job, error),
            on_cancel=lambda: self._on_stopped(job, None),
        )

    def cancel(self) -> None:
        """Stop; the surface that is shown stays."""
        if self._job is not None:
            self._job.cancel()

    def forget(self) -> None:
        """Stop, and forget what was made: another document is shown."""
        self.cancel()
        self._job = None
        self._built_with = None
        self._objects = 0
        self.has_mask = False
        self._status.set(building=False, outdated=False, summary="", notes=(), message="")

    def needs_update(self, state: SceneState) -> bool:
        """Whether the shown surface was made with other settings."""
        return self._built_with is not None and _parameters_key(state) != _parameters_key(self._built_with)

    def recolour(self, seed: int) -> None:
        """Give the objects other random colours."""
        if self._objects:
            self._canvas.scene.recolour(random_colours(self._objects, seed))

    def _on_done(self, job: Job, meshes: Meshes, state: SceneState, labels: bool) -> None:
        if job is not self._job:
            return
        self._job = None
        scene = self._canvas.scene
        if labels:
            scene.set_surface(meshes.full, meshes.coarse)
            self._canvas.surface_changed()
            self._built_with = state
            self._objects = meshes.objects
            self._status.set(summary=_summary(meshes), notes=meshes.notes, message=meshes.trouble)
            if self._scene.value.seed != state.seed:
                self.recolour(self._scene.value.seed)
        if state.mask_visible:
            scene.set_mask(meshes.mask)
            self.has_mask = meshes.mask is not None
        now = self._scene.value
        self._status.set(building=False, outdated=self._status.value.outdated or self.needs_update(now))
        self._canvas.refresh(now)

    def _on_stopped(self, job: Job, error: Exception | None) -> None:
        if job is not self._job:
            return
        self._job = None
        self._status.set(building=False, outdated=True)
        if error is not None:
            show_error(self._context.window, error)


def _parameters(state: SceneState) -> SurfaceParameters:
    return SurfaceParameters(
        objects=state.objects,
        min_faces=None if state.min_faces < 0 else state.min_faces,
        smooth=state.smooth,
        max_faces=state.max_faces,
        seed=state.seed,
    )


def _parameters_key(state: SceneState) -> tuple[Any, ...]:
    """What a surface depends on, colours aside."""
    return state.objects, state.min_faces, state.smooth, state.max_faces


def _summary(meshes: Meshes) -> str:
    if meshes.full is None:
        return ""
    faces = f"{grouped(meshes.faces)} faces"
    if not meshes.objects:
        return faces
    return f"{grouped(meshes.objects)} object{'' if meshes.objects == 1 else 's'}, {faces}"
