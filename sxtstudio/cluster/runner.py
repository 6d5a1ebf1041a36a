"""Runs the jobs of a batch on many machines: gives them out, and takes what comes back."""

from __future__ import annotations

import queue
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distributed import Future
from distributed.scheduler import KilledWorker

from sxtstudio.cluster.machines import Machines
from sxtstudio.cluster.mapping import PathMapping
from sxtstudio.cluster.memory import check_memory
from sxtstudio.cluster.models import model_files, model_record
from sxtstudio.cluster.profile import Profile
from sxtstudio.cluster.records import OutcomeRecord, job_record, message, outcome_from, to_bytes
from sxtstudio.cluster.task import run_task, take_model
from sxtstudio.cluster.versions import own_versions
from sxtstudio.core.errors import UserError, sentence_of
from sxtstudio.core.progress import Progress
from sxtstudio.workflow.jobs.batch_jobs import Batch, JobOutcome
from sxtstudio.workflow.jobs.outputs import on_disk
from sxtstudio.workflow.jobs.segmenting import SegmentJob
from sxtstudio.workflow.jobs.watch import signature_of

# So often in a row a tomogram may be lost with its worker without a slice more than before.
MOST_TRIES = 3
_WAIT_S = 0.2
_SHOW_S = 0.5
# How long results may take until they are seen here: a network file system keeps what a folder holds.
_SEEN_S = 60.0
OnState = Callable[[str], None]


@dataclass
class _Sent:
    """A tomogram that is with the workers."""

    number: int
    job: SegmentJob
    content: bytes = b""
    task: str = ""
    future: Future | None = None
    begun: bool = False
    slices: int = 0
    fraction: float = 0.0
    slices_before: int = 0
    tries: int = 0
    worker: str = ""
    given: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Ended:
    """A task that has ended, in whatever way."""

    number: str
    task: str
    future: Any


class ClusterRunner:
    """A ``JobRunner`` for a profile; ``on_state`` hears what the machines do, in plain words.

    ``machines`` that are there already stay; without them those of the profile are got for each run.
    """

    def __init__(
        self, profile: Profile, on_state: OnState | None = None, machines: Machines | None = None
    ) -> None:
        self._profile = profile
        self._machines = machines
        self._on_state = on_state or (lambda text: None)

    def run(self, batch: Batch, numbers: Iterator[int | None], progress: Progress, total: int | None) -> None:
        """Run the jobs, as ``JobRunner`` says."""
        mapping = PathMapping(self._profile.paths)
        model, card = model_record(batch.parameters.segmentation.model, mapping)
        check_memory(self._profile, card)
        got = Machines(self._profile) if self._machines is None else nullcontext(self._machines)
        with got as machines:
            run = _Run(machines, batch, progress, total, self._on_state)
            run.describe = lambda sent: to_bytes(
                job_record(
                    sent.job,
                    key=str(sent.number),
                    topic=run.topic,
                    versions=own_versions(),
                    model=model,
                    mapping=mapping,
                    slices_from=batch.slices_from,
                )
            )
            run.model_files = lambda: model_files(card)
            run.go(numbers)


class _Run:
    """One batch with its machines."""

    def __init__(
        self, machines: Machines, batch: Batch, progress: Progress, total: int | None, on_state: OnState
    ) -> None:
        self.topic = f"sxtstudio-{secrets.token_hex(8)}"
        self.describe: Callable[[_Sent], bytes] = lambda sent: b""
        self.model_files: Callable[[], tuple[bytes, bytes]] = lambda: (b"", b"")
        self._machines, self._batch, self._progress = machines, batch, progress
        self._total, self._on_state = total, on_state
        self._events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._sent: dict[str, _Sent] = {}  # by the number of the row
        self._done: set[int] = set()
        self._sizes: dict[int, int] = {}
        self._first_begin: float | None = None
        self._next_show = 0.0

    def go(self, numbers: Iterator[int | None]) -> None:
        """Give out all jobs, and return when the last one has ended."""
        client = self._machines.client
        client.subscribe_topic(self.topic, self._events.put)
        left = True
        try:
            while left or self._sent:
                self._progress.check()
                self._machines.keep()
                if left:
                    left = self._give_out(numbers)
                self._take_events()
                self._show()
        except BaseException:
            self._give_up()
            for sent in list(self._sent.values()):
                with suppress(UserError, OSError):
                    self._batch.stop(sent.number)
            raise
        finally:
            with suppress(Exception):
                client.unsubscribe_topic(self.topic)

    def _give_out(self, numbers: Iterator[int | None]) -> bool:
        """Begin as many as there are workers; False once there are no more."""
        most = len(self._machines.workers)
        if self._machines.profile.in_flight is not None:
            most = min(most, self._machines.profile.in_flight)
        while len(self._sent) < most:
            number = next(numbers, -1)
            if number is None:
                return True
            if number < 0:
                return False
            job = self._batch.job_of(number)
            if job is None:
                continue
            sent = _Sent(number, job)
            try:
                sent.content = self.describe(sent)
            except ValueError as error:
                self._end(sent, JobOutcome("failed", str(error)))
                continue
            self._sent[str(number)] = sent
            self._submit(sent)
        return True

    def _submit(self, sent: _Sent) -> None:
        sent.task = f"run_task-{self.topic}-{sent.number}-{secrets.token_hex(4)}"
        sent.begun = False
        sent.slices_before = sent.slices
        sent.future = self._machines.client.submit(
            run_task, sent.content, sent.task, key=sent.task, pure=False, retries=0
        )
        number, task = str(sent.number), sent.task
        sent.future.add_done_callback(lambda future: self._events.put(_Ended(number, task, future)))

    def _take_events(self) -> None:
        until = time.monotonic() + _WAIT_S
        while (rest := until - time.monotonic()) > 0:
            try:
                event = self._events.get(timeout=rest)
            except queue.Empty:
                return
            if isinstance(event, _Ended):
                self._take_end(event)
            else:
                self._take_message(message(event))

    def _take_message(self, found: dict[str, Any]) -> None:
        sent = self._sent.get(str(found.get("key")))
        if sent is None:
            return
        match found:
            case {"what": "begin", "who": str(worker)}:
                sent.begun, sent.worker = True, worker
                self._first_begin = self._first_begin or time.monotonic()
                self._batch.begin(sent.number, worker)
            case {"what": "slices", "finished": int(finished), "total": int(total)} if total > 0:
                if finished > sent.slices:
                    sent.tries = 0
                    self._machines.progressed()
                sent.slices, sent.fraction = finished, finished / total
                self._batch.count_slices(sent.number, finished, total)

    def _take_end(self, ended: _Ended) -> None:
        sent, future = self._sent.get(ended.number), ended.future
        if sent is None or ended.task != sent.task:
            return
        error = future.exception() if future.status == "error" else None
        if future.status == "finished":
            self._take_outcome(sent, outcome_from(future.result()))
        elif isinstance(error, KilledWorker) or future.status in ("lost", "cancelled"):
            self._lost(sent)
        else:
            text = sentence_of(error) if error is not None else None
            self._end(sent, JobOutcome("failed", text or f"The worker failed ({error!r}). Look at its log."))

    def _take_outcome(self, sent: _Sent, found: OutcomeRecord) -> None:
        if found.worker:
            sent.worker = found.worker
        if found.state == "refused":
            raise UserError(found.message)
        elif found.state == "no-model":
            self._send_model(sent)
        elif found.state == "stopped":
            self._lost(sent)
        else:
            self._machines.progressed()
            self._await_output(sent, found)
            self._end(sent, found.outcome())

    def _lost(self, sent: _Sent) -> None:
        """Give a tomogram out again whose worker was lost, unless that happens again and again."""
        sent.tries += 1
        if sent.tries >= MOST_TRIES:
            who = f" ({sent.worker})" if sent.worker else ""
            text = (
                f"Its worker was lost {MOST_TRIES} times without a finished slice{who}: it may have too "
                "little memory or time, or the tomogram ends the program. Segment it alone, and see."
            )
            self._end(sent, JobOutcome("failed", text))
            return
        self._batch.wait(sent.number, "its worker was lost; it goes on where that one stopped")
        self._submit(sent)

    def _send_model(self, sent: _Sent) -> None:
        """Send the model to the worker that has none, and the tomogram once more."""
        client = self._machines.client
        places = client.who_has([sent.future]).values() if sent.future is not None else []
        addresses = [address for place in places for address in place]
        if not addresses or addresses[0] in sent.given:
            self._end(sent, JobOutcome("failed", "The model could not be sent to its worker. Try again."))
            return
        sent.given.add(addresses[0])
        try:
            model, card = self.model_files()
            taken = client.submit(
                take_model, sent.content, model, card, workers=addresses[:1], pure=False, retries=0
            )
            taken.result(timeout=600)
        except Exception as error:
            text = sentence_of(error) or f"The model could not be sent to its worker ({error!r})."
            self._end(sent, JobOutcome("failed", text))
            return
        self._submit(sent)

    def _await_output(self, sent: _Sent, found: OutcomeRecord) -> None:
        """Wait until the labels are seen here, which a network file system may take a while to show."""
        if found.state != "done":
            return
        until = time.monotonic() + _SEEN_S
        while not _is_seen(sent.job.output) and time.monotonic() < until:
            self._progress.check()
            time.sleep(_WAIT_S)

    def _end(self, sent: _Sent, outcome: JobOutcome) -> None:
        self._sent.pop(str(sent.number), None)
        self._done.add(sent.number)
        sent.future = None
        if outcome.state == "done" and not _is_seen(sent.job.output):
            text = (
                f"Its worker has written {sent.job.output}, which is not seen here: check the folders in the "
                "profile (paths)."
            )
            outcome = JobOutcome("failed", text)
        self._batch.end(sent.number, outcome)

    def _give_up(self) -> None:
        """Tell the workers that nothing of it is wanted any more."""
        futures = [sent.future for sent in self._sent.values() if sent.future is not None]
        with suppress(Exception):
            self._machines.client.cancel(futures, force=True, reason="the batch was cancelled")

    def _fraction(self) -> float:
        """Return how much of all voxels is done: a tomogram of a hundred times the size takes as long."""
        numbers = [
            n for n, row in enumerate(self._batch.rows) if str(n) in self._sent or row.state == "waiting"
        ]
        for number in (*numbers, *self._done):
            if number not in self._sizes:
                self._sizes[number] = _bytes_of(self._batch.rows[number].tomogram)
        done = float(sum(self._sizes[number] for number in self._done))
        whole = done + sum(self._sizes[number] for number in numbers)
        done += sum(self._sizes[sent.number] * sent.fraction for sent in self._sent.values())
        return min(1.0, done / whole) if whole else 1.0

    def _show(self) -> None:
        now = time.monotonic()
        if now < self._next_show:
            return
        self._next_show = now + _SHOW_S
        state = str(self._machines.state())
        self._on_state(state)
        if self._total is None:
            what = "segmenting" if self._sent else "waiting for tomograms"
            self._progress.follow(0.0, None, f"{what}; {state}")
            return
        fraction = self._fraction()
        rest = None
        if self._first_begin is not None and fraction > 0:
            rest = (now - self._first_begin) * (1 - fraction) / fraction
        self._progress.follow(fraction, rest, f"segmenting; {state}")


def _bytes_of(tomogram: Path) -> int:
    """Return how large a tomogram is on its disk, which stands for its voxels; 1 where that is not known."""
    try:
        return max(1, signature_of(on_disk(tomogram))[1])
    except OSError:
        return 1


def _is_seen(path: Path) -> bool:
    if path.exists():
        return True
    with suppress(OSError):
        # Listing makes a network file system ask its server.
        return path.name in {entry.name for entry in path.parent.iterdir()}
    return False
