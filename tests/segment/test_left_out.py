"""Frames and gold are not labelled: in the whole, in its parts, after a resume, in a trial, or on request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.frame import Frame
from sxtstudio.core.labels import threshold_byte
from sxtstudio.core.left_out import Artefacts
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.segment.parameters import PartOf, SegmentParameters
from sxtstudio.segment.pipeline import segment
from sxtstudio.segment.preview import segment_slice

SHAPE = (6, 140, 150)
Y, X = np.indices(SHAPE[1:])
WIDTH = 9
FRAME = WIDTH > X
BEAD = np.hypot(Y - 100, X - 90) < 6
MEMBRANE = (np.abs(Y - 40) <= 2) & (X < 120)  # runs into the frame


@pytest.fixture(scope="module")
def tomogram() -> np.ndarray:
    """Grain, a dark frame on the left, a membrane and, in slices 2 and 3, a bead."""
    rng = np.random.default_rng(0)
    slices = ndimage.gaussian_filter(rng.normal(size=SHAPE), (0, 0.8, 0.8)) - 9.0 * MEMBRANE - 5.0 * FRAME
    slices[2:4] -= 40 * BEAD
    return slices.astype(np.float32)


@pytest.fixture
def parameters(toy_model: Path) -> SegmentParameters:
    return SegmentParameters(toy_model, "cpu", polarity="dark", trust="none")


def labels_of(
    tomogram: np.ndarray, parameters: SegmentParameters, folder: Path, **options: object
) -> np.ndarray:
    with segment(ArrayVolume(tomogram), parameters, folder, **options) as result:  # type: ignore[arg-type]
        return np.array(result.labels.array) > 0


@pytest.fixture
def whole(tomogram: np.ndarray, parameters: SegmentParameters, tmp_path: Path) -> np.ndarray:
    return labels_of(tomogram, parameters, tmp_path / "whole")


def test_frame_and_gold_have_no_labels_and_a_membrane_keeps_its_own(
    tomogram: np.ndarray, parameters: SegmentParameters, whole: np.ndarray, tmp_path: Path
) -> None:
    asked = labels_of(tomogram, replace(parameters, leave_out=False), tmp_path / "all")
    assert asked[:, FRAME].mean() > 0.9 and asked[2, BEAD].all()  # what the network says
    away = ~MEMBRANE & (X < WIDTH) & (np.abs(Y - 40) > 4)
    assert not whole[:, away].any() and not whole[2:4, BEAD].any()
    beyond = MEMBRANE & (X > WIDTH + 4)
    assert (whole[:, beyond] == asked[:, beyond]).all() and whole[:, beyond].mean() > 0.9


def test_the_result_says_in_words_what_was_left_out(
    tomogram: np.ndarray, parameters: SegmentParameters, tmp_path: Path
) -> None:
    with segment(ArrayVolume(tomogram), parameters, tmp_path / "w") as result:
        assert result.left_out == "at least 1 gold bead, frame of 9 px on the left"
        assert "At least 1 gold bead, frame of 9 px on the left: not labelled." in result.notes
    with segment(ArrayVolume(tomogram), replace(parameters, leave_out=False), tmp_path / "v") as result:
        assert result.left_out == "" and not any("not labelled" in note for note in result.notes)


def test_parts_have_the_labels_of_the_whole(
    tomogram: np.ndarray, parameters: SegmentParameters, whole: np.ndarray, tmp_path: Path
) -> None:
    with segment(ArrayVolume(tomogram), parameters, tmp_path / "p") as result:
        polarity = result.polarity
    part_of = PartOf((0, 6), polarity, Artefacts(Frame(left=WIDTH), 1))
    for first, last in ((0, 2), (2, 3), (3, 6)):
        part = replace(parameters, slices=(first, last))
        labels = labels_of(tomogram, part, tmp_path / f"{first}", part_of=part_of)
        assert np.array_equal(labels, whole[first:last])
        # Without a plan too: what is left out depends on the whole tomogram.
        assert np.array_equal(labels_of(tomogram, part, tmp_path / f"alone {first}"), whole[first:last])


def test_a_run_that_is_gone_on_with_leaves_out_the_same(
    tomogram: np.ndarray,
    parameters: SegmentParameters,
    whole: np.ndarray,
    tmp_path: Path,
    cancel_before: Callable[[int], None],
) -> None:
    cancel_before(4)
    with pytest.raises(Cancelled):
        segment(ArrayVolume(tomogram), parameters, tmp_path / "w")
    with pytest.raises(UserError, match="frames and gold left out was True and is now False"):
        labels_of(tomogram, replace(parameters, leave_out=False), tmp_path / "w", resume=True)
    assert np.array_equal(labels_of(tomogram, parameters, tmp_path / "w", resume=True), whole)


def test_a_trial_shows_what_the_run_will_label(
    tomogram: np.ndarray, parameters: SegmentParameters, whole: np.ndarray
) -> None:
    for z in (1, 2):
        tried = segment_slice(ArrayVolume(tomogram), z, parameters)
        assert tried.labels is not None and np.array_equal(tried.labels > 0, whole[z])


def test_bright_gold_in_a_bright_tomogram_is_told_too(
    tomogram: np.ndarray, parameters: SegmentParameters, whole: np.ndarray, tmp_path: Path
) -> None:
    bright = replace(parameters, polarity="bright")
    assert np.array_equal(labels_of(-tomogram, bright, tmp_path / "bright"), whole)


def test_another_threshold_brings_no_label_of_frame_or_gold_back(
    tomogram: np.ndarray, parameters: SegmentParameters, tmp_path: Path
) -> None:
    kept = replace(parameters, threshold=0.1, probability=True)
    faint = tomogram.copy()
    faint[:, 70:, :WIDTH] += np.float32(2.5)  # a part of the frame that only lower thresholds label
    with segment(ArrayVolume(faint), kept, tmp_path / "kept") as result:
        assert result.probability is not None
        output = np.array(result.probability.array)
    for threshold in (-0.6, -0.45, 0.1, 0.3, 0.7):
        direct = labels_of(faint, replace(parameters, threshold=threshold), tmp_path / f"{threshold}")
        again = output > threshold_byte(threshold)
        away = (X < WIDTH) & (np.abs(Y - 40) > 6)
        assert not again[:, away].any() and not again[2:4, BEAD].any()
        assert np.mean(again != direct) < 1e-3  # outputs are kept in 255 steps
        assert not (again != direct)[:, X < WIDTH + 4].any()
