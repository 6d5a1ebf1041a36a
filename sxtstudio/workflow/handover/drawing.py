"""Plots are drawn in a process of their own: with thousands of dots a window would stand still."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from xml.etree import ElementTree

import msgspec

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.packaged import is_packaged
from sxtstudio.core.progress import Progress
from sxtstudio.core.verified import differs, read_back
from sxtstudio.io.png import decoded_size
from sxtstudio.workflow.handover.figures import ColumnPlot

COMMAND = "draw-plots"
_LOOK_EVERY_S = 0.05
_LONGEST_S = 600
_LAST_WORDS = 400


def draw_plots(plots: Sequence[ColumnPlot], *paths: Path, progress: Progress | None = None) -> str:
    """Draw plots side by side into each of the files, ``.png`` or ``.svg``, and read these back.

    Returns
    -------
    str
        What was read back, in words.

    Raises
    ------
    UserError
        If there are none, or they cannot be drawn or written.
    Cancelled
        If the user stopped it.
    """
    if not plots:
        raise UserError("There is nothing to plot: no object that lies off the border was measured.")
    progress = progress or Progress()
    with ExitStack() as stack:
        pictures = [stack.enter_context(atomic_write(path)) for path in paths]
        scratch = stack.enter_context(tempfile.TemporaryDirectory())
        given, errors = Path(scratch, "plots.json"), Path(scratch, "errors.txt")
        given.write_bytes(msgspec.json.encode(tuple(plots)))
        words = [sys.executable, COMMAND] if is_packaged() else None
        with open(errors, "wb") as said:
            child = subprocess.Popen(
                [*(words or [sys.executable, "-m", "sxtstudio", COMMAND]), str(given), *map(str, pictures)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
            _wait(child, progress)
        if child.returncode != 0 or not all(picture.is_file() for picture in pictures):
            words_left = errors.read_text("utf-8", "replace").strip()[-_LAST_WORDS:]
            raise UserError(f"The plots could not be drawn: {words_left or 'the drawing ended'}.")
        return read_back(*(_whole(picture, path) for picture, path in zip(pictures, paths, strict=True)))


def _whole(picture: Path, target: Path) -> str:
    """Read a picture back, all of it, and say what it is."""
    try:
        if picture.suffix == ".svg":
            for _, element in ElementTree.iterparse(picture):
                element.clear()
            return "a whole SVG drawing"
        width, height = decoded_size(picture)
        return f"a whole picture of {width} × {height} pixels"
    except (UserError, ElementTree.ParseError) as error:
        raise differs(target, "the picture, which is damaged") from error


def _wait(child: subprocess.Popen[bytes], progress: Progress) -> None:
    begun = time.monotonic()
    try:
        while child.poll() is None:
            progress.check()
            if time.monotonic() - begun > _LONGEST_S:
                raise UserError("The plots took too long to be drawn: export fewer objects.")
            time.sleep(_LOOK_EVERY_S)
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
