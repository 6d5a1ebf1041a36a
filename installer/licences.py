"""Under which licence a Python package is, and whether it may be handed on with the program.

Its metadata and licence files say so. What else lies in a bundle: system_licences.py.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# May be handed on in a program under another licence, some with their text and their own source.
ALLOWED = re.compile(
    r"\b(MIT|BSD|0BSD|Apache|ISC|PSF|Python Software Foundation|MPL|Mozilla|LGPL|Lesser General|Zlib|CC0|"
    r"HPND|Unlicense|Public Domain|BSL|Boost|Bitstream-Vera)\b",
    re.IGNORECASE,
)
# Wins over what is allowed: "GPL" without an L before it, and all that is for some purposes only.
FORBIDDEN = re.compile(
    r"\bA?GPL|(?<!Lesser )General Public License|Non-?Commercial|Proprietary|\bCC-BY-N|\bSSPL|\bBUSL",
    re.IGNORECASE,
)
# What their metadata do not say, or say of another part.
KNOWN = {
    "sxtstudio": "MIT",
    # Under the GPL, but for what it puts into the programs that it makes.
    "pyinstaller": "Apache-2.0 (run-time hooks), GPL-2.0-or-later with the exception for programs made by it",
    "pyinstaller-hooks-contrib": "Apache-2.0 (run-time hooks)",
}
# Offered under several licences, of which this one is taken.
CHOSEN = {"PySide6_Essentials": "LGPL-3.0-only", "shiboken6": "LGPL-3.0-only"}


@dataclass(frozen=True)
class Licence:
    """How a part may be used.

    Attributes
    ----------
    name, version
        Of the part.
    licence
        In a few words, or as an SPDX expression.
    texts
        Its licences themselves.
    origin
        Who publishes it under this name: "pypi", "deb" or "generic", as package URLs have it.
    is_program
        It is a program of its own that ours starts, not a library.
    """

    name: str
    version: str
    licence: str
    texts: tuple[str, ...]
    origin: str = "generic"
    is_program: bool = False

    def refusal(self) -> str | None:
        """Return why the part must not be in a package; None where it may."""
        if FORBIDDEN.search(self.licence):
            return f"{self.name} is under {self.licence}, which does not allow it in this package"
        if not ALLOWED.search(self.licence):
            return f"of {self.name} it is not known whether it may be in this package: {self.licence or '?'}"
        return None


def licence_of(distribution: importlib.metadata.Distribution) -> Licence:
    """Return the licence of an installed Python package, with the texts that it brings."""
    name, told = distribution.name, distribution.metadata
    classifiers = [
        line.rsplit("::", 1)[1].strip()
        for line in told.get_all("Classifier") or []
        if line.startswith("License ::") and line.count("::") > 1
    ]
    lines = (told.get("License") or "").strip().splitlines()
    candidates = (
        CHOSEN.get(name),
        KNOWN.get(name),
        told.get("License-Expression"),
        ", ".join(classifiers),
        lines[0] if lines else "",
    )
    texts = []
    declared = told.get_all("License-File") or []
    for file in distribution.files or []:
        if re.search(r"licen[cs]e|copying|notice|copyright", file.name, re.IGNORECASE) or (
            re.search(r"/licen[cs]es/", str(file), re.IGNORECASE)
        ):
            path = Path(str(file.locate()))
            if path.is_file() and path.suffix not in (".py", ".pyc", ".pyi", ".so"):
                text = path.read_text(encoding="utf-8", errors="replace")
                # Of libraries within it: whose text it is, its path alone says.
                place = str(file).partition("/licenses/")[2]
                texts.append(f"{place}:\n\n{text}" if "/" in place else text)
    read = {
        str(file).partition(".dist-info/")[2].removeprefix("licenses/") for file in distribution.files or []
    }
    if missing := sorted(set(declared) - read):
        raise SystemExit(f"{name} lacks texts of licences that it names: {', '.join(missing)}")
    if not texts and lines:
        texts.append("\n".join(lines))
    return Licence(name, distribution.version, next(filter(None, candidates), ""), tuple(texts), "pypi")


@cache
def _owner_of_each_file() -> dict[str, importlib.metadata.Distribution]:
    """Return whose each installed file is; to resolve all of these paths would take long."""
    of_file = {}
    for distribution in importlib.metadata.distributions():
        root = str(Path(str(distribution.locate_file(""))).resolve())
        for file in distribution.files or []:
            of_file[os.path.normpath(os.path.join(root, str(file)))] = distribution
    return of_file


def owners(files: Iterable[Path]) -> dict[str, importlib.metadata.Distribution]:
    """Return the Python packages to which these files belong."""
    packages = {Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib")}
    of_file = _owner_of_each_file()
    found = {}
    for path in files:
        owner = of_file.get(str(path.resolve())) or of_file.get(os.path.abspath(path))
        if owner is not None:
            found[owner.name] = owner
        elif any(path.resolve().is_relative_to(folder) for folder in packages):
            raise SystemExit(f"It is not known to which package {path} belongs.")
    return found
