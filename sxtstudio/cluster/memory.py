"""Whether the memory that a profile gives to each worker is enough for a model."""

from __future__ import annotations

import onnx

from sxtstudio.cluster.profile import Profile
from sxtstudio.core.errors import UserError
from sxtstudio.segment.card import ModelCard
from sxtstudio.segment.cost import UnknownSizeError, cost
from sxtstudio.segment.memory import SMALLEST_TILE_PX, USABLE
from sxtstudio.segment.tiles import round_up

#: What a worker takes besides the network: Python, its libraries and some slices.
PROCESS_BYTES = 700_000_000


def needed_bytes(card: ModelCard) -> int:
    """Return the least that a worker needs, with the smallest tiles; 0 where that is not known."""
    if card.path is None:
        return 0
    edge = SMALLEST_TILE_PX + 2 * round_up(card.halo_px, card.multiple)
    try:
        found = cost(onnx.load(card.path), round_up(edge, card.multiple))
    except UnknownSizeError:
        return 0
    return int(PROCESS_BYTES + (found.peak_bytes + found.constant_bytes) / USABLE)


def check_memory(profile: Profile, card: ModelCard) -> None:
    """Refuse a profile that gives a worker too little.

    Raises
    ------
    UserError
        If it does.
    """
    given = profile.memory_bytes
    if given is None or profile.gpus:  # the memory of a card is its own
        return
    needed = needed_bytes(card)
    if given < needed:
        raise UserError(
            f"The profile gives {given / 1e9:.1f} GB of memory to each worker, and the model {card.name} "
            f"needs at least {needed / 1e9:.1f} GB: write more (memory), or choose a smaller model."
        )
