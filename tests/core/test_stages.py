"""The remaining time of jobs in stages, against a clock that the test turns and knows."""

from __future__ import annotations

import pytest

from sxtstudio.core import progress as progress_module
from sxtstudio.core import stages as stages_module
from sxtstudio.core.errors import Cancelled
from sxtstudio.core.pace import Pace, Work
from sxtstudio.core.progress import Progress, ProgressState
from sxtstudio.core.stages import Stage, Stages

VOXELS = 350 * 1324 * 1284
# Nobody knows these before they have begun, or they consist of others.
UNKNOWN = (Work.SEGMENT, Work.FILE, Work.CLEAN_UP, Work.SURFACE, Work.PROJECT)


class Clock:
    """Time that passes only when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress_module, "time", clock)
    monkeypatch.setattr(stages_module, "time", clock)
    return clock


class Watched:
    """A job whose reports are compared with when it really ended."""

    def __init__(self, clock: Clock, pace: Pace | None = None) -> None:
        self.clock = clock
        self.begun = clock.now
        self.seen: list[tuple[float, ProgressState]] = []
        self.progress = Progress(listener=lambda s: self.seen.append((clock.now, s)), pace=pace)

    def steps(self, counter: Progress, count: int, seconds: float, stage: str = "") -> None:
        counter.begin(count, stage)
        for _ in range(count):
            self.clock.now += seconds
            counter.step()

    def errors(self, after: float = 0.02) -> list[float]:
        """By how many seconds each report was wrong, once so much of the job was over."""
        end = self.clock.now
        begin = self.begun + after * (end - self.begun)
        return [
            abs(state.remaining_s - (end - at))
            for at, state in self.seen
            if at > begin and state.remaining_s is not None
        ]

    def check_bar(self) -> None:
        bar = [state.fraction for _, state in self.seen]
        assert bar == sorted(bar) and 0 <= bar[0] and bar[-1] <= 1


def segmentation(job: Watched, slice_s: float, clean_s: float, write_s: float) -> None:
    stages = Stages(
        job.progress,
        (
            Stage(Work.SEGMENT, VOXELS, "segmenting"),
            Stage(Work.SMALL_OBJECTS, VOXELS, "clean-up"),
            Stage(Work.EXPORT, VOXELS, "writing"),
        ),
    )
    with stages.stage(Work.SEGMENT) as counter:
        job.steps(counter, 350, slice_s)
    with stages.stage(Work.SMALL_OBJECTS) as counter:
        job.steps(counter, 700, clean_s / 700)
    with stages.stage(Work.EXPORT) as counter:
        job.steps(counter, 700, write_s / 700)


@pytest.mark.parametrize(
    ("slice_s", "clean_s", "write_s"),
    [(4.0, 10.0, 10.0), (0.05, 10.0, 10.0), (15.0, 4.0, 6.0), (1.0, 30.0, 40.0)],
    ids=["processor", "graphics card", "slow processor", "slow disk"],
)
def test_the_first_time_it_is_wrong_by_what_nobody_could_know(
    clock: Clock, slice_s: float, clean_s: float, write_s: float
) -> None:
    job = Watched(clock)
    segmentation(job, slice_s, clean_s, write_s)
    job.check_bar()
    usual = Pace()
    guessed = sum(usual.expected_s(work, VOXELS) for work in (Work.SMALL_OBJECTS, Work.EXPORT))
    assert max(job.errors()) < abs(clean_s + write_s - guessed) + 6


def test_two_slices_before_the_end_it_is_not_minutes(clock: Clock) -> None:
    """348 of 350 slices, done 20 s later, "4 min left": what a fixed share of 15 % had made of it."""
    job = Watched(clock)
    segmentation(job, 4.0, 5.0, 7.0)
    _, state = job.seen[347]
    assert state.remaining_s is not None and abs(state.remaining_s - (2 * 4 + 12)) < 10
    assert state.fraction > 0.97


def test_the_second_time_it_is_right(clock: Clock) -> None:
    pace = Pace()
    for _ in range(2):
        job = Watched(clock, pace)
        segmentation(job, 1.0, 30.0, 90.0)
    job.check_bar()
    assert max(job.errors()) < 1


def test_before_the_first_slice_nothing_is_promised(clock: Clock) -> None:
    job = Watched(clock)
    stages = Stages(job.progress, (Stage(Work.POLARITY, 1e6), Stage(Work.SEGMENT, VOXELS)))
    with stages.stage(Work.POLARITY) as counter:
        job.steps(counter, 5, 0.3)
    assert {(s.fraction, s.remaining_s) for _, s in job.seen} == {(0.0, None)}
    with stages.stage(Work.SEGMENT) as counter:
        job.steps(counter, 10, 1.0)
    assert max(job.errors(0.2)) < 0.01 and job.seen[-1][1].fraction == pytest.approx(1)


def test_files_to_come_take_as_long_as_those_before(clock: Clock) -> None:
    job = Watched(clock)
    stages = Stages(job.progress, [Stage(Work.FILE, 1, "segmenting")] * 4)
    for _ in range(4):
        with stages.stage(Work.FILE) as counter:
            inner = Stages(counter, (Stage(Work.SEGMENT, 10), Stage(Work.EXPORT, VOXELS)))
            with inner.stage(Work.SEGMENT) as slices:
                job.steps(slices, 10, 2.0)
            with inner.stage(Work.EXPORT) as writing:
                job.steps(writing, 10, 0.9)
    job.check_bar()
    assert max(job.errors(0.3)) < 4 and max(job.errors(0.02)) < 10


def test_stages_within_stages_know_their_own(clock: Clock) -> None:
    inner = (Stage(Work.COPY, VOXELS), Stage(Work.SMALL_OBJECTS, VOXELS))
    whole = Stage(Work.CLEAN_UP, VOXELS, "clean-up", inner)
    usual = Pace()
    assert whole.expected_s(usual) == pytest.approx(
        usual.expected_s(Work.COPY, VOXELS) + usual.expected_s(Work.SMALL_OBJECTS, VOXELS)
    )
    assert Stage(Work.CLEAN_UP, 1, "", (*inner, Stage(Work.SEGMENT, 1))).expected_s(usual) is None
    pace = Pace()
    for _ in range(2):
        job = Watched(clock, pace)
        with Stages(job.progress, (whole,)).stage(Work.CLEAN_UP) as counter:
            stages = Stages(counter, inner)
            for work, seconds in ((Work.COPY, 3.0), (Work.SMALL_OBJECTS, 50.0)):
                with stages.stage(work) as part:
                    job.steps(part, 100, seconds / 100)
    assert max(job.errors(0)) < 0.1


def test_what_becomes_known_on_the_way_is_expected_from_then_on(clock: Clock) -> None:
    """How many faces there are to smooth is known once they are made."""
    job = Watched(clock)
    stages = Stages(job.progress, (Stage(Work.CONTOUR, 1e9), Stage(Work.SMOOTH_MESH, 1e9)))
    with stages.stage(Work.CONTOUR) as counter:
        job.steps(counter, 10, 4.0)
    assert job.seen[-1][1].remaining_s == pytest.approx(18)
    stages.expect(Work.SMOOTH_MESH, 5e9)
    with stages.stage(Work.SMOOTH_MESH) as counter:
        job.steps(counter, 90, 1.0)
    assert max(abs(s.remaining_s - (clock.now - at)) for at, s in job.seen[10:] if s.remaining_s) < 0.1
    job.check_bar()


def test_stages_that_are_not_needed_are_passed_over(clock: Clock) -> None:
    stages = Stages(Progress(), (Stage(Work.COPY, 1), Stage(Work.ERODE, 1), Stage(Work.EXPORT, 1)))
    with stages.stage(Work.EXPORT):
        pass
    with pytest.raises(ValueError, match="not planned"), stages.stage(Work.COPY):
        pass


def test_a_cancel_reaches_every_stage(clock: Clock) -> None:
    progress = Progress()
    stages = Stages(progress, (Stage(Work.COPY, 1), Stage(Work.EXPORT, 1)))
    with pytest.raises(Cancelled), stages.stage(Work.COPY) as counter:
        progress.cancel()
        counter.step()
    with pytest.raises(Cancelled), stages.stage(Work.EXPORT):
        raise AssertionError("begun after the cancel")


def test_what_was_measured_is_kept() -> None:
    pace = Pace()
    pace.learn(Work.EXPORT, 1000, 2.0)
    pace.learn(Work.COPY, 1000, 0.01)  # too short to tell
    pace.learn(Work.SEGMENT, 1000, 9.0)  # depends on model and device
    assert pace.to_json() == {"export": 0.002}
    pace.learn(Work.EXPORT, 1000, 8.0)
    assert pace.expected_s(Work.EXPORT, 1000) == pytest.approx(4.0)
    again = Pace.from_json(pace.to_json())
    assert again.expected_s(Work.EXPORT, 500) == pytest.approx(2.0)
    assert all(Pace().expected_s(work, 1) is not None for work in Work if work not in UNKNOWN)


@pytest.mark.parametrize(
    "content",
    [
        None,
        3,
        [1],
        {"export": "x"},
        {"export": True},
        {"export": -1.0},
        {"export": float("nan")},
        {"export": 1e300},
        {"nonsense": 0.1},
    ],
    ids=str,
)
def test_settings_that_make_no_sense_are_left_out(content: object) -> None:
    assert Pace.from_json(content).to_json() == {}


def test_a_share_of_the_bar_knows_what_its_part_knows(clock: Clock) -> None:
    job = Watched(clock)
    first = job.progress.part(0.5)
    job.steps(first, 10, 1.0)
    second = job.progress.part(0.5)
    job.steps(second, 10, 1.0)
    assert max(job.errors()) < 0.01
