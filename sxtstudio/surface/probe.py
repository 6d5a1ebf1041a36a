"""Child process of ``offscreen``: draw a small picture the way pictures are drawn, say who drew it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from vtkmodules.vtkFiltersSources import vtkSphereSource

from sxtstudio.surface.offscreen import OpenGL
from sxtstudio.surface.picture import draw


def main(window: str, answer_file: str) -> None:
    """Write one line of JSON: whether the picture shows something, and OpenGL's name for itself."""
    sphere = vtkSphereSource()
    sphere.Update()
    image, renderer = draw(OpenGL(window, ""), sphere.GetOutput(), (160, 120))
    answer = json.dumps({"drawn": bool(np.ptp(image) > 50), "renderer": renderer})
    Path(answer_file).write_text(answer, "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:3])
