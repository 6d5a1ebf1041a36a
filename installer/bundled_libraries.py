"""Libraries within PyTorch's wheel, found in its files: those whose texts it does not bring, and strangers.

The wheel brings the texts of what it was built from (license files of torch-VERSION.dist-info), but not that
of Intel's oneMKL, which is linked into it, nor that of GCC's runtime for OpenMP, which lies beside it.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from licences import Licence

_TEXTS = Path(__file__).parent / "licence_texts"
_LIBRARY = re.compile(r"\.(so(\.\d+)*|dll|dylib)$", re.IGNORECASE)
# PyTorch's own; libomp of LLVM, whose text is among those that it brings.
_OF_PYTORCH = re.compile(r"(lib)?(c10|torch\w*|shm|fbgemm|asmjit|omp)\.(so|dll|dylib)", re.IGNORECASE)


@dataclass(frozen=True)
class Bundled:
    """A library without a text of its own.

    Attributes
    ----------
    name, licence
        What is said of it; the licence as SPDX expression.
    texts
        Names in licence_texts.
    file
        The names that the file has which holds it.
    mark
        What stands in that file if the library is within; empty if the file is the library.
    """

    name: str
    licence: str
    texts: tuple[str, ...]
    file: re.Pattern[str]
    mark: bytes = b""

    def is_in(self, path: Path) -> bool:
        """Whether a file is, or holds, the library."""
        if not self.file.fullmatch(path.name):
            return False
        if not self.mark:
            return True
        if path.stat().st_size == 0:
            return False
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return content.find(self.mark) >= 0


# Licences that allow to hand a library on as it is only, not even without its symbols for debuggers.
_UNCHANGED_ONLY = frozenset({"LicenseRef-ISSL"})
_ISSL = ("ISSL", "oneMKL-third-party")
KNOWN = (
    Bundled(
        "oneMKL", "LicenseRef-ISSL", _ISSL, re.compile(r"(lib)?torch_cpu\.(so|dll|dylib)"), b"Intel oneMKL"
    ),
    Bundled("Intel OpenMP", "LicenseRef-ISSL", ("ISSL",), re.compile(r"libiomp5(md)?\.(so|dll|dylib)")),
    Bundled(
        "libgomp",
        "GPL-3.0-or-later WITH GCC-exception-3.1",
        ("GCC-exception-3.1", "GPL-3"),
        re.compile(r"libgomp[\w.-]*\.so[\d.]*"),
    ),
)


def bundled_libraries(folder: Path) -> tuple[list[Licence], list[str]]:
    """Return the licences of what lies in an add-on's folder without its text, and who is not known there.

    Parameters
    ----------
    folder
        Of the add-on, as pip has filled it.

    Returns
    -------
    list of Licence, list of str
        The second are the paths of libraries of whom nothing is known, below the folder.
    """
    found: dict[str, Licence] = {}
    strangers = []
    for path in _libraries(folder):
        within = [known for known in KNOWN if known.is_in(path)]
        for known in within:
            texts = tuple((_TEXTS / f"{name}.txt").read_text(encoding="utf-8") for name in known.texts)
            found[known.name] = Licence(known.name, "", known.licence, texts)
        if not within and not _OF_PYTORCH.fullmatch(path.name):
            strangers.append(path.relative_to(folder).as_posix())
    return list(found.values()), strangers


def must_stay_unchanged(path: Path) -> bool:
    """Return whether a library is, or holds, one whose licence allows no change of it."""
    return any(known.licence in _UNCHANGED_ONLY and known.is_in(path) for known in KNOWN)


def _libraries(folder: Path) -> Iterator[Path]:
    for pattern in ("torch/lib/*", "*.libs/*"):
        yield from sorted(path for path in folder.glob(pattern) if _LIBRARY.search(path.name))
