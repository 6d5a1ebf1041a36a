"""Labels, classes or objects as other programs want them: whole numbers, and what each of them means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sxtstudio.core.geometry import Triple
from sxtstudio.core.object_classes import Rgb
from sxtstudio.core.verified import VERIFIED
from sxtstudio.core.volume import Volume, VoxelSize


@dataclass(frozen=True)
class LegendEntry:
    """What a value of a label image means: the name and the colour (0…255) that a user gave it."""

    value: int
    name: str
    rgb: Rgb


Legend = tuple[LegendEntry, ...]


@dataclass(frozen=True)
class LabelImage:
    """A volume of whole numbers (z, y, x), 0 for nothing, with the meaning of its values.

    ``legend`` is in ascending order of the values, has no 0, and may name values that do not occur.
    ``voxel_nm`` and ``origin_nm`` (the centre of the first voxel) are (z, y, x) in nm, None where unknown.
    ``name`` is that of the tomogram, without a suffix.
    """

    name: str
    volume: Volume
    legend: Legend
    voxel_nm: VoxelSize | None = None
    origin_nm: VoxelSize | None = None

    @property
    def shape(self) -> Triple:
        """Size in voxels (z, y, x)."""
        return self.volume.shape

    @property
    def largest(self) -> int:
        """The largest value that the legend names; 0 where it names none."""
        return self.legend[-1].value if self.legend else 0


@dataclass(frozen=True)
class HandedOver:
    """What was written for another program, and read back.

    ``format`` is the format's own name, ``verified`` says what was compared (``verified.read_back``),
    ``details`` are rows of a name and a text for the receipt, and ``losses`` says, a sentence each, what the
    format could not hold.
    """

    path: Path
    format: str
    bytes: int
    verified: str
    details: tuple[tuple[str, str], ...] = ()
    losses: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """All details, also what was compared."""
        return (*self.details, (VERIFIED, self.verified))


def unique_names(names: Iterable[str]) -> list[str]:
    """Return the names, with " (2)", " (3)" … behind those that were taken.

    Some formats and all file systems want names to be unique.

    Letters are compared without regard to case, as file systems and some programs do.
    """
    taken: set[str] = set()
    unique: list[str] = []
    for name in names:
        chosen, number = name, 2
        while chosen.casefold() in taken:
            chosen, number = f"{name} ({number})", number + 1
        taken.add(chosen.casefold())
        unique.append(chosen)
    return unique
