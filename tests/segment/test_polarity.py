"""Polarity by image and network: the depth of valleys against analysis, and verdicts on what is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from sxtstudio.core.geometry import Box
from sxtstudio.core.polarity import Basis, Polarity, chosen_polarity
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import open_volume
from sxtstudio.segment import (
    SegmentParameters,
    load_card,
    make_runner,
    segment,
    segment_slice,
    try_slice,
)
from sxtstudio.segment import job as job_module
from sxtstudio.segment import polarity as polarity_module
from sxtstudio.segment.card import ModelCard
from sxtstudio.segment.device import choose_device
from sxtstudio.segment.polarity import LineSigns, ask_network, curvatures, judge_for, line_signs, signs_of
from sxtstudio.segment.runner import SliceRunner

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "data" / "real"
#: What a rule of fewer signs had wrong: a cell full of pale vacuoles, and one of bright rims.
HARD = {"survos/slice.tif": "dark", "alba/Figure2_ALBA_ALBA_12hpi-slice340.tif": "dark"}
PLAIN = {
    "contour/slab_img.tif": "dark",
    "deep_sxt/labelled_09.image.png": "dark",
    "deep_sxt/unlabelled_08.png": "dark",
    "berkeley/Figure2_Berkeley_Berkely_8hpi_slice295.tif": "bright",
}


@pytest.fixture(scope="module")
def compact() -> Any:
    card = load_card("compact")
    runner = make_runner(card, choose_device("cpu"))
    yield card, runner
    runner.close()


@pytest.fixture
def parameters(model_path: Path) -> SegmentParameters:
    return SegmentParameters(model_path, device="cpu", polarity="auto", neighbours=0)


@pytest.fixture
def noise(make_slices: Any) -> ArrayVolume:
    return ArrayVolume(make_slices(3, 60, 70))


@pytest.mark.parametrize("angle", [0, 30, 90])
@pytest.mark.parametrize("width", [1.5, 3.0])
def test_the_curvatures_of_a_line_are_those_of_analysis(angle: float, width: float) -> None:
    y, x = np.mgrid[:160, :160] - 80.0
    across = y * np.cos(np.deg2rad(angle)) + x * np.sin(np.deg2rad(angle))
    image = (0.7 - 2.5 * np.exp(-(across**2) / (2 * width**2))).astype(np.float32)
    middle = (abs(across) < 0.4) & (abs(y) < 50) & (abs(x) < 50)
    # A Gaussian of depth A and width w, smoothed with s: A w / √(w² + s²) deep, curved by that / (w² + s²).
    expected = 2.5 * width / (width**2 + 1.5**2) ** 1.5 * 1.5**2
    larger, smaller = curvatures(image, middle, 1.5)
    assert larger.mean() == pytest.approx(expected, rel=0.05) and abs(smaller).max() < 0.03 * expected
    larger, smaller = curvatures(-image, middle, 1.5)
    assert smaller.mean() == pytest.approx(-expected, rel=0.05) and abs(larger).max() < 0.03 * expected


def test_what_labels_lie_on() -> None:
    """A valley, and the saddle between two dark bodies, as the network may label both."""
    y, x = np.mgrid[:120, :120] - 60.0
    values = np.where((abs(x) < 1.5) & (abs(y) < 20), np.float32(0.95), np.float32(-1))
    valley = -np.exp(-(x**2) / 8).astype(np.float32)
    found = line_signs(valley, values, 0.0)
    assert (found.firm, found.valleys) == (1.0, 1.0) and abs(found.along) < 1e-3
    saddle = (x**2 / 400 - y**2 / 400).astype(np.float32)
    found = line_signs(saddle, values * np.float32(0.5), 0.0)
    assert (found.firm, found.valleys) == (0.0, 0.0)
    assert found.along == pytest.approx(-2 / 400 * 2.5**2, rel=0.02)
    assert line_signs(valley, np.full_like(values, -1), 0.0) == LineSigns()


def test_all_signs_turn_with_the_image(compact: Any, sample_slice: np.ndarray) -> None:
    card, runner = compact
    one, other = signs_of(sample_slice, card, runner), signs_of(-sample_slice, card, runner)
    assert one is not None and other is not None
    for name in ("certainty", "firmness", "valleys", "saddles"):
        assert getattr(one, name) == pytest.approx(-getattr(other, name), abs=0.02)
    rule = card.polarity_rule
    assert one.log_odds(rule) == pytest.approx(-other.log_odds(rule), abs=0.02)
    assert one.certainty > 0.02 and one.valleys > 0.05 and one.log_odds(rule) > 2


@pytest.fixture(scope="module")
def sample_slice() -> np.ndarray:
    with open_volume(ROOT / "resources" / "sample.tif") as volume:
        return volume.read(Box.slab(30, 31, volume.shape))[0].astype(np.float32)


@pytest.mark.parametrize("fill", [0, np.nan])
def test_a_fill_has_no_say(compact: Any, sample_slice: np.ndarray, fill: float) -> None:
    plain = signs_of(sample_slice, *compact)
    framed = signs_of(np.pad(sample_slice, 60, constant_values=fill), *compact)
    assert plain is not None and framed is not None
    rule = compact[0].polarity_rule
    assert framed.log_odds(rule) == pytest.approx(plain.log_odds(rule), abs=0.02)


@pytest.mark.parametrize(("outlined_px", "says"), [(0, False), (20, False), (60, True)])
def test_where_next_to_nothing_is_outlined_the_network_has_no_say(
    compact: Any, monkeypatch: pytest.MonkeyPatch, outlined_px: int, says: bool
) -> None:
    """Of a patch of grain, 28 pixels of skeleton made it 92 % sure, and wrong."""
    card, runner = compact
    image = np.random.default_rng(3).normal(size=(100, 100)).astype(np.float32)
    image[0, 0] = 9  # tells the slice as it is from the one turned around

    def run(slices: np.ndarray, *_: object, **__: object) -> dict[str, np.ndarray]:
        values = np.full((1, *slices.shape[-2:]), -1, np.float32)
        if slices[0, ..., 0, 0].max() > 0:
            values[0, 50, :outlined_px] = 1
        return {card.label_output: values}

    monkeypatch.setattr(runner, "run", run)
    found = signs_of(image, card, runner)
    assert found is not None
    assert ((found.certainty, found.firmness, found.saddles) != (0, 0, 0)) is says


def test_slices_without_content_are_not_judged(compact: Any) -> None:
    found = ask_network(ArrayVolume(np.zeros((4, 90, 90), np.float32)), *compact)
    assert (found.value, found.basis) == ("dark", Basis.NOTHING) and not found.sure


@pytest.mark.skipif(not REAL.is_dir(), reason="the real images are not there (../shared/data/real)")
@pytest.mark.parametrize("name", [*PLAIN, *HARD])
def test_real_images_are_never_surely_wrong(compact: Any, name: str) -> None:
    with open_volume(REAL / name) as volume:
        found = ask_network(volume, *compact)
    right = {**PLAIN, **HARD}[name]
    assert found.basis is Basis.NETWORK
    if name in PLAIN:
        assert found.value == right and found.sure
    assert found.value == right or not found.sure


def test_the_network_is_asked_where_the_image_leaves_a_doubt(
    noise: ArrayVolume, parameters: SegmentParameters, tmp_path: Path
) -> None:
    with segment(noise, parameters, tmp_path / "w") as found:
        assert found.polarity.basis is Basis.NETWORK
        if not found.polarity.sure:
            (warning,) = found.warnings
            assert "is not sure" in warning and f"choose {found.polarity.other}" in warning
    preview = segment_slice(noise, 1, parameters)
    assert preview.polarity == found.polarity


def test_what_is_computed_is_shown_before_it_is(
    parameters: SegmentParameters, noise: ArrayVolume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow network showed nothing until the first slice was there."""
    shown: list[str] = []
    seen: list[list[str]] = []
    run = SliceRunner.run

    def running(*arguments: Any, **options: Any) -> Any:
        seen.append(list(shown))
        return run(*arguments, **options)

    monkeypatch.setattr(SliceRunner, "run", running)
    progress = Progress(listener=lambda state: shown.append(state.stage))
    with segment(noise, parameters, tmp_path / "w", progress=progress):
        pass
    asked = [i for i, stages in enumerate(seen) if not any("segmenting" in stage for stage in stages)]
    assert asked and all("asking the network for the polarity" in seen[i] for i in asked)
    assert len(asked) < len(seen)


def test_it_is_not_asked_without_need(
    noise: ArrayVolume, parameters: SegmentParameters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> Polarity:
        raise AssertionError("it was asked")

    monkeypatch.setattr(job_module, "ask_network", never)
    with segment(noise, replace(parameters, polarity="bright"), tmp_path / "a") as found:
        assert found.polarity == chosen_polarity("bright") and found.warnings == ()
    sure = Polarity("bright", 0.99, "clear")
    monkeypatch.setattr(job_module, "detect_polarity", lambda *_, **__: sure)
    with segment(noise, parameters, tmp_path / "b") as found:
        assert found.polarity == sure


def test_a_network_without_a_rule_leaves_the_question_to_the_default_model(
    noise: ArrayVolume, parameters: SegmentParameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rule of the default model, applied to another network, turned real images round."""
    asked: list[str] = []

    def asking(_: object, card: ModelCard, *__: object) -> Polarity:
        asked.append(card.name)
        return Polarity("bright", 0.99, "", Basis.NETWORK)

    monkeypatch.setattr(job_module, "ask_network", asking)
    assert load_card(parameters.model).name != "compact"
    for model in ("compact", parameters.model):
        assert segment_slice(noise, 1, replace(parameters, model=model)).polarity.value == "bright"
    assert asked == ["compact", "compact"]


def test_without_any_rule_the_image_decides(
    noise: ArrayVolume, parameters: SegmentParameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = replace(load_card("compact"), polarity_rule=None)
    monkeypatch.setattr(polarity_module, "load_card", lambda *_: without)
    assert judge_for(without) is None
    assert segment_slice(noise, 1, parameters).polarity.basis is Basis.IMAGE
    with pytest.raises(ValueError, match="no rule"):
        ask_network(noise, without, make_runner(without, choose_device("cpu")))


def test_in_doubt_both_polarities_of_a_slice_are_tried(
    noise: ArrayVolume, parameters: SegmentParameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_module, "ask_network", lambda *_: Polarity("bright", 0.6, "", Basis.NETWORK))
    trial = try_slice(noise, 1, parameters)
    assert trial.judged.polarity == Polarity("bright", 0.6, "", Basis.NETWORK)
    assert trial.other is not None and trial.other.polarity == chosen_polarity("dark")
    again = try_slice(noise, 1, parameters, known=trial.judged.polarity)
    for value in ("dark", "bright"):
        alone = segment_slice(noise, 1, replace(parameters, polarity=value))
        np.testing.assert_array_equal(trial.of(value).labels, alone.labels)
        np.testing.assert_array_equal(again.of(value).labels, alone.labels)
    assert (trial.of("dark").labels != trial.of("bright").labels).any()
    assert try_slice(noise, 1, replace(parameters, polarity="dark")).other is None


def test_a_model_for_any_polarity_leaves_no_choice(
    noise: ArrayVolume, parameters: SegmentParameters, model_path: Path, tmp_path: Path
) -> None:
    (tmp_path / "any.onnx").write_bytes(model_path.read_bytes())
    card = replace(load_card(tmp_path / "any.onnx"), name="any", polarity="any")
    (tmp_path / "any.json").write_text(card.to_json())
    trial = try_slice(noise, 1, replace(parameters, model=tmp_path / "any.onnx"))
    assert trial.other is None and trial.judged.polarity.basis is Basis.IMAGE


def test_of_a_large_slice_the_liveliest_piece_is_shown(compact: Any) -> None:
    from sxtstudio.segment.polarity import _liveliest

    random = np.random.default_rng(0)
    image = 0.05 * random.normal(size=(900, 1100)).astype(np.float32)
    image[300:700, 500:1000] += ndimage.gaussian_filter(random.normal(size=(400, 500)), 4) * 8
    y, x = _liveliest(image, None)
    assert y.stop - y.start == x.stop - x.start == 512
    assert y.start <= 304 and y.stop >= 696 and x.start <= 510 and x.stop >= 990
