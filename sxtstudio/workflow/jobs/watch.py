"""New tomograms in a folder, noticed by looking again and again: network shares tell nobody of changes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sxtstudio.core.errors import UserError
from sxtstudio.io import open_volume
from sxtstudio.workflow.jobs.batch_files import is_own_output

# Reconstructions; .st and .ali are tilt series, which look like them.
SUFFIXES = frozenset((".mrc", ".rec", ".map", ".tif", ".tiff", ".h5", ".hdf5", ".nxs", ".zarr"))

STABLE_S = 6.0
# A file that does not change any more and still cannot be opened is damaged; this long it gets a chance.
GIVE_UP_S = 60.0

Signature = tuple[int, int, float]


@dataclass
class _Seen:
    signature: Signature
    since: float
    next_try: float


def tomograms_in(folder: Path) -> list[Path]:
    """Return the files of a folder that may be tomograms, by name; none where the folder is one itself."""
    if folder.suffix.lower() == ".zarr":
        return []
    found = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and not is_own_output(path)]
    # Numbered slices of one tomogram are opened as a folder.
    slices = [path for path in found if path.suffix.lower() in (".tif", ".tiff") and path.stem[-3:].isdigit()]
    return [] if len(slices) > 20 and len(slices) == len(found) else sorted(found)


class FolderWatch:
    """Finds tomograms in a folder that are complete: unchanged for a while, and they open.

    Results of this program, hidden and unfinished files, and the folders below are left alone. A file
    that does not open within a minute is returned all the same, so that its error reaches the user.
    """

    def __init__(
        self,
        folder: Path,
        *,
        stable_s: float | None = None,
        include_present: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin to watch.

        Parameters
        ----------
        folder
            Where the reconstructions arrive.
        stable_s
            How long size and time of a file must stay the same; by default 6 s.
        include_present
            Also return those that are there already.
        clock
            Seconds; for tests.

        Raises
        ------
        UserError
            If there is no such folder.
        """
        if not folder.is_dir():
            raise UserError(
                f"{folder} is no folder that can be watched: choose the one where tomograms arrive."
            )
        self.folder = folder
        self._stable_s = STABLE_S if stable_s is None else stable_s
        self._clock = clock
        self._seen: dict[Path, _Seen] = {}
        self._returned: set[Path] = set() if include_present else set(self._candidates())

    def poll(self) -> list[Path]:
        """Return the tomograms that have become complete since the last call, the oldest first."""
        now = self._clock()
        ready: list[tuple[float, Path]] = []
        candidates = self._candidates()
        for path in set(self._seen) - set(candidates):
            del self._seen[path]
        for path, signature in candidates.items():
            if path in self._returned:
                continue
            seen = self._seen.get(path)
            if seen is None or seen.signature != signature:
                self._seen[path] = _Seen(signature, now, now + self._stable_s)
            elif now >= seen.next_try:
                if _opens(path) or now - seen.since >= GIVE_UP_S:
                    self._returned.add(path)
                    ready.append((signature[2], path))
                else:
                    seen.next_try = now + self._stable_s
        return [path for _, path in sorted(ready)]

    def _candidates(self) -> dict[Path, Signature]:
        """Return what may be a tomogram: number of files, bytes, and time of the latest change."""
        found: dict[Path, Signature] = {}
        try:
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    path = Path(entry.path)
                    if path.suffix.lower() not in SUFFIXES or is_own_output(path):
                        continue
                    try:
                        found[path] = _signature(path)
                    except OSError:  # it has gone in the meantime
                        continue
        except OSError:
            # A share may be away for a moment; what was seen before counts again from the start.
            return {}
        return found


def _signature(path: Path) -> Signature:
    if not path.is_dir():
        facts = path.stat()
        return 1, facts.st_size, facts.st_mtime
    files = [part.stat() for part in path.rglob("*") if part.is_file()]
    return len(files), sum(f.st_size for f in files), max((f.st_mtime for f in files), default=0.0)


def _opens(path: Path) -> bool:
    try:
        open_volume(path).close()
    except (UserError, MemoryError):
        return False
    return True
