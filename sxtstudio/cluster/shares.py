"""How much of a batch is done, counted in bytes: a tomogram of a hundred times the size takes as long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sxtstudio.workflow.jobs.batch_files import BatchRow
from sxtstudio.workflow.jobs.watch import stored_bytes


class BatchProgress:
    """What of the tomograms is done; those that were left out from the beginning do not count."""

    def __init__(self) -> None:
        self._done: set[int] = set()
        self._sizes: dict[int, int] = {}

    def end(self, number: int) -> None:
        """Say that a tomogram that was begun has ended, in whatever way."""
        self._done.add(number)

    def fraction(self, rows: Sequence[BatchRow], begun: Mapping[int, float]) -> float:
        """Return how much of all is done, 0…1; ``begun`` names how much of each that is worked on."""
        numbers = [n for n, row in enumerate(rows) if n in begun or row.state == "waiting"]
        for number in (*numbers, *self._done):
            if number not in self._sizes:
                self._sizes[number] = stored_bytes(rows[number].tomogram)
        done = float(sum(self._sizes[number] for number in self._done))
        whole = done + sum(self._sizes[number] for number in numbers)
        done += sum(self._sizes[number] * share for number, share in begun.items())
        return min(1.0, done / whole) if whole else 1.0
