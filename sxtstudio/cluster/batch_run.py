"""One batch on its machines: what each worker gets next, and what becomes of what it sends back."""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from distributed.scheduler import KilledWorker

from sxtstudio.cluster.assignments import BegunTomogram, Task
from sxtstudio.cluster.handed_out import EndedTask, HandedOut
from sxtstudio.cluster.machines import Machines
from sxtstudio.cluster.profile import Profile
from sxtstudio.cluster.records import Division, OutcomeRecord, WorkerStep, message
from sxtstudio.cluster.results import outcome_of
from sxtstudio.cluster.shares import BatchProgress
from sxtstudio.core.errors import UserError, sentence_of
from sxtstudio.core.logs import LOGGER
from sxtstudio.core.progress import Progress
from sxtstudio.core.wording import count
from sxtstudio.workflow.jobs.already_written import Before
from sxtstudio.workflow.jobs.batch_jobs import Batch, JobOutcome
from sxtstudio.workflow.jobs.batch_objects import ObjectsFound
from sxtstudio.workflow.jobs.segmenting import SegmentJob
from sxtstudio.workflow.ranges.split import SLICES_PER_RANGE

# So often in a row a tomogram may be lost with its worker without a slice more than before.
MOST_TRIES = 3
# Of fewer voxels (60 slices of 1324 × 1284) a tomogram is not divided unless that is asked for: reading and
# joining its ranges would cost more than it gains.
LARGE_VOXELS = 100_000_000
_WAIT_S = 0.2
_SHOW_S = 0.5
# How long results may take until they are seen here: a network file system keeps what a folder holds.
_SEEN_S = 60.0
OnText = Callable[[str], None]


class BatchRun:
    """A batch on its machines; ``out`` is what is with these."""

    def __init__(
        self,
        machines: Machines,
        profile: Profile,
        batch: Batch,
        progress: Progress,
        total: int | None,
        on_state: OnText,
        on_note: OnText,
    ) -> None:
        self._machines, self._profile, self._batch = machines, profile, batch
        self._progress, self._total = progress, total
        self._on_state, self._on_note = on_state, on_note
        self._events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.out = HandedOut(machines.client, self._events.put)
        self._ahead: deque[tuple[int, SegmentJob]] = deque()
        self._open: dict[int, BegunTomogram] = {}  # by the number of the row, the first one first
        self._refused: dict[str, str] = {}  # why workers are left out, by their address
        self._shares = BatchProgress()
        self._first_begin: float | None = None
        self._next_show = 0.0

    def go(self, numbers: Iterator[int | None]) -> None:
        """Give out all jobs, and return when the last one has ended."""
        left = True
        self.out.listen()
        try:
            while left or self._ahead or self._open:
                self._progress.check()
                self._machines.keep()
                left = self._give_out(numbers, left)
                self._take_events()
                self._show()
        except BaseException:
            self.out.cancel()
            for number in self._open:
                with suppress(UserError, OSError):
                    self._batch.stop(number)
            raise
        finally:
            self._batch.sweep()
            self.out.stop_listening()

    def _give_out(self, numbers: Iterator[int | None], left: bool) -> bool:
        """Give each worker a task; False once there are no more tomograms.

        What is left of one that was begun comes before the next one.
        """
        workers = self._fitting()
        self._move_tasks(workers)
        most_open = self._profile.in_flight or len(workers)
        while len(self.out.tasks) < len(workers):
            task = next((one.todo.popleft() for one in self._open.values() if one.todo), None)
            if task is not None:
                self._submit(task, workers)
                continue
            if len(self._open) >= most_open:
                break
            left = self._look_ahead(numbers, left)
            if not self._ahead:
                break
            division = self._division()
            number, job = self._ahead.popleft()
            again = self._batch.job_of(number) if self._is_written_by_others(job) else job
            if again is not None:
                self._begin(number, again, division)
        return left

    def _begin(self, number: int, job: SegmentJob, division: Division | None) -> None:
        self._open[number] = BegunTomogram(number, job, division, Before.of(job))
        self._open[number].begin()

    def _is_written_by_others(self, job: SegmentJob) -> bool:
        """Whether there are labels now of a name that was free when it was given, as another run has them."""
        return self._batch.parameters.existing != "replace" and _is_seen(job.output)

    def _look_ahead(self, numbers: Iterator[int | None], left: bool) -> bool:
        """Name the labels of the next tomograms, of no more than there are workers; False: no more come."""
        while left and len(self._ahead) < self._asked():
            number = next(numbers, -1)
            if number is None:
                return True
            if number < 0:
                return False
            job = self._batch.job_of(number)
            if job is not None:
                self._ahead.append((number, job))
        return left

    def _division(self) -> Division | None:
        """Return how the next tomogram is divided if it is large: as is asked for, or where workers idle."""
        asked = self._profile.slices_per_task
        if asked is not None:
            return Division(asked) if asked else None
        return Division(SLICES_PER_RANGE, LARGE_VOXELS) if len(self._ahead) < self._asked() else None

    def _asked(self) -> int:
        """How many workers there are, or will be."""
        there = len(self._machines.workers)
        return there if self._profile.kind == "address" else max(there, self._profile.workers)

    def _fitting(self) -> frozenset[str]:
        """Return the addresses of the workers that are not left out.

        Raises
        ------
        UserError
            If all are, and no others are to come.
        """
        there = frozenset(self._machines.workers)
        fitting = there - self._refused.keys()
        if there and not fitting and len(there) >= self._asked():
            raise UserError(next(self._refused[address] for address in there))
        return fitting

    def _submit(self, task: Task, workers: frozenset[str]) -> None:
        try:
            self.out.hand_out(task, workers if self._refused else None)
        except (ValueError, OSError) as error:
            self._end(task.tomogram, JobOutcome("failed", str(error)))

    def _move_tasks(self, workers: frozenset[str]) -> None:
        """Give those anew for which none is left of the workers that were allowed."""
        for task in list(self.out.tasks.values()):
            if task.allowed is not None and not task.begun and not task.allowed & workers:
                self.out.take_back(task)
                task.tomogram.todo.appendleft(task)

    def _take_events(self) -> None:
        until = time.monotonic() + _WAIT_S
        while (rest := until - time.monotonic()) > 0:
            try:
                event = self._events.get(timeout=rest)
            except queue.Empty:
                return
            if isinstance(event, EndedTask):
                self._take_end(event)
            else:
                self._take_message(message(event))

    def _take_message(self, found: dict[str, Any]) -> None:
        task = self.out.tasks.get(str(found.get("key")))
        if task is None:
            return
        tomogram = task.tomogram
        match found:
            case {"what": "begin", "who": str(worker), "address": str(address)}:
                task.begun, task.worker = True, worker
                self._first_begin = self._first_begin or time.monotonic()
                if task.step is WorkerStep.BEGIN:
                    tomogram.workers.clear()
                tomogram.workers[address] = worker
                if task.step is WorkerStep.BEGIN or self._batch.rows[tomogram.number].state == "waiting":
                    self._batch.begin(tomogram.number, tomogram.who)
                    if task.step is WorkerStep.OBJECTS:
                        self._batch.find_objects(tomogram.number)
                else:
                    self._batch.worked_on_by(tomogram.number, tomogram.who)
            case {"what": "waits", "host": str(host)}:
                self._batch.waits_for(tomogram.number, host)
            case {"what": "slices", "finished": int(finished), "total": int(total)} if total > 0:
                if finished > task.most:
                    task.tries, task.most = 0, finished
                    self._machines.progressed()
                task.slices, task.total = finished, total
                tomogram.keep_slices()
                self._batch.count_slices(tomogram.number, *tomogram.slices)

    def _take_end(self, ended: EndedTask) -> None:
        task, future = self.out.tasks.get(ended.key), ended.future
        if task is None or ended.name != task.name:
            return
        if task.sending:
            self._take_sent(task)
            return
        try:
            found = outcome_of(future)
        except Exception as error:
            text = sentence_of(error) or f"The worker failed ({error!r}). Look at its log."
            self._end(task.tomogram, JobOutcome("failed", text))
            return
        self._take_outcome(task, found)

    def _take_outcome(self, task: Task, found: OutcomeRecord) -> None:
        tomogram = task.tomogram
        if found.worker:
            task.worker = found.worker
        match found.state:
            case "refused":
                self._leave_out(task, found.message)
            case "no-model":
                self._send_model(task)
            case "stopped":
                self._lost(task)
            case "planned":
                self._progressed(task)
                tomogram.divide(task.step, found.ranges)
                self._batch.count_slices(tomogram.number, *tomogram.slices)
            case "range-done":
                self._progressed(task)
                task.slices = task.total
                tomogram.go_on_if_done()
                self._batch.count_slices(tomogram.number, *tomogram.slices)
            case "missing" | "no-plan":
                self._go_round(task, found)
            case "there":
                self._progressed(task)
                self._take_there(tomogram)
            case "objects":
                self._progressed(task)
                self._end(tomogram, JobOutcome("done", objects=found.found()))
            case _:
                self._progressed(task)
                if found.state == "done":
                    self._await_output(tomogram.job.output)
                self._take_segmented(tomogram, found.outcome())

    def _take_there(self, tomogram: BegunTomogram) -> None:
        """Leave labels as they are that were written while its worker waited for whoever had the tomogram."""
        self._await_output(tomogram.job.output)
        if not _is_seen(tomogram.job.output):
            self._end(tomogram, JobOutcome("done"))  # which says so
            return
        written = tomogram.written() if tomogram.lost else None
        if written is not None:  # by a worker of ours that was lost and lived
            self._take_segmented(tomogram, written)
            return
        number = tomogram.number
        self._open.pop(number)
        job = self._batch.job_of(number)  # by another run: it is left out, or has its labels beside those
        if job is None:
            self._shares.end(number)
        else:
            self._begin(number, job, tomogram.division)

    def _take_segmented(self, tomogram: BegunTomogram, outcome: JobOutcome) -> None:
        """Go on with the objects where these are wanted, else that was all."""
        if outcome.state != "done" or self._batch.objects is None:
            self._end(tomogram, outcome)
            return
        tomogram.find_objects(outcome)
        self._batch.find_objects(tomogram.number)

    def _progressed(self, task: Task) -> None:
        self._machines.progressed()
        task.tries = 0
        self.out.forget(task)

    def _leave_out(self, task: Task, text: str) -> None:
        """Give nothing more to a worker that does not fit, and its task to another one."""
        for address in self.out.who_has(task):
            if address not in self._refused:
                self._refused[address] = text
                LOGGER.warning("a worker is left out: %s", text)
                self._on_note(f"{text} It is left out.")
        self.out.forget(task)
        task.tomogram.todo.appendleft(task)

    def _go_round(self, task: Task, found: OutcomeRecord) -> None:
        """Do what has gone again: ranges that are damaged, or all where the plan is not there any more."""
        tomogram = task.tomogram
        tomogram.rounds += 1
        if tomogram.rounds >= MOST_TRIES:
            self._end(tomogram, JobOutcome("failed", found.message))
            return
        self.out.forget(task)
        if found.state == "missing":
            tomogram.again(found.step, found.missing)
            return
        for other in list(tomogram.given_out.values()):
            self.out.take_back(other)
        tomogram.todo.clear()
        tomogram.begin()

    def _lost(self, task: Task) -> None:
        """Give out again what was lost with its worker, unless that happens again and again."""
        tomogram = task.tomogram
        tomogram.lost = True
        self.out.forget(task)
        written = tomogram.written() if task.step in (WorkerStep.BEGIN, WorkerStep.FINISH) else None
        if written is not None:  # it was lost with nothing but the word that it was done
            self._machines.progressed()
            self._take_segmented(tomogram, written)
            return
        task.tries += 1
        if task.tries >= MOST_TRIES:
            who = f" ({task.worker})" if task.worker else ""
            text = (
                f"Its worker was lost {MOST_TRIES} times without a finished slice{who}: it may have too "
                "little memory or time, or the tomogram ends the program. Segment it alone, and see."
                if task.step is not WorkerStep.OBJECTS
                else f"The worker that looked for objects was lost {MOST_TRIES} times{who}: it may have too "
                "little memory or time. Find them in the window, or with 'sxtstudio objects'."
            )
            self._end(tomogram, JobOutcome("failed", text))
            return
        if not tomogram.given_out:
            self._batch.wait(tomogram.number, "its worker was lost; it goes on where that one stopped")
        tomogram.todo.appendleft(task)

    def _send_model(self, task: Task) -> None:
        """Send the model to the worker that has none; once it is there, the task is given out once more."""
        addresses = self.out.who_has(task)
        if not addresses:  # that worker has gone
            self._lost(task)
            return
        if addresses[0] in task.given:
            text = "The model could not be sent to its worker. Try again."
            self._end(task.tomogram, JobOutcome("failed", text, outside=True))
            return
        try:
            self.out.send_model(task, addresses[0])
        except (ValueError, OSError, UserError) as error:
            self._end(task.tomogram, _not_sent(error))

    def _take_sent(self, task: Task) -> None:
        """Give a task out once more whose worker has been sent the model, unless that went wrong."""
        future = task.future
        if future is not None and future.status == "error":
            error = future.exception()
            if not isinstance(error, KilledWorker):
                self._end(task.tomogram, _not_sent(error))
                return
        if future is None or future.status != "finished":
            self._lost(task)
            return
        self.out.forget(task)
        task.tomogram.todo.appendleft(task)

    def _await_output(self, labels: Path) -> None:
        """Wait until labels are seen here, which a network file system may take a while to show."""
        until = time.monotonic() + _SEEN_S
        while not _is_seen(labels) and time.monotonic() < until:
            self._progress.check()
            time.sleep(_WAIT_S)

    def _end(self, tomogram: BegunTomogram, outcome: JobOutcome) -> None:
        for task in list(tomogram.given_out.values()):
            self.out.take_back(task)
        self._open.pop(tomogram.number, None)
        self._shares.end(tomogram.number)
        if tomogram.segmented is not None:  # its labels are there, whatever became of its objects
            found = outcome.objects or ObjectsFound(trouble=outcome.message)
            outcome = replace(tomogram.segmented, objects=found)
        if outcome.state == "done" and not _is_seen(tomogram.job.output):
            text = (
                f"Its worker has written {tomogram.job.output}, which is not seen here: check the folders in "
                "the profile (paths)."
            )
            outcome = JobOutcome("failed", text)
        if outcome.state == "failed" or (outcome.objects is not None and outcome.objects.trouble):
            self._batch.sweep()  # its worker may have been killed while it wrote
        self._batch.end(tomogram.number, outcome)

    def _show(self) -> None:
        now = time.monotonic()
        if now < self._next_show:
            return
        self._next_show = now + _SHOW_S
        state = str(self._machines.state())
        out = len(self._refused.keys() & self._machines.workers.keys())
        if out:
            state += f"; {count(out, 'worker')} of another version {'is' if out == 1 else 'are'} left out"
        self._on_state(state)
        if self._total is None:
            what = self._what() if self._open else "waiting for tomograms"
            self._progress.follow(0.0, None, f"{what}; {state}")
            return
        begun = {number: tomogram.fraction for number, tomogram in self._open.items()}
        fraction = self._shares.fraction(self._batch.rows, begun)
        rest = None
        if self._first_begin is not None and fraction > 0:
            rest = (now - self._first_begin) * (1 - fraction) / fraction
        self._progress.follow(fraction, rest, f"{self._what()}; {state}")

    def _what(self) -> str:
        """Return what is done: the workers segment as long as one of them does."""
        found = self._open.values()
        if not self._machines.workers:
            return "waiting for a worker"
        only_objects = bool(found) and all(one.segmented is not None for one in found)
        return "finding objects" if only_objects else "segmenting"


def _not_sent(error: BaseException) -> JobOutcome:
    text = sentence_of(error) or f"The model could not be sent to its worker ({error!r})."
    return JobOutcome("failed", text, outside=True)


def _is_seen(path: Path) -> bool:
    if path.exists():
        return True
    with suppress(OSError):
        # Listing makes a network file system ask its server.
        return path.name in {entry.name for entry in path.parent.iterdir()}
    return False
