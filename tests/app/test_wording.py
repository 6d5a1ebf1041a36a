"""Times, sizes and numbers as the user reads them."""

from __future__ import annotations

import pytest

from sxtstudio.app import wording


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
def test_duration(seconds: float, text: str) -> None:
    assert wording.duration(seconds) == text


def test_sizes_counts_and_shares() -> None:
    assert wording.size(500) == "less than 1 MB"
    assert wording.size(849_600_000) == "850 MB"
    assert wording.size(3.4e9) == "3.4 GB"
    assert wording.count(1, "object") == "1 object"
    assert wording.count(12345, "voxel") == "12\u202f345 voxels"
    assert wording.share(0.433) == "43 %"
    assert wording.share(0.0433) == "4.3 %"
    assert wording.share(0.0002) == "less than 0.1 %"
    assert wording.share(0) == "0.0 %"
