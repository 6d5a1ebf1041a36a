"""Phantoms of frozen cells, assembled: absorption, classes, instances, and the outlines to be drawn.

Axes are (z, y, x), absorption in 1/µm. Organelles have their sizes in nanometres, so that a phantom of
larger voxels shows more of a cell and each organelle smaller.
"""

from __future__ import annotations

import numpy as np

from sxtstudio.core.geometry import Triple
from sxtstudio.core.progress import Progress
from sxtstudio.training import (
    endomembranes,
    mitochondria,
    organelles,
    real_shapes,
    surroundings,
    vesicle_packs,
)
from sxtstudio.training.canvas import Appearance, Phantom
from sxtstudio.training.shape_library import Library
from sxtstudio.training.shapes import smooth_noise

#: Kinds of scenes and how often they come.
SCENES = {
    "crowded": 0.22,
    "cytoplasm": 0.25,
    "edge": 0.22,
    "several cells": 0.11,
    "vesicles": 0.13,
    "ice": 0.07,
}
#: So many vesicles are packed into ``BODIES_VOXELS`` at most.
MOST_VESICLES = 700
#: How often part of a real cell fills the phantom, where a library has such.
FIELD_SHARE = 0.45
#: So many of its bodies are placed in a phantom at most.
MOST_REAL = 20
#: No more bodies are tried for in this many voxels, which bounds the time that a phantom takes.
MOST_BODIES, BODIES_VOXELS = 260, 4e6


def random_appearance(rng: np.random.Generator, voxel_nm: float) -> Appearance:
    """Return what the membranes of a phantom have in common; their rims are faint or clear."""
    cytosol = rng.uniform(0.19, 0.3)
    return Appearance(
        voxel_nm=voxel_nm,
        cytosol=cytosol,
        membrane=cytosol + rng.uniform(0.13, 0.36),
        width_nm=rng.uniform(18, 38),
        rims=rng.choice([0.0, 0.2, 0.5, 1.0], p=[0.12, 0.23, 0.3, 0.35]),
    )


def make_phantom(
    rng: np.random.Generator,
    shape: Triple,
    voxel_nm: float = 10.0,
    scene: str | None = None,
    *,
    capillary: bool = False,
    library: Library | None = None,
    progress: Progress | None = None,
) -> Phantom:
    """Return a phantom of part of a cell or of several; sizes, crowding and absorption vary.

    Parameters
    ----------
    shape
        Number of voxels along (z, y, x).
    voxel_nm
        Edge of a voxel.
    scene
        One of ``SCENES``; None chooses one.
    capillary
        Whether the specimen is in a glass capillary, whose wall may come into view.
    library
        Shapes of real organelles, which then take the place of some of the simulated ones.
    progress
        Counts the steps.

    Raises
    ------
    Cancelled
        If ``progress`` was cancelled.
    """
    progress = progress or Progress()
    scene = scene or str(rng.choice(list(SCENES), p=list(SCENES.values())))
    appearance = random_appearance(rng, voxel_nm)
    phantom = Phantom.empty(shape, appearance, surroundings.ICE)
    phantom.scene = scene
    phantom.grain += np.float32(rng.uniform(0, 0.01)) * smooth_noise(rng, shape, 40)
    surroundings.add_cells(rng, phantom, scene)
    fields = library.fields if library is not None and scene not in ("ice", "vesicles") else ()
    real = bool(fields) and rng.random() < FIELD_SHARE
    if real:
        real = real_shapes.paint_field(rng, phantom, fields[int(rng.integers(len(fields)))])
    elif scene != "ice" and rng.random() < (0.25 if scene == "crowded" else 0.5):
        endomembranes.add_nucleus(rng, phantom)
    progress.part(0.15).step()
    _fill_cytoplasm(rng, phantom, library, real, progress.part(0.8))
    rest = progress.part(0.05)
    if scene != "cytoplasm" or rng.random() < 0.5:
        surroundings.add_filopodia(rng, phantom)
    if capillary and rng.random() < 0.4:
        surroundings.add_capillary(rng, phantom)
    if rng.random() < 0.3:
        surroundings.thin_the_ice(rng, phantom)
    if rng.random() < 0.07:
        surroundings.crack_the_ice(rng, phantom)
    if rng.random() < 0.15:
        surroundings.add_carbon_film(rng, phantom)
    surroundings.add_gold(rng, phantom)
    phantom.hidden &= ~phantom.outline
    rest.step()
    return phantom


def _fill_cytoplasm(
    rng: np.random.Generator, phantom: Phantom, library: Library | None, real: bool, progress: Progress
) -> None:
    """Put organelles into the free cytosol until the wanted share of it is taken.

    Where part of a ``real`` cell fills it there is reticulum enough, and fewer bodies are added.
    """
    free = _free_share(phantom)
    if free < 0.01:
        return
    packed = phantom.scene == "crowded"
    fill = rng.uniform(0.4, 0.75) if packed else rng.uniform(0.05, 0.35)
    crowded = rng.uniform(0.6, 1.0) if packed else float(rng.choice([0.0, 0.5, 0.9]))
    size = float(np.prod(phantom.shape)) / BODIES_VOXELS
    if real:
        fill *= 0.5
    for _ in range(
        0 if real else int(rng.integers(0, 10) * free * (0.8 if packed else 2.0) * max(1.0, size))
    ):
        endomembranes.reticulum(rng, phantom, crowded)
    for _ in range(int(rng.choice([0, 1, 2], p=[0.6, 0.3, 0.1]))):
        endomembranes.golgi(rng, phantom, 0.0)
    if phantom.scene == "vesicles":
        fill = rng.uniform(0.05, 0.25)
        crowded = 0.9
    _pack_bodies(
        rng, phantom, library, crowded, free * (1 - fill), int(MOST_BODIES * max(1.0, size)), progress
    )
    if phantom.scene == "vesicles":
        vesicle_packs.cram(rng, phantom, int(rng.uniform(0.3, 1.0) * MOST_VESICLES * max(1.0, size)))
    elif rng.random() < 0.4:
        for _ in range(int(rng.integers(1, 4))):
            vesicle_packs.add_pack(rng, phantom)
    organelles.granules(rng, phantom, int(rng.integers(0, 80) * free * size))
    organelles.filaments(rng, phantom, int(rng.integers(0, 13) * free * size))
    for painter in (organelles.virus, organelles.nanoparticles):
        for _ in range(int(rng.integers(1, 12)) if rng.random() < 0.15 else 0):
            site = phantom.find_site(rng, phantom.appearance.px(100), 0.5)
            if site is not None:
                painter(rng, phantom, site)


def _pack_bodies(
    rng: np.random.Generator,
    phantom: Phantom,
    library: Library | None,
    crowded: float,
    target: float,
    most: int,
    progress: Progress,
) -> None:
    """Add bodies of random kinds until only the share ``target`` of the volume is free."""
    bodies = library.bodies if library is not None else ()

    placed = 0

    def real_body(rng: np.random.Generator, phantom: Phantom, crowded: float) -> bool:
        nonlocal placed
        placed += 1
        if placed > MOST_REAL:  # they take a tenth of a second each
            return mitochondria.mitochondrion(rng, phantom, crowded)
        return real_shapes.place_body(rng, phantom, bodies, crowded)

    kinds = (
        (real_body, 1.0 if bodies else 0.0),
        (mitochondria.mitochondrion, 0.7 if bodies else 1.2),
        (organelles.dense_body, 2.0),
        (organelles.vesicle, 2.0),
        (organelles.lipid_droplet, 0.5),
    )
    # Each cell has a taste: crammed with one kind, nearly without another.
    weights = np.array([weight * np.exp(rng.normal(0, 0.9)) for _, weight in kinds])
    weights /= weights.sum()
    begun = free = _free_share(phantom)
    progress.begin(1000)
    done = misses = 0
    for n in range(most):
        painter = kinds[int(rng.choice(len(kinds), p=weights))][0]
        misses = 0 if painter(rng, phantom, crowded) else misses + 1
        if n % 5 == 0:
            free = _free_share(phantom)
        # It ends when so many are painted, or enough is filled, whichever comes first.
        filled = (begun - free) / max(begun - target, 1e-9)
        now = int(1000 * min(1.0, max((n + 1) / most, filled)))
        progress.step(max(0, now - done))
        done = max(done, now)
        if misses > 25 or free < target:
            break
    progress.step(1000)


def _free_share(phantom: Phantom) -> float:
    """Return the share of the volume where there is room for organelles."""
    return np.count_nonzero(phantom.sites > 0) / phantom.sites.size
