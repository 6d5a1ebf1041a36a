"""Neighbours that have a say, against outputs of slices turned and averaged here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from scipy import ndimage

from sxtstudio.core.errors import Cancelled
from sxtstudio.core.resemblance import coarsened, resemble
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.segment.neighbours import Mean, Neighbours, NetworkOutput
from sxtstudio.segment.parameters import SegmentParameters
from sxtstudio.segment.pipeline import segment
from sxtstudio.segment.preview import recognise_slice, segment_slice
from sxtstudio.segment.slices import read_batches

SHAPE = (7, 37, 50)


def white_noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.fixture
def tomogram() -> np.ndarray:
    """Slices that change slowly, each with a little noise of its own."""
    structure = ndimage.gaussian_filter(white_noise(*SHAPE), (4, 3, 3), mode="wrap")
    return structure / structure.std() + 0.1 * white_noise(*SHAPE, seed=1)


@pytest.fixture
def parameters(model_path: Path) -> SegmentParameters:
    return SegmentParameters(model=model_path, device="cpu", polarity="dark", probability=True)


@pytest.fixture
def head(model_path: Path) -> Any:
    """The label head for a slice (y, x) turned by some quarters, turned back."""
    session = onnxruntime.InferenceSession(model_path, providers=["CPUExecutionProvider"])

    def output(image: np.ndarray, quarters: int) -> np.ndarray:
        values = np.rot90(image.astype(np.float64), quarters)
        values = (values - values.mean()) / values.std()
        height, width = values.shape
        padded = np.pad(values, [(0, -height % 16), (0, -width % 16)], mode="reflect").astype(np.float32)
        found = session.run(["label"], {"input": padded[None, None]})[0][0, 0, :height, :width]
        return np.rot90(found, -quarters)

    return output


def run(volume: np.ndarray, parameters: SegmentParameters, folder: Path, **options: Any) -> Any:
    """Return the labels, and the outputs as they are kept."""
    with segment(ArrayVolume(volume), parameters, folder, **options) as result:
        return np.array(result.labels.array), np.array(result.probability.array) / 127.5 - 1


def assert_is(found: Any, expected: Any) -> None:
    labels, outputs = found
    np.testing.assert_allclose(outputs, expected, atol=0.009)  # kept in 255 steps
    clear = np.abs(np.array(expected)) > 1e-4
    np.testing.assert_array_equal(labels[clear], np.where(np.array(expected) > 0, 255, 0)[clear])


def test_each_slice_is_the_mean_of_itself_and_its_neighbours_each_turned_on(
    tomogram: np.ndarray, parameters: SegmentParameters, head: Any, tmp_path: Path
) -> None:
    neighbours = {z: head(tomogram[min(max(z, 0), 6)], z) for z in range(-1, 8)}
    expected = [(neighbours[z - 1] + neighbours[z] + neighbours[z + 1]) / 3 for z in range(7)]
    assert_is(run(tomogram, parameters, tmp_path / "w"), expected)
    alone = [head(image, 0) for image in tomogram]
    assert_is(run(tomogram, replace(parameters, neighbours=0), tmp_path / "one"), alone)
    assert np.abs(np.array(expected) - alone).max() > 0.05  # else neither would show anything


def test_neither_range_nor_batch_nor_interruption_changes_a_slice(
    tomogram: np.ndarray,
    parameters: SegmentParameters,
    tmp_path: Path,
    cancel_before: Callable[[int], None],
) -> None:
    whole, _ = run(tomogram, parameters, tmp_path / "w")
    part, _ = run(tomogram, replace(parameters, slices=(2, 5)), tmp_path / "part")
    np.testing.assert_array_equal(part, whole[2:5])
    batches, _ = run(tomogram, replace(parameters, batch=3), tmp_path / "batches")
    np.testing.assert_array_equal(batches, whole)
    cancel_before(3)
    with pytest.raises(Cancelled):
        run(tomogram, parameters, tmp_path / "cut")
    again, _ = run(tomogram, parameters, tmp_path / "cut", resume=True)
    np.testing.assert_array_equal(again, whole)
    preview = segment_slice(ArrayVolume(tomogram), 4, parameters)
    np.testing.assert_array_equal(preview.labels, whole[4])


def test_a_single_slice_is_turned_three_ways(
    tomogram: np.ndarray, parameters: SegmentParameters, head: Any, tmp_path: Path
) -> None:
    image = tomogram[3]
    expected = (head(image, -1) + head(image, 0) + head(image, 1)) / 3
    assert_is(run(image[None], parameters, tmp_path / "w"), [expected])


def test_pictures_that_do_not_resemble_each_other_have_no_say(
    parameters: SegmentParameters, head: Any, tmp_path: Path
) -> None:
    pictures = np.stack([ndimage.gaussian_filter(white_noise(37, 50, seed=n), 3) for n in range(5)])
    expected = [head(picture, z) for z, picture in enumerate(pictures)]
    # The ends are looked at twice.
    expected[0] = (expected[0] + head(pictures[0], -1)) / 2
    expected[4] = (expected[4] + head(pictures[4], 5)) / 2
    assert_is(run(pictures, parameters, tmp_path / "w"), expected)


def test_a_slice_without_content_has_no_labels_and_no_say(
    tomogram: np.ndarray, parameters: SegmentParameters, head: Any, tmp_path: Path
) -> None:
    tomogram[3] = np.nan
    labels, outputs = run(tomogram, parameters, tmp_path / "w")
    assert not labels[3].any()
    np.testing.assert_allclose(outputs[2], (head(tomogram[1], 1) + head(tomogram[2], 2)) / 2, atol=0.009)
    np.testing.assert_allclose(outputs[4], (head(tomogram[4], 4) + head(tomogram[5], 5)) / 2, atol=0.009)


def test_what_is_recognised_of_a_slice_is_the_same_alone_and_in_a_run(
    tomogram: np.ndarray, parameters: SegmentParameters, head: Any, tmp_path: Path
) -> None:
    with segment(ArrayVolume(tomogram), replace(parameters, trust="every"), tmp_path / "w") as result:
        shares = [figures.recognised for figures in result.trust]
        sure = result.trust[2].certainty
    found = recognise_slice(ArrayVolume(tomogram), 3, parameters)
    assert found.share == pytest.approx(shares[3], abs=1e-4)
    assert found.around.shape == SHAPE[1:]
    assert found.around.mean() == pytest.approx(found.share, abs=0.03)
    # How sure the network is of its labels is about the mean, which they come from.
    p = (np.mean([head(tomogram[z], z) for z in (1, 2, 3)], axis=0) + 1) / 2
    labelled = p > 0.5
    assert sure == pytest.approx(2 * p[labelled].sum() / (labelled.sum() + p.sum()), abs=1e-3)


def test_no_more_than_the_neighbours_are_kept() -> None:
    neighbours, order = Neighbours(1, 100), list(range(-1, 101))
    mean = Mean(neighbours, range(100))
    finished = []
    for position in order:
        values = np.full((2, 3), position, np.float32)
        finished += [
            (output.position, float(output.values[0, 0]))
            for output in mean.add(NetworkOutput(position, values))
        ]
        assert len(mean._outputs) <= 2
    # The mean of z − 1, z and z + 1 is z.
    assert finished == [(z, z) for z in range(100)]
    assert not mean._outputs


def test_outputs_may_come_in_any_order() -> None:
    mean = Mean(Neighbours(1, 4), [1, 2])
    come = [
        mean.add(NetworkOutput(position, np.full((1, 1), position, np.float32))) for position in (2, 0, 3, 1)
    ]
    assert [len(part) for part in come] == [0, 0, 0, 2]
    assert {output.position: float(output.values[0, 0]) for output in come[-1]} == {1: 1.0, 2: 2.0}


def test_batches_hold_slices_that_lie_alike(tomogram: np.ndarray) -> None:
    batches = list(read_batches(ArrayVolume(tomogram), Neighbours(1, 7), range(-1, 8), 3, flip=False))
    assert sorted(position for batch in batches for position in batch.positions) == list(range(-1, 8))
    for batch in batches:
        assert len({position % 2 for position in batch.positions}) == 1 and len(batch.positions) <= 3
        assert batch.images.shape[1:] == ((1, 50, 37) if batch.positions[0] % 2 else (1, 37, 50))
    like = {
        position: flag
        for batch in batches
        for position, flag in zip(batch.positions, batch.like_previous, strict=True)
    }
    assert like == {position: position > -1 for position in range(-1, 8)}


def test_resemblance_sees_through_noise_and_is_not_fooled_by_it() -> None:
    structure = ndimage.gaussian_filter(white_noise(128, 96), 6)
    structure /= structure.std()
    noisy = [structure + 1.2 * white_noise(128, 96, seed=n) for n in (1, 2)]
    assert np.corrcoef(noisy[0].ravel(), noisy[1].ravel())[0, 1] < 0.5

    def alike(first: np.ndarray, second: np.ndarray) -> bool:
        return resemble(coarsened(first), coarsened(second))

    assert alike(*noisy)
    other = ndimage.gaussian_filter(white_noise(128, 96, seed=3), 6)
    assert not alike(structure, other)
    assert not alike(white_noise(128, 96, seed=1), white_noise(128, 96, seed=2))
    assert not alike(structure, -structure)
    assert not alike(structure, np.zeros_like(structure))
    assert alike(structure[:5, :7], structure[:5, :7])


@pytest.mark.parametrize(("correlation", "alike"), [(0.95, True), (0.82, True), (0.78, False), (0.5, False)])
def test_slices_resemble_each_other_from_a_correlation_of_0_8_on(correlation: float, alike: bool) -> None:
    """Slices of a tomogram have more than 0.95, of different ones 0.5: the limit lies between."""
    first, other = white_noise(40, 30).astype(np.float64), white_noise(40, 30, seed=1).astype(np.float64)
    first, other = (image - image.mean() for image in (first, other))
    other -= first * np.vdot(first, other) / np.vdot(first, first)
    first, other = first / first.std(), other / other.std()
    second = 3 + 7 * (correlation * first + np.sqrt(1 - correlation**2) * other)
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] == pytest.approx(correlation)
    assert resemble(first, second) is alike


def test_a_slice_after_one_without_content_resembles_nothing(tomogram: np.ndarray) -> None:
    tomogram[3] = 0
    batches = read_batches(ArrayVolume(tomogram), Neighbours(1, 7), range(2, 6), 1, flip=False)
    assert {batch.positions[0]: batch.like_previous[0] for batch in batches} == {
        2: False,  # the first that is read
        3: False,
        4: False,
        5: True,
    }
