"""The tomograms that a batch has begun, and what of each is with its workers.

A tomogram has one task to begin with. Where that comes back as planned, there is one for each of its ranges,
one that plans the clean-up and one for each range of that, and a last one that joins them. Where objects are
wanted, one more finds them. ``todo`` holds those that wait for a worker.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from distributed import Future

from sxtstudio.cluster.records import Division, PlannedRange, WorkerStep
from sxtstudio.core.wording import count
from sxtstudio.workflow.jobs.already_written import Before, written_outcome
from sxtstudio.workflow.jobs.batch_jobs import JobOutcome
from sxtstudio.workflow.jobs.segmenting import SegmentJob
from sxtstudio.workflow.ranges.state import ranges_folder


@dataclass
class Task:
    """What one worker does for a tomogram; ``name`` is that of dask's task, another one for each try.

    ``slices`` are those that are finished of ``total``, ``most`` those that were at any time, ``allowed`` the
    addresses of the workers that may do it (None: all), ``given`` those that were sent the model. While that
    is ``sending``, ``future`` is of the sending.
    """

    tomogram: BegunTomogram
    step: WorkerStep
    range: int | None = None
    total: int = 0
    slices: int = 0
    most: int = 0
    name: str = ""
    future: Future | None = None
    begun: bool = False
    sending: bool = False
    tries: int = 0
    worker: str = ""
    allowed: frozenset[str] | None = None
    given: set[str] = field(default_factory=set)

    @property
    def key(self) -> str:
        """What the worker's messages are about."""
        number = self.tomogram.number
        return f"{number}" if self.range is None else f"{number}-{self.step.value}-{self.range}"


@dataclass
class BegunTomogram:
    """A tomogram that is worked on.

    ``before`` is what its labels were before it began, ``ranges`` are its ranges where it is divided,
    ``cleaning`` those of its clean-up once that is planned, ``rounds`` how often ranges were given out or
    joined anew, ``lost`` whether a worker of it was lost, ``segmented`` what became of its segmentation once
    objects are looked for in that.
    """

    number: int
    job: SegmentJob
    division: Division | None = None
    before: Before = field(default_factory=Before)
    todo: deque[Task] = field(default_factory=deque)
    given_out: dict[str, Task] = field(default_factory=dict)  # by their key
    ranges: dict[int, Task] = field(default_factory=dict)
    cleaning: dict[int, Task] | None = None
    whole: Task | None = None
    rounds: int = 0
    lost: bool = False
    segmented: JobOutcome | None = None
    workers: dict[str, str] = field(default_factory=dict)  # by their address

    def begin(self) -> None:
        """Begin with one task for all of it."""
        self.ranges.clear()
        self.cleaning = None
        self.whole = Task(self, WorkerStep.BEGIN)
        self.todo.append(self.whole)

    def divide(self, step: WorkerStep, ranges: Sequence[PlannedRange]) -> None:
        """Go on with the ranges that are left, as ``step``, which planned them, has found them."""
        tasks, of = self.ranges, WorkerStep.RANGE
        if step is WorkerStep.PLAN_CLEANING:
            tasks, of = {}, WorkerStep.CLEAN
            self.cleaning = tasks
        self.whole = None
        for number, planned in enumerate(ranges):
            finished = planned.slices if planned.done else planned.finished
            tasks[number] = Task(self, of, number, planned.slices, finished, finished)
            if not planned.done:
                self.todo.append(tasks[number])
        self.go_on_if_done()

    def again(self, step: WorkerStep, numbers: Sequence[int]) -> None:
        """Do these ranges again; a clean-up of what they had is planned anew."""
        if step is WorkerStep.RANGE:
            self.cleaning = None
        tasks = self.ranges if step is WorkerStep.RANGE else self.cleaning or {}
        for number in numbers:
            if number in tasks:
                tasks[number].slices = 0
                self.todo.append(tasks[number])
        self.go_on_if_done()

    def go_on_if_done(self) -> None:
        """Clean up once all ranges are done, and join them once no other work is left."""
        if self.todo or self.given_out:
            return
        planned = self.cleaning is not None or not self.job.clean_up.wanted
        self.todo.append(Task(self, WorkerStep.FINISH if planned else WorkerStep.PLAN_CLEANING))

    def keep_slices(self) -> None:
        """Let the next try go on with what this one has finished, though it began anew."""
        if self.job.resume is False:
            self.job = replace(self.job, resume=True)

    def written(self) -> JobOutcome | None:
        """Return what became of it where its labels are written though nobody has said so; else None."""
        if ranges_folder(self.job.output).exists():
            return None
        return written_outcome(self.job, self.before)

    def find_objects(self, segmented: JobOutcome) -> None:
        """Look for objects in the labels, which are there."""
        self.segmented = segmented
        self.todo.append(Task(self, WorkerStep.OBJECTS))

    @property
    def slices(self) -> tuple[int, int]:
        """How many slices are finished, and how many there are; 0 before that is known."""
        tasks = list(self.ranges.values()) or ([self.whole] if self.whole is not None else [])
        return sum(task.slices for task in tasks), sum(task.total for task in tasks)

    @property
    def fraction(self) -> float:
        """How much of it is done, 0…1."""
        finished, total = self.slices
        return finished / total if total else 0.0

    @property
    def who(self) -> str:
        """Which workers have or had it, as a row names them: "2 workers (node-3: CPU (8 threads))"."""
        names = sorted(set(self.workers.values()))
        if len(self.workers) < 2:
            return "".join(names)
        more = f" and {len(names) - 2} more" if len(names) > 2 else ""
        return f"{count(len(self.workers), 'worker')} ({'; '.join(names[:2])}{more})"
