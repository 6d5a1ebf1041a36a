"""Screenshots and turntable movies of the 3D scene, in any size; drawn by a child process, in a job."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtGui import QImage, QPainter

from sxtstudio.app.view3d.camera import Camera3D
from sxtstudio.app.view3d.canvas import Canvas3D
from sxtstudio.app.view3d.contents import SceneContents, all_corners, corners_of
from sxtstudio.app.view3d.offscreen_canvas import image_of
from sxtstudio.app.view3d.overlay import overlay_of, paint_overlay
from sxtstudio.app.view3d.painter import Painter
from sxtstudio.app.view3d.sizes import LARGEST_PX, Movie, check_size
from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.progress import Progress
from sxtstudio.core.wording import length_text
from sxtstudio.io.movie import MOVIE_SUFFIXES, Frame, movie_writer
from sxtstudio.surface.offscreen import find_opengl

_DPI = 300
# Pictures are drawn twice as large and averaged as long as that stays below so many pixels.
_SUPERSAMPLED = 40_000_000
# A picture of this share of the edges says how long the whole one takes.
_TRIAL = 4


@dataclass(frozen=True, eq=False)
class Shot:
    """What is seen now, to be drawn later in any size.

    Attributes
    ----------
    contents
        The scene.
    unit
        Of its lengths, "nm" or "voxel".
    aspect
        Width over height of the view.
    """

    contents: SceneContents
    unit: str
    aspect: float

    def room_for(self, size: tuple[int, int], turning: bool = False) -> float:
        """Return how much larger a picture of ``size`` can show the scene than the view does."""
        corners = all_corners(*corners_of(self.contents.shape, self.contents.voxel_nm))
        return self.contents.camera_copy().room(corners, self.aspect, size[0] / size[1], turning)

    def draw(
        self,
        painter: Painter,
        size: tuple[int, int],
        *,
        turned: float | None = None,
        clear: bool = False,
        progress: Progress,
        waiting: Callable[[float], None] | None = None,
    ) -> tuple[QImage, str]:
        """Return the picture, with scale bar and axes, and how long a pixel is.

        Parameters
        ----------
        painter
            Who draws.
        size
            Width and height.
        turned
            Degrees around the vertical; a number also leaves room for the whole turn.
        clear
            Transparent background.
        progress, waiting
            As of ``Painter.draw``.
        """
        width, height = size
        enlarged = self.room_for(size, turned is not None)
        pixels = painter.draw(
            self.contents,
            size,
            turned=turned or 0.0,
            enlarged=enlarged,
            clear=clear,
            supersampled=4 * width * height <= _SUPERSAMPLED and 2 * max(size) <= LARGEST_PX,
            progress=progress,
            waiting=waiting,
        )
        picture = image_of(pixels, clear)
        camera = self.contents.camera_copy()
        with camera.turned(self.contents.camera, turned or 0.0), camera.enlarged(enlarged):
            overlay = overlay_of(camera, height, self.contents.state, self.unit, self.contents.dark)
            note = scale_note(camera, height, self)
        with QPainter(picture) as brush:
            paint_overlay(brush, width, height, overlay)
        return picture, note


def shot_of(canvas: Canvas3D) -> Shot:
    """Return what a canvas shows now; takes no time."""
    return Shot(canvas.contents(), canvas.unit, canvas.widget.width() / max(1, canvas.widget.height()))


def check_picture(path: Path, size: tuple[int, int]) -> None:
    """Refuse what cannot be saved.

    Raises
    ------
    UserError
        If the name has another suffix, or the size is no good.
    """
    if path.suffix.lower() != ".png":
        raise UserError(f"{path.name}: pictures are written as PNG. End the name with .png.")
    check_size(size)


def save_picture(
    shot: Shot, path: Path, size: tuple[int, int], clear: bool, progress: Progress
) -> tuple[Path, str]:
    """Draw and write a PNG that says its scale; a file of that name is replaced only by a complete one.

    Returns
    -------
    tuple
        The file, and how long a pixel is.

    Raises
    ------
    Cancelled
        If the user has cancelled; there is no file then.
    UserError
        If it cannot be drawn or written.
    """
    check_picture(path, size)
    progress.begin(1, "getting ready")
    with atomic_write(path) as temporary, Painter(find_opengl()) as painter:
        small = (max(1, size[0] // _TRIAL), max(1, size[1] // _TRIAL))
        shot.draw(painter, small, clear=clear, progress=progress)
        begin = time.monotonic()
        shot.draw(painter, small, clear=clear, progress=progress)
        # Pixels take the time; where triangles do, it is over sooner.
        expected = _TRIAL**2 * (time.monotonic() - begin)

        def waiting(seconds: float) -> None:
            progress.follow(min(0.95, seconds / expected), max(0.0, expected - seconds), "drawing")

        picture, note = shot.draw(painter, size, clear=clear, progress=progress, waiting=waiting)
        progress.follow(0.96, None, "writing")
        write_png(picture, temporary, path, note)
    return path, note


def write_png(picture: QImage, temporary: Path, path: Path, note: str) -> None:
    """Write a PNG of 300 dpi that says its scale."""
    picture.setDotsPerMeterX(round(_DPI / 0.0254))
    picture.setDotsPerMeterY(round(_DPI / 0.0254))
    picture.setText("Software", "SXT Studio")
    picture.setText("Description", note)
    if not picture.save(str(temporary)):
        raise UserError(f"{path} cannot be written. Choose another folder, or free some space.")


def scale_note(camera: Camera3D, height: int, shot: Shot) -> str:
    """Return how long a pixel is in a picture of ``height`` pixels, for the file and for the user."""
    pixel = float(f"{camera.pixel(height):.4g}")
    where = " at the depth of the middle of the scene" if shot.contents.state.perspective else ""
    return f"1 pixel = {length_text(pixel, shot.unit)}{where}"


def check_movie(path: Path) -> None:
    """Refuse names of files that are no movies.

    Raises
    ------
    UserError
        If the name has another suffix.
    """
    if path.suffix.lower() not in MOVIE_SUFFIXES:
        raise UserError(f"{path.name}: movies are written as MP4 or GIF. End the name with .mp4 or .gif.")


def measure_movie(shot: Shot, movie: Movie, progress: Progress) -> float:
    """Return how many seconds the movie will take here, measured from one of its frames.

    Raises
    ------
    Cancelled
        If the user has cancelled.
    UserError
        If it cannot be drawn.
    """
    progress.begin(2, "drawing one frame")
    with Painter(find_opengl()) as painter:
        shot.draw(painter, movie.drawn_size, turned=0.0, progress=progress)
        progress.step()
        begin = time.monotonic()
        # Another side: what was drawn just now must not help.
        picture, _ = shot.draw(painter, movie.drawn_size, turned=120.0, progress=progress)
        frame_of(picture)
        progress.step()
        return (time.monotonic() - begin) * movie.frames


def save_movie(shot: Shot, path: Path, movie: Movie, progress: Progress) -> Path:
    """Draw and write the movie.

    Raises
    ------
    Cancelled
        If the user has cancelled; there is no file then.
    UserError
        If it cannot be drawn or written.
    """
    check_movie(path)
    progress.begin(movie.frames, "drawing")
    with (
        atomic_write(path) as temporary,
        Painter(find_opengl()) as painter,
        movie_writer(temporary, movie.rate) as add,
    ):
        for number in range(movie.frames):
            turned = 360.0 * number / movie.frames
            picture, _ = shot.draw(painter, movie.drawn_size, turned=turned, progress=progress)
            add(frame_of(picture))
            progress.step()
    return path


def frame_of(picture: QImage) -> Frame:
    """Return the colours of a picture, uint8 (height, width, 3)."""
    plain = picture.convertToFormat(QImage.Format.Format_RGB888)
    lines = np.frombuffer(plain.constBits(), np.uint8).reshape(plain.height(), plain.bytesPerLine())
    return np.array(lines[:, : 3 * plain.width()]).reshape(plain.height(), plain.width(), 3)
