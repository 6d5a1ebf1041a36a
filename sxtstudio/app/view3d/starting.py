"""Starts a canvas for the 3D view: which one is found out in a job, and one that draws nothing is noticed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QGuiApplication

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.view3d.choice import (
    CanvasChoice,
    CanvasKind,
    System,
    Wish,
    may_have_card,
    remote_desktop,
    wish_of,
)

if TYPE_CHECKING:  # at run time this loads VTK, which must wait
    from sxtstudio.app.view3d.canvas import Canvas3D

# Settings: which canvas is wanted; that OpenGL in the window was started and has drawn nothing yet.
CANVAS, NATIVE_FAILED = "view3d/canvas", "view3d/native_failed"
# OpenGL in the window that has drawn nothing for so long does not work.
_PATIENCE_MS = 15_000


class CanvasStart(QObject):
    """Finds a canvas, at most one at a time.

    Signals
    -------
    found(Canvas3D, Choice), failed(Exception)
        The end of ``begin``.
    silent()
        The canvas is seen, but draws nothing; the next ``begin`` gives another one.
    """

    found = Signal(object, object)
    failed = Signal(object)
    silent = Signal()

    def __init__(self, context: Context, parent: QObject) -> None:
        """Find nothing yet."""
        super().__init__(parent)
        self._context = context
        self._job: Job | None = None
        self._canvas: Canvas3D | None = None
        self._patience = QTimer(self, singleShot=True, interval=_PATIENCE_MS)
        self._patience.timeout.connect(self._on_nothing_drawn)

    def begin(self) -> None:
        """Find a canvas, as the settings want it."""
        if self._job is not None:
            return
        settings = self._context.settings
        wish = wish_of(settings.get(CANVAS, Wish.AUTOMATIC.value))
        system = System(
            platform=QGuiApplication.platformName(),
            remote=remote_desktop(os.environ),
            card=may_have_card(),
            failed=settings.get(NATIVE_FAILED, False),
        )
        self._job = job = self._context.jobs.start(
            "Starting the 3D view",
            lambda job: _find_canvas(job, wish, system),
            on_done=lambda choice: self._on_chosen(job, choice),
            on_error=lambda error: self._on_failed(job, error),
            quiet=True,
        )

    def forget(self) -> None:
        """Find nothing more, and watch the canvas no more: it is let go of."""
        self._job = self._canvas = None
        self._patience.stop()

    def _on_chosen(self, job: Job, choice: CanvasChoice) -> None:
        if job is not self._job:
            return
        if choice.kind is CanvasKind.NATIVE:
            canvas = self._native(choice)
        else:
            from sxtstudio.app.view3d.offscreen_canvas import OffscreenCanvas

            canvas = OffscreenCanvas(self._context, choice.opengl)
        # Qt may show the window anew for it, which asks for a canvas: none is begun until this one is there.
        self.found.emit(canvas, choice)
        if job is self._job:
            self._job = None
        if self._canvas is not None:
            self._patience.start()

    def _on_failed(self, job: Job, error: Exception) -> None:
        if job is self._job:
            self._job = None
            self.failed.emit(error)

    def _native(self, choice: CanvasChoice) -> Canvas3D:
        """Start OpenGL in the window; should that end the program, its next start knows."""
        from sxtstudio.app.view3d.native_canvas import NativeCanvas

        self._context.settings.set(NATIVE_FAILED, True)
        self._context.settings.sync()
        self._canvas = canvas = NativeCanvas(choice.opengl)
        canvas.drawn.connect(self._on_drawn)
        return canvas

    def _on_drawn(self) -> None:
        """It works: the first picture is there."""
        if self._canvas is not None:
            self._canvas.drawn.disconnect(self._on_drawn)
        self._context.settings.set(NATIVE_FAILED, False)
        self.forget()

    def _on_nothing_drawn(self) -> None:
        if self._canvas is not None and self._canvas.widget.isVisible():
            self.forget()
            self.silent.emit()
        elif self._canvas is not None:
            self._patience.start()  # nobody has looked yet


def _find_canvas(job: Job, wish: Wish, system: System) -> CanvasChoice:
    """Load VTK and find a way to draw; both take a second or two."""
    from sxtstudio.app.view3d.probes import find_canvas

    job.progress.check()
    choice = find_canvas(wish, system)
    load_view(choice.kind)
    return choice


def load_view(kind: CanvasKind) -> None:
    """Load what the window needs once a canvas is found: it takes too long for the thread of the window."""
    from sxtstudio.app.view3d import bodies, building, contacts, picking, plane_feeder  # noqa: F401

    if kind is CanvasKind.NATIVE:
        from sxtstudio.app.view3d import native_canvas  # noqa: F401
    else:
        from sxtstudio.app.view3d import offscreen_canvas  # noqa: F401
