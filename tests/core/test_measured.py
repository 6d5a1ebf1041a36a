"""Fills against masks that are known beforehand, and measured backgrounds that are none."""

import numpy as np
import pytest
from scipy import ndimage

from sxtstudio.core.measured import measured_pixels

SIZE = 160
Y, X = np.mgrid[:SIZE, :SIZE]
CIRCLE = np.hypot(Y - 79.5, X - 79.5) < 78
FRAME = (Y > 20) & (Y < 150) & (X > 30) & (X < 155)
TURNED = (abs((Y - 80) + 0.4 * (X - 80)) < 70) & (abs((X - 80) - 0.4 * (Y - 80)) < 75)
CORNER = Y + X > 40
THIN = (Y > 0) & (X > 0) & (X < SIZE - 1)
SHAPES = {"circle": CIRCLE, "frame": FRAME, "turned": TURNED, "corner": CORNER, "thin": THIN}


def cell(seed=0, noise=0.03):
    """LAC of a bright cell with dense organelles in ice, in 1/µm."""
    random = np.random.default_rng(seed)
    lac = np.full((SIZE, SIZE), 0.12)
    lac[ndimage.gaussian_filter(random.normal(size=lac.shape), 14) > 0] = 0.3
    for y, x in random.uniform(0, SIZE, (12, 2)):
        lac[np.hypot(Y - y, X - x) < 6] = 0.6
    return ndimage.gaussian_filter(lac, 1) + random.normal(scale=noise, size=lac.shape)


def found(image):
    measured = measured_pixels(image)
    return np.ones(image.shape, bool) if measured is None else measured


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fill", [0, -1, -9999, 0.25, 0.7, np.nan, np.inf])
@pytest.mark.parametrize("shape", SHAPES)
def test_fills_of_any_value_and_shape(shape, fill, dtype):
    measured = found(np.where(SHAPES[shape], cell(), fill).astype(dtype))
    assert not measured[~SHAPES[shape]].any()
    # A pixel at the edge whose value is by chance that of the fill cannot be told from it.
    assert (SHAPES[shape] & ~measured).sum() <= (30 if fill == 0.25 else 0)


@pytest.mark.parametrize("fill", [0, 90, 255])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16])
def test_fills_of_whole_numbers(fill, dtype):
    image = np.clip(np.rint(100 + 200 * (cell() - 0.2)), 1, 254)
    measured = found(np.where(CIRCLE, image, fill).astype(dtype))
    assert not measured[~CIRCLE].any()
    # What has the fill's own value and touches it cannot be told from it.
    assert (CIRCLE & ~measured).sum() < 0.01 * CIRCLE.sum()


def test_a_circle_in_a_frame_of_another_value():
    image = np.pad(np.where(CIRCLE, cell(), 0), ((10, 20), (0, 30)), constant_values=-1)
    np.testing.assert_array_equal(found(image), np.pad(CIRCLE, ((10, 20), (0, 30))))


@pytest.mark.parametrize("noise", [1e-9, 1e-7, 1e-3])
@pytest.mark.parametrize("fill", [0, 0.7, -1])
@pytest.mark.parametrize("shape", ["circle", "frame", "turned", "corner"])
def test_fills_that_are_not_exactly_one_value(shape, fill, noise):
    rough = fill + np.random.default_rng(1).normal(scale=noise, size=(SIZE, SIZE))
    measured = found(np.where(SHAPES[shape], cell(), rough).astype(np.float32))
    # The narrow ends of what a circle leaves are too thin to be told by their grain.
    assert (measured & ~SHAPES[shape]).sum() <= 0.002 * (~SHAPES[shape]).sum()
    assert (SHAPES[shape] & ~measured).sum() <= 0.002 * SHAPES[shape].sum()


@pytest.mark.parametrize("share", [0.003, 0.01, 0.1, 0.3, 0.5, 0.9])
@pytest.mark.parametrize(("dtype", "gain"), [(np.uint8, 200), (np.uint8, 300), (np.uint16, 9000)])
def test_dithered_fills(dtype, gain, share):
    image = np.clip(np.rint(0.5 * gain + gain * (cell() - 0.2)), 10, np.iinfo(dtype).max)
    dither = np.random.default_rng(1).random(image.shape) < share
    measured = found(np.where(CIRCLE, image, dither).astype(dtype))
    assert (measured & ~CIRCLE).sum() <= 0.01 * (~CIRCLE).sum()
    assert (CIRCLE & ~measured).sum() <= 0.01 * CIRCLE.sum()


def fading(width, edge):
    """Weights of a mask that fades out over ``width`` pixels within a circle."""
    inside = ndimage.distance_transform_edt(np.hypot(Y - 79.5, X - 79.5) < 76)
    if edge == "linear":
        return np.clip(inside / width, 0, 1)
    return 0.5 - 0.5 * np.cos(np.pi * np.clip(inside / width, 0, 1))


@pytest.mark.parametrize("edge", ["linear", "cosine"])
@pytest.mark.parametrize("width", [8, 16, 32])
@pytest.mark.parametrize("fill", [0, -1, 0.2])
def test_what_fades_out_into_a_fill_is_fill(fill, width, edge):
    weight = fading(width, edge)
    image = cell()
    measured = found((fill + (image - fill) * weight).astype(np.float32))
    # What the mask did to the image, in its standard deviations, away from the tangents to the border.
    spoilt = np.abs((fill - image) * (1 - weight)) / image.std()
    assert not measured[weight < 0.5].any()
    assert np.mean(spoilt[measured] > 1) < 0.03
    assert measured[ndimage.distance_transform_edt(weight > 0) > width + 6].all()


def test_a_noisy_fill_that_the_image_fades_into_is_fill():
    weight = fading(16, "cosine")
    image = cell() * weight + np.random.default_rng(1).normal(scale=1e-4, size=weight.shape)
    measured = found(image)
    assert not measured[weight < 0.5].any()
    assert measured[ndimage.distance_transform_edt(weight > 0) > 22].all()


@pytest.mark.parametrize(("fill", "seam"), [(0, 0), (-1, 0), (0.11, 9)])
def test_ice_along_a_hard_edge_is_no_taper(fill, seam):
    """It is nearer to the fill than the cell is, step by step, but its grain is the image's."""
    depth = ndimage.distance_transform_edt(CIRCLE)
    image = 0.12 + 0.3 * np.clip(depth / 60, 0, 1)
    image += np.random.default_rng(1).normal(scale=0.03, size=depth.shape)
    assert found(np.where(CIRCLE, image, fill))[depth > seam].all()


def test_an_outlying_line_that_reaches_a_fill_is_measured_further_in():
    image = cell()
    image[78:82] = 9
    depth = ndimage.distance_transform_edt(CIRCLE)
    assert found(np.where(CIRCLE, image, -9999))[depth > 20].all()


@pytest.mark.parametrize("noise", [0.006, 0.01, 0.03])
def test_vacuum_and_ice_with_grain_of_their_own_are_measured(noise):
    random = np.random.default_rng(1)
    grain = random.normal(scale=0.03, size=CIRCLE.shape)
    image = np.where(CIRCLE, cell(noise=0) + grain, random.normal(scale=noise, size=CIRCLE.shape))
    assert found(image).all()


@pytest.mark.parametrize("blur", ["gauss", "median", "binned"])
def test_a_quiet_lumen_at_the_border_is_measured(blur):
    """Bright and nearly even, as in FIB-SEM, with a sharp but crooked edge."""
    lumen = np.hypot(Y, X - 70) + 6 * np.sin(np.arctan2(Y, X - 70) * 9) < 50
    random = np.random.default_rng(1)
    image = np.where(lumen, 1 + random.normal(scale=0.002, size=lumen.shape), cell())
    if blur == "gauss":
        image = ndimage.gaussian_filter(image, 1)
    elif blur == "median":
        image = ndimage.median_filter(image, 3)
    else:
        image = image.reshape(SIZE // 2, 2, SIZE // 2, 2).mean(axis=(1, 3))
    assert found(image).all()


@pytest.mark.parametrize("order", [1, 3], ids=["linear", "cubic"])
@pytest.mark.parametrize("fill", [0, 0.25, -1])
def test_the_seam_of_a_turned_frame_is_fill(fill, order):
    turned = ndimage.rotate(cell(), 20, order=order, mode="grid-constant", cval=fill)
    inside = ndimage.rotate(np.ones((SIZE, SIZE)), 20, order=1, mode="grid-constant") > 0.999
    measured = found(turned)
    outside = ndimage.binary_dilation(~inside, iterations=4)
    assert not measured[~ndimage.binary_dilation(inside, iterations=4)].any()
    assert measured[~outside].all()


@pytest.mark.parametrize("order", [1, 3, 5], ids=["linear", "cubic", "quintic"])
@pytest.mark.parametrize(("fill", "degrees"), [(-9999, 4), (-9999, 20), (-2, 20), (3, 20)])
def test_what_an_interpolation_spoilt_is_fill(fill, order, degrees):
    inside = ndimage.rotate(np.ones((SIZE, SIZE)), degrees, order=1, mode="grid-constant") > 0.999
    turned = ndimage.rotate(cell(), degrees, order=order, mode="grid-constant", cval=fill)
    # The same without the fill: the difference is what the fill did to the image.
    plain = ndimage.rotate(cell(), degrees, order=order, mode="reflect")
    spoilt = np.abs(turned - plain) / cell().std()
    measured = found(turned)
    assert not measured[~ndimage.binary_dilation(inside)].any()
    assert spoilt[measured & inside].max() < 3 and np.mean(spoilt[measured & inside] > 0.3) < 0.02
    # Not much more is taken: three pixels around it at most.
    assert measured[~ndimage.binary_dilation(~inside | (spoilt > 0.3), iterations=3)].all()


@pytest.mark.parametrize("fill", [-9999, -2, 0])
def test_dark_lines_that_reach_a_drawn_edge_are_measured(fill):
    image = 10 + 0.2 * cell()
    for at in range(25, 150, 20):
        image[at : at + 2, :] = 9.7
        image[:, at : at + 2] = 9.7
    assert found(np.where(FRAME, image, fill))[FRAME].all()


def test_an_outlying_structure_in_the_image_is_measured_beside_a_turned_fill():
    image = cell()
    image[np.hypot(Y - 80, X - 80) < 12] = 9
    turned = ndimage.rotate(image, 20, order=3, mode="grid-constant", cval=-9999)
    middle = np.hypot(*(np.indices(turned.shape) - np.array(turned.shape)[:, None, None] / 2)) < 40
    assert found(turned)[middle].all()


@pytest.mark.parametrize("gain", [1.2, 1.6, 2.5])
@pytest.mark.parametrize("blur", [0, 1.5], ids=["grain", "smooth"])
@pytest.mark.parametrize("sign", [1, -1], ids=["black", "white"])
def test_ice_that_was_cut_off_is_measured(gain, blur, sign):
    image = ndimage.gaussian_filter(cell(noise=0.05), blur)
    low, high = np.percentile(image, [30, 99])
    grey = np.clip((image - low) / (high - low) * gain * 255, 0, 255)
    grey = (grey if sign > 0 else 255 - grey).astype(np.uint8)
    assert (grey == (0 if sign > 0 else 255)).mean() > 0.25
    assert found(grey).all()


def test_few_grey_values_are_measured():
    grey = (ndimage.gaussian_filter(cell(), 2) * 25).astype(np.uint8) * 10
    assert len(np.unique(grey)) < 15 and found(grey).all()


def test_constant_parts_inside_and_short_runs_at_the_border_are_measured():
    image = cell()
    image[60:90, 60:90] = 0
    image[0, 10:17] = 0
    assert measured_pixels(image) is None


def test_a_saturated_bead_at_the_border_is_measured():
    image = np.clip(ndimage.gaussian_filter(np.where(np.hypot(Y, X - 80) < 9, 5.0, cell(noise=0)), 2), 0, 1)
    assert (image[0] == 1).sum() > 8
    assert found(image).all()


def test_specks_of_bad_pixels_are_no_fill_but_lost_rows_are():
    image = cell()
    image[40, 40] = image[0, 100] = np.nan
    image[70:72, 20:22] = np.inf
    assert measured_pixels(image) is None
    image[:, 0] = np.nan
    image[100:104, 50:60] = np.nan
    lost = np.zeros(image.shape, bool)
    lost[:, 0] = lost[100:104, 50:60] = True
    np.testing.assert_array_equal(found(image), ~lost)


@pytest.mark.parametrize("value", [0, np.nan, 7.5])
def test_a_slice_of_one_value_is_all_fill(value):
    assert not found(np.full((40, 50), value)).any()


def test_neither_scale_nor_offset_matters():
    image = np.where(CIRCLE, cell(), 0)
    for factor, offset in ((1e-20, 0), (1e5, 3e6), (-1e300, 0)):
        np.testing.assert_array_equal(found(image * factor + offset), CIRCLE)
