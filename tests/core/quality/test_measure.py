"""A good tomogram raises no flag; one that was spoilt in a known way raises the one for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.progress import Progress
from sxtstudio.core.quality.dictionary import FigureName
from sxtstudio.core.quality.measure import Known, measure_quality
from sxtstudio.core.quality.record import CurveSource, Quality, QualityFlag, Side
from sxtstudio.core.trust import SliceTrust
from sxtstudio.core.volume import ArrayVolume
from tests.core.quality.phantoms import beads_in_noise, cell_in_ice

CUBE = (10.0, 10.0, 10.0)
KNOWN = Known("cell.mrc", polarity="dark")


@pytest.fixture(scope="module")
def cell() -> NDArray[np.float32]:
    return cell_in_ice(noise=0.15)[0]


def quality_of(volume: NDArray[Any], known: Known = KNOWN, **options: Any) -> Quality:
    return measure_quality(ArrayVolume(volume, options.pop("voxel_nm", CUBE)), known, **options)


def flag(quality: Quality, name: FigureName) -> QualityFlag:
    figure = quality.figure(name)
    assert figure is not None
    assert figure.sentence.endswith((".", "?"))
    return figure.flag


def test_a_good_tomogram_raises_no_flag(cell: NDArray[np.float32]) -> None:
    quality = quality_of(cell)
    assert quality.flagged == ()
    assert quality.tomogram == "cell.mrc"
    assert quality.shape == cell.shape
    assert [one.z for one in quality.slices] == list(range(24))
    assert quality.slices[3].mean == pytest.approx(cell[3].mean(), rel=1e-5)
    assert quality.slices[3].deviation == pytest.approx(cell[3].std(), rel=1e-5)


def test_the_cell_and_where_it_is_cut_are_told() -> None:
    volume, truth = cell_in_ice(shape=(24, 320, 320), noise=0.2)
    quality = quality_of(volume)
    share = quality.figure(FigureName.CELL)
    contrast = quality.figure(FigureName.CELL_CONTRAST)
    assert share is not None
    assert share.value == pytest.approx(truth.mean(), abs=0.06)
    assert set(quality.cut_sides) == {Side.LEFT, Side.FIRST, Side.LAST}
    assert contrast is not None
    assert contrast.value == pytest.approx(1 / 0.2, rel=0.15)


def spoilt(cell: NDArray[np.float32]) -> dict[FigureName, NDArray[np.float32]]:
    """The cell, spoilt in a way for each figure that must tell it."""
    y, x = np.ogrid[:160, :160]
    rng = np.random.default_rng(0)
    cut = np.clip(cell, *np.percentile(cell, (6, 94)))
    drifting = cell + np.linspace(0, 8, 24, dtype=np.float32)[:, None, None]
    round_one = np.where((y - 80) ** 2 + (x - 80) ** 2 < 60**2, cell, np.float32(0))
    unfinished = cell.copy()
    unfinished[18:] = 0
    return {
        FigureName.CONTRAST: rng.normal(size=cell.shape).astype(np.float32),
        FigureName.CLIPPED: cut,
        FigureName.DRIFT: drifting,
        FigureName.FILL: round_one,
        FigureName.EMPTY_SLICES: unfinished,
    }


@pytest.mark.parametrize(
    "name",
    [
        FigureName.CONTRAST,
        FigureName.CLIPPED,
        FigureName.DRIFT,
        FigureName.FILL,
        FigureName.EMPTY_SLICES,
    ],
)
def test_what_was_spoilt_is_flagged(cell: NDArray[np.float32], name: FigureName) -> None:
    quality = quality_of(spoilt(cell)[name])
    assert flag(quality, name) in (QualityFlag.LOOK, QualityFlag.BAD)
    others = {figure.name for figure in quality.flagged} - {name}
    # Noise alone has neither details nor a cell; what is not there is not measured either.
    also = {FigureName.CONTRAST: {FigureName.RESOLUTION}, FigureName.EMPTY_SLICES: {FigureName.FILL}}
    assert others <= also.get(name, set())


@pytest.mark.parametrize(
    ("name", "value"),
    [(FigureName.FILL, 1 - np.pi * 60**2 / 160**2), (FigureName.EMPTY_SLICES, 6), (FigureName.CLIPPED, 0.12)],
)
def test_how_much_was_spoilt_is_told(cell: NDArray[np.float32], name: FigureName, value: float) -> None:
    figure = quality_of(spoilt(cell)[name]).figure(name)
    assert figure is not None
    assert figure.value == pytest.approx(value, abs=0.03)


def test_drift_is_told_in_standard_deviations_of_a_slice() -> None:
    """Of 24 slices 22 count, of these the medians of five: 17 steps of the 23."""
    rng = np.random.default_rng(4)
    volume = rng.normal(0, 2, (24, 70, 70)) + np.linspace(0, 23, 24)[:, None, None]
    figure = quality_of(volume).figure(FigureName.DRIFT)
    assert figure is not None
    assert figure.value == pytest.approx(17 / 2, rel=0.02)


@pytest.mark.parametrize(
    ("voxel_nm", "asks"),
    [
        ((10.0, 10.0, 10.0), False),
        ((30.0, 8.0, 8.0), False),
        (None, True),
        ((1e-3, 1e-3, 1e-3), True),
        ((10.0, 10.0, 12.0), True),
        ((100.0, 10.0, 10.0), True),
    ],
    ids=["cube", "slab", "missing", "wrong unit", "not square", "far apart"],
)
def test_odd_voxel_sizes_are_flagged(
    cell: NDArray[np.float32], voxel_nm: tuple[float, float, float] | None, asks: bool
) -> None:
    small = cell[:3, :70, :70]
    found = flag(quality_of(small, voxel_nm=voxel_nm), FigureName.VOXEL_SIZE)
    assert (found is QualityFlag.LOOK) == asks


def test_what_is_known_besides_the_voxels_is_judged(cell: NDArray[np.float32]) -> None:
    small = cell[:3, :70, :70]
    good = replace(KNOWN, trust=(SliceTrust(0.9, 0.94),) * 3, objects={"vesicle": 4, "mitochondrion": 2})
    quality = quality_of(small, good)
    assert flag(quality, FigureName.CERTAINTY) is QualityFlag.GOOD
    assert flag(quality, FigureName.RECOGNISED) is QualityFlag.GOOD
    figure = quality.figure(FigureName.OBJECTS)
    assert figure is not None
    assert figure.sentence == "6 objects: 4 vesicle, 2 mitochondrion."
    bad = quality_of(small, Known(tilt_series="the header says so", trust=(SliceTrust(0.2, 0.2),) * 3))
    for name in (FigureName.CERTAINTY, FigureName.RECOGNISED, FigureName.TILT_SERIES):
        assert flag(bad, name) is QualityFlag.BAD
    assert quality_of(small).figure(FigureName.OBJECTS) is None


def test_gold_is_judged_with_its_streaks_and_doubles() -> None:
    """Twelve beads are six that are doubled."""
    centres = [(6, 40, 40), (12, 60, 140), (18, 150, 50), (9, 120, 110), (15, 100, 30), (5, 160, 150)]
    volume = beads_in_noise(centres, (16, 0))
    quality = quality_of(volume)
    assert flag(quality, FigureName.DOUBLES) is QualityFlag.BAD
    values = {figure.name: figure.value for figure in quality.figures}
    assert values[FigureName.DOUBLES] == pytest.approx(160, abs=10)
    assert values[FigureName.BEADS] == 6
    streaked = beads_in_noise(centres[:1])
    streaked[:, 37:44, :120] += np.where(streaked[:, 37:44, :120] > -15, np.float32(4), np.float32(0))
    figure = quality_of(streaked).figure(FigureName.STREAKS)
    assert figure is not None
    # A strip of six diameters in those of 24 slices in which the bead is: 6 · Σ d².
    sections = sum(6 * 4 * (25 - dz**2) for dz in range(-4, 5))
    assert figure.value == pytest.approx(sections / (24 * 192 * 192), rel=0.25)


def test_halves_are_compared_with_each_other(cell: NDArray[np.float32]) -> None:
    rng = np.random.default_rng(1)
    other = (cell + rng.normal(0, 0.4, cell.shape)).astype(np.float32)
    quality = quality_of(cell, half=ArrayVolume(other, CUBE))
    assert quality.curve is not None
    assert quality.curve.source is CurveSource.HALVES
    with pytest.raises(UserError, match="23 × 160 × 160"):
        quality_of(cell, half=ArrayVolume(other[1:], CUBE))


@pytest.mark.parametrize("shape", [(1, 20, 20), (1, 200, 200), (4, 100, 100), (9, 64, 70)], ids=str)
def test_small_tomograms_have_figures_as_far_as_they_go(shape: tuple[int, int, int]) -> None:
    volume = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    quality = quality_of(volume, Known())
    assert flag(quality, FigureName.DRIFT) is (QualityFlag.UNKNOWN if shape[0] < 5 else QualityFlag.GOOD)
    assert flag(quality, FigureName.DOUBLES) is QualityFlag.UNKNOWN


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_a_tomogram_that_holds_nothing_is_said_to(value: float) -> None:
    quality = quality_of(np.full((8, 70, 70), value, np.float32), Known())
    assert flag(quality, FigureName.EMPTY_SLICES) is QualityFlag.BAD
    assert flag(quality, FigureName.NOISE) is QualityFlag.UNKNOWN
    assert quality.worst is QualityFlag.BAD
    # Nothing is claimed that was not measured.
    told = {figure.name for figure in quality.figures if figure.flag is not QualityFlag.UNKNOWN}
    assert told == {FigureName.EMPTY_SLICES, FigureName.FILL, FigureName.VOXEL_SIZE}


def test_one_slice_says_nothing_of_what_lies_before_and_behind() -> None:
    volume = cell_in_ice(shape=(24, 320, 320), noise=0.2)[0][12:13]
    quality = quality_of(volume)
    assert set(quality.cut_sides) == {Side.LEFT}
    sentence = quality.figure(FigureName.CUT_SIDES).sentence  # type: ignore[union-attr]
    assert "slice" not in sentence


@pytest.mark.parametrize("sign", [1, -1], ids=["dark", "bright"])
def test_which_of_cell_and_ice_is_denser_is_not_claimed(cell: NDArray[np.float32], sign: int) -> None:
    """Their difference was measured without its sign; of an electron microscope it is the other one."""
    quality = quality_of(cell * np.float32(sign), replace(KNOWN, polarity="dark" if sign > 0 else "bright"))
    assert not any("denser" in figure.sentence for figure in quality.figures)


def test_edges_of_voxels_that_differ_are_all_said(cell: NDArray[np.float32]) -> None:
    figure = quality_of(cell[:3, :70, :70], voxel_nm=(10.0, 20.0, 20.0)).figure(FigureName.VOXEL_SIZE)
    assert figure is not None
    assert figure.sentence.startswith("10 × 20 × 20 nm (z, y, x)")


class Deep(ArrayVolume):
    """A tomogram of many slices that are all the same one; it counts which are read."""

    def __init__(self, depth: int) -> None:
        super().__init__(np.random.default_rng(0).normal(size=(1, 70, 70)), CUBE)
        self.depth = depth
        self.read_slices: Counter[int] = Counter()

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.depth, 70, 70)

    def read(self, box: Box) -> NDArray[Any]:
        assert box.shape[0] == 1
        self.read_slices[box.start[0]] += 1
        return self.array.copy()


def test_few_slices_are_read_and_none_twice() -> None:
    volume = Deep(4000)
    measure_quality(volume)
    assert max(volume.read_slices.values()) == 1
    assert len(volume.read_slices) <= 96
    assert min(volume.read_slices) == 0
    assert max(volume.read_slices) == 3999


def test_it_can_be_cancelled() -> None:
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        measure_quality(Deep(50), progress=progress)
