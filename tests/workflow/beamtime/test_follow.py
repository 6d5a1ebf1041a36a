"""A beamtime from the first tomogram to a restart days later: nothing twice, nothing lost, nothing grows."""

from __future__ import annotations

import csv
import json
import os
import shutil
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import tifffile

from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.progress import Progress
from sxtstudio.core.quality.dictionary import FigureName
from sxtstudio.core.quality.record import QualityFlag
from sxtstudio.segment import SegmentParameters
from sxtstudio.workflow.beamtime import after
from sxtstudio.workflow.beamtime import follow as module
from sxtstudio.workflow.beamtime.follow import BeamtimeFollower, BeamtimeParameters
from sxtstudio.workflow.beamtime.page_folder import check_page
from sxtstudio.workflow.beamtime.record import PictureKind, RecordFolder, TomogramRecord, TomogramState
from sxtstudio.workflow.beamtime.status import Activity, Status
from sxtstudio.workflow.beamtime.summary import TomogramMark, headline_of, mark_of, needs_look, sentences_of
from sxtstudio.workflow.jobs import watch as watch_module
from sxtstudio.workflow.jobs.batch import BatchParameters
from sxtstudio.workflow.jobs.batch_files import BatchRow
from sxtstudio.workflow.jobs.batch_objects import objects_path
from sxtstudio.workflow.jobs.quality import quality_of_file
from sxtstudio.workflow.jobs.watch import FolderWatch
from sxtstudio.workflow.jobs.watching import run_watch


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times of minutes become parts of a second, and VTK is tested with the pictures."""
    monkeypatch.setattr("sxtstudio.workflow.jobs.watching.POLL_S", 0.02)
    monkeypatch.setattr(watch_module, "GIVE_UP_S", 0.1)
    monkeypatch.setattr("sxtstudio.surface.render_picture", lambda path, *a, **more: path.touch())


@pytest.fixture
def folder(tomogram: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    shutil.copy(tomogram, folder / "first.mrc")
    return folder


class Evening:
    """One run of the program, which ends once so many tomograms have ended."""

    def __init__(self, folder: Path, model: Path, ends: int, **more: object) -> None:
        self.folder, self.model, self.progress = folder, model, Progress()
        self.ended: list[TomogramRecord] = []
        self.statuses: list[Status] = []
        self.segmented: list[str] = []
        judge, self.polarity = more.pop("judge", quality_of_file), more.pop("polarity", "dark")
        parameters = BeamtimeParameters(folder / "page", **more)
        self.follower = BeamtimeFollower(parameters, self._on_record, self.statuses.append, judge=judge)
        self.ends = ends

    def _on_record(self, record: TomogramRecord) -> None:
        if record.state in (TomogramState.DONE, TomogramState.FAILED, TomogramState.SKIPPED):
            self.ended.append(record)
            if len(self.ended) == self.ends:
                self.progress.cancel()

    def run(self, looks: int = 0) -> list[tuple[str, str]]:
        """Watch until so many have ended, or for so many looks."""
        left = [looks]

        class Watch(FolderWatch):
            def poll(self) -> list[Path]:
                left[0] -= 1
                if left[0] == 0:
                    evening.progress.cancel()
                return super().poll()

        def on_row(number: int, row: BatchRow) -> None:
            if row.state == "running":
                evening.segmented.append(row.tomogram.name)

        evening = self
        wanted = BatchParameters(SegmentParameters(model=self.model, device="cpu", polarity=self.polarity))
        watch = Watch(self.folder, stable_s=0.02)
        with pytest.raises(Cancelled):
            run_watch(
                self.folder, wanted, on_row, self.progress, watch=watch, poll_s=0.02,
                follower=lambda: self.follower,
            )  # fmt: skip
        return sorted((record.name, record.state.value) for record in self.ended)


def test_a_tomogram_gets_its_record_pictures_page_and_pdf(folder: Path, toy_model: Path) -> None:
    evening = Evening(folder, toy_model, 1)
    assert evening.run() == [("first.mrc", "done")]
    page = folder / "page"
    (record,) = RecordFolder(page)
    labels = tifffile.imread(folder / "first.labels.tif")
    assert record.labels == str(folder / "first.labels.tif") and record.shape == labels.shape == (6, 64, 80)
    assert record.labelled == pytest.approx((labels != 0).mean()) and record.voxel_nm == (10, 10, 10)
    assert record.pictures == tuple(PictureKind) and not any("No " in text[:3] for text in record.messages)
    assert record.quality is not None and record.quality.shape == (6, 64, 80)
    assert record.quality.figure(FigureName.VOXEL_SIZE).value == pytest.approx(10)
    assert all((page / (record.picture(kind) or "")).is_file() for kind in PictureKind)
    for name in ("index.html", "data.js", "now.js", "beamtime.pdf"):
        assert (page / name).stat().st_size > 100
    assert '"doing":"stopped"' in (page / "now.js").read_text()
    assert record.id in (page / "data.js").read_text()
    assert [status.doing for status in evening.statuses][-1] is Activity.STOPPED
    assert any(status.doing is Activity.WORKING and status.name == "first.mrc" for status in evening.statuses)


def test_a_restart_makes_nothing_twice_and_keeps_the_days_before(
    tomogram: Path, folder: Path, toy_model: Path
) -> None:
    yesterday = time.time() - 86_400
    os.utime(folder / "first.mrc", (yesterday, yesterday))
    Evening(folder, toy_model, 1).run()
    made = {file: file.stat().st_mtime_ns for file in (folder / "page" / "pictures").iterdir()}
    shutil.copy(tomogram, folder / "second.mrc")
    evening = Evening(folder, toy_model, 1)
    assert evening.run() == [("second.mrc", "done")] and set(evening.segmented) == {"second.mrc"}
    first, second = RecordFolder(folder / "page")
    assert (first.name, second.name) == ("first.mrc", "second.mrc") and first.day < second.day
    assert all(file.stat().st_mtime_ns == at for file, at in made.items())
    (folder / "first.mrc").touch()
    evening = Evening(folder, toy_model, 9)
    assert evening.run(looks=12) == [("first.mrc", "done")] and evening.segmented == []
    (folder / "first.mrc").unlink()
    assert len(RecordFolder(folder / "page")) == 2, "what was moved away stays on the wall"


def test_what_a_worker_does_is_said(folder: Path, toy_model: Path) -> None:
    evening = Evening(folder, toy_model, 1)
    row = BatchRow(folder / "first.mrc", "running", slices=(3, 6))
    for one in (row, replace(row, slices=(6, 6), finding_objects=True)):
        evening.follower.changed(one)
    second = BatchRow(folder / "second.mrc", "running", slices=(0, 6))
    evening.follower.changed(second)
    evening.follower.stopped()
    said = [(status.name, status.step, status.fraction) for status in evening.statuses[:3]]
    assert said[:2] == [("first.mrc", "segmenting", 0.5), ("first.mrc", "objects", 0.0)]
    assert said[2][:2] == ("2 tomograms", "segmenting")


def test_a_run_that_was_killed_goes_on(
    folder: Path, toy_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between labels and pictures: the labels are not made again, the pictures are."""
    real = after.write_pictures
    monkeypatch.setattr(after, "write_pictures", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt))
    evening = Evening(folder, toy_model, 1)
    with pytest.raises(KeyboardInterrupt):
        evening.run()
    (record,) = RecordFolder(folder / "page")
    assert record.state is not TomogramState.DONE
    monkeypatch.setattr(after, "write_pictures", real)
    evening = Evening(folder, toy_model, 1)
    assert evening.run() == [("first.mrc", "done")] and evening.segmented == []
    (record,) = RecordFolder(folder / "page")
    assert record.model == "toy" and "CPU" in record.device  # of the report beside the labels
    assert record.pictures == tuple(PictureKind) and record.labelled == pytest.approx(
        (tifffile.imread(folder / "first.labels.tif") != 0).mean()
    )


@pytest.mark.parametrize("killed", [False, True])
def test_a_guess_of_the_polarity_asks_for_a_look(
    killed: bool, tmp_path: Path, toy_model: Path, monkeypatch: pytest.MonkeyPatch, make_record
) -> None:
    """Noise shows nothing dark or bright; a run that was killed finds the doubt beside the labels."""
    folder, real, good = tmp_path / "in", after.write_pictures, make_record("x").quality
    folder.mkdir()
    with mrcfile.new(folder / "noise.mrc") as file:
        file.set_data(np.random.default_rng(0).normal(size=(6, 64, 80)).astype(np.float32))
        file.voxel_size = 100.0
    if killed:
        monkeypatch.setattr(after, "write_pictures", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            Evening(folder, toy_model, 1, polarity="auto").run()
        monkeypatch.setattr(after, "write_pictures", real)
    evening = Evening(folder, toy_model, 1, polarity="auto", judge=lambda *args: good)
    assert evening.run() == [("noise.mrc", "done")] and bool(evening.segmented) is not killed
    (record,) = RecordFolder(folder / "page")
    said = "Whether membranes are dark or bright here is not sure: "
    assert record.flag is QualityFlag.LOOK and needs_look(record) and mark_of(record) is TomogramMark.LOOK
    assert sum(text.startswith(said) for text in record.doubts) == 1
    assert sum(said in text for text in sentences_of(record)) == 1, "once, not as a note as well"
    assert headline_of(record) == record.doubts[0]


def test_a_replaced_tomogram_is_a_new_one_and_a_mended_one_takes_the_place(
    tomogram: Path, folder: Path, toy_model: Path
) -> None:
    (folder / "bad.mrc").write_bytes(tomogram.read_bytes()[:20_000])
    assert Evening(folder, toy_model, 2).run() == [("bad.mrc", "failed"), ("first.mrc", "done")]
    shutil.copy(tomogram, folder / "bad.mrc")
    with mrcfile.open(folder / "first.mrc", "r+") as file:
        file.set_data(file.data[::-1].copy())
    assert Evening(folder, toy_model, 2).run() == [("bad.mrc", "done"), ("first.mrc", "done")]
    found = sorted((one.name, one.state.value, one.replaced) for one in RecordFolder(folder / "page"))
    assert found == [("bad.mrc", "done", False), ("first.mrc", "done", False), ("first.mrc", "done", True)]
    assert {one.labels for one in RecordFolder(folder / "page")} == {
        str(folder / name) for name in ("bad.labels.tif", "first.labels.tif", "first.labels-2.tif")
    }


@pytest.mark.parametrize("broken", ["read_planes", "write_pictures", "judge"])
def test_what_fails_after_the_labels_harms_nothing_else(
    broken: str, folder: Path, toy_model: Path, monkeypatch: pytest.MonkeyPatch, make_record
) -> None:
    def fail(*args: object) -> None:
        raise UserError("It does not work today.")

    quality = make_record("x", flag=QualityFlag.LOOK).quality
    judge = fail if broken == "judge" else lambda *args: quality
    evening = Evening(folder, toy_model, 1, judge=judge)
    if broken != "judge":
        monkeypatch.setattr(after, broken, fail)
    assert evening.run() == [("first.mrc", "done")]
    (record,) = RecordFolder(folder / "page")
    assert any("It does not work today." in text for text in record.messages)
    assert (record.quality == quality) is (broken != "judge")
    assert bool(record.pictures) is (broken == "judge")


def test_objects_are_counted(folder: Path, toy_model: Path) -> None:
    assert Evening(folder, toy_model, 1, objects=True).run() == [("first.mrc", "done")]
    (record,) = RecordFolder(folder / "page")
    numbers = tifffile.imread(folder / "first.objects.tif")
    assert record.objects == {"": len(np.unique(numbers[numbers > 0]))} and record.objects[""] > 0
    with open(folder / "first.objects.csv", newline="") as table:  # what the file of flags says
        flags = [row["flags"].split() for row in csv.DictReader(table)]
    assert record.bodies == sum("sheet" not in one for one in flags)
    assert record.border == sum("border" in one for one in flags)
    evening = Evening(folder, toy_model, 9, objects=True)
    evening.run(looks=12)
    assert evening.segmented == [] and len(RecordFolder(folder / "page")) == 1, "objects are no tomogram"
    assert objects_path(Path("a/cell.labels-2.mrc")) == Path("a/cell.objects-2.mrc")
    assert objects_path(Path("a/outlines.tif")) == Path("a/outlines.objects.tif")


def test_the_page_survives_a_share_that_is_away(folder: Path, toy_model: Path, monkeypatch) -> None:
    """Records and page that could not be written are, with the next change."""
    evening = Evening(folder, toy_model, 1)
    calls: list[str] = []
    real = module.write_page

    def write(*args: object) -> str:
        calls.append("page")
        if len(calls) < 3:
            raise UserError("No permission to write.")
        return real(*args)

    monkeypatch.setattr(module, "write_page", write)
    assert evening.run() == [("first.mrc", "done")]
    assert "first.mrc" in (folder / "page" / "data.js").read_text()


def test_the_page_of_thousands_costs_next_to_nothing(
    tmp_path: Path, make_record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each writing takes two seconds here, and every second something is new."""
    now, writings = [0.0], []

    def write(*args: object) -> str:
        writings.append(now[0])
        now[0] += 2
        return str(len(writings))

    monkeypatch.setattr(module, "write_page", write)
    follower = BeamtimeFollower(BeamtimeParameters(tmp_path / "page"), clock=lambda: now[0])
    follower.parameters.page.mkdir(exist_ok=True)
    while now[0] < 1000:
        follower._changed = True
        follower._report(Status(Activity.WORKING), at_once=True)
        now[0] += 1
    assert 10 < len(writings) < 1000 / 2 / 20
    follower._changed = True
    follower.stopped()
    assert writings[-1] >= 1000, "at the end it is complete"


def test_two_programs_do_not_share_a_page_and_a_page_is_not_watched(folder: Path, toy_model: Path) -> None:
    evening = Evening(folder, toy_model, 1)
    with pytest.raises(UserError, match="Another window"):
        Evening(folder, toy_model, 1)
    evening.run()
    Evening(folder, toy_model, 1).follower.stopped()
    with pytest.raises(UserError, match="of its own"):
        check_page(folder / "x" / "..", folder)
    with pytest.raises(UserError, match="no folder"):
        check_page(folder / "page", folder / "missing")


def test_memory_does_not_grow_with_thousands_of_tomograms(
    tmp_path: Path, make_record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept of a tomogram is a small part of its record, and page and folder are not read again."""
    monkeypatch.setattr(module, "write_page", lambda *args: "1")
    monkeypatch.setattr(module, "write_now", lambda *args: None)
    monkeypatch.setattr("sxtstudio.core.atomic._flush_to_disk", lambda path: None)
    from sxtstudio.core.quality.record import SliceFigures

    follower = BeamtimeFollower(BeamtimeParameters(tmp_path / "page"))
    slices = tuple(SliceFigures(z, z / 7, z / 3) for z in range(350))

    def hundred(first: int) -> int:
        for number in range(first, first + 100):
            record = make_record(f"{number:05}.mrc")
            follower._keep(replace(record, quality=replace(record.quality, slices=slices)))
        return tracemalloc.get_traced_memory()[0]

    hundred(0)
    tracemalloc.start()
    try:
        grown = hundred(100)
    finally:
        tracemalloc.stop()
    files = list((tmp_path / "page" / "records").iterdir())
    assert len(files) == 200
    assert grown / 100 < files[0].stat().st_size / 4
    assert json.loads(files[0].read_text())["version"] == 1
    follower._lock.release()


def test_a_damaged_file_is_tried_again_only_when_it_changes(
    tomogram: Path, folder: Path, toy_model: Path
) -> None:
    (folder / "first.mrc").unlink()
    (folder / "bad.mrc").write_bytes(tomogram.read_bytes()[:20_000])
    assert Evening(folder, toy_model, 1).run() == [("bad.mrc", "failed")]
    (record,) = RecordFolder(folder / "page")
    assert record.seconds is None  # nowhere it is said that it was segmented in some milliseconds
    evening = Evening(folder, toy_model, 9)
    assert evening.follower.left_as_failed == ["bad.mrc"]
    assert evening.run(looks=12) == []
    assert Evening(folder, toy_model, 1, retry_failed=True).run() == [("bad.mrc", "failed")]
    (folder / "bad.mrc").write_bytes(tomogram.read_bytes()[:19_000])
    evening = Evening(folder, toy_model, 1)
    assert evening.follower.left_as_failed == []
    assert evening.run() == [("bad.mrc", "failed")]


def test_it_is_said_for_what_a_tomogram_waits(tmp_path: Path, make_record) -> None:
    """And said anew while it does, so that the page knows that the program is alive."""
    now, said = [0.0], []
    page = tmp_path / "page"
    follower = BeamtimeFollower(BeamtimeParameters(page), on_status=said.append, clock=lambda: now[0])
    path = Path("/data/in/cell.mrc")
    follower._arrived[path] = replace(make_record("cell.mrc"), state=TomogramState.WAITING)
    follower.found([path])
    for now[0] in (1.0, 2.0, 20.0):
        follower.waits_for("Find objects")
    assert [one.doing for one in said] == [Activity.LOOKING, Activity.HELD, Activity.HELD]
    assert said[1].text == (
        "1 tomogram waits. “Find objects” is running in the window: work goes on after that."
    )
    assert "Find objects" in (page / "now.js").read_text() and '"held"' in (page / "now.js").read_text()
    follower.waits_for("")
    assert said[-1].doing is Activity.LOOKING and said[-1].text == "1 tomogram waits."
    follower.stopped()


def test_what_is_left_counts_how_large_tomograms_are(tmp_path: Path, make_record) -> None:
    """A tenth of the work took 30 s: 270 s are left, however many tomograms that are."""
    now = [0.0]
    follower = BeamtimeFollower(BeamtimeParameters(tmp_path / "page"), clock=lambda: now[0])
    sizes = {"small.mrc": 200, "large.mrc": 1800}
    for name, size in sizes.items():
        path = Path("/data/in") / name
        record = replace(make_record(name), state=TomogramState.WAITING, signature=(1, size, 1e9, 1e9))
        follower._arrived[path] = record
    follower.found(list(follower._arrived))
    assert follower.status.waiting == 2 and "2 tomograms wait" in follower.status.text
    row = BatchRow(Path("/data/in/small.mrc"), "running")
    follower.changed(row)
    now[0] = 30.0
    follower.changed(replace(row, slices=(40, 40)))
    assert follower.status.left_s == pytest.approx(270) and follower.status.waiting == 1
    follower.ended(replace(row, state="failed", message="small.mrc is damaged"), Progress())
    assert follower.status.doing is Activity.LOOKING and "Up to date" not in follower.status.text
    follower.arriving([Path("/data/in/third.mrc")])
    follower._waiting.clear()
    follower.idle()
    assert "1 file is arriving" in follower.status.text and "third.mrc" in follower.status.text
    follower._lock.release()


def test_each_remark_is_a_sentence_of_its_own(folder: Path, toy_model: Path) -> None:
    row = BatchRow(Path("a.mrc"), message="A guess.; It is so; or not.; More.", doubts=("A guess.",))
    assert row.remarks == ("It is so; or not.", "More.")
    toy_model.with_suffix(".json").unlink(missing_ok=True)
    evening = Evening(folder, toy_model, 1)
    evening.run()
    (record,) = evening.ended
    assert len(record.messages) >= 2 and not any(".; " in text for text in sentences_of(record))


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "a.mrc; less than a second left"), (100, "a.mrc; about 2 min left")]
)
def test_what_is_left_is_said_as_a_person_would(seconds: float, said: str) -> None:
    assert Status(Activity.WORKING, "a.mrc", left_s=seconds).text == said


def test_names_keep_their_letters_in_sentences(make_record) -> None:
    from sxtstudio.workflow.beamtime.summary import sentences_of

    record = replace(
        make_record("cell 1.mrc"), quality=None, messages=("cell 1.labels.tif is there", "the disk is slow")
    )
    assert sentences_of(record) == ["cell 1.labels.tif is there.", "The disk is slow."]
