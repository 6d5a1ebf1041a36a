"""A network that stays loaded from one tomogram to the next, in a process that does many."""

from __future__ import annotations

from dataclasses import dataclass

from sxtstudio.segment.card import ModelCard
from sxtstudio.segment.device import Device
from sxtstudio.segment.memory import available_memory
from sxtstudio.segment.runner import SliceRunner, make_runner


@dataclass(frozen=True)
class _Kind:
    """What a runner was made for; one for another model, device or size of tiles is another runner."""

    card: ModelCard
    device: Device
    tile_px: int | None
    image: bool


class RunnerKeeper:
    """Lends the network of the last job to the next one, which must be of the same thread or come after it.

    ``loaded`` counts how often a network was loaded.
    """

    def __init__(self) -> None:
        self.loaded = 0
        self._kind: _Kind | None = None
        self._runner: SliceRunner | None = None

    def lend(
        self, card: ModelCard, device: Device, *, tile_px: int | None = None, image: bool = False
    ) -> SliceRunner:
        """Return a runner as ``make_runner`` makes it; it stays the keeper's."""
        kind = _Kind(card, device, tile_px, image)
        if self._runner is not None and kind == self._kind:
            self._runner.renew(None if self._runner.device.is_gpu else available_memory())
            return self._runner
        self.close()
        self._runner = make_runner(card, device, tile_px=tile_px, image=image)
        self._kind = kind
        self.loaded += 1
        return self._runner

    def close(self) -> None:
        """Give the network's memory back."""
        if self._runner is not None:
            self._runner.close()
        self._runner = self._kind = None
