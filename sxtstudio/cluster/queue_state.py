"""What the machines do, in plain words."""

from __future__ import annotations

from dataclasses import dataclass

from sxtstudio.cluster.profile import NAMES, Kind
from sxtstudio.core.wording import count


@dataclass(frozen=True)
class QueueState:
    """How many workers run, how many were asked for, and how many of these wait in a queue."""

    kind: Kind
    running: int
    asked: int
    waiting: int = 0

    def __str__(self) -> str:
        """Return "3 workers run, 5 wait in the queue of SLURM"."""
        runs = f"{count(self.running, 'worker')} {'runs' if self.running == 1 else 'run'}"
        if self.kind == "address":
            return runs if self.running else "no worker is there: start some at the scheduler"
        if self.kind == "local":
            return runs if self.running >= self.asked else f"{self.running} of {self.asked} workers run"
        starting = max(0, self.asked - self.running - self.waiting)
        parts = [runs]
        if self.waiting:
            verb = "waits" if self.waiting == 1 else "wait"
            parts.append(f"{self.waiting} {verb} in the queue of {NAMES[self.kind]}")
        if starting:
            parts.append(f"{starting} {'starts' if starting == 1 else 'start'}")
        return ", ".join(parts)
