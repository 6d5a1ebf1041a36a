"""The process of a worker: it takes its processors from the allocation, and ends with the scheduler."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask
from distributed import Security, Status, Worker

from sxtstudio.cluster.worker import stop_all

#: As ``sxtstudio cluster worker`` takes them.
TLS_OPTIONS = ("--tls-ca-file", "--tls-cert", "--tls-key")
# Until the job that runs has kept its slices; then the process ends whatever it does.
_LAST_S = 20.0
_LOOK_S = 0.2
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class WorkerOptions:
    """What a worker is started with: TLS files as ``Security`` takes them; ``patience_s`` for a scheduler.

    ``with_parent``: it ends when its stdin does, which whoever started it keeps open.
    """

    scheduler: str
    name: str
    scratch: Path
    tls: tuple[str, str, str] | None = None
    interface: str | None = None
    host: str | None = None
    patience_s: float = 300.0
    with_parent: bool = False


def run_worker(options: WorkerOptions) -> int:
    """Run a worker until its scheduler has gone, or the batch system ends it."""
    quieten()
    with dask.config.set(
        {
            "distributed.worker.http.routes": [],
            # Nothing of ours is kept in dask's memory, and tiles are chosen by what is free.
            "distributed.worker.memory.target": False,
            "distributed.worker.memory.spill": False,
            "distributed.worker.memory.pause": False,
            "distributed.worker.memory.terminate": False,
            "distributed.worker.daemon": True,
        }
    ):
        code = asyncio.run(_serve(options))
    sys.stdout.flush()
    sys.stderr.flush()
    # A network that runs cannot be interrupted, and must not keep the place of the next job.
    os._exit(code)


def quieten() -> None:
    """Let dask's own log say what went wrong only."""
    for name in ("distributed", "distributed.worker", "distributed.core", "distributed.comm", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


async def _serve(options: WorkerOptions) -> int:
    options.scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
    worker = Worker(
        options.scheduler,
        nthreads=1,
        name=options.name,
        local_directory=str(options.scratch),
        security=security_of(options.tls),
        interface=options.interface,
        host=options.host,
        memory_limit=0,
        dashboard=False,
        dashboard_address="127.0.0.1:0",
        death_timeout=options.patience_s,
    )
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    if sys.platform != "win32":
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ended.set)
    if options.with_parent:
        threading.Thread(target=_follow_parent, args=(loop, ended), name="parent", daemon=True).start()
    try:
        if not await _is_first(worker.start(), ended.wait()):
            return 1  # nobody wants it any more, and it may never find its scheduler
    except Exception as error:
        print(f"The scheduler at {options.scheduler} cannot be reached: {error}", file=sys.stderr)
        return 1
    worker.http_server.stop()  # nobody is to ask there
    while not ended.is_set() and worker.status in (Status.running, Status.paused):
        await asyncio.sleep(_LOOK_S)
    # It closes itself once the scheduler has gone, and then waits for what runs.
    stop_all()
    try:
        await asyncio.wait_for(worker.close(timeout=_LAST_S), _LAST_S + 5)
    except Exception as error:
        _LOG.warning("the worker did not close: %s", error)
    return 0


async def _is_first(work: Coroutine[Any, Any, Any], other: Coroutine[Any, Any, Any]) -> bool:
    """Whether ``work`` ends before ``other``; what it raises is raised."""
    tasks = asyncio.ensure_future(work), asyncio.ensure_future(other)
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    tasks[1].cancel()
    if not tasks[0].done():
        return False
    tasks[0].result()
    return True


def _follow_parent(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    """Wait until stdin ends, and let the worker keep its slices and end; it has not for ever."""
    with suppress(OSError, ValueError):
        while os.read(0, 1):
            pass
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(ended.set)
    time.sleep(2 * _LAST_S)
    os._exit(1)


def security_of(tls: tuple[str, str, str] | None) -> Security:
    """Return the credentials in files (authority, certificate, key); without them nothing is encrypted."""
    if tls is None:
        return Security()
    authority, certificate, key = tls
    return Security(
        tls_ca_file=authority,
        tls_client_cert=certificate,
        tls_client_key=key,
        tls_scheduler_cert=certificate,
        tls_scheduler_key=key,
        tls_worker_cert=certificate,
        tls_worker_key=key,
        require_encryption=True,
    )
