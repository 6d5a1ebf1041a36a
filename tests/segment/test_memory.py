from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from sxtstudio.segment import control_groups
from sxtstudio.segment.memory import available_memory, choose_tile, is_out_of_memory

GIB = 1 << 30


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with 8 GiB free, in whose folder control groups can be made."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=8 * GIB))
    monkeypatch.setattr(control_groups, "ROOT", tmp_path)
    monkeypatch.setattr(control_groups, "MEMBERSHIP", tmp_path / "membership")
    return tmp_path


def group(folder: Path, **files: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(f"{content}\n")


def test_without_limits_it_is_what_the_machine_has(machine: Path) -> None:
    assert available_memory() == 8 * GIB


def test_a_batch_job_of_version_2_sees_its_limit(machine: Path) -> None:
    (machine / "membership").write_text("0::/slurm/job_7\n")
    group(machine / "slurm", memory__max="max", memory__current=0)
    group(
        machine / "slurm" / "job_7",
        memory__max=4 * GIB,
        memory__current=3 * GIB,
        memory__stat=f"anon 5\ninactive_file {GIB // 2}",
    )
    assert available_memory() == GIB + GIB // 2


def test_a_limit_on_an_outer_group_counts(machine: Path) -> None:
    (machine / "membership").write_text("0::/user/app\n")
    group(machine / "user", memory__max=2 * GIB, memory__current=0)
    group(machine / "user" / "app", memory__max=4 * GIB, memory__current=0)
    assert available_memory() == 2 * GIB


def test_a_container_of_version_1_sees_its_limit(machine: Path) -> None:
    (machine / "membership").write_text("5:cpu:/docker/x\n4:memory:/docker/x\n")
    # Inside a container its own group is mounted as the root.
    group(machine / "memory", memory__limit_in_bytes=3 * GIB, memory__usage_in_bytes=GIB)
    assert available_memory() == 2 * GIB


def test_no_limit_of_version_1_is_a_huge_number(machine: Path) -> None:
    (machine / "membership").write_text("4:memory:/\n")
    group(machine / "memory", memory__limit_in_bytes=(1 << 63) - 4096, memory__usage_in_bytes=GIB)
    assert available_memory() == 8 * GIB


def test_an_overdrawn_group_has_nothing_left(machine: Path) -> None:
    (machine / "membership").write_text("0::/\n")
    group(machine, memory__max=GIB, memory__current=2 * GIB)
    assert available_memory() == 0


def linear(shape: tuple[int, int], batch: int) -> int:
    return 1000 * shape[0] * shape[1] * batch


def test_a_slice_that_fits_is_not_tiled() -> None:
    assert choose_tile((1024, 1024), 1, 192, 16, linear, 2 * 10**9) is None


@pytest.mark.parametrize("available", [10**9, 6 * 10**8, 4 * 10**8])
def test_the_largest_tile_that_fits_is_taken(available: int) -> None:
    tile = choose_tile((1024, 1024), 1, 192, 16, linear, available)
    assert tile is not None and tile % 16 == 0
    assert linear((min(1024, tile + 384), min(1024, tile + 384)), 1) <= 0.8 * available
    assert linear((min(1024, tile + 544), min(1024, tile + 544)), 1) > 0.8 * available


def test_a_batch_needs_more() -> None:
    one = choose_tile((1024, 1024), 1, 192, 16, linear, 10**9)
    two = choose_tile((1024, 1024), 2, 192, 16, linear, 10**9)
    assert one is not None and two is not None and two < one


def test_with_far_too_little_the_smallest_tile_is_tried() -> None:
    assert choose_tile((1024, 1024), 1, 192, 16, linear, 1000) == 64


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (RuntimeError("CUDA failure 2: out of memory"), True),
        (RuntimeError("BFCArena: Failed to allocate memory for requested buffer of size 9"), True),
        (RuntimeError("std::bad_alloc"), True),
        (RuntimeError("Got invalid dimensions for input"), False),
        (ValueError("shape"), False),
    ],
)
def test_out_of_memory_is_told_from_other_errors(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected
