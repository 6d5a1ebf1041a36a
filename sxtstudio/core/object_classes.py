"""Classes of objects: what a biologist calls them, and their colours."""

from __future__ import annotations

from dataclasses import dataclass

Rgb = tuple[int, int, int]


@dataclass(frozen=True)
class ObjectClass:
    """A class of objects: its name, as the user reads and writes it, and its colour (0…255)."""

    name: str
    rgb: Rgb


MITOCHONDRION = ObjectClass("Mitochondrion", (230, 85, 75))
VESICLE = ObjectClass("Vesicle", (75, 160, 235))
# Not the yellow of droplets in drawings: stray pixels of the orange labels looked like droplets.
DROPLET = ObjectClass("Lipid droplet", (100, 70, 240))
FILOPODIUM = ObjectClass("Filopodium", (120, 205, 95))
NUCLEUS = ObjectClass("Nucleus", (170, 120, 220))
RETICULUM = ObjectClass("ER", (70, 200, 185))
PLASMA_MEMBRANE = ObjectClass("Plasma membrane", (225, 130, 190))
GOLD = ObjectClass("Gold", (200, 200, 110))

#: What every table begins with; the user may rename them, change their colours and add own ones.
CLASSES: tuple[ObjectClass, ...] = (
    MITOCHONDRION,
    VESICLE,
    DROPLET,
    FILOPODIUM,
    NUCLEUS,
    RETICULUM,
    PLASMA_MEMBRANE,
    GOLD,
)
