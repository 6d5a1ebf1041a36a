"""Two workers of this machine for all tests of a file; more are started only where a test ends some."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from sxtstudio.cluster.machines import Machines
from sxtstudio.cluster.profile import Profile

# A starved machine takes a minute to load dask, and what is waited for comes nevertheless; nobody waits so
# long unless it never comes.
AT_MOST_S = 300.0


def until(done: Callable[[], bool], meanwhile: Callable[[], object] = lambda: None) -> None:
    """Wait until ``done``."""
    end = time.monotonic() + AT_MOST_S
    while not done():
        assert time.monotonic() < end
        meanwhile()
        time.sleep(0.02)


@pytest.fixture(scope="session")
def started() -> Iterator[Machines]:
    """Two workers, once for all tests of the process."""
    with Machines(Profile("local", workers=2, cores=1)) as found:
        yield found


@pytest.fixture
def machines(started: Machines) -> Machines:
    """The two workers; those that a test before has killed were replaced."""
    until(lambda: len(started.workers) >= 2, started.keep)
    return started


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    """23 slices of 64 × 80 voxels, a range and a half: with the slow model some seconds."""
    return write_deep(tmp_path / "deep.mrc", 23)


def write_deep(path: Path, slices: int) -> Path:
    """Write noise with a cone."""
    z, y, x = np.indices((slices, 64, 80))
    image = np.random.default_rng(0).normal(0, 0.05, z.shape)
    image -= np.abs(np.hypot(y - 32, x - 40) - 16 - z / 8) < 1.5
    with mrcfile.new(path) as file:
        file.set_data(image.astype(np.float32))
        file.voxel_size = 100.0
    return path
