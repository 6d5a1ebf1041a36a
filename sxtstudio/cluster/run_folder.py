"""The folder of one run: logs, keys, and what workers keep. Those that a killed run has left are removed."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import msgspec
import psutil
from msgspec import Meta, Struct

from sxtstudio.core.errors import UserError
from sxtstudio.core.plain_files import create_own, is_own_folder, read_plain
from sxtstudio.core.process_identity import process_begin, process_space
from sxtstudio.core.records import read_json_record

LOGS = "logs"
_PREFIX, _OWNER = "sxtstudio-run-", "owner.json"
_MOST_BYTES = 10_000
# Of one process this is given with some digits less here and there.
_SAME_BEGIN_S = 2.0
_Word = Annotated[str, Meta(max_length=300)]


class _Owner(Struct, frozen=True):
    """The process of a run, and in which space of which computer its number counts."""

    host: _Word
    space: _Word
    process: int
    begin: float


def make_run_folder(place: Path) -> Path:
    """Make a folder for a run in ``place``, where those of dead runs of this computer are removed.

    Raises
    ------
    UserError
        If that is not possible.
    """
    try:
        place.mkdir(parents=True, exist_ok=True)
        sweep_run_folders(place)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
        own = _Owner(platform.node(), process_space(), os.getpid(), process_begin())
        with create_own(folder / _OWNER) as file:
            file.write(msgspec.json.encode(own))
        (folder / LOGS).mkdir()
    except OSError as error:
        raise UserError(
            f"The folder {place} for the workers' logs cannot be used ({error.strerror}): name another "
            "one in the profile (scratch)."
        ) from error
    return folder


def sweep_run_folders(place: Path) -> None:
    """Remove the folders of runs whose process was one of this computer and is dead; with their keys."""
    for folder in place.glob(f"{_PREFIX}*"):
        with suppress(OSError, UserError):
            if is_own_folder(folder) and _is_dead(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is_dead(folder: Path) -> bool:
    owner = read_json_record(read_plain(folder / _OWNER, _MOST_BYTES), _Owner, "the owner of a run")
    if (owner.host, owner.space) != (platform.node(), process_space()):
        return False  # nobody here can know
    try:
        return abs(process_begin(owner.process) - owner.begin) > _SAME_BEGIN_S
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False
