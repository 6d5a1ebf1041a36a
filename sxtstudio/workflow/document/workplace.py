"""Where the open documents keep their files: one working folder each, and room on the disk for the voxels."""

from __future__ import annotations

import math
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core import reserved
from sxtstudio.core.errors import UserError
from sxtstudio.core.folders import state_folder
from sxtstudio.core.geometry import Triple
from sxtstudio.core.plain_files import is_own_folder
from sxtstudio.core.shipped import resources

VARIABLE = "SXTSTUDIO_WORK"
# A disk that is filled up to the last byte helps nobody.
_MARGIN_BYTES = 256 << 20
_ADVICE = f"name a folder on another disk in {VARIABLE}"
# Nothing is ever written beside the sample tomogram.
_OWN_FILES = resources()


def work_root() -> Path:
    """Return the folder of all working folders: SXTSTUDIO_WORK, or the system's place for such things."""
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE])
    return state_folder() / "sessions"


def is_work_root_usable() -> bool:
    """Return whether ``work_root`` is there and can be written, or could be made; nothing is written."""
    place = work_root()
    there = next((folder for folder in (place, *place.parents) if os.path.exists(folder)), place)
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def spare_root() -> Path:
    """Return where working folders go if ``work_root`` cannot be written."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    return Path(tempfile.gettempdir()) / f"sxtstudio-sessions-{user}"


def new_folder(root: Path | None = None) -> Path:
    """Make a working folder; where ``root`` cannot be written, among the temporary files."""
    name = secrets.token_hex(6)
    trouble: OSError | None = None
    for place in (root or work_root(), spare_root()):
        try:
            place.mkdir(mode=0o700 if place == spare_root() else 0o777, parents=True, exist_ok=True)
            if place == spare_root() and not is_own_folder(place):
                continue  # among temporary files anybody may put anything
            (place / name).mkdir()
        except OSError as error:
            trouble = trouble or error
            continue
        return place / name
    reason = "no permission" if trouble is None else trouble.strerror
    raise UserError(
        f"The working folder {root or work_root()} cannot be made ({reason}). Free some space, or "
        f"name another folder in the environment variable {VARIABLE}."
    ) from trouble


def place_for_voxels(folder: Path, shape: Triple, beside: Path) -> Path:
    """Return where label files of this shape find room: in ``folder``, or in a folder beside the tomogram.

    Room is wanted for labels, mask, objects, marks, an unfinished segmentation and the network's output.
    Where no disk has enough, it is ``folder``; that room is short is then reported when the file is made.
    """
    needed = 10 * math.prod(shape) + _MARGIN_BYTES
    if _free(folder) >= needed:
        return folder
    other = beside.parent / f".sxtstudio-{folder.name}"
    if _free(beside.parent) >= needed and not beside.is_relative_to(_OWN_FILES):
        with suppress(OSError):
            other.mkdir()
            return other
    return folder


def create_array(path: Path, shape: Triple, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return a new array (z, y, x) of zeros, uint8 or uint32, in a file of a working folder."""
    return reserved.create_numbers(path, shape, dtype.itemsize, _ADVICE)


def create_file(path: Path, size: int) -> None:
    """Make a file of zeros in a working folder; raises UserError if there is no room for it."""
    reserved.create_reserved(path, size, _ADVICE)


def flush_array(path: Path, array: NDArray[Any]) -> None:
    """Have the voxels written to the disk, so that they outlive a power cut."""
    flush: Callable[[], None] | None = getattr(array, "flush", None)
    if sys.platform == "win32":
        if flush is not None:
            flush()
        return
    # The file is flushed rather than the map: that holds no lock of Python meanwhile.
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _free(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0
