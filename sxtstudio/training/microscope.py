"""The microscope that takes a tilt series: zone plate, tilt range, dose and reconstruction."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

#: Wavelength in the water window, 520 eV.
WAVELENGTH_NM = 2.38
#: A tilt range of this many degrees to both sides is a full rotation.
FULL_ROTATION_DEG = 90.0


class Ramp(StrEnum):
    """How back-projection weights fine detail: from soft to noisy, or as some iterations of SIRT do."""

    SOFT = "soft"
    HANN = "hann"
    SHARP = "sharp"
    SIRT_LIKE = "sirt-like"


class Denoising(StrEnum):
    """What is done to a reconstruction against its noise."""

    NONE = "none"
    TOTAL_VARIATION = "total variation"
    MEDIAN = "median"
    GAUSSIAN = "gaussian"


class ProjectionFill(StrEnum):
    """What stands in an aligned projection where the camera's picture ends."""

    MEAN = "mean"
    EDGE = "edge"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Microscope:
    """How a tilt series is taken and reconstructed."""

    tilt_deg: float  # largest tilt to both sides; 90 is the full rotation of a capillary
    step_deg: float
    voxel_nm: float
    photons: float  # per detector pixel and projection
    zone_plate_nm: float = 25.0  # width of the outermost zone; 0 stands for perfect optics
    jitter_px: float = 0.0  # misalignment of a projection, standard deviation
    smoothing_px: float = 0.0  # low-pass filter of the aligned projections, standard deviation
    halo: float = 0.0  # strength of the bright halo that phase contrast and filters leave round dark bodies
    halo_px: float = 6.0
    method: str = "sirt"  # "sirt" or "wbp"
    iterations: int = 24
    margin_px: int = 0  # the reconstruction goes on so far beyond the view; without, borders are spoilt
    ramp: Ramp = Ramp.SOFT  # of "wbp"
    denoising: Denoising = Denoising.NONE  # of the tomogram
    denoising_strength: float = 1.0  # total variation: in SDs of the noise; Gaussian: its SD in voxels
    binning: int = 1  # camera pixels to a side that make one of the tomogram: photons add up
    drift_px: float = 0.0  # how far the specimen moved over the series: the aligned pictures end early
    rotation_deg: float = 0.0  # of the camera against the tilt axis, which alignment turns back
    fill: ProjectionFill = ProjectionFill.MEAN  # what stands where an aligned picture has ended
    uneven: float = 0.0  # error of the camera's flat field, SD of a pixel's response: streaks, arcs, rings
    fringes: float = 0.0  # strength of the rings that defocus and phase put round gold

    @property
    def angles(self) -> NDArray[np.float64]:
        """Tilt angles in radians."""
        count = round(2 * self.tilt_deg / self.step_deg)
        ends_twice = self.tilt_deg >= FULL_ROTATION_DEG
        return np.deg2rad(np.linspace(-self.tilt_deg, self.tilt_deg, count + 1)[: count + 1 - ends_twice])

    @property
    def blur_px(self) -> float:
        """Blur in focus (standard deviation of a Gaussian).

        The Airy disk of a lens of numerical aperture λ / (2 Δr) is about as wide as a Gaussian of
        0.21 λ / NA = 0.42 Δr.
        """
        return 0.42 * self.zone_plate_nm / self.voxel_nm

    @property
    def focus_depth_px(self) -> float:
        """Defocus at which the blur has grown by √2: half the depth of field, 2 Δr² / λ."""
        if self.zone_plate_nm == 0:
            return float("inf")
        return 2 * self.zone_plate_nm**2 / WAVELENGTH_NM / self.voxel_nm


def random_microscope(rng: np.random.Generator, voxel_nm: float | None = None) -> Microscope:
    """Return a plausible set of conditions, from clean to bad."""
    if voxel_nm is None:
        low, high = [(8.0, 14.0), (12.0, 20.0), (20.0, 35.0)][int(rng.choice(3, p=[0.55, 0.32, 0.13]))]
        voxel_nm = float(rng.uniform(low, high))
    capillary = voxel_nm > 12 and rng.random() < 0.2
    halo = float(rng.uniform(0.2, 1.2)) if rng.random() < 0.4 else 0.0
    method = str(rng.choice(["sirt", "wbp"], p=[0.6, 0.4]))
    denoising, strength = _random_denoising(rng)
    drifts = not capillary and rng.random() < 0.3
    return Microscope(
        tilt_deg=FULL_ROTATION_DEG if capillary else float(rng.uniform(55, 70)),
        step_deg=2.0 if capillary else float(rng.choice([1.0, 1.5, 2.0, 3.0], p=[0.15, 0.3, 0.3, 0.25])),
        voxel_nm=voxel_nm,
        photons=float(np.exp(rng.uniform(np.log(150), np.log(6000)))),
        zone_plate_nm=25.0 if voxel_nm < 11 or rng.random() < 0.5 else 40.0,
        jitter_px=float(rng.choice([0.0, 0.4, 0.9])),
        smoothing_px=float(rng.choice([0.0, 0.6, 0.9, 1.3], p=[0.2, 0.35, 0.3, 0.15])),
        halo=halo,
        halo_px=float(rng.uniform(3, 12)),
        method=method,
        iterations=round(float(np.exp(rng.uniform(np.log(12), np.log(150))))),
        margin_px=int(rng.choice([0, 24], p=[0.15, 0.85])),
        ramp=list(Ramp)[int(rng.choice(4, p=[0.45, 0.2, 0.1, 0.25]))],
        denoising=denoising,
        denoising_strength=strength,
        binning=int(rng.choice([1, 2, 3], p=[0.5, 0.3, 0.2])) if voxel_nm > 18 else 1,
        drift_px=float(rng.uniform(3, 24)) if drifts else 0.0,
        rotation_deg=float(rng.normal(scale=3)) if drifts and rng.random() < 0.5 else 0.0,
        fill=list(ProjectionFill)[int(rng.choice(3, p=[0.6, 0.2, 0.2]))],
        uneven=float(rng.uniform(0.001, 0.01)) if rng.random() < 0.15 else 0.0,
        fringes=float(rng.uniform(0.1, 0.5)) if rng.random() < 0.3 else 0.0,
    )


def _random_denoising(rng: np.random.Generator) -> tuple[Denoising, float]:
    kind = list(Denoising)[int(rng.choice(4, p=[0.68, 0.16, 0.08, 0.08]))]
    if kind is Denoising.TOTAL_VARIATION:
        return kind, float(rng.uniform(0.5, 2.5))
    return kind, float(rng.uniform(0.6, 1.1))
