"""A watched folder over days: full disks, shares that go, damaged files, thousands of tomograms."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from PIL import Image

from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.progress import Progress
from sxtstudio.segment import SegmentParameters
from sxtstudio.workflow.jobs import watch as watch_module
from sxtstudio.workflow.jobs.batch import BatchParameters
from sxtstudio.workflow.jobs.batch_files import BatchRow
from sxtstudio.workflow.jobs.batch_jobs import Batch, JobOutcome
from sxtstudio.workflow.jobs.contact_sheet import sheet_paths
from sxtstudio.workflow.jobs.disk_room import KEPT_FREE_BYTES, DiskState, Room, disk_state, worst_disk
from sxtstudio.workflow.jobs.watch import RECHECK_S, FolderWatch
from sxtstudio.workflow.jobs.watching import Follower, run_watch

GB = 1 << 30
PANELS_PER_SHEET = 4


@pytest.fixture
def folder(tomogram: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    shutil.copy(tomogram, folder / "first.mrc")
    return folder


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sxtstudio.workflow.jobs.watching.POLL_S", 0.02)


class Until(Follower):
    """Stops the watch at the end of so many tomograms; keeps what it is told."""

    def __init__(self, progress: Progress, ends: int) -> None:
        self.progress, self.ends, self.rows, self.waited = progress, ends, [], []

    def ended(self, row: BatchRow, progress: Progress) -> None:
        self.rows.append(row)
        if len(self.rows) == self.ends:
            self.progress.cancel()

    def waits(self, state: DiskState | None) -> None:
        self.waited.append("" if state is None else state.sentence)


def watched(
    folder: Path, model: Path, follower: Follower, progress: Progress, output: Path | None = None, **more
) -> list[tuple[str, str]]:
    wanted = BatchParameters(SegmentParameters(model=model, device="cpu", polarity="dark"), folder=output)
    states: list[tuple[str, str]] = []

    def on_row(number: int, row: BatchRow) -> None:
        states.append((row.tomogram.name, row.state))

    watch = FolderWatch(folder, stable_s=0.02)
    with pytest.raises(Cancelled):
        along = {"watch": watch, "follower": lambda: follower}
        run_watch(folder, wanted, on_row, progress, poll_s=0.02, **along, **more)
    return states


def test_a_disk_that_is_nearly_full_holds_work_back_until_there_is_room(
    folder: Path, toy_model: Path
) -> None:
    progress, notes = Progress(), []
    follower = Until(progress, 1)
    free = iter([0, 0, GB // 2, 5 * GB])
    last = 100 * GB

    def usage(path: Path) -> tuple[int, int, int]:
        assert folder in (path, *path.parents)
        return 200 * GB, 0, next(free, last)

    states = watched(folder, toy_model, follower, progress, usage=usage, on_note=notes.append)
    assert [state for _, state in states][:2] == ["waiting", "running"] and states[-1] == (
        "first.mrc",
        "done",
    )
    assert "nearly full" in follower.waited[0] and "goes on by itself" in follower.waited[0]
    assert "left: make room before" in follower.waited[1], "5 GB of 200 are little"
    assert notes == [text for text in follower.waited if text], "each is said once"
    assert not list(folder.glob("*.partial"))


@pytest.mark.parametrize("cause", ["model", "room"])
def test_what_no_tomogram_could_mend_is_not_said_of_the_tomogram(
    cause: str, folder: Path, toy_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sxtstudio.workflow.jobs.watching.HOLD_S", 0.1)
    progress, notes, kept = Progress(), [], toy_model.read_bytes()
    follower = Until(progress, 2)
    shutil.copy(folder / "first.mrc", folder / "second.mrc")
    free = [100 * GB]

    class Goes(FolderWatch):
        def poll(self) -> list[Path]:
            found = super().poll()
            if found and not notes:  # after the start, before the first of them
                toy_model.unlink(missing_ok=True) if cause == "model" else free.__setitem__(0, 1000)
            return found

    def on_note(text: str) -> None:
        notes.append(text)
        toy_model.write_bytes(kept)
        free[0] = 100 * GB

    monkeypatch.setattr(
        "sxtstudio.workflow.jobs.outputs.shutil.disk_usage", lambda path: SimpleNamespace(free=free[0])
    )
    wanted = BatchParameters(SegmentParameters(model=toy_model, device="cpu", polarity="dark"))
    with pytest.raises(Cancelled):
        run_watch(
            folder, wanted, progress=progress, watch=Goes(folder, stable_s=0.02), poll_s=0.02,
            follower=lambda: follower, on_note=on_note, usage=lambda path: (200 * GB, 0, 100 * GB),
        )  # fmt: skip
    assert [row.state for row in follower.rows] == ["done", "done"]
    (note,) = notes
    assert note.startswith("work waits: ") and note.endswith("It is tried again.")
    assert ("too full" if cause == "room" else "toy.onnx") in note


@pytest.mark.parametrize(
    ("free", "needed", "room"),
    [
        (KEPT_FREE_BYTES + 3 * GB - 1, 3 * GB, Room.FULL),
        (KEPT_FREE_BYTES + 3 * GB, 3 * GB, Room.SHORT),
        (KEPT_FREE_BYTES + 30 * GB - 1, 3 * GB, Room.SHORT),
        (KEPT_FREE_BYTES + 30 * GB, 3 * GB, Room.ENOUGH),
        (KEPT_FREE_BYTES + 29 * GB, 0, Room.SHORT),  # 3 % of the disk
    ],
)
def test_room_is_judged_by_what_a_tomogram_writes(free: int, needed: int, room: Room, tmp_path: Path) -> None:
    state = disk_state(tmp_path, needed, lambda path: (1000 * GB, 0, free))
    assert state.room is room and bool(state.sentence) is (room is not Room.ENOUGH)


def test_the_worst_of_several_disks_counts(tmp_path: Path) -> None:
    frees = {"a": 500 * GB, "b": 2 * GB}

    def usage(path: Path) -> tuple[int, int, int]:
        if path.name == "gone":
            raise OSError(116, "Stale file handle")
        return 1000 * GB, 0, frees[path.name]

    worst = worst_disk([Path("a"), Path("b")], GB, usage)
    assert worst is not None and worst.folder == Path("b") and worst.room is Room.SHORT
    worst = worst_disk([Path("a"), Path("gone"), Path("b")], GB, usage)
    assert worst is not None and worst.room is Room.AWAY and "Stale file handle" in worst.sentence
    assert worst_disk([], GB, usage) is None


def test_a_share_that_goes_while_it_is_read_fails_nothing(
    folder: Path, toy_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress, notes = Progress(), []
    away = folder.with_name("elsewhere")

    class Share(Until):
        def wants(self, tomogram: Path) -> bool:
            if not notes and not away.exists() and not self.rows:
                folder.rename(away)
            return True

        def waits(self, state: DiskState | None) -> None:
            super().waits(state)
            if state is not None and state.room is Room.AWAY:
                away.rename(folder)

    follower = Share(progress, 1)
    states = watched(folder, toy_model, follower, progress, on_note=notes.append)
    assert ("first.mrc", "done") == states[-1] and "failed" not in {row.state for row in follower.rows}
    assert "cannot be reached" in notes[0] and "goes on" in notes[-1]
    assert len({number for number, _ in states}) == 1


def test_a_share_that_goes_and_leaves_an_empty_folder_behind_fails_nothing(
    folder: Path, toy_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress, notes = Progress(), []
    away, mounted = folder.with_name("elsewhere"), {folder, Path(folder.anchor)}
    monkeypatch.setattr("os.path.ismount", lambda place: Path(place) in mounted)

    class Share(Until):
        def wants(self, tomogram: Path) -> bool:
            if not away.exists() and not notes:
                folder.rename(away)
                folder.mkdir()
                (folder / "own.mrc").touch()  # of the disk below, which is nobody's
                mounted.remove(folder)
            return True

        def waits(self, state: DiskState | None) -> None:
            super().waits(state)
            if state is not None and state.room is Room.AWAY:
                (folder / "own.mrc").unlink()
                away.rename(folder)
                mounted.add(folder)

    follower = Share(progress, 1)
    labels = folder.with_name("labels")
    states = watched(folder, toy_model, follower, progress, output=labels, on_note=notes.append)
    assert states[-1] == ("first.mrc", "done") and {name for name, _ in states} == {"first.mrc"}
    assert f"nothing is mounted at {folder} any more" in notes[0] and "goes on" in notes[-1]


def test_nothing_is_written_where_the_share_of_the_labels_was(
    folder: Path, toy_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress, notes, labels = Progress(), [], tmp_path / "share" / "labels"
    labels.mkdir(parents=True)
    mounted = {tmp_path / "share", Path(tmp_path.anchor)}
    monkeypatch.setattr("os.path.ismount", lambda place: Path(place) in mounted)
    seen: list[list[Path]] = []

    class Share(Until):
        def wants(self, tomogram: Path) -> bool:
            mounted.discard(tmp_path / "share")
            return True

        def waits(self, state: DiskState | None) -> None:
            super().waits(state)
            if state is not None and state.room is Room.AWAY:
                seen.append(list(labels.iterdir()))
                mounted.add(tmp_path / "share")

    follower = Share(progress, 1)
    watched(folder, toy_model, follower, progress, output=labels, on_note=notes.append)
    assert seen == [[]] and [row.state for row in follower.rows] == ["done"]
    assert f"{labels} cannot be reached (nothing is mounted at {tmp_path / 'share'} any more)" in notes[0]


def test_a_tomogram_that_has_gone_before_its_turn_is_taken_once_it_is_back(
    folder: Path, toy_model: Path
) -> None:
    progress, away = Progress(), folder.with_name("elsewhere.mrc")

    class Moved(Until):
        def wants(self, tomogram: Path) -> bool:
            if not self.waited:
                tomogram.rename(away)
                self.waited.append("")
            return True

        def idle(self) -> None:
            if away.exists():
                away.rename(folder / "first.mrc")

    follower = Moved(progress, 1)
    states = watched(folder, toy_model, follower, progress)
    assert [row.state for row in follower.rows] == ["done"] and states[-1] == ("first.mrc", "done")


def test_a_share_that_goes_during_the_work_is_waited_for(
    folder: Path, toy_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first reading of the file fails with an error of the network; the row stays one."""
    from sxtstudio.workflow.jobs import batch_jobs as module

    progress, calls = Progress(), []
    real = module.segment_file

    def segment(*args: object, **more: object):
        calls.append(1)
        if len(calls) == 1:
            raise OSError(116, "Stale file handle", str(folder / "first.mrc"))
        return real(*args, **more)

    monkeypatch.setattr(module, "segment_file", segment)
    follower = Until(progress, 1)
    states = [state for _, state in watched(folder, toy_model, follower, progress)]
    assert [row.state for row in follower.rows] == ["done"] and len(calls) == 2
    assert "failed" in states and states.index("failed") < len(states) - 1 and states[-1] == "done"


def test_a_share_that_went_is_to_blame_whatever_the_error_says(
    folder: Path, toy_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sxtstudio.workflow.jobs import batch_jobs as module

    progress, calls, away = Progress(), [], folder.with_name("elsewhere")
    real = module.segment_file

    def segment(*args: object, **more: object):
        calls.append(1)
        if len(calls) == 1:
            folder.rename(away)
            raise UserError("first.mrc cannot be read.")
        return real(*args, **more)

    class Share(Until):
        def waits(self, state: DiskState | None) -> None:
            super().waits(state)
            if state is not None and state.room is Room.AWAY and away.exists():
                away.rename(folder)

    monkeypatch.setattr(module, "segment_file", segment)
    follower = Share(progress, 1)
    watched(folder, toy_model, follower, progress, output=folder.with_name("labels"))
    assert [row.state for row in follower.rows] == ["done"] and len(calls) == 2


def test_a_damaged_file_fails_alone_and_is_tried_again_when_it_changes(
    tomogram: Path, folder: Path, toy_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "GIVE_UP_S", 0.1)
    bad = folder / "bad.mrc"
    bad.write_bytes(tomogram.read_bytes()[:20_000])
    progress = Progress()

    class Mended(Until):
        def ended(self, row: BatchRow, progress: Progress) -> None:
            super().ended(row, progress)
            if row.state == "failed":
                shutil.copy(tomogram, bad)

    follower = Mended(progress, 3)
    watched(folder, toy_model, follower, progress)
    ends = [(row.tomogram.name, row.state) for row in follower.rows]
    assert sorted(ends[:2]) == [("bad.mrc", "failed"), ("first.mrc", "done")] or ends[1:] == [
        ("bad.mrc", "failed"),
        ("bad.mrc", "done"),
    ]
    assert ends.count(("bad.mrc", "failed")) == 1 and ends.count(("bad.mrc", "done")) == 1


def test_thousands_of_known_files_are_looked_at_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, looks = [0.0], [0]
    real = watch_module.signature_of

    def counted(path: Path) -> watch_module.Signature:
        looks[0] += 1
        return real(path)

    monkeypatch.setattr(watch_module, "signature_of", counted)
    paths = [tmp_path / f"{number:04}.mrc" for number in range(300)]
    watch = FolderWatch(tmp_path, clock=lambda: now[0])
    for path in paths:
        path.touch()
        watch.take(path, real(path))
    for second in range(0, round(10 * RECHECK_S), 4):
        now[0] = second
        assert watch.poll() == []
    polls = 2.5 * RECHECK_S
    assert 10 * len(paths) <= looks[0] <= 11 * len(paths) < polls * len(paths) / 10
    paths[7].write_bytes(b"another file")
    looks[0] = 0
    now[0] += RECHECK_S + 1
    watch.poll()
    assert paths[7] in watch._seen, "one that was replaced is noticed, if later"
    new = tmp_path / "new.mrc"
    new.touch()
    watch.poll()
    assert new in watch._seen, "a new one at once"


def test_what_a_watch_keeps_does_not_grow_with_contact_sheets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the pictures are the same as those of a list."""
    from sxtstudio.workflow.jobs import batch_jobs as module
    from sxtstudio.workflow.jobs import contact_sheet

    sheets: dict[bool, list[bytes]] = {}
    count = 2 * PANELS_PER_SHEET + 2
    for place in (module, contact_sheet):
        monkeypatch.setattr(place, "PANELS_PER_SHEET", PANELS_PER_SHEET)
    for last in (False, True):
        out = tmp_path / str(last)
        out.mkdir()
        batch = Batch(BatchParameters(contact_sheet=out / "sheet.png"), None, 1, last=last)
        for number in range(count):
            batch.add(tmp_path / f"{number}.mrc")
            batch.end(number, JobOutcome("failed", "no"))
            assert last is False or len(batch._panels) <= PANELS_PER_SHEET
        assert len(batch._panels) == (2 if last else count)
        files = sheet_paths(out / "sheet.png", count)
        assert len(files) == 3 and sorted(files) == sorted(out.iterdir())
        sheets[last] = [np.asarray(Image.open(file)).tobytes() for file in files]
        batch = Batch(BatchParameters(), None, 1, last=last)
        batch.add(tmp_path / "x.mrc")
        batch.end(0, JobOutcome("failed", "no"))
        assert batch._panels == {}, "without a sheet nothing is kept"
    assert sheets[True] == sheets[False]


def test_the_log_of_a_week_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sxtstudio.core import logs

    monkeypatch.setattr(logs, "log_folder", lambda: tmp_path / "log")
    handler = logs.start_log()
    assert handler is not None
    try:
        for number in range(2_500):
            logs.LOGGER.error("trouble with the share number %d %s", number, "x" * 2400)
    finally:
        logs.LOGGER.removeHandler(handler)
        handler.close()
    sizes = [os.path.getsize(file) for file in (tmp_path / "log").iterdir()]
    assert len(sizes) == 4 and sum(sizes) < 5_000_000 < 2_500 * 2400


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no disk that is always full")
def test_a_log_on_a_full_disk_shows_nobody_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from sxtstudio.core import logs

    monkeypatch.setattr(logs, "log_folder", lambda: tmp_path)
    (tmp_path / "sxtstudio.log").symlink_to("/dev/full")
    monkeypatch.setattr(logs.LOGGER, "handlers", [])
    handler = logs.start_log()
    assert handler is not None
    try:
        logs.LOGGER.error("the page was not written")
    finally:
        logs.LOGGER.removeHandler(handler)
        with suppress(OSError):
            handler.close()
    assert capsys.readouterr().err == ""


class Week(FolderWatch):
    """An hour passes with each look: tomograms arrive, the share goes and comes back, clocks jump."""

    def __init__(self, folder: Path, original: Path, progress: Progress, hours: range) -> None:
        self.original, self.progress, self.hours, self.hour = original, progress, hours, hours.start
        super().__init__(folder, clock=lambda: 3600.0 * self.hour)

    def poll(self) -> list[Path]:
        self.hour += 1
        away = self.folder.with_name("away")
        if self.hour == 40:
            self.folder.rename(away)
        elif self.hour == 52:
            away.rename(self.folder)
        if self.hour % 12 == 3 and not away.exists():
            made = self.folder / f"hour{self.hour:03d}.mrc"
            shutil.copy(self.original, made)
            # The clock of the microscope's computer is wrong for two days, once in either direction.
            when = {3: 1000.0, 4: 4e9}.get(self.hour // 24, 1.8e9 + 3600.0 * self.hour)
            os.utime(made, (when, when))
        if self.hour == self.hours.stop:
            self.progress.cancel()
        return super().poll()


class AtOnce:
    """Runs jobs that take no time; the disk is nearly full before one of them."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.full_for = 0

    def run(self, batch: Batch, numbers, progress: Progress, total: int | None) -> None:
        for number in numbers:
            progress.check()
            job = None if number is None else batch.job_of(number)
            if job is not None:
                batch.begin(number)
                tifffile.imwrite(job.output, np.zeros((2, 8, 8), np.uint8))
                self.done.append(job.tomogram.name)
                self.full_for = 3 if len(self.done) == 6 else 0
                batch.end(number, JobOutcome("done"))

    def usage(self, path: Path) -> tuple[int, int, int]:
        self.full_for -= 1
        return 200 * GB, 0, 0 if self.full_for >= 0 else 100 * GB


def test_a_week_with_a_restart_does_each_tomogram_once(
    tomogram: Path, tmp_path: Path, toy_model: Path
) -> None:
    folder, out, notes, runner = tmp_path / "in", tmp_path / "out", [], AtOnce()
    folder.mkdir()
    wanted = BatchParameters(SegmentParameters(model=toy_model), folder=out, reports=False)
    for hours in (range(90), range(90, 168)):
        progress = Progress()
        with pytest.raises(Cancelled):
            run_watch(
                folder,
                wanted,
                progress=progress,
                watch=Week(folder, tomogram, progress, hours),
                poll_s=0.001,
                on_note=notes.append,
                usage=runner.usage,
                runner=runner,
            )
    arrived = [f"hour{hour:03d}.mrc" for hour in range(3, 168, 12) if not 40 <= hour < 52]
    assert len(arrived) == 13 and sorted(runner.done) == arrived
    said = " ".join(notes)
    assert "nearly full" in said and str(folder) in said and notes.count(notes[-1]) == 2, "it goes on, twice"
