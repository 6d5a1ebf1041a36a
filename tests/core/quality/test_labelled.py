"""Label files are told from tomograms, whatever their labels are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from sxtstudio.core.quality.dictionary import FigureName
from sxtstudio.core.quality.labelled import LabelSigns
from sxtstudio.core.quality.measure import Known, measure_quality
from sxtstudio.core.quality.record import QualityFlag
from sxtstudio.core.volume import ArrayVolume
from tests.core.quality.phantoms import ball, cell_in_ice

SHAPE = (6, 96, 96)


def objects(number: int) -> np.ndarray:
    volume = np.zeros(SHAPE, np.uint16)
    rng = np.random.default_rng(number)
    for value in range(1, number + 1):
        volume[ball(SHAPE, tuple(rng.uniform(0, n) for n in SHAPE), 7)] = value * 7
    return volume


def shells() -> np.ndarray:
    """Outlines of membranes, a pixel or two thin."""
    filled = objects(9) > 0
    return (filled & ~ndimage.binary_erosion(filled)).astype(np.uint8)


LABELS = {
    "membranes": shells(),
    "membranes of 255": shells() * np.uint8(255),
    "membranes of floating point": shells().astype(np.float32),
    "yes and no": shells() > 0,
    "kinds": (cell_in_ice(shape=SHAPE)[1] + 2 * shells()).astype(np.uint8),
    "many objects": objects(40),
    "of a threshold, noisy": (cell_in_ice(shape=SHAPE)[0] < -0.9).astype(np.uint8),
    "soft edges": np.clip(ndimage.gaussian_filter(400.0 * (objects(3) > 0), 1) - 50, 0, 255).astype(np.uint8),
    "soft edges, floating point": np.clip(
        ndimage.gaussian_filter(3.0 * (objects(3) > 0) - 1, 1).astype(np.float32), 0, 1
    ),
    "few slices labelled": np.concatenate([np.zeros((5, 96, 96), np.uint8), shells()[:1]]),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_are_said_to_be_labels(name: str) -> None:
    found = measure_quality(ArrayVolume(LABELS[name], (10.0, 10.0, 10.0)))
    assert [figure.name for figure in found.figures] == [FigureName.LABELS, FigureName.VOXEL_SIZE]
    assert found.figures[0].flag is QualityFlag.BAD
    assert "open the tomogram instead" in found.figures[0].sentence
    assert found.curve is None


def as_bytes(volume: np.ndarray) -> np.ndarray:
    return np.clip(120 - 25 * volume, 1, 255).astype(np.uint8)


def tomograms() -> dict[str, np.ndarray]:
    plain = cell_in_ice(shape=SHAPE, noise=0.3)[0]
    y, x = np.ogrid[:96, :96]
    around = (y - 48) ** 2 + (x - 48) ** 2 < 44**2
    return {
        "floating point": plain,
        "8-bit": as_bytes(plain),
        "8-bit with a fill of 0": as_bytes(plain) * around,
        "8-bit, smoothed, with a fill": as_bytes(ndimage.gaussian_filter(plain, (0, 4, 4))) * around,
        "cut off at black": np.clip(as_bytes(plain).astype(int) - 110, 0, 255).astype(np.uint8),
        "few grey values": (as_bytes(plain) // 16).astype(np.uint8),
        "negative": np.rint(plain * 2).astype(np.int16),
        "blank": np.zeros(SHAPE, np.uint8),
    }


@pytest.mark.parametrize("name", tomograms())
def test_tomograms_are_not_held_for_labels(name: str) -> None:
    found = measure_quality(ArrayVolume(tomograms()[name]), Known(polarity="dark"))
    assert found.figure(FigureName.LABELS) is None


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("membranes", "1 kind of label"),
        ("kinds", "3 kinds of labels"),
        ("many objects", "numbers of many objects"),
        ("soft edges, floating point", "a mask with soft edges"),
    ],
)
def test_what_kind_of_labels_they_are_is_said(name: str, what: str) -> None:
    signs = LabelSigns()
    for image in LABELS[name]:
        signs.add(image)
    assert signs.what == what
