"""Child process of ``painter``: holds a scene and draws it as often as it is asked; no Qt.

Each line on its input is a request, each line on its output the answer to one; both are JSON. Meshes,
slices and pictures lie in files of a folder that belongs to the parent. It ends with its input.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.app.view3d.contents import ScenePart, read_mesh
from sxtstudio.app.view3d.planes import SliceImage
from sxtstudio.app.view3d.scene import Scene3D
from sxtstudio.app.view3d.state import scene_from_json
from sxtstudio.surface.offscreen import OpenGL, hidden_window


def main(window: str, renderer: str) -> None:
    """Serve requests until there are no more."""
    # What libraries print must not stand between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    opengl = OpenGL(window, renderer)
    hidden = hidden_window(opengl)
    hidden.SetAlphaBitPlanes(1)
    scene = Scene3D(hidden, software=opengl.software)
    with answers, open(0, "rb", closefd=False) as requests:
        for line in requests:
            request = json.loads(line)
            try:
                _take(scene, request)
                np.save(request["picture"], _draw(scene, request), allow_pickle=False)
                answer = {"number": request["number"]}
            except Exception as error:
                traceback.print_exc()
                answer = {"number": request["number"], "error": f"{type(error).__name__}: {error}"}
            answers.write(json.dumps(answer).encode() + b"\n")
            answers.flush()
    scene.close()


def _take(scene: Scene3D, request: dict[str, Any]) -> None:
    """Take over what has changed since the last request."""
    if "volume" in request:
        shape, voxel_nm = request["volume"]
        scene.set_volume(tuple(shape), None if voxel_nm is None else tuple(voxel_nm))
    for name, file in request["meshes"].items():
        scene.set_mesh(ScenePart(name), None if file is None else read_mesh(Path(file)))
        if file is not None:
            Path(file).unlink()
    for axis, index, file in request["planes"]:
        grey = np.load(file, allow_pickle=False)
        Path(file).unlink()
        scene.planes[axis].set_image(SliceImage(axis, index, np.empty((0, 0), np.float32)), grey)


def _draw(scene: Scene3D, request: dict[str, Any]) -> NDArray[np.uint8]:
    scene.apply(scene_from_json(request["state"]), request["dark"])
    scene.camera.restore(request["camera"])
    width, height = request["size"]
    finer = 2 if request["supersampled"] else 1
    with (
        scene.camera.turned(request["camera"], request["turned"]),
        scene.camera.enlarged(request["enlarged"]),
    ):
        pixels = scene.render((finer * width, finer * height), request["quality"], clear=request["clear"])
    return pixels if finer == 1 else _halved(pixels)


def _halved(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Average blocks of 2 × 2 pixels, whose colours are premultiplied."""
    total = np.zeros((pixels.shape[0] // 2, pixels.shape[1] // 2, 4), np.uint16)
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        total += pixels[row::2, column::2]
    return ((total + 2) // 4).astype(np.uint8)


if __name__ == "__main__":
    main(*sys.argv[1:3])
