"""A worker that dies right after it has finished takes its result along: the task is given out again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from distributed import CancelledError
from distributed.scheduler import KilledWorker

from sxtstudio.cluster import batch_run as run_module
from sxtstudio.cluster import machines as machines_module
from sxtstudio.cluster.check import check_cluster
from sxtstudio.cluster.planned import PlannedRanges, run_planned_ranges
from sxtstudio.cluster.profile import Profile
from sxtstudio.cluster.records import OutcomeRecord, to_bytes
from sxtstudio.cluster.results import outcome_of
from sxtstudio.cluster.runner import ClusterRunner
from sxtstudio.cluster.task import run_planned, take_model
from sxtstudio.cluster.worker import work
from sxtstudio.core.errors import UserError
from sxtstudio.core.progress import Progress
from sxtstudio.workflow.jobs.batch import run_batch
from sxtstudio.workflow.jobs.batch_files import BatchRow
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

    @property
    def client(self) -> StandInMachines:
        return self

    def submit(self, function: Any, content: bytes, *more: Any, **options: Any) -> StandIn:
        self.given.append(function)
        if function is take_model or (self.losses and not self.answers):
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
        pass

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
