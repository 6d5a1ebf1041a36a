"""Checks the figures of quality against what is known of simulated tomograms, and on every real image.

    python -m bench.quality               # real images, gold and four phantoms: some minutes of one core
    python -m bench.quality --seeds 17    # as for docs/measured.md: about half an hour

*Resolution and noise*: phantoms with random microscopes are exposed twice with half of the photons each, and
the two series reconstructed apart. Their ring correlation is the truth that one reconstruction alone has to
find; half of their difference is the noise. *Doubles and beads*: gold is put into ice and half of a tilt
series is displaced. *Flags*: of phantoms of three simulators as they are, and of the real images in
../shared/data/real; and of these again behind a blur, behind a median, and
with hot pixels. Nothing but the limits of the flags was set by what came out here.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bench.accuracy import REAL
from bench.judges import other_simulator, textbook_simulator
from sxtstudio.core.geometry import Box
from sxtstudio.core.polarity import Value
from sxtstudio.core.quality.dictionary import FigureName
from sxtstudio.core.quality.measure import Known, measure_quality
from sxtstudio.core.quality.record import Quality, QualityFlag
from sxtstudio.core.volume import ArrayVolume, VoxelSize
from sxtstudio.io import open_volume
from sxtstudio.training.microscope import FULL_ROTATION_DEG, Microscope, random_microscope
from sxtstudio.training.phantom import make_phantom
from sxtstudio.training.reconstruction import develop, reconstruct
from sxtstudio.training.tilt_series import Alignment, expose, project, random_alignment

Volume = NDArray[np.float32]
SHAPE = (40, 320, 320)
#: How far the specimen goes on beyond the field of view, px, so that tilted views do not see its end.
_BEYOND = 200
_IMAGES = ("alba/*.tif", "berkeley/*.tif", "survos/*.tif", "contour/slab_img.tif", "deep_sxt/*.png")


def blurred(volume: NDArray[np.generic]) -> Volume:
    """Return a volume (z, y, x) behind a Gaussian of σ = 2 px within its slices."""
    found: Volume = ndimage.gaussian_filter(volume.astype(np.float32), (0, 2, 2))
    return found


def behind_median(volume: NDArray[np.generic]) -> Volume:
    """Return a volume (z, y, x) behind a median of 3 × 3 pixels within its slices, in its own numbers."""
    found: Volume = ndimage.median_filter(volume, (1, 3, 3))
    return found


def with_hot_pixels(volume: NDArray[np.generic]) -> Volume:
    """Return a volume (z, y, x) with four hot pixels in each slice, far above all grey values."""
    spoilt = volume.astype(np.float32)
    spoilt[:, 60:62, 60:62] = spoilt.mean() + 1000 * spoilt.std()
    return spoilt


#: How real images are spoilt, with the figure that must show it.
SPOILT: dict[str, tuple[FigureName, Callable[[NDArray[np.generic]], Volume]]] = {
    "blur": (FigureName.SMOOTHING, blurred),
    "median": (FigureName.SMOOTHING, behind_median),
    "hot pixels": (FigureName.HOT_PIXELS, with_hot_pixels),
}


def halves(seed: int) -> tuple[Microscope, Volume, Volume]:
    """Return two reconstructions (z, y, x) of the same phantom, each with noise of its own."""
    rng = np.random.default_rng(seed)
    microscope = random_microscope(rng)
    full = microscope.tilt_deg >= FULL_ROTATION_DEG
    depth, height, width = SHAPE
    phantom = make_phantom(rng, (depth, height, width + 48), microscope.voxel_nm, None, capillary=full)
    lac = phantom.lac + phantom.grain
    if not full:
        lac = np.pad(lac, ((0, 0), (0, 0), (_BEYOND, _BEYOND)), "reflect")
    clean = project(lac, width, microscope, random_alignment(rng, lac.shape, microscope))
    half = replace(microscope, photons=microscope.photons / 2)
    first, second = (
        -reconstruct(develop(expose(rng, clean, half), microscope), depth, microscope) for _ in range(2)
    )
    return microscope, first, second


def gold(seed: int, shift_px: float, axis: int, beads: int = 10) -> Volume:
    """Return ice with gold of which half of the tilts is displaced along x (axis 0) or y (axis 1)."""
    rng = np.random.default_rng(seed)
    microscope = Microscope(
        tilt_deg=65, step_deg=2, voxel_nm=11, photons=1500, smoothing_px=0.6, margin_px=24
    )
    depth, height, width = 40, 288, 288
    lac = np.full((depth, height, width + 2 * _BEYOND), 0.11, np.float32)
    z, y, x = np.ogrid[:depth, :height, : width + 2 * _BEYOND]
    places: list[NDArray[np.float64]] = []
    while len(places) < beads:
        place = rng.uniform((8, 30, _BEYOND + 30), (depth - 8, height - 30, _BEYOND + width - 30))
        if all(np.hypot(*(place - other)[1:]) > 40 for other in places):
            places.append(place)
            lac[(z - place[0]) ** 2 + (y - place[1]) ** 2 + (x - place[2]) ** 2 < 25] = 5
    shifts = np.zeros((len(microscope.angles), 2))
    shifts[: len(shifts) // 2, axis] = shift_px
    alignment = Alignment(0.0, shifts - shifts.mean(axis=0))
    series = expose(rng, project(lac, width, microscope, alignment), microscope)
    return -reconstruct(develop(series, microscope), depth, microscope)


def judge(
    volume: NDArray[np.generic],
    nm: VoxelSize | None = (10.0, 10.0, 10.0),
    half: Volume | None = None,
    polarity: Value | None = None,
) -> Quality:
    """Return the record of an array."""
    other = None if half is None else ArrayVolume(half, nm)
    return measure_quality(ArrayVolume(volume, nm), Known(polarity=polarity), half=other)


def value(quality: Quality, name: FigureName) -> float:
    """Return a figure, NaN where there is none."""
    figure = quality.figure(name)
    return np.nan if figure is None or figure.value is None else figure.value


def resolution_px(quality: Quality) -> float:
    """Return the resolution, NaN where there is none."""
    curve = quality.curve
    return np.nan if curve is None or curve.resolution_px is None else curve.resolution_px


def flagged(quality: Quality) -> str:
    """Return what a record flags: "contrast, streaks!!"."""
    return (
        ", ".join(f"{f.name}{'!!' if f.flag is QualityFlag.BAD else ''}" for f in quality.flagged) or "none"
    )


def others(seeds: int) -> None:
    """Print how far the resolution is off where another simulator made specimen, optics and noise."""
    print("other simulator: resolution (px) of halves, of one, ratio")
    ratios = []
    for seed in range(1, seeds + 1):
        first, second = other_simulator.halves(seed)
        truth = resolution_px(judge(first, half=second, polarity="dark"))
        one = resolution_px(judge((first + second) / 2, polarity="dark"))
        ratios.append(one / truth)
        print(f"{seed:4d}  {truth:6.2f} {one:6.2f} {ratios[-1]:6.2f}", flush=True)
    print(f"resolution within a quarter: {np.sum(np.abs(np.array(ratios) - 1) <= 0.25)} of {len(ratios)}")


def phantoms(seeds: int) -> None:
    """Print how far resolution and noise are off."""
    print("phantoms: resolution (px) of halves, of one, ratio; noise found / true; contrast; flags")
    ratios, noises = [], []
    for seed in range(1, seeds + 1):
        microscope, first, second = halves(seed)
        nm = (microscope.voxel_nm,) * 3
        truth = resolution_px(judge(first, nm, second, "dark"))
        one = judge((first + second) / 2, nm, polarity="dark")
        noise = value(one, FigureName.NOISE) / float(np.std((first - second)[4:-4] / 2))
        ratios.append(resolution_px(one) / truth)
        noises.append(noise)
        print(
            f"{seed:4d}  {truth:6.2f} {resolution_px(one):6.2f} {ratios[-1]:6.2f}  {noise:5.2f}  "
            f"{value(one, FigureName.CONTRAST):5.2f}  {flagged(one)}"
        )
    print(f"resolution within a quarter: {np.sum(np.abs(np.array(ratios) - 1) <= 0.25)} of {len(ratios)}")
    print(f"noise, of one series: {np.nanmin(noises):.2f} to {np.nanmax(noises):.2f} of the true one")


def doubles() -> None:
    """Print which displacements of half of a tilt series are found."""
    print("doubles (px): placed, along, found; beads of 10")
    for seed, (shift, axis) in enumerate([(0, 1), (3, 1), (5, 1), (8, 1), (14, 1), (22, 1), (8, 0), (14, 0)]):
        quality = judge(gold(seed, shift, axis), polarity="dark")
        found = value(quality, FigureName.DOUBLES) / 10
        print(f"{shift:4d} {'xy'[axis]} {found:6.1f}  {value(quality, FigureName.BEADS):.0f}")


def flags(seeds: int) -> None:
    """Print what is flagged of tomograms as they are: other simulators, real images."""
    for name, simulate in (("other", other_simulator.simulate), ("textbook", textbook_simulator.simulate)):
        for seed in range(seeds):
            quality = judge(simulate(seed)[0], polarity="dark")
            contrast = value(quality, FigureName.CONTRAST)
            print(
                f"{name} {seed}: contrast {contrast:.2f}, {resolution_px(quality):.1f} px: {flagged(quality)}"
            )
    told, number = dict.fromkeys(SPOILT, 0), 0
    for path in sorted(
        path for pattern in _IMAGES for path in REAL.glob(pattern) if "label." not in path.name
    ):
        with open_volume(path) as file:
            volume = file.read(Box.whole(file.shape))
        quality = judge(volume)
        beads, contrast = (value(quality, name) for name in (FigureName.BEADS, FigureName.CONTRAST))
        print(f"{path.name}: contrast {contrast:.2f}, {beads:.0f} beads: {flagged(quality)}")
        number += 1
        for way, (name, spoil) in SPOILT.items():
            told[way] += any(figure.name is name for figure in judge(spoil(volume)).flagged)
    print(f"of {number} real images, spoilt: " + ", ".join(f"{way} told in {n}" for way, n in told.items()))


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=4, help="phantoms, and half as many of the others")
    seeds = parser.parse_args().seeds
    doubles()
    flags(max(2, seeds // 2))
    phantoms(seeds)
    others(seeds)


if __name__ == "__main__":
    main()
