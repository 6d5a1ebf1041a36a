"""The dictionary of the figures of quality: what each means, its formula, and where that comes from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FigureName(StrEnum):
    """The figures, in the order in which they are shown; files keep the value."""

    RESOLUTION = "resolution"
    CONTRAST = "contrast"
    CELL_CONTRAST = "cell_contrast"
    NOISE = "noise"
    DOUBLES = "doubles"
    BEADS = "beads"
    STREAKS = "streaks"
    CELL = "cell"
    CUT_SIDES = "cut_sides"
    FILL = "fill"
    EMPTY_SLICES = "empty_slices"
    CLIPPED = "clipped"
    DRIFT = "drift"
    VOXEL_SIZE = "voxel_size"
    TILT_SERIES = "tilt_series"
    CERTAINTY = "certainty"
    RECOGNISED = "recognised"
    OBJECTS = "objects"


@dataclass(frozen=True)
class Definition:
    """What the dictionary says of a figure.

    Attributes
    ----------
    title
        As the window writes it, without unit.
    definition, formula, source
        Sentences, a plain text formula ("" where the definition is enough), and where it comes from.
    whole
        Its values are whole numbers.
    """

    title: str
    definition: str
    formula: str = ""
    source: str = ""
    whole: bool = False


DEFINITIONS: dict[FigureName, Definition] = {
    FigureName.RESOLUTION: Definition(
        "Resolution",
        "The size of the smallest details that rise above the noise within a slice: half of it is the width "
        "of a line that can still be told from its neighbour.",
        "1 / the frequency at which the Fourier ring correlation of two halves falls below the limit",
    ),
    FigureName.CONTRAST: Definition(
        "Contrast of structures",
        "How far membranes and organelles stand out from their surroundings, in standard deviations of the "
        "grain.",
    ),
    FigureName.CELL_CONTRAST: Definition(
        "Contrast of cell and ice",
        "How far the cell's grey values lie from those of the ice around it, in standard deviations of the "
        "grain.",
        "|median in the cell − median in the ice| / noise",
    ),
    FigureName.NOISE: Definition("Noise", "The standard deviation of the grain, in grey values."),
    FigureName.DOUBLES: Definition(
        "Doubled edges", "How far a second, displaced picture of everything lies from the first."
    ),
    FigureName.BEADS: Definition("Gold beads", "Gold beads in the slices that were read.", whole=True),
    FigureName.STREAKS: Definition(
        "Gold streaks", "The share of the slices that streaks beside gold beads cover."
    ),
    FigureName.CELL: Definition("Cell", "The share of the tomogram that is cell, not ice."),
    FigureName.CUT_SIDES: Definition(
        "Cut by the field of view",
        "The number of faces of the tomogram at which the cell goes on.",
        whole=True,
    ),
    FigureName.FILL: Definition("Not measured", "The share of the slices that holds a fill value or none."),
    FigureName.EMPTY_SLICES: Definition(
        "Empty slices", "Slices among those read that hold nothing: one value, or none.", whole=True
    ),
    FigureName.CLIPPED: Definition(
        "Clipped grey values", "The share of what was measured that has the very lowest or highest value."
    ),
    FigureName.DRIFT: Definition(
        "Drift of the brightness",
        "How much the mean of the slices changes along z, in standard deviations of a slice.",
    ),
    FigureName.VOXEL_SIZE: Definition("Voxel size", "The edge of a voxel within a slice."),
    FigureName.TILT_SERIES: Definition(
        "Projections", "Whether the file holds the projections of a tilt series: 1 if so, else 0.", whole=True
    ),
    FigureName.CERTAINTY: Definition(
        "Certainty", "The F1 that the network expects of its own labels: the median of the slices."
    ),
    FigureName.RECOGNISED: Definition(
        "Recognised",
        "The share of the pixels that the network redraws within one standard deviation of its input: low "
        "where a tomogram is unlike the training data.",
    ),
    FigureName.OBJECTS: Definition("Objects", "How many objects there are in all.", whole=True),
}
