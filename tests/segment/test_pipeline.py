from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.progress import Progress, ProgressState
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.segment import checkpoint, job
from sxtstudio.segment.checkpoint import read_unfinished
from sxtstudio.segment.device import choose_device
from sxtstudio.segment.neighbours import Neighbours
from sxtstudio.segment.parameters import SegmentParameters
from sxtstudio.segment.pipeline import segment
from sxtstudio.segment.preview import estimate, segment_slice
from sxtstudio.segment.registry import load_card
from sxtstudio.segment.slices import fingerprint, listed, probability_of, read_batches
from tests.segment.conftest import killed_run

SHAPE = (6, 37, 50)
VOXEL_NM = (10.0, 9.8, 9.8)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Any:
    before = set(threading.enumerate())  # some of them may end meanwhile, which others left
    yield
    assert set(threading.enumerate()) <= before


@pytest.fixture
def tomogram(make_slices: Any) -> np.ndarray:
    return (make_slices(*SHAPE) * 40 + 120).astype(np.float32)


@pytest.fixture
def parameters(model_path: Path) -> SegmentParameters:
    """Each slice alone; test_neighbours.py has the rest."""
    return SegmentParameters(model=model_path, device="cpu", polarity="dark", neighbours=0)


def outputs(path: Path, tomogram: np.ndarray) -> np.ndarray:
    """The label head for whole slices: mean and SD, padding and network by other means."""
    values = tomogram.astype(np.float64)
    values -= values.mean(axis=(1, 2), keepdims=True)
    values /= values.std(axis=(1, 2), keepdims=True)
    height, width = values.shape[1:]
    padded = np.pad(values, [(0, 0), (0, -height % 16), (0, -width % 16)], mode="reflect")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    feeds = {"input": padded[:, np.newaxis].astype(np.float32)}
    return session.run(["label"], feeds)[0][:, 0, :height, :width]


def assert_labels(labels: np.ndarray, values: np.ndarray, threshold: float = 0.0) -> None:
    """Labels are right wherever rounding cannot decide."""
    clear = np.abs(values - threshold) > 1e-4
    assert clear.mean() > 0.99
    np.testing.assert_array_equal(labels[clear], np.where(values > threshold, 255, 0)[clear])


def run(volume: Any, parameters: SegmentParameters, folder: Path, **options: Any) -> tuple[Any, np.ndarray]:
    with segment(volume, parameters, folder, **options) as result:
        return result, np.array(result.labels.array)


def test_labels_are_where_the_output_is_above_the_threshold(
    tomogram: np.ndarray, parameters: SegmentParameters, model_path: Path, tmp_path: Path
) -> None:
    result, labels = run(ArrayVolume(tomogram, VOXEL_NM), parameters, tmp_path / "w")
    values = outputs(model_path, tomogram)
    assert_labels(labels, values)
    assert 0.05 < (labels > 0).mean() < 0.95
    assert labels.dtype == np.uint8
    assert result.labels.voxel_nm == VOXEL_NM
    assert result.voxels == np.count_nonzero(labels)
    assert (result.slices, result.resumed, result.polarity.value) == ((0, 6), 0, "dark")
    assert result.model_checksum == result.card.sha256
    assert "CPU" in result.device and result.device_reason
    assert {"reading", "inference", "keeping slices", "loading the model"} <= set(result.seconds)
    assert result.probability is None
    result.discard()
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize("threshold", [-0.5, 0.3])
def test_threshold_and_probability(
    tomogram: np.ndarray, parameters: SegmentParameters, model_path: Path, tmp_path: Path, threshold: float
) -> None:
    wanted = replace(parameters, threshold=threshold, probability=True)
    with segment(ArrayVolume(tomogram), wanted, tmp_path / "w") as result:
        values = outputs(model_path, tomogram)
        assert_labels(result.labels.array, values, threshold)
        assert result.probability is not None
        np.testing.assert_allclose(result.probability.array / 255, (values + 1) / 2, atol=0.005)


def test_probability_is_above_the_middle_where_the_output_is_above_zero() -> None:
    tiny = np.float32(1e-9)
    values = np.array([-1, -0.3, -tiny, 0, tiny, 0.3, 1], np.float32)
    assert probability_of(values).tolist() == [0, 89, 127, 127, 128, 166, 255]


@pytest.mark.parametrize("threshold", [-1.0, -0.73, -0.25, 0.0, 0.003, 1 / 3, 0.5, 0.99])
def test_an_output_that_is_stored_lies_on_its_side_of_the_threshold_of_the_run(threshold: float) -> None:
    random = np.random.default_rng(5)
    values = np.clip(threshold + random.normal(0, 0.004, 200_000), -1, 1).astype(np.float32)
    values[:3] = np.nextafter(np.float32(threshold), np.float32([-2, 0, 2])[:3])
    values[3] = threshold
    stored = probability_of(values, threshold)
    labelled = values > threshold  # the rule of labels, and of a change of the threshold beside it
    np.testing.assert_array_equal(stored > (threshold + 1) * 127.5, labelled)
    far = np.random.default_rng(6).uniform(-1, 1, 100_000).astype(np.float32)
    for some in (values, far):
        assert np.abs(probability_of(some, threshold) - (some.astype(float) + 1) * 127.5).max() < 1.51


@pytest.mark.parametrize("threshold", [-0.2, 0.0, 0.2])
def test_the_stored_output_gives_the_labels_of_the_run_also_after_it_was_gone_on_with(
    tomogram: np.ndarray,
    parameters: SegmentParameters,
    tmp_path: Path,
    threshold: float,
    cancel_before: Callable[[int], None],
) -> None:
    wanted = replace(parameters, threshold=threshold, probability=True)
    cancel_before(4)
    with pytest.raises(Cancelled):
        segment(ArrayVolume(tomogram), wanted, tmp_path / "w")
    with segment(ArrayVolume(tomogram), wanted, tmp_path / "w", resume=True) as result:
        assert 0 < result.resumed < len(tomogram)
        assert result.probability is not None
        again = result.probability.array > (threshold + 1) * 127.5
        np.testing.assert_array_equal(again, result.labels.array > 0)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float16, np.float64])
def test_every_type_of_values(
    tomogram: np.ndarray, parameters: SegmentParameters, model_path: Path, tmp_path: Path, dtype: Any
) -> None:
    stored = np.clip(tomogram, 0, 255).astype(dtype)[:2]
    _, labels = run(ArrayVolume(stored), parameters, tmp_path / "w")
    assert_labels(labels, outputs(model_path, stored))


def test_bright_structures_are_turned_dark(
    tomogram: np.ndarray, parameters: SegmentParameters, tmp_path: Path
) -> None:
    _, dark = run(ArrayVolume(tomogram), parameters, tmp_path / "dark")
    bright = replace(parameters, polarity="bright")
    result, labels = run(ArrayVolume(500 - tomogram), bright, tmp_path / "bright")
    assert (labels != dark).mean() < 1e-3
    assert result.polarity.value == "bright"
    _, wrong = run(ArrayVolume(500 - tomogram), parameters, tmp_path / "wrong")
    assert (wrong != dark).mean() > 0.05


def test_a_model_for_any_polarity_sees_the_slices_as_they_are(
    tomogram: np.ndarray, parameters: SegmentParameters, model_path: Path, tmp_path: Path
) -> None:
    """Its card says so; what is bright is told, and not turned around."""
    shutil.copy(model_path, tmp_path / "any.onnx")
    card = replace(load_card(tmp_path / "any.onnx"), name="any", polarity="any")
    (tmp_path / "any.json").write_text(card.to_json(), encoding="utf-8")
    either = replace(parameters, model=tmp_path / "any.json")
    for polarity in ("dark", "bright"):
        result, labels = run(ArrayVolume(tomogram), replace(either, polarity=polarity), tmp_path / polarity)
        assert_labels(labels, outputs(model_path, tomogram))
        assert result.polarity.value == polarity


def test_polarity_is_detected_unless_it_is_forced(
    tomogram: np.ndarray, parameters: SegmentParameters, tmp_path: Path
) -> None:
    result, _ = run(ArrayVolume(tomogram), replace(parameters, polarity="auto"), tmp_path / "w")
    assert result.polarity.value in ("dark", "bright")
    assert result.polarity.reason
    assert result.polarity.sure or "not sure" in result.warnings[0]


def test_a_range_of_slices(
    tomogram: np.ndarray, parameters: SegmentParameters, model_path: Path, tmp_path: Path
) -> None:
    seen: dict[int, np.ndarray] = {}
    result, labels = run(
        ArrayVolume(tomogram), replace(parameters, slices=(2, 5)), tmp_path / "w", on_slices=seen.__setitem__
    )
    assert labels.shape == (3, *SHAPE[1:]) and result.slices == (2, 5)
    assert_labels(labels, outputs(model_path, tomogram[2:5]))
    assert list(seen) == [2, 3, 4]
    for z, slice_labels in seen.items():
        np.testing.assert_array_equal(slice_labels, labels[z - 2])


def test_slices_without_content_are_empty_and_noted(
    tomogram: np.ndarray, parameters: SegmentParameters, model_path: Path, tmp_path: Path
) -> None:
    values = outputs(model_path, tomogram)
    tomogram[1], tomogram[4], tomogram[5] = np.nan, 7.0, np.inf
    wanted = replace(parameters, probability=True)
    with segment(ArrayVolume(tomogram), wanted, tmp_path / "w") as result:
        assert not result.labels.array[[1, 4, 5]].any()
        assert not result.probability.array[[1, 4, 5]].any()
        assert_labels(result.labels.array[[0, 2, 3]], values[[0, 2, 3]])
        for first, said in ((0, "1, 4–5 (counted from 0)."), (1, "2, 5–6.")):
            (note,) = [text for text in result.notes_counted_from(first) if "are constant" in text]
            assert note.startswith("3 slices") and note.endswith(said)


@pytest.mark.parametrize("value", [0.0, np.nan])
@pytest.mark.parametrize("polarity", ["auto", "dark"])
def test_a_tomogram_without_content_is_refused(
    parameters: SegmentParameters, tmp_path: Path, value: float, polarity: Any
) -> None:
    volume = ArrayVolume(np.full(SHAPE, value, np.float32))
    with pytest.raises(UserError, match="nothing to segment"):
        segment(volume, replace(parameters, polarity=polarity), tmp_path / "w")
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"slices": (3, 3)}, "has slices 1 to 6"),
        ({"slices": (-1, 3)}, "has slices 1 to 6"),
        ({"slices": (6, None)}, "has slices 1 to 6"),
        ({"tile_px": 0}, "Tiles of 0 px"),
        ({"batch": 0}, "batch of 0"),
        ({"neighbours": 2}, "2 neighbours"),
        ({"threshold": 2.0}, "threshold"),
        ({"threshold": float("nan")}, "threshold"),
        ({"polarity": "pink"}, "polarity"),
        ({"device": "toaster"}, "toaster"),
        ({"model": "no such model"}, "no such model"),
    ],
)
def test_bad_parameters_are_refused_before_anything_is_written(
    tomogram: np.ndarray, parameters: SegmentParameters, tmp_path: Path, change: Any, text: str
) -> None:
    with pytest.raises(UserError, match=text):
        segment(ArrayVolume(tomogram), replace(parameters, **change), tmp_path / "w")
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    "wanted",
    [None, (None, None), (2, 5), (2, 99), (-2, None), (None, -4), (-99, 1), (0, 6)],
    ids=str,
)
def test_slices_are_chosen_as_in_python(wanted: Any) -> None:
    first, last = SegmentParameters(slices=wanted).checked(6)
    numbers = list(range(6))
    assert list(range(first, last)) == (numbers if wanted is None else numbers[wanted[0] : wanted[1]])


def test_a_cancelled_run_is_resumed_where_it_stopped(
    tomogram: np.ndarray,
    parameters: SegmentParameters,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cancel_before: Callable[[int], None],
) -> None:
    _, expected = run(ArrayVolume(tomogram), parameters, tmp_path / "whole")
    cancel_before(4)
    with pytest.raises(Cancelled):
        segment(ArrayVolume(tomogram), parameters, tmp_path / "w")
    asked: list[int] = []
    original = job.read_batches

    def counting(volume: Any, neighbours: Neighbours, wanted: list[int], *rest: Any) -> Any:
        asked.extend(wanted)
        return original(volume, neighbours, wanted, *rest)

    monkeypatch.setattr(job, "read_batches", counting)
    seen: list[int] = []
    states: list[ProgressState] = []
    result, labels = run(
        ArrayVolume(tomogram),
        parameters,
        tmp_path / "w",
        resume=True,
        progress=Progress(listener=states.append),
        on_slices=lambda z, labels: seen.append(z),
    )
    np.testing.assert_array_equal(labels, expected)
    assert 2 <= result.resumed < 6 and len(asked) == 6 - result.resumed
    assert seen == list(range(6))
    assert result.voxels == np.count_nonzero(expected)
    # Only what was left counts, so that the remaining time is not too rosy.
    counted = [state for state in states if state.fraction > 0]
    assert len(counted) == len(asked)
    assert (counted[-1].fraction, counted[-1].remaining_s) == (pytest.approx(1), 0)
    if len(asked) > 1:
        first = counted[0]
        assert first.remaining_s is not None and 0 < first.fraction < 1


def test_a_cancelled_run_hands_over_every_slice_that_it_counts_as_finished(
    tomogram: np.ndarray, parameters: SegmentParameters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, expected = run(ArrayVolume(tomogram), parameters, tmp_path / "whole")
    progress = Progress()
    keep = job.SegmentationJob._keep

    def keep_later(self: Any, output: Any, checkpoint: Any) -> Any:
        if output.position == 1:
            progress.cancel()
            time.sleep(0.2)  # the other thread hears of it first
        return keep(self, output, checkpoint)

    monkeypatch.setattr(job.SegmentationJob, "_keep", keep_later)
    heard: dict[int, np.ndarray] = {}
    with pytest.raises(Cancelled):
        segment(
            ArrayVolume(tomogram),
            parameters,
            tmp_path / "w",
            progress=progress,
            on_slices=lambda z, labels: heard.update({z: labels}),
        )
    unfinished = read_unfinished(tmp_path / "w")
    assert unfinished is not None and unfinished.finished == len(heard) >= 2
    assert list(heard) == list(range(len(heard)))
    np.testing.assert_array_equal(np.stack(list(heard.values())), expected[: len(heard)])


def test_a_cancel_after_the_last_slice_comes_too_late(
    tomogram: np.ndarray, parameters: SegmentParameters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All slices are finished on disk, so there would be nothing to go on with: it is done."""
    _, expected = run(ArrayVolume(tomogram), parameters, tmp_path / "whole")
    progress = Progress()
    keep = job.SegmentationJob._keep

    def keep_and_cancel(self: Any, output: Any, checkpoint: Any) -> Any:
        kept = keep(self, output, checkpoint)
        if output.position == len(tomogram) - 1:
            progress.cancel()
        return kept

    monkeypatch.setattr(job.SegmentationJob, "_keep", keep_and_cancel)
    heard: list[int] = []
    result, labels = run(
        ArrayVolume(tomogram),
        parameters,
        tmp_path / "w",
        progress=progress,
        on_slices=lambda z, labels: heard.append(z),
    )
    assert progress.cancelled and heard == list(range(len(tomogram)))
    np.testing.assert_array_equal(labels, expected)
    assert result.voxels == np.count_nonzero(expected)


def test_resume_with_another_threshold_is_refused(
    tomogram: np.ndarray,
    parameters: SegmentParameters,
    tmp_path: Path,
    cancel_before: Callable[[int], None],
) -> None:
    cancel_before(4)
    with pytest.raises(Cancelled):
        segment(ArrayVolume(tomogram), parameters, tmp_path / "w")
    other = replace(parameters, threshold=0.25)
    with pytest.raises(UserError, match=r"threshold was 0\.0 and is now 0\.25"):
        segment(ArrayVolume(tomogram), other, tmp_path / "w", resume=True)
    with pytest.raises(UserError, match="finished slices"):
        segment(ArrayVolume(tomogram), parameters, tmp_path / "w")
    changed = tomogram.copy()
    changed[0, 0, 0] += 1
    with pytest.raises(UserError, match="content of the tomogram"):
        segment(ArrayVolume(changed), parameters, tmp_path / "w", resume=True)
    result, _ = run(ArrayVolume(tomogram), other, tmp_path / "w", resume=False)
    assert result.resumed == 0


def test_kill_9_and_resume(
    tomogram: np.ndarray, parameters: SegmentParameters, tmp_path: Path, model_path: Path
) -> None:
    volume = np.concatenate([tomogram] * 8)
    killed_run(volume, model_path, tmp_path, neighbours=0)
    result, labels = run(ArrayVolume(volume), parameters, tmp_path / "w", resume=True)
    assert 4 <= result.resumed < len(volume)
    assert_labels(labels, np.concatenate([outputs(model_path, tomogram)] * 8))


class Broken(ArrayVolume):
    """A tomogram that cannot be read from slice 3 on."""

    def read(self, box: Box) -> np.ndarray:
        if box.start[0] < 3 < box.stop[0] + 1 and box.start[0] > 0:
            raise UserError("slice 3 cannot be read")
        return super().read(box)


def test_an_error_while_reading_comes_out(
    tomogram: np.ndarray, parameters: SegmentParameters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "fingerprint", lambda volume, slices: "same")
    monkeypatch.setattr("sxtstudio.segment.context._READ_BYTES", 1)
    with pytest.raises(UserError, match="slice 3"):
        segment(Broken(tomogram), parameters, tmp_path / "w")
    # What was finished is kept for when the file is mended.
    result, _ = run(ArrayVolume(tomogram), parameters, tmp_path / "w", resume=True)
    assert result.resumed >= 1


def test_a_full_disk_comes_out(
    tomogram: np.ndarray, parameters: SegmentParameters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def full(descriptor: int) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(checkpoint.os, "fsync", full)
    with pytest.raises(UserError, match="No space left"):
        segment(ArrayVolume(tomogram), parameters, tmp_path / "w")


def test_an_error_of_a_listener_comes_out(
    tomogram: np.ndarray, parameters: SegmentParameters, tmp_path: Path
) -> None:
    def listener(z: int, labels: np.ndarray) -> None:
        raise RuntimeError("closed window")

    with pytest.raises(RuntimeError, match="closed window"):
        segment(ArrayVolume(tomogram), parameters, tmp_path / "w", on_slices=listener)
    run(ArrayVolume(tomogram), parameters, tmp_path / "w", resume=True)


def test_the_preview_is_what_the_segmentation_will_be(
    tomogram: np.ndarray, parameters: SegmentParameters, tmp_path: Path
) -> None:
    _, labels = run(ArrayVolume(tomogram), parameters, tmp_path / "w")
    preview = segment_slice(ArrayVolume(tomogram), 4, parameters)
    np.testing.assert_array_equal(preview.labels, labels[4])
    np.testing.assert_array_equal(preview.labels > 0, preview.values > 0)
    tomogram[4] = 1
    assert segment_slice(ArrayVolume(tomogram), 4, parameters).labels is None


def test_the_estimate_grows_with_the_tomogram(model_path: Path) -> None:
    card, cpu = load_card(model_path), choose_device("cpu")
    small = estimate((10, 200, 200), card, cpu)
    large = estimate((1000, 400, 400), card, cpu, probability=True)
    assert small.seconds > 0 and large.seconds > 20 * small.seconds
    assert large.memory_bytes > small.memory_bytes > 10**6
    assert large.disk_bytes == 2 * 1000 * 400 * 400
    assert small.tile_px is None
    redrawn = estimate((10, 200, 200), card, cpu, trust="every")
    assert redrawn.seconds > 0 and redrawn.memory_bytes >= small.memory_bytes


def test_batches_join_neighbours_and_skip_the_rest(tomogram: np.ndarray) -> None:
    tomogram[2] = 0
    neighbours = Neighbours(0, len(tomogram))
    batches = list(read_batches(ArrayVolume(tomogram), neighbours, [0, 1, 2, 4, 5], 2, flip=False))
    assert [batch.positions for batch in batches] == [(0, 1), (2,), (4, 5)]
    assert batches[1].images is None
    flipped = list(read_batches(ArrayVolume(tomogram), neighbours, [4, 5], 2, flip=True))
    np.testing.assert_array_equal(flipped[0].images, -batches[2].images)


def test_a_fingerprint_knows_the_content_and_not_the_place(tomogram: np.ndarray) -> None:
    same = fingerprint(ArrayVolume(tomogram), (0, 6))
    assert fingerprint(ArrayVolume(tomogram.copy(order="F")), (0, 6)) == same
    tomogram[3, 5, 5] += 1
    assert fingerprint(ArrayVolume(tomogram), (0, 6)) != same


def test_slice_numbers_as_text() -> None:
    assert listed([7, 0, 1, 2, 3]) == "0–3, 7"
    assert listed(range(0, 40, 2), most=3) == "0, 2, 4, …"
