"""From a seed to a reconstructed tomogram with its outlines: the training data and the sample."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.geometry import Triple
from sxtstudio.core.labels import as_labels
from sxtstudio.core.pace import Work
from sxtstudio.core.progress import Progress
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.training import frames
from sxtstudio.training.canvas import CLASSES
from sxtstudio.training.microscope import FULL_ROTATION_DEG, Microscope, random_microscope
from sxtstudio.training.phantom import make_phantom
from sxtstudio.training.reconstruction import denoise, develop, passes, reconstruct
from sxtstudio.training.shape_library import Library
from sxtstudio.training.tilt_series import Alignment, expose, project, random_alignment
from sxtstudio.training.visibility import smears, what_shows, without_gold

#: How far the specimen goes on beyond the field of view, voxels to each side along x.
BEYOND_PX = 24
#: Blur of a reconstruction along the beam (standard deviation) that is not the missing wedge's.
BLUR_ALONG_Z_PX = 1.5
#: Value of labels where it is not to be judged whether there is membrane.
IGNORE = 128


@dataclass(frozen=True)
class Simulated:
    """A tomogram (z, y, x), what is where in it, and how it was taken.

    Absorbing structures are dark unless the polarity is "bright".
    """

    tomogram: NDArray[np.float32]
    outline: NDArray[np.bool_]  # membranes that a human could see, as an annotator would draw them
    hidden: NDArray[np.bool_]  # membranes parallel to the slice or drowned: not to be judged
    classes: NDArray[np.uint8]  # values of ``canvas.CLASSES``
    instances: NDArray[np.uint16]  # 0, or the number of an object
    microscope: Microscope
    facts: dict[str, Any] = field(default_factory=dict)


def simulate(
    seed: int,
    shape: Triple,
    microscope: Microscope | None = None,
    *,
    voxel_nm: float | None = None,
    scene: str | None = None,
    polarity: str = "dark",
    framed: bool = False,
    library: Library | None = None,
    progress: Progress | None = None,
) -> Simulated:
    """Return a simulated tomogram of ``shape`` (z, y, x); the same seed gives the same tomogram.

    The specimen is wider than the field of view and as thick as the tomogram.

    Parameters
    ----------
    microscope
        How it is taken; None lets the seed choose.
    voxel_nm
        Edge of a voxel where there is no microscope; None lets the seed choose, 8–33 nm.
    scene
        One of ``phantom.SCENES``; None lets the seed choose.
    polarity
        "dark" or "bright": how absorbing structures look.
    framed
        Whether the tomogram may have a frame of no data along some edges, as the seed chooses.
    library
        Shapes of real organelles that are placed beside the simulated ones.

    Raises
    ------
    Cancelled
        If ``progress`` was cancelled.
    """
    progress = progress or Progress()
    rng = np.random.default_rng(seed)
    depth, height, width = shape
    microscope = microscope or random_microscope(rng, voxel_nm)
    size = (depth, height, width + 2 * BEYOND_PX)
    stages = Stages(progress, _stages(size, microscope))
    with stages.stage(Work.PHANTOM) as counter:
        phantom = make_phantom(
            rng,
            size,
            microscope.voxel_nm,
            scene,
            capillary=microscope.tilt_deg >= FULL_ROTATION_DEG,
            library=library,
            progress=counter,
        )
    wider = _unseen_px(microscope, width)
    alignment = random_alignment(rng, (depth, height, size[2] + 2 * wider), microscope, width)
    tomogram = _take(_wider(phantom.lac + phantom.grain, wider), width, microscope, alignment, rng, stages)
    pale = without_gold(phantom.lac)
    plain = _take(_wider(pale, wider), width, microscope, alignment, None, stages)
    noise = float(np.std(tomogram - plain))
    tomogram, plain = (denoise(volume, noise, microscope) for volume in (tomogram, plain))
    view = (slice(None), slice(None), slice(BEYOND_PX, BEYOND_PX + width))
    drawn = phantom.outline[view]
    blur_px = float(np.hypot(microscope.blur_px, microscope.smoothing_px))
    with stages.stage(Work.JUDGE) as counter:
        counter.begin(2)
        blurred = ndimage.gaussian_filter(pale[view], (BLUR_ALONG_Z_PX, blur_px, blur_px))
        del pale
        outline = what_shows(blurred, plain, tomogram, drawn)
        counter.step()
        hidden = (phantom.hidden[view] | drawn | smears(plain, blurred, outline)) & ~outline
        counter.step()
    classes, instances = phantom.classes[view].copy(), phantom.instances[view].copy()
    frame = frames.random_frame(rng, height, width) if framed else None
    if frame is not None:
        frame.apply(tomogram)
        _cut_truth(frame.mask(height, width), outline, hidden, classes, instances)
    if polarity == "dark":
        np.negative(tomogram, out=tomogram)
    shown = np.unique(instances)
    objects = {int(i): phantom.objects[i - 1] for i in shown[shown > 0]}
    facts = {
        "seed": seed,
        "shape": list(shape),
        "polarity": polarity,
        "scene": phantom.scene,
        "microscope": asdict(microscope),
        "frame": asdict(frame) if frame is not None else None,
        "appearance": asdict(phantom.appearance),
        "classes": CLASSES,
        "counts": {name: list(objects.values()).count(name) for name in CLASSES if name in objects.values()},
        "objects": objects,
    }
    return Simulated(tomogram, outline, hidden, classes, instances, microscope, facts)


def _stages(size: Triple, microscope: Microscope) -> list[Stage]:
    """List what is done with a specimen of ``size`` (z, y, x), for what it will take."""
    voxels = math.prod(size)
    projected = voxels * len(microscope.angles)
    take = [
        Stage(Work.TILT_SERIES, projected, "taking the tilt series"),
        Stage(Work.RECONSTRUCT, projected * passes(microscope), "reconstructing"),
    ]
    # Once with noise and gold, once without.
    return [
        Stage(Work.PHANTOM, voxels, "painting the cell"),
        *take,
        *take,
        Stage(Work.JUDGE, voxels, "judging what shows"),
    ]


def _take(
    lac: NDArray[np.float32],
    width: int,
    microscope: Microscope,
    alignment: Alignment,
    noise: np.random.Generator | None,
    stages: Stages,
) -> NDArray[np.float32]:
    """Return the reconstruction of a specimen, ``width`` voxels of it along x, with or without noise."""
    with stages.stage(Work.TILT_SERIES) as counter:
        series = project(lac, width, microscope, alignment, counter)
        if noise is not None:
            series = expose(noise, series, microscope)
        if alignment.ended is not None:
            series = frames.fill(series, alignment.ended, microscope.fill)
        series = develop(series, microscope)
    with stages.stage(Work.RECONSTRUCT) as counter:
        return reconstruct(series, len(lac), microscope, counter)


def _cut_truth(
    cut: NDArray[np.bool_],
    outline: NDArray[np.bool_],
    hidden: NDArray[np.bool_],
    classes: NDArray[np.uint8],
    instances: NDArray[np.uint16],
) -> None:
    """Take out of the truth (z, y, x) what lies where there is no data; ``cut`` is (y, x)."""
    beside = ndimage.binary_dilation(cut, iterations=frames.BESIDE_PX) & ~cut
    hidden[:, beside] |= outline[:, beside]
    outline[:, cut | beside] = False
    hidden[:, cut] = False
    classes[:, cut] = CLASSES["no data"]
    instances[:, cut] = 0


def _wider(lac: NDArray[np.float32], px: int) -> NDArray[np.float32]:
    return np.pad(lac, ((0, 0), (0, 0), (px, px)), "reflect")


def _unseen_px(microscope: Microscope, width: int) -> int:
    """Return by how much the specimen is mirrored on each side, so that tilted views do not see its end.

    At a tilt θ a detector as wide as the field of view looks at 1 / cos θ of its width. What turns fully
    round is in a capillary and does end.
    """
    if microscope.tilt_deg >= FULL_ROTATION_DEG:
        return 0
    seen = width / np.cos(np.deg2rad(microscope.tilt_deg))
    return max(0, int((seen - width) / 2) + 2 * BEYOND_PX)


def labels_of(simulated: Simulated) -> NDArray[np.uint8]:
    """Return the labels as training reads them: 0 background, 255 membrane, 128 not to be judged."""
    labels = as_labels(simulated.outline)
    labels[simulated.hidden] = IGNORE
    return labels
