"""What is added to the program or installed beside it: is it there, does it work, what is lost without?"""

from __future__ import annotations

import os
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from sxtstudio.core.errors import UserError
from sxtstudio.workflow.selfcheck.trial import VOXEL_NM, ball

# For PyTorch, and for a worker of a cluster.
_PYTORCH_SECONDS = 300
_PICTURE_PX = (80, 60)


class Absent(Exception):
    """An optional part is not there; the text says what that means, and how to add it."""


def nvidia() -> str:
    """Whether networks run on an NVIDIA card; it is tried, and not only asked for."""
    from sxtstudio.segment import choose_device

    chosen = choose_device("auto")
    if not chosen.is_gpu:
        raise Absent(f"models run on the processor, which is slower but gives the same: {chosen.reason}")
    return f"{chosen.name}; a network gave the same on it and on the processor"


def retraining() -> str:
    """Whether models can be retrained: PyTorch, in a process of its own, finds a gradient."""
    from sxtstudio.surface.offscreen import NO_WINDOW
    from sxtstudio.workflow.retraining.child import can_train, environment, program, why_not

    if not can_train():
        raise Absent(f"models cannot be retrained, everything else works. {why_not()}")
    with tempfile.TemporaryDirectory(prefix="sxtstudio-") as folder:
        answer = Path(folder, "answer.txt")
        done = subprocess.run(
            [*program(), "probe-pytorch", str(answer)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PYTORCH_SECONDS,
            env={**os.environ, **environment()},
            creationflags=NO_WINDOW,
        )
        found = answer.read_text("utf-8") if answer.is_file() else ""
    if not found:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        why = lines[-1] if lines else f"exit code {done.returncode}"
        raise UserError(f"PyTorch is there and does not work ({why}): install it again.")
    return f"{found} found a gradient"


def cluster() -> str:
    """Whether a worker of this computer can be had, as a batch on several machines has it."""
    from sxtstudio.surface.offscreen import NO_WINDOW
    from sxtstudio.workflow.retraining.child import program

    if find_spec("distributed") is None:
        raise Absent(
            "batches run in one process only, everything else works: pip install 'sxtstudio[cluster]' adds it"
        )
    with tempfile.TemporaryDirectory(prefix="sxtstudio-") as folder:
        done = subprocess.run(
            [*program(), "cluster", "check", "--cluster", "local", "--file", folder],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PYTORCH_SECONDS,
            creationflags=NO_WINDOW,
        )
    said = (done.stdout + done.stderr).decode(errors="replace").strip().splitlines()
    if done.returncode or not said:
        why = said[-1] if said else f"exit code {done.returncode}"
        raise UserError(f"A worker of a cluster does not work here ({why}): install SXT Studio again.")
    return said[0]


def povray() -> str:
    """Whether POV-Ray is installed and draws a ball."""
    from PIL import Image

    from sxtstudio.surface import extract_surface, write_mesh
    from sxtstudio.workflow.jobs.povray import draw_scene
    from sxtstudio.workflow.jobs.povray_program import NOT_INSTALLED, find_povray

    program = find_povray()
    if program is None:
        raise Absent(NOT_INSTALLED)
    with tempfile.TemporaryDirectory(prefix="sxtstudio-") as folder:
        scene, picture = Path(folder, "ball.pov"), Path(folder, "ball.png")
        write_mesh(scene, extract_surface(ball(), VOXEL_NM))
        draw_scene(scene, picture, _PICTURE_PX)
        with Image.open(picture) as opened:
            grey = np.asarray(opened.convert("L"))
    if grey.shape != _PICTURE_PX[::-1] or np.ptp(grey) < 50:
        raise UserError(f"The picture of a ball by POV-Ray ({program}) is empty: install POV-Ray again.")
    return f"{program} drew a ball"
