"""A trial of a cluster: one worker, one small task, and what it says of itself in plain words."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from sxtstudio.cluster.mapping import PathMapping
from sxtstudio.cluster.profile import Profile
from sxtstudio.cluster.question import WorkerAnswer, WorkerQuestion
from sxtstudio.cluster.records import quoted, to_bytes
from sxtstudio.cluster.versions import check_versions, own_versions
from sxtstudio.core.errors import UserError
from sxtstudio.core.progress import Progress
from sxtstudio.core.records import read_json_record
from sxtstudio.core.wording import count


@dataclass(frozen=True)
class ClusterCheck:
    """What was found, line by line, and whether a batch would work."""

    works: bool
    lines: tuple[str, ...]


def check_cluster(
    profile: Profile, files: Sequence[Path], progress: Progress, wait_s: float = 120.0
) -> ClusterCheck:
    """Start one worker of a profile, ask it, and end it.

    Parameters
    ----------
    profile
        The profile.
    files
        Asked for, besides the folder in which this runs.
    progress
        May be cancelled while a worker is waited for.
    wait_s
        For a worker.

    Raises
    ------
    UserError
        If the scheduler cannot be reached, the queue takes no job, no worker comes, or it is lost
        before it answers.
    Cancelled
        If it was cancelled.
    """
    from sxtstudio.cluster.machines import Machines
    from sxtstudio.cluster.results import GONE
    from sxtstudio.cluster.task import check_task

    mapping = PathMapping(profile.paths)
    asked = [path.absolute() for path in files] or [Path.cwd()]
    mark = _mark(asked[0])
    names = [mapping.there(path) for path in [*asked, *([mark] if mark else [])]]
    question = WorkerQuestion(tuple(quoted(name) for name in names))
    one = msgspec.structs.replace(profile, workers=1)
    begin = time.monotonic()
    try:
        with Machines(one) as machines:
            while not machines.workers:
                progress.step(0, f"waiting for a worker; {machines.state()}")
                if time.monotonic() - begin > wait_s:
                    raise UserError(
                        f"No worker came within {wait_s:.0f} s ({machines.state()}). Look at the queue, and "
                        "at the profile: queue, account, time, memory."
                    )
                machines.keep()
                time.sleep(0.2)
            came = time.monotonic() - begin
            future = machines.client.submit(check_task, to_bytes(question), pure=False, retries=1)
            try:
                content = future.result(timeout=wait_s)
            except GONE as error:
                raise UserError(
                    "The worker came, and was lost before it answered: it may have too little memory or "
                    "time. Look at the profile, and at its log."
                ) from error
    finally:
        if mark is not None:
            with suppress(OSError):
                mark.unlink()
    found = read_json_record(content, WorkerAnswer, "What the worker answered")
    return _described(profile, found, asked, names, came)


def _mark(place: Path) -> Path | None:
    """Write an empty file where the worker must see it: a folder of the same name elsewhere is no proof."""
    folder = place if place.is_dir() else place.parent
    path = folder / f".sxtstudio-{secrets.token_hex(8)}"
    try:
        path.touch(exist_ok=False)
    except OSError:
        return None
    return path


def _described(
    profile: Profile, found: WorkerAnswer, asked: Sequence[Path], names: Sequence[str], came_s: float
) -> ClusterCheck:
    lines = [
        f"A worker came after {came_s:.0f} s: {found.host}, {found.device} ({found.reason}).",
        f"It may use {count(found.cpus, 'processor')} and {found.memory_bytes / 1e9:.1f} GB of memory.",
    ]
    problem = ""
    try:
        check_versions(own_versions(), found.versions, found.host)
    except UserError as error:
        problem = str(error)
    lines.append(problem or "It has the same versions of everything as this machine.")
    lines.append(f"Models that it has: {', '.join(found.models) or 'none'}; others are sent.")
    works = not problem
    for path, name, seen in zip(asked, names, found.seen, strict=False):
        called = f" (there {name})" if name != str(path) else ""
        lines.append(f"It {'sees' if seen else 'does not see'} {path}{called}.")
        works &= seen
    if len(found.seen) > len(asked) and not found.seen[-1]:
        lines.append(
            "It does not see a file that was just written there: it is another folder of the same name. Name "
            "a folder that both see, or write in the profile how it is called there (paths)."
        )
        works = False
    elif not works and not problem:
        lines.append("Write in the profile how the folder is called there (paths), or use one that both see.")
    lines.append("The profile works." if works else "The profile does not work yet.")
    return ClusterCheck(works, tuple(lines))
