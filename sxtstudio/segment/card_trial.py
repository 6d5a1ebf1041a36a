"""Whether the libraries of a graphics card can be loaded at all, tried in a process of its own.

A broken driver or package raises no error: it ends the process that loads it, or never comes back. So another
process loads it first, and tries the card; only if that process answers, this one does the same. What came of
it is remembered as long as package and driver are the same, and the computer has not been started anew.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil
from msgspec import Struct

from sxtstudio.core.add_ons import AddOn, find
from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.folders import state_folder
from sxtstudio.core.packaged import own_program
from sxtstudio.core.plain_files import read_plain
from sxtstudio.core.records import read_json_record

#: How long CUDA may take to load two gigabytes from a slow disk and to start.
LIMIT_S = 90.0
#: What a process that cannot be killed (it waits for the driver) may hold us up.
_GRACE_S = 2.0
#: Set for the other process, which tries nothing in a third one.
INSIDE = "SXTSTUDIO_CARD_TRIAL"
_MOST_BYTES = 10_000
_NO_WINDOW = 0x08000000 if sys.platform == "win32" else 0
_LOG = logging.getLogger(__name__)


class Remembered(Struct, frozen=True):
    """What came of a trial: ``problem`` is the end of a sentence, or ""; ``of`` says what was tried."""

    schema: Literal["sxtstudio-card-trial/1"]
    of: list[str]
    problem: str


@dataclass(frozen=True)
class _Tried:
    of: list[str]
    problem: str


class _Here:
    """What this process knows."""

    tried: _Tried | None = None


def problem_of_card() -> str:
    """Return why no process should load the card's libraries, as the end of a sentence, or "".

    The first time it takes as long as the trial.
    """
    if os.environ.get(INSIDE):
        return ""
    if _Here.tried is None:
        of = [*_package(), *_driver(), _since_start()]
        known = _remembered()
        if known is None or known.of != of:
            known = _Tried(of, _try())
            _remember(known)
        _Here.tried = known
    return _Here.tried.problem


def _try() -> str:
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "answer.txt")
        try:
            child = subprocess.Popen(
                [*own_program("probe-card", "sxtstudio.segment.card_child"), str(answer)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, INSIDE: "1"},
                creationflags=_NO_WINDOW,
            )
        except OSError as error:
            return f"could not be tried ({error.strerror or error})"
        try:
            code = child.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            with suppress(subprocess.TimeoutExpired):
                child.wait(_GRACE_S)
            return f"did not answer within {LIMIT_S:.0f} seconds {_where(answer)}".rstrip()
        except BaseException:
            child.kill()
            raise
        if code:
            return f"ended the program that tried it {_where(answer)} ({_ending(code)})"
    return ""


def _where(answer: Path) -> str:
    try:
        return answer.read_text("utf-8")
    except OSError:
        return ""


def _ending(code: int) -> str:
    with suppress(ValueError):
        return signal.Signals(-code).name
    return f"code {code:#x}" if code > 255 else f"code {code}"


def _package() -> list[str]:
    """Return what says whether the libraries are still the same: the folder of the package, or pip's."""
    folder = find(AddOn.NVIDIA).folder
    if folder is not None:
        return [str(folder), _stamp(folder), *sorted(path.name for path in folder.glob("*.dist-info"))]
    import importlib.metadata

    parts = (one for one in importlib.metadata.distributions() if _of_card(one.name or ""))
    return sorted(f"{one.name} {one.version}" for one in parts)


def _of_card(name: str) -> bool:
    return name.lower().startswith(("onnxruntime", "nvidia-"))


def _driver() -> list[str]:
    """Return what says whether the driver is still the same, without loading it."""
    if sys.platform == "win32":
        system = Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32"
        return [_stamp(system / "nvcuda.dll")]
    with suppress(OSError):
        return [Path("/proc/driver/nvidia/version").read_text("utf-8", "replace")[:500]]
    folders = (*os.environ.get("LD_LIBRARY_PATH", "").split(":"), "/usr/lib/x86_64-linux-gnu", "/usr/lib64",
               "/usr/lib/wsl/lib")  # fmt: skip
    return [_stamp(Path(folder) / "libcuda.so.1") for folder in folders if folder]


def _stamp(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_size} {found.st_mtime_ns}"


def _since_start() -> str:
    """Return what changes when the computer is started anew, which mends many a driver."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    return str(round(psutil.boot_time() / 60))


def _file() -> Path:
    return state_folder() / "card-trial.json"


def _remembered() -> _Tried | None:
    try:
        content = read_plain(_file(), _MOST_BYTES)
        kept = read_json_record(content, Remembered, "What is remembered of the card is damaged")
    except (OSError, UserError):
        return None
    return _Tried(kept.of, kept.problem)


def _remember(tried: _Tried) -> None:
    if tried.problem:
        _LOG.error("the libraries of the graphics card are not loaded: %s", tried.problem)
    facts = {"schema": "sxtstudio-card-trial/1", "of": tried.of, "problem": tried.problem}
    try:
        _file().parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(_file()) as temporary:
            temporary.write_text(json.dumps(facts), "utf-8")
    except (OSError, UserError):  # it is tried again next time
        _LOG.warning("what came of the trial of the card cannot be kept in %s", _file())
