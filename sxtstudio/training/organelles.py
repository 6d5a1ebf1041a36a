"""Bodies in the cytoplasm, each painted with the size and absorption of its kind.

Absorption at 510 eV in 1/µm: cytosol 0.2–0.3, dense organelles 0.35–0.5, lipid droplets 0.6–0.8. Sizes
are nanometres. Each function looks for room itself and returns whether it found any.
"""

from __future__ import annotations

import numpy as np

from sxtstudio.core.geometry import Box
from sxtstudio.training import shapes
from sxtstudio.training.canvas import Appearance, Phantom, PhantomMaterial, box_around, paint, paint_ellipsoid
from sxtstudio.training.shapes import Array, Vector


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a value between the two of which every doubling is equally likely."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _radius_px(rng: np.random.Generator, appearance: Appearance, low_nm: float, high_nm: float) -> float:
    """Return a radius in voxels; bodies too small to be resolved are left out."""
    return log_uniform(rng, max(appearance.px(low_nm), 3.5), max(appearance.px(high_nm), 5.0))


def gap_px(rng: np.random.Generator) -> float:
    """Distance to a neighbour (voxels): mostly touching."""
    return float(rng.choice([0.0, 0.5, 2.0, 4.0], p=[0.3, 0.3, 0.25, 0.15]))


def vesicle(rng: np.random.Generator, phantom: Phantom, crowded: float, largest_nm: float = 420) -> bool:
    """Add a closed membrane round a bright or an unremarkable inside, some with bodies in it."""
    appearance = phantom.appearance
    radius = _radius_px(rng, appearance, 45, largest_nm)
    centre = phantom.find_site(rng, radius, crowded)
    if centre is None:
        return False
    lumen = rng.uniform(0.11, 0.2) if rng.random() < 0.5 else appearance.cytosol + rng.uniform(-0.04, 0.03)
    material = PhantomMaterial(
        lumen, appearance.rim(rng, lumen), appearance.width * rng.uniform(0.8, 1.2), rng.uniform(0, 0.02)
    )
    radii = radius * rng.uniform(0.85, 1.2, 3)
    body = paint_ellipsoid(
        rng, phantom, centre, radii, material, rng.uniform(0, 0.08), "vesicle", gap=gap_px(rng)
    )
    if body is not None and radius > 12 and rng.random() < 0.35:
        _fill_endosome(rng, phantom, centre, radius, body)
    return True


def _fill_endosome(
    rng: np.random.Generator, phantom: Phantom, centre: Vector, radius: float, body: tuple[Box, Array]
) -> None:
    """Put what an endosome takes up into a vesicle: vesicles, viruses, nanoparticles or dark lumps."""
    appearance = phantom.appearance
    content = rng.choice(["vesicles", "viruses", "nanoparticles", "lumps"], p=[0.35, 0.2, 0.15, 0.3])
    for _ in range(int(rng.integers(1, 7))):
        spot = centre + rng.normal(size=3) * radius * 0.4
        if content == "viruses":
            virus(rng, phantom, spot, within=body)
        elif content == "nanoparticles":
            nanoparticles(rng, phantom, spot, within=body)
        elif content == "vesicles":
            size = radius * rng.uniform(0.15, 0.45) * rng.uniform(0.8, 1.2, 3)
            lumen = rng.uniform(0.13, 0.32)
            inner = PhantomMaterial(lumen, appearance.rim(rng, lumen), appearance.width * 0.9)
            paint_ellipsoid(rng, phantom, spot, size, inner, 0.05, "vesicle", within=body)
        else:
            lump = PhantomMaterial(rng.uniform(0.35, 0.65), 0, 0, 0.03, labelled=False)
            paint_ellipsoid(rng, phantom, spot, radius * rng.uniform(0.1, 0.3, 3), lump, 0.15, within=body)


def dense_body(rng: np.random.Generator, phantom: Phantom, crowded: float, largest_nm: float = 550) -> bool:
    """Add a lysosome, an endosome or a granule: grey, grainy, mostly without a darker rim."""
    appearance = phantom.appearance
    radius = _radius_px(rng, appearance, 70, largest_nm)
    centre = phantom.find_site(rng, radius, crowded)
    if centre is None:
        return False
    inside = appearance.cytosol + rng.uniform(0.04, 0.2)
    grain = rng.choice([0.01, 0.03, 0.06])
    width = appearance.width * rng.uniform(0.7, 1.2)
    material = PhantomMaterial(inside, appearance.rim(rng, inside), width, grain)
    radii = radius * rng.uniform(0.8, 1.25, 3)
    body = paint_ellipsoid(
        rng, phantom, centre, radii, material, rng.uniform(0, 0.1), "dense body", gap=gap_px(rng)
    )
    if body is not None and rng.random() < 0.35:
        for _ in range(int(rng.integers(1, 8))):
            spot = centre + rng.normal(size=3) * radius * 0.45
            value = inside + (rng.uniform(0.05, 0.3) if rng.random() < 0.75 else -rng.uniform(0.05, 0.12))
            lump = PhantomMaterial(value, 0, 0, 0.02, labelled=False)
            paint_ellipsoid(rng, phantom, spot, radius * rng.uniform(0.08, 0.3, 3), lump, 0.15, within=body)
    return True


def lipid_droplet(rng: np.random.Generator, phantom: Phantom, crowded: float) -> bool:
    """Add a ball of strong absorption whose rim is outlined."""
    radius = phantom.appearance.px(log_uniform(rng, 60, 330))
    centre = phantom.find_site(rng, radius, crowded)
    if centre is None:
        return False
    inside = rng.uniform(0.55, 0.85)
    material = PhantomMaterial(inside, inside, 1, 0.02)
    radii = radius * rng.uniform(0.93, 1.07, 3)
    paint_ellipsoid(rng, phantom, centre, radii, material, 0.02, "lipid droplet", gap=gap_px(rng))
    return True


def virus(
    rng: np.random.Generator,
    phantom: Phantom,
    centre: Vector,
    within: tuple[Box, Array] | None = None,
) -> None:
    """Add a virus: a dense core, the larger ones with an envelope that shows."""
    appearance = phantom.appearance
    radius = appearance.px(log_uniform(rng, 40, 150))
    core = PhantomMaterial(rng.uniform(0.4, 0.7), 0, 0, labelled=False)
    if radius * appearance.voxel_nm > 80 and radius > 6:
        lumen = appearance.cytosol + rng.uniform(0, 0.05)
        shell = PhantomMaterial(lumen, appearance.rim(rng, lumen), appearance.width)
        paint_ellipsoid(rng, phantom, centre, np.full(3, radius), shell, 0, "virus", within=within)
        paint_ellipsoid(rng, phantom, centre, radius * rng.uniform(0.3, 0.6, 3), core, 0.05, within=within)
    else:
        size = np.full(3, max(1.0, radius))
        paint_ellipsoid(rng, phantom, centre, size, core, 0, "virus", within=within)


def nanoparticles(
    rng: np.random.Generator,
    phantom: Phantom,
    centre: Vector,
    within: tuple[Box, Array] | None = None,
) -> None:
    """Add a clump of strongly absorbing particles that nobody outlines."""
    appearance = phantom.appearance
    for _ in range(int(rng.integers(1, 12))):
        radius = max(0.8, appearance.px(rng.uniform(8, 35)))
        spot = centre + rng.normal(size=3) * appearance.px(70)
        dark = PhantomMaterial(rng.uniform(0.9, 3.0), 0, 0, labelled=False)
        paint_ellipsoid(rng, phantom, spot, np.full(3, radius), dark, 0, "nanoparticle", within=within)


def granules(rng: np.random.Generator, phantom: Phantom, count: int) -> None:
    """Scatter small dark bodies in the cytoplasm that nobody outlines."""
    appearance = phantom.appearance
    for _ in range(count):
        centre = phantom.find_site(rng, 1.0, 0.0)
        if centre is None:
            return
        radii = np.maximum(0.8, appearance.px(1.0) * rng.uniform(12, 40, 3))
        grain = PhantomMaterial(appearance.cytosol + rng.uniform(0.04, 0.3), 0, 0, labelled=False)
        paint_ellipsoid(rng, phantom, centre, radii, grain, 0.0, "granule")


def filaments(rng: np.random.Generator, phantom: Phantom, count: int) -> None:
    """Add thin fibres, fainter and finer than a membrane, that nobody outlines."""
    appearance: Appearance = phantom.appearance
    for _ in range(count):
        centre = phantom.find_site(rng, 2.0, 0.0)
        if centre is None:
            return
        length = appearance.px(rng.uniform(300, 1500))
        curve = shapes.random_curve(rng, centre, rng.normal(size=3) * [0.2, 1, 1], length, 0.08)
        box = box_around(phantom, curve.min(0) - 3, curve.max(0) + 3, margin=3)
        if box is not None:
            implicit = shapes.tube(rng, box, curve, max(0.5, appearance.px(rng.uniform(5, 11))), 0, reach=3)
            fibre = PhantomMaterial(appearance.cytosol + rng.uniform(0.03, 0.1), 0, 0, labelled=False)
            paint(phantom, box, implicit, fibre, kind="filament")
