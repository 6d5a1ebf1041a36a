"""Where a batch runs: this program, workers of this computer, or those of a profile."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import psutil
import pytest
import tifffile

from sxtstudio.app.batch import where as module
from sxtstudio.app.batch.dialog import BatchDialog
from sxtstudio.app.batch.where import HERE, LOCAL, WhereFields
from sxtstudio.cluster import profile as profiles
from sxtstudio.cluster.profile import Profile
from sxtstudio.core.errors import UserError
from sxtstudio.segment.registry import user_folder
from sxtstudio.workflow.jobs.batch_files import BatchRow
from sxtstudio.workflow.jobs.segmenting import partial_folder
from tests.cluster.conftest import write_deep

SLURM = 'kind = "slurm"\nworkers = 20\ncores = 8\nmemory = "16 GB"\ngpus = 1\n'


def test_profiles_of_the_settings_are_a_choice_and_a_bad_one_says_why(
    window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "profiles_folder", lambda: tmp_path)
    (tmp_path / "beamline.toml").write_text(SLURM)
    (tmp_path / "bad.toml").write_text(SLURM.replace("20", "0"))
    fields = WhereFields(window.context)
    assert [fields.place.itemData(n) for n in range(fields.place.count())] == [HERE, LOCAL, "bad", "beamline"]
    assert fields.profile() is None and fields.workers.isHidden() is False
    fields.choose(LOCAL)
    fields.workers.setValue(3)
    assert fields.profile() == Profile("local", workers=3)
    fields.divide.setCurrentIndex(fields.divide.findData(32))
    assert fields.profile() == Profile("local", workers=3, slices_per_task=32)
    fields.divide.setCurrentIndex(0)
    assert fields.profile() == Profile("local", workers=3)
    fields.choose("beamline")
    assert fields.note.text() == "20 workers of SLURM, each with 8 processors, 16 GB, 1 card."
    assert fields.profile().kind == "slurm"
    fields.choose("bad")
    assert "the key 'workers' is wrong" in fields.note.text()
    with pytest.raises(UserError):
        fields.profile()
    fields.choose("one that has gone")
    assert fields.choice == HERE
    elsewhere = tmp_path / "elsewhere" / "mine.toml"
    elsewhere.parent.mkdir()
    elsewhere.write_text(SLURM)
    fields.choose(str(elsewhere))
    assert fields.choice == str(elsewhere) and module._described(None) == ""


def test_the_batch_hands_its_jobs_to_the_machines_and_names_their_devices(
    window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot
) -> None:
    """Which of them, dask decides elsewhere; here a runner that only says where."""
    asked: list[Profile] = []

    class Runner:
        def run(self, batch, numbers, progress, total) -> None:
            for number in numbers:
                batch.begin(number, "node-3: NVIDIA A100")
                batch.stop(number)

    def runner_for(profile: Profile) -> Runner:
        asked.append(profile)
        return Runner()

    monkeypatch.setattr("sxtstudio.app.batch.dialog.runner_for", runner_for)
    dialog = window.context.dialogs.bring_up(BatchDialog)
    dialog.table.add([tmp_path / "a.mrc"])
    dialog.form.where.choose(LOCAL)
    dialog.begin()
    qtbot.waitUntil(lambda: dialog.job is None, timeout=10_000)
    assert asked == [Profile("local", workers=2)]
    row: BatchRow = dialog.table.rows[0]
    assert row.state == "stopped" and dialog.table.item(0, 4).text() == "node-3: NVIDIA A100"


def test_a_watched_folder_says_what_work_waits_for(
    window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot
) -> None:
    full = "The disk of /data is nearly full (1 GB free): work waits. Move or delete files there."

    def watch(folder, parameters, on_row, progress, *, on_note, **more) -> None:
        on_row(0, BatchRow(tmp_path / "a.mrc"))
        on_note(full)
        while True:
            progress.step(0, "waiting for room on the disk")
            time.sleep(0.02)

    monkeypatch.setattr("sxtstudio.app.batch.dialog.run_watch", watch)
    dialog = window.context.dialogs.bring_up(BatchDialog)
    dialog.watch_mode.setChecked(True)
    dialog.folder.setText(str(tmp_path))
    dialog.begin()
    qtbot.waitUntil(lambda: dialog.status.text().endswith(f"\n{full}"), timeout=10_000)
    qtbot.waitUntil(lambda: dialog.strip.text.text() == "Waiting for room on the disk")
    dialog.resize(1000, 640)
    dialog.stop.click()
    qtbot.waitUntil(lambda: dialog.job is None, timeout=10_000)
    assert full not in dialog.status.text()


def workers_of_this_program() -> list[psutil.Process]:
    return [one for one in psutil.Process().children(recursive=True) if "worker" in one.cmdline()]


def test_a_batch_on_workers_by_the_buttons_and_stop_leaves_none_behind(
    window, tomogram: Path, slow_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot
) -> None:
    for variable in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path / "data"))
    user_folder().mkdir(parents=True)
    shutil.move(slow_model, user_folder() / "slow.onnx")
    dialog = window.context.dialogs.bring_up(BatchDialog)
    fields = dialog.form.segment
    dialog.form.refresh_models()
    qtbot.waitUntil(lambda: fields.model.findText("slow") >= 0, timeout=5000)
    fields.model.setCurrentIndex(fields.model.findText("slow"))
    fields.use_device("cpu")
    dialog.table.add([tomogram, write_deep(tmp_path / "deep.mrc", 400)])
    dialog.form.where.choose(LOCAL)
    dialog.form.where.workers.setValue(1)
    others = set(workers_of_this_program())  # of tests before
    dialog.start.click()
    first, second = (lambda: dialog.table.rows[0]), (lambda: dialog.table.rows[1])
    qtbot.waitUntil(lambda: bool(second().slices and second().slices[0]), timeout=90_000)
    assert first().state == "done" and second().state == "running"
    assert tifffile.imread(first().output).shape == (6, 64, 80)
    assert "CPU" in dialog.table.item(1, 4).text() and len(set(workers_of_this_program()) - others) == 1
    assert dialog.strip.isVisible() and not dialog.form.isEnabled()
    dialog.stop.click()
    qtbot.waitUntil(lambda: dialog.job is None, timeout=60_000)
    assert second().state == "stopped" and dialog.start.text() == "Go on"
    assert (
        partial_folder(tmp_path / "deep.labels.tif").is_dir() and not set(workers_of_this_program()) - others
    )
