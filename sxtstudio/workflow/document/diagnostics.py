"""What somebody who helps needs to know of a computer, as text to copy."""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import psutil

from sxtstudio import __version__
from sxtstudio.core.errors import UserError
from sxtstudio.core.folders import home_folder
from sxtstudio.core.packaged import is_packaged
from sxtstudio.segment import choose_device, find_models
from sxtstudio.segment.device import available_cpus, providers
from sxtstudio.segment.memory import available_memory
from sxtstudio.workflow.libraries import library_versions

LAST_LINES = 40
_LONGEST_LINE = 300


def diagnostics(
    *,
    more: Mapping[str, str] | None = None,
    settings: Mapping[str, object] | None = None,
    log_file: Path | None = None,
) -> str:
    """Return versions, computer, device with its reason, models, settings and the end of the log.

    It tries the graphics card, which takes a while. Names of files below the home folder are shortened,
    and those in the log are left out.

    Parameters
    ----------
    more
        Further lines, such as the version of Qt or the name of the OpenGL renderer.
    settings
        The settings worth reporting, by name.
    log_file
        Its last lines are added.
    """
    memory = psutil.virtual_memory()
    blocks = [
        f"SXT Studio {__version__}, {datetime.now(UTC).isoformat(timespec='minutes')}",
        _rows(
            "Computer",
            {
                "system": platform.platform(),
                "Python": f"{platform.python_version()} ({'packaged' if is_packaged() else 'installed'})",
                "processor": f"{platform.processor() or platform.machine()}, "
                f"{available_cpus()} of {os.cpu_count()} threads may be used",
                "memory": f"{memory.total / 1e9:.1f} GB, {available_memory() / 1e9:.1f} GB of it free",
                "disk": _free_disk(),
                **_display(),
                **(more or {}),
            },
        ),
        _rows("Device", _device()),
        _rows("Models", _models()),
        _rows("Libraries", library_versions()),
        _rows("Settings", {name: str(value) for name, value in (settings or {}).items()}),
    ]
    if log_file is not None:
        blocks.append("Last lines of the log\n" + "\n".join(f"  {line}" for line in _log(log_file)))
    return _without_home("\n\n".join(blocks)) + "\n"


def _device() -> dict[str, str]:
    rows = {"providers": ", ".join(providers())}
    try:
        device = choose_device("auto")
        rows |= {"used": device.name, "because": device.reason}
    except UserError as error:
        rows["problem"] = str(error)
    return rows


def _models() -> dict[str, str]:
    problems: list[str] = []
    rows = {card.name: f"{card.sha256[:16]}…" for card in find_models(problems=problems)}
    for number, problem in enumerate(problems, 1):
        rows[f"left out {number}"] = problem
    return rows


def _display() -> dict[str, str]:
    variables = {}
    for variable in ("XDG_SESSION_TYPE", "QT_QPA_PLATFORM", "LIBGL_ALWAYS_SOFTWARE", "QT_SCALE_FACTOR"):
        if os.environ.get(variable):
            variables[variable] = os.environ[variable]
    return variables


def _log(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
    except OSError:
        return ["(there is none)"]
    return [_without_data(line)[:_LONGEST_LINE] for line in lines] or ["(it is empty)"]


def _without_data(line: str) -> str:
    """Leave out names of tomograms and folders, which can give away unpublished work; code stays."""
    return re.sub(r"[^\s'\"(]+\.(?!py\b)(?:mrc|rec|st|map|tiff?|h5|hdf5|nxs|zarr|sxt|png)\b", "…", line)


def _without_home(text: str) -> str:
    home = str(home_folder())
    return text.replace(home, "~") if len(home) > 1 else text


def _rows(title: str, rows: Mapping[str, str]) -> str:
    if not rows:
        return f"{title}\n  (none)"
    width = max(len(name) for name in rows) + 2
    return "\n".join([title, *(f"  {name:<{width}}{value}" for name, value in rows.items())])


def _free_disk() -> str:
    """Return how much is free, or that there is no home folder."""
    home = home_folder()
    try:
        return f"{shutil.disk_usage(home).free / 1e9:.1f} GB free in the home folder"
    except OSError as error:
        return f"the home folder {home} cannot be used ({error.strerror})"
