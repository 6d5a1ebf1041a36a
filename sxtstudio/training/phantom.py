"""Phantoms of frozen cells, assembled: absorption, classes, instances, and the outlines to be drawn.

Axes are (z, y, x), absorption in 1/µm. Organelles have their sizes in nanometres, so that a phantom of
larger voxels shows more of a cell and each organelle smaller.
"""

from __future__ import annotations

import numpy as np

from sxtstudio.core.geometry import Triple
from sxtstudio.training import endomembranes, organelles, surroundings
from sxtstudio.training.canvas import Look, Phantom
from sxtstudio.training.shapes import smooth_noise

#: Kinds of scenes and how often they come.
SCENES = {"crowded": 0.28, "cytoplasm": 0.3, "edge": 0.26, "several cells": 0.12, "ice": 0.04}
#: No more bodies are tried for in one phantom, which bounds the time that it takes.
MOST_BODIES = 260


def random_look(rng: np.random.Generator, voxel_nm: float) -> Look:
    """Return what the membranes of a phantom have in common; their rims are faint or clear."""
    cytosol = rng.uniform(0.19, 0.3)
    return Look(
        voxel_nm=voxel_nm,
        cytosol=cytosol,
        membrane=cytosol + rng.uniform(0.13, 0.36),
        width_nm=rng.uniform(18, 38),
        rims=rng.choice([0.0, 0.2, 0.5, 1.0], p=[0.12, 0.23, 0.3, 0.35]),
    )


def make_phantom(
    rng: np.random.Generator, shape: Triple, voxel_nm: float = 10.0, scene: str | None = None
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
    """
    scene = scene or str(rng.choice(list(SCENES), p=list(SCENES.values())))
    look = random_look(rng, voxel_nm)
    phantom = Phantom.empty(shape, look, surroundings.ICE)
    phantom.scene = scene
    phantom.grain += np.float32(rng.uniform(0, 0.01)) * smooth_noise(rng, shape, 40)
    surroundings.add_cells(rng, phantom, scene)
    if scene != "ice" and rng.random() < (0.25 if scene == "crowded" else 0.5):
        endomembranes.add_nucleus(rng, phantom)
    _fill_cytoplasm(rng, phantom, scene)
    if scene != "cytoplasm" or rng.random() < 0.5:
        surroundings.add_filopodia(rng, phantom)
    if rng.random() < 0.3:
        surroundings.thin_the_ice(rng, phantom)
    if rng.random() < 0.07:
        surroundings.crack_the_ice(rng, phantom)
    if rng.random() < 0.15:
        surroundings.add_carbon_film(rng, phantom)
    surroundings.add_gold(rng, phantom)
    phantom.hidden &= ~phantom.outline
    return phantom


def _fill_cytoplasm(rng: np.random.Generator, phantom: Phantom, scene: str) -> None:
    """Put organelles into the free cytosol, the large ones first, until the wanted share of it is taken."""
    free = np.count_nonzero(phantom.sites > 0) / phantom.sites.size
    if free < 0.01:
        return
    fill = {"crowded": rng.uniform(0.4, 0.75)}.get(scene, rng.uniform(0.05, 0.35))
    crowded = rng.uniform(0.6, 1.0) if scene == "crowded" else rng.choice([0.0, 0.5, 0.9])
    kinds = (
        (organelles.mitochondrion, 1.2),
        (organelles.dense_body, 2.0),
        (organelles.vesicle, 2.0),
        (organelles.lipid_droplet, 0.5),
    )
    # Each cell has a taste: crammed with one kind, nearly without another.
    weights = np.array([weight * np.exp(rng.normal(0, 0.9)) for _, weight in kinds])
    weights /= weights.sum()
    for _ in range(int(rng.integers(0, 10) * free * (0.4 if scene == "crowded" else 1.0) * 2)):
        endomembranes.reticulum(rng, phantom, crowded)
    for _ in range(int(rng.choice([0, 1, 2], p=[0.6, 0.3, 0.1]))):
        endomembranes.golgi(rng, phantom, 0.0)
    target = free * (1 - fill)
    misses = 0
    for n in range(MOST_BODIES):
        painter = kinds[int(rng.choice(len(kinds), p=weights))][0]
        misses = 0 if painter(rng, phantom, crowded) else misses + 1
        if misses > 25 or (n % 5 == 0 and np.count_nonzero(phantom.sites > 0) / phantom.sites.size < target):
            break
    volume = free * np.prod(phantom.shape) / 6e6
    organelles.granules(rng, phantom, min(int(rng.integers(0, 120) * volume), 300))
    organelles.filaments(rng, phantom, min(int(rng.integers(0, 20) * volume), 40))
    for _ in range(int(rng.integers(0, 12)) if rng.random() < 0.2 else 0):
        site = phantom.find_site(rng, phantom.look.px(100), 0.5)
        if site is not None:
            organelles.virus(rng, phantom, site)
