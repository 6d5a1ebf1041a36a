"""A worker that dies right after it has finished takes its result along: the task is given out again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from distributed import CancelledError
from distributed.scheduler import KilledWorker

from sxtstudio.cluster import batch_run as run_module
from sxtstudio.cluster import machines as machines_module
from sxtstudio.cluster.check import check_cluster
from sxtstudio.cluster.planned import PlannedRanges, run_planned_ranges
from sxtstudio.cluster.profile import Profile
from sxtstudio.cluster.records import OutcomeRecord, job_from, to_bytes
from sxtstudio.cluster.results import outcome_of
from sxtstudio.cluster.runner import ClusterRunner
from sxtstudio.cluster.task import run_planned, take_model
from sxtstudio.cluster.worker import work
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.progress import Progress
from sxtstudio.workflow.jobs.batch import run_batch
from sxtstudio.workflow.jobs.batch_files import BatchRow
from sxtstudio.workflow.jobs.batch_jobs import Batch
from sxtstudio.workflow.jobs.batch_objects import ObjectsWanted
from tests.cluster.test_runner import parameters

ADDRESS = "tls://127.0.0.1:1"
KILLED = KilledWorker("run_task-1", SimpleNamespace(address=ADDRESS), 0)
LOST = {
    "killed": KILLED,
    "cancelled": CancelledError("its worker died"),
    "late": TimeoutError(),
    "unreachable": OSError("Timed out trying to connect"),
}


@dataclass
class StandIn:
    """A future: ``result`` says what it gives, or raises."""

    value: bytes | Exception
    status: str = "finished"
    then: str = "finished"  # its status once it was asked
    cancelled: int = 0

    def add_done_callback(self, hear: Callable[[StandIn], None]) -> None:
        hear(self)

    def exception(self) -> Exception:
        assert self.status == "error" and isinstance(self.value, Exception)
        return self.value

    def result(self, timeout: float = 1.0) -> bytes:
        assert 0 < timeout
        self.status = self.then
        if isinstance(self.value, Exception):
            raise self.value
        return self.value

    def cancel(self, reason: str, force: bool) -> None:
        self.cancelled += 1


@dataclass
class StandInMachines:
    """One worker in this process; the results of the first tasks are lost as ``losses`` say."""

    models: Path
    losses: list[Exception] = field(default_factory=list)
    given: list[Any] = field(default_factory=list)  # the functions
    workers: dict[str, Any] = field(default_factory=lambda: {ADDRESS: {}})
    answers: list[bytes] = field(default_factory=list)
    progresses: int = 0

    @property
    def client(self) -> StandInMachines:
        return self

    def submit(self, function: Any, content: bytes, *more: Any, **options: Any) -> StandIn:
        self.given.append(function)
        if function is take_model:
            return StandIn(self.losses.pop(0), "error")
        if self.losses and not self.answers:
            return StandIn(self.losses.pop(0))
        if self.answers:
            return StandIn(self.answers.pop(0))
        if function is run_planned:
            return StandIn(to_bytes(OutcomeRecord("range-done", worker="w", details={"first": 0})))
        return StandIn(work(content, lambda message: None, lambda: True, self.models))

    def who_has(self, futures: list[StandIn]) -> dict[str, list[str]]:
        return {"key": list(self.workers)}

    def subscribe_topic(self, topic: str, hear: Any) -> None:
        pass

    def unsubscribe_topic(self, topic: str) -> None:
        pass

    def cancel(self, futures: list[StandIn], force: bool, reason: str) -> None:
        pass

    def keep(self) -> None:
        pass

    def progressed(self) -> None:
        self.progresses += 1

    def state(self) -> str:
        return "1 worker runs"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "_WAIT_S", 0.01)


def run(machines: StandInMachines, deep: Path, model: Path, folder: Path) -> BatchRow:
    runner = ClusterRunner(Profile("local"), machines=machines)  # type: ignore[arg-type]
    (row,) = run_batch([deep], parameters(model, folder), runner=runner)
    return row


@pytest.mark.parametrize("name", LOST)
def test_a_result_that_went_with_its_worker_is_lost_and_not_waited_for(name: str) -> None:
    future = StandIn(LOST[name])
    assert outcome_of(future) == OutcomeRecord("stopped")
    assert future.cancelled == 1  # dask does it again by itself otherwise


def test_what_the_task_itself_says_is_no_loss() -> None:
    assert outcome_of(StandIn(to_bytes(OutcomeRecord("planned")))) == OutcomeRecord("planned")
    for status in ("lost", "cancelled", "pending"):
        assert outcome_of(StandIn(b"", status)) == OutcomeRecord("stopped")
    assert outcome_of(StandIn(KILLED, "error")) == OutcomeRecord("stopped")
    for future in (StandIn(OSError("no such disk"), "error"), StandIn(OSError("no such disk"), then="error")):
        with pytest.raises(OSError, match="no such disk"):
            outcome_of(future)
    with pytest.raises(UserError, match="What a worker answered"):
        outcome_of(StandIn(b"[]"))


def test_a_tomogram_is_given_out_again_and_ends_as_any(deep: Path, toy_model: Path, tmp_path: Path) -> None:
    machines = StandInMachines(tmp_path / "models", [KILLED, LOST["cancelled"]])
    row = run(machines, deep, toy_model, tmp_path / "out")
    assert row.state == "done", row.message
    assert row.output is not None and row.output.is_file() and len(machines.given) == 3


def test_a_tomogram_whose_result_is_lost_again_and_again_fails_with_a_sentence(
    deep: Path, toy_model: Path, tmp_path: Path
) -> None:
    machines = StandInMachines(tmp_path / "models", [KILLED] * 3)
    row = run(machines, deep, toy_model, tmp_path / "out")
    assert row.state == "failed" and row.message.startswith("Its worker was lost 3 times")
    assert len(machines.given) == 3


@pytest.mark.parametrize("gone", ["before", "meanwhile"])
def test_a_worker_that_goes_before_it_has_the_model_is_lost_as_any(
    gone: str, deep: Path, toy_model: Path, tmp_path: Path
) -> None:
    class Leaving(StandInMachines):
        def who_has(self, futures: list[StandIn]) -> dict[str, list[str]]:
            if gone == "meanwhile":
                self.workers, self.losses = {ADDRESS + "2": {}}, [KILLED]
                return {"key": [ADDRESS]}
            return {"key": []}

    machines = Leaving(tmp_path / "models", answers=[to_bytes(OutcomeRecord("no-model"))])
    row = run(machines, deep, toy_model, tmp_path / "out")
    assert row.state == "done", row.message
    assert (take_model in machines.given) == (gone == "meanwhile")


def test_a_model_that_does_not_arrive_stops_neither_the_others_nor_a_cancel(
    three: list[Path], toy_model: Path, tmp_path: Path
) -> None:
    class Deaf(StandIn):
        def add_done_callback(self, hear: Callable[[StandIn], None]) -> None:
            pass

        def result(self, timeout: float = 1.0) -> bytes:
            raise TimeoutError

    sending = Deaf(b"", "pending")

    class TwoWorkers(StandInMachines):
        cancelled: ClassVar[list[StandIn]] = []

        def submit(self, function: Any, content: bytes, *more: Any, **options: Any) -> StandIn:
            return sending if function is take_model else super().submit(function, content, *more, **options)

        def cancel(self, futures: list[StandIn], force: bool, reason: str) -> None:
            self.cancelled.extend(futures)

    workers = {ADDRESS: {}, ADDRESS + "2": {}}
    machines = TwoWorkers(tmp_path / "models", answers=[to_bytes(OutcomeRecord("no-model"))], workers=workers)
    rows: dict[int, str] = {}
    progress = Progress()

    def on_row(number: int, row: BatchRow) -> None:
        rows[number] = row.state
        if number == 2 and row.state == "done":
            progress.cancel()

    runner = ClusterRunner(Profile("local", workers=2), machines=machines)  # type: ignore[arg-type]
    with pytest.raises(Cancelled):
        run_batch(three, parameters(toy_model, tmp_path / "out"), on_row, progress, runner=runner)
    assert rows == {0: "stopped", 1: "failed", 2: "done"} and sending in machines.cancelled


@pytest.mark.parametrize("reports", [True, False])
def test_labels_that_are_there_count_though_the_word_of_them_was_lost(
    reports: bool, deep: Path, toy_model: Path, tmp_path: Path
) -> None:
    class LosesWords(StandInMachines):
        def submit(self, function: Any, content: bytes, *more: Any, **options: Any) -> StandIn:
            super().submit(function, content, *more, **options)
            return StandIn(KILLED, "error")

    machines = LosesWords(tmp_path / "models")
    runner = ClusterRunner(Profile("local"), machines=machines)  # type: ignore[arg-type]
    wanted = parameters(toy_model, tmp_path / "out", reports=reports, existing="replace")
    (alone,) = run_batch([deep], wanted)
    (row,) = run_batch([deep], wanted, runner=runner)
    assert row.state == "done" and len(machines.given) == 1 and machines.progresses == 1
    assert row.output == alone.output and row.doubts == alone.doubts
    assert row.labelled == alone.labelled
    if reports:
        assert row.details == alone.details
    # Those of the run before do not count.
    machines = StandInMachines(tmp_path / "models", [KILLED] * 3)
    runner = ClusterRunner(Profile("local"), machines=machines)  # type: ignore[arg-type]
    (row,) = run_batch([deep], wanted, runner=runner)
    assert row.state == "failed" and len(machines.given) == 3


def test_whoever_goes_on_has_got_on_only_with_slices_of_its_own(
    deep: Path, toy_model: Path, tmp_path: Path
) -> None:
    """What workers say before each of them is lost, and how often that is progress."""
    said = iter([[1, 5], [1, 6], [6, 7], [1], [7], [7]])

    class Dying(StandInMachines):
        def subscribe_topic(self, topic: str, hear: Any) -> None:
            self.hear = hear

        def submit(self, function: Any, content: bytes, *more: Any, **options: Any) -> StandIn:
            self.given.append(function)
            key = job_from(content).key
            self.hear((0.0, {"key": key, "what": "begin", "who": "w", "address": ADDRESS}))
            for finished in next(said):
                self.hear((0.0, {"key": key, "what": "slices", "finished": finished, "total": 23}))
            return StandIn(KILLED, "error")

    machines = Dying(tmp_path / "models")
    row = run(machines, deep, toy_model, tmp_path / "out")  # type: ignore[arg-type]
    assert row.state == "failed" and machines.progresses == 4  # 1, 5, 6 and 7
    assert len(machines.given) == 5  # the third with a slice of its own, and two more without


def test_a_row_says_what_its_worker_waits_for(deep: Path, toy_model: Path, tmp_path: Path) -> None:
    class Waiting(StandInMachines):
        def subscribe_topic(self, topic: str, hear: Any) -> None:
            self.hear = hear

        def submit(self, function: Any, content: bytes, *more: Any, **options: Any) -> StandIn:
            key = job_from(content).key
            self.hear((0.0, {"key": key, "what": "begin", "who": "w", "address": ADDRESS}))
            self.hear((0.0, {"key": key, "what": "waits", "host": "node-7"}))
            self.hear((0.0, {"key": key, "what": "slices", "finished": 1, "total": 23}))
            return StandIn(KILLED, "error")

    said: list[str] = []
    runner = ClusterRunner(Profile("local"), machines=Waiting(tmp_path / "models"))  # type: ignore[arg-type]
    run_batch(
        [deep],
        parameters(toy_model, tmp_path / "out"),
        lambda number, row: said.append(row.message),
        runner=runner,
    )
    waits = said.index("Another run works on it, on node-7: it waits until that has ended.")
    assert set(said[:waits]) <= {""} and said[waits + 1] == ""


def test_a_tomogram_that_was_begun_anew_goes_on_after_the_loss_of_its_worker(
    deep: Path, toy_model: Path, tmp_path: Path
) -> None:
    resumes: list[bool | None] = []

    class Dying(StandInMachines):
        def subscribe_topic(self, topic: str, hear: Any) -> None:
            self.hear = hear

        def submit(self, function: Any, content: bytes, *more: Any, **options: Any) -> StandIn:
            record = job_from(content)
            resumes.append(record.resume)
            if len(resumes) == 2:
                self.hear((0.0, {"key": record.key, "what": "slices", "finished": 1, "total": 23}))
            return StandIn(KILLED, "error")

    runner = ClusterRunner(Profile("local"), machines=Dying(tmp_path / "models"))  # type: ignore[arg-type]
    run_batch([deep], parameters(toy_model, tmp_path / "out", resume=False), runner=runner)
    assert resumes == [False, False, True, True]


def test_while_objects_are_looked_for_that_is_said(
    deep: Path, toy_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "_SHOW_S", 0.0)
    rows: list[BatchRow] = []
    stages: list[str] = []
    progress = Progress(listener=lambda state: stages.append(state.stage))

    def on_row(number: int, row: BatchRow) -> None:
        rows.append(row)

    batch = Batch(parameters(toy_model, tmp_path / "out"), on_row, 1, objects=ObjectsWanted())
    batch.add(deep)
    machines = StandInMachines(tmp_path / "models")
    runner = ClusterRunner(Profile("local"), machines=machines)  # type: ignore[arg-type]
    runner.run(batch, iter([0]), progress, 1)
    assert any(stage.startswith("finding objects; ") for stage in stages)
    assert [row.finding_objects for row in rows if row.state == "running"][-1]
    assert rows[-1].state == "done" and not rows[-1].finding_objects and rows[-1].objects is not None


def test_a_range_is_given_out_again(tmp_path: Path) -> None:
    found: list[int] = []

    def all_of(machines: StandInMachines) -> None:
        run_planned_ranges(
            PlannedRanges(tmp_path, [4]),
            Profile("local"),
            Progress(),
            lambda number, worker, figures: found.append(number),
            machines,  # type: ignore[arg-type]
        )

    all_of(StandInMachines(tmp_path, [KILLED, LOST["cancelled"]]))
    assert found == [4]
    with pytest.raises(UserError, match="The worker of range 4 was lost 3 times"):
        all_of(StandInMachines(tmp_path, [KILLED] * 3))


def test_a_check_whose_worker_dies_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machines = StandInMachines(tmp_path, [KILLED])
    monkeypatch.setattr(machines_module, "Machines", lambda profile: nullcontext(machines))
    with pytest.raises(UserError, match="was lost before it answered"):
        check_cluster(Profile("local"), [tmp_path], Progress())
