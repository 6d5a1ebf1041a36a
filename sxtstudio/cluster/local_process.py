"""A worker on this machine: the program once more, in a process of its own."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from distributed import SpecCluster
from distributed.deploy.spec import ProcessInterface

from sxtstudio.cluster.profile import Profile
from sxtstudio.core.errors import UserError
from sxtstudio.segment.allocation import CPUS, MEMORY
from sxtstudio.segment.device import available_cpus, count_cards
from sxtstudio.segment.memory import available_memory
from sxtstudio.workflow.retraining.child import program

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
# A worker that was asked to end has so long to keep its slices.
_TO_END_S = 10.0
#: The option of ``sxtstudio cluster worker`` by which it ends when its stdin does.
WITH_PARENT = "--with-parent"


class LocalCluster(SpecCluster):  # type: ignore[misc]
    """Dask's own one forks its workers; here each is a program of its own, as in a queue."""

    def _new_worker_name(self, worker_number: int) -> str:
        """Return a text, as it is passed to the worker itself: by it dask finds which one was lost."""
        return str(worker_number)


class LocalProcess(ProcessInterface):  # type: ignore[misc]
    """As dask's ``SpecCluster`` wants it."""

    def __init__(
        self,
        scheduler: str,
        name: Any,
        profile: Profile,
        words: Sequence[str],
        folder: Path,
        tls: tuple[str, str, str],
        errors: list[Exception],
        started: list[str],
    ) -> None:
        """``errors`` takes why it cannot be started, ``started`` its name if it could."""
        super().__init__(scheduler, name)
        self._name = str(name)
        self._words = [
            *words,
            *worker_words(scheduler, str(name), folder / f"worker-{name}", tls),
            WITH_PARENT,
        ]
        self._environment = {**os.environ, **share_of(profile, int(name))}
        self._log = folder / "logs" / f"worker-{name}.log"
        self._errors, self._started = errors, started
        self._ended_at: float | None = None
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start the process."""
        try:
            with open(self._log, "ab") as log:
                self._process = subprocess.Popen(
                    self._words,
                    # Never written to: its end tells the worker that this process has gone, even if killed.
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    env=self._environment,
                    # Ctrl-C in a terminal is for the batch, which then ends its workers.
                    start_new_session=True,
                )
            self._started.append(self._name)
        except OSError as error:
            self._errors.append(error)
        await super().start()

    def ended_for(self) -> float:
        """Return for how long the process is known to have ended, in seconds; -1 if it has not."""
        if self._process is None or self._process.poll() is None:
            return -1.0
        self._ended_at = self._ended_at or time.monotonic()
        return time.monotonic() - self._ended_at

    @property
    def end_text(self) -> str:
        """Return how it ended: "ended with code 1", or "was ended by signal 9"."""
        code = None if self._process is None else self._process.poll()
        if code is None:
            return ""
        return f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"

    async def close(self) -> None:
        """End it, at the latest after some seconds."""
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            for _ in range(int(_TO_END_S / 0.1)):
                if process.poll() is not None:
                    break
                await asyncio.sleep(0.1)
            else:
                process.kill()
        if process is not None:
            process.wait()
            if process.stdin is not None:
                process.stdin.close()
        await super().close()


def program_words(profile: Profile) -> list[str]:
    """Return the words that start SXT Studio on a worker."""
    if profile.program:
        return [word for line in profile.program for word in shlex.split(line)]
    return program()


def check_program(words: Sequence[str]) -> None:
    """Refuse a program that cannot be started here, with the right reason.

    Raises
    ------
    UserError
        If there is none of this name, it is a folder, or it may not be run.
    """
    name = words[0]
    if shutil.which(name) is not None:
        return
    if not os.path.dirname(name) and not os.path.exists(name):
        problem = "was not found"
    elif os.path.isdir(name):
        problem = "is a folder"
    else:
        problem = "may not be run" if os.path.exists(name) else "does not exist"
    raise UserError(f"A worker cannot be started: {name} {problem}. Look at the profile (program).")


def worker_words(scheduler: str, name: str, scratch: Path | str, tls: tuple[str, str, str]) -> list[str]:
    """Return the command and options of a worker."""
    words = ["cluster", "worker", scheduler, "--name", name, "--scratch", str(scratch)]
    for option, value in zip(("--tls-ca-file", "--tls-cert", "--tls-key"), tls, strict=True):
        words += [option, value]
    return words


def share_of(profile: Profile, number: int) -> dict[str, str]:
    """Return the variables that give a worker of this machine its share: processors, memory, a card."""
    cpus = profile.cores or max(1, available_cpus() // profile.workers)
    memory = profile.memory_bytes or available_memory() // profile.workers
    found = {name: str(cpus) for name in (CPUS, *THREADS)}
    found[MEMORY] = str(memory)
    cards = count_cards() if profile.workers > 1 or profile.gpus else 0
    if cards:
        visible = [text for text in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if text]
        names = visible or [str(card) for card in range(cards)]
        each = max(1, profile.gpus)
        found["CUDA_VISIBLE_DEVICES"] = ",".join(names[(number * each + i) % len(names)] for i in range(each))
    return found
