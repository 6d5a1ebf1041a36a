"""The parts of the program, each tried on small data, and compared with what is stored or known."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.shipped import resources
from sxtstudio.workflow.selfcheck.file_parts import movies, packed_files, tables, written_files
from sxtstudio.workflow.selfcheck.library_parts import classifier, libraries
from sxtstudio.workflow.selfcheck.optional_parts import Absent, cluster, nvidia, povray, retraining
from sxtstudio.workflow.selfcheck.trial import AGAIN, RADIUS_PX, VOXEL_NM, ball, distance

#: The slices of the sample whose labels by the default model are stored in ``resources/selfcheck.tif``.
SLICES = (30, 33)
#: What must be among the resources: at least one of each folder.
WANTED = (
    "sample.tif",
    "selfcheck.tif",
    "json-lines.schema.json",
    "beamtime/index.html",
    "fonts/DejaVuSans.ttf",
    "help/index.md",
    "help/tutorial.md",
    "help/trouble.md",
    "help/pictures/clean.png",
    "icons/sxtstudio.svg",
    "icons/check.svg",
    "icons/dot.svg",
)
# Processors round in their own ways, which moves a pixel here and there; another model moves far more.
MOST_DIFFERING = 0.002
# Of the volume of a ball of this radius, from its voxels; a body's flat ends may stay open.
_VOLUME_TOLERANCE, _OVERLAP = 0.02, 0.85
_WINDOW_SECONDS = 120
# What Qt says where there is no screen, by X11 and by Wayland.
_NO_DISPLAY = ("could not connect to display", "failed to create wl_display")

Check = Callable[[], str]


def files() -> str:
    """Look for what ships; the default model must be the one that its card describes."""
    missing = [name for name in WANTED if not (resources() / name).is_file()]
    if missing:
        raise UserError(f"{', '.join(missing)} is missing in {resources()}: {AGAIN}.")
    from sxtstudio.segment import load_card
    from sxtstudio.segment.registry import DEFAULT_MODEL

    card = load_card(DEFAULT_MODEL)
    if card.path is None or hashlib.sha256(card.path.read_bytes()).hexdigest() != card.sha256:
        raise UserError(f"The model {DEFAULT_MODEL} is not the one that its card describes: {AGAIN}.")
    return f"model {card.name} (base width {card.base_width}), sample, help, icons and fonts are there"


def device() -> str:
    """Choose a device, and say why."""
    from sxtstudio.segment import choose_device

    chosen = choose_device("auto")
    return f"{chosen.name}, because {chosen.reason}"


def segmentation() -> str:
    """Segment slices of the sample with the default model, and compare with the stored labels."""
    from sxtstudio.io import open_volume

    with open_volume(resources() / "selfcheck.tif") as stored:
        expected = stored.read(Box.whole(stored.shape)) != 0
    labels, device_name = sample_labels()
    differing = float(np.mean(labels != expected))
    if not differing <= MOST_DIFFERING:
        raise UserError(
            f"{differing:.2%} of the labels of the sample differ from the stored ones ({device_name}): "
            f"{AGAIN}, and bring the graphics card's driver up to date."
        )
    return f"{len(expected)} slices ({device_name}); {differing:.3%} differ from the stored labels"


def sample_labels() -> tuple[NDArray[np.bool_], str]:
    """Return the labels (z, y, x) of ``SLICES`` of the sample, and the device that made them."""
    from sxtstudio.io import open_volume
    from sxtstudio.segment import SegmentParameters, segment
    from sxtstudio.segment.registry import DEFAULT_MODEL

    parameters = SegmentParameters(model=DEFAULT_MODEL, polarity="dark", slices=SLICES, trust="none")
    with (
        tempfile.TemporaryDirectory(prefix="sxtstudio-") as folder,
        open_volume(resources() / "sample.tif") as sample,
    ):
        result = segment(sample, parameters, Path(folder, "run"), resume=False)
        labels = result.labels.read(Box.whole(result.labels.shape)) != 0
        result.discard()
    return labels, result.device


def objects() -> str:
    """Find the one body in the outline of a ball, and measure a ball."""
    from sxtstudio.core.bodies.find import BodyParameters, find_bodies
    from sxtstudio.core.measure.measure import measure_objects

    outline, solid = ball(), distance() <= RADIUS_PX
    numbers = np.zeros(outline.shape, np.uint32)
    found = find_bodies(outline, numbers, BodyParameters())
    overlap = np.count_nonzero((numbers == 1) & solid) / np.count_nonzero((numbers == 1) | solid)
    if found.bodies != 1 or overlap < _OVERLAP:
        raise UserError(f"The outline of a ball gave {found.bodies} bodies, {overlap:.0%} of it: {AGAIN}.")
    measured = measure_objects(solid.astype(np.uint8), VOXEL_NM)
    volume_um3 = 4 / 3 * math.pi * (RADIUS_PX * 0.01) ** 3
    off = abs(float(measured.values["volume"][0]) / volume_um3 - 1)
    if not off <= _VOLUME_TOLERANCE:
        raise UserError(f"The volume of a ball was measured wrong by {off:.1%}: {AGAIN}.")
    return f"the outline of a ball is one body; the volume of a ball is right within {max(off, 0.001):.1%}"


def picture() -> str:
    """Make the surface of a ball, and draw it off-screen."""
    from sxtstudio.surface import extract_surface
    from sxtstudio.surface.offscreen import find_opengl
    from sxtstudio.surface.picture import draw

    surface = extract_surface(ball(), VOXEL_NM)
    opengl = find_opengl()
    image, renderer = draw(opengl, surface.mesh, (320, 240))
    if np.ptp(image) < 50:
        raise UserError(f"The picture of a ball is empty ({renderer}): install the graphics driver again.")
    return f"{surface.face_count} triangles drawn by {renderer}"


def window() -> str:
    """Let Qt draw a 3D picture in a window that is not shown, in a process of its own."""
    from sxtstudio.core.packaged import own_program
    from sxtstudio.surface.offscreen import NO_WINDOW

    screen = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in screen):
        raise Absent("there is no screen here, so no window was opened; commands need none")
    words = own_program("probe-window", "sxtstudio.app.view3d.native_probe")
    with tempfile.TemporaryDirectory(prefix="sxtstudio-") as folder:
        answer = Path(folder, "answer.txt")
        done = subprocess.run(
            [*words, str(answer)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_WINDOW_SECONDS,
            creationflags=NO_WINDOW,
        )
        drawn = answer.read_text("utf-8") if answer.is_file() else None
    if drawn is None:
        said = done.stderr.decode(errors="replace").strip()
        lines = said.splitlines()
        if any(words in said.lower() for words in _NO_DISPLAY):  # which is no fault of the installation
            if not any(os.environ.get(name) for name in screen[:2]):
                raise Absent("no display was found here, so no window was opened; commands need none")
            raise UserError(
                f"No window could be opened ({lines[0]}): no display was found. Log in with a desktop (or "
                "ssh -X); commands need none."
            )
        raise UserError(f"No window could be opened ({lines[-1] if lines else done.returncode}): {AGAIN}.")
    if not drawn:
        return "a window opened; OpenGL does not work inside of it, so that 3D needs one without a window"
    return f"a window opened, and {drawn} drew in it"


#: Every part by its name, in the order in which they are tried.
CHECKS: dict[str, Check] = {
    "files": files,
    "device": device,
    "segmentation": segmentation,
    "objects": objects,
    "classifier": classifier,
    "formats": written_files,
    "compression": packed_files,
    "tables": tables,
    "movies": movies,
    "3D picture": picture,
    "window": window,
    "libraries": libraries,
    "NVIDIA card": nvidia,
    "retraining": retraining,
    "cluster": cluster,
    "POV-Ray": povray,
}
