"""Figures of trust on images whose figures are known, and through the pipeline against onnxruntime alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from scipy.special import erf

from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.trust import SliceTrust
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.segment.checkpoint import Checkpoint
from sxtstudio.segment.ledger import read_trust, trust_line
from sxtstudio.segment.parameters import SegmentParameters
from sxtstudio.segment.pipeline import segment
from sxtstudio.segment.preview import recognise_slice
from sxtstudio.segment.trust import (
    certainty,
    recognised,
    sampled,
    share_redrawn,
    trust_map,
)

SHAPE = (12, 37, 50)


def test_a_redrawing_that_leaves_out_all_the_noise_has_the_share_of_a_gaussian() -> None:
    noise = np.random.default_rng(0).normal(size=(800, 800)).astype(np.float32)
    assert recognised(np.zeros_like(noise), noise) == pytest.approx(erf(1 / 2**0.5), abs=0.002)
    assert recognised(noise, noise) == 1
    assert recognised(noise + 1.01, noise) == 0


def test_certainty_is_the_f1_that_the_outputs_let_expect() -> None:
    values = np.float32([[-1, -0.2, 0.0], [0.2, 0.6, 1.0]])  # probabilities 0, 0.4, 0.5; 0.6, 0.8, 1
    assert certainty(values, 0.0) == pytest.approx(2 * 2.4 / (3 + 3.3))
    assert certainty(values, 0.5) == pytest.approx(2 * 1.8 / (2 + 3.3))
    assert certainty(values, 1.0) is None
    sure = np.where(np.arange(12).reshape(3, 4) % 3 == 0, 1, -1).astype(np.float32)
    assert certainty(sure, 0.0) == 1


def test_foreign_texture_lights_up_in_the_map_exactly_there() -> None:
    rng = np.random.default_rng(1)
    redrawn = rng.normal(size=(200, 240)).astype(np.float32)
    seen = redrawn + rng.normal(0, 0.3, redrawn.shape).astype(np.float32)
    seen[60:120, 100:180] += 3 * np.sign(np.sin(np.arange(80) * 1.3)).astype(np.float32)
    found = trust_map(redrawn, seen, window_px=6)
    assert found.dtype == np.float32 and found.shape == seen.shape
    inside, outside = np.zeros(seen.shape, bool), np.ones(seen.shape, bool)
    inside[72:108, 112:168] = True  # two windows from its edge
    outside[48:132, 88:192] = False
    assert found[inside].max() < 0.1 and found[outside].min() > 0.9
    assert found[90, 100] == pytest.approx(0.5, abs=0.1), "half way at its edge"
    assert found.mean() == pytest.approx(recognised(redrawn, seen), abs=0.01)


def test_which_slices_are_redrawn() -> None:
    assert [z for z in range(20) if sampled(z, (0, 20))] == [2, 7, 12, 17]
    assert [z for z in range(30, 33) if sampled(z, (30, 33))] == [31]
    assert sum(sampled(z, (0, 100)) for z in range(100)) == 100 * share_redrawn("sample")
    assert (share_redrawn("none"), share_redrawn("every")) == (0, 1)
    assert sampled(7, (7, 8)), "a single slice is"


def test_a_torn_line_of_the_log_is_left_out() -> None:
    log = trust_line(3, SliceTrust(0.5)) + trust_line(4, SliceTrust(0.25, 1.0))[:-9]
    log += trust_line(5, SliceTrust(None, 0.75)) + b'{"z": 6, "certainty": 7}\nrubbish\n[1]\n'
    assert dict(read_trust(log)) == {3: SliceTrust(0.5), 5: SliceTrust(None, 0.75)}


@pytest.fixture
def tomogram(make_slices: Any) -> np.ndarray:
    return (make_slices(*SHAPE) * 40 + 120).astype(np.float32)


@pytest.fixture
def parameters(model_path: Path) -> SegmentParameters:
    return SegmentParameters(model=model_path, device="cpu", polarity="dark", neighbours=0)


def expected_f1(p: np.ndarray) -> float:
    labelled = p > 0.5
    right, wrong, missed = p[labelled].sum(), (1 - p[labelled]).sum(), p[~labelled].sum()
    return float(2 * right / (2 * right + wrong + missed))


def truth(path: Path, tomogram: np.ndarray) -> list[SliceTrust]:
    """The figures of all slices by other means."""
    values = tomogram.astype(np.float64)
    values = (values - values.mean((1, 2), keepdims=True)) / values.std((1, 2), keepdims=True)
    height, width = values.shape[1:]
    padded = np.pad(values, [(0, 0), (0, -height % 16), (0, -width % 16)], mode="reflect")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    feeds = {"input": padded[:, np.newaxis].astype(np.float32)}
    label, image = (out[:, 0, :height, :width] for out in session.run(["label", "image"], feeds))
    return [
        SliceTrust(expected_f1((one.astype(float) + 1) / 2), float((abs(other - seen) < 1).mean()))
        for one, other, seen in zip(label, image, values, strict=True)
    ]


def assert_figures(found: Any, expected: list[SliceTrust], redrawn: list[int]) -> None:
    assert len(found) == len(expected)
    for z, (mine, other) in enumerate(zip(found, expected, strict=True)):
        assert mine.certainty == pytest.approx(other.certainty, abs=1e-3)
        if z in redrawn:
            assert mine.recognised == pytest.approx(other.recognised, abs=0.002)
        else:
            assert mine.recognised is None


@pytest.mark.parametrize("batch", [None, 4], ids=["one by one", "four at once"])
@pytest.mark.parametrize("staged", [True, False], ids=["stages", "one session"])
def test_the_pipeline_tells_the_figures_and_redraws_a_sample(
    tomogram: np.ndarray,
    parameters: SegmentParameters,
    model_path: Path,
    plain_model_path: Path,
    tmp_path: Path,
    batch: int | None,
    staged: bool,
) -> None:
    wanted = replace(parameters, batch=batch, model=model_path if staged else plain_model_path)
    with segment(ArrayVolume(tomogram), wanted, tmp_path / "w") as result:
        assert_figures(result.trust, truth(model_path, tomogram), [2, 7])


def test_every_slice_or_none(tomogram: np.ndarray, parameters: SegmentParameters, tmp_path: Path) -> None:
    volume = ArrayVolume(tomogram[:4])
    with segment(volume, replace(parameters, trust="every"), tmp_path / "a") as result:
        assert_figures(result.trust, truth(parameters.model, tomogram[:4]), [0, 1, 2, 3])
    with segment(volume, replace(parameters, trust="none"), tmp_path / "b") as result:
        assert result.trust is None
    with pytest.raises(UserError, match="none, sample or every"):
        segment(volume, replace(parameters, trust="some"), tmp_path / "c")


def test_the_figure_is_the_networks_whatever_threshold_the_user_chose(
    tomogram: np.ndarray, parameters: SegmentParameters, tmp_path: Path
) -> None:
    wanted = replace(parameters, threshold=0.5, slices=(0, 2))
    with segment(ArrayVolume(tomogram), wanted, tmp_path / "w") as result:
        assert_figures(result.trust, truth(parameters.model, tomogram[:2]), [1])


def test_blank_slices_have_none(tomogram: np.ndarray, parameters: SegmentParameters, tmp_path: Path) -> None:
    tomogram[2] = 7
    with segment(ArrayVolume(tomogram[:5]), parameters, tmp_path / "w") as result:
        assert result.trust is not None
        assert [bool(figures) for figures in result.trust] == [True, True, False, True, True]


def test_figures_of_an_interrupted_run_are_kept(
    tomogram: np.ndarray,
    parameters: SegmentParameters,
    tmp_path: Path,
    cancel_before: Callable[[int], None],
) -> None:
    cancel_before(8)
    with pytest.raises(Cancelled):
        segment(ArrayVolume(tomogram), parameters, tmp_path / "w")
    with segment(ArrayVolume(tomogram), parameters, tmp_path / "w", resume=True) as result:
        assert 4 < result.resumed < 12
        assert_figures(result.trust, truth(parameters.model, tomogram), [2, 7])
        result.discard()
    assert not (tmp_path / "w").exists()


def test_a_folder_of_an_older_version_has_no_figures(
    tmp_path: Path, run_settings: Callable[..., Any]
) -> None:
    labels = np.zeros((4, 5), np.uint8)
    first = Checkpoint(tmp_path / "w", run_settings((2, 4, 5)))
    first.write(0, labels)
    first.close()
    (tmp_path / "w" / "trust.log").unlink()
    again = Checkpoint(tmp_path / "w", run_settings((2, 4, 5)), resume=True)
    again.write(1, labels, trust=SliceTrust(0.5))
    assert again.trust() == (SliceTrust(), SliceTrust(0.5))
    again.close()


def test_a_model_that_draws_no_image_says_so_once(
    toy_model: Path, tomogram: np.ndarray, tmp_path: Path
) -> None:
    parameters = SegmentParameters(model=toy_model, device="cpu", polarity="dark")
    with segment(ArrayVolume(tomogram[:6]), parameters, tmp_path / "w") as result:
        assert result.trust is not None
        assert all(f.certainty is not None and f.recognised is None for f in result.trust)
        assert sum("does not redraw" in note for note in result.notes) == 1
    with pytest.raises(UserError, match="cannot say what it recognises"):
        recognise_slice(ArrayVolume(tomogram), 0, parameters)


def test_one_slice_on_demand(tomogram: np.ndarray, parameters: SegmentParameters) -> None:
    found = recognise_slice(ArrayVolume(tomogram), 3, parameters)
    (expected,) = truth(parameters.model, tomogram[3:4])
    assert found.share == pytest.approx(expected.recognised, abs=0.002)
    assert found.around is not None and found.around.shape == SHAPE[1:]
    assert found.around.mean() == pytest.approx(found.share, abs=0.05)
    blank = recognise_slice(ArrayVolume(np.zeros(SHAPE, np.float32)), 3, parameters)
    assert blank.share is None and blank.around is None
