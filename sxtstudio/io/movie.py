"""Movies: MP4 by FFmpeg, a program of its own that comes along, and GIF by Pillow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError

Frame = NDArray[np.uint8]
MOVIE_SUFFIXES = (".mp4", ".gif")


@contextmanager
def movie_writer(path: Path, rate: int) -> Iterator[Callable[[Frame], None]]:
    """Yield a function that adds a frame, uint8 (height, width, 3), to an MP4 or GIF.

    Parameters
    ----------
    path
        Ends in one of ``MOVIE_SUFFIXES``.
    rate
        Frames per second.

    Raises
    ------
    UserError
        If movies of this kind cannot be written on this system.
    """
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


def ffmpeg_version() -> str:
    """Return the version of the FFmpeg that writes MP4; RuntimeError where there is none."""
    import imageio_ffmpeg

    return str(imageio_ffmpeg.get_ffmpeg_version())
