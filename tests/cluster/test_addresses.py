"""A scheduler that somebody else has started, with credentials; and a watched folder on several workers."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import tifffile
from msgspec.structs import replace

from sxtstudio.cluster.machines import Machines
from sxtstudio.cluster.profile import Profile
from sxtstudio.cluster.runner import ClusterRunner
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.progress import Progress
from sxtstudio.workflow.beamtime import after
from sxtstudio.workflow.beamtime.follow import BeamtimeFollower, BeamtimeParameters
from sxtstudio.workflow.beamtime.record import RecordFolder, TomogramRecord, TomogramState
from sxtstudio.workflow.jobs import watch as watch_module
from sxtstudio.workflow.jobs.batch import run_batch
from sxtstudio.workflow.jobs.batch_files import BatchRow
from sxtstudio.workflow.jobs.batch_objects import ObjectsWanted
from sxtstudio.workflow.jobs.watch import FolderWatch
from sxtstudio.workflow.jobs.watching import Follower, run_watch
from tests.cluster.test_runner import TWO, contents, parameters


def at(machines: Machines) -> Profile:
    """The profile by which another batch finds these workers."""
    authority, certificate, key = machines.tls
    address = machines.client.scheduler_info()["address"]
    assert address.startswith("tls://127.0.0.1:")
    return Profile("address", address=address, tls_ca=authority, tls_cert=certificate, tls_key=key)


def test_workers_of_a_scheduler_at_a_tls_address_do_a_batch_and_stay(
    three: list[Path], toy_model: Path, tmp_path: Path, machines: Machines
) -> None:
    alone, many = tmp_path / "alone", tmp_path / "many"
    states: list[str] = []
    run_batch(three, parameters(toy_model, alone))
    rows = run_batch(three, parameters(toy_model, many), runner=ClusterRunner(at(machines), states.append))
    assert [row.state for row in rows] == ["done", "failed", "done"]
    assert contents(many) == contents(alone) and "2 workers run" in states
    assert len(machines.workers) == 2, "they are not ours to end"


def test_with_the_credentials_of_another_run_a_scheduler_is_not_reached(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = at(machines)
    with Machines(Profile("local", workers=1, program=("sleep 60",))) as other:
        authority, certificate, key = other.tls
        wrong = replace(good, tls_ca=authority, tls_cert=certificate, tls_key=key)
        monkeypatch.setattr("sxtstudio.cluster.machines._REACH_S", 1.0)
        with pytest.raises(UserError, match=r"at tls://127.* cannot be reached .* check address and cred"):
            Machines(wrong)


def test_a_watched_folder_is_segmented_by_several_workers_with_its_page(
    tomogram: Path, toy_model: Path, tmp_path: Path, machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(after, "find_objects", lambda *args: pytest.fail("this process only watches"))
    monkeypatch.setattr("sxtstudio.surface.render_picture", lambda path, *a, **more: path.touch())
    monkeypatch.setattr(watch_module, "GIVE_UP_S", 0.1)  # until a file that is cut off is taken as it is
    folder, progress = tmp_path / "in", Progress()
    folder.mkdir()
    for name in ("a", "b"):
        shutil.copy(tomogram, folder / f"{name}.mrc")
    (folder / "bad.mrc").write_bytes(tomogram.read_bytes()[:20_000])
    ended: dict[str, TomogramState] = {}

    def on_record(record: TomogramRecord) -> None:
        if record.state in (TomogramState.DONE, TomogramState.FAILED):
            ended[record.name] = record.state
        if len(ended) == 3:
            progress.cancel()

    with pytest.raises(Cancelled):
        run_watch(
            folder,
            parameters(toy_model, tmp_path / "out"),
            progress=progress,
            watch=FolderWatch(folder, stable_s=0.02),
            poll_s=0.05,
            follower=lambda: BeamtimeFollower(BeamtimeParameters(tmp_path / "page", objects=True), on_record),
            runner=ClusterRunner(TWO, machines=machines),
        )
    assert ended == {
        "a.mrc": TomogramState.DONE,
        "b.mrc": TomogramState.DONE,
        "bad.mrc": TomogramState.FAILED,
    }
    records = {record.name: record for record in RecordFolder(tmp_path / "page")}
    assert {name: record.state for name, record in records.items()} == ended
    for name in ("a", "b"):
        numbers = tifffile.imread(tmp_path / "out" / f"{name}.objects.tif")
        assert records[f"{name}.mrc"].objects == {"": len(np.unique(numbers[numbers > 0]))}
        assert (tmp_path / "out" / f"{name}.objects.csv").is_file() and numbers.any()
    assert records["bad.mrc"].objects is None
    run_batch([folder / "a.mrc"], parameters(toy_model, tmp_path / "alone"))
    assert contents(tmp_path / "out")["a.labels.tif"] == contents(tmp_path / "alone")["a.labels.tif"]


def test_labels_stay_whatever_becomes_of_their_objects(
    tomogram: Path, toy_model: Path, tmp_path: Path, machines: Machines
) -> None:
    class Wishes(Follower):
        objects = ObjectsWanted(tmp_path / "gone.json")
        rows: ClassVar[list[BatchRow]] = []

        def ended(self, row: BatchRow, progress: Progress) -> None:
            self.rows.append(row)
            progress.cancel()

    with pytest.raises(Cancelled):
        run_watch(
            tomogram.parent,
            parameters(toy_model, tmp_path / "out"),
            watch=FolderWatch(tomogram.parent, stable_s=0.02),
            poll_s=0.05,
            follower=Wishes,
            runner=ClusterRunner(TWO, machines=machines),
        )
    (row,) = Wishes.rows
    assert row.state == "done" and row.output is not None and row.output.is_file()
    assert row.objects is not None and "gone.json" in row.objects.trouble and not row.objects.counts
    assert row.details is not None and row.details["model"] == "toy"
