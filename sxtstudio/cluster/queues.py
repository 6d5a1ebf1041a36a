"""Workers from a queue: dask-jobqueue submits, cancels, and knows the options of each."""

from __future__ import annotations

import re
import shlex
import shutil
import time
import warnings
from pathlib import Path
from typing import Any

from distributed import SpecCluster
from distributed.utils import get_ip

from sxtstudio.cluster.jobqueue import CLUSTERS
from sxtstudio.cluster.left_jobs import LeftJobs
from sxtstudio.cluster.local_process import THREADS, program_words, worker_words
from sxtstudio.cluster.process import security_of
from sxtstudio.cluster.profile import NAMES, Profile
from sxtstudio.core.errors import UserError
from sxtstudio.core.wording import reason_of
from sxtstudio.segment.allocation import CPUS

_COMMANDS = {"slurm": "sbatch", "pbs": "qsub", "lsf": "bsub", "sge": "qsub"}
# How each is asked for cards; for PBS they belong to the resources.
_CARDS = {"slurm": "--gres=gpu:{}", "lsf": '-gpu "num={}"', "sge": "-l gpu={}"}
# The scheduler is there before any job is: one that begins after the batch was killed need not wait for it.
PATIENCE_S = 60.0


def queue_cluster(
    profile: Profile,
    scheduler: dict[str, Any],
    folder: Path,
    tls: tuple[str, str, str],
    errors: list[Exception],
    started: list[str],
    left: LeftJobs,
) -> SpecCluster:
    """Start a scheduler here whose workers come from a queue.

    ``errors`` takes why it refuses one, ``started`` the names of those that it took, ``left`` their numbers.

    Raises
    ------
    UserError
        If there is no such queue here, or it refuses.
    """
    command = _COMMANDS[profile.kind]
    if shutil.which(command) is None:
        raise UserError(
            f"{NAMES[profile.kind]} is not here ({command} was not found): start the batch on a machine of "
            "the cluster from which jobs are submitted."
        )
    if profile.interface is not None:
        scheduler["interface"] = profile.interface
    else:
        scheduler["host"] = get_ip()  # and not all networks of this machine
    cluster_class = CLUSTERS[profile.kind]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cluster: SpecCluster = cluster_class(
                job_cls=_job_class(cluster_class.job_cls, profile, folder, tls, errors, started, left),
                security=security_of(tls),
                scheduler_options=scheduler,
                protocol="tls://",
                **_options(profile, folder),
            )
    except (RuntimeError, ValueError, OSError) as error:
        raise UserError(
            f"{NAMES[profile.kind]} does not take the workers ({reason_of(error)}): look at the profile."
        ) from error
    return cluster


def _options(profile: Profile, folder: Path) -> dict[str, Any]:
    directives = list(profile.directives)
    if profile.gpus and profile.kind in _CARDS:
        directives.append(_CARDS[profile.kind].format(profile.gpus))
    cpus = str(profile.cores or 1)
    threads = [f"export {name}={cpus}" for name in (*THREADS, CPUS)]
    options: dict[str, Any] = {
        "cores": profile.cores,
        "memory": profile.memory,
        "processes": 1,
        "queue": profile.queue,
        "walltime": profile.walltime,
        "job_name": "sxtstudio",
        "job_extra_directives": directives,
        "job_script_prologue": [*threads, *profile.prologue],
        "log_directory": str(folder / "logs"),
        "shared_temp_directory": str(folder),
        "name": "sxtstudio",
    }
    if profile.account is not None:
        options["project" if profile.kind in ("lsf", "sge") else "account"] = profile.account
    if profile.kind == "pbs":
        megabytes = (profile.memory_bytes or 0) // 10**6
        cards = f":ngpus={profile.gpus}" if profile.gpus else ""
        options["resource_spec"] = f"select=1:ncpus={cpus}:mem={megabytes}mb{cards}"
    return options


def _job_class(
    base: Any,
    profile: Profile,
    folder: Path,
    tls: tuple[str, str, str],
    errors: list[Exception],
    started: list[str],
    left: LeftJobs,
) -> Any:
    """Return the class of a job that starts our worker."""
    words = program_words(profile)

    class WorkerJob(base):  # type: ignore[misc]
        def __init__(self, scheduler: Any = None, name: Any = None, **options: Any) -> None:
            super().__init__(scheduler=scheduler, name=name, **options)
            self.submitted = time.monotonic()
            command = [*words, *worker_words(str(scheduler), str(name), _scratch(folder, name), tls)]
            command += ["--wait", f"{PATIENCE_S:.0f}"]
            if profile.interface is not None:
                command += ["--interface", profile.interface]
            # exec: a signal of the queue reaches the worker, not a shell.
            self._command_template = "exec " + shlex.join(command)

        async def start(self) -> None:
            try:
                await super().start()
                started.append(str(self.name))
                left.add(str(self.job_id))
            except (RuntimeError, ValueError, OSError) as error:
                errors.append(ValueError(_said(error)))

    return WorkerJob


def _said(error: Exception) -> str:
    """Return what the queue said, out of all that dask-jobqueue writes down."""
    found = re.search(r"stderr:\n(.+?)\n*\Z", str(error), re.DOTALL)
    return " ".join((found[1] if found else str(error)).split())


def _scratch(folder: Path, name: Any) -> Path:
    return folder / f"worker-{name}"
