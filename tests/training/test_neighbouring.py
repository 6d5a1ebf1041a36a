"""Crops of neighbouring slices: cut alike, structures going on, grain mostly its own."""

import numpy as np
import pytest
from scipy import ndimage

from sxtstudio.core.polarity import chosen_polarity
from sxtstudio.training.artefacts import _shadow, bare_ice
from sxtstudio.training.augment import _radii, add_soft_bodies, random_appearance
from sxtstudio.training.crops import CropMaker, turned_crop
from sxtstudio.training.dataset import Dataset, SliceReader, SliceRef
from sxtstudio.training.grain import quilt
from sxtstudio.training.neighbouring import as_at_borders, persisting


class Tomogram:
    """Five slices: dark lines that move on by a pixel a slice, then (slice 4) unrelated grain."""

    polarity, name, voxel_nm = chosen_polarity("dark"), "lines", None

    def __init__(self, grain=0.3):
        rng = np.random.default_rng(0)
        self.labels = -np.ones((5, 80, 90), np.int8)
        for z in range(4):
            for column in range(8, 90, 20):
                self.labels[z, :, column + z : column + z + 4] = 1
        self.images = (grain * rng.normal(size=self.labels.shape) - 3.0 * (self.labels > 0)).astype(
            np.float32
        )
        self.images[4] = ndimage.gaussian_filter(rng.normal(size=(80, 90)), 4)
        self.depth, self.slices = 5, (1, 2)

    def image(self, z):
        return self.images[z]

    def truth(self, z):
        return self.labels[z]


def dataset(stack):
    refs = tuple(SliceRef(stack, z) for z in stack.slices)
    return Dataset(refs, refs, refs, SliceReader(), 10.0)


def correlation(one, other):
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def test_neighbours_repeat_at_borders_and_at_jumps():
    stack, reader = Tomogram(), SliceReader()
    images = [reader.image(SliceRef(stack, z)) for z in range(5)]

    def seen(z, slices):
        return [
            next(i for i in range(5) if plane is images[i])
            for plane in reader.context(SliceRef(stack, z), slices)
        ]

    assert seen(1, 1) == [1]
    assert seen(1, 3) == [0, 1, 2]
    assert seen(0, 3) == [0, 0, 1]
    assert seen(3, 3) == [2, 3, 3]  # slice 4 shows something else
    assert seen(4, 5) == [4] * 5
    stack.images, stack.depth = stack.images[:1], 1
    assert len({id(plane) for plane in SliceReader().context(SliceRef(stack, 0), 7)}) == 1


@pytest.mark.parametrize("cut", ["turned", "varied"])
def test_all_slices_are_cut_alike(cut):
    rng = np.random.default_rng(0)
    image = rng.normal(size=(60, 70)).astype(np.float32)
    planes, truth = [image - 1, image, image + 1], -np.ones((60, 70), np.int8)
    maker = CropMaker(dataset(Tomogram()), "appearances", 32, 3, slices=3)
    for _ in range(10):
        if cut == "turned":
            crop, labels = turned_crop(rng, planes, truth, 32)
        else:
            crop, labels = maker._varied_crop(rng, planes, truth)
        assert crop.shape == (3, 32, 32) and labels.shape == (32, 32)
        assert crop[2] - crop[1] == pytest.approx(1, abs=1e-5) and crop[1] - crop[0] == pytest.approx(
            1, abs=1e-5
        )


@pytest.mark.parametrize("augmentation", ["published", "appearances"])
def test_crops_of_several_slices_have_the_labels_of_the_middle_one(augmentation):
    maker = CropMaker(dataset(Tomogram(grain=0)), augmentation, 48, 3, slices=3, own_appearance=1.0)
    crops = maker.labelled(0, range(12))
    assert crops.images.shape == (12, 3, 48, 48) and crops.labels.shape == (12, 1, 48, 48)
    contrast = [
        [plane[label > 0].mean() - plane[label < 0].mean() for plane in image]
        for image, (label,) in zip(crops.images, crops.labels, strict=True)
    ]
    middle, others = np.array(contrast)[:, 1], np.array(contrast)[:, [0, 2]]
    assert (middle <= others.min(axis=1) + 1e-6).all() and (middle < others.min(axis=1) - 0.1).sum() >= 6
    assert maker.unlabelled(0, range(2)).images.shape == (2, 3, 48, 48)


def test_lines_persist_and_polarity_is_shared_while_grain_is_the_slices_own():
    stack = Tomogram(grain=0)
    stack.images[:4], stack.labels[:4] = stack.images[1], stack.labels[1]
    maker = CropMaker(dataset(stack), "appearances", 64, 3, slices=3)
    crops = maker.labelled(0, range(40))
    assert np.isfinite(crops.images).all()
    lines, own = [], 0
    for image, (label,) in zip(crops.images, crops.labels, strict=True):
        if (label > 0).any():
            lines.append([np.sign(p[label > 0].mean() - p[label < 0].mean()) for p in image])
        own += not np.array_equal(image[0], image[1]) and not np.array_equal(image[1], image[2])
    assert np.mean([len(set(signs)) == 1 for signs in lines]) > 0.9
    assert {signs[1] for signs in lines} == {-1, 1}
    assert 15 < own < 40


@pytest.mark.parametrize("share", [0.0, 0.4, 0.8])
def test_noise_of_neighbours_correlates_as_said_and_keeps_its_variance(share):
    noise = np.random.default_rng(0).normal(size=(5, 200, 200)).astype(np.float32)
    mixed = persisting(noise, share)
    assert np.array_equal(mixed[2], noise[2])
    assert mixed.std(axis=(1, 2)) == pytest.approx(np.ones(5), abs=0.02)
    for z in range(4):
        assert correlation(mixed[z], mixed[z + 1]) == pytest.approx(share, abs=0.02)
    assert correlation(mixed[0], mixed[4]) == pytest.approx(share**4, abs=0.02)


def test_grain_that_is_added_is_partly_the_next_slices():
    shares = []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        texture = rng.normal(size=(90, 90)).astype(np.float32)
        shares.append(correlation(*quilt(rng, [texture], (3, 64, 64))[:2]))
    assert 0 < min(shares) < 0.25 and 0.5 < max(shares) < 0.8
    # Textures of neighbouring slices come with the correlation that they have.
    both = np.stack([texture, texture, rng.normal(size=(90, 90)).astype(np.float32)])
    grain = quilt(rng, [both], (3, 64, 64))
    assert correlation(grain[0], grain[1]) == pytest.approx(1, abs=1e-5)
    assert abs(correlation(grain[1], grain[2])) < 0.1


def test_a_body_is_a_ball_that_the_slices_cut():
    for seed in range(30):
        radii = _radii(np.random.default_rng(seed), 10.0, (7, 64, 64))
        assert radii[3] == pytest.approx(10)
        squares = np.square(radii)
        # r² = R² − h²: its second difference is that of a parabola, between −2 and −2/4 (drawn out twofold).
        bend = squares[2:] - 2 * squares[1:-1] + squares[:-2]
        assert bend[squares[2:] * squares[:-2] > 0] == pytest.approx(bend[2], abs=1e-3)
        assert -2.001 <= bend[2] <= -0.499
    images = np.zeros((3, 96, 96), np.float32)
    drawn = [add_soft_bodies(np.random.default_rng(s), images, images[1])[0] for s in range(30)]
    inside = [
        [plane[image[1] < 0.5 * image[1].min()].mean() for plane in image] for image in drawn if image.any()
    ]
    assert len(inside) > 5 and (np.array(inside) < -0.1).mean() > 0.9


def test_a_streak_of_gold_moves_on_from_slice_to_slice():
    shadow = _shadow(np.random.default_rng(3), (3, 160, 160))
    assert shadow.shape == (3, 160, 160) and shadow.any()
    for seed in range(10):
        image, labels = bare_ice(np.random.default_rng(seed), 64, 3)
        assert image.shape == (3, 64, 64) and labels.shape == (64, 64)
        assert not np.array_equal(image[0], image[1])
    planes = random_appearance(np.random.default_rng(0), image, [])
    assert planes.shape == image.shape and planes.dtype == np.float32


def test_the_middle_slice_stands_for_neighbours_as_often_as_said():
    image = np.arange(5, dtype=np.float32)[:, None, None] * np.ones((1, 2, 2), np.float32)
    rng = np.random.default_rng(0)

    def kinds(single):
        found = [tuple(as_at_borders(rng, image, single)[:, 0, 0]) for _ in range(2000)]
        return {kind: found.count(kind) / 2000 for kind in set(found)}

    tomogram = kinds(single=False)
    assert set(tomogram) == {(0, 1, 2, 3, 4), (2,) * 5, (2, 2, 2, 3, 4), (0, 1, 2, 2, 2)}
    assert tomogram[(2,) * 5] == pytest.approx(0.1, abs=0.03)
    assert tomogram[(2, 2, 2, 3, 4)] == pytest.approx(0.05, abs=0.02)
    assert kinds(single=True)[(2,) * 5] == pytest.approx(0.5, abs=0.04)
    assert np.array_equal(image[:, 0, 0], np.arange(5))
