"""Names such as ``file.h5::/entry/data``: a dataset within a file, or within a Zarr store."""

from __future__ import annotations

import os
from pathlib import Path

from sxtstudio.io.zarr import is_zarr

MARK = "::"


def split_inside(path: str | Path) -> tuple[Path, str | None]:
    """Return the file or folder of a name, and the dataset in it that the name goes on with.

    Files and folders may have "::" in their own names, so what is there decides: the longest part that is a
    file or a Zarr store. Where nothing is there, a dataset begins with "/".

    Returns
    -------
    place, inside
        ``inside`` is None where the name is that of a file alone, and "/" where nothing follows the mark.
    """
    text = os.fspath(path)
    if MARK not in text or os.path.lexists(text):
        return Path(text), None
    marks = [at for at in range(len(text)) if text.startswith(MARK, at)]
    for at in reversed(marks):
        place = Path(text[:at])
        if place.is_file() or (place.is_dir() and is_zarr(place)):
            return place, text[at + len(MARK) :] or "/"
    for at in reversed(marks):
        if text.startswith("/", at + len(MARK)):
            return Path(text[:at]), text[at + len(MARK) :]
    return Path(text), None


def join_inside(place: str, inside: str | None) -> str:
    """Return the name of a dataset within a file."""
    return place if inside is None else f"{place}{MARK}{inside}"
