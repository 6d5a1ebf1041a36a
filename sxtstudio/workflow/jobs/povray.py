"""POV-Ray, where it is installed: it draws a scene in a child process, which can be cancelled."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.progress import Progress
from sxtstudio.surface.offscreen import NO_WINDOW
from sxtstudio.surface.povray.scene import PovScene
from sxtstudio.surface.povray.write import meshes_file, write_scene
from sxtstudio.workflow.jobs.povray_program import NOT_INSTALLED, find_povray
from sxtstudio.workflow.retraining.child import yield_to_window

#: Of a picture for which nobody has chosen a size.
PICTURE_PX = (1600, 1200)
_LOG = logging.getLogger(__name__)
_LOOK_S = 0.05
_FOLDER = "sxtstudio-povray-"
_LAST_WORDS = 4000
_DRAWN = re.compile(rb"Rendered (\d+) of (\d+) pixels")
# Shares of the job: writing the scene, and POV-Ray's reading of it.
_WRITING, _READING = 0.15, 0.15


@contextmanager
def povray_picture(
    scene: PovScene, size: tuple[int, int], *, clear: bool = False, progress: Progress | None = None
) -> Iterator[Path]:
    """Draw a scene and yield the picture, a PNG that is gone after the block.

    Parameters
    ----------
    scene
        What is drawn.
    size
        Width and height in pixels.
    clear
        Transparent background.
    progress
        Reports and takes the cancel.

    Raises
    ------
    UserError
        If POV-Ray is not installed, or fails.
    Cancelled
        If the job was cancelled; POV-Ray has ended then.
    """
    progress = progress or Progress()
    program = find_povray()
    if program is None:
        raise UserError(NOT_INSTALLED)
    progress.begin(1, "writing the scene")
    # POV-Ray reads and writes in its working folder, whatever else it is forbidden.
    with tempfile.TemporaryDirectory(prefix=_FOLDER) as folder:
        file = Path(folder, "scene.pov")
        write_scene(file, scene, clear=clear, step=lambda _count: progress.check())
        progress.follow(_WRITING, None, "POV-Ray reads the scene")
        picture = render(program, file, size, clear=clear, progress=progress)
        yield picture


def draw_scene(
    scene: Path, picture: Path, size: tuple[int, int] = PICTURE_PX, progress: Progress | None = None
) -> None:
    """Draw a scene that was written, with its meshes, as a PNG; a former one stays until it is whole.

    Raises
    ------
    UserError
        If POV-Ray is not installed or fails, or the picture cannot be written.
    Cancelled
        If the job was cancelled; POV-Ray has ended then.
    """
    program = find_povray()
    if program is None:
        raise UserError(NOT_INSTALLED)
    with (
        tempfile.TemporaryDirectory(prefix=_FOLDER) as folder,
        atomic_write(picture) as temporary,
    ):
        for file in (scene, meshes_file(scene)):
            shutil.copyfile(file, Path(folder, file.name))
        drawn = render(program, Path(folder, scene.name), size, progress=progress)
        shutil.copyfile(drawn, temporary)


def render(
    program: Path,
    scene: Path,
    size: tuple[int, int],
    *,
    clear: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Let POV-Ray draw a scene; return the picture, which lies beside it.

    Raises
    ------
    UserError
        If it fails.
    Cancelled
        If the job was cancelled; POV-Ray has ended then.
    """
    progress = progress or Progress()
    picture = scene.with_suffix(".png")
    # Names may hold blanks, which POV-Ray takes for the end of one outside of quotes.
    words = [f'+I"{scene.name}"', f'+O"{picture.name}"', f"+W{size[0]}", f"+H{size[1]}"]
    # No display, no pause, soft edges, PNG of 8 bit.
    words += ["-D", "-P", "+A0.1", "+AM2", "+R2", "+FN8", *(["+UA"] if clear else [])]
    process = subprocess.Popen(
        [str(program), *words],
        cwd=scene.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        creationflags=NO_WINDOW,
    )
    assert process.stderr is not None
    with process.stderr:
        try:
            yield_to_window(process.pid)
            said = _Said(process.stderr)
            said.start()
            _wait(process, said, progress)
            said.join()
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
    if process.returncode != 0 or not picture.is_file():
        _LOG.error("POV-Ray failed with %s:\n%s", process.returncode, said.last)
        reason = said.reason
        raise UserError(
            f"POV-Ray could not draw the picture ({reason}). Choose a smaller picture or fewer faces, or "
            "save the scene and draw it by hand."
        )
    return picture


def _wait(process: subprocess.Popen[bytes], said: _Said, progress: Progress) -> None:
    """Report until the process has ended."""
    begin: float | None = None
    while True:
        try:
            process.wait(_LOOK_S)
            return
        except subprocess.TimeoutExpired:
            progress.check()
        share = said.share
        if share > 0:
            now = time.monotonic()
            begin = begin or now
            rest = (now - begin) * (1 - share) / share if now > begin else None
            before = _WRITING + _READING
            progress.follow(before + (1 - before) * share, rest, "POV-Ray draws")


class _Said(threading.Thread):
    """Reads what POV-Ray says, which is much, and keeps the end of it."""

    def __init__(self, pipe: IO[bytes]) -> None:
        """Prepare to read."""
        super().__init__(name="what POV-Ray says", daemon=True)
        self._pipe = pipe
        self._tail = b""
        self.share = 0.0

    def run(self) -> None:
        """Read until there is no more."""
        try:
            while some := os.read(self._pipe.fileno(), 1 << 16):
                self._tail = (self._tail + some)[-_LAST_WORDS:]
                found = list(_DRAWN.finditer(self._tail))
                if found and int(found[-1][2]):
                    self.share = min(1.0, int(found[-1][1]) / int(found[-1][2]))
        except (OSError, ValueError):  # it was closed
            pass

    @property
    def last(self) -> str:
        """The end of what it said, without its progress."""
        lines = self._tail.decode("utf-8", "replace").replace("\r", "\n").splitlines()
        return "\n".join(line for line in lines if line.strip() and not line.startswith("Rendered"))

    @property
    def reason(self) -> str:
        """What it said of an error, cut short."""
        errors = [line for line in self.last.splitlines() if "rror" in line]
        return errors[0].strip()[:200] if errors else "it ended without a reason"
