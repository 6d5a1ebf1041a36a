"""The functions that dask runs on a worker: bytes in, bytes out. Nothing but these crosses the network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from distributed import get_worker

from sxtstudio.cluster.models import store_model
from sxtstudio.cluster.question import WorkerQuestion, answer
from sxtstudio.cluster.records import job_from, to_bytes
from sxtstudio.cluster.worker import work, work_on_planned
from sxtstudio.core.records import read_json_record


def run_task(content: bytes, key: str) -> bytes:
    """Segment a tomogram; ``key`` is that of the task, by which it is known whether it is still wanted."""
    worker = get_worker()
    topic = job_from(content).topic

    def send(message: dict[str, Any]) -> None:
        worker.log_event(topic, {**message, "address": worker.address})

    return work(content, send, _wanted(worker, key), _models(worker))


def run_planned(content: bytes, key: str) -> bytes:
    """Do a range of a plan; ``key`` as above."""
    return work_on_planned(content, _wanted(get_worker(), key))


def take_model(content: bytes, model: bytes, card: bytes) -> bytes:
    """Keep a model that was sent; ``content`` is a job that needs it."""
    store_model(_models(get_worker()), job_from(content).model, model, card)
    return b""


def check_task(content: bytes) -> bytes:
    """Say what this worker is and what it sees."""
    return to_bytes(answer(read_json_record(content, WorkerQuestion, "The question that was sent")))


def _wanted(worker: Any, key: str) -> Callable[[], bool]:
    def wanted() -> bool:
        state = worker.state.tasks.get(key)
        return state is not None and state.state not in ("cancelled", "released", "forgotten")

    return wanted


def _models(worker: Any) -> Path:
    return Path(worker.local_directory).parent / "models"
