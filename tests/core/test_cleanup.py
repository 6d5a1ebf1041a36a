"""Clean-up steps against scipy.ndimage and plain numpy, in memory and on disk."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from sxtstudio.core.cleanup import CleanParameters, clean, clean_slab, reach_of
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.progress import Progress, ProgressState
from sxtstudio.core.volume import ArrayVolume

SHAPE = (11, 23, 19)


def blobs(seed: int = 0, shape=SHAPE, density: float = 0.6) -> np.ndarray:
    """Random thick structures that touch all borders."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), 1)
    return (noise < np.quantile(noise, density)).astype(np.uint8) * 255


@pytest.mark.parametrize("iterations", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_3d_erosion_is_that_of_scipy(iterations, seed):
    labels = blobs(seed, density=0.9)
    expected = ndimage.binary_erosion(labels, iterations=iterations, border_value=1)
    assert expected.any()
    cleaned = clean(labels, CleanParameters(erode=iterations)).labels
    assert np.array_equal(cleaned, expected * np.uint8(255))


@pytest.mark.parametrize("iterations", [1, 2, 3])
def test_2d_erosion_is_that_of_scipy_in_each_slice(iterations):
    labels = blobs(density=0.9)
    expected = np.stack(
        [ndimage.binary_erosion(plane, iterations=iterations, border_value=1) for plane in labels]
    )
    assert expected.any()
    cleaned = clean(labels, CleanParameters(erode=iterations, erode_3d=False)).labels
    assert np.array_equal(cleaned != 0, expected)


@pytest.mark.parametrize("three_d", [True, False], ids=["3D", "2D"])
def test_erosion_ends_when_nothing_is_left_to_erode(three_d):
    labels = np.zeros((4, 30, 40), np.uint8)
    labels[1:, 3:20, 5:30] = 7
    labels[0] = 7  # no background in the slice: it stays where slices are eroded one by one
    states: list[ProgressState] = []
    progress = Progress(listener=states.append)
    cleaned = clean(labels, CleanParameters(erode=10**9, erode_3d=three_d), progress=progress).labels
    assert np.array_equal(cleaned[0] == 7, np.full((30, 40), not three_d)) and not cleaned[1:].any()
    assert states[-1].fraction == pytest.approx(1.0)


@pytest.mark.parametrize("three_d", [True, False])
def test_border_of_the_volume_does_not_erode(three_d):
    labels = np.full((1, 5, 5), 7, np.uint8)
    assert (clean(labels, CleanParameters(erode=3, erode_3d=three_d)).labels == 7).all()


def each_slice(work, labels: np.ndarray, **given) -> np.ndarray:
    return np.stack([work(plane, **given) for plane in labels])


@pytest.mark.parametrize("three_d", [True, False], ids=["3D", "2D"])
@pytest.mark.parametrize("iterations", [1, 2, 3])
def test_dilation_is_that_of_scipy(iterations, three_d):
    labels = blobs(density=0.05)
    if three_d:
        expected = ndimage.binary_dilation(labels, iterations=iterations)
    else:
        expected = each_slice(ndimage.binary_dilation, labels, iterations=iterations)
    assert 0 < np.count_nonzero(labels) < np.count_nonzero(expected) < expected.size
    cleaned = clean(labels, CleanParameters(dilate=iterations, erode_3d=three_d)).labels
    assert np.array_equal(cleaned, expected * np.uint8(255))


@pytest.mark.parametrize("three_d", [True, False], ids=["3D", "2D"])
@pytest.mark.parametrize("iterations", [1, 2])
def test_closing_is_that_of_scipy_and_takes_nothing_at_the_border(iterations, three_d):
    labels = blobs(density=0.1)
    # scipy's own closing erodes from the border: there the volume is continued by its own margin.
    wide = np.pad(labels, [(0, 0) if not three_d else (9, 9), (9, 9), (9, 9)])
    grown = (
        ndimage.binary_dilation(wide, iterations=iterations)
        if three_d
        else each_slice(ndimage.binary_dilation, wide, iterations=iterations)
    )
    inner = (slice(9, -9) if three_d else slice(None), slice(9, -9), slice(9, -9))
    erode = {"iterations": iterations, "border_value": 1}
    expected = (
        ndimage.binary_erosion(grown[inner], **erode)
        if three_d
        else each_slice(ndimage.binary_erosion, grown[inner], **erode)
    )
    cleaned = clean(labels, CleanParameters(close=iterations, erode_3d=three_d)).labels
    assert np.array_equal(cleaned != 0, expected)
    assert (cleaned[labels != 0] != 0).all() and np.count_nonzero(cleaned) > np.count_nonzero(labels)
    # Away from the border, it is scipy's closing as it is.
    far = tuple(slice(3 * iterations, -3 * iterations) for _ in range(3))
    if three_d and iterations == 1:
        assert np.array_equal(expected[far], ndimage.binary_closing(labels, iterations=1)[far])


def test_all_holes_are_those_of_scipy_in_each_slice():
    labels = blobs(7, density=0.6)
    expected = each_slice(ndimage.binary_fill_holes, labels)
    assert np.count_nonzero(expected) > np.count_nonzero(labels)
    cleaned = clean(labels, CleanParameters(fill_px=10**9)).labels
    assert np.array_equal(cleaned != 0, expected)


def test_only_small_holes_are_filled_and_a_gap_at_a_corner_is_none():
    labels = np.full((2, 12, 12), 7, np.uint8)
    labels[0, 2:4, 2:5] = 0  # 6 pixels
    labels[0, 6:9, 6:9] = 0  # 9 pixels
    labels[1, 0, 4] = labels[1, 1, 5] = 0  # touch at a corner: only the first is at the border
    cleaned = clean(labels, CleanParameters(fill_px=6)).labels
    assert (cleaned[0, 2:4, 2:5] == 7).all() and not cleaned[0, 6:9, 6:9].any()
    assert cleaned[1, 0, 4] == 0 and cleaned[1, 1, 5] == 7


@pytest.mark.parametrize("reach", [1, 2, 5, 20])
def test_smoothing_is_the_median_of_the_slices_that_exist(reach):
    labels = blobs(density=0.5)
    expected = np.empty_like(labels)
    for z in range(len(labels)):
        window = labels[max(0, z - reach) : z + reach + 1]
        median = np.median(window, axis=0)  # 127.5 where as many vote for as against
        expected[z] = np.where(median == 127.5, labels[z], median)
    cleaned = clean(labels, CleanParameters(smooth_z=reach)).labels
    assert np.array_equal(cleaned, expected)
    assert not np.array_equal(cleaned, labels)


def test_single_slice_is_not_changed_by_smoothing():
    labels = blobs(shape=(1, 20, 20))
    assert np.array_equal(clean(labels, CleanParameters(smooth_z=3)).labels, labels)


def test_smoothing_fills_a_gap_and_drops_a_flicker():
    labels = np.zeros((7, 1, 2), np.uint8)
    labels[:, 0, 0], labels[3, 0] = 1, (0, 1)
    cleaned = clean(labels, CleanParameters(smooth_z=1)).labels
    assert (cleaned[:, 0, 0] == 1).all() and not cleaned[:, 0, 1].any()


def test_mask_takes_away_what_is_outside():
    labels, mask = blobs(1), blobs(2)
    cleaned = clean(labels, CleanParameters(), mask=ArrayVolume(mask)).labels
    assert np.array_equal(cleaned, np.where(mask, labels, 0))


def test_mask_of_another_shape_is_refused_with_both_shapes():
    with pytest.raises(UserError, match=r"11 × 23 × 18.*11 × 23 × 19"):
        clean(blobs(), CleanParameters(), mask=ArrayVolume(np.ones((11, 23, 18), np.uint8)))


def test_crop_zeroes_each_side():
    cleaned = clean(np.ones((5, 6, 7), np.uint8), CleanParameters(crop=(1, 2, 3))).labels
    expected = np.zeros((5, 6, 7), np.uint8)
    expected[1:-1, 2:-2, 3:-3] = 1
    assert np.array_equal(cleaned, expected)


def cubes() -> np.ndarray:
    """Cubes of 1, 8 and 27 voxels, far apart."""
    labels = np.zeros((12, 12, 12), np.uint8)
    labels[1, 1, 1] = labels[4:6, 4:6, 4:6] = labels[8:11, 8:11, 8:11] = 255
    return labels


@pytest.mark.parametrize(
    ("parameters", "left"),
    [
        (CleanParameters(min_size_voxels=1), 36),
        (CleanParameters(min_size_voxels=2), 35),
        (CleanParameters(min_size_voxels=8), 35),
        (CleanParameters(min_size_voxels=9), 27),
        (CleanParameters(min_size_nm3=8 * 1000.0), 35),
        (CleanParameters(min_size_nm3=8 * 1000.1), 27),
        (CleanParameters(min_size_nm3=8 * 1000.0, min_size_voxels=9), 27),
    ],
)
def test_small_objects_by_voxels_and_by_volume(parameters, left):
    """A voxel of 20 × 10 × 5 nm has 1000 nm³."""
    assert clean(cubes(), parameters, voxel_nm=(20, 10, 5)).voxels_after == left


def test_volume_equal_to_the_limit_stays_despite_rounding():
    voxel = (9.8, 9.8, 9.8)
    limit = 8 * 9.8**3
    assert clean(cubes(), CleanParameters(min_size_nm3=limit), voxel_nm=voxel).voxels_after == 35


def test_size_in_nm3_needs_the_voxel_size():
    with pytest.raises(UserError, match="give the voxel size"):
        clean(cubes(), CleanParameters(min_size_nm3=1000.0))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (CleanParameters(crop=(0, 12, 0)), "along y would leave nothing.*less than 12"),
        (CleanParameters(crop=(6, 0, 0)), "along z would leave nothing.*less than 6"),
        (CleanParameters(crop=(0, 0, -1)), "crop is -1"),
        (CleanParameters(erode=-1), "erosions is -1"),
        (CleanParameters(smooth_z=51), "50 or fewer"),
        (CleanParameters(smooth_z=-2), "smooth over is -2"),
        (CleanParameters(close=-1), "closings is -1"),
        (CleanParameters(dilate=-1), "dilations is -1"),
        (CleanParameters(fill_px=-1), "hole to fill is -1"),
        (CleanParameters(min_size_voxels=-5), "in voxels is -5"),
        (CleanParameters(min_size_nm3=float("nan")), "nm³ is nan"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(parameters, message):
    labels = blobs()
    with pytest.raises(UserError, match=message):
        clean(labels, parameters, out=labels, voxel_nm=(1, 1, 1))
    assert np.array_equal(labels, blobs())


@pytest.mark.parametrize("labels", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.float32)])
def test_other_arrays_are_no_labels(labels):
    with pytest.raises(UserError, match="8-bit"):
        clean(labels, CleanParameters())


EVERYTHING = CleanParameters(erode=1, min_size_voxels=20, crop=(1, 2, 3), smooth_z=1)


def by_hand(labels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """EVERYTHING in the order of the documentation."""
    votes = ndimage.convolve1d(np.pad(labels, ((1, 1), (0, 0), (0, 0))).astype(int), [1, 1, 1], axis=0)[1:-1]
    done = votes >= 2 * 255
    # At the ends two slices vote, so that one vote is a tie.
    for end, next_one in ((0, 1), (-1, -2)):
        both = (labels[end] > 0) & (labels[next_one] > 0)
        none = (labels[end] == 0) & (labels[next_one] == 0)
        done[end] = np.where(both | none, both, labels[end] > 0)
    done &= mask > 0
    done = ndimage.binary_erosion(done, border_value=1)
    numbers, _ = ndimage.label(done, np.ones((3, 3, 3)))
    done &= np.bincount(numbers.ravel())[numbers] >= 20
    inside = np.zeros_like(done)
    inside[1:-1, 2:-2, 3:-3] = True
    return (done & inside) * np.uint8(255)


def test_all_steps_in_their_order_and_what_the_report_says():
    labels, mask = blobs(3, density=0.7), blobs(4, density=0.9)
    expected = by_hand(labels, mask)
    assert expected.any()
    report = clean(labels, EVERYTHING, mask=ArrayVolume(mask))
    assert np.array_equal(report.labels, expected)
    assert np.array_equal(labels, blobs(3, density=0.7)), "the input is left alone"
    assert [step.name for step in report.steps] == [
        "smoothing along z", "cell mask", "erosion", "small objects", "cropping",
    ]  # fmt: skip
    assert report.voxels_before == np.count_nonzero(labels)
    assert report.voxels_after == np.count_nonzero(expected)
    for step, following in zip(report.steps, report.steps[1:], strict=False):
        assert step.voxels_after == following.voxels_before
    assert report.objects_removed == report.steps[3].objects_removed > 0
    assert report.seconds >= max(step.seconds for step in report.steps) > 0


@pytest.mark.parametrize("in_place", [True, False], ids=["in place", "other file"])
def test_memory_maps_give_the_same(tmp_path, monkeypatch, in_place):
    monkeypatch.setattr("sxtstudio.core.mapped_memory.RELEASE_EVERY_BYTES", 500)
    labels, mask = blobs(3, density=0.7), blobs(4, density=0.9)
    expected = by_hand(labels, mask)
    labels.tofile(tmp_path / "labels.raw")
    source = np.memmap(tmp_path / "labels.raw", np.uint8, "r+" if in_place else "r", shape=SHAPE)
    out = source if in_place else np.memmap(tmp_path / "out.raw", np.uint8, "w+", shape=SHAPE)
    report = clean(source, EVERYTHING, out=out, mask=ArrayVolume(mask))
    assert report.labels is out
    out.flush()
    written = np.fromfile(tmp_path / ("labels.raw" if in_place else "out.raw"), np.uint8).reshape(SHAPE)
    assert np.array_equal(written, expected)


def test_copy_on_write_map_keeps_its_changes(tmp_path, monkeypatch):
    monkeypatch.setattr("sxtstudio.core.mapped_memory.RELEASE_EVERY_BYTES", 500)
    labels = blobs(3, density=0.7)
    labels.tofile(tmp_path / "labels.raw")
    private = np.memmap(tmp_path / "labels.raw", np.uint8, "c", shape=SHAPE)
    clean(private, CleanParameters(erode=1), out=private)
    assert np.array_equal(private != 0, ndimage.binary_erosion(labels, border_value=1))
    assert np.array_equal(np.fromfile(tmp_path / "labels.raw", np.uint8), labels.ravel())


def test_nothing_to_do_is_a_copy():
    report = clean(blobs(), CleanParameters())
    assert np.array_equal(report.labels, blobs())
    assert report.steps == () and report.voxels_after == report.voxels_before


def test_out_of_another_shape_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="out must be uint8"):
        clean(blobs(), CleanParameters(), out=np.zeros((1, 2, 3), np.uint8))


def test_progress_runs_to_the_end():
    states: list[ProgressState] = []
    clean(blobs(), EVERYTHING, mask=ArrayVolume(blobs(4)), progress=Progress(listener=states.append))
    fractions = [state.fraction for state in states]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1)
    assert {"erosion", "small objects"} <= {state.stage for state in states}


@pytest.mark.parametrize("stage", ["smoothing along z", "cell mask", "erosion", "small objects", "cropping"])
def test_cancel_takes_effect_in_every_step(stage):
    def listener(state: ProgressState) -> None:
        if state.stage == stage:
            progress.cancel()

    progress = Progress(listener=listener)
    with pytest.raises(Cancelled):
        clean(blobs(), EVERYTHING, mask=ArrayVolume(blobs(4)), progress=progress)


@pytest.mark.parametrize("three_d", [True, False], ids=["3D", "2D"])
@pytest.mark.parametrize(
    "steps",
    [
        {"smooth_z": 2},
        {"close": 2},
        {"dilate": 3},
        {"erode": 2},
        {"fill_px": 40},
        {},
        {"smooth_z": 1, "close": 1, "fill_px": 9, "dilate": 1, "erode": 2},
    ],
    ids=str,
)
def test_slices_with_those_around_them_come_out_as_in_the_whole(steps, three_d):
    labels = blobs(density=0.7)[:, :13, :13] // 255
    parameters = CleanParameters(**steps, erode_3d=three_d)
    mask = blobs(3, labels.shape, density=0.8)
    whole = clean(labels.copy(), parameters, mask=ArrayVolume(mask))
    reach, depth = reach_of(parameters), len(labels)
    counts = []
    for first, last in ((0, 4), (4, 5), (5, 11)):
        low, high = max(0, first - reach), min(depth, last + reach)
        slab = labels[low:high].copy()
        own = slice(first - low, last - low)
        counts.append([n for n, _ in clean_slab(slab, own, parameters, mask=ArrayVolume(mask[low:high]))])
        assert np.array_equal(slab[own], whole.labels[first:last])
    assert [sum(n) for n in zip(*counts, strict=True)] == [step.voxels_after for step in whole.steps]
