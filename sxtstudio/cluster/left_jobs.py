"""The jobs of a run whose program was killed: a shell that outlives it takes them out of the queue.

A worker ends by itself once its scheduler has gone, but a job that waits would wait on, for hours, and start
a worker that nobody wants. The shell reads from this process until that has ended, however it did. Nothing
helps where the whole computer goes down: then such a worker ends after a minute.
"""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path

from sxtstudio.cluster.profile import Kind

_CANCEL = {"slurm": "scancel", "pbs": "qdel", "lsf": "bkill", "sge": "qdel"}
# $0: the file with the numbers of the jobs, gone where the run has ended by itself; $1: what cancels.
_SCRIPT = 'cat > /dev/null; if [ -s "$0" ]; then xargs -n 1 "$1" < "$0"; fi'
_TO_END_S = 5.0


class LeftJobs:
    """Knows the jobs of a run, and takes those that are left out of the queue once this process has died."""

    def __init__(self, kind: Kind, folder: Path) -> None:
        """Begin without jobs; ``folder`` is that of the run."""
        self._file = folder / "jobs"
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT, str(self._file), _CANCEL[kind]],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the batch, which then cancels its jobs itself
        )

    def add(self, job: str) -> None:
        """Note a job that the queue has taken."""
        with suppress(OSError), open(self._file, "a", encoding="utf-8") as file:
            file.write(f"{job}\n")

    def close(self) -> None:
        """Say that all jobs were cancelled; nothing is left to be done."""
        self._file.unlink(missing_ok=True)
        if self._shell.stdin is not None:
            self._shell.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._shell.wait(_TO_END_S)
