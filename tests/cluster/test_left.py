"""How much of a batch on several machines is done counts how large its tomograms are, not how many."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from sxtstudio.core.progress import Progress
from sxtstudio.workflow.jobs.batch_files import BatchRow

pytest.importorskip("distributed")


def test_a_small_tomogram_that_is_done_says_little_of_a_large_one(tmp_path: Path) -> None:
    from sxtstudio.cluster.runner import _Run, _Sent

    rows = []
    for name, size in (("small.mrc", 100), ("large.mrc", 7900), ("next.mrc", 2000)):
        (tmp_path / name).write_bytes(bytes(size))
        rows.append(BatchRow(tmp_path / name))
    run = _Run(SimpleNamespace(), SimpleNamespace(rows=rows), Progress(), 3, print)
    assert run._fraction() == 0
    rows[0] = BatchRow(rows[0].tomogram, "done")
    run._done.add(0)
    rows[1] = BatchRow(rows[1].tomogram, "running")
    run._sent["1"] = _Sent(1, None, fraction=0.25)
    assert run._fraction() == pytest.approx((100 + 7900 / 4) / 10_000)
    rows[1] = BatchRow(rows[1].tomogram, "done")
    run._sent.clear()
    run._done.update((1, 2))
    rows[2] = BatchRow(rows[2].tomogram, "done")
    assert run._fraction() == 1
