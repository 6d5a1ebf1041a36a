"""How much one slice of a file may ask for: a few bytes of a compressed file can promise any size.

Nothing here is near a real tomogram, whose slices have 1 to 64 MB; a file beyond these limits is damaged,
or made to fill the memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from sxtstudio.core.errors import UserError
from sxtstudio.io.axes import StoredAxes

LARGEST_SLICE_BYTES = 512 << 20
MOST_SLICES = 1 << 20
LARGEST_CHUNK_BYTES = 1 << 30
MOST_CHUNKS = 100_000  # that a slice is put together from; 1324 × 1284 in chunks of 16² are 6,723
# Chunks larger than this are unpacked one after the other.
LARGE_CHUNK_BYTES = 64 << 20

Slices = tuple[slice, ...]


def check_chunks(name: str, axes: StoredAxes, chunks: Sequence[int] | None, item_bytes: int) -> None:
    """Refuse an array that can only be read with too much memory, or in too many pieces.

    Parameters
    ----------
    name
        Of the array, for errors.
    axes, chunks
        Its axes, and the size of a chunk along each; None where it is stored in one piece.
    item_bytes
        Of a value.

    Raises
    ------
    UserError
        If a chunk is larger than 1 GB, or a slice consists of more than 100,000.
    """
    if not chunks:
        return
    chunk_bytes = math.prod(chunks) * item_bytes
    if chunk_bytes > LARGEST_CHUNK_BYTES:
        raise UserError(
            f"{name} is stored in chunks of {_times(chunks)} voxels ({chunk_bytes / 1e9:.1f} GB), which do "
            "not fit into the memory. Store it in smaller chunks, or check that it is a tomogram."
        )
    pieces = [-(-n // chunk) for n, chunk in zip(axes.shape, chunks, strict=True)]
    count = math.prod(pieces[place] for place in axes.places[1:] if place is not None)
    if count > MOST_CHUNKS:
        raise UserError(
            f"{name} is stored in chunks of {_times(chunks)} voxels, {count} for each slice, "
            "which would take too long to read. Store it in larger chunks, or check that it is a tomogram."
        )


def chunk_parts(
    index: Sequence[slice], chunks: Sequence[int]
) -> Iterator[tuple[tuple[int, ...], Slices, Slices]]:
    """Yield the parts of a selection that lie in one chunk each.

    Parameters
    ----------
    index
        A slice (start, stop, no step) for each axis.
    chunks
        Size of a chunk along each axis.

    Yields
    ------
    offset, inside, target
        Where the chunk begins in the array, what of the chunk is wanted, and where in the selection it
        belongs.
    """
    if not index:
        yield (), (), ()
        return
    part, size = index[0], chunks[0]
    for begin in range(part.start - part.start % size, part.stop, size):
        first, last = max(part.start, begin), min(part.stop, begin + size)
        inside, target = slice(first - begin, last - begin), slice(first - part.start, last - part.start)
        for offset, others, targets in chunk_parts(index[1:], chunks[1:]):
            yield (begin, *offset), (inside, *others), (target, *targets)


def _times(sizes: Sequence[int]) -> str:
    return " × ".join(map(str, sizes))
