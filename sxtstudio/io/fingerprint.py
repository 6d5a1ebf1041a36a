"""How an input is known again: a checksum of its content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sxtstudio.core.plain_files import open_plain
from sxtstudio.io.stamp import every_file, files_of
from sxtstudio.io.volume_name import VolumeName

WHOLE_BYTES = 256 << 20
SAMPLES, SAMPLE_BYTES = 64, 1 << 20

_WHOLE_FILE = "sha256"
_FILE = f"sha256 of the size and {SAMPLES} evenly spread pieces of {SAMPLE_BYTES} bytes"
_WHOLE_FOLDER = "sha256 of the names, sizes and contents of all files"
_FOLDER = (
    f"sha256 of the names and sizes of all files, and of up to {SAMPLE_BYTES} bytes of {SAMPLES} "
    "evenly spread ones"
)
# As former versions did it; two reconstructions in folders of the same names are the same to it.
_NAMES = "sha256 of the names and sizes of all files"


def fingerprint(path: Path, method: str | None = None) -> dict[str, Any]:
    """Return a checksum that shows whether an input is still the same: method, value, and size in bytes.

    Up to 256 MB it is the SHA-256 of the file, or of names and contents of all files of a folder. Larger
    files are told apart by their size and 64 evenly spread pieces of 1 MB, which takes no time; larger
    folders by the names and sizes of their files and the contents of 64 of them.

    Parameters
    ----------
    path
        File or folder; of ``file.h5::/entry/data`` it is the file.
    method
        That of an earlier fingerprint, to compare with; by default the one for its size.

    Raises
    ------
    OSError
        If it cannot be read, or is a pipe or a device.
    """
    path = VolumeName.of(path).place
    return _of_folder(path, method) if path.is_dir() else _of_file(path)


def has_fingerprint(path: Path, known: Mapping[str, Any]) -> bool:
    """Whether the fingerprint of ``path`` is ``known``, by whatever method that was made.

    Raises
    ------
    OSError
        As ``fingerprint``.
    """
    method = known.get("method")
    return fingerprint(path, method if isinstance(method, str) else None) == dict(known)


def is_exact(known: Mapping[str, Any]) -> bool:
    """Whether a fingerprint is of every byte."""
    return known.get("method") in (_WHOLE_FILE, _WHOLE_FOLDER)


def _of_file(path: Path) -> dict[str, Any]:
    digest = hashlib.sha256()
    with open_plain(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size <= WHOLE_BYTES:
            method = _WHOLE_FILE
            while block := file.read(SAMPLE_BYTES):
                digest.update(block)
        else:
            method = _FILE
            digest.update(f"{size}\n".encode())
            for position in np.linspace(0, size - SAMPLE_BYTES, SAMPLES).astype(np.int64):
                file.seek(int(position))
                digest.update(file.read(SAMPLE_BYTES))
    return {"method": method, "value": digest.hexdigest(), "bytes": size}


def _of_folder(path: Path, method: str | None) -> dict[str, Any]:
    if method == _NAMES:
        files = sorted(every_file(path))
    else:
        files = list(files_of(path))
    sizes = [file.stat().st_size for file in files]
    digest = hashlib.sha256()
    for file, size in zip(files, sizes, strict=True):
        name = os.fsencode(file.relative_to(path).as_posix())
        digest.update(name + f"\0{size}\n".encode())
    if method != _NAMES:
        whole = sum(sizes) <= WHOLE_BYTES
        method = _WHOLE_FOLDER if whole else _FOLDER
        step = 1 if whole else max(1, len(files) // SAMPLES)
        for file in files[::step]:
            with open_plain(file) as stream:
                while block := stream.read(SAMPLE_BYTES):
                    digest.update(block)
                    if not whole:
                        break
    return {"method": method, "value": digest.hexdigest(), "bytes": sum(sizes)}
