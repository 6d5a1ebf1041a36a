"""Find an OpenGL that draws without a screen, without risking the process.

VTK ends the whole process (segmentation fault) where it cannot start OpenGL. So a child process
draws a small test picture first, with one kind of window after the other.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.packaged import own_program

DEBIAN_PACKAGES = ("libgl1", "libegl1", "libgl1-mesa-dri")
# For subprocess: no black window beside the program on Windows.
NO_WINDOW: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)
_SOFTWARE = ("llvmpipe", "softpipe", "swrast", "software", "gdi generic", "basic render")
_PROBE_SECONDS = 120
_SOFTWARE_ONLY = "LIBGL_ALWAYS_SOFTWARE"


@dataclass(frozen=True)
class OpenGL:
    """A kind of VTK window that works here, and who draws in it."""

    window: str
    renderer: str

    @property
    def software(self) -> bool:
        """Whether the processor draws, not a graphics card."""
        return any(name in self.renderer.lower() for name in _SOFTWARE)


def find_opengl() -> OpenGL:
    """Return a way to draw pictures without a screen; the first call takes a second or two.

    Raises
    ------
    UserError
        If OpenGL does not work on this machine; names the Debian packages.
    """
    found = _find()
    if found is None:
        raise UserError(
            "Pictures need OpenGL, which does not work on this machine. On Debian or Ubuntu install the "
            f"packages {' '.join(DEBIAN_PACKAGES)}; surfaces can be made and saved without it."
        )
    return found


@functools.cache
def _find() -> OpenGL | None:
    for window in _windows():
        found = _probe(window)
        if found is not None:
            return found
    if sys.platform.startswith("linux") and _SOFTWARE_ONLY not in os.environ:
        # The driver of the graphics card may be broken: Mesa can be told to leave it alone.
        for window in _windows():
            found = _probe(window, {_SOFTWARE_ONLY: "1"})
            if found is not None:
                os.environ[_SOFTWARE_ONLY] = "1"
                return found
    return None


def _windows() -> list[str]:
    if sys.platform == "darwin":
        return ["vtkCocoaRenderWindow"]
    if sys.platform == "win32":
        return ["vtkWin32OpenGLRenderWindow", "vtkOSOpenGLRenderWindow"]
    # EGL needs no X server and uses the graphics card where there is one.
    windows = ["vtkEGLRenderWindow", "vtkOSOpenGLRenderWindow"]
    return [*windows, "vtkXOpenGLRenderWindow"] if os.environ.get("DISPLAY") else windows


def _probe(window: str, variables: dict[str, str] | None = None) -> OpenGL | None:
    """Draw a test picture in a child process; None where that fails in whatever way."""
    program = own_program("probe-opengl", f"{__package__}.probe")
    with tempfile.TemporaryDirectory() as folder:
        answer_file = Path(folder, "answer.json")  # on Windows a program with a window has no output
        try:
            done = subprocess.run(
                [*program, window, str(answer_file)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PROBE_SECONDS,
                env={**os.environ, **(variables or {})},
                creationflags=NO_WINDOW,
            )
            answer = json.loads(answer_file.read_text("utf-8")) if done.returncode == 0 else None
        except (OSError, subprocess.SubprocessError, ValueError):
            return None
    return OpenGL(window, answer["renderer"]) if answer and answer["drawn"] else None


def hidden_window(opengl: OpenGL) -> Any:
    """Return a new VTK window of the kind that works here, which is never shown."""
    import vtkmodules.vtkRenderingOpenGL2 as vtk_opengl

    window = getattr(vtk_opengl, opengl.window)()
    window.SetOffScreenRendering(1)
    window.SetMultiSamples(0)
    return window


@contextmanager
def offscreen_window(opengl: OpenGL, size: tuple[int, int]) -> Iterator[Any]:
    """Yield a hidden VTK window of ``size`` (width, height) pixels; it is released afterwards."""
    window = hidden_window(opengl)
    window.SetSize(*size)
    try:
        yield window
    finally:
        renderers = window.GetRenderers()
        while (renderer := renderers.GetFirstRenderer()) is not None:
            renderer.RemoveAllViewProps()
            window.RemoveRenderer(renderer)
        window.Finalize()


def pixels(window: Any, alpha: bool = False) -> NDArray[np.uint8]:
    """Render the window and return its pixels (height, width, 3 or 4), first row on top."""
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkRenderingCore import vtkWindowToImageFilter

    window.Render()
    grab = vtkWindowToImageFilter()
    grab.SetInput(window)
    if alpha:
        grab.SetInputBufferTypeToRGBA()
    else:
        grab.SetInputBufferTypeToRGB()
    grab.ReadFrontBufferOff()
    grab.ShouldRerenderOff()
    grab.Update()
    image = grab.GetOutput()
    width, height, _ = image.GetDimensions()
    values = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, -1)
    return np.array(values[::-1])


def opengl_renderer(window: Any) -> str:
    """Return the name that OpenGL gives to who draws in this window."""
    for line in (window.ReportCapabilities() or "").splitlines():
        if line.startswith("OpenGL renderer string:"):
            return line.partition(":")[2].strip()
    return "unknown"
