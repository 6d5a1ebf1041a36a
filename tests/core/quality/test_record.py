"""The record of a tomogram's quality: what files keep of it, and how its figures are shown."""

from __future__ import annotations

import json

import msgspec
import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.quality.dictionary import DEFINITIONS, FigureName
from sxtstudio.core.quality.record import (
    CurveSource,
    Quality,
    QualityFigure,
    QualityFlag,
    ResolutionCurve,
    Side,
    SliceFigures,
)
from sxtstudio.core.records import record_of

NOISY = QualityFigure(FigureName.NOISE, 0.25, "", QualityFlag.LOOK, "Noisy.")
DOUBLED = QualityFigure(FigureName.DOUBLES, 3.5, "px", QualityFlag.BAD, "Doubled.")
QUALITY = Quality(
    "cell.mrc",
    (10, 20, 30),
    (12.0, 10.0, 10.0),
    (QualityFigure(FigureName.CELL, 0.43, "share", QualityFlag.GOOD, "Cell."), NOISY, DOUBLED),
    (SliceFigures(0, 1.5, 0.5), SliceFigures(9, None, None)),
    ResolutionCurve(CurveSource.HALVES, (0.1, 0.2), (0.9, 0.1), 0.5, 6.5),
    (Side.LEFT, Side.LAST),
    {"vesicle": 4},
)


def test_a_record_comes_back_from_json_as_it_was() -> None:
    assert record_of(json.loads(msgspec.json.encode(QUALITY)), Quality, "The record") == QUALITY


def test_a_file_with_a_figure_that_does_not_exist_is_refused() -> None:
    values = msgspec.to_builtins(QUALITY)
    values["figures"][0]["name"] = "beauty"
    with pytest.raises(UserError, match="figures"):
        record_of(values, Quality, "The record")


def test_figures_that_ask_for_a_look_come_with_the_bad_ones_first() -> None:
    assert QUALITY.flagged == (DOUBLED, NOISY)
    assert QUALITY.worst is QualityFlag.BAD
    good = QualityFigure(FigureName.BEADS, None, "", QualityFlag.UNKNOWN, "No slice could be read.")
    assert Quality("a", (1, 1, 1), None, (good,)).worst is QualityFlag.GOOD


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (QualityFigure(FigureName.CELL, 0.43, "share"), "43 %"),
        (QualityFigure(FigureName.RESOLUTION, 37.21, "nm"), "37.2 nm"),
        (QualityFigure(FigureName.BEADS, 12.0), "12"),
        (QualityFigure(FigureName.NOISE, None), "–"),
    ],
    ids=["share", "length", "count", "unknown"],
)
def test_values_are_shown_with_their_units(figure: QualityFigure, text: str) -> None:
    assert figure.text == text


def test_every_figure_is_in_the_dictionary() -> None:
    assert list(DEFINITIONS) == list(FigureName)
