"""From a seed to a tomogram with its truth, and the files."""

import json
from functools import cache

import numpy as np
import pytest
import tifffile

from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.progress import Progress
from sxtstudio.io import open_volume
from sxtstudio.training.canvas import CLASSES
from sxtstudio.training.microscope import WAVELENGTH_NM, Microscope, random_microscope
from sxtstudio.training.phantom_files import ENDINGS, check_size, is_complete, write_phantom, written
from sxtstudio.training.simulate import labels_of, simulate

SHAPE = (12, 80, 96)
SHARP = Microscope(tilt_deg=66, step_deg=3, voxel_nm=11, photons=5000, method="wbp", margin_px=20)


@cache
def crowded():
    return simulate(3, SHAPE, SHARP, scene="crowded")


def test_the_same_seed_gives_the_same_tomogram_and_truth():
    again = simulate(3, SHAPE, SHARP, scene="crowded")
    for name in ("tomogram", "outline", "hidden", "classes", "instances"):
        assert np.array_equal(getattr(crowded(), name), getattr(again, name)), name
    assert crowded().facts == again.facts
    assert not np.array_equal(crowded().classes, simulate(4, SHAPE, SHARP, scene="crowded").classes)


def test_shapes_types_and_what_belongs_together():
    simulated = crowded()
    assert simulated.tomogram.shape == simulated.outline.shape == simulated.classes.shape == SHAPE
    assert simulated.tomogram.dtype == np.float32 and np.isfinite(simulated.tomogram).all()
    assert simulated.classes.dtype == np.uint8 and simulated.instances.dtype == np.uint16
    assert not (simulated.outline & simulated.hidden).any()
    assert simulated.outline.any() and simulated.hidden.any()
    labels = labels_of(simulated)
    assert labels[simulated.outline].min() == 255 and set(np.unique(labels)) == {0, 128, 255}
    objects = simulated.facts["objects"]
    assert set(objects) == set(np.unique(simulated.instances)) - {0}
    assert sum(simulated.facts["counts"].values()) == len(objects)


def test_polarities_mirror_each_other():
    bright = simulate(3, SHAPE, SHARP, scene="crowded", polarity="bright")
    assert np.array_equal(bright.tomogram, -crowded().tomogram)
    assert np.array_equal(bright.outline, crowded().outline)


def test_absorbing_structures_are_dark():
    simulated = simulate(1, (12, 96, 112), SHARP, scene="edge")
    middle = simulated.tomogram[3:9]
    ice = simulated.classes[3:9] == CLASSES["ice"]
    assert ice.any() and (~ice).any()
    assert np.median(middle[~ice]) < np.median(middle[ice])


def test_a_coarser_zone_plate_blurs_in_proportion_and_focuses_deeper():
    fine, coarse = (Microscope(60, 2, 10, 100, zone_plate_nm=width) for width in (25.0, 40.0))
    assert coarse.blur_px == pytest.approx(fine.blur_px * 1.6)
    assert coarse.focus_depth_px == pytest.approx(fine.focus_depth_px * 1.6**2)
    # Half the depth of field, λ / (2 NA²) with NA = λ / (2 Δr): 525 nm for 25 nm zones at 520 eV.
    assert fine.focus_depth_px * 10 == pytest.approx(2 * 25**2 / WAVELENGTH_NM)
    assert fine.focus_depth_px * 10 == pytest.approx(525, abs=1)


def test_a_full_rotation_does_not_take_a_view_twice():
    angles = np.rad2deg(Microscope(90, 2, 10, 100).angles)
    assert angles[0] == -90 and angles[-1] == 88 and len(angles) == 90


def test_random_microscopes_cover_what_there_is():
    some = [random_microscope(np.random.default_rng(seed)) for seed in range(300)]
    assert {m.zone_plate_nm for m in some} == {25.0, 40.0}
    assert {m.method for m in some} == {"sirt", "wbp"}
    assert min(m.voxel_nm for m in some) < 9 and max(m.voxel_nm for m in some) > 30
    tilted = [m.tilt_deg for m in some if m.tilt_deg < 90]
    assert 0.75 < len(tilted) / len(some) < 1
    assert 55 < min(tilted) < 60 < 68 < max(tilted) <= 70


def test_the_voxel_size_can_be_chosen():
    assert simulate(5, SHAPE, voxel_nm=25.0, scene="ice").microscope.voxel_nm == 25


def test_files_read_back_by_another_reader(tmp_path):
    paths = write_phantom(tmp_path / "new", "cell", crowded(), {"seed": 3})
    assert [path.name for path in paths] == [f"cell{ending}" for ending in ENDINGS]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(path.name for path in paths)
    read = {ending: tifffile.imread(tmp_path / "new" / f"cell{ending}") for ending in ENDINGS[:-1]}
    assert np.array_equal(read[".tif"], crowded().tomogram)
    assert np.array_equal(read[".labels.tif"], labels_of(crowded()))
    assert read[".labels.tif"].dtype == read[".classes.tif"].dtype == np.uint8
    assert np.array_equal(read[".classes.tif"], crowded().classes)
    assert read[".instances.tif"].dtype == np.uint16
    assert np.array_equal(read[".instances.tif"], crowded().instances)
    with open_volume(tmp_path / "new" / "cell.tif") as volume:
        assert volume.voxel_nm == pytest.approx((11, 11, 11))
    facts = json.loads((tmp_path / "new" / "cell.json").read_text(encoding="utf-8"))
    assert facts["seed"] == 3 and facts["classes"] == CLASSES
    assert facts["objects"] == {str(n): kind for n, kind in crowded().facts["objects"].items()}
    assert facts["membrane_pixels"] == np.count_nonzero(read[".labels.tif"] == 255)


def test_complete_files_are_known_by_their_settings(tmp_path):
    assert not is_complete(tmp_path, "cell", {"seed": 3})
    write_phantom(tmp_path, "cell", crowded(), {"seed": 3})
    assert is_complete(tmp_path, "cell", {"seed": 3})
    with pytest.raises(UserError, match="overwrite"):
        is_complete(tmp_path, "cell", {"seed": 4})
    (tmp_path / "cell.json").write_text("[]", encoding="utf-8")
    with pytest.raises(UserError, match="overwrite"):
        is_complete(tmp_path, "cell", {"seed": 3})


def test_a_full_disk_leaves_no_file(tmp_path, monkeypatch):
    def full(*_args, **_keywords):
        raise UserError("The disk is full")

    monkeypatch.setattr("sxtstudio.training.phantom_files.labels_of", lambda simulated: simulated.classes)
    monkeypatch.setattr("sxtstudio.training.phantom_files.describe", full)
    with pytest.raises(UserError, match="disk is full"):
        write_phantom(tmp_path, "cell", crowded())
    assert list(tmp_path.iterdir()) == []
    assert written(tmp_path, "cell") == []


@pytest.mark.parametrize("shape", [(1, 96, 96), (16, 40, 96), (16, 96, 5000), (512, 1600, 1600)])
def test_impossible_sizes_are_refused(shape):
    with pytest.raises(UserError, match=r"give \d+ to|stay below"):
        check_size(shape)


def test_a_cancelled_simulation_stops():
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        simulate(1, SHAPE, SHARP, progress=progress)
