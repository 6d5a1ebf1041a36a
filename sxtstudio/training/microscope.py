"""The microscope that takes a tilt series: zone plate, tilt range, dose and reconstruction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Wavelength in the water window, 520 eV.
WAVELENGTH_NM = 2.38
#: A tilt range of this many degrees to both sides is a full rotation.
FULL_ROTATION_DEG = 90.0


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
        low, high = [(8.0, 14.0), (12.0, 20.0), (20.0, 33.0)][int(rng.choice(3, p=[0.55, 0.33, 0.12]))]
        voxel_nm = float(rng.uniform(low, high))
    capillary = voxel_nm > 12 and rng.random() < 0.2
    halo = float(rng.uniform(0.2, 1.2)) if rng.random() < 0.4 else 0.0
    return Microscope(
        tilt_deg=FULL_ROTATION_DEG if capillary else float(rng.uniform(57, 70)),
        step_deg=2.0 if capillary else float(rng.choice([1.5, 2.0, 3.0])),
        voxel_nm=voxel_nm,
        photons=float(np.exp(rng.uniform(np.log(150), np.log(6000)))),
        zone_plate_nm=25.0 if voxel_nm < 11 or rng.random() < 0.5 else 40.0,
        jitter_px=float(rng.choice([0.0, 0.4, 0.9])),
        smoothing_px=float(rng.choice([0.0, 0.6, 0.9, 1.3], p=[0.15, 0.35, 0.35, 0.15])),
        halo=halo,
        halo_px=float(rng.uniform(3, 12)),
        method=str(rng.choice(["sirt", "wbp"], p=[0.6, 0.4])),
        iterations=round(float(np.exp(rng.uniform(np.log(16), np.log(80))))),
        margin_px=int(rng.choice([0, 24], p=[0.12, 0.88])),
    )
