"""Versions and licences of the libraries that the program needs; what is missing is no reason to fail."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from importlib import metadata


def library_versions() -> dict[str, str]:
    """Return the versions of all libraries that the program asks for and that are installed."""
    found = {}
    for name in required_libraries():
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "missing"
    return found


def required_libraries() -> list[str]:
    """Return the names of the libraries that the program needs on this system."""
    try:
        wanted = metadata.requires("sxtstudio") or []
    except metadata.PackageNotFoundError:  # run from a folder that was not installed
        wanted = []
    names = set()
    for line in (*wanted, *_OF_THE_WINDOW):
        requirement, _, marker = line.partition(";")
        if "extra" in marker or not _applies(marker):
            continue
        match = re.match(r"[A-Za-z0-9._-]+", requirement.strip())
        if match:
            names.add(match[0])
    return sorted(names, key=str.lower)


def licences(names: Iterable[str]) -> dict[str, str]:
    """Return the licence of each installed library as its package states it."""
    found = {}
    for name in names:
        try:
            facts = metadata.metadata(name)
        except metadata.PackageNotFoundError:
            continue
        stated = _field(facts, "License-Expression")
        if not stated:
            kinds = [line for line in facts.get_all("Classifier") or [] if line.startswith("License ::")]
            stated = ", ".join(kind.rpartition(" :: ")[2] for kind in kinds)
        if not stated or stated == "OSI Approved":
            first = _field(facts, "License").strip().partition("\n")[0]
            stated = first if 0 < len(first) < 80 else "see its package"
        found[name] = stated
    return found


_OF_THE_WINDOW = ("PySide6-Essentials", "pyqtgraph", "QtAwesome", "superqt", "pillow", "imageio")


def _field(facts: metadata.PackageMetadata, name: str) -> str:
    return str(facts[name] or "") if name in facts else ""


def _applies(marker: str) -> bool:
    """Whether a marker such as ``sys_platform != 'darwin'`` holds; others count as true."""
    match = re.search(r"sys_platform\s*([!=]=)\s*['\"](\w+)['\"]", marker)
    return match is None or (sys.platform == match[2]) == (match[1] == "==")
