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
    SMOOTHING = "smoothing"
    DOUBLES = "doubles"
    BEADS = "beads"
    STREAKS = "streaks"
    CELL = "cell"
    CUT_SIDES = "cut_sides"
    FILL = "fill"
    EMPTY_SLICES = "empty_slices"
    CLIPPED = "clipped"
    HOT_PIXELS = "hot_pixels"
    DRIFT = "drift"
    VOXEL_SIZE = "voxel_size"
    TILT_SERIES = "tilt_series"
    CERTAINTY = "certainty"
    RECOGNISED = "recognised"
    OBJECTS = "objects"
    LABELS = "labels"


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
        "The size of the smallest details within a slice that rise above the noise, as the period of a "
        "pattern: of lines as wide as the gaps between them, a line and a gap together. With two half "
        "reconstructions it is exact. From one alone neighbouring slices are compared; that is an estimate: "
        "on 17 simulated tomograms within a quarter of the exact one in 16, and a third too coarse in one. "
        "The noise decides it, not the optics alone; where nothing fine is in view it is coarse.",
        "1 / the frequency at which the Fourier ring correlation falls below 1/7 and stays there",
        "Saxton and Baumeister 1982 (ring correlation); Rosenthal and Henderson 2003 (1/7 of two halves).",
    ),
    FigureName.CONTRAST: Definition(
        "Contrast of structures",
        "How far membranes and organelles stand out from the grain.",
        "√(S² − N²) / N; S: from the 5th to the 95th percentile of slices without slow shading (σ = 20 px), "
        "divided by 3.29; N: the noise",
    ),
    FigureName.CELL_CONTRAST: Definition(
        "Contrast of cell and ice",
        "How far the cell's grey values lie from those of the ice around it, in standard deviations of the "
        "grain.",
        "|median in the cell − median in the ice| / noise",
    ),
    FigureName.NOISE: Definition(
        "Noise",
        "The standard deviation of the grain, in grey values. Structures only add to it, so it is taken "
        "where least is to be seen.",
        "20th percentile, over places of 24 × 24 px, of the standard deviation of the slice without what is "
        "wider than σ = 3 px, made up for what that takes from white noise",
    ),
    FigureName.SMOOTHING: Definition(
        "Smoothing",
        "Whether the tomogram was smoothed after its reconstruction: the powers of ten by which the power of "
        "its spectrum falls over 0.1 1/px, where it falls most. Reconstructions have up to 2.1; after a "
        "Gaussian of σ = 1.5 px and more it is above 2.2, or nothing but rounding is left. A median filter "
        "is recognised by neighbours of the very same value, unless the grain is hardly more than a step "
        "between grey values. Weaker blurs are not noticed, nor are filters that keep edges, such as "
        "non-local means.",
        "log₁₀(P(k) / P(k + 0.1)); P: the power of tiles of the slices",
        "Kirchner and Fridrich 2010 (traces of a median filter).",
    ),
    FigureName.DOUBLES: Definition(
        "Doubled edges",
        "How far a second picture of all gold beads lies from the first, because a part of the tilt series "
        "was aligned to another place; 0 where there is none. Takes three beads. Right to a pixel along the "
        "tilt axis; across it only large displacements show, as less than they are.",
        "the distance at which most beads have a partner; where they overlap 2 √(σ₁² − σ₂²) of the beads' "
        "longer and shorter axes",
    ),
    FigureName.BEADS: Definition(
        "Gold beads",
        "Compact bodies that lie more than ten times as far from the middle of the grey values as these are "
        "spread. Beads smaller than 5 px are not counted.",
        whole=True,
    ),
    FigureName.STREAKS: Definition(
        "Gold streaks",
        "The share of the slices that streaks beside gold beads cover: strips of six diameters that differ "
        "from their surroundings by more than the spread of the grey values.",
    ),
    FigureName.CELL: Definition("Cell", "The share of the tomogram that is cell, as the cell mask finds it."),
    FigureName.CUT_SIDES: Definition(
        "Cut by the field of view",
        "The number of faces of the tomogram of which the cell covers more than 2 %.",
        whole=True,
    ),
    FigureName.FILL: Definition(
        "Not measured", "The share of the slices that holds no number, or a fill around what was measured."
    ),
    FigureName.EMPTY_SLICES: Definition(
        "Empty slices",
        "Slices among those looked at that hold nothing: one value everywhere, or no number.",
        whole=True,
    ),
    FigureName.CLIPPED: Definition(
        "Clipped grey values",
        "The share of what was measured that has exactly the lowest or the highest grey value.",
    ),
    FigureName.HOT_PIXELS: Definition(
        "Hot pixels",
        "Single pixels and rows of them, up to two wide, that lie more than ten times as far from the middle "
        "of the grey values as these are spread, with nothing around them. All other figures leave them out.",
        whole=True,
    ),
    FigureName.DRIFT: Definition(
        "Drift of the brightness",
        "How far apart the means of the slices lie along z, without the twentieth at either end, in standard "
        "deviations of a slice.",
        "(highest − lowest running median of five means) / median standard deviation",
    ),
    FigureName.VOXEL_SIZE: Definition("Voxel size", "The edge of a voxel within a slice, along x."),
    FigureName.TILT_SERIES: Definition(
        "Projections", "1 where the file holds the projections of a tilt series.", whole=True
    ),
    FigureName.CERTAINTY: Definition(
        "Certainty",
        "How sure the network is of its labels: the F1 that it expects of them; the median of the slices.",
    ),
    FigureName.RECOGNISED: Definition(
        "Recognised",
        "The share of the pixels that the network redraws within one standard deviation of its input; the "
        "median of the slices. Low where a tomogram is unlike the training data.",
        source="Dyhr, Sadeghi et al., PNAS 2023.",
    ),
    FigureName.OBJECTS: Definition("Objects", "How many objects there are in all.", whole=True),
    FigureName.LABELS: Definition(
        "Labels",
        "1 where the file holds labels or numbers of objects: whole numbers in even areas on a ground of 0.",
        whole=True,
    ),
}
