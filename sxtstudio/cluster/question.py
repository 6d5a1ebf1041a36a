"""What a worker is asked in a trial, and what it answers."""

from __future__ import annotations

import os
import platform

from msgspec import Struct

from sxtstudio.cluster.records import path_of
from sxtstudio.cluster.versions import own_versions
from sxtstudio.segment.device import available_cpus, choose_device
from sxtstudio.segment.memory import available_memory
from sxtstudio.segment.registry import find_models


class WorkerQuestion(Struct, frozen=True, forbid_unknown_fields=True):
    """What a worker is asked: whether it sees these files, and a file that was just written, by its name."""

    files: tuple[str, ...] = ()


class WorkerAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """What it says of itself."""

    host: str
    device: str
    reason: str
    cpus: int
    memory_bytes: int
    versions: dict[str, str]
    models: tuple[str, ...]
    seen: tuple[bool, ...]


def answer(question: WorkerQuestion) -> WorkerAnswer:
    """Answer on the worker."""
    device = choose_device()
    return WorkerAnswer(
        host=platform.node(),
        device=device.name,
        reason=device.reason,
        cpus=available_cpus(),
        memory_bytes=available_memory(),
        versions=own_versions(),
        models=tuple(card.name for card in find_models()),
        seen=tuple(os.path.exists(path_of(name)) for name in question.files),
    )
