"""What containers and batch jobs allow this process: Linux control groups, versions 1 and 2."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def processor_quota() -> float:
    """Return the processors that the groups allow, the least of the group and all above it; inf: no limit."""
    return min((_quota(group) for group, _ in _groups("cpu")), default=math.inf)


def memory_left() -> list[int]:
    """Return the bytes left under each memory limit of the groups that the process is in."""
    return [left for group, version in _groups("memory") if (left := _left(group, version)) is not None]


def _groups(controller: str) -> Iterator[tuple[Path, int]]:
    """Yield the folders of the group of this process and of those above it, with the version of each."""
    try:
        lines = MEMBERSHIP.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, colon, rest = line.partition(":")
        controllers, second, path = rest.partition(":")
        if not colon or not second:
            continue
        if controllers == "":
            mounts, version = (ROOT, ROOT / "unified"), 2
        elif controller in controllers.split(","):
            mounts, version = (ROOT / controllers, ROOT / controller), 1
        else:
            continue
        group = PurePosixPath(path.lstrip("/"))
        # A container may see its own group as the root, whatever its name outside.
        for folder in dict.fromkeys(mount / level for mount in mounts for level in (group, *group.parents)):
            yield folder, version


def _quota(group: Path) -> float:
    with contextlib.suppress(OSError, ValueError):
        if (group / "cpu.max").is_file():
            limit, period = (group / "cpu.max").read_text().split()
        else:
            limit = (group / "cpu.cfs_quota_us").read_text()
            period = (group / "cpu.cfs_period_us").read_text()
        if float(limit) > 0 and float(period) > 0:  # "max" is no number, and -1 means the same
            return float(limit) / float(period)
    return math.inf


def _left(group: Path, version: int) -> int | None:
    names = ("memory.max", "memory.current") if version == 2 else _VERSION_1
    with contextlib.suppress(OSError, ValueError):
        limit = (group / names[0]).read_text().strip()
        usage = int((group / names[1]).read_text())
        if limit != "max" and int(limit) < 1 << 60:
            return int(limit) - usage + _reclaimable(group / "memory.stat")
    return None


_VERSION_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes")


def _reclaimable(path: Path) -> int:
    """File pages that the kernel drops when memory is asked for; they count as used."""
    try:
        entries = dict(line.split() for line in path.read_text().splitlines())
        return int(entries.get("total_inactive_file", entries.get("inactive_file", 0)))
    except (OSError, ValueError):
        return 0
