"""Training in a process of its own: whether it can, how it is called, and that it leaves the window room.

It needs PyTorch, which the window itself never loads. The installed application starts itself anew, and that
process takes PyTorch from the add-on; a program with a Python of its own has it from pip.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from contextlib import suppress
from pathlib import Path

import psutil

from sxtstudio.core.add_ons import AddOn, find, use, way_to_add
from sxtstudio.core.packaged import is_packaged

TORCH = "torch>=2.6"
_TERMINAL_PROGRAM = "sxtstudio.exe"
_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
# From here on a core is left to the window; with fewer, training would take twice as long.
_MANY_CORES = 5


def can_train() -> bool:
    """Whether training is possible here; nothing heavy is loaded to find out."""
    if is_packaged():
        return find(AddOn.RETRAINING).folder is not None
    importlib.invalidate_caches()
    return importlib.util.find_spec("torch") is not None


def bring_torch() -> None:
    """Make PyTorch of the add-on importable in this process, where this is the installed application."""
    use(AddOn.RETRAINING)


def why_not() -> str:
    """Return why training is not possible here, and how to add what it needs: sentences."""
    if not is_packaged():
        return 'Training needs PyTorch, which is not installed: add it with pip install "sxtstudio[train]".'
    problem, way = find(AddOn.RETRAINING).problem, way_to_add(AddOn.RETRAINING)
    if problem:
        return f"The package for retraining cannot be used: {problem}. Replace it: {way.file}. {way.words}"
    return f"Training needs the package for retraining, which is not installed: {way.file}. {way.words}"


def ways_to_add() -> list[tuple[str, str]]:
    """Return how PyTorch can be added to this Python: (for whom, command to copy)."""
    python = f'"{sys.executable}" -m pip install "{TORCH}"'
    ways = [("For the processor; about 200 MB", f"{python} --index-url {_CPU_INDEX}")]
    if sys.platform == "darwin":
        return [("About 100 MB", python)]
    return [*ways, ("For an NVIDIA graphics card; several GB", python)]


def program() -> list[str]:
    """Return the words that start this program anew; a command follows."""
    if not is_packaged():
        return [sys.executable, "-m", "sxtstudio"]
    # Of the two on Windows the one for terminals: what the one of the desktop prints, nobody gets.
    terminal = Path(sys.executable).with_name(_TERMINAL_PROGRAM)
    return [str(terminal) if sys.platform == "win32" and terminal.is_file() else sys.executable]


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
