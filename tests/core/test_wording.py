"""Times, sizes and numbers as the user reads them."""

from __future__ import annotations

import pytest

from sxtstudio.core import wording
from sxtstudio.core.wording import reason_of


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "less than a second"),
        (7.4, "7 s"),
        (43, "45 s"),
        (89, "90 s"),
        (91, "2 min"),
        (3540, "59 min"),
        (3590, "1 h"),
        (4700, "1 h 20 min"),
    ],
)
def test_rough_duration(seconds: float, text: str) -> None:
    assert wording.rough_duration(seconds) == text


def test_counts_and_shares() -> None:
    assert wording.count(1, "object") == "1 object"
    assert wording.count(12345, "voxel") == "12\u202f345 voxels"
    assert wording.share(0.433) == "43 %"
    assert wording.share(0.0433) == "4.3 %"
    assert wording.share(0.0002) == "less than 0.1 %"
    assert wording.share(0) == "0.0 %"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.012, "12 ms"), (4.21, "4.2 s"), (45, "45 s"), (720, "12 min"), (12000, "3 h 20 min")],
)
def test_duration(seconds: float, expected: str) -> None:
    assert wording.duration(seconds) == expected


@pytest.mark.parametrize(
    ("size", "expected"), [(812, "812 bytes"), (9_437_184, "9.44 MB"), (999_900, "1 MB"), (3.4e9, "3.4 GB")]
)
def test_bytes(size: float, expected: str) -> None:
    assert wording.bytes_text(size) == expected


def test_shapes_and_voxels_name_the_order_of_their_axes() -> None:
    assert wording.shape_text((500, 1324, 1284)) == "500 × 1324 × 1284"
    assert wording.voxel_text((20.0, 10.0, 10.0)) == "20 × 10 × 10 nm voxels (z × y × x)"
    assert wording.voxel_zyx_text((20.0, 10.0, 10.0)) == "20 × 10 × 10 nm (z × y × x)"


def test_numbers_of_any_size_have_so_many_digits() -> None:
    for number, text in ((3.12e-5, "3.1×10⁻⁵"), (0.0123, "0.012"), (0.5, "0.5"), (12.0, "12"), (0.0, "0")):
        assert wording.significant(number, 2) == text
    assert (
        wording.significant(12345.6, 4) == "12\u202f346"
        and wording.significant(-0.00012345, 3) == "-1.23×10⁻⁴"
    )
    assert wording.significant(99999.9999, 4) == "100\u202f000" and wording.significant(2.5e9, 2) == "2.5×10⁹"


def test_what_python_says_of_its_code_is_no_reason() -> None:
    for error in (
        TypeError("'NoneType' object is not iterable"),
        ZeroDivisionError("integer modulo by zero"),
    ):
        assert reason_of(error) == "sizes or other numbers in it make no sense"
    assert reason_of(ValueError("the file is cut short.")) == "the file is cut short"


def test_a_single_slice_is_said_as_one() -> None:
    assert wording.slices_words(0, 1) == "slice 1"
    assert wording.slices_words(11, 12) == "slice 12"
    assert wording.slices_words(11, 15) == "slices 12 to 15"
