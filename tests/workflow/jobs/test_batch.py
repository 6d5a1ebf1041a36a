"""Many tomograms in one go, and those that arrive in a folder."""

from __future__ import annotations

import csv
import json
import os
import platform
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import h5py
import mrcfile
import numpy as np
import pytest
import tifffile
from PIL import Image

from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.progress import Progress, ProgressState
from sxtstudio.core.temporary import temporary_name
from sxtstudio.segment import SegmentParameters
from sxtstudio.workflow.jobs.batch import BatchParameters, run_batch
from sxtstudio.workflow.jobs.batch_files import BatchRow, Names, is_own_output
from sxtstudio.workflow.jobs.batch_jobs import JobOutcome
from sxtstudio.workflow.jobs.contact_sheet import (
    CAPTION_PX,
    GAP_PX,
    PANEL_PX,
    PANELS_PER_SHEET,
    SheetPanel,
    write_contact_sheet,
)
from sxtstudio.workflow.jobs.segmenting import SegmentJob, partial_folder
from sxtstudio.workflow.jobs.watch import GIVE_UP_S, FolderWatch
from sxtstudio.workflow.jobs.watching import run_watch


def parameters(model: Path, folder: Path | None, **more: object) -> BatchParameters:
    return BatchParameters(
        SegmentParameters(model=model, device="cpu", polarity="dark"), folder=folder, **more
    )


def test_a_damaged_file_does_not_stop_the_others(
    three: list[Path], toy_model: Path, tmp_path: Path, expected_labels
) -> None:
    out = tmp_path / "results"
    seen: list[tuple[int, str]] = []
    fractions: list[float] = []
    rows = run_batch(
        three,
        parameters(
            toy_model,
            out,
            contact_sheet=out / "sheet.png",
            summary=(out / "summary.csv", out / "summary.json"),
        ),
        lambda number, row: seen.append((number, row.state)),
        Progress(listener=lambda state: fractions.append(state.fraction)),
    )
    assert [row.state for row in rows] == ["done", "failed", "done"]
    assert "truncated" in rows[1].message or "damaged" in rows[1].message or "shorter" in rows[1].message
    assert (0, "running") in seen and seen[:3] == [(n, "waiting") for n in range(3)]
    assert fractions[-1] == pytest.approx(1) and fractions == sorted(fractions)

    truth = expected_labels(mrcfile.read(three[0]))
    for name in ("a", "c"):
        assert np.array_equal(tifffile.imread(out / f"{name}.labels.tif") > 0, truth)
        report = json.loads((out / f"{name}.labels.json").read_text())
        assert report["input"]["path"] == str(three[0].with_name(f"{name}.mrc"))
    assert not (out / "b.labels.tif").exists()
    assert rows[0].labelled == pytest.approx(truth.mean())

    # Three panels of 320 px in two columns, on a grid with a gap around each.
    with Image.open(out / "sheet.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB")).astype(int)
    step_y = PANEL_PX + CAPTION_PX + GAP_PX
    assert pixels.shape == (GAP_PX + 2 * step_y, GAP_PX + 2 * (PANEL_PX + GAP_PX), 3)
    orange = (pixels[..., 0] - pixels[..., 2]) > 60
    corners = [(GAP_PX, GAP_PX), (GAP_PX, GAP_PX + PANEL_PX + GAP_PX), (GAP_PX + step_y, GAP_PX)]
    labelled = [int(orange[y : y + PANEL_PX, x : x + PANEL_PX].sum()) for y, x in corners]
    assert labelled[0] == labelled[2] > 500 and labelled[1] == 0

    with open(out / "summary.csv", encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    assert [entry["state"] for entry in table] == ["done", "failed", "done"]
    assert float(table[0]["labelled_percent"]) == pytest.approx(100 * truth.mean(), abs=1e-3)
    assert table[1]["message"] == rows[1].message and table[1]["labels"] == ""
    assert len(json.loads((out / "summary.json").read_text())["tomograms"]) == 3


def test_slices_in_messages_are_counted_as_the_door_counts_them(
    tomogram: Path, toy_model: Path, tmp_path: Path
) -> None:
    voxels = mrcfile.read(tomogram).copy()
    voxels[2] = 7
    tifffile.imwrite(tmp_path / "blank.tif", voxels)
    for asked, said in (({}, "Slice 3 is constant"), ({"slices_from": 0}, "Slice 2 is constant")):
        (row,) = run_batch([tmp_path / "blank.tif"], parameters(toy_model, tmp_path / said[6]), **asked)
        assert said in row.message and ("counted from 0" in row.message) == bool(asked)


def test_results_are_never_overwritten_unasked(three: list[Path], toy_model: Path) -> None:
    files = [three[0]]
    place = three[0].parent
    run_batch(files, parameters(toy_model, None))
    assert (place / "a.labels.tif").is_file()
    (place / "a.labels.tif").write_bytes(b"precious")
    again = run_batch(files, parameters(toy_model, None))
    assert again[0].output == place / "a.labels-2.tif" and again[0].state == "done"
    assert (place / "a.labels.tif").read_bytes() == b"precious"
    run_batch(files, parameters(toy_model, None, existing="replace"))
    assert tifffile.imread(place / "a.labels.tif").shape == (6, 64, 80)
    before = (place / "a.labels.tif").stat().st_mtime_ns
    skipped = run_batch(files, parameters(toy_model, None, existing="skip"))
    assert skipped[0].state == "skipped" and (place / "a.labels.tif").stat().st_mtime_ns == before


def test_namesakes_get_names_of_their_own(tmp_path: Path) -> None:
    names = Names(tmp_path, ".mrc", "skip")
    given = [Path("mon/cell.mrc"), Path("mon/cell.rec"), Path("tue/cell.mrc"), Path("mon/CELL.mrc")]
    found = [names.output(path).name for path in given]
    assert found[0] == "cell.labels.mrc"
    assert len({name.lower() for name in found}) == 4
    assert [names.output(path).name for path in given] == found
    assert found[:3] == ["cell.labels.mrc", "cell-rec.labels.mrc", "tue-cell.labels.mrc"]
    inside = [Path("x.h5::/one"), Path("x.h5::/two")]
    assert len({names.output(path) for path in inside}) == 2


def test_a_file_that_is_named_twice_is_segmented_once(three: list[Path], toy_model: Path) -> None:
    (link := three[0].with_name("link.mrc")).symlink_to(three[0])
    given = [three[0], three[2], three[0].parent / "." / ".." / "data" / "a.mrc", link]
    rows = run_batch(given, parameters(toy_model, None))
    assert [row.state for row in rows] == ["done", "done", "skipped", "skipped"]
    assert {row.message for row in rows[2:]} == {"the same file as number 1"}
    assert sorted(path.name for path in three[0].parent.glob("*.tif")) == ["a.labels.tif", "c.labels.tif"]
    with h5py.File(three[0].with_name("two.h5"), "w") as file:
        for name in ("one", "two"):
            file[name] = np.zeros((2, 32, 32), np.float32)
    inside = [Path(f"{three[0].with_name('two.h5')}::/{name}") for name in ("one", "two", "one")]
    rows = run_batch(inside, parameters(toy_model, None))
    assert [row.message for row in rows][2] == "the same file as number 1" not in rows[1].message


def test_what_an_interrupted_replacing_has_left_is_told_or_goes(three: list[Path], toy_model: Path) -> None:
    """Left over beside labels that are there, it would stay for ever."""
    wanted = parameters(toy_model, None)
    (first,) = run_batch(three[:1], wanted)
    assert first.output is not None
    progress = Progress()

    def on_row(number: int, row: BatchRow) -> None:
        if row.slices and row.slices[0] >= 2:
            progress.cancel()

    with pytest.raises(Cancelled):
        run_batch(three[:1], replace(wanted, existing="replace"), on_row, progress)
    left = partial_folder(first.output)
    assert left.is_dir()
    (row,) = run_batch(three[:1], replace(wanted, existing="skip"))
    assert (
        row.state == "skipped"
        and f"of an unfinished run that was to replace it are in {left.name}" in row.message
    )
    for entry in left.iterdir():
        if entry.name != "labels.raw":
            entry.unlink()
    (row,) = run_batch(three[:1], replace(wanted, existing="skip"))
    assert row.state == "skipped" and "unfinished" not in row.message and not left.exists()


def test_what_a_killed_run_has_begun_goes_where_nothing_is_made_anew(
    three: list[Path], toy_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = parameters(toy_model, tmp_path / "out", existing="skip")
    run_batch(three[:1], wanted)
    before = sorted((tmp_path / "out").iterdir())
    with monkeypatch.context() as other:
        other.setattr("os.getpid", lambda: (1 << 22) + 1)  # there is no such process
        temporary_name(tmp_path / "out" / "a.objects.tif").touch()
    (row,) = run_batch(three[:1], wanted)
    assert row.state == "skipped" and sorted((tmp_path / "out").iterdir()) == before


@pytest.mark.parametrize("suffix", [".tif", ".mrc"])
@pytest.mark.parametrize("left", [0, 100, 0.5], ids=["empty", "100 bytes", "half"])
def test_damaged_labels_that_are_there_are_told_and_made_anew_beside(
    left: float, suffix: str, three: list[Path], toy_model: Path, tmp_path: Path
) -> None:
    wanted = parameters(toy_model, tmp_path / "out", existing="skip", suffix=suffix)
    (good,) = run_batch(three[:1], wanted)
    assert good.output is not None
    content = good.output.read_bytes()
    good.output.write_bytes(content[: int(left * len(content)) if left < 1 else int(left)])
    damaged = good.output.read_bytes()
    (row,) = run_batch(three[:1], wanted)
    assert row.state == "done" and row.output == good.output.with_name(f"a.labels-2{suffix}")
    assert row.output.read_bytes() == content and good.output.read_bytes() == damaged
    assert f"a.labels{suffix}, which was there already, is damaged: delete it" in row.message
    (row,) = run_batch(three[:1], wanted)
    assert row.state == "skipped" and row.message.startswith(f"a.labels-2{suffix} is there already; a.labels")


@pytest.mark.parametrize("skipped", [True, False], ids=["skipped", "made"])
def test_the_mark_of_a_killed_worker_goes_without_a_cluster_as_well(
    skipped: bool, three: list[Path], toy_model: Path, tmp_path: Path
) -> None:
    wanted = parameters(toy_model, tmp_path / "out", existing="skip")
    if skipped:
        run_batch(three[:1], wanted)
    (tmp_path / "out").mkdir(exist_ok=True)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    space = os.readlink("/proc/self/ns/pid") if sys.platform == "linux" else ""
    own = {"token": "x", "host": platform.node(), "space": space, "process": dead.pid, "beat": 3}
    mark = tmp_path / "out" / ".a.labels.tif.worker"
    mark.write_text(json.dumps(own))
    (tmp_path / "out" / ".b.labels.tif.worker").write_text(json.dumps({**own, "host": "node-7"}))
    (row,) = run_batch(three[:1], wanted)
    assert row.state == ("skipped" if skipped else "done") and not mark.exists()
    assert (tmp_path / "out" / ".b.labels.tif.worker").exists()  # of another tomogram, and it may live


def test_finished_rows_of_an_earlier_run_are_kept(three: list[Path], toy_model: Path, tmp_path: Path) -> None:
    """In "replace" mode a namesake must not get the name of a row that is not run again."""
    out, other = tmp_path / "results", tmp_path / "tuesday" / "a.mrc"
    other.parent.mkdir()
    shutil.copy(three[0], other)
    wanted = parameters(toy_model, out, existing="replace", contact_sheet=tmp_path / "sheet.png")
    first = run_batch([three[0], three[1]], wanted)
    before = (out / "a.labels.tif").stat().st_mtime_ns
    rows = run_batch([three[0], three[1], other], wanted, earlier=first)
    assert rows[0] == first[0] and [row.state for row in rows] == ["done", "failed", "done"]
    assert rows[2].output == out / "tuesday-a.labels.tif"
    assert (out / "a.labels.tif").stat().st_mtime_ns == before
    # And in a batch of its own, the report tells whose labels are there.
    alone = run_batch([other], parameters(toy_model, out, existing="skip"))
    assert alone[0].state == "skipped" and alone[0].output == rows[2].output


def test_cancelled_batch_keeps_what_is_finished_and_goes_on(
    three: list[Path], toy_model: Path, tmp_path: Path
) -> None:
    del three[1]
    out = tmp_path / "results"
    progress = Progress()
    rows: dict[int, BatchRow] = {}

    def stop(number: int, row: BatchRow) -> None:
        rows[number] = row
        if number == 1 and row.slices is not None:
            progress.cancel()

    wanted = parameters(toy_model, out, summary=(out / "s.json",))
    with pytest.raises(Cancelled):
        run_batch(three, wanted, stop, progress)
    assert rows[0].state == "done" and rows[1].state == "stopped"
    assert partial_folder(out / "c.labels.tif").is_dir()
    assert [t["state"] for t in json.loads((out / "s.json").read_text())["tomograms"]] == ["done", "stopped"]

    again = run_batch(three, parameters(toy_model, out, existing="skip"))
    assert [row.state for row in again] == ["skipped", "done"]
    report = json.loads((out / "c.labels.json").read_text())
    assert report["slices"]["kept_from_earlier_run"] >= 1
    assert not partial_folder(out / "c.labels.tif").exists()


def test_the_time_left_goes_by_the_size_of_tomograms_and_not_by_what_is_left_out(
    toy_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second for each 100 bytes: after the first one 90 s are left, of three tomograms or not."""
    sizes = {"small.mrc": 1000, "there.mrc": 50_000, "large.mrc": 8000, "last.mrc": 1000}
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(bytes(size))
    tifffile.imwrite(tmp_path / "there.labels.tif", np.zeros((2, 8, 8), np.uint8))
    clock = [0.0]
    monkeypatch.setattr("sxtstudio.core.stages.time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr("sxtstudio.core.progress.time", SimpleNamespace(monotonic=lambda: clock[0]))
    seen: list[tuple[float, ProgressState]] = []

    def segmented(job: SegmentJob, progress: Progress, *others: object) -> JobOutcome:
        progress.begin(10)
        for _ in range(10):
            clock[0] += job.tomogram.stat().st_size / 1000
            progress.step()
        return JobOutcome("failed", "it was not real")

    monkeypatch.setattr("sxtstudio.workflow.jobs.batch_jobs.run_job", segmented)
    rows = run_batch(
        [tmp_path / name for name in sizes],
        parameters(toy_model, None, existing="skip"),
        progress=Progress(listener=lambda state: seen.append((clock[0], state))),
    )
    assert [row.state for row in rows] == ["failed", "skipped", "failed", "failed"]
    wrong = [abs(seconds + (state.remaining_s or 0) - 100) for seconds, state in seen if seconds > 10]
    assert len(wrong) >= 18 and max(wrong) < 1


def test_batch_waits_until_it_is_free(three: list[Path], toy_model: Path, tmp_path: Path) -> None:
    answers, states, stages = iter(["Find objects", "Find objects", ""]), [], []
    run_batch(
        three[:1],
        parameters(toy_model, tmp_path),
        lambda number, row: states.append((row.state, next(iter(stages[-1:]), ""))),
        Progress(listener=lambda state: stages.append(state.stage)),
        other_work=lambda: next(answers),
    )
    words = "waiting until “Find objects” has ended"
    assert states[0][0] == "waiting" and states[1] == ("running", words)
    assert stages.count(words) == 2


def test_unexpected_error_in_one_row_is_told_and_logged(
    three: list[Path], toy_model: Path, tmp_path: Path, monkeypatch, caplog
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("inside")

    monkeypatch.setattr("sxtstudio.workflow.jobs.batch_jobs.segment_file", broken)
    rows = run_batch(three[:1], parameters(toy_model, tmp_path))
    assert rows[0].state == "failed" and "ZeroDivisionError" in rows[0].message
    assert "unexpected error" in caplog.text


def test_a_folder_that_cannot_be_made(three: list[Path], toy_model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be made"):
        run_batch(three, parameters(toy_model, tmp_path / "file" / "below"))


def test_many_panels_fill_several_sheets(tmp_path: Path) -> None:
    panels = [
        SheetPanel(f"tomogram-{n}-with-a-very-long-name-" + "x" * 80, "") for n in range(PANELS_PER_SHEET + 1)
    ]
    files = write_contact_sheet(tmp_path / "sheet.png", panels)
    assert [file.name for file in files] == ["sheet.png", "sheet-2.png"]
    with Image.open(files[1]) as second:
        assert second.width < 2 * PANEL_PX


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_watch_waits_for_a_growing_file(tomogram: Path, tmp_path: Path) -> None:
    folder, clock = tmp_path / "in", Clock()
    folder.mkdir()
    watch = FolderWatch(folder, stable_s=5, clock=clock)
    content = tomogram.read_bytes()
    arriving = folder / "new.mrc"
    for share in (0.3, 0.6, 1.0):
        arriving.write_bytes(content[: int(share * len(content))])
        assert watch.poll() == []
        clock.now += 4
        assert watch.poll() == []  # unchanged, but not for long enough
        clock.now += 0.5
    clock.now += 1
    assert watch.poll() == [arriving]
    clock.now += 100
    assert watch.poll() == []


def test_watch_leaves_a_file_whose_copy_pauses(tomogram: Path, tmp_path: Path) -> None:
    """A copy that stands still is not complete: it does not open. In the end the user is told."""
    folder, clock = tmp_path / "in", Clock()
    folder.mkdir()
    watch = FolderWatch(folder, stable_s=5, clock=clock)
    half = folder / "half.mrc"
    half.write_bytes(tomogram.read_bytes()[:4000])
    for _ in range(4):
        assert watch.poll() == []
        clock.now += 6
    clock.now += GIVE_UP_S
    assert watch.poll() == [half]


def test_folders_of_slices_that_arrive_are_told_once(toy_model: Path, tmp_path: Path) -> None:
    progress, notes = Progress(), []
    for name, images in (
        ("results", ["sheet.png", "a.labels.tif"]),
        ("cell 7", ["s1.png", "s2.png", "s3.png"]),
    ):
        (tmp_path / "in" / name).mkdir(parents=True)
        for image in images:
            Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "in" / name / image)

    class Watch(FolderWatch):
        polls = 0

        def poll(self) -> list[Path]:
            self.polls += 1
            if self.polls == 3:
                progress.cancel()
            return super().poll()

    folder = tmp_path / "in"
    with pytest.raises(Cancelled):
        run_watch(
            folder,
            parameters(toy_model, tmp_path / "out"),
            progress=progress,
            watch=Watch(folder),
            poll_s=0.01,
            on_note=notes.append,
        )
    assert len(notes) == 1 and "(cell 7)" in notes[0] and "results" not in notes[0]


def test_watch_takes_tomograms_only(tomogram: Path, tmp_path: Path) -> None:
    folder, clock = tmp_path / "in", Clock()
    folder.mkdir()
    for name in (
        "cell.labels.mrc", "cell.labels-2.mrc", ".hidden.mrc", "tilts.st", "notes.txt", "cell.mrc.part",
        ".cell.1a2b.part.mrc",
    ):  # fmt: skip
        shutil.copy(tomogram, folder / name)
    (folder / "cell.labels.tif.partial").mkdir()
    present = folder / "present.mrc"
    shutil.copy(tomogram, present)
    all_of_them = FolderWatch(folder, stable_s=5, clock=clock)
    new_ones = FolderWatch(folder, stable_s=5, clock=clock, include_present=False)
    for watch in (all_of_them, new_ones):
        watch.poll()
    for name, when in (("late.mrc", 2_000), ("early.rec", 1_000)):
        shutil.copy(tomogram, folder / name)
        os.utime(folder / name, (when, when))
    all_of_them.poll(), new_ones.poll()
    clock.now = 6
    assert all_of_them.poll() == [folder / "early.rec", folder / "late.mrc", present]
    assert new_ones.poll() == [folder / "early.rec", folder / "late.mrc"]
    assert not is_own_output(Path("labels-of-day.mrc"))
    with pytest.raises(UserError, match="no folder"):
        FolderWatch(folder / "missing")


def test_the_order_of_axes_holds_for_a_list_and_for_a_watched_folder(
    tomogram: Path, toy_model: Path, tmp_path: Path, expected_labels
) -> None:
    folder, values = tmp_path / "in", mrcfile.read(tomogram)
    folder.mkdir()
    with h5py.File(folder / "turned.h5", "w") as file:
        file["data"] = np.ascontiguousarray(values.transpose(2, 1, 0))
    truth = expected_labels(values)
    wanted = parameters(toy_model, tmp_path / "list", axes=AxisOrder("xyz"), summary=(tmp_path / "s.json",))
    rows = run_batch([folder / "turned.h5"], wanted)
    assert np.array_equal(tifffile.imread(tmp_path / "list" / "turned.labels.tif") > 0, truth)
    assert json.loads((tmp_path / "s.json").read_text())["settings"]["axes"] == "xyz"
    # What is done stays so, whether it is named with its axes or without.
    assert run_batch([row.tomogram for row in rows], wanted, earlier=rows) == rows
    assert run_batch([folder / "turned.h5"], wanted, earlier=rows) == rows

    progress = Progress()

    def on_row(number: int, row: BatchRow) -> None:
        if row.state in ("done", "failed"):
            progress.cancel()

    watch = FolderWatch(folder, stable_s=0.05)
    wanted = replace(wanted, folder=tmp_path / "watched", summary=())
    with pytest.raises(Cancelled):
        run_watch(folder, wanted, on_row, progress, watch=watch, poll_s=0.05)
    assert np.array_equal(tifffile.imread(tmp_path / "watched" / "turned.labels.tif") > 0, truth)


def test_watched_folder_is_segmented_as_files_arrive(tomogram: Path, toy_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    progress = Progress()
    done: list[str] = []

    def on_row(number: int, row: BatchRow) -> None:
        if row.state == "done":
            done.append(row.tomogram.name)
            if len(done) == 1:
                shutil.copy(tomogram, folder / "second.mrc")

    shutil.copy(tomogram, folder / "first.mrc")
    wanted = parameters(toy_model, None, contact_sheet=folder / "sheet.png", summary=(folder / "s.csv",))
    ended: list[BaseException] = []

    def work() -> None:
        try:
            run_watch(folder, wanted, on_row, progress, watch=FolderWatch(folder, stable_s=0.05), poll_s=0.05)
        except Cancelled as error:
            ended.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(200):
            if len(done) == 2:
                break
            thread.join(0.05)
        thread.join(0.3)  # time to take its own results for tomograms
    finally:
        progress.cancel()
        thread.join(10)
    assert ended and done == ["first.mrc", "second.mrc"]
    assert {p.name for p in folder.glob("*.tif")} == {"first.labels.tif", "second.labels.tif"}
    with Image.open(folder / "sheet.png") as sheet:
        assert sheet.width > 2 * PANEL_PX


def test_names_on_a_contact_sheet_have_all_their_letters() -> None:
    """A letter that the font lacks is drawn as every other one that it lacks: an empty box."""
    from sxtstudio.workflow.jobs.contact_sheet import _font

    boxes = [bytes(_font(15).getmask(letter)) for letter in "äößŁŻ細"]
    assert len(set(boxes[:5])) == 5 and boxes[5] not in boxes[:5]
