"""Who works on a tomogram where machines share a file system: never two, and no dead one for ever."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import BinaryIO

import pytest

from sxtstudio.cluster.lease import Lease, Taken, Times
from sxtstudio.core.errors import UserError
from sxtstudio.core.lock import NAME, FolderLock
from sxtstudio.segment.checkpoint import Checkpoint
from sxtstudio.workflow.jobs.worker_mark import forget_dead, mark_of
from tests.cluster.conftest import until

QUICK = Times(beat=0.05, silent=0.4, settle=0.1, patience=0.3)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "cell.labels.tif"


def take(output: Path, times: Times = QUICK) -> Lease:
    return Lease.take(output, output.with_name("work"), times=times)


def leave(output: Path, **changes: object) -> None:
    """Leave the lease of another worker."""
    entries = {"token": "x" * 32, "host": "node-7", "space": "pid:[1]", "process": 1, "beat": 3}
    mark_of(output).write_text(json.dumps({**entries, **changes}))


def test_it_is_held_and_given_back(output: Path) -> None:
    lease = take(output)
    first = json.loads(mark_of(output).read_text())
    until(lambda: json.loads(mark_of(output).read_text())["beat"] > first["beat"])
    assert json.loads(mark_of(output).read_text())["token"] == first["token"]
    lease.release()
    assert not mark_of(output).exists()
    take(output).release()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no disk that is always full")
def test_a_full_disk_leaves_nothing_that_keeps_the_next_worker_waiting(
    output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def on_a_full_disk(number: int, mode: str) -> BinaryIO:
        os.close(number)
        return open("/dev/full", "wb")

    with monkeypatch.context() as full:
        full.setattr(os, "fdopen", on_a_full_disk)
        with pytest.raises(OSError, match="No space left"):
            take(output)
    assert not mark_of(output).exists()


def test_a_damaged_mark_goes_once_nobody_has_written_it_for_long(output: Path) -> None:
    mark_of(output).touch()
    forget_dead(output)
    assert mark_of(output).exists()
    long_ago = time.time() - 2 * 3600
    os.utime(mark_of(output), (long_ago, long_ago))
    forget_dead(output)
    assert not mark_of(output).exists()


def test_who_lives_keeps_it(output: Path) -> None:
    lease = take(output)
    with pytest.raises(Taken, match=r"Another worker, on .*, is working on"):
        take(output)
    assert not lease.lost
    lease.release()


def test_a_worker_that_died_on_another_machine_blocks_for_a_while_only(output: Path, tmp_path: Path) -> None:
    """With the lock that its file server may keep."""
    leave(output)
    work = tmp_path / "work"
    work.mkdir()
    kept = FolderLock(work)
    begin = time.monotonic()
    lease = take(output)
    assert time.monotonic() - begin >= QUICK.silent
    FolderLock(work).release()  # a new one can be taken
    assert not kept.current
    kept.release()
    lease.release()


def died_here(output: Path) -> None:
    """Leave the lease of a worker of this computer that was killed."""
    code = (
        "import os, sys; from pathlib import Path\nfrom sxtstudio.cluster.lease import Lease\n"
        "path = Path(sys.argv[1]); Lease.take(path, path.with_name('work')); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, output], cwd=Path(__file__).parents[2], check=False)


def test_a_worker_that_died_here_does_not_block_at_all(output: Path) -> None:
    died_here(output)
    assert mark_of(output).exists()
    looks: list[None] = []

    def look() -> None:
        assert not looks, "it waits"
        looks.append(None)

    Lease.take(output, output.with_name("work"), look, Times(silent=3600, settle=0.05)).release()


def test_whoever_waits_says_once_for_whom(output: Path) -> None:
    lease, waits, looks = take(output), [], []

    def look() -> None:
        looks.append(None)
        if len(looks) == 4:
            lease.release()

    times = Times(silent=3600, patience=3600, settle=0.05)
    Lease.take(output, output.with_name("work"), look, times, waits.append).release()
    assert waits == [platform.node()] and len(looks) >= 4


def test_what_nobody_will_take_over_is_forgotten_unless_its_worker_lives(output: Path) -> None:
    forget_dead(output)  # there is none
    lease = take(output)
    forget_dead(output)
    assert mark_of(output).exists()
    lease.release()
    leave(output)  # of another computer: it beats, or has not for an hour
    forget_dead(output)
    assert mark_of(output).exists()
    long_ago = time.time() - 4000
    os.utime(mark_of(output), (long_ago, long_ago))
    forget_dead(output)
    assert not mark_of(output).exists()
    died_here(output)
    forget_dead(output)
    assert not mark_of(output).exists()


def test_a_folder_of_its_name_is_told_at_once(output: Path) -> None:
    mark_of(output).mkdir()
    with pytest.raises(UserError, match=r"\.worker is a folder, and a worker keeps a file of this name"):
        take(output)


def test_who_was_only_asleep_stops_and_leaves_everything(output: Path) -> None:
    lease = take(output)
    leave(output, beat=4)
    for _ in range(100):
        if lease.lost:
            break
        time.sleep(0.02)
    assert lease.lost
    lease.release()
    assert json.loads(mark_of(output).read_text())["host"] == "node-7"


def test_of_two_that_take_over_at_once_one_goes_on(output: Path) -> None:
    leave(output)
    taken: list[Lease] = []

    def work() -> None:
        try:
            taken.append(take(output, Times(beat=0.05, silent=0.3, settle=0.2, patience=0.5)))
        except Taken:
            pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    time.sleep(0.2)
    assert len([lease for lease in taken if not lease.lost]) == 1
    for lease in taken:
        lease.release()


def test_a_checkpoint_that_was_taken_over_is_neither_written_nor_deleted(
    tmp_path: Path, run_settings
) -> None:
    import numpy as np

    folder = tmp_path / "cell.labels.tif.partial"
    asleep = Checkpoint(folder, run_settings((3, 4, 5)))
    (folder / NAME).unlink()
    other = Checkpoint(folder, run_settings((3, 4, 5)), resume=True)
    plane = np.zeros((4, 5), np.uint8)
    with pytest.raises(UserError, match="Another process has taken over the work in"):
        asleep.write(0, plane)
    asleep.discard()
    other.write(1, plane)
    assert folder.is_dir() and other.finished == {1}
    other.discard()
    assert not folder.exists()
