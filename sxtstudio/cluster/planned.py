"""Ranges of any plan (labels, clean-up, objects, measurements), done by many machines."""

from __future__ import annotations

import queue
import secrets
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distributed import Future

from sxtstudio.cluster.batch_run import MOST_TRIES
from sxtstudio.cluster.machines import Machines
from sxtstudio.cluster.mapping import PathMapping
from sxtstudio.cluster.profile import Profile
from sxtstudio.cluster.records import PlannedRecord, quoted, to_bytes
from sxtstudio.cluster.results import outcome_of
from sxtstudio.cluster.task import run_planned
from sxtstudio.cluster.versions import own_versions
from sxtstudio.core.errors import UserError, sentence_of
from sxtstudio.core.progress import Progress

_WAIT_S = 0.2
#: Hears which range is done, by which worker, and what was found in it.
OnRange = Callable[[int, str, dict[str, int | float | str]], None]


@dataclass(frozen=True)
class PlannedRanges:
    """Ranges of a plan: the fields are those of ``AnyRange``, as this machine calls the files."""

    folder: Path
    numbers: Sequence[int]
    device: str = "auto"
    tile_px: int | None = None
    tomogram: Path | None = None
    model: str | Path | None = None


def run_planned_ranges(
    job: PlannedRanges,
    profile: Profile,
    progress: Progress,
    on_range: OnRange,
    machines: Machines | None = None,
) -> None:
    """Do ranges on the machines of a profile, or on those that are there.

    Raises
    ------
    UserError
        If one cannot be done, its worker is lost again and again, or there are no workers to be had.
    Cancelled
        If the job was cancelled through ``progress``; what is finished is kept.
    """
    with Machines(profile) if machines is None else nullcontext(machines) as found:
        _Run(job, PathMapping(profile.paths), found, progress, on_range).go()


@dataclass
class _Run:
    job: PlannedRanges
    mapping: PathMapping
    machines: Machines
    progress: Progress
    on_range: OnRange
    events: queue.SimpleQueue[tuple[int, Future]] = field(default_factory=queue.SimpleQueue)
    given_out: dict[int, Future] = field(default_factory=dict)
    tries: dict[int, int] = field(default_factory=dict)
    done: int = 0

    def go(self) -> None:
        todo = deque(self.job.numbers)
        begin = time.monotonic()
        try:
            while todo or self.given_out:
                self.progress.check()
                self.machines.keep()
                while todo and len(self.given_out) < len(self.machines.workers):
                    self._submit(todo.popleft())
                share, spent = self.done / len(self.job.numbers), time.monotonic() - begin
                rest = spent * (1 - share) / share if share else None
                self.progress.follow(share, rest, f"ranges; {self.machines.state()}")
                with suppress(queue.Empty):
                    number, future = self.events.get(timeout=_WAIT_S)
                    if self.given_out.get(number) is future:
                        del self.given_out[number]
                        todo.extend(self._take_end(number, future))
        finally:
            with suppress(Exception):
                self.machines.client.cancel(list(self.given_out.values()), force=True, reason="not wanted")

    def _submit(self, number: int) -> None:
        job, there = self.job, self.mapping.there
        record = PlannedRecord(
            versions=own_versions(),
            folder=quoted(there(job.folder.absolute())),
            number=number,
            device=job.device,
            tile_px=job.tile_px,
            tomogram=None if job.tomogram is None else quoted(there(job.tomogram.absolute())),
            model=None if job.model is None else str(job.model),
        )
        key = f"run_planned-{number}-{secrets.token_hex(8)}"
        future = self.machines.client.submit(
            run_planned, to_bytes(record), key, key=key, pure=False, retries=0
        )
        self.given_out[number] = future
        future.add_done_callback(lambda ended: self.events.put((number, future)))

    def _take_end(self, number: int, future: Any) -> list[int]:
        """Return the range if it is to be done again."""
        try:
            found = outcome_of(future)
        except UserError:
            raise
        except Exception as error:
            text = sentence_of(error) or f"The worker failed ({error!r}). Look at its log."
            raise UserError(text) from error
        if found.state == "range-done":
            self.machines.progressed()
            self.done += 1
            self.on_range(number, found.worker, found.details or {})
            return []
        if found.state != "stopped":
            raise UserError(found.message)
        self.tries[number] = self.tries.get(number, 0) + 1
        if self.tries[number] >= MOST_TRIES:
            raise UserError(
                f"The worker of range {number} was lost {MOST_TRIES} times: it may have too little memory or "
                "time. Do that range alone, and see; what is finished is kept."
            )
        return [number]
