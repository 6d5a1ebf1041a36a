"""Workers that are lost before anybody looked, and runs that are killed: none stands still, none stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from sxtstudio.cluster import machines as module
from sxtstudio.cluster import run_folder
from sxtstudio.cluster.check import check_cluster
from sxtstudio.cluster.machines import Machines
from sxtstudio.cluster.profile import Profile
from sxtstudio.core.errors import UserError
from sxtstudio.core.progress import Progress
from tests.cluster.conftest import AT_MOST_S, until

ROOT = Path(__file__).parents[2]
# What stands for a worker: it neither loads dask nor comes.
ASLEEP = "while [ -d /proc/$PPID ]; do sleep 0.1; done"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_S", 0.05)
    monkeypatch.setattr(module, "_DASK_S", 0.1)


def program(tmp_path: Path, text: str) -> tuple[str, ...]:
    path = tmp_path / "program.sh"
    path.write_text(text)
    return (f"/bin/sh {path}",)


def children() -> set[int]:
    found = set()
    for child in psutil.Process().children():
        with suppress(psutil.Error):  # killed, or ended just now
            if "worker" in child.cmdline():
                found.add(child.pid)
    return found


def test_a_program_that_ends_at_once_ends_the_run_with_what_it_said(tmp_path: Path) -> None:
    words = program(tmp_path, "echo 'no such module: cuda' >&2; exit 3")
    profile = Profile("local", workers=2, program=words)
    said = (
        r"^The workers end again and again .*\([56] times\); the last one said: no such module: cuda\. Look"
    )
    with Machines(profile) as machines, pytest.raises(UserError, match=said):
        until(lambda: machines.keep() is not None)
    said = r"\(4 times\); the last one said: no such module: cuda\. Look at"
    with pytest.raises(UserError, match=said):
        check_cluster(profile, [], Progress())


def test_of_one_that_says_nothing_its_code_is_told(tmp_path: Path) -> None:
    with (
        Machines(Profile("local", program=("false",))) as machines,
        pytest.raises(
            UserError, match=r"\(4 times\); the last one ended with code 1 and said nothing\. Look"
        ),
    ):
        until(lambda: machines.keep() is not None)


def test_workers_that_end_before_the_first_look_are_started_anew(tmp_path: Path) -> None:
    before = children()
    with Machines(Profile("local", workers=2, program=program(tmp_path, ASLEEP))) as machines:
        until(lambda: len(children() - before) == 2)
        first = children() - before
        for process in first:
            os.kill(process, signal.SIGKILL)

        def both_are_back() -> bool:
            machines.keep()
            return len(children() - before - first) == 2

        until(both_are_back)
        assert machines.restarts == 2
        machines.progressed()
        assert machines.restarts == 0
    assert children() == before


def test_a_worker_ends_with_a_run_that_is_killed_and_the_next_run_removes_its_keys(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom sxtstudio.cluster.machines import Machines\n"
        "from sxtstudio.cluster.profile import Profile\n"
        "machines = Machines(Profile('local', scratch=sys.argv[1])); print('there', flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,  # whose end ends it, should this test fail
        stdout=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout is not None and run.stdout.readline() == "there\n"
        process = psutil.Process(run.pid)
        until(lambda: any("worker" in child.cmdline() for child in process.children()))
        (worker,) = (child for child in process.children() if "worker" in child.cmdline())
        (folder,) = tmp_path.glob("sxtstudio-run-*")
        run_folder.sweep_run_folders(tmp_path)
        assert (folder / "key.pem").is_file(), "it lives"
        run.kill()  # before the worker has come: it still loads dask
    worker.wait(AT_MOST_S)
    run_folder.make_run_folder(tmp_path)
    assert not folder.exists()


def test_the_folder_of_a_run_that_lives_stays_though_the_clock_was_set(
    tmp_path: Path, set_clock: Callable[[], None]
) -> None:
    """With its keys: workers that it starts from then on would not reach it."""
    folder = run_folder.make_run_folder(tmp_path)
    set_clock()
    run_folder.sweep_run_folders(tmp_path)
    assert folder.is_dir()


def test_folders_of_other_computers_and_of_nobody_stay(tmp_path: Path) -> None:
    other, nobody = (tmp_path / f"sxtstudio-run-{name}" for name in ("other", "nobody"))
    for folder in (other, nobody):
        folder.mkdir()
    (other / "owner.json").write_text('{"host": "node-7", "space": "", "process": 999999999, "begin": 1.0}')
    run_folder.sweep_run_folders(tmp_path)
    assert other.is_dir() and nobody.is_dir()


@pytest.mark.parametrize(
    ("name", "problem"),
    [("none", "does not exist"), ("folder", "is a folder"), ("plain", "may not be run")],
)
def test_a_program_that_cannot_be_started_is_told_with_the_reason(
    name: str, problem: str, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "plain").write_text("echo")
    profile = Profile("local", program=(str(tmp_path / name),))
    with pytest.raises(UserError, match=rf"/{name} {problem}\. Look at the profile \(program\)"):
        Machines(profile)
    with pytest.raises(UserError, match=r"started: no-such-program was not found\. Look"):
        Machines(Profile("local", program=("no-such-program --quick",)))


def test_a_scheduler_that_has_gone_ends_the_batch_with_a_sentence() -> None:
    """Nothing would ever be heard of its tasks."""
    machines = Machines.__new__(Machines)
    machines._cluster = None
    machines.profile = Profile("address", address="tcp://node-1:8786")
    machines.client = SimpleNamespace(status="connecting")
    machines.keep()
    machines.client.status = "closed"
    with pytest.raises(UserError, match="The scheduler at tcp://node-1:8786 has gone: start it"):
        machines.keep()
