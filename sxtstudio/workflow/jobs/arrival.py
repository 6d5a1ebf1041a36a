"""Whether a file that arrives in a folder is complete.

Neither its size nor its time says so: copiers reserve the room first, set the time of the original, or write
several parts side by side; programs write a header that promises what follows. What is not written yet reads
as zeros, and structures of the format lead there.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO

import numpy as np

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.plain_files import open_plain
from sxtstudio.io import open_volume
from sxtstudio.io.stamp import files_of

_PIECES, _PIECE_BYTES = 64, 4096
# Of so many places where zeros begin, the exact one is looked for.
_MOST_EDGES = 8


class Arrival(Enum):
    """What is known of a file that nobody seems to write to."""

    COMPLETE = "complete"
    DOUBTFUL = "it may be complete, with zeros where a copier could still have to write"
    UNREADABLE = "it cannot be read as a whole"


@dataclass(frozen=True)
class ContentSample:
    """Some of the content of a file or store: equal ones are of a file that stands still.

    ``has_zeros`` says that a piece of it holds nothing else.
    """

    digest: bytes
    has_zeros: bool


def sample_of(path: Path) -> ContentSample:
    """Read some of a file, its end and the edges of what is written among it, or of files of a store.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    digest = hashlib.sha256()
    has_zeros = False
    if path.is_dir():
        files = list(files_of(path))
        for file in files[:: max(1, len(files) // _PIECES)]:
            with open_plain(file) as stream:
                size = os.fstat(stream.fileno()).st_size
                piece = _piece(stream, max(0, size - _PIECE_BYTES))
            has_zeros = has_zeros or not any(piece)
            digest.update(piece)
        return ContentSample(digest.digest(), has_zeros)
    with open_plain(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        last = max(0, size - _PIECE_BYTES)
        places = sorted({int(place) for place in np.linspace(0, last, _PIECES)})
        zeros = []
        for place in places:
            piece = _piece(stream, place)
            zeros.append(not any(piece))
            digest.update(piece)
        edges = [i for i in range(1, len(places)) if zeros[i] and not zeros[i - 1]]
        for i in edges[:_MOST_EDGES]:
            edge = _edge(stream, places[i - 1], places[i])
            digest.update(edge.to_bytes(8, "little"))
    return ContentSample(digest.digest(), any(zeros))


def judge(path: Path) -> Arrival:
    """Read the first, middle and last slice, and look for parts that are missing."""
    try:
        with open_volume(path) as volume:
            depth = volume.shape[0]
            for z in sorted({0, depth // 2, depth - 1}):
                volume.read(Box.slab(z, z + 1, volume.shape))
            lacks = volume.lacks_parts()
        return Arrival.DOUBTFUL if lacks or sample_of(path).has_zeros else Arrival.COMPLETE
    except (UserError, MemoryError, OSError):
        return Arrival.UNREADABLE


def _piece(stream: BinaryIO, place: int) -> bytes:
    stream.seek(place)
    return stream.read(_PIECE_BYTES)


def _edge(stream: BinaryIO, written: int, zeros: int) -> int:
    """Return about where zeros begin, between a piece that is written and one that is not."""
    while zeros - written > _PIECE_BYTES:
        middle = (written + zeros) // 2
        if any(_piece(stream, middle)):
            written = middle
        else:
            zeros = middle
    return written
