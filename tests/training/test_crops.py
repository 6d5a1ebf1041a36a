import numpy as np
import pytest

from sxtstudio.core.polarity import chosen_polarity
from sxtstudio.training.crops import CropMaker, Spectra, _choose, turned_crop
from sxtstudio.training.dataset import Dataset, SliceReader, SliceRef


class Slices:
    """Dark upright lines, three pixels wide, on grain; the right half of slice 1 does not count."""

    polarity, name, voxel_nm = chosen_polarity("dark"), "lines", None

    def __init__(self, ignored=True):
        rng = np.random.default_rng(0)
        self.labels = -np.ones((3, 60, 70), np.int8)
        for column in (10, 11, 12):
            self.labels[:, :, column::12] = 1
        self.images = rng.normal(size=self.labels.shape).astype(np.float32) - 3.0 * (self.labels > 0)
        if ignored:
            self.labels[1, :, 35:] = 0
        self.slices = (0, 1, 2)

    def image(self, z):
        return self.images[z]

    def truth(self, z):
        return self.labels[z]


@pytest.fixture
def maker():
    def make(augmentation="appearances", **options):
        stack = Slices()
        refs = tuple(SliceRef(stack, z) for z in stack.slices)
        dataset = Dataset(refs, refs, refs, SliceReader(), 10.0)
        return CropMaker(dataset, augmentation, 32, seed=3, **options)

    return make


@pytest.mark.parametrize("augmentation", ["published", "appearances"])
def test_crops_follow_from_seed_step_and_number_alone(maker, augmentation):
    once, again = maker(augmentation), maker(augmentation)
    again.labelled(9, range(1))
    for kind in ("labelled", "unlabelled"):
        first, second = (getattr(m, kind)(5, range(2)).images for m in (once, again))
        assert np.array_equal(first, second)
        assert not np.array_equal(first[0], first[1])
        assert not np.array_equal(first, getattr(once, kind)(6, range(2)).images)
        # Two processes that share a step make together what one would.
        shared = [getattr(once, kind)(5, numbers).images for numbers in (range(1), range(1, 2))]
        assert np.array_equal(np.concatenate(shared), first)


@pytest.mark.parametrize("options", [{}, {"soft_bodies": True}], ids=["plain", "bodies"])
def test_crops_are_what_the_network_takes(maker, options):
    crops = maker(**options).labelled(0, range(12))
    assert crops.images.shape == crops.labels.shape == (12, 1, 32, 32)
    assert crops.images.dtype == crops.labels.dtype == np.float32
    assert set(np.unique(crops.labels)) == {-1.0, 0.0, 1.0}
    assert np.isfinite(crops.images).all()


def test_image_and_label_are_turned_alike_in_all_eight_ways():
    rng = np.random.default_rng(0)
    truth = rng.integers(-1, 2, (40, 50)).astype(np.int8)
    image = truth + np.linspace(0, 0.1, 50, dtype=np.float32)  # so that a crop tells where it comes from
    seen = set()
    for _ in range(100):
        cut, labels = turned_crop(rng, [image], truth, 16)
        cut = cut[0]
        assert np.array_equal(np.rint(cut - 0.05), labels)
        slope = np.rint(
            1e4
            * np.array(
                [(cut - labels)[1, 0] - (cut - labels)[0, 0], (cut - labels)[0, 1] - (cut - labels)[0, 0]]
            )
        )
        seen.add(tuple(np.sign(slope)))
    assert seen == {(0, 1), (0, -1), (1, 0), (-1, 0)}


def test_what_is_added_round_a_small_slice_does_not_count():
    rng = np.random.default_rng(0)
    image, truth = np.ones((20, 48), np.float32), np.ones((20, 48), np.int8)
    for _ in range(8):
        cut, labels = turned_crop(rng, [image], truth, 32)
        assert cut.shape == (1, 32, 32) and labels.shape == (32, 32)
        assert (cut == 1).all()
        assert (labels != 0).sum() == 20 * 32


def test_a_pixel_that_mixes_with_an_ignored_one_is_ignored(maker):
    """Interpolation must not make labels out of pixels that do not count."""
    appearances = maker()
    rng = np.random.default_rng(0)
    image, truth = np.zeros((60, 70), np.float32), -np.ones((60, 70), np.int8)
    truth[:, 20:] = 0
    truth[::2, 20:] = 0
    for _ in range(20):
        _, labels = appearances._varied_crop(rng, [image], truth)
        assert not (labels == 1).any()
    truth[:, 20:] = 1  # the same place counts now: then there is membrane
    assert any((appearances._varied_crop(rng, [image], truth)[1] == 1).any() for _ in range(20))


@pytest.fixture
def no_ice(monkeypatch):
    """No crop is replaced by bare ice."""
    monkeypatch.setattr("sxtstudio.training.crops._BARE_ICE", 0)


@pytest.mark.usefixtures("no_ice")
def test_crops_in_their_own_look_are_never_turned_over_or_veiled(maker):
    def contrasts(share):
        crops = maker(own_appearance=share).labelled(0, range(30))
        pairs = zip(crops.images, crops.labels, strict=True)
        return [
            image[label > 0].mean() - image[label < 0].mean() for image, label in pairs if (label > 0).any()
        ]

    assert max(contrasts(1.0)) < -0.5
    assert max(contrasts(0.0)) > 0  # looks of the other polarity


def test_slices_come_as_often_as_their_chances_say(maker):
    crops = maker("published")
    rng = np.random.default_rng(0)
    refs = crops._data.labelled
    drawn = [_choose(rng, refs, np.array([0.1, 0.1, 1.0])).z for _ in range(2000)]
    assert drawn.count(1) == 0  # no chance
    assert abs(drawn.count(0) / 2000 - 0.1) < 0.03


def test_some_crops_show_ice_instead_but_none_in_its_own_appearance(maker):
    def empty(share):
        return [
            not (labels > 0).any() for labels in maker(own_appearance=share).labelled(0, range(60)).labels
        ]

    assert not any(empty(1.0))
    assert 2 <= sum(empty(0.0)) <= 20


@pytest.mark.usefixtures("no_ice")
def test_what_the_new_look_drowns_does_not_count(maker):
    crops = maker(own_appearance=0.0).labelled(0, range(40))
    own = maker(own_appearance=1.0).labelled(0, range(40))
    pairs = zip(crops.labels, own.labels, strict=True)
    lost = [np.mean(veiled[true == 1] == 0) for veiled, true in pairs if (true == 1).any()]
    assert max(lost) > 0.5 and min(lost) < 0.1
    # Background still counts wherever it did.
    assert not ((crops.labels == 0) & (own.labels == -1)).any()


@pytest.mark.usefixtures("no_ice")
def test_the_image_head_is_to_draw_the_crop_as_it_was(maker):
    """Of the same crops: in their own appearance, and in another that is to be undone, polarity apart."""
    own = maker(own_appearance=1.0).labelled(0, range(30))
    other = maker(own_appearance=0.0, restore=True).labelled(0, range(30))
    assert own.targets is None and other.targets.shape == (30, 1, 32, 32)
    signs = []
    for image, target, changed in zip(own.images, other.targets, other.images, strict=True):
        sign = np.sign((image * target).sum())
        signs.append(sign)
        assert sign * target == pytest.approx(image, abs=1e-4)
        assert not np.array_equal(changed, target)
    assert set(signs) == {-1, 1}
    unlabelled = maker(restore=True).unlabelled(0, range(4))
    assert unlabelled.targets.shape == unlabelled.images.shape
    assert not np.array_equal(unlabelled.targets, unlabelled.images)


def test_two_appearances_are_of_the_same_crops(maker):
    crops = maker(restore=True).in_two_appearances(3, range(4))
    assert crops.images.shape == (8, 1, 32, 32) and crops.plain.shape == (4, 1, 32, 32)
    for i in range(4):
        assert not np.array_equal(crops.images[i], crops.images[i + 4])
        for target in (crops.targets[i], crops.targets[i + 4]):
            assert np.abs(target) == pytest.approx(np.abs(crops.plain[i]), abs=1e-5)
    joined = maker(restore=True).labelled(3, range(2)).and_unlabelled(crops)
    assert joined.images.shape == joined.targets.shape == (10, 1, 32, 32) and joined.labels.shape[0] == 2


@pytest.mark.usefixtures("no_ice")
def test_as_many_crops_get_real_spectra_as_said(maker):
    plain = maker().labelled(0, range(20)).images
    for share, least, most in ((0.0, 0, 0), (1.0, 15, 20)):
        mixed = maker(spectra=Spectra(share, 1.0, 1.0)).labelled(0, range(20)).images
        changed = sum(not np.array_equal(one, other) for one, other in zip(plain, mixed, strict=True))
        assert share == 0 or least <= changed <= most
