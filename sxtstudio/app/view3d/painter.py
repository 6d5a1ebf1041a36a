"""Pictures of a scene from a child process: the window lives on, and so does it where OpenGL crashes."""

from __future__ import annotations

import json
import logging
import queue
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from sxtstudio.app.view3d.contents import SceneContents, ScenePart, ShownSlice, write_mesh
from sxtstudio.app.view3d.scene import Quality
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.core.packaged import own_program
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import VoxelSize
from sxtstudio.surface.offscreen import NO_WINDOW, OpenGL
from sxtstudio.workflow.retraining.child import yield_to_window

_LOG = logging.getLogger(__name__)
_LOOK_S = 0.05
_LAST_WORDS = 2000


class Painter:
    """Draws scenes, one picture after the other; used by one thread at a time, with ``with`` or ``close``.

    What has not changed since the picture before stays in the child process.
    """

    def __init__(self, opengl: OpenGL) -> None:
        """Prepare to draw as ``opengl`` says; the child process starts with the first picture."""
        self._opengl = opengl
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._listener: threading.Thread | None = None
        self._number = 0
        self._forget()

    def draw(
        self,
        contents: SceneContents,
        size: tuple[int, int],
        quality: Quality = "best",
        *,
        turned: float = 0.0,
        enlarged: float = 1.0,
        clear: bool = False,
        supersampled: bool = False,
        progress: Progress | None = None,
        waiting: Callable[[float], None] | None = None,
    ) -> NDArray[np.uint8]:
        """Return the picture, uint8 (height, width, 4), first row on top.

        Parameters
        ----------
        contents
            What is drawn.
        size
            Width and height.
        quality, clear
            As of ``Scene3D.render``.
        turned
            Degrees that the camera has gone around the vertical of the picture.
        enlarged
            How much larger everything is shown than the camera says.
        supersampled
            Draw twice as large, and average: smooth edges, also of a clear background.
        progress
            Takes the cancel. What is being drawn then is finished, and thrown away.
        waiting
            Called with the seconds that the picture takes so far, some twenty times per second.

        Raises
        ------
        Cancelled
            If the user has cancelled.
        UserError
            If the picture could not be drawn.
        OSError
            If there is no room for the meshes in the folder for temporary files.
        """
        self._start()
        self._number += 1
        folder = self._temporary()
        request = {
            "number": self._number,
            **self._changes(contents, folder),
            "state": contents.state.to_json(),
            "dark": contents.dark,
            "camera": contents.camera,
            "size": size,
            "quality": quality,
            "turned": turned,
            "enlarged": enlarged,
            "clear": clear,
            "supersampled": supersampled,
            "picture": str(_picture(folder, self._number)),
        }
        self._ask(request, progress or Progress(), waiting or (lambda _seconds: None))
        pixels = np.load(_picture(folder, self._number), allow_pickle=False)
        _picture(folder, self._number).unlink()
        return np.asarray(pixels, np.uint8)

    def close(self) -> None:
        """End the child process, whatever it is doing; the next picture starts another one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            if self._listener is not None:
                self._listener.join()
            for pipe in (process.stdout, process.stdin):
                if pipe is not None:
                    with suppress(OSError):  # what was still to be written has nobody to read it
                        pipe.close()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        self._forget()

    def __enter__(self) -> Painter:
        """Use it for a while."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the child process."""
        self.close()

    # -- the child process -----------------------------------------------------------------------

    def _forget(self) -> None:
        """Nothing has been sent yet. What was is kept, so that nothing else can have its place in memory."""
        self._volume: tuple[Triple, VoxelSize | None] | None = None
        self._meshes: dict[ScenePart, tuple[Any, int]] = {}
        self._planes: dict[int, ShownSlice] = {}

    def _temporary(self) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="sxtstudio-3d-")
        return Path(self._folder.name)

    def _start(self) -> None:
        if self._process is not None:
            return
        program = own_program("draw-scene", "sxtstudio.app.view3d.painter_process")
        with open(self._temporary() / "words.txt", "wb") as words:
            self._process = subprocess.Popen(
                [*program, self._opengl.window, self._opengl.renderer],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=words,
                creationflags=NO_WINDOW,
            )
        yield_to_window(self._process.pid)
        self._answers = queue.Queue()
        self._listener = threading.Thread(
            target=_listen, args=(self._process, self._answers), name="3D pictures", daemon=True
        )
        self._listener.start()

    def _ask(self, request: dict[str, Any], progress: Progress, waiting: Callable[[float], None]) -> None:
        process = self._process
        assert process is not None and process.stdin is not None
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
        except OSError:
            self._fail("")
        begin = time.monotonic()
        while True:
            progress.check()
            waiting(time.monotonic() - begin)
            try:
                answer = self._answers.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            if answer is None:
                self._fail("")
            elif answer["number"] != request["number"]:  # of a picture that nobody waited for
                _picture(self._temporary(), answer["number"]).unlink(missing_ok=True)
            elif "error" in answer:
                self._fail(answer["error"])
            else:
                return

    def _fail(self, reason: str) -> NoReturn:
        words = (self._temporary() / "words.txt").read_text("utf-8", "replace")[-_LAST_WORDS:]
        _LOG.error("a 3D picture failed: %s\n%s", reason or "its process has ended", words)
        self.close()
        raise UserError(
            "The 3D picture could not be drawn: the program that draws it has failed "
            f"({reason or 'OpenGL or the memory gave out'}). Choose a smaller picture or fewer faces."
        )

    def _changes(self, contents: SceneContents, folder: Path) -> dict[str, Any]:
        """Write what the child process does not have yet; return its names."""
        changes: dict[str, Any] = {"meshes": {}, "planes": []}
        volume = (contents.shape, contents.voxel_nm)
        if self._volume != volume:
            self._forget()
            self._volume = changes["volume"] = volume
        for part in ScenePart:
            mesh, sent = contents.meshes.get(part), self._meshes.get(part)
            if mesh is None:
                if sent is not None:
                    changes["meshes"][part.value] = None
                    del self._meshes[part]
            elif sent is None or sent[0] is not mesh or sent[1] != mesh.GetMTime():
                # The child process deletes what it has read.
                file = folder / f"{part.value}{self._number}.npz"
                self._meshes[part] = (mesh, mesh.GetMTime())
                write_mesh(mesh, file)
                changes["meshes"][part.value] = str(file)
        for plane in contents.planes:
            former = self._planes.get(plane.axis)
            if former is None or former.index != plane.index or former.grey is not plane.grey:
                file = folder / f"plane{plane.axis}-{self._number}.npy"
                np.save(file, plane.grey, allow_pickle=False)
                changes["planes"].append((plane.axis, plane.index, str(file)))
                self._planes[plane.axis] = plane
        return changes


def _picture(folder: Path, number: int) -> Path:
    return folder / f"picture{number}.npy"


def _listen(process: subprocess.Popen[bytes], answers: queue.Queue[dict[str, Any] | None]) -> None:
    """Pass the answers on; None: there will be no more."""
    assert process.stdout is not None
    try:
        for line in process.stdout:
            answers.put(json.loads(line))
    except ValueError:  # the pipe was closed, or what came was no JSON
        pass
    answers.put(None)
