"""The automatic cell mask on phantoms with known truth, and on real slices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from sxtstudio.core.cellmask import MaskVolume, cell_mask, mask_around
from sxtstudio.core.cellmask_classes import find_valley
from sxtstudio.core.cellmask_reduce import reduce_volume, reduction
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import ArrayVolume, Volume

ICE, CYTOSOL = 0.11, 0.25
REAL = Path(__file__).parents[3] / "shared" / "data" / "real"


def ellipsoid(shape, centre, radii) -> np.ndarray:
    axes = np.ogrid[tuple(slice(n) for n in shape)]
    return sum(((a - c) / r) ** 2 for a, c, r in zip(axes, centre, radii, strict=True)) <= 1


def phantom(
    shape=(12, 320, 320), centre=(0.5, 0.5, 0.5), radii=(2, 0.36, 0.3), *, noise=0.1, gradient=0.0, seed=0
) -> tuple[np.ndarray, np.ndarray]:
    """A cell with a nucleus and organelles in ice, gold beads with streaks, noise: (LAC, truth)."""
    rng = np.random.default_rng(seed)
    centre, radii = np.multiply(centre, shape), np.multiply(radii, shape)
    cell = ellipsoid(shape, centre, radii)
    lac = np.where(cell, CYTOSOL, ICE).astype(np.float32)
    lac[ellipsoid(shape, centre, 0.4 * radii) & cell] = 0.2
    for _ in range(60):
        place = centre + rng.uniform(-0.6, 0.6, 3) * radii
        organelle = ellipsoid(shape, place, [rng.uniform(3, 9)] * 3)
        lac[organelle & cell] = rng.choice([0.15, 0.35, 0.42, 0.65])
    for _ in range(4):
        lac[ellipsoid(shape, rng.random(3) * shape, (4, 4, 4))] = 3.0
    image = ndimage.gaussian_filter(lac, (2, 1, 1))
    image -= 0.2 * (ndimage.gaussian_filter(image, (1, 1, 20)) - ndimage.gaussian_filter(image, (1, 4, 20)))
    image += noise * rng.standard_normal(shape, dtype=np.float32)
    y, x = np.ogrid[-0.5 : 0.5 : shape[1] * 1j, -0.5 : 0.5 : shape[2] * 1j]
    return (image + gradient * (x + 0.5 * y)).astype(np.float32), cell


def overlap(mask: MaskVolume, truth: np.ndarray) -> float:
    """Intersection over union."""
    found = mask.read(Box.whole(mask.shape)) > 0
    return float((found & truth).sum() / (found | truth).sum())


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"noise": 0.2},
        {"gradient": 0.3},
        {"shape": (1, 512, 512)},
        {"shape": (3, 400, 500), "noise": 0.15, "radii": (5, 0.3, 0.4)},
        {"centre": (0.5, 0.1, 0.2), "radii": (2, 0.6, 0.7)},
        {"radii": (2, 0.6, 0.45)},
        {"shape": (36, 256, 256), "radii": (0.8, 0.36, 0.3)},
    ],
    ids=["plain", "noisy", "gradient", "one slice", "3 slices", "cut by borders", "large", "ellipsoid"],
)
def test_cell_in_ice_is_found(options):
    image, truth = phantom(**options)
    mask = cell_mask(ArrayVolume(image), polarity="bright")
    assert overlap(mask, truth) > 0.9
    assert mask.notes == ()
    assert mask.fraction == pytest.approx(truth.mean(), rel=0.12)


def test_dark_cell_in_bright_ice_is_found():
    image, truth = phantom(shape=(8, 320, 320))
    assert overlap(cell_mask(ArrayVolume(-image), polarity="dark"), truth) > 0.9


def test_scale_and_offset_of_the_grey_values_do_not_matter():
    image, truth = phantom(shape=(8, 320, 320))
    grey = np.clip(30000 - 15000 * image, 0, 65535).astype(np.uint16)
    assert overlap(cell_mask(ArrayVolume(grey), polarity="dark"), truth) > 0.9


def test_cell_is_found_by_its_texture_where_it_absorbs_like_ice():
    """Reconstructions of a region of interest lose the slow differences in brightness."""
    rng = np.random.default_rng(1)
    shape = (12, 320, 320)
    cell = ellipsoid(shape, (6, 150, 140), (1000, 110, 90))
    grain = ndimage.gaussian_filter(rng.standard_normal(shape), (2, 3, 3))
    image = np.where(cell, grain / grain.std(), 0) + rng.standard_normal(shape)
    mask = cell_mask(ArrayVolume(image), polarity="bright")
    found = mask.read(Box.whole(shape)) > 0
    assert found[cell].mean() > 0.97
    assert found[~cell].mean() < 0.2


@pytest.mark.parametrize("kind", ["cell everywhere", "ice everywhere", "noise", "constant", "not finite"])
def test_without_ice_and_cell_everything_counts_as_cell(kind):
    image = {
        "cell everywhere": lambda: phantom((4, 320, 320), radii=(9, 3, 3))[0],
        "ice everywhere": lambda: phantom((4, 320, 320), radii=(0.01, 0.01, 0.01))[0],
        "noise": lambda: np.random.default_rng(0).normal(size=(5, 200, 210)),
        "constant": lambda: np.full((3, 50, 60), 7, np.uint8),
        "not finite": lambda: np.full((3, 50, 60), np.nan, np.float32),
    }[kind]()
    mask = cell_mask(ArrayVolume(image), polarity="bright")
    assert mask.fraction == 1
    assert mask.read(Box.whole(image.shape)).all()
    assert "whole volume" in mask.notes[0]


@pytest.mark.parametrize("padding", [np.nan, 0.0])
def test_padding_around_the_reconstruction_is_no_cell(padding):
    image, truth = phantom(radii=(2, 0.3, 0.3))
    outside = ~ellipsoid(image.shape, (6, 160, 160), (1000, 158, 158))
    image[outside] = padding
    mask = cell_mask(ArrayVolume(image), polarity="bright")
    assert overlap(mask, truth) > 0.9
    assert not mask.read(Box.whole(image.shape))[:, :20, :20].any()


def test_nucleus_and_vacuoles_are_inside():
    image, truth = phantom(shape=(8, 320, 320))
    hole = ellipsoid(image.shape, (4, 200, 160), (1000, 25, 25))
    image[hole] -= CYTOSOL - ICE
    found = cell_mask(ArrayVolume(image), polarity="bright").read(Box.whole(image.shape)) > 0
    assert found[hole & truth].all()


def outlined_cell() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A cell whose grey values tell nothing, its organelles' and its own outlines, and where it is."""
    rng = np.random.default_rng(3)
    shape = (10, 240, 240)
    cell = ellipsoid(shape, (5, 240, 90), (1000, 150, 80))  # cut by the lower border
    outlines = cell ^ ndimage.binary_erosion(cell, iterations=3, border_value=1)
    for y in range(110, 240, 18):
        for x in range(40, 150, 18):
            body = ellipsoid(shape, (5, y, x), (1000, 7, 7)) & cell
            outlines |= body ^ ndimage.binary_erosion(body, iterations=2, border_value=1)
    return rng.normal(size=shape).astype(np.float32), outlines.astype(np.uint8) * 255, cell


def test_outlines_tell_the_cell_where_grey_values_do_not():
    image, labels, cell = outlined_cell()
    assert cell_mask(ArrayVolume(image)).fraction == 1
    mask = cell_mask(ArrayVolume(image), labels=ArrayVolume(labels))
    assert overlap(mask, cell) > 0.8 and "from the labels" in mask.notes[0]
    found = mask.read(Box.whole(image.shape)) > 0
    assert found[:, -1][cell[:, -1]].mean() > 0.97, "the cell goes on beyond the border"
    everywhere = cell_mask(ArrayVolume(image), labels=ArrayVolume(np.zeros_like(labels)))
    assert everywhere.fraction == 1 and "segmented" not in everywhere.notes[0]


def test_a_vacuole_that_the_border_cuts_is_inside_and_a_corner_of_ice_is_not():
    image, _ = phantom(shape=(8, 320, 320), centre=(0.5, 0.6, 0.6), radii=(9, 0.6, 0.6))
    vacuole = ellipsoid(image.shape, (4, 319, 160), (1000, 30, 30))
    corner = np.zeros(image.shape, bool)
    corner[:, :70, :70] = True
    image[vacuole] -= CYTOSOL - ICE
    found = cell_mask(ArrayVolume(image), polarity="bright").read(Box.whole(image.shape)) > 0
    assert found[vacuole].mean() > 0.97 and found[corner].mean() < 0.3


class CountingVolume(ArrayVolume):
    """Remembers the largest number of slices that was asked for at once."""

    most = 0

    def read(self, box: Box) -> np.ndarray:
        self.most = max(self.most, box.shape[0])
        return super().read(box)


def test_few_slices_are_read_at_once():
    volume = CountingVolume(np.random.default_rng(0).random((64, 40, 40), np.float32))
    cell_mask(volume)
    assert 0 < volume.most <= 16


def test_block_means_leave_out_what_is_not_finite():
    rng = np.random.default_rng(0)
    array = rng.random((5, 7, 9))
    array[rng.random(array.shape) < 0.3] = np.nan
    mean, usable, (fz, fy, fx) = reduce_volume(ArrayVolume(array), Progress())
    for z, y, x in np.ndindex(mean.shape):
        block = array[z * fz : (z + 1) * fz, y * fy : (y + 1) * fy, x * fx : (x + 1) * fx]
        if np.isfinite(block).any():
            assert mean[z, y, x] == pytest.approx(np.nanmean(block), rel=1e-5)
        else:
            assert not usable[z, y, x]


@pytest.mark.parametrize(
    ("shape", "voxel_nm", "factor"),
    [
        ((500, 1324, 1284), None, (7, 7, 7)),
        ((500, 1324, 1284), (10, 10, 10), (7, 7, 7)),
        ((500, 1324, 1284), (20, 10, 10), (4, 7, 7)),
        ((2, 1324, 1284), None, (2, 7, 7)),
        ((60, 100, 90), None, (2, 2, 2)),
        ((600, 4000, 4000), None, (8, 8, 8)),
    ],
)
def test_reduction_follows_size_and_voxels(shape, voxel_nm, factor):
    array = np.broadcast_to(np.float32(0), shape)
    assert reduction(ArrayVolume(array, voxel_nm)) == factor


def test_mask_reads_like_a_volume_of_full_size():
    rng = np.random.default_rng(0)
    shape, factor = (11, 23, 18), (4, 5, 7)
    reduced = rng.random((3, 5, 3)) < 0.5
    mask = MaskVolume(reduced, factor, shape, (3.0, 2.0, 1.0))
    full = np.empty(shape, np.uint8)
    for index in np.ndindex(shape):
        full[index] = reduced[tuple(i // f for i, f in zip(index, factor, strict=True))]
    assert isinstance(mask, Volume)
    assert mask.dtype == np.uint8 and mask.voxel_nm == (3.0, 2.0, 1.0)
    assert mask.fraction == pytest.approx(full.mean())
    for box in (
        Box.whole(shape),
        Box((0, 0, 0), (1, 1, 1)),
        Box((3, 4, 6), (9, 23, 8)),
        Box.slab(7, 8, shape),
    ):
        block = mask.read(box)
        assert np.array_equal(block, full[box.slices])
        assert block.flags.c_contiguous and not np.shares_memory(block, mask.reduced)


def normal(rng, *peaks) -> np.ndarray:
    return np.concatenate([rng.normal(mean, sd, n) for mean, sd, n in peaks])


def test_valley_lies_between_two_peaks():
    values = normal(np.random.default_rng(0), (0, 1, 6000), (6, 1, 3000))
    valley = find_valley(values, 1000)
    assert 2 < valley.cut < 4.5
    assert valley.ratio < 0.3


def test_valley_between_the_two_heaviest_of_four_peaks():
    """Air, ice, cell, glass in a capillary."""
    values = normal(np.random.default_rng(0), (0, 0.4, 800), (4, 0.5, 5000), (8, 0.7, 5000), (14, 0.5, 900))
    valley = find_valley(values, 5000)
    assert 5 < valley.cut < 7 and 1 < valley.low < 3 and 9.5 < valley.high < 13


@pytest.mark.parametrize("seed", range(5))
def test_one_peak_has_no_valley(seed):
    assert find_valley(np.random.default_rng(seed).normal(size=500), 500) is None


def test_tiny_peak_does_not_count():
    values = normal(np.random.default_rng(0), (0, 1, 10000), (9, 0.5, 200))
    assert find_valley(values, 5000) is None


def test_unknown_polarity_is_refused():
    with pytest.raises(UserError, match="sideways"):
        cell_mask(ArrayVolume(np.zeros((1, 9, 9))), polarity="sideways")


def test_cancel_takes_effect():
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        cell_mask(ArrayVolume(np.zeros((1, 9, 9))), progress=progress)


def real_slice(name: str) -> np.ndarray:
    path = REAL / name
    if not path.exists():
        pytest.skip(f"the real images are not here: no {path.name} in ../shared/data/real")
    image = tifffile.imread(path)
    return image if image.ndim == 3 else image[np.newaxis]


BERKELEY = "berkeley/Figure2_Berkeley_Berkely"


@pytest.mark.parametrize(
    ("name", "cell", "ice"),
    [
        ("-4hpi_slice188.tif", [(400, 250), (700, 200), (1050, 150)], [(100, 250)]),
        ("-NI_slice479.tif", [(150, 250), (300, 200)], [(100, 80), (400, 60)]),
        ("_8hpi_slice295.tif", [(350, 200), (650, 300)], [(150, 80), (790, 300)]),
    ],
    ids=["4hpi", "NI", "8hpi"],
)
def test_real_cells_in_a_capillary(name, cell, ice):
    """Points (y, x) read off the slices by eye."""
    image = real_slice(BERKELEY + name)
    found = cell_mask(ArrayVolume(image), polarity="bright").read(Box.whole(image.shape))[0]
    assert all(found[point] for point in cell)
    assert not any(found[point] for point in ice)


@pytest.mark.parametrize(
    ("name", "polarity"),
    [
        ("alba/Figure2_ALBA_ALBA_12hpi-slice340.tif", "dark"),
        ("alba/Figure2_ALBA_ALBA_NI-slice404.tif", "bright"),
        ("contour/slab_img.tif", "dark"),
    ],
    ids=["12hpi", "NI", "B24"],
)
def test_real_field_full_of_cell_is_kept_whole(name, polarity):
    mask = cell_mask(ArrayVolume(real_slice(name)), polarity=polarity)
    assert mask.fraction == 1 and mask.notes


def hinted(texture_of_cell: float) -> tuple[np.ndarray, MaskVolume]:
    """Outlines in the left half, 8 voxels apart, with so many deviations more texture than the right."""
    hints = np.zeros((4, 100, 100), bool)
    hints[:, ::8, :50] = hints[:, :, :50:8] = True
    texture = np.random.default_rng(0).normal(size=hints.shape).astype(np.float32)
    texture[:, :, :50] += texture_of_cell
    whole = np.ones(hints.shape, bool)
    return hints, MaskVolume(whole, (2, 2, 2), (8, 200, 200), None, (), texture, ice_found=False)


def test_hints_of_outlines_make_a_mask_where_the_rest_is_smoother() -> None:
    hints, like = hinted(1.0)
    mask = mask_around(hints, like, ("said",))
    assert mask is not None and mask.ice_found and mask.notes == ("said",)
    assert (mask.shape, mask.factor) == (like.shape, like.factor)
    assert mask.reduced[:, :, :48].all() and not mask.reduced[:, :, 56:].any()
    assert mask_around(*hinted(0.1)) is None, "cytosol without organelles has no outlines either"
    assert mask_around(*hinted(-1.0)) is None
    assert mask_around(np.zeros_like(hints), like) is None and mask_around(np.ones_like(hints), like) is None


def test_where_nothing_is_told_the_mask_says_so_and_keeps_the_texture() -> None:
    noise = np.random.default_rng(0).normal(size=(8, 80, 90)).astype(np.float32)
    noise[:, :, 45:] *= 1.3
    mask = cell_mask(ArrayVolume(noise))
    assert not mask.ice_found and mask.fraction == 1
    left, right = np.array_split(mask.texture, 2, axis=2)
    assert mask.texture.shape == mask.reduced.shape and right.mean() > left.mean() + 0.3
    told = cell_mask(ArrayVolume(phantom()[0]), polarity="bright")
    assert told.ice_found and told.texture is None
    assert not cell_mask(ArrayVolume(np.full((4, 40, 40), np.nan, np.float32))).ice_found
