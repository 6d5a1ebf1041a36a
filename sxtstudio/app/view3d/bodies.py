"""The surfaces of the objects in the 3D view: made in a job, coloured and hidden without another one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer

from sxtstudio.app.context import Context
from sxtstudio.app.errors import show_error
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.objects.style import ObjectStyle
from sxtstudio.app.states import Observed
from sxtstudio.app.view3d.canvas import Canvas3D
from sxtstudio.app.view3d.cutting_plane import CuttingPlane
from sxtstudio.app.view3d.meshes import MOVING_FACES
from sxtstudio.app.view3d.state import SceneState, SceneStatus
from sxtstudio.core.geometry import Box
from sxtstudio.core.object_colours import Colours
from sxtstudio.core.wording import count, grouped
from sxtstudio.surface.objects import BodyMeshes, ObjectSurface, object_bodies
from sxtstudio.workflow.document.document import Document

# After an edit, so that a row of edits makes one job.
_SETTLE_MS = 400
# A change of more objects than this is a job that the user sees.
_FEW = 40
# A change of a larger box may have been of anything.
_LARGE_VOXELS = 30_000_000
# How much of their own colour those have that are not chosen, while some are.
_STEPPED_BACK, _BACKGROUND = 0.35, 128


@dataclass(frozen=True, eq=False)
class _Made:
    """What a job has made: all surfaces that there are then, put together, and what is to be said of them."""

    bodies: Mapping[int, ObjectSurface]
    meshes: BodyMeshes | None
    notes: tuple[str, ...]


class Bodies(QObject):
    """Follows the objects of a document; only what has changed gets another surface."""

    def __init__(
        self,
        context: Context,
        canvas: Canvas3D,
        scene: Observed[SceneState],
        status: Observed[SceneStatus],
        style: ObjectStyle,
        seen_before: Callable[[], bool],
        parent: QObject | None = None,
    ) -> None:
        """Draw in ``canvas``; ``seen_before`` says that they were when the open project was saved."""
        super().__init__(parent)
        self._context, self._session = context, context.session
        self._canvas, self._scene, self._status, self._style = canvas, scene, status, style
        self._seen_before = seen_before
        self._document: Document | None = None
        self._cut = CuttingPlane(self._session, canvas, scene, self)
        self._bodies: Mapping[int, ObjectSurface] = {}
        self._meshes: BodyMeshes | None = None
        self._dirty: set[int] | None = None  # numbers to make anew; None: all of them
        self._made_with: tuple[int, int] | None = None  # smoothing and most faces
        self._notes: tuple[str, ...] = ()
        self._job: Job | None = None
        self._later = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._later.timeout.connect(self.update)
        self._session.objects_changed.connect(self._on_objects_changed)
        self._session.busy_changed.connect(self._on_busy_changed)
        self._session.objects.changed.connect(self.restyle)
        style.changed.connect(self.restyle)

    def show(self, document: Document | None) -> None:
        """Belong to another document from now on."""
        self._later.stop()
        if self._job is not None:
            self._job.cancel()
            self._job = None
        self._document, self._bodies, self._dirty, self._made_with = document, {}, None, None
        self._notes = ()
        self._status.set(body_notes=())
        self._put(None)
        if document is not None:
            self.update()

    def shut_down(self) -> None:
        """Listen to nobody any more."""
        self.show(None)
        self._cut.shut_down()
        self._session.objects_changed.disconnect(self._on_objects_changed)
        self._session.busy_changed.disconnect(self._on_busy_changed)
        self._session.objects.changed.disconnect(self.restyle)
        self._style.changed.disconnect(self.restyle)

    @property
    def surfaces(self) -> Mapping[int, ObjectSurface]:
        """The surfaces that there are, by the numbers of their objects."""
        return self._bodies

    @property
    def building(self) -> bool:
        """Whether surfaces are being made."""
        return self._job is not None

    def needs_update(self, state: SceneState) -> bool:
        """Whether the surfaces that are shown were made with other settings."""
        return self._made_with is not None and state.bodies_visible and self._made_with != _settings(state)

    # -- making surfaces -------------------------------------------------------------------------

    def update(self) -> None:
        """Make the surfaces that are missing or out of date, if they are to be seen.

        With other settings than before all of them are made anew.
        """
        document, state = self._document, self._scene.value
        if document is None or not state.bodies_visible or self._session.busy is not None:
            return
        objects = document.objects
        if objects is None:
            self._bodies, self._dirty = {}, None
            if self._meshes is not None:
                self._put(None)
            return
        if self.needs_update(state):
            self._dirty = None
        if self._dirty is not None and not self._dirty:
            return
        if self._job is not None:
            self._job.cancel()
        # A copy: what is edited meanwhile is made anew after this.
        wanted = None if self._dirty is None else frozenset(self._dirty)
        share = 1.0
        if wanted is not None and len(document.object_table.rows):
            share = max(0.02, len(wanted) / len(document.object_table.rows))
        voxel_nm, boxes = document.voxel_nm, document.object_boxes
        most, moving = max(1, int(share * state.max_faces)), max(1, int(share * MOVING_FACES))
        rows = document.object_table.rows.keys()  # a box may be of an object that was deleted
        kept = {} if wanted is None else {n: one for n, one in self._bodies.items() if n not in wanted}

        def work(job: Job) -> _Made:
            boxes.refresh(objects)  # what was drawn last may not have been looked at yet
            numbers = boxes.numbers if wanted is None else tuple(wanted)
            found = {number: boxes.of(number, objects) for number in numbers}
            there = {number: box for number, box in found.items() if box is not None}
            made = object_bodies(
                objects,
                there,
                voxel_nm,
                max_faces=most,
                moving_faces=moving,
                iterations=state.smooth,
                progress=job.progress,
            )
            bodies = {**kept, **made.surfaces}
            too_small = len((there.keys() & rows) - made.surfaces.keys())
            notes = (*made.notes, _too_small(too_small)) if too_small else made.notes
            return _Made(bodies, BodyMeshes(bodies) if bodies else None, notes)

        quiet = wanted is not None and len(wanted) <= _FEW
        self._job = job = self._context.jobs.start(
            "Surfaces of the objects",
            work,
            on_done=lambda made: self._on_done(job, wanted, state, made),
            on_error=lambda error: self._on_stopped(job, error),
            on_cancel=lambda: self._on_stopped(job, None),
            quiet=quiet,
        )

    def _on_done(self, job: Job, wanted: frozenset[int] | None, state: SceneState, made: _Made) -> None:
        if job is not self._job:
            return
        self._job = None
        self._bodies = made.bodies
        if wanted is None:
            self._made_with, self._notes = _settings(state), made.notes
            self._dirty = set() if self._dirty is None else self._dirty
        else:
            self._notes = self._notes or made.notes  # those of the whole say it already
            self._dirty = None if self._dirty is None else self._dirty - wanted
        first = self._meshes is None
        self._put(made.meshes)
        if self._meshes is None:
            return
        if first and not self._seen_before():
            # The membranes would hide them, or be drawn twice. Who wants both ticks the labels again.
            self._scene.set(surface_visible=False)
        self._status.set(body_notes=self._notes)
        if not self._scene.value.surface_visible:
            shown = f"{count(len(self._bodies), 'object')}, {grouped(self._meshes.full.face_count)} faces"
            outdated = self.needs_update(self._scene.value)
            self._status.set(summary=shown, notes=(), message="", outdated=outdated)

    def _on_stopped(self, job: Job, error: Exception | None) -> None:
        if job is not self._job:
            return
        self._job = None
        if error is not None:
            show_error(self._context.window, error)

    def _put(self, meshes: BodyMeshes | None) -> None:
        self._meshes = meshes
        if meshes is not None:
            meshes.style(*self._look(meshes.numbers))
        self._canvas.scene.set_bodies(meshes)
        self._canvas.surface_changed()
        self._canvas.refresh(self._scene.value)

    # -- colours ---------------------------------------------------------------------------------

    def restyle(self) -> None:
        """Follow colours, what is hidden, and what is chosen."""
        if self._meshes is not None:
            self._meshes.style(*self._look(self._meshes.numbers))
            self._canvas.scene.restyle_bodies()
            self._canvas.request()

    def _look(self, numbers: NDArray[np.int64]) -> tuple[Colours, NDArray[np.bool_]]:
        """Return colours (n, 3) and what is drawn; while some are chosen, the others step back."""
        colours = self._style.colours(numbers)
        selected = np.array(self._session.objects.value.selected, np.int64)
        others = ~np.isin(numbers, selected)
        if len(selected) and not others.all():
            faint = _STEPPED_BACK * colours[others] + (1 - _STEPPED_BACK) * _BACKGROUND
            colours[others] = np.round(faint).astype(np.uint8)
        return colours, self._style.shown(numbers)

    # -- following the session -------------------------------------------------------------------

    def _on_objects_changed(self, box: Box) -> None:
        document = self._document
        objects = None if document is None else document.array("objects")
        if document is None or objects is None:
            return
        if self._dirty is not None and math.prod(box.shape) > _LARGE_VOXELS:
            self._dirty = None  # to look which it were would take as long
        if self._dirty is not None:
            touched = set(document.object_boxes.touching(box, objects))
            gone = self._bodies.keys() - document.object_table.rows.keys()
            self._dirty |= touched | gone
            if len(self._dirty) >= len(document.object_boxes.numbers):
                self._dirty = None
        self._later.start()

    def _on_busy_changed(self) -> None:
        if self._session.busy is None and self._document is not None:
            self._later.start()


def _settings(state: SceneState) -> tuple[int, int]:
    """Return what the surfaces depend on, besides the objects."""
    return state.smooth, state.max_faces


def _too_small(objects: int) -> str:
    are = "object is" if objects == 1 else "objects are"
    return (
        f"{grouped(objects)} {are} too small to be drawn with so few faces: raise “Most faces”, and update."
    )
