"""Packs of vesicles: where they lie, that each is an object, and that they are of middling contrast."""

import numpy as np

from sxtstudio.training import vesicle_packs
from sxtstudio.training.canvas import CLASSES, Appearance, Phantom


def cytoplasm(shape=(32, 120, 120)):
    return Phantom.empty(shape, Appearance(10, 0.25, 0.5, 30, 0.5), 0.25, room=1e3)


def test_a_pack_is_a_heap_and_not_a_scatter():
    phantom = cytoplasm((32, 240, 240))
    many = vesicle_packs.add_pack(np.random.default_rng(1), phantom, most=40)
    assert many >= 20 and phantom.objects == ["vesicle"] * many
    places = np.argwhere(phantom.classes == CLASSES["vesicle"])
    spread = places.max(0) - places.min(0)
    assert spread.max() < 190  # up to 1.5 µm across and a vesicle more to each side
    assert np.array_equal(phantom.instances > 0, phantom.classes > 0)


def test_a_crammed_cell_is_full_of_vesicles_of_several_kinds():
    phantom = cytoplasm()
    many = vesicle_packs.cram(np.random.default_rng(2), phantom, 90)
    assert many > 40
    numbers, sizes = np.unique(phantom.instances[phantom.instances > 0], return_counts=True)
    assert numbers.max() == many and np.median(sizes) > 60
    assert np.mean(phantom.classes == CLASSES["vesicle"]) > 0.08


def test_most_rims_are_fainter_than_membranes_that_show_well():
    faint = []
    for seed in range(60):
        kind = vesicle_packs._random_kind(np.random.default_rng(seed), cytoplasm())
        assert 0.1 < kind.lumen < 0.4 and kind.rim > 0
        faint.append(kind.rim < 0.7 * (0.5 - 0.25))
    assert 0.6 < np.mean(faint) < 1
