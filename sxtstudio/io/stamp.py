"""What the system says of the files of an input, to notice that somebody changes them meanwhile."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

# What a file manager writes beside the slices while somebody looks at them.
_NOT_DATA = {".ds_store", "thumbs.db", "desktop.ini"}

# Systems round times to some milliseconds, FAT to two seconds.
_YOUNG_NS = 2_500_000_000
# 500 slices of 1324 × 1284 in chunks of 16³ are 215,000.
MOST_FILES = 300_000

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
    """Yield a file itself, or the files in a folder, in the order of their paths.

    Raises
    ------
    OSError
        If the folder holds more files than any tomogram, such as a whole disk.
    """
    if not path.is_dir():
        yield path
        return
    yield from sorted(
        file
        for file in every_file(path)
        if file.name.lower() not in _NOT_DATA and not file.name.startswith("._")
    )


def every_file(path: Path) -> Iterator[Path]:
    """Yield the files in a folder and below it, in no order; raises OSError as ``files_of``."""
    count = 0
    for place, _, names in os.walk(path):
        count += len(names)
        if count > MOST_FILES:
            raise OSError(errno.EINVAL, "it holds too many files to be a tomogram", str(path))
        yield from (file for file in (Path(place, name) for name in names) if file.is_file())


def _facts(path: Path) -> tuple[str, int, int, int, int, int]:
    try:
        found = path.stat()
    except OSError:  # it has gone
        return (str(path), -1, 0, 0, 0, 0)
    # Copying with the time of the original leaves the time of the last change of the entry.
    times = found.st_mtime_ns, found.st_ctime_ns
    return (str(path), found.st_size, *times, found.st_ino, found.st_dev)
