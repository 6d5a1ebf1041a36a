"""Arrays of a finished range in a file: plain numbers, read with their types and sizes checked."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays under their names to a new file (.npz)."""
    with open(path, "xb") as file:
        np.savez_compressed(file, **dict(arrays))  # type: ignore[arg-type]


def read_arrays(path: Path, names: Mapping[str, Any] | None = None) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file; nothing in it is ever run.

    Parameters
    ----------
    names
        The arrays that there must be, and their types; None: all that are there, of numbers.

    Raises
    ------
    UserError
        If it is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {name: file[name] for name in (file.files if names is None else names)}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is damaged ({error}): do this range again.") from error
    for name, kind in (names or {}).items():
        if found[name].dtype != np.dtype(kind):
            raise UserError(f"{path} is damaged ({name} holds {found[name].dtype}): do this range again.")
    return found
