"""How much memory is left for this process, and how large the tiles may be."""

from __future__ import annotations

import sys
from collections.abc import Callable

import psutil

from sxtstudio.segment.allocation import allocated_memory
from sxtstudio.segment.control_groups import memory_left
from sxtstudio.segment.tiles import Shape2D, round_up

# What is left to the rest of the machine and to errors of the estimate.
USABLE = 0.8
SMALLEST_TILE_PX = 64

PeakBytes = Callable[[Shape2D, int], int]


def available_memory() -> int:
    """Return the bytes that this process may still use.

    The least of: what the machine has free, what the container or batch job allows (cgroups, both
    versions), what a batch system gave, and the limit on the address space.
    """
    limits = [psutil.virtual_memory().available, *memory_left()]
    given = allocated_memory()
    if given is not None:
        limits.append(given - psutil.Process().memory_info().rss)
    if sys.platform != "win32":
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            limits.append(soft - psutil.Process().memory_info().vms)
    return max(0, min(limits))


def choose_tile(
    shape: Shape2D, batch: int, halo_px: int, multiple: int, peak_bytes: PeakBytes, available: int
) -> int | None:
    """Return the edge (px, without halo) of the largest tiles that fit into memory.

    Parameters
    ----------
    shape
        Height and width of a padded slice.
    batch
        Slices computed at once.
    halo_px, multiple
        What the network must see around a tile, and the pixels to which tiles are aligned.
    peak_bytes
        The memory that an image of a given size needs.
    available
        Bytes that may be used in all.

    Returns
    -------
    int or None
        None where the whole slice fits. The smallest tile (64 px) where not even that fits.
    """
    budget = USABLE * available
    if peak_bytes(shape, batch) <= budget:
        return None
    halo = round_up(halo_px, multiple)
    tile = round_up(max(shape) // 2, multiple)
    while tile > SMALLEST_TILE_PX and peak_bytes(with_halo(tile, halo, shape), batch) > budget:
        tile = max(SMALLEST_TILE_PX, tile - max(multiple, tile // 8 // multiple * multiple))
    return tile


def with_halo(tile_px: int, halo_px: int, shape: Shape2D) -> Shape2D:
    """Return the size that a tile has with its halo, within a slice of this shape."""
    edge = tile_px + 2 * halo_px
    return (min(shape[0], edge), min(shape[1], edge))


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error of numpy or onnxruntime means that memory ran out."""
    if isinstance(error, MemoryError):
        return True
    text = str(error).lower()
    signs = ("out of memory", "failed to allocate", "bad_alloc", "bad allocation", "memoryallocation")
    return any(sign in text for sign in signs)
