"""Tries OpenGL in windows, in a child process that may crash."""

from __future__ import annotations

import logging
import os
import subprocess
import tempfile
from pathlib import Path

from sxtstudio.app.view3d.choice import CanvasChoice, System, Wish, choose
from sxtstudio.core.packaged import own_program
from sxtstudio.surface.offscreen import NO_WINDOW, OpenGL, find_opengl

_LOG = logging.getLogger(__name__)
_PROBE_S = 60
_LAST_WORDS = 2000


def find_canvas(wish: Wish, system: System) -> CanvasChoice:
    """Choose by trying, in child processes that may crash; takes some seconds.

    Raises
    ------
    UserError
        If nothing can draw here.
    """
    return choose(wish, system, lambda: probe_native(system.platform), find_opengl)


def probe_native(platform: str) -> OpenGL | None:
    """Draw a test picture in a window of a child process, which is not shown; None where that fails."""
    program = own_program("probe-window", "sxtstudio.app.view3d.native_probe")
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "answer.txt")
        try:
            done = subprocess.run(
                [*program, str(answer)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PROBE_S,
                env={**os.environ, "QT_QPA_PLATFORM": platform},
                creationflags=NO_WINDOW,
            )
            renderer = answer.read_text("utf-8") if done.returncode == 0 else ""
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            _LOG.warning("OpenGL in windows could not be tried: %s", error)
            return None
    if not renderer:
        words = done.stderr.decode("utf-8", "replace")[-_LAST_WORDS:]
        _LOG.warning("OpenGL in windows does not work (code %d): %s", done.returncode, words)
    return OpenGL("vtkGenericOpenGLRenderWindow", renderer) if renderer else None
