"""What a crash has left behind."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sxtstudio.core.edit_kind import TARGETS
from sxtstudio.core.errors import UserError
from sxtstudio.core.lock import NAME as LOCK
from sxtstudio.core.lock import FolderLock
from sxtstudio.core.plain_files import LinkRefused, is_own_folder
from sxtstudio.workflow.document import state as files
from sxtstudio.workflow.document.workplace import spare_root, work_root

# A folder without a state may be one that another window has just made.
_YOUNG_S = 600.0


@dataclass(frozen=True)
class Leftover:
    """The working folder of a session that did not end well.

    Attributes
    ----------
    tomogram
        As it was opened; "" where the state is damaged.
    project
        In which it was saved before, or None.
    when
        Of the last change (UTC).
    steps
        Number of things that were done.
    bytes
        Size on disk.
    segmentation
        A segmentation was going on.
    saved
        All else is in the project, or was not worth saving: the segmentation is the only thing left.
    damaged
        Why it cannot be recovered, or "".
    """

    folder: Path
    bulk: Path
    tomogram: str
    project: Path | None
    when: datetime
    steps: int
    bytes: int
    segmentation: bool = False
    damaged: str = ""
    saved: bool = False

    @property
    def name(self) -> str:
        """What the user calls it."""
        if self.project is not None:
            return self.project.name
        return Path(self.tomogram).name if self.tomogram else "Labels of an unknown tomogram"


def leftovers(root: Path | None = None) -> list[Leftover]:
    """Return the working folders that nobody uses and that hold unsaved work, the latest first.

    Those that were discarded, or hold nothing worth keeping, are removed.
    """
    found = []
    for place in dict.fromkeys((root or work_root(), work_root(), spare_root())):
        for folder in _folders(place):
            try:
                left = _look_at(folder) if is_own_folder(folder) else None
            except FileNotFoundError:  # somebody has just removed it
                continue
            except Exception as error:  # whatever is wrong with one must not hide the others
                left = _damaged(folder, f"What was saved of a session in {folder} cannot be read ({error}).")
            if left is not None:
                found.append(left)
    return sorted(found, key=lambda left: left.when, reverse=True)


def of_a_command(folder: Path) -> None:
    """Note that a working folder holds a command's copies and no work; remove what killed commands left.

    Unsaved work stays. While the command lives it holds the lock of the folder; after that anybody who looks
    for leftovers removes it.
    """
    files.mark_discarded(folder)
    leftovers()


def discard(leftover: Leftover) -> None:
    """Remove a leftover for good; harmless if a window has taken it up in the meantime."""
    try:
        lock = FolderLock(leftover.folder)
    except (UserError, OSError):
        return
    files.mark_discarded(leftover.folder)
    files.remove_files(leftover.folder, leftover.bulk, lock)


def _folders(place: Path) -> list[Path]:
    with suppress(OSError):
        if place != spare_root() or is_own_folder(place):
            return list(place.iterdir())
    return []


def _look_at(folder: Path) -> Leftover | None:
    young = time.time() - folder.stat().st_mtime <= _YOUNG_S  # before a file of ours changes that
    if young and {entry.name for entry in folder.iterdir()} <= {LOCK}:
        return None  # whoever makes it is about to take its lock, which stays untouched
    try:
        lock = FolderLock(folder, moment_s=0)
    except LinkRefused:
        raise
    except UserError:
        return None  # somebody works there
    try:
        return _with_lock(folder, lock, young)
    finally:
        lock.release()


def _with_lock(folder: Path, lock: FolderLock, young: bool) -> Leftover | None:
    there = {entry.name for entry in folder.iterdir()}
    state: files.FolderState | None = None
    damaged = ""
    if files.has_state(there):
        try:
            state = files.read_state(folder)
        except UserError as error:
            damaged = str(error)
    elif files.STEPS in there and any(f"{target}.raw" in there for target in TARGETS):
        damaged = f"The list of what was open in {folder} is missing. The label files in it are still there."
    bulk = folder if state is None or state.bulk is None else state.bulk
    segmentation = files.has_unfinished_segmentation(bulk)
    saved = state is not None and not _is_modified(folder, bulk, state)
    worthless = saved and not segmentation
    # Without steps nothing was done: an earlier version was ended while it copied the labels of a project.
    empty = state is None and not damaged and not young
    if files.DISCARDED in there or worthless or empty:
        files.mark_discarded(folder)
        files.remove_files(folder, bulk, lock)
        return None
    if state is None:
        return _damaged(folder, damaged) if damaged else None
    return Leftover(
        folder,
        bulk,
        state.source,
        state.project,
        _when(folder, bulk),
        len(state.record.steps),
        _size(folder) + (_size(bulk) if bulk != folder else 0),
        segmentation,
        saved=saved,
    )


def _damaged(folder: Path, why: str) -> Leftover:
    when = datetime.fromtimestamp(0, UTC)
    with suppress(OSError, ValueError, OverflowError):
        when = _when(folder)
    segmentation = files.has_unfinished_segmentation(folder)
    return Leftover(folder, folder, "", None, when, 0, _size(folder), segmentation, why)


def _is_modified(folder: Path, bulk: Path, state: files.FolderState) -> bool:
    """Whether something was done that is not saved; the state may lag behind the voxels on a slow disk."""
    if state.modified or files.has_unfinished_edit(bulk):
        return True
    written = files.state_time_ns(folder)
    volumes = (bulk / f"{target}.raw" for target in state.targets)
    return any(path.exists() and path.stat().st_mtime_ns > written for path in volumes)


def _when(*folders: Path) -> datetime:
    times = [entry.stat().st_mtime for folder in folders for entry in folder.iterdir() if entry.is_file()]
    return datetime.fromtimestamp(max(times, default=0.0), UTC)


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            stat = path.stat()
            total += getattr(stat, "st_blocks", -(-stat.st_size // 512)) * 512
    return total
