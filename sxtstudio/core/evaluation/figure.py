"""Figure 2D of the paper: bars of what an expert says of the labels, with the paper's own beside."""

from __future__ import annotations

import math

import numpy as np

from sxtstudio.core.evaluation.judgement import PAPER, PAPER_SLICES, EvaluationSummary
from sxtstudio.core.evaluation.marks import KINDS
from sxtstudio.core.figures import Bars, Figure, FigureKind, MeanBar
from sxtstudio.core.statistics import Spread
from sxtstudio.core.wording import count

TITLES = {
    "true_positive": "True\npositive",
    "false_negative": "False\nnegative",
    "false_positive": "False\npositive",
    "artefact": "Artefact\n",
}
PERCENT = "Labelled pixels (%)"
_OURS, _PAPERS = (0, 114, 178), (150, 150, 150)
_HALF, _GAP, _LINE = 0.36, 0.02, 0.1


def evaluation_figure(summary: EvaluationSummary, *, paper: bool = True) -> Figure:
    """Return the mean of each kind of pixels over the slices, and one SD; ``paper``: its own beside."""
    ours = f"These labels, {count(summary.slices, 'slice')}"
    theirs = f"Paper, {count(PAPER_SLICES, 'slice')}"
    bars, means = [], []
    for place, kind in enumerate(KINDS, 1):
        spread = summary.over_slices[kind]
        right = -_GAP if paper else _HALF
        drawn = [(ours, _OURS, place - _HALF, place + right, spread)]
        if paper:
            mean, sd = PAPER[kind]
            published = Spread(PAPER_SLICES, mean, sd, math.nan)
            drawn.append((theirs, _PAPERS, place + _GAP, place + _HALF, published))
        for name, rgb, low, high, one in drawn:
            if one.n:
                bars.append(Bars(name, rgb, np.array([low, high]), np.array([one.mean])))
                means.append(MeanBar((low + high) / 2, one, _LINE))
    ticks = tuple((float(place), TITLES[kind]) for place, kind in enumerate(KINDS, 1))
    return Figure(FigureKind.BARS, "", PERCENT, bars=tuple(bars), means=tuple(means), ticks=ticks)
