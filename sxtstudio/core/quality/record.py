"""What is known of the quality of a tomogram: figures, what each means, and whether it asks for a look.

All of it are plain frozen records, which msgspec writes as JSON and reads again (``core.records``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

from sxtstudio.core.quality.dictionary import DEFINITIONS, Definition, FigureName
from sxtstudio.core.wording import grouped, share, significant


class QualityFlag(StrEnum):
    """What a figure asks of the user; files keep the value."""

    GOOD = "good"
    LOOK = "look"  # worth a look before one believes the result
    BAD = "bad"  # what is found in this tomogram cannot be relied on
    UNKNOWN = "unknown"  # could not be measured; the sentence says why


class Side(StrEnum):
    """A face of the tomogram, as the slice views show it: y grows downwards, x to the right."""

    FIRST = "first slice"
    LAST = "last slice"
    TOP = "top"
    BOTTOM = "bottom"
    LEFT = "left"
    RIGHT = "right"


class CurveSource(StrEnum):
    """What the curve of resolution compares."""

    HALVES = "two half reconstructions"
    ONE_IMAGE = "one reconstruction, split in two"


@dataclass(frozen=True)
class QualityFigure:
    """One figure of a tomogram.

    Attributes
    ----------
    name
        Which it is; ``definition`` has its title, what it means and how it is computed.
    value
        None where it could not be measured.
    unit
        As people write it, such as "nm"; "" for a plain number, "share" for 0…1.
    flag
        Whether it asks for a look.
    sentence
        What that means for the user, in a whole sentence; never empty.
    """

    name: FigureName
    value: float | None
    unit: str = ""
    flag: QualityFlag = QualityFlag.GOOD
    sentence: str = ""

    @property
    def definition(self) -> Definition:
        """What the dictionary says of it."""
        return DEFINITIONS[self.name]

    @property
    def text(self) -> str:
        """The value with its unit as people read it: "37 nm", "43 %", "–" where there is none."""
        if self.value is None or not math.isfinite(self.value):
            return "–"
        if self.unit == "share":
            return share(self.value)
        number = grouped(int(self.value)) if self.definition.whole else significant(self.value, 3)
        return f"{number} {self.unit}".rstrip()


@dataclass(frozen=True)
class ResolutionCurve:
    """A Fourier ring correlation.

    Attributes
    ----------
    source
        What was compared.
    frequency
        Of the rings (n,), in 1/px of a slice, 0…0.5, ascending.
    correlation
        Of each ring (n,), −1…1, averaged with its neighbours.
    limit
        What the correlation must stay above.
    resolution_px
        1 / the frequency at which it falls below, and stays there. None if it does nowhere, or at once, or
        if it means nothing because the grain was filtered away.
    """

    source: CurveSource
    frequency: tuple[float, ...]
    correlation: tuple[float, ...]
    limit: float
    resolution_px: float | None


@dataclass(frozen=True)
class SliceFigures:
    """Mean and standard deviation of the grey values that were measured in slice ``z`` (from 0).

    None where a slice holds nothing: all its values are equal, or not finite.
    """

    z: int
    mean: float | None
    deviation: float | None


@dataclass(frozen=True)
class Quality:
    """What is known of the quality of a tomogram.

    Attributes
    ----------
    tomogram
        Name of the file, without its folder.
    shape
        Voxels (z, y, x).
    voxel_nm
        Edges of a voxel (z, y, x); None where unknown.
    figures
        In the order in which they are shown; those that do not apply, such as certainty without labels, are
        left out.
    slices
        Those that were read, ascending.
    curve
        Of the resolution; None where there is none.
    cut_sides
        Faces of the tomogram at which the cell goes on, as far as is known.
    objects
        How many of each class there are, by its name; empty without objects.
    """

    tomogram: str
    shape: tuple[int, int, int]
    voxel_nm: tuple[float, float, float] | None
    figures: tuple[QualityFigure, ...]
    slices: tuple[SliceFigures, ...] = ()
    curve: ResolutionCurve | None = None
    cut_sides: tuple[Side, ...] = ()
    objects: dict[str, int] = field(default_factory=dict)

    def figure(self, name: FigureName) -> QualityFigure | None:
        """Return a figure; None where it does not apply."""
        return next((figure for figure in self.figures if figure.name is name), None)

    @property
    def flagged(self) -> tuple[QualityFigure, ...]:
        """The figures that ask for a look, the bad ones first."""
        flagged = [figure for figure in self.figures if figure.flag in (QualityFlag.LOOK, QualityFlag.BAD)]
        return tuple(sorted(flagged, key=lambda figure: figure.flag is not QualityFlag.BAD))

    @property
    def worst(self) -> QualityFlag:
        """BAD or LOOK if a figure asks for it, else GOOD: one mark for the whole tomogram."""
        return self.flagged[0].flag if self.flagged else QualityFlag.GOOD
