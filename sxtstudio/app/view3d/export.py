"""Screenshots and turntable movies of the 3D scene, in any size."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage, QPainter

from sxtstudio.app.jobs.job import Job
from sxtstudio.app.view3d.canvas import Canvas3D, image_of
from sxtstudio.app.view3d.overlay import paint_overlay
from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.progress import Progress
from sxtstudio.core.wording import length_text

SMALLEST_PX, LARGEST_PX = 100, 8192
_DPI = 300
# Pictures are drawn twice as large and averaged as long as that stays below so many pixels.
_SUPERSAMPLED = 40_000_000
Frame = NDArray[np.uint8]


@dataclass(frozen=True)
class Movie:
    """A turn around the vertical: how long, how many frames per second, width and height in pixels."""

    seconds: float = 8.0
    rate: int = 25
    size: tuple[int, int] = (1280, 960)

    def __post_init__(self) -> None:
        """Refuse what cannot be made."""
        check_size(self.size)
        if not 0.1 <= self.seconds <= 600 or not 1 <= self.rate <= 60:
            raise UserError("A movie lasts 0.1 to 600 seconds and has 1 to 60 frames per second.")

    @property
    def frames(self) -> int:
        """Number of pictures; the last one stands just before the first, so that it can be looped."""
        return max(2, round(self.seconds * self.rate))


def check_size(size: tuple[int, int]) -> None:
    """Refuse pictures that cannot be drawn.

    Raises
    ------
    UserError
        If an edge is too short or too long.
    """
    if not all(SMALLEST_PX <= edge <= LARGEST_PX for edge in size):
        raise UserError(
            f"A picture of {size[0]}×{size[1]} pixels cannot be drawn. "
            f"Choose {SMALLEST_PX} to {LARGEST_PX} pixels for width and height."
        )


def room_for(canvas: Canvas3D, size: tuple[int, int], turning: bool = False) -> float:
    """Return how much larger a picture of ``size`` can show the scene than the view does."""
    shown = canvas.width() / max(1, canvas.height())
    return canvas.scene.camera.room(canvas.scene.corners, shown, size[0] / size[1], turning)


def take_picture(canvas: Canvas3D, size: tuple[int, int], clear: bool = False) -> QImage:
    """Draw the scene as it is seen now in another size, with scale bar and axes."""
    check_size(size)
    width, height = size
    factor = 2 if 4 * width * height <= _SUPERSAMPLED and 2 * max(size) <= LARGEST_PX else 1
    pixels = canvas.scene.render((factor * width, factor * height), clear=clear)
    if factor == 2:
        pixels = _halved(pixels)
    picture = image_of(pixels, clear)
    painter = QPainter(picture)
    paint_overlay(painter, width, height, canvas.overlay(height))
    painter.end()
    return picture


def _halved(pixels: Frame) -> Frame:
    """Average blocks of 2 × 2 pixels, whose colours are premultiplied."""
    total = np.zeros((pixels.shape[0] // 2, pixels.shape[1] // 2, 4), np.uint16)
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        total += pixels[row::2, column::2]
    return ((total + 2) // 4).astype(np.uint8)


def scale_note(canvas: Canvas3D, height: int) -> str:
    """Return how long a pixel is now, for the file and for the user."""
    pixel = float(f"{canvas.scene.camera.pixel(height):.4g}")
    where = " at the depth of the middle of the scene" if canvas.state.perspective else ""
    return f"1 pixel = {length_text(pixel, canvas.unit)}{where}"


def write_picture(path: Path, picture: QImage, note: str) -> Path:
    """Write a PNG that says its scale; a file of that name is replaced only by a complete one.

    Raises
    ------
    UserError
        If the name has another suffix, or the file cannot be written.
    """
    if path.suffix.lower() != ".png":
        raise UserError(f"{path.name}: pictures are written as PNG. End the name with .png.")
    picture.setDotsPerMeterX(round(_DPI / 0.0254))
    picture.setDotsPerMeterY(round(_DPI / 0.0254))
    picture.setText("Software", "SXT Studio")
    picture.setText("Description", note)
    with atomic_write(path) as temporary:
        if not picture.save(str(temporary)):
            raise UserError(f"{path} cannot be written. Choose another folder, or free some space.")
    return path


class Turntable:
    """Draws the frames of a movie one by one in the window's thread, while a job writes them.

    The job asks for a frame by ``job.report(number)``; between two frames the window lives on.
    """

    def __init__(self, canvas: Canvas3D, movie: Movie, path: Path) -> None:
        """Prepare a movie of what is seen now."""
        if path.suffix.lower() not in (".mp4", ".gif"):
            raise UserError(f"{path.name}: movies are written as MP4 or GIF. End the name with .mp4 or .gif.")
        self._canvas = canvas
        self._movie = movie
        self._path = path
        self._start = canvas.scene.camera.state()
        self._factor = room_for(canvas, movie.size, turning=True)
        # Video codecs want even numbers of rows and columns.
        self.size = (movie.size[0] // 2 * 2, movie.size[1] // 2 * 2)
        self._drawn: queue.Queue[Frame | BaseException] = queue.Queue()

    def draw(self, number: int) -> None:
        """Draw one frame; called in the window's thread."""
        try:
            camera = self._canvas.scene.camera
            degrees = 360.0 * number / self._movie.frames
            with camera.turned(self._start, degrees), camera.enlarged(self._factor):
                picture = take_picture(self._canvas, self.size)
            self._drawn.put(frame_of(picture))
        except Exception as error:  # the job must not wait for ever
            self._drawn.put(error)

    def write(self, job: Job) -> Path:
        """Write the movie; the work of the job.

        Raises
        ------
        Cancelled
            If the user has cancelled; there is no file then.
        UserError
            If the file cannot be written.
        """
        progress = job.progress
        progress.begin(self._movie.frames, "Movie")
        with atomic_write(self._path) as temporary:
            with _writer(temporary, self._movie.rate, self.size) as add:
                for number in range(self._movie.frames):
                    job.report(number)
                    add(self._next(progress))
                    progress.step()
        return self._path

    def _next(self, progress: Progress) -> Frame:
        while True:
            progress.check()
            try:
                frame = self._drawn.get(timeout=0.1)
            except queue.Empty:
                continue
            if isinstance(frame, BaseException):
                raise frame
            return frame


def frame_of(picture: QImage) -> Frame:
    """Return the colours of a picture, uint8 (height, width, 3)."""
    plain = picture.convertToFormat(QImage.Format.Format_RGB888)
    lines = np.frombuffer(plain.constBits(), np.uint8).reshape(plain.height(), plain.bytesPerLine())
    return np.array(lines[:, : 3 * plain.width()]).reshape(plain.height(), plain.width(), 3)


@contextmanager
def _writer(path: Path, rate: int, size: tuple[int, int]) -> Iterator[Callable[[Frame], None]]:
    """Yield a function that adds a frame to an MP4 or GIF."""
    import imageio

    options: dict[str, Any]
    if path.suffix.lower() == ".gif":
        options = {"format": "GIF", "duration": 1000 / rate, "loop": 0}
    else:
        options = {"format": "FFMPEG", "fps": rate, "quality": 8, "macro_block_size": 2}
        options["ffmpeg_log_level"] = "error"
    try:
        writer = imageio.get_writer(str(path), mode="I", **options)
    except (ImportError, RuntimeError) as error:  # no ffmpeg for this system
        raise UserError(
            f"Movies cannot be written as {path.suffix[1:].upper()} here ({error}). Choose GIF instead."
        ) from error
    with writer:
        yield writer.append_data
