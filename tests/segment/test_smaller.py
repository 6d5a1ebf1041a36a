"""Noisy tomograms are shown smaller: labels stay in their place, and single dark pixels no longer count."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.segment import choose_device, estimate, load_card
from sxtstudio.segment.field import Field
from sxtstudio.segment.neighbours import Neighbours
from sxtstudio.segment.parameters import SegmentParameters
from sxtstudio.segment.pipeline import segment
from sxtstudio.segment.preview import recognise_slice, segment_slice
from sxtstudio.segment.slices import read_batches
from sxtstudio.segment.smaller import enlarged, reduced

SHAPE = (5, 101, 140)
Y, X = np.indices(SHAPE[1:])
# Dark bars whose middles are known, also far from the corner where counting begins.
BARS = {
    "upright": (np.abs(X - 30) <= 3, 1, 30.0),
    "level": (np.abs(Y - 50) <= 3, 0, 50.0),
    "far right": (np.abs(X - 130) <= 3, 1, 130.0),
    "far below": (np.abs(Y - 92) <= 3, 0, 92.0),
}


@pytest.fixture
def parameters(toy_model: Path) -> SegmentParameters:
    """A network that labels what is a standard deviation darker than the mean, pixel by pixel."""
    return SegmentParameters(toy_model, "cpu", polarity="dark", trust="none", leave_out=False, noisy=True)


def labels_of(
    tomogram: np.ndarray, parameters: SegmentParameters, folder: Path, **options: object
) -> np.ndarray:
    with segment(ArrayVolume(tomogram), parameters, folder, **options) as result:  # type: ignore[arg-type]
        return np.array(result.labels.array) > 0


@pytest.mark.parametrize("name", BARS)
@pytest.mark.parametrize("neighbours", [0, 1])
def test_bars_are_labelled_where_they_lie(
    name: str, neighbours: int, parameters: SegmentParameters, tmp_path: Path
) -> None:
    bar, axis, middle = BARS[name]
    grain = np.random.default_rng(0).normal(scale=0.3, size=SHAPE)
    tomogram = (grain - 10.0 * bar).astype(np.float32)
    asked = replace(parameters, neighbours=neighbours)  # type: ignore[arg-type]
    found = labels_of(tomogram, asked, tmp_path / "work")
    assert found.shape == SHAPE
    for labels in found:
        places = np.nonzero(labels)[axis]
        assert places.mean() == pytest.approx(middle, abs=0.63)  # half a pixel that was shown
        assert 0.8 * bar.sum() < labels.sum() < 1.2 * bar.sum()


def test_grain_of_single_pixels_is_averaged(parameters: SegmentParameters, tmp_path: Path) -> None:
    bar = BARS["upright"][0]
    grain = np.random.default_rng(3).normal(size=SHAPE)
    tomogram = (2.5 * grain - 6.0 * bar).astype(np.float32)
    small = labels_of(tomogram, parameters, tmp_path / "small")
    plain = labels_of(tomogram, replace(parameters, noisy=False), tmp_path / "plain")
    away = np.abs(X - 30) > 6
    assert small[:, away].mean() < 0.7 * plain[:, away].mean()
    assert small[:, bar].mean() > plain[:, bar].mean()


def test_the_network_is_shown_four_fifths_of_the_size_with_the_same_spread() -> None:
    tomogram = ArrayVolume(np.random.default_rng(0).normal(50, 7, size=SHAPE).astype(np.float32))
    for slices in (1, 3):
        shown = Neighbours(0, SHAPE[0], slices, noisy=True)
        (batch,) = read_batches(tomogram, shown, [2], 1, False)
        assert batch.images is not None and batch.images.shape == (1, slices, 81, 112)
        middle = batch.images[0, slices // 2]
        assert middle.std() == pytest.approx(1, abs=1e-3) and abs(middle.mean()) < 0.01


def test_a_slope_comes_back_as_it_was() -> None:
    slope = (0.3 * Y - 0.2 * X).astype(np.float32)
    small = reduced(slope[np.newaxis])[0]
    back = enlarged(small, SHAPE[1:])  # linear interpolation keeps slopes; only the spread is another
    assert back.shape == SHAPE[1:]
    assert np.allclose(back / back.std(), slope / slope.std(), atol=1e-3)


def test_what_was_not_measured_has_no_labels(parameters: SegmentParameters, tmp_path: Path) -> None:
    tomogram = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)
    tomogram[:, :, :33] = np.nan
    found = labels_of(tomogram, parameters, tmp_path / "work")
    assert not found[:, :, :33].any() and found[:, :, 33:].any()
    assert Field(SHAPE[1:], np.isfinite(tomogram[0])).box_shape == (101, 107)


def test_a_trial_is_what_the_segmentation_makes(parameters: SegmentParameters, tmp_path: Path) -> None:
    tomogram = np.random.default_rng(2).normal(size=SHAPE).astype(np.float32)
    whole = labels_of(tomogram, parameters, tmp_path / "work")
    trial = segment_slice(ArrayVolume(tomogram), 2, parameters)
    assert trial.labels is not None and np.array_equal(trial.labels > 0, whole[2])


def test_an_interrupted_run_goes_on_only_as_it_was_begun(
    parameters: SegmentParameters, tmp_path: Path
) -> None:
    tomogram = np.random.default_rng(2).normal(size=SHAPE).astype(np.float32)
    with segment(ArrayVolume(tomogram), parameters, tmp_path / "work"):
        pass
    other = replace(parameters, noisy=False)
    with pytest.raises(UserError, match="seen as a noisy tomogram was True and is now False"):
        segment(ArrayVolume(tomogram), other, tmp_path / "work", resume=True)


def test_redrawn_slices_keep_their_size(make_context_model: object, tmp_path: Path) -> None:
    kernel = np.zeros((1, 1, 1), np.float32)
    kernel[0, 0, 0] = 1  # redraws what it sees
    model = make_context_model(tmp_path / "same.onnx", kernel)  # type: ignore[operator]
    asked = SegmentParameters(model, "cpu", polarity="dark", noisy=True)
    tomogram = np.random.default_rng(2).normal(size=SHAPE).astype(np.float32)
    found = recognise_slice(ArrayVolume(tomogram), 2, asked)
    assert found.share == 1.0 and found.around is not None and found.around.shape == SHAPE[1:]


def test_the_estimate_counts_fewer_pixels(toy_model: Path) -> None:
    card, device = load_card(toy_model), choose_device("cpu")

    class Counts:
        """A runner that tells how many pixels it was asked about."""

        notes: tuple[str, ...] = ()
        tile_px = None
        asked: tuple[int, int] | None = None

        def plan(self, shape: tuple[int, int], count: int) -> tuple[int, int]:
            self.asked = shape
            return shape[0] * shape[1], 0

        @property
        def executor(self) -> Counts:
            return self

        def run(self, *_: object) -> None:
            """Take no time."""

    runner = Counts()
    estimate((10, 1000, 500), card, device, noisy=True, runner=runner)  # type: ignore[arg-type]
    assert runner.asked == (800, 400)
