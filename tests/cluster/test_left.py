"""How much of a batch on several machines is done counts how large its tomograms are, not how many."""

from __future__ import annotations

from pathlib import Path

import pytest

from sxtstudio.cluster.shares import BatchProgress
from sxtstudio.workflow.jobs.batch_files import BatchRow


def test_a_small_tomogram_that_is_done_says_little_of_a_large_one(tmp_path: Path) -> None:
    rows = []
    for name, size in (("small.mrc", 100), ("large.mrc", 7900), ("next.mrc", 2000)):
        (tmp_path / name).write_bytes(bytes(size))
        rows.append(BatchRow(tmp_path / name))
    shares = BatchProgress()
    assert shares.fraction(rows, {}) == 0
    rows[0] = BatchRow(rows[0].tomogram, "done")
    shares.end(0)
    rows[1] = BatchRow(rows[1].tomogram, "running")
    assert shares.fraction(rows, {1: 0.25}) == pytest.approx((100 + 7900 / 4) / 10_000)
    rows[1:] = [BatchRow(row.tomogram, "done") for row in rows[1:]]
    shares.end(1)
    shares.end(2)
    assert shares.fraction(rows, {}) == 1
