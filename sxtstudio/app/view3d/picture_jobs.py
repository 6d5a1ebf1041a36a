"""Pictures, movies and POV-Ray scenes of what the 3D view shows, each written in a job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.view3d.sizes import Movie
from sxtstudio.core.errors import UserError
from sxtstudio.core.wording import bytes_text
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.jobs.povray_program import NOT_INSTALLED, find_povray

if TYPE_CHECKING:  # at run time this loads VTK, which must wait
    from sxtstudio.app.view3d.canvas import Canvas3D


@dataclass(frozen=True, eq=False)
class PictureSource:
    """What there is to draw: the canvas, and the document that it shows."""

    canvas: Canvas3D
    document: Document


class PictureJobs:
    """Starts a job for each picture, movie or scene; ``shown`` returns what there is to draw, if anything."""

    def __init__(self, context: Context, shown: Callable[[], PictureSource | None]) -> None:
        """Nothing is drawn before it is asked for."""
        self._context, self._shown = context, shown

    def _now(self) -> PictureSource:
        found = self._shown()
        if found is None:
            raise UserError("There is no 3D picture yet. Show the 3D view first (3D > Show the 3D view).")
        return found

    def save_picture(self, path: str | Path, size: tuple[int, int], clear: bool = False) -> Job:
        """Write what is seen as PNG of ``size`` (width, height); ``clear``: transparent background.

        Raises
        ------
        UserError
            If there is nothing to draw yet, or the size is no good.
        """
        from sxtstudio.app.view3d.export import check_picture, save_picture, shot_of

        check_picture(Path(path), size)
        shot = shot_of(self._now().canvas)
        session = self._context.session
        return self._context.jobs.start(
            "Saving the picture",
            lambda job: save_picture(shot, Path(path), size, clear, job.progress),
            on_done=lambda done: session.message.emit(f"Saved {done[0]} ({size[0]}×{size[1]}, {done[1]})"),
        )

    def measure_movie(self, movie: Movie, on_done: Callable[[float], None]) -> Job:
        """Find out how many seconds a movie will take, by drawing a frame.

        Raises
        ------
        UserError
            If there is nothing to draw yet.
        """
        from sxtstudio.app.view3d.export import measure_movie, shot_of

        shot = shot_of(self._now().canvas)
        return self._context.jobs.start(
            "Time that the movie takes", lambda job: measure_movie(shot, movie, job.progress), on_done=on_done
        )

    def save_movie(self, path: str | Path, movie: Movie) -> Job:
        """Write a turn around the scene as MP4 or GIF; the job can be cancelled.

        Raises
        ------
        UserError
            If there is nothing to draw yet, or the name has another suffix.
        """
        from sxtstudio.app.view3d.export import check_movie, save_movie, shot_of

        check_movie(Path(path))
        shot = shot_of(self._now().canvas)
        session = self._context.session
        return self._context.jobs.start(
            "Turntable movie",
            lambda job: save_movie(shot, Path(path), movie, job.progress),
            on_done=lambda done: session.message.emit(f"Saved {done} ({movie.frames} pictures)"),
        )

    def save_povray_scene(self, path: str | Path, clear: bool = False) -> Job:
        """Write what is seen as a scene of POV-Ray (.pov, and its meshes beside it).

        Raises
        ------
        UserError
            If there is nothing to draw yet, or the name has another suffix.
        """
        from sxtstudio.app.view3d.export import shot_of
        from sxtstudio.app.view3d.povray import named_in, save_scene
        from sxtstudio.surface.povray.write import check_scene

        check_scene(Path(path))
        now = self._now()
        shot, named = shot_of(now.canvas), named_in(now.document)
        session = self._context.session
        return self._context.jobs.start(
            "POV-Ray scene",
            lambda job: save_scene(shot, named, Path(path), clear, job.progress),
            on_done=lambda done: session.message.emit(f"Saved {done.path} ({bytes_text(done.bytes)})"),
        )

    def save_povray_picture(self, path: str | Path, size: tuple[int, int], clear: bool = False) -> Job:
        """Let POV-Ray draw what is seen as PNG of ``size``; the job can be cancelled.

        Raises
        ------
        UserError
            If there is nothing to draw yet, the size is no good, or POV-Ray is not installed.
        """
        from sxtstudio.app.view3d.export import check_picture, shot_of
        from sxtstudio.app.view3d.povray import named_in, save_povray_picture

        check_picture(Path(path), size)
        if find_povray() is None:
            raise UserError(NOT_INSTALLED)
        now = self._now()
        shot, named = shot_of(now.canvas), named_in(now.document)
        session = self._context.session
        return self._context.jobs.start(
            "Picture by POV-Ray",
            lambda job: save_povray_picture(shot, named, Path(path), size, clear, job.progress),
            on_done=lambda done: session.message.emit(f"Saved {done[0]} ({size[0]}×{size[1]}, {done[1]})"),
        )
