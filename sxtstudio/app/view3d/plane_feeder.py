"""Keeps the slice planes of the 3D view at the crosshair; slices are read in threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.view3d.planes import SliceImage, read_slice
from sxtstudio.app.view3d.scene import Scene3D
from sxtstudio.app.view3d.state import SceneState

_INTERVAL_MS = 40
Read = tuple[SliceImage, NDArray[np.uint8]]


class PlaneFeeder(QObject):
    """Reads the slices that are wanted; requests that come while it reads wait for one more round."""

    def __init__(
        self, context: Context, scene: Scene3D, redraw: Callable[[], None], parent: QObject | None = None
    ) -> None:
        """Feed the planes of ``scene``; ``redraw`` is called when there is something new to see."""
        super().__init__(parent)
        self._context = context
        self._scene = scene
        self._redraw = redraw
        self._state = SceneState()
        self._job: Job | None = None
        self._contrast: tuple[float, float, bool] | None = None
        self._timer = QTimer(self, singleShot=True, interval=_INTERVAL_MS)
        self._timer.timeout.connect(self._on_timer)

    def request(self, state: SceneState) -> None:
        """Bring the planes up to date soon."""
        self._state = state
        if not self._timer.isActive():
            self._timer.start()

    @property
    def at_rest(self) -> bool:
        """Whether the planes show what was asked for."""
        return self._job is None and not self._timer.isActive()

    def forget(self) -> None:
        """Drop what is being read: another volume is open."""
        self._timer.stop()
        self._contrast = None
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _on_timer(self) -> None:
        document = self._context.session.document
        if document is None or self._job is not None:
            return  # the running job asks again when it ends
        display = self._context.session.display.value
        contrast = (display.low, display.high, display.inverted)
        cursor = self._context.session.cursor
        state = self._state
        kept = {
            plane.axis: plane.image
            for plane in self._scene.planes
            if plane.image is not None and plane.image.index == cursor[plane.axis]
        }
        wanted = [
            axis
            for axis, visible in enumerate((state.plane_xy, state.plane_xz, state.plane_yz))
            if visible and (axis not in kept or contrast != self._contrast)
        ]
        if not wanted:
            return
        volume = document.tomogram

        def work(job: Job) -> list[Read]:
            done = []
            for axis in wanted:
                job.progress.check()
                image = kept.get(axis) or read_slice(volume, axis, cursor[axis])
                done.append((image, image.grey(*contrast)))
            return done

        # A slice that cannot be read is reported by the slice views; here the plane just stays away.
        self._job = job = self._context.jobs.start(
            "Slices in 3D",
            work,
            on_done=lambda done: self._on_read(job, done, contrast),
            on_error=lambda error: self._on_read(job, [], contrast),
            quiet=True,
        )

    def _on_read(self, job: Job, done: list[Read], contrast: Any) -> None:
        if job is not self._job:
            return
        self._job = None
        self._contrast = contrast
        for image, grey in done:
            self._scene.planes[image.axis].set_image(image, grey)
        if done:
            self._redraw()
            self.request(self._state)

    def shut_down(self) -> None:
        """Stop."""
        self.forget()
