"""Phantoms against what geometry and the sizes in nanometres say."""

import numpy as np
import pytest
from scipy import ndimage

from sxtstudio.core.errors import Cancelled
from sxtstudio.core.geometry import Box
from sxtstudio.core.progress import Progress
from sxtstudio.training import endomembranes, mitochondria, organelles, shapes, surroundings
from sxtstudio.training.canvas import CLASSES, Appearance, Phantom, PhantomMaterial, paint, paint_ellipsoid
from sxtstudio.training.phantom import SCENES, make_phantom

APPEARANCE = Appearance(voxel_nm=10, cytosol=0.25, membrane=0.5, width_nm=30, rims=1.0)
FREE = 1e3


def cytoplasm(shape=(48, 96, 96), voxel_nm=10.0, rims=1.0):
    appearance = Appearance(voxel_nm, APPEARANCE.cytosol, APPEARANCE.membrane, APPEARANCE.width_nm, rims)
    return Phantom.empty(shape, appearance, appearance.cytosol, room=FREE)


def put_ball(phantom, centre, radius, inside=0.4, gap=None, kind="dense body"):
    rng = np.random.default_rng(0)
    material = PhantomMaterial(inside, inside, 1.0)
    centre, radii = np.array(centre, float), np.full(3, float(radius))
    return paint_ellipsoid(rng, phantom, centre, radii, material, 0.0, kind, gap)


def test_a_straight_mitochondrion_has_the_volume_of_its_capsule():
    phantom = cytoplasm((40, 60, 120))
    curve = np.stack([np.full(161, 20.3), np.full(161, 30.4), np.linspace(20, 100, 161)], axis=1)
    box = Box.whole(phantom.shape)
    implicit = shapes.tube(np.random.default_rng(0), box, curve, 9.0, swelling=0)
    paint(phantom, box, implicit, PhantomMaterial(0.4, 0.4, 1.0), kind="mitochondrion")
    volume = np.count_nonzero(phantom.classes == CLASSES["mitochondrion"])
    assert volume == pytest.approx(np.pi * 81 * 80 + 4 / 3 * np.pi * 729, rel=0.02)
    assert phantom.lac[20, 30, 60] == pytest.approx(0.4)
    assert phantom.objects == ["mitochondrion"]
    assert np.array_equal(phantom.instances > 0, phantom.classes > 0)


def test_touching_bodies_share_a_flat_border_and_do_not_overlap():
    phantom = cytoplasm()
    put_ball(phantom, (24, 48, 36), 14, gap=0.0)
    first = phantom.instances == 1
    put_ball(phantom, (24, 48, 60), 14, inside=0.3, gap=0.0)  # 4 voxels of overlap, if they were balls
    assert np.array_equal(phantom.instances == 1, first)
    second = phantom.instances == 2
    assert second[24, 48, 51:73].all() and first[24, 48, 23:49].all()
    whole = 4 / 3 * np.pi * 14**3
    cap = np.pi * 4**2 * (3 * 14 - 4) / 3  # what the first one pushes in: less than two caps
    assert whole - 2 * cap < np.count_nonzero(second) < whole - 0.5 * cap
    touching = ndimage.binary_dilation(first) & second
    assert np.count_nonzero(touching) > 50


def test_a_gap_between_bodies_is_kept():
    phantom = cytoplasm()
    put_ball(phantom, (24, 48, 36), 14, gap=0.0)
    put_ball(phantom, (24, 48, 60), 14, gap=4.0)
    away = ndimage.distance_transform_edt(phantom.instances != 1)
    assert away[phantom.instances == 2].min() == pytest.approx(4, abs=1)


def test_sites_have_room_for_the_body_that_asks():
    phantom = cytoplasm()
    put_ball(phantom, (24, 48, 48), 20, gap=0.0)
    rng = np.random.default_rng(1)
    for crowded in (0.0, 1.0):
        sites = np.array([phantom.find_site(rng, 12.0, crowded) for _ in range(200)])
        distance = np.linalg.norm(sites - [24, 48, 48], axis=1)
        assert distance.min() > 20 + 12 * 0.83 - 4  # sites stand for four voxels
    assert distance.max() < 20 + 12 * 1.25 + 3 + 4  # crowded: all of them touch
    phantom.sites[:] = 1
    assert phantom.find_site(rng, 12.0, 0.0) is None


@pytest.mark.parametrize(
    ("painter", "finer_nm"), [(organelles.dense_body, 10.0), (mitochondria.mitochondrion, 12.0)]
)
def test_organelles_have_their_size_in_nanometres(painter, finer_nm):
    def thickness_nm(voxel_nm):
        found = []
        for seed in range(8):
            phantom = cytoplasm((round(720 / voxel_nm),) * 3, voxel_nm)
            painter(np.random.default_rng(seed), phantom, 0.0)
            mask = phantom.instances == 1
            found.append(ndimage.distance_transform_edt(mask).max() * voxel_nm)
        return np.median(found)

    assert thickness_nm(2 * finer_nm) == pytest.approx(thickness_nm(finer_nm), rel=0.25)


def test_rims_are_faint_where_the_look_says_so():
    rng = np.random.default_rng(0)
    faint = [cytoplasm(rims=0.0).appearance.rim(rng, 0.4) for _ in range(50)]
    clear = [cytoplasm(rims=1.0).appearance.rim(rng, 0.4) for _ in range(50)]
    assert 0.4 <= min(faint) and max(faint) < 0.45
    assert np.mean(clear) > np.mean(faint) + 0.03


def test_a_golgi_stack_has_cisternae_one_above_another():
    phantom = cytoplasm((64, 160, 160))
    for seed in range(20):
        if endomembranes.golgi(np.random.default_rng(seed), phantom, 0.0):
            break
    assert 3 <= phantom.objects.count("Golgi cisterna") <= 6
    assert (phantom.classes == CLASSES["Golgi cisterna"]).any()


def test_a_nucleus_has_pores_in_its_envelope():
    def envelope(seed):
        phantom = cytoplasm((24, 128, 128))
        endomembranes.add_nucleus(np.random.default_rng(seed), phantom)
        inside = phantom.classes == CLASSES["nucleus"]
        shell = ndimage.binary_dilation(inside) & ~inside
        strength = phantom.lac[shell]
        return np.mean(strength < APPEARANCE.cytosol + 0.02) if shell.any() else np.nan

    open_share = np.array([envelope(seed) for seed in range(6)])
    open_share = open_share[np.isfinite(open_share)]
    assert len(open_share) > 2
    assert open_share.max() > 0.02  # pores in some
    assert open_share.max() < 0.6  # but most of the envelope is there


def test_gold_hides_what_it_covers():
    for seed in range(20):
        phantom = cytoplasm((24, 96, 96))
        put_ball(phantom, (12, 48, 48), 30)
        lines = phantom.outline.copy()
        surroundings.add_gold(np.random.default_rng(seed), phantom)
        gold = phantom.classes == CLASSES["gold"]
        if (gold & lines).any():
            break
    assert phantom.lac[gold].max() == pytest.approx(surroundings.GOLD)
    assert not phantom.outline[gold].any()
    assert phantom.hidden[gold].all()


def test_cracks_film_and_glass_are_no_membranes():
    for add in (surroundings.crack_the_ice, surroundings.add_carbon_film, surroundings.add_capillary):
        phantom = cytoplasm((24, 96, 96))
        before = phantom.classes.copy()
        add(np.random.default_rng(3), phantom)
        changed = phantom.classes != before
        assert changed.any(), add.__name__
        assert not phantom.outline[changed].any()
        assert not phantom.instances[changed].any()
    assert set(np.unique(phantom.classes[changed])) <= {CLASSES["glass"], CLASSES["vacuum"]}


@pytest.mark.parametrize("scene", SCENES)
def test_every_scene_is_consistent(scene):
    phantom = make_phantom(np.random.default_rng(11), (16, 96, 112), 12.0, scene)
    assert phantom.scene == scene
    assert np.isfinite(phantom.lac).all() and phantom.lac.min() >= 0
    assert not (phantom.outline & phantom.hidden).any()
    numbers = np.unique(phantom.instances)
    assert numbers.max() <= len(phantom.objects)
    for number in numbers[numbers > 0]:  # one object, one class
        classes = np.unique(phantom.classes[phantom.instances == number])
        assert list(classes) == [CLASSES[phantom.objects[number - 1]]]
    unnamed = phantom.classes[phantom.instances == 0]
    assert set(np.unique(unnamed)) <= {CLASSES[k] for k in ("ice", "vacuum", "carbon film", "glass")}


def test_outlines_lie_where_classes_meet():
    phantom = make_phantom(np.random.default_rng(3), (16, 128, 128), 10.0, "crowded")
    edges = np.zeros(phantom.shape, bool)
    edges[:, 1:] |= phantom.instances[:, 1:] != phantom.instances[:, :-1]
    edges[:, :, 1:] |= phantom.instances[:, :, 1:] != phantom.instances[:, :, :-1]
    near = np.stack([ndimage.distance_transform_edt(~edge) <= 4.5 for edge in edges])
    near |= phantom.classes == CLASSES["mitochondrion"]  # whose cristae are drawn inside
    assert phantom.outline.mean() > 0.03
    assert (near & phantom.outline).sum() > 0.97 * phantom.outline.sum()


def test_a_crowded_scene_is_crowded():
    bodies = [CLASSES[kind] for kind in ("mitochondrion", "vesicle", "dense body", "lipid droplet")]

    def share(scene):
        phantom = make_phantom(np.random.default_rng(1), (16, 112, 112), 12.0, scene)
        return np.isin(phantom.classes, bodies).mean()

    assert share("crowded") > share("ice") + 0.15


def test_a_cancelled_phantom_stops():
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        make_phantom(np.random.default_rng(0), (12, 64, 64), progress=progress)


@pytest.mark.parametrize(
    ("inside", "membrane", "middle"),
    [
        pytest.param(0.5, 0.5, 18.5, id="a mere edge is drawn on its dark side"),
        pytest.param(0.25, 0.5, 20.0, id="a rim round what is like its surroundings is drawn in its middle"),
        pytest.param(0.15, 0.5, 20.0, id="so is that of a bright body"),
        pytest.param(0.35, 0.45, 19.25, id="half as much where body and rim are as strong"),
    ],
)
def test_the_line_lies_where_it_is_dark(inside, membrane, middle):
    phantom = cytoplasm((48, 96, 96))
    material = PhantomMaterial(inside, membrane, 3.0)
    centre = np.array([24.0, 48, 48])
    paint_ellipsoid(np.random.default_rng(0), phantom, centre, np.full(3, 20.0), material, 0.0, "vesicle")
    radius = np.hypot(*(np.mgrid[:96, :96] - 48))
    drawn = radius[phantom.outline[24]]
    assert drawn.min() == pytest.approx(middle - 2.5, abs=0.7)
    assert drawn.max() == pytest.approx(middle + 2.5, abs=0.7)
