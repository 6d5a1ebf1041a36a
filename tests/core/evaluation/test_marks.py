"""What an expert marks, counted by hand, and what follows from it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sxtstudio.core.evaluation.figure import evaluation_figure
from sxtstudio.core.evaluation.judgement import (
    PAPER,
    Evaluation,
    JudgedSlice,
    JudgedTomogram,
    summarise,
)
from sxtstudio.core.evaluation.marks import (
    CorrectedLabels,
    JudgedPixels,
    Mark,
    corrected,
    fits,
    judged_pixels,
)
from sxtstudio.core.geometry import Box
from sxtstudio.core.volume import ArrayVolume

# Ten labelled pixels; two false, one an artefact; three are missing, and two marks say nothing.
LABELS = np.array([[255] * 5, [255] * 5, [0] * 5, [0] * 5, [0] * 5], np.uint8)
MARKS = np.array(
    [[1, 1, 0, 0, 0], [0, 0, 2, 3, 0], [3, 3, 3, 1, 0], [0] * 5, [0] * 5],
    np.uint8,
)


def test_pixels_of_a_slice_by_hand() -> None:
    found = judged_pixels(LABELS, MARKS)
    assert found == JudgedPixels(true_positive=7, false_negative=3, false_positive=2, artefact=1)
    assert found.total == 13
    assert found.percent == pytest.approx((700 / 13, 300 / 13, 200 / 13, 100 / 13))
    assert judged_pixels(LABELS, None) == JudgedPixels(10)
    assert JudgedPixels().percent is None
    assert found + found == JudgedPixels(14, 6, 4, 2)


def test_labels_are_corrected_and_the_volumes_stay_as_they_are() -> None:
    right = corrected(LABELS, MARKS).tolist()
    assert right[0] == [0, 0, 255, 255, 255]
    assert right[1] == [255, 255, 128, 255, 255], "an artefact does not count"
    assert right[2] == [255, 255, 255, 0, 0], "and is none where nothing is labelled"
    assert right[3] == right[4] == [0] * 5
    labels, marks = ArrayVolume(LABELS[None].copy()), ArrayVolume(MARKS[None].copy())
    read = CorrectedLabels(labels, marks).read(Box((0, 0, 0), (1, 2, 3)))
    assert read.tolist() == [[[0, 0, 255], [255, 255, 128]]]
    assert (labels.array == LABELS).all() and (marks.array == MARKS).all()


def test_what_is_missing_lies_off_the_labels_and_all_else_on_them() -> None:
    assert (fits(Mark.MISSING, LABELS) == (LABELS == 0)).all()
    assert (fits(Mark.ARTEFACT, LABELS) == (LABELS > 0)).all()


def tomogram(name: str, *counts: tuple[int, int, int, int]) -> JudgedTomogram:
    judged = {z: JudgedSlice(JudgedPixels(*one), 0) for z, one in enumerate(counts)}
    return JudgedTomogram(name, Evaluation(tuple(range(9)), judged, {0: 60.0, 1: 30.0}))


def test_mean_and_sd_are_over_slices_and_over_tomograms() -> None:
    found = summarise(
        [
            tomogram("a", (80, 20, 0, 0), (60, 30, 5, 5), (0, 0, 0, 0)),
            tomogram("b", (400, 600, 0, 0)),
            tomogram("c"),
        ]
    )
    assert [one.name for one in found.tomograms] == ["a", "b"]
    assert found.slices == 4 and found.seconds == 180
    spread = found.over_slices["true_positive"]
    assert (spread.n, spread.mean) == (3, pytest.approx(60))  # the slice without pixels has no percent
    assert spread.sd == pytest.approx(np.std([80, 60, 40], ddof=1))
    assert found.over_tomograms["false_negative"].mean == pytest.approx((25 + 60) / 2)
    assert found.pixels == JudgedPixels(540, 650, 5, 5)
    assert found.pixels.percent is not None and found.pixels.percent[0] == pytest.approx(45)


def test_the_figure_has_a_bar_for_each_kind_and_the_papers_beside() -> None:
    figure = evaluation_figure(summarise([tomogram("a", (80, 20, 0, 0), (60, 30, 5, 5))]))
    heights = [float(bar.counts[0]) for bar in figure.bars]
    assert heights[0::2] == pytest.approx([70, 25, 2.5, 2.5])
    assert heights[1::2] == [69.8, 27.7, 1.3, 1.2]
    assert [mean.spread.sd for mean in figure.means][1::2] == [10.4, 10.8, 2.2, 2.1]
    assert sum(mean for mean, _ in PAPER.values()) == pytest.approx(100)
    assert len(figure.legend) == 2 and len(figure.ticks) == 4
    assert len(evaluation_figure(summarise([]), paper=False).bars) == 0
    alone = evaluation_figure(summarise([tomogram("a", (80, 20, 0, 0))]), paper=False)
    assert len(alone.bars) == 4 and math.isnan(alone.means[0].spread.sd)


def test_the_way_through_the_slices() -> None:
    done = JudgedSlice(JudgedPixels(1), 7)
    evaluation = Evaluation((3, 8, 12)).with_judged(8, done)
    assert evaluation.left == (3, 12)
    assert [evaluation.after(z) for z in (None, 3, 8, 12)] == [3, 12, 12, 3]
    evaluation = evaluation.with_judged(3, done).with_judged(12, done)
    assert evaluation.after(3) is None
    other = evaluation.with_time(8, 2.5).with_time(8, 2).with_time(3, 1).of((8, 20))
    assert (other.slices, dict(other.judged), dict(other.seconds)) == ((8, 20), {8: done}, {8: 4.5})
    assert evaluation.with_judged(8, None).left == (8,)
