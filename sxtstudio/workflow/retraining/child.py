"""The training program: whether it is there, how it is called, and that it leaves the window room to work.

Training needs PyTorch, which the window itself never loads: it runs in a process of its own.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from contextlib import suppress
from pathlib import Path

import psutil

TORCH = "torch>=2.6"
_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
_PROGRAM = "sxt-train"
# From here on a core is left to the window; with fewer, training would take twice as long.
_MANY_CORES = 5


def is_frozen() -> bool:
    """Whether this is the installed application, without a Python of its own."""
    return bool(getattr(sys, "frozen", False))


def training_program() -> Path:
    """Return where the installed application keeps its training program; it may not be there."""
    name = f"{_PROGRAM}.exe" if sys.platform == "win32" else _PROGRAM
    return Path(sys.executable).parent / _PROGRAM / name


def can_train() -> bool:
    """Whether training is possible here; nothing heavy is loaded to find out."""
    if is_frozen():
        return training_program().is_file()
    importlib.invalidate_caches()
    return importlib.util.find_spec("torch") is not None


def ways_to_add() -> list[tuple[str, str]]:
    """Return how PyTorch can be added: (for whom, command to copy)."""
    python = f'"{sys.executable}" -m pip install "{TORCH}"'
    ways = [("For the processor; about 200 MB", f"{python} --index-url {_CPU_INDEX}")]
    if sys.platform == "darwin":
        return [("About 100 MB", python)]
    return [*ways, ("For an NVIDIA graphics card; several GB", python)]


def program() -> list[str]:
    """Return the words that start the program with PyTorch; a command follows."""
    return [str(training_program())] if is_frozen() else [sys.executable, "-m", "sxtstudio"]


def command(config: Path, run: Path) -> list[str]:
    """Return the words that start the training of ``config`` in the folder ``run``."""
    return [*program(), "train", str(config), "-o", str(run), "--json", "--control"]


def environment() -> dict[str, str]:
    """Return environment variables for the training program, beside those of this one."""
    more = {"PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if cores >= _MANY_CORES and "OMP_NUM_THREADS" not in os.environ:
        more["OMP_NUM_THREADS"] = str(cores - 1)
    return more


def yield_to_window(process: int) -> None:
    """Lower the priority of a process, so that the window stays usable beside it."""
    with suppress(psutil.Error, OSError, ValueError):
        child = psutil.Process(process)
        if sys.platform == "win32":
            child.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            child.nice(min(19, os.nice(0) + 10))  # below the window, however low that is itself
