"""Grey values of materials: inside of an object, in a box, in part of a box."""

from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.measure import samples
from sxtstudio.core.measure.samples import sample_object, sample_place
from sxtstudio.core.volume import ArrayVolume

WHOLE = Box((0, 0, 0), (40, 30, 30))


def blurred_rod() -> tuple[np.ndarray, ArrayVolume]:
    """Object 5: 8 inside, 3 at its rim of 50 nm; 1 around, and one voxel that was not measured."""
    objects = np.zeros((40, 30, 30), np.uint32)
    objects[4:36, 8:24, 8:24] = 5
    image = np.where(objects == 5, 3.0, 1.0).astype(np.float32)
    image[9:31, 13:19, 13:19] = 8
    image[20, 15, 15] = np.nan
    objects[1, 1, 1:3] = 6
    return objects, ArrayVolume(image)


def test_the_inside_of_an_object_is_without_its_rim() -> None:
    objects, image = blurred_rod()
    found = sample_object(image, objects, 5, Box((4, 8, 8), (36, 24, 24)), (10.0, 10.0, 10.0))
    assert (found.mean, found.sd, found.voxels) == (8, 0, 22 * 6 * 6 - 1)
    assert found.measured == "inside of object 5, 791 voxels, SD 0"
    assert sample_object(image, objects, 5, WHOLE, None) == found  # 5 voxels where the size is unknown
    thin = sample_object(image, objects, 6, WHOLE, None)
    assert (thin.mean, thin.voxels, thin.where) == (1, 2, "object 6")


def test_of_a_very_large_object_the_middle_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    objects, image = blurred_rod()
    monkeypatch.setattr(samples, "_MOST_VOXELS", 9 * 18 * 18)
    found = sample_object(image, objects, 5, Box((4, 8, 8), (36, 24, 24)), (10.0, 10.0, 10.0))
    assert found.mean == 8 and found.voxels == 9 * 6 * 6 - 1


def test_a_box_and_a_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.arange(6 * 4 * 5).reshape(6, 4, 5).astype(np.uint16) + 1000
    box = Box((1, 1, 0), (5, 3, 5))
    monkeypatch.setattr("sxtstudio.core.walk.SLAB_VOXELS", 20)
    found = sample_place(ArrayVolume(values), box, "the box")
    assert found.mean == pytest.approx(values[1:5, 1:3].mean())
    assert found.sd == pytest.approx(values[1:5, 1:3].std())
    assert (found.voxels, found.where) == (40, "the box")
    odd = sample_place(ArrayVolume(values), box, "odd", lambda part: values[part.slices] % 2 == 1)
    assert odd.mean == pytest.approx(values[1:5, 1:3][values[1:5, 1:3] % 2 == 1].mean())
    assert odd.voxels == 20


@pytest.mark.parametrize(
    ("values", "share"),
    [
        pytest.param([255] * 30 + [200] * 70, 0.3, id="white of 8 bit"),
        pytest.param([0] * 5 + [200] * 95, 0.05, id="black of 8 bit"),
        pytest.param([254] * 100, 0.0, id="nearly white"),
    ],
)
def test_what_is_cut_off_at_the_end_of_the_scale_is_said(values: list[int], share: float) -> None:
    image = np.array(values, np.uint8).reshape(4, 5, 5)
    objects = np.ones((4, 5, 5), np.uint32)
    box = Box((0, 0, 0), (4, 5, 5))
    place = sample_place(ArrayVolume(image), box, "the box")
    thing = sample_object(ArrayVolume(image), objects, 1, box, None)
    assert place.clipped == thing.clipped == pytest.approx(share)
    assert bool(place.warning) is place.is_clipped is (share > 0)
    assert (f"{100 * share:.0f} % of them cut off" in place.measured) is (share > 0)


def test_grain_is_not_cut_off_and_a_scale_that_was_is() -> None:
    grain = np.random.default_rng(0).normal(5, 1, (8, 10, 10)).astype(np.float32)
    box = Box((0, 0, 0), (8, 10, 10))
    assert sample_place(ArrayVolume(grain), box, "it").clipped == 0
    cut = sample_place(ArrayVolume(np.minimum(grain, np.float32(5.5))), box, "it")
    assert cut.clipped == pytest.approx((grain >= 5.5).mean())


def test_a_place_without_values_is_a_sentence() -> None:
    image = ArrayVolume(np.full((4, 4, 4), np.nan, np.float32))
    with pytest.raises(UserError, match="no grey value in the box"):
        sample_place(image, Box((0, 0, 0), (4, 4, 4)), "the box")
    with pytest.raises(UserError, match="Object 3 has no voxel"):
        sample_object(image, np.full((4, 4, 4), 3, np.uint32), 3, Box((0, 0, 0), (4, 4, 4)), None)
