"""The nearest other object, of crowds of specks and of large objects: against all pairs of faces."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from sxtstudio.core.errors import Cancelled
from sxtstudio.core.measure.faces import Surfaces
from sxtstudio.core.measure.inventory import take_inventory
from sxtstudio.core.measure.nearest import nearest_objects
from sxtstudio.core.measure.subject import Subject
from sxtstudio.core.progress import Progress, ProgressState

Objects = NDArray[np.uint32]
Voxel = tuple[float, float, float]


def surfaces_of(objects: Objects, voxel: Voxel = (1.0, 1.0, 1.0)) -> Surfaces:
    return Surfaces(Subject(objects, voxel, True, take_inventory(objects)))


def all_pairs(objects: Objects, voxel: Voxel) -> NDArray[np.float64]:
    """Distances between all objects (n, n), one voxel and one side of it after another; inf to itself."""
    faces = []
    for number in np.unique(objects)[1:]:
        mask = objects == number
        own = [
            (voxel_at + beside) / 2
            for voxel_at in np.argwhere(mask)
            for beside in voxel_at + np.concatenate([np.eye(3, dtype=int), -np.eye(3, dtype=int)])
            if (beside >= 0).all() and (beside < mask.shape).all() and not mask[tuple(beside)]
        ]
        faces.append(np.reshape(own, (-1, 3)) * voxel)
    apart = np.array([[cdist(a, b).min() if len(a) and len(b) else np.inf for b in faces] for a in faces])
    np.fill_diagonal(apart, np.inf)
    return apart


def random_objects(seed: int) -> Objects:
    """Specks, clumps and a few large objects that wind among them, some in a heap and some far apart."""
    rng = np.random.default_rng(seed)
    objects = np.zeros(rng.integers(9, 26, 3), np.uint32)
    number = 0
    for size, count in ((7, 3), (3, 8), (1, 40)):
        for _ in range(count):
            number += int(rng.integers(1, 5))
            heaped = rng.random() < 0.5
            at = (rng.random(3) ** (3 if heaped else 1) * objects.shape).astype(int)
            part = objects[tuple(slice(a, a + int(rng.integers(1, size + 1))) for a in at)]
            part[rng.random(part.shape) < 0.8] = number
    return objects


@pytest.mark.parametrize("voxel", [(1, 1, 1), (20, 10, 10), (3.5, 7, 11)], ids=str)
@pytest.mark.parametrize("small", [0, 8, 60, 10_000], ids="at most {} faces".format)
def test_distances_are_those_of_all_pairs(voxel: Voxel, small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sxtstudio.core.measure.nearest._SMALL", small)
    monkeypatch.setattr("sxtstudio.core.measure.nearest._AT_ONCE", 7)
    monkeypatch.setattr("sxtstudio.core.measure.faces._ALL_PAIRS", 50)
    monkeypatch.setattr("sxtstudio.core.measure.faces._AT_ONCE", 11)
    monkeypatch.setattr("sxtstudio.core.measure.faces._SLAB_VOXELS", 900)
    for seed in range(3):
        objects = random_objects(seed)
        apart = all_pairs(objects, voxel)
        surfaces = surfaces_of(objects, voxel)
        n = len(apart)
        for members in (np.ones(n, bool), np.arange(n) % 3 == 0, np.arange(n) == 1, np.zeros(n, bool)):
            expected = np.where(members, apart, np.inf)
            found = nearest_objects(surfaces, members, Progress())
            np.testing.assert_allclose(found.distance, expected.min(axis=1))
            known = np.isfinite(found.distance)
            np.testing.assert_array_equal(found.row >= 0, known)
            rows = np.flatnonzero(known)
            np.testing.assert_allclose(expected[rows, found.row[rows]], found.distance[rows])


def test_faces_of_chosen_objects_alone() -> None:
    objects = random_objects(5)
    numbers = np.unique(objects)[1:].tolist()
    whole = surfaces_of(objects).faces
    chosen = take_inventory(objects).only(numbers[1::4])
    faces = Surfaces(Subject(objects, (1, 1, 1), True, chosen)).faces
    assert len(faces) == len(numbers[1::4])
    for own, expected in zip(faces, whole[1::4], strict=True):
        assert set(map(tuple, own.tolist())) == set(map(tuple, expected.tolist()))
    assert Surfaces(Subject(objects, (1, 1, 1), True, take_inventory(objects).only([]))).faces == []


def test_a_heap_of_specks_is_searched_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is looked at pair by pair, however near the specks are to each other in a large volume."""
    objects = np.zeros((20, 200, 200), np.uint32)
    objects[2:18:2, 2:26:2, 2:26:2] = np.arange(1, 8 * 12 * 12 + 1).reshape(8, 12, 12)
    monkeypatch.setattr(Surfaces, "gap", lambda *_: pytest.fail("two specks were compared"))
    monkeypatch.setattr(Surfaces, "near", lambda *_: pytest.fail("a speck was looked around"))
    found = nearest_objects(surfaces_of(objects), np.ones(8 * 12 * 12, bool), Progress())
    assert set(found.distance.tolist()) == {1.0}


def test_it_reports_from_the_start_and_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sxtstudio.core.measure.nearest._AT_ONCE", 100)
    objects = np.zeros((20, 60, 60), np.uint32)
    objects[2:18:2, 2:50:2, 2:50:2] = np.arange(1, 8 * 24 * 24 + 1).reshape(8, 24, 24)
    heard: list[float] = []

    def listen(state: ProgressState) -> None:
        heard.append(state.fraction)
        if len(heard) == 5:
            progress.cancel()

    progress = Progress(listener=listen)
    with pytest.raises(Cancelled):
        nearest_objects(surfaces_of(objects), np.ones(8 * 24 * 24, bool), progress)
    assert heard == sorted(heard) and 0 < heard[0] < 0.02
