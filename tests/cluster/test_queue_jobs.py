"""Jobs that vanish from a queue before their worker came: each queue is asked in its own words.

The queues are scripts that answer as the real ones do; each job is a file, which is gone once the job is.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from sxtstudio.cluster import machines as module
from sxtstudio.cluster.machines import Machines
from sxtstudio.cluster.profile import Kind, Profile
from sxtstudio.cluster.queue_jobs import QueueJobs, known_jobs
from tests.cluster.conftest import AT_MOST_S, until

ASKED = 'echo "$*" >> "$QUEUE/asked"'
NUMBER = 'n=12; until mkdir "$QUEUE/taken/$n" 2>/dev/null; do n=$((n + 1)); done; touch "$QUEUE/jobs/$n"'
EACH = 'for job in $(ls "$QUEUE/jobs"); do'
# (the command that submits, what it says), (the command that lists, what it writes), the one that cancels.
QUEUES = {
    "slurm": (
        ("sbatch", f"{NUMBER}; echo Submitted batch job $n"),
        ("squeue", f"{EACH} echo $job; done"),
        "scancel",
    ),
    "pbs": (
        ("qsub", f"{NUMBER}; echo $n.pbs01"),
        ("qselect", f"{EACH} echo $job.pbs01; done"),
        "qdel",
    ),
    "lsf": (
        ("bsub", f'{NUMBER}; echo "Job <$n> is submitted to queue <normal>."'),
        (
            "bjobs",
            '[ -n "$(ls $QUEUE/jobs)" ] || { echo "No unfinished job found" >&2; exit 255; }\n'
            "echo 'JOBID   USER    STAT  QUEUE      FROM_HOST   EXEC_HOST   JOB_NAME   SUBMIT_TIME'\n"
            f'{EACH} echo "$job  anna  PEND  normal  login01  -  sxtstudio  Nov 29 11:54"; done',
        ),
        "bkill",
    ),
    "sge": (
        ("qsub", f'{NUMBER}; echo "Your job $n (\\"sxtstudio\\") has been submitted"'),
        (
            "qstat",
            '[ -n "$(ls $QUEUE/jobs)" ] || exit 0\n'
            "echo 'job-ID  prior   name       user         state submit/start at     queue    slots'\n"
            "echo '-------------------------------------------------------------------------------'\n"
            f"{EACH} printf '%7d 0.55500 sxtstudio  anna  qw  11/29/2026 11:54:33  1\\n' $job; done",
        ),
        "qdel",
    ),
}


@dataclass(frozen=True)
class Queue:
    """A queue of scripts."""

    kind: Kind
    folder: Path

    @property
    def jobs(self) -> list[str]:
        return sorted(os.listdir(self.folder / "jobs"))

    @property
    def times_asked(self) -> int:
        asked = self.folder / "asked"
        return len(asked.read_text().splitlines()) if asked.exists() else 0

    def end(self, job: str) -> None:
        (self.folder / "jobs" / job).unlink()


@pytest.fixture(params=QUEUES)
def queue(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Queue:
    """Make the commands of a queue, and let them be found."""
    submit, state, cancel = QUEUES[request.param]
    found = Queue(request.param, tmp_path / "queue")
    for name in ("jobs", "taken"):
        (found.folder / name).mkdir(parents=True)
    programs = tmp_path / "programs"
    programs.mkdir()
    texts = {submit[0]: submit[1], state[0]: f"{ASKED}\n{state[1]}", cancel: 'rm -f "$QUEUE/jobs/${1%%.*}"'}
    for name, text in texts.items():
        path = programs / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setenv("QUEUE", str(found.folder))
    return found


def test_a_job_that_vanishes_before_its_worker_came_is_asked_for_again(
    queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOOK_S", 0.02)
    monkeypatch.setattr(module, "QueueJobs", lambda kind: QueueJobs(kind, 0.05))
    profile = Profile(
        queue.kind, workers=2, cores=1, memory="1 GB", walltime="00:10:00", scratch=str(tmp_path / "scratch")
    )

    with Machines(profile) as machines:
        until(lambda: queue.jobs == ["12", "13"], machines.keep)
        until(lambda: queue.times_asked == 2, machines.keep)  # both are known, and stay
        assert queue.jobs == ["12", "13"] and machines.restarts == 0
        queue.end("12")
        until(lambda: queue.jobs == ["13", "14"], machines.keep)
        until(lambda: machines.restarts == 1, machines.keep)
        (noted,) = (tmp_path / "scratch").glob("*/jobs")
        assert sorted(line.split(".")[0] for line in noted.read_text().split()) == ["12", "13", "14"]
    assert queue.jobs == []


def test_jobs_that_wait_leave_the_queue_when_the_program_is_killed(queue: Queue, tmp_path: Path) -> None:
    """They would start workers that nobody wants; those of a run that ends by itself are its own affair."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom sxtstudio.cluster.left_jobs import LeftJobs\n"
        "left = LeftJobs(sys.argv[1], Path(sys.argv[2]))\n"
        "for job in sys.argv[4:]: left.add(job)\n"
        "left.close() if sys.argv[3] == 'end' else None\n"
        "print('there', flush=True); sys.stdin.read()"
    )
    for job in ("12", "13", "14"):
        (queue.folder / "jobs" / job).touch()
    number = "{}.pbs01" if queue.kind == "pbs" else "{}"
    words = [number.format(job) for job in ("12", "14")]
    for how, left in (("end", ["12", "13", "14"]), ("kill", ["13"])):
        with subprocess.Popen(
            [sys.executable, "-c", code, queue.kind, str(tmp_path), how, *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as run:  # fmt: skip
            assert run.stdout is not None and run.stdout.readline() == "there\n"
            shells = psutil.Process(run.pid).children()
            assert len(shells) == (how == "kill")
            assert queue.jobs == ["12", "13", "14"]
            run.kill()
        psutil.wait_procs(shells, AT_MOST_S)
        assert queue.jobs == left


def test_a_queue_is_asked_less_and_less_often_and_what_it_does_not_answer_is_not_lost(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr("sxtstudio.cluster.queue_jobs.time", SimpleNamespace(monotonic=lambda: clock[0]))
    (queue.folder / "jobs" / "12").touch()
    job = SimpleNamespace(job_id="12", submitted=1000.0)
    cluster = SimpleNamespace(workers={"a": job})
    jobs = QueueJobs(queue.kind)
    for _ in range(1800):  # an hour, looked at each two seconds
        clock[0] += 2.0
        assert jobs.lost(cluster, set()) == []
    assert 25 < queue.times_asked < 40
    queue.end("12")
    assert known_jobs(queue.kind) == set()
    clock[0] += 120.0
    assert jobs.lost(cluster, {"a"}) == [], "its worker is there"
    assert jobs.lost(cluster, set()) == ["a"]
    (Path(os.environ["PATH"].split(os.pathsep)[0]) / QUEUES[queue.kind][1][0]).write_text(
        "#!/bin/sh\necho 'the server does not answer' >&2; exit 1\n"
    )
    clock[0] += 120.0
    assert known_jobs(queue.kind) is None and jobs.lost(cluster, set()) == []
