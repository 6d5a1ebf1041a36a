"""Which jobs a queue still knows: asked seldom, since its answer costs all users of a cluster."""

from __future__ import annotations

import getpass
import os
import re
import subprocess
import time
from collections.abc import Sequence
from typing import Any

from distributed import SpecCluster

from sxtstudio.cluster.profile import Kind

# A queue is asked that often at first; where nothing is lost, less and less often. Younger jobs are not
# looked for: a queue may not list at once what it has just taken.
ASK_S = 15.0
_MOST_ASK_S = 8 * ASK_S
_ANSWER_LIMIT_S = 20.0
# The jobs of a user that wait or run, whatever else stands in their lines.
_COMMANDS: dict[str, tuple[str, ...]] = {
    "slurm": ("squeue", "--me", "--noheader", "--format=%i"),
    "pbs": ("qselect", "-u", "{user}"),
    "lsf": ("bjobs", "-w"),
    "sge": ("qstat", "-u", "{user}"),
}
# LSF says so, and ends as if something were wrong.
_NONE_LEFT = "No unfinished job found"


class QueueJobs:
    """Finds the jobs of a run that a queue does not know any more though their worker never came.

    Dask only hears of workers that were there once.
    """

    def __init__(self, kind: Kind, ask_s: float = ASK_S) -> None:
        self._kind, self._first_s = kind, ask_s
        self._pause_s = ask_s
        self._next = 0.0

    def lost(self, cluster: SpecCluster, running: set[Any]) -> list[Any]:
        """Return the names of those that are lost; none where it is not time to ask, or nobody answers."""
        now = time.monotonic()
        if now < self._next:
            return []
        jobs = {
            name: str(job.job_id)
            for name, job in list(cluster.workers.items())
            if name not in running and job.job_id and now - job.submitted > self._first_s
        }
        if not jobs:
            return []
        known = known_jobs(self._kind)
        lost = [] if known is None else [name for name, number in jobs.items() if number not in known]
        self._pause_s = self._first_s if lost else min(2 * self._pause_s, _MOST_ASK_S)
        self._next = time.monotonic() + self._pause_s
        return lost


def waiting_jobs(cluster: SpecCluster, running: Sequence[Any] | set[Any]) -> int:
    """Return how many jobs were submitted whose worker is not there yet."""
    return sum(1 for name in list(cluster.workers) if name not in running)


def known_jobs(kind: Kind) -> set[str] | None:
    """Return the numbers of this user's jobs that wait or run; None where the queue does not answer."""
    words = [word.format(user=getpass.getuser()) for word in _COMMANDS[kind]]
    try:
        done = subprocess.run(
            words,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_ANSWER_LIMIT_S,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    if done.returncode and _NONE_LEFT not in done.stdout + done.stderr:
        return None
    return set(re.findall(r"^\s*(\d+)", done.stdout, re.MULTILINE))
