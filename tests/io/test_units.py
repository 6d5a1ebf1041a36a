import math
import re

import pytest

from sxtstudio.io.units import judge_voxel, nm_per_unit


@pytest.mark.parametrize(
    ("spelling", "nm"),
    [
        ("nm", 1),
        ("nanometer", 1),
        ("nanometres", 1),
        ("µm", 1e3),  # U+00B5, micro sign
        ("μm", 1e3),  # U+03BC, Greek letter mu
        ("\\u00B5m", 1e3),  # as ImageJ escapes it
        ("Âµm", 1e3),  # UTF-8 read as Latin-1
        ("um", 1e3),
        (b"um", 1e3),
        ("micron", 1e3),
        ("microns", 1e3),
        ("micrometer", 1e3),
        ("Micrometre", 1e3),
        ("mm", 1e6),
        ("cm", 1e7),
        ("centimeter", 1e7),
        ("m", 1e9),
        ("inch", 2.54e7),
        ("inches", 2.54e7),
        ("angstrom", 0.1),
        ("Ångström", 0.1),
        ("Å", 0.1),
        ("\u212b", 0.1),  # Angstrom sign
        ("pm", 1e-3),
    ],
)
def test_lengths(spelling, nm):
    assert nm_per_unit(spelling) == pytest.approx(nm)


@pytest.mark.parametrize("spelling", ["", "pixel", "px", "pixels", "second", None, 3, "voxel"])
def test_no_lengths(spelling):
    assert nm_per_unit(spelling) is None


@pytest.mark.parametrize(
    ("values", "unit", "told"),
    [
        ((0, 0, 0), 1.0, "says 0"),
        ((10, 10, 0), 1.0, "says 0"),
        ((-10, 10, 10), 1.0, "negative"),
        ((math.nan, 10, 10), 1.0, "not finite"),
        ((10, math.inf, 10), 1.0, "not finite"),
        ((1, 1, 1), 0.1, "1 Å"),
        ((1, 1, 1), 1e3, "exactly 1 µm"),
        ((1 / 72, 1 / 72, 1 / 72), 2.54e7, "no X-ray microscope"),
        ((0.05, 0.05, 0.05), 1.0, "no X-ray microscope"),
        ((10, 10, 10), None, "no unit"),
        ((None, None, None), 1.0, "does not give it"),
        ((None, 12, 13), 1.0, r"pixel \(12 × 13 nm\) but not the distance"),
    ],
)
def test_absurd_or_missing_is_unknown_and_says_why(values, unit, told):
    voxel, notes = judge_voxel(values, unit)
    assert voxel is None
    assert len(notes) == 1
    assert notes[0].startswith("voxel size unknown")
    assert re.search(told, notes[0])


def test_anisotropic_voxels_keep_their_axes():
    assert judge_voxel((0.01, 0.02, 0.03), 1e3) == ((10.0, 20.0, 30.0), ())


def test_single_slice_needs_no_depth_but_keeps_a_good_one():
    assert judge_voxel((None, 12, 13), 1.0, depth_matters=False)[0] == (13.0, 12.0, 13.0)
    assert judge_voxel((1, 120, 130), 0.1, depth_matters=False)[0] == (13.0, 12.0, 13.0)
    assert judge_voxel((20, 12, 13), 1.0, depth_matters=False)[0] == (20.0, 12.0, 13.0)


@pytest.mark.parametrize(
    ("values", "units", "said"),
    [
        ((None, None, 10.0), [None, None, 1.0], "along x only"),
        ((None, 10.0, None), [None, 1.0, None], "along y only"),
        ((None, 10.0, 10.0), [None, None, 1.0], "no unit of length"),
        ((None, 10.0, 10.0), [None, 1.0, 1.0], "not the distance of the slices"),
    ],
)
def test_what_of_the_voxel_is_missing_is_said(values, units, said):
    voxel_nm, (note,) = judge_voxel(values, units)
    assert voxel_nm is None and said in note
