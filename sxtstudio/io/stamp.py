"""What the system says of the files of an input, to notice that somebody changes them meanwhile."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

# What a file manager writes beside the slices while somebody looks at them.
_NOT_DATA = {".ds_store", "thumbs.db", "desktop.ini"}

# Systems round times to some milliseconds, FAT to two seconds.
_YOUNG_NS = 2_500_000_000

Stamp = tuple[tuple[str, int, int, int, int, int], ...]


def stamp_of(paths: Iterable[Path]) -> Stamp:
    """Return what the system says of files, and of all that lies in folders; quick.

    Where two stamps are equal, nothing was written to the files and none was replaced. Where they differ,
    the contents may still be the same.
    """
    return tuple(_facts(file) for path in paths for file in files_of(path))


def is_young(stamp: Stamp) -> bool:
    """Whether a file was written so shortly before that its next change might not show in its times."""
    now = time.time_ns()
    return any(abs(now - written) < _YOUNG_NS for _, _, *times, _, _ in stamp for written in times)


def files_of(path: Path) -> Iterator[Path]:
    """Yield a file itself, or the files in a folder, in the order of their paths."""
    if not path.is_dir():
        yield path
        return
    found = [
        Path(place, name)
        for place, _, names in os.walk(path)
        for name in names
        if name.lower() not in _NOT_DATA and not name.startswith("._")
    ]
    yield from sorted(file for file in found if file.is_file())


def _facts(path: Path) -> tuple[str, int, int, int, int, int]:
    try:
        found = path.stat()
    except OSError:  # it has gone
        return (str(path), -1, 0, 0, 0, 0)
    # Copying with the time of the original leaves the time of the last change of the entry.
    times = found.st_mtime_ns, found.st_ctime_ns
    return (str(path), found.st_size, *times, found.st_ino, found.st_dev)
