"""What experts found in judged slices, as CSV."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.evaluation.judgement import PAPER, EvaluationSummary
from sxtstudio.core.evaluation.marks import KINDS, JudgedPixels
from sxtstudio.core.printable import csv_text
from sxtstudio.core.statistics import Spread
from sxtstudio.core.wording import slice_number

COLUMNS = (
    "tomogram",
    "slice_from_1",
    "slice_from_0",
    *(f"{kind}_percent" for kind in KINDS),
    *(f"{kind}_pixels" for kind in KINDS),
    "seconds",
    "judged",
    "labels_changed_since",
)


def write_judged(path: Path, summary: EvaluationSummary) -> None:
    """Write a row for each judged slice, then mean, SD, all pixels, and the paper's own figures.

    Mean and SD over tomograms are there where there are several.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    with atomic_write(path) as temporary:
        text = csv_text(COLUMNS, judged_rows(summary))
        temporary.write_text(text, encoding="utf-8", newline="")


def judged_rows(summary: EvaluationSummary) -> Iterator[dict[str, Any]]:
    """Yield the rows of the table."""
    for tomogram in summary.tomograms:
        evaluation = tomogram.evaluation
        for z, one in sorted(evaluation.judged.items()):
            spent = round(evaluation.seconds.get(z, 0.0), 1)
            yield {
                "tomogram": tomogram.name,
                "slice_from_1": slice_number(z),
                "slice_from_0": z,
                **_pixels(one.pixels),
                "seconds": spent,
                "judged": one.when,
                "labels_changed_since": "yes" if z in tomogram.outdated else "no",
            }
    over = [("slices", summary.over_slices)]
    if len(summary.tomograms) > 1:  # of one there is no spread, and its mean is that over its slices
        over.append(("tomograms", summary.over_tomograms))
    for name, spreads in over:
        for which in ("mean", "sd"):
            yield {"tomogram": f"{which} over {name}", **_spread(spreads, which)}
    yield {"tomogram": "all pixels", **_pixels(summary.pixels), "seconds": round(summary.seconds, 1)}
    for place, which in enumerate(("mean", "sd")):
        yield {
            "tomogram": f"paper: {which} over slices",
            **{f"{kind}_percent": PAPER[kind][place] for kind in KINDS},
        }


def _pixels(pixels: JudgedPixels) -> dict[str, Any]:
    percent = pixels.percent or (None,) * len(KINDS)
    row: dict[str, Any] = {f"{kind}_percent": share for kind, share in zip(KINDS, percent, strict=True)}
    return {**row, **{f"{kind}_pixels": n for kind, n in zip(KINDS, pixels.counts, strict=True)}}


def _spread(spreads: Any, which: str) -> dict[str, Any]:
    found: dict[str, Spread] = dict(spreads)
    values = {kind: one.mean if which == "mean" else one.sd for kind, one in found.items()}
    return {f"{kind}_percent": value if math.isfinite(value) else None for kind, value in values.items()}
