"""What is planned in a folder, and what of it is left to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from sxtstudio.core.lock import NAME, FolderLock
from sxtstudio.segment.checkpoint import explained, read_unfinished
from sxtstudio.workflow.ranges.attempts import SLICES, Worker, attempts_at, worker_of
from sxtstudio.workflow.ranges.folder import RangesFolder
from sxtstudio.workflow.ranges.kinds import read_any_plan
from sxtstudio.workflow.ranges.plan import RangeRecord
from sxtstudio.workflow.ranges.split import Range


@dataclass(frozen=True)
class RangeState:
    """A range: whether it is finished, and how many slices of it the best attempt has."""

    range: Range
    finished: bool
    slices_finished: int


@dataclass(frozen=True)
class RangesState:
    """A plan and what is done of it; ``first_slice`` of the tomogram is slice 0 of the ranges."""

    folder: Path
    output: Path
    first_slice: int
    ranges: tuple[RangeState, ...]

    @property
    def unfinished(self) -> tuple[int, ...]:
        """The numbers of the ranges that are left."""
        return tuple(one.range.number for one in self.ranges if not one.finished)


def ranges_folder(output: Path) -> Path:
    """Return the folder in which the ranges of ``output`` are kept until it is written."""
    return output.with_name(output.name + ".ranges")


def begin_plan(output: Path, stack: ExitStack) -> RangesFolder:
    """Return the folder of the ranges of ``output``, made if need be and locked until ``stack`` ends.

    If it ends with an error and nothing was planned in a folder that was made here, that goes again.

    Raises
    ------
    UserError
        If it cannot be made, is a link, or somebody else is at work in it.
    """
    folder = RangesFolder(ranges_folder(output))
    new = not folder.path.exists()
    with explained(folder.path):
        folder.path.mkdir(exist_ok=True)
    lock = FolderLock(folder.path)

    def leave(kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        nothing = new and kind is not None and {path.name for path in folder.path.iterdir()} <= {NAME}
        lock.release(remove=nothing)
        if nothing:
            with suppress(OSError):
                folder.path.rmdir()

    stack.push(leave)
    return folder


def read_state(path: Path) -> RangesState:
    """Return what is planned in a folder, and what of it is done.

    Raises
    ------
    UserError
        If there is no plan, or it is damaged.
    """
    folder = RangesFolder(path)
    plan, checksum = read_any_plan(folder)
    states = []
    for part in plan.ranges:
        record = folder.record(part.number, RangeRecord)
        finished = record is not None and record.is_of(checksum, part)
        unfinished = [read_unfinished(one / SLICES) for one in attempts_at(folder.final(part.number))]
        most = max((one.finished for one in unfinished if one is not None), default=0)
        states.append(RangeState(part, finished, part.depth if finished else most))
    return RangesState(path, Path(plan.output), plan.first_slice, tuple(states))


def ranges_left(path: Path) -> Iterator[int]:
    """Yield the ranges that are left, one when the last is done; those come first that nobody works on.

    What another process of this computer works on is left to it.
    """
    folder = RangesFolder(path)
    yielded: set[int] = set()
    while left := [number for number in read_state(path).unfinished if number not in yielded]:
        workers = {number: _workers(folder.final(number)) for number in left}
        free = [number for number in left if Worker.HERE not in workers[number]]
        if not free:
            return
        number = min(free, key=lambda number: (len(workers[number]), number))
        yielded.add(number)
        yield number


def _workers(final: Path) -> list[Worker]:
    """Return who may be at work on a range."""
    found = [worker_of(attempt) for attempt in attempts_at(final)]
    return [worker for worker in found if worker is not Worker.NOBODY]
