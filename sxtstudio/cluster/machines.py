"""Gets the workers of a profile, replaces those that are lost, and leaves none behind."""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import gettempdir
from types import TracebackType
from typing import Any

import dask
from distributed import Client, Scheduler, SpecCluster

from sxtstudio.cluster.credentials import write_credentials
from sxtstudio.cluster.left_jobs import LeftJobs
from sxtstudio.cluster.local_process import LocalCluster, LocalProcess, check_program, program_words
from sxtstudio.cluster.process import quieten, security_of
from sxtstudio.cluster.profile import QUEUES, Profile, check_here
from sxtstudio.cluster.queue_jobs import QueueJobs, waiting_jobs
from sxtstudio.cluster.queue_state import QueueState
from sxtstudio.cluster.run_folder import LOGS, make_run_folder
from sxtstudio.core.errors import UserError
from sxtstudio.core.folders import state_folder
from sxtstudio.core.wording import reason_of

# Between two looks whether workers were lost.
_LOOK_S = 2.0
# Of a worker that the scheduler knew dask itself takes note, after a second; one that is still on its list
# then had not come.
_DASK_S = 2.0
# A scheduler at an address has so long to answer.
_REACH_S = 20.0
# So often in a row workers may end without having finished a slice: for each that was asked for; at least.
_MOST_RESTARTS, _FEWEST_RESTARTS = 2, 3
_CONFIG = {
    # Lost tomograms are given out anew by the batch, which knows whether a try got on.
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.http.routes": [],
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.scheduler.default-task-durations": {"run_task": "1h"},
    "distributed.deploy.lost-worker-timeout": "1s",
    "distributed.comm.timeouts.connect": "30s",
    "distributed.admin.log-format": "%(message)s",
}


class Machines:
    """The workers of one run; used in a ``with``."""

    def __init__(self, profile: Profile) -> None:
        """Start a scheduler and ask for the workers, or go to the scheduler at an address.

        Raises
        ------
        UserError
            If the scheduler cannot be reached, or the queue takes no job.
        """
        self.profile = profile
        self.tls: tuple[str, str, str] = ("", "", "")  # the credentials of the run
        self._started: list[str] = []  # the names of all workers that were ever started
        self._counted = 0
        self._last_end = ""
        self._stack = ExitStack()
        self._next_look = 0.0
        self._jobs = QueueJobs(profile.kind)
        self._errors: list[Exception] = []
        self._cluster: SpecCluster | None = None
        check_here(profile)
        quieten()
        try:
            self._stack.enter_context(dask.config.set(_CONFIG))
            if profile.kind == "address":
                self.folder = None
                self.client = self._connect(profile)
            else:
                self.folder = self._run_folder()
                self._cluster = self._start(self.folder)
                self._stack.callback(self._close_cluster)
                self.client = Client(self._cluster, set_as_default=False)
            self._stack.callback(self._close_client)
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Machines:
        """Return the machines."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all workers."""
        self.close()

    def close(self) -> None:
        """End all workers and their jobs in the queue, and the scheduler; harmless when called twice."""
        self._stack.close()

    @property
    def workers(self) -> dict[str, Any]:
        """The workers that run, by their address."""
        found: dict[str, Any] = self.client.scheduler_info(n_workers=-1).get("workers", {})
        return found

    def state(self) -> QueueState:
        """Return what the machines do now."""
        running = len(self.workers)
        kind = self.profile.kind
        if self._cluster is None:
            return QueueState(kind, running, running)
        asked = self.profile.workers
        waiting = self._waiting() if kind in QUEUES else 0
        return QueueState(kind, running, asked, min(waiting, max(0, asked - running)))

    def progressed(self) -> None:
        """Say that a worker has finished something: those that are lost from now on are counted anew."""
        self._counted = len(self._started)

    @property
    def restarts(self) -> int:
        """How many workers had to be started anew since one has finished something."""
        return max(0, len(self._started) - max(self._counted, self.profile.workers))

    def keep(self) -> None:
        """Ask again for workers that were lost.

        Raises
        ------
        UserError
            If one cannot be started, or they end again and again without having finished anything; or the
            scheduler at an address has gone.
        """
        cluster = self._cluster
        if cluster is None and self.client.status == "closed":  # dask has tried for a while to reach it again
            raise UserError(
                f"The scheduler at {self.profile.address} has gone: start it and its workers again, then the "
                "same command, which goes on."
            )
        if cluster is None or time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + _LOOK_S
        if self._errors:
            raise UserError(
                f"A worker cannot be started ({reason_of(self._errors[0])}): look at the profile."
            ) from self._errors[0]
        self._drop_lost(cluster)
        # Those that are being started are not there yet, either: to ask for them twice does nothing.
        missing = set(cluster.worker_spec) - set(cluster.workers)
        if not missing:
            return
        ends = self.restarts + len(missing)
        most = max(_FEWEST_RESTARTS, _MOST_RESTARTS * self.profile.workers)
        if ends > most:
            raise UserError(
                f"The workers end again and again before they finish a slice ({ends} times)"
                f"{self._last_words()}. Look at 'sxtstudio cluster check', and at the time and memory of "
                "each in the profile."
            )
        cluster.scale(self.profile.workers)

    def _drop_lost(self, cluster: SpecCluster) -> None:
        """Take note of those that have ended before they came to the scheduler: it cannot know of them."""
        if self.profile.kind == "local":
            processes = list(cluster.workers.items())
            lost = [name for name, process in processes if process.ended_for() > _DASK_S]
        else:
            lost = self._jobs.lost(cluster, {entry["name"] for entry in self.workers.values()})
        for name in lost:
            gone = cluster.workers.pop(name, None)
            if isinstance(gone, LocalProcess):
                self._last_end = gone.end_text
                cluster.loop.add_callback(gone.close)

    def _last_words(self) -> str:
        """Return what the worker that ended last has said."""
        if self.folder is None:
            return ""
        logs = sorted((self.folder / LOGS).glob("*"), key=lambda path: path.stat().st_mtime)
        for path in reversed(logs):
            with suppress(OSError):
                lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
                if lines:
                    return f"; the last one said: {reason_of(Exception(lines[-1]))}"
        return f"; the last one {self._last_end} and said nothing" if self._last_end else ""

    def _run_folder(self) -> Path:
        profile = self.profile
        if profile.scratch is not None:
            place = Path(profile.scratch)
        elif profile.kind == "local":
            place = Path(gettempdir())
        else:
            place = state_folder() / "cluster"
        folder = make_run_folder(place)
        self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
        return folder

    def _start(self, folder: Path) -> SpecCluster:
        profile = self.profile
        tls = self.tls = write_credentials(folder)
        options: dict[str, Any] = {
            "protocol": "tls://",
            "security": security_of(tls),
            "dashboard": profile.dashboard,
            "dashboard_address": "127.0.0.1:0",
        }
        if profile.kind == "local":
            options["host"] = "127.0.0.1"
            words = program_words(profile)
            check_program(words)
            cluster = LocalCluster(
                scheduler={"cls": Scheduler, "options": options},
                worker={
                    "cls": LocalProcess,
                    "options": {
                        "profile": profile,
                        "words": words,
                        "folder": folder,
                        "tls": tls,
                        "errors": self._errors,
                        "started": self._started,
                    },
                },
                security=security_of(tls),
                name="sxtstudio",
            )
        else:
            from sxtstudio.cluster.queues import queue_cluster

            left = LeftJobs(profile.kind, folder)
            self._stack.callback(left.close)  # after the cluster, which cancels its jobs
            cluster = queue_cluster(profile, options, folder, tls, self._errors, self._started, left)
        if not profile.dashboard:
            cluster.loop.add_callback(cluster.scheduler.http_server.stop)
        cluster.scale(profile.workers)
        return cluster

    def _connect(self, profile: Profile) -> Client:
        tls = None
        if profile.tls_ca and profile.tls_cert and profile.tls_key:
            tls = (profile.tls_ca, profile.tls_cert, profile.tls_key)
        try:
            return Client(profile.address, security=security_of(tls), set_as_default=False, timeout=_REACH_S)
        except (OSError, RuntimeError, ValueError) as error:
            raise UserError(
                f"The scheduler at {profile.address} cannot be reached ({reason_of(error)}). Start it there "
                "with 'dask scheduler', and check address and credentials."
            ) from error

    def _waiting(self) -> int:
        """Return how many jobs wait in the queue."""
        if self._cluster is None:
            return 0
        return waiting_jobs(self._cluster, {entry["name"] for entry in self.workers.values()})

    def _close_client(self) -> None:
        with suppress(Exception):
            self.client.close(timeout=5)

    def _close_cluster(self) -> None:
        if self._cluster is not None:
            with suppress(Exception):
                self._cluster.close(timeout=60)
