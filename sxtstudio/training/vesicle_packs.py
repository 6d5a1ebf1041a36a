"""Vesicles side by side by the dozen, often of middling contrast: their rims faint, their lumen grey.

Infected and secreting cells are full of them (25 to 270 nm in radius); little cytosol is between them, so
that what shows is a foam of thin lines, pale spots, or both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sxtstudio.training.canvas import Phantom, PhantomMaterial, paint_ellipsoid
from sxtstudio.training.organelles import log_uniform
from sxtstudio.training.shapes import Vector

#: Smaller ones (voxels) cannot be told from grain.
_LEAST_PX = 2.8
#: It is given up where so many in succession find no room.
_MISSES = 12


@dataclass(frozen=True)
class _Kind:
    """What the vesicles of one pack have in common."""

    smallest_px: float
    largest_px: float
    lumen: float  # 1/µm
    rim: float  # how much darker than the darker of lumen and cytosol, 1/µm
    width: float  # voxels
    texture: float
    squeezed: float  # how far their radii differ from direction to direction


def _random_kind(rng: np.random.Generator, phantom: Phantom) -> _Kind:
    appearance = phantom.appearance
    middle = max(appearance.px(log_uniform(rng, 40, 160)), _LEAST_PX * 1.2)
    spread = rng.uniform(1.05, 1.7)
    tone = rng.choice(["grey", "pale", "dark"], p=[0.5, 0.3, 0.2])
    lumen = {
        "grey": appearance.cytosol + rng.uniform(-0.05, 0.04),
        "pale": rng.uniform(0.12, max(0.13, appearance.cytosol - 0.04)),
        "dark": appearance.cytosol + rng.uniform(0.03, 0.12),
    }[str(tone)]
    # Middling: enough for an eye to follow, less than the membranes that show well.
    strongest = appearance.membrane - appearance.cytosol
    rim = strongest * (rng.uniform(0.15, 0.6) if rng.random() < 0.75 else rng.uniform(0.6, 1.0))
    return _Kind(
        middle / spread,
        middle * spread,
        float(lumen),
        float(rim if tone == "grey" or rng.random() < 0.6 else 0.2 * rim),
        appearance.width * rng.uniform(0.6, 1.0),
        float(rng.choice([0.0, 0.01, 0.03])),
        float(rng.uniform(0.03, 0.25)),
    )


def add_pack(rng: np.random.Generator, phantom: Phantom, most: int = 90) -> int:
    """Add a heap of vesicles of one kind, up to 1.5 µm across; return how many found room."""
    appearance = phantom.appearance
    kind = _random_kind(rng, phantom)
    centre = phantom.find_site(rng, kind.smallest_px, 0.0)
    if centre is None:
        return 0
    reach = max(4 * kind.largest_px, appearance.px(rng.uniform(250, 750)))
    return _fill(rng, phantom, [kind], most, (centre, reach))


def cram(rng: np.random.Generator, phantom: Phantom, most: int) -> int:
    """Fill the cell with two to four kinds of vesicles; return how many found room."""
    kinds = [_random_kind(rng, phantom) for _ in range(int(rng.integers(2, 5)))]
    return _fill(rng, phantom, kinds, most, None)


def _fill(
    rng: np.random.Generator,
    phantom: Phantom,
    kinds: list[_Kind],
    most: int,
    near: tuple[Vector, float] | None,
) -> int:
    done = misses = 0
    gap = float(rng.choice([0.0, 0.5, 1.5]))
    while done < most and misses < _MISSES:
        kind = kinds[int(rng.integers(len(kinds)))]
        radius = max(_LEAST_PX, log_uniform(rng, kind.smallest_px, kind.largest_px * 1.001))
        centre = phantom.find_site(rng, radius, 0.9, near)
        if centre is None:
            misses += 1
            continue
        lumen = kind.lumen + rng.normal() * 0.008
        rim = max(lumen, phantom.appearance.cytosol) + kind.rim * rng.uniform(0.7, 1.2)
        material = PhantomMaterial(lumen, rim, kind.width, kind.texture)
        radii = radius * np.exp(rng.normal(scale=kind.squeezed, size=3))
        bumps = rng.uniform(0, 0.06) if radius > 6 else 0.0
        paint_ellipsoid(rng, phantom, centre, radii, material, bumps, "vesicle", gap=gap)
        done += 1
    return done
