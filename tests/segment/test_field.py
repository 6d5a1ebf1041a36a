"""Slices with a fill: segmented as if the file held nothing else, whatever the fill is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from sxtstudio.core.volume import ArrayVolume
from sxtstudio.segment import (
    SegmentParameters,
    load_card,
    make_runner,
    recognise_slice,
    segment,
    segment_slice,
)
from sxtstudio.segment.device import choose_device
from sxtstudio.segment.field import Field, fill_note

SHAPE = (4, 75, 92)
PADDING = ((5, 9), (12, 2))
CIRCLE = np.hypot(*(np.mgrid[:75, :92] - np.array([37, 45])[:, None, None])) < 36


@pytest.fixture
def tomogram() -> np.ndarray:
    """Slices that change slowly, each with a little noise of its own."""
    random = np.random.default_rng(0)
    structure = ndimage.gaussian_filter(random.normal(size=SHAPE), (4, 3, 3), mode="wrap")
    return (structure / structure.std() + 0.1 * random.normal(size=SHAPE) + 5).astype(np.float32)


@pytest.fixture
def parameters(model_path: Path) -> SegmentParameters:
    return SegmentParameters(model_path, device="cpu", polarity="dark", probability=True, trust="every")


def run(volume: np.ndarray, parameters: SegmentParameters, folder: Path) -> Any:
    with segment(ArrayVolume(volume), parameters, folder) as result:
        return result, np.array(result.labels.array), np.array(result.probability.array)


@pytest.mark.parametrize("fill", [0, -9999, np.nan])
def test_a_frame_changes_nothing_within(
    tomogram: np.ndarray, parameters: SegmentParameters, tmp_path: Path, fill: float
) -> None:
    plain, labels, probability = run(tomogram, parameters, tmp_path / "plain")
    framed = np.stack([np.pad(image, PADDING, constant_values=fill) for image in tomogram])
    found, *both = run(framed, parameters, tmp_path / "framed")
    for mine, other in zip(both, (labels, probability), strict=True):
        np.testing.assert_array_equal(mine, np.stack([np.pad(image, PADDING) for image in other]))
    share = 75 * 92 / (89 * 106)
    assert [f.certainty for f in found.trust] == [f.certainty for f in plain.trust]
    assert [f.recognised for f in found.trust] == [f.recognised for f in plain.trust]
    assert [f.measured for f in found.trust] == pytest.approx([share] * 4)
    assert found.fill_share == pytest.approx(1 - share) and plain.fill_share == 0
    assert [note for note in found.notes if note not in plain.notes] == [fill_note(1 - share, "the slices")]
    assert found.voxels == plain.voxels


def test_a_circle_has_no_labels_around_it_in_whatever_tiles(
    tomogram: np.ndarray, parameters: SegmentParameters, tmp_path: Path
) -> None:
    card = load_card(parameters.model)
    assert card.halo_px > 16  # so that tiles of 32 px overlap
    round_one = np.where(CIRCLE, tomogram, -1)
    found, labels, probability = run(round_one, parameters, tmp_path / "whole")
    assert labels[:, CIRCLE].any() and not labels[:, ~CIRCLE].any() and not probability[:, ~CIRCLE].any()
    _, in_tiles, _ = run(round_one, replace(parameters, tile_px=32), tmp_path / "tiles")
    assert (in_tiles != labels).mean() < 1e-3, "but for rounding"
    with_nan = np.where(CIRCLE, tomogram, np.nan)
    np.testing.assert_array_equal(run(with_nan, parameters, tmp_path / "nan")[1], labels)
    one = segment_slice(ArrayVolume(round_one), 2, parameters)
    np.testing.assert_array_equal(one.labels, labels[2])
    assert one.measured == pytest.approx(CIRCLE.mean()) == found.trust[2].measured
    assert one.notes[-1] == fill_note(1 - CIRCLE.mean(), "this slice")
    seen = recognise_slice(ArrayVolume(round_one), 2, parameters)
    assert seen.share == found.trust[2].recognised
    assert (seen.around[~CIRCLE] == 1).all() and seen.around[CIRCLE].mean() == pytest.approx(
        seen.share, abs=0.05
    )


def test_a_neighbour_has_no_say_where_it_was_not_measured(
    tomogram: np.ndarray, parameters: SegmentParameters, model_path: Path
) -> None:
    tomogram[0, :, :40] = np.nan
    tomogram[2] = tomogram[3] = 0
    values = segment_slice(ArrayVolume(tomogram), 1, parameters).values
    runner = make_runner(load_card(model_path), choose_device("cpu"))
    alone = {}
    for z, box in ((0, np.s_[:, 40:]), (1, np.s_[:, :])):
        image = tomogram[z][box].astype(np.float64)
        image = np.rot90((image - image.mean()) / image.std(), z).astype(np.float32)
        alone[z] = np.rot90(runner.run(image[None])["label"][0], -z)
    runner.close()
    np.testing.assert_allclose(values[:, :40], alone[1][:, :40], atol=1e-4)
    np.testing.assert_allclose(values[:, 40:], (alone[0] + alone[1][:, 40:]) / 2, atol=1e-4)


def test_slices_with_fills_of_different_sizes(
    tomogram: np.ndarray, parameters: SegmentParameters, tmp_path: Path
) -> None:
    for z in range(4):
        tomogram[z, : 8 + 3 * z] = 0
    one_by_one = run(tomogram, parameters, tmp_path / "one")[1]
    assert all(not one_by_one[z, : 8 + 3 * z].any() for z in range(4))
    np.testing.assert_array_equal(
        run(tomogram, replace(parameters, batch=4), tmp_path / "four")[1], one_by_one
    )


def test_no_labels_are_a_warning(tomogram: np.ndarray, parameters: SegmentParameters, tmp_path: Path) -> None:
    found, labels, _ = run(tomogram, replace(parameters, threshold=0.9999), tmp_path / "none")
    assert not labels.any() and found.voxels == 0
    (warning,) = found.warnings
    assert "Nothing was labelled" in warning and "dark" in warning and "0.9999" in warning
    assert run(tomogram, parameters, tmp_path / "some")[0].warnings == ()


def test_values_go_back_to_their_place() -> None:
    measured = np.zeros((5, 6), bool)
    measured[1:4, 2:5] = True
    measured[2, 3] = False
    field = Field((5, 6), measured)
    image = np.arange(30, dtype=np.float32).reshape(5, 6)
    np.testing.assert_array_equal(field.cut(image), image[1:4, 2:5])
    np.testing.assert_array_equal(field.placed(field.cut(image), -7), np.where(measured, image, -7))
    assert field.share == 8 / 30 and field.inside(image).tolist() == image[measured].tolist()
    whole = Field((5, 6))
    assert whole.placed(image) is image and whole.cut(image) is not None and whole.share == 1


@pytest.mark.parametrize(("share", "said"), [(0.234, "23 %"), (0.0123, "1.2 %"), (0.0004, "less than 0.1 %")])
def test_the_share_of_a_fill_in_words(share: float, said: str) -> None:
    assert fill_note(share, "the slices").startswith(f"{said} of the slices was not measured")
