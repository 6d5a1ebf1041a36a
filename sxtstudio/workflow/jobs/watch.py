"""New tomograms in a folder, noticed by looking again and again: network shares report no changes."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from sxtstudio.core.errors import UserError
from sxtstudio.io.fingerprint import fingerprint
from sxtstudio.workflow.jobs.arrival import Arrival, ContentSample, judge, sample_of
from sxtstudio.workflow.jobs.batch_files import is_own_output
from sxtstudio.workflow.jobs.outputs import on_disk

# Reconstructions; .st and .ali are tilt series, which look like them.
SUFFIXES = frozenset((".mrc", ".rec", ".map", ".tif", ".tiff", ".h5", ".hdf5", ".nxs", ".zarr", ".txm"))
# Of slices in a folder; fewer than three may be pictures of results.
_SLICES, _FEWEST = frozenset((".tif", ".tiff", ".png")), 3

STABLE_S = 6.0
# A file that does not change any more and cannot be read is damaged; this long it gets a chance.
GIVE_UP_S = 60.0
# With so many that were returned before, each of them is looked at again only now and then: a share answers
# some thousand questions a second, and stores of chunks are thousands of files each.
_FEW, RECHECK_S = 100, 60.0

Signature = tuple[int, int, float, float]


@dataclass
class _Seen:
    signature: Signature
    sample: ContentSample | None
    since: float
    next_try: float


@dataclass
class _Taken:
    """A file that was returned; its fingerprint is None where that is not known."""

    signature: Signature
    fingerprint: dict[str, Any] | None
    next_look: float = 0.0


def tomograms_in(folder: Path) -> list[Path]:
    """Return the files of a folder that may be tomograms, by name; none where the folder is one itself."""
    if folder.suffix.lower() == ".zarr":
        return []
    found = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and not is_own_output(path)]
    # Numbered slices of one tomogram are opened as a folder.
    slices = [path for path in found if path.suffix.lower() in (".tif", ".tiff") and path.stem[-3:].isdigit()]
    return [] if len(slices) > 20 and len(slices) == len(found) else sorted(found)


class FolderWatch:
    """Finds tomograms in a folder that are complete.

    Size, time and content must stand still for a while, and all that the file promises must be there. Where a
    copier that reserves the room first could still have to write (zeros, chunks that are not stored), or the
    file cannot be read, it must stand still for a minute: then it is returned all the same, because a
    tomogram may hold zeros, and because the error of a damaged one must reach the user.

    Results of this program, hidden and unfinished files, and the folders below are left alone.
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
            How long a file must stay the same; by default 6 s.
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
        self._taken: dict[Path, _Taken] = {}
        self.slice_folders: list[str] = []
        #: The folder could not be listed at the last look: a share that has gone.
        self.away = False
        if not include_present:
            self._taken = {path: _Taken(found, None) for path, found in self._candidates().items()}

    def poll(self) -> list[Path]:
        """Return the tomograms that have become complete since the last call, the oldest first.

        One that was returned comes again once another file has taken its place.
        """
        ready: list[tuple[float, Path]] = []
        candidates = self._candidates()
        for path in set(self._seen) - set(candidates):
            del self._seen[path]
        for path, signature in candidates.items():
            taken = self._taken.get(path)
            if taken is not None and taken.signature == signature:
                self._seen.pop(path, None)
            elif self._stands_still(path, signature):
                known = _fingerprint(path)
                self._taken[path] = _Taken(signature, known, self._clock() + RECHECK_S)
                if taken is None or known is None or known != taken.fingerprint:  # not only touched
                    ready.append((signature[2], path))
        return [path for _, path in sorted(ready)]

    @property
    def arriving(self) -> list[Path]:
        """Those of the last look that are not complete, or were written to a moment ago, by name."""
        return sorted(
            path
            for path, seen in self._seen.items()
            if path not in self._taken or self._taken[path].signature != seen.signature
        )

    def take(self, path: Path, signature: Signature) -> None:
        """Let a tomogram that was worked on before count as returned, as long as it is as it was then."""
        self._taken[path] = _Taken(signature, None, 0.0)

    def forget(self, path: Path) -> None:
        """Return a tomogram once more, when it stands still."""
        self._taken.pop(path, None)

    def _stands_still(self, path: Path, signature: Signature) -> bool:
        """Whether nobody has written to a file for long enough, and it is complete as far as one can see."""
        now, seen = self._clock(), self._seen.get(path)
        if seen is None or seen.signature != signature:
            self._seen[path] = _Seen(signature, _sample(path), now, now + self._stable_s)
            return False
        if now < seen.next_try:
            return False
        seen.next_try = now + self._stable_s
        sample = _sample(path)
        if sample != seen.sample:  # the room was reserved, and is being filled
            seen.sample, seen.since = sample, now
            return False
        return now - seen.since >= GIVE_UP_S or judge(path) is Arrival.COMPLETE

    def _candidates(self) -> dict[Path, Signature]:
        """Return what may be a tomogram, with what the system says of it."""
        found: dict[Path, Signature] = {}
        try:
            with os.scandir(self.folder) as entries:
                self.slice_folders = []
                for entry in entries:
                    path = Path(entry.path)
                    if is_own_output(path):
                        continue
                    if path.suffix.lower() not in SUFFIXES:
                        if entry.is_dir() and _holds_slices(path):
                            self.slice_folders.append(path.name)
                        continue
                    known = self._known(path)
                    try:
                        found[path] = signature_of(path) if known is None else known
                    except OSError:  # it has gone in the meantime
                        continue
        except OSError:
            # A share may be away for a moment; what was seen before counts again from the start.
            self.away = True
            return {}
        self.away = False
        return found

    def _known(self, path: Path) -> Signature | None:
        """Return the signature of one that was returned, unless it is time to look at it again."""
        taken = self._taken.get(path)
        if taken is None or len(self._taken) <= _FEW:
            return None
        if self._clock() < taken.next_look:
            return taken.signature
        taken.next_look = self._clock() + RECHECK_S
        return None


def _holds_slices(path: Path) -> bool:
    """Whether it is a folder with numbered images, which ``batch`` takes as one tomogram."""
    try:
        with os.scandir(path) as entries:
            names = (Path(entry.name) for entry in entries)
            slices = (p for p in names if p.suffix.lower() in _SLICES and re.search(r"\d", p.stem))
            return len(list(islice((p for p in slices if not is_own_output(p)), _FEWEST))) == _FEWEST
    except OSError:  # a file, or one that may not be read
        return False


def signature_of(path: Path) -> Signature:
    """Return number of files, bytes, and times of the latest change of a content and of an entry."""
    if path.is_dir():
        files = [part.stat() for part in path.rglob("*") if part.is_file()]
    else:
        files = [path.stat()]
    changed = max((facts.st_mtime for facts in files), default=0.0)
    # Whoever sets the time of the original changes the entry.
    entered = max((facts.st_ctime for facts in files), default=0.0)
    return len(files), sum(facts.st_size for facts in files), changed, entered


def stored_bytes(tomogram: Path) -> int:
    """Return how large a tomogram is on its disk, which stands for its voxels; 1 where that is not known."""
    try:
        return max(1, signature_of(on_disk(tomogram))[1])
    except OSError:
        return 1


def _sample(path: Path) -> ContentSample | None:
    try:
        return sample_of(path)
    except OSError:
        return None


def _fingerprint(path: Path) -> dict[str, Any] | None:
    try:
        return fingerprint(path)
    except OSError:
        return None
