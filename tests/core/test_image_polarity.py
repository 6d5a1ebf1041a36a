"""Polarity on drawn cells, and on real images whose polarity is written in their README."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage, stats
from skimage.io import imread

from sxtstudio.core.errors import Cancelled
from sxtstudio.core.image_polarity import detect_polarity, image_signs, rank_correlation, skewness
from sxtstudio.core.polarity import Basis
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import ArrayVolume

REAL = Path(__file__).parents[2].parent / "shared" / "data" / "real"
CELLS = ("alba", "berkeley", "contour", "deep_sxt", "survos")
FILES = sorted(p for p in REAL.rglob("*.*") if p.parent.name in CELLS and p.suffix in (".tif", ".png"))
IMAGES = [p for p in FILES if ".label." not in p.name and "mask" not in p.name]
#: A patch of grain only; a cell packed with pale vacuoles. The network is asked about them.
MISLEADING = ("unlabelled_07.png", "slice.tif")


def drawn_cell(seed: int, gold: int = 3, size: int = 320) -> np.ndarray:
    """Absorption in a slice of a cell: textured cytosol in smooth ice, vesicles, droplets, gold; blurred."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    lac = np.full((size, size), 0.11, np.float32)
    cell = (x - 0.3 * size) ** 2 + (y - 0.5 * size) ** 2 < (0.42 * size) ** 2
    texture = ndimage.gaussian_filter(random.normal(size=cell.shape), 1.5) * 0.2
    lac[cell] = 0.25 + texture[cell]
    for kind, count in (("vesicle", 14), ("droplet", 3), ("gold", gold)):
        for _ in range(count):
            at_y, at_x = random.uniform(0.1, 0.9, 2) * size
            radius = {"vesicle": random.uniform(8, 24), "droplet": random.uniform(5, 10), "gold": 4}[kind]
            distance = np.hypot(y - at_y, x - at_x) - radius
            if kind == "vesicle":
                lac[distance < 0] = 0.2
                lac[np.abs(distance) < 2] = 0.45
            else:
                lac[distance < 0] = 0.7 if kind == "droplet" else 4.0
    return ndimage.gaussian_filter(lac, 1.2) + random.normal(scale=0.05, size=lac.shape).astype(np.float32)


def volume(*slices: np.ndarray) -> ArrayVolume:
    return ArrayVolume(np.stack(slices))


@pytest.mark.parametrize("gold", [0, 3], ids=["no-gold", "gold"])
@pytest.mark.parametrize("seed", range(3))
def test_drawn_cells_are_told_in_both_polarities(seed, gold):
    lac = drawn_cell(seed, gold)
    bright, dark = detect_polarity(volume(lac)), detect_polarity(volume(-lac))
    assert (bright.value, dark.value) == ("bright", "dark")
    assert bright.probability == pytest.approx(dark.probability) and bright.probability > 0.6


@pytest.mark.parametrize(("scale", "offset"), [(1e-4, 0), (1, 1000), (2.5e4, -3e4), (-1e-3, 1)])
def test_scale_and_offset_do_not_matter(scale, offset):
    lac = drawn_cell(0)
    expected = np.sign(scale) * image_signs(lac).log_odds
    changed = lac.astype(np.float64) * scale + offset
    assert image_signs(changed).log_odds == pytest.approx(expected, abs=5e-3)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "float16"])
def test_any_type_of_voxel(dtype):
    lac = np.clip(drawn_cell(1), -0.2, 1.0)
    grey = ((lac + 0.2) / 1.2 * 250).astype(dtype)
    inverted = (250 - grey.astype(np.int32)).astype(dtype)
    assert detect_polarity(volume(grey)).value == "bright"
    assert detect_polarity(volume(inverted)).value == "dark"


def test_grain_alone_leaves_a_doubt():
    random = np.random.default_rng(0)
    grain = ndimage.gaussian_filter(random.normal(size=(4, 300, 300)), (0, 1, 1))
    for sign in (1, -1):
        found = detect_polarity(ArrayVolume(sign * grain))
        assert found.probability < 0.65 and not found.sure
        assert "choose" in found.reason


@pytest.mark.parametrize(
    "nothing",
    [np.zeros((3, 100, 100), np.uint8), np.full((2, 100, 100), np.nan, np.float32), np.eye(40)[None]],
    ids=["constant", "nan", "small"],
)
def test_nothing_to_see_is_said(nothing):
    found = detect_polarity(ArrayVolume(nothing))
    assert (found.value, found.basis) == ("dark", Basis.NOTHING)
    assert "nothing can be seen" in found.reason


def test_one_clear_slice_wins_over_many_noisy_ones():
    noise = np.random.default_rng(0).normal(size=(16, 320, 320)).astype(np.float32)
    noise[8] = drawn_cell(0)
    found = detect_polarity(ArrayVolume(noise))
    assert found.value == "bright" and found.probability > 0.8


def test_hot_pixels_do_not_decide():
    lac = -drawn_cell(2, gold=0)
    random = np.random.default_rng(0)
    lac[random.integers(0, 320, 60), random.integers(0, 320, 60)] = 30.0
    assert detect_polarity(volume(lac)).value == "dark"


@pytest.mark.parametrize("fill", [0.0, -5.0, 5.0, np.nan])
@pytest.mark.parametrize("sign", [1, -1], ids=["bright", "dark"])
def test_the_filling_of_a_rotated_frame_does_not_decide(fill, sign):
    lac = sign * drawn_cell(1)
    y, x = np.mgrid[:320, :320]
    lac[np.abs(y - x) > 200] = fill
    lac[y + x < 90] = fill
    assert detect_polarity(volume(lac)).value == ("bright" if sign > 0 else "dark")


def test_few_slices_are_read_one_at_a_time():
    class Counting(ArrayVolume):
        boxes: list

        def read(self, box):
            self.boxes.append(box)
            return super().read(box)

    grain = np.random.default_rng(0).normal(size=(200, 64, 64)).astype(np.float32)
    tomogram = Counting(grain)
    tomogram.boxes = []
    detect_polarity(tomogram, max_slices=7)
    assert len(tomogram.boxes) == 7
    assert all(box.shape == (1, 64, 64) for box in tomogram.boxes)
    read = sorted(box.start[0] for box in tomogram.boxes)
    assert read[0] < 20 and read[-1] > 180
    clear = Counting(np.broadcast_to(drawn_cell(0), (60, 320, 320)))
    clear.boxes = []
    assert detect_polarity(clear).value == "bright"
    assert len(clear.boxes) < 16


@pytest.mark.parametrize("steps", [None, 40, 3], ids=["all differ", "some equal", "most equal"])
def test_skewness_and_rank_correlation_are_those_of_scipy(steps):
    random = np.random.default_rng(1)
    one = random.gamma(2.0, size=(60, 70)).astype(np.float32)
    other = (one + random.normal(size=one.shape)).astype(np.float32)
    if steps is not None:
        one, other = (np.round(values / np.ptp(values) * steps) for values in (one, other))
    assert skewness(one) == pytest.approx(float(stats.skew(one, axis=None)), rel=1e-5)
    found = rank_correlation(one.ravel(), other.ravel())
    assert found == pytest.approx(float(stats.spearmanr(one.ravel(), other.ravel()).statistic), rel=1e-12)
    assert found > 0.3


def test_it_begins_without_the_library_of_statistics():
    """Which takes as long to load as all the rest."""
    code = (
        "import sys; import numpy as np\n"
        "from sxtstudio.core.image_polarity import detect_polarity\n"
        "from sxtstudio.core.volume import ArrayVolume\n"
        "image = np.random.default_rng(0).normal(size=(1, 96, 96)).astype(np.float32)\n"
        "print(detect_polarity(ArrayVolume(image)).basis.name, 'scipy.stats' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["IMAGE", "False"]


def test_cancel_stops_it():
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        detect_polarity(volume(drawn_cell(0)), progress=progress)


@pytest.mark.skipif(not IMAGES, reason="the real images are not there (../shared/data/real)")
@pytest.mark.parametrize("path", IMAGES, ids=[p.stem for p in IMAGES])
def test_real_images_are_told_in_both_polarities(path):
    image = imread(path).astype(np.float32)
    image = image if image.ndim == 3 else image[None]
    truth = "bright" if path.parent.name == "berkeley" or "_NI" in path.name else "dark"
    other = {"bright": "dark", "dark": "bright"}[truth]
    found, flipped = detect_polarity(ArrayVolume(image)), detect_polarity(ArrayVolume(-image))
    assert flipped.probability == pytest.approx(found.probability, abs=0.02)
    assert flipped.value == other or not found.sure
    if path.name in MISLEADING:
        assert not found.sure and not flipped.sure
    else:
        assert (found.value, flipped.value) == (truth, other)
