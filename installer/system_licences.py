"""Under which licence the parts of a bundle are that are no Python packages.

Python itself; on Linux the libraries that are Debian's; on Windows Microsoft's runtime; FFmpeg, which lies in
a Python package and is a program of its own.
"""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from licences import FORBIDDEN, Licence

# Debian's packages whose copyright file names the GPL, and the licence of the library that is taken.
# Of each the file was read, in Debian 12: the GPL is that of what stands behind, which is not in the library.
# Any other package that names the GPL is refused. Since Debian 13 some names end in "t64": times of 64 bits.
EXAMINED = {
    "libbz2-1.0": "bzip2-1.0.6",  # the packaging
    "libffi8": "MIT",  # its tests, two scripts of its build, the packaging
    "liblz4-1": "BSD-2-Clause",  # the programs, tests and examples, the packaging
    "liblzma5": "LicenseRef-public-domain",  # scripts such as xzgrep, a setting for Doxygen
    "libpng16-16": "Libpng",  # contrib/gregbook, the packaging
    "libssl3": "Apache-2.0",  # Perl's Text::Template, for its tests
    "libxcb-icccm4": "X11",  # of this one and the four below: the packaging
    "libxcb-image0": "X11",
    "libxcb-keysyms1": "X11",
    "libxcb-render-util0": "X11",
    "libxcb-util1": "X11",
    "libzstd1": "BSD-3-Clause",  # offered under it or the GPL
}
# Libraries that Microsoft lets everybody hand on with a program that was built with its compiler.
_OF_MICROSOFT = re.compile(r"(vcruntime|msvcp|concrt|vcomp|ucrtbase|api-ms-win-)[\w-]*\.dll", re.IGNORECASE)
_MICROSOFT = """\
Files of the Microsoft Visual C++ runtime, which are "Distributable Code" under the terms of Microsoft Visual
Studio: they may be handed on with programs that need them. https://visualstudio.microsoft.com/license-terms/
"""
_LIBRARY = re.compile(r"\.(so(\.\d+)*|dll|pyd|dylib)$", re.IGNORECASE)
_FFMPEG = re.compile(r"ffmpeg-[\w.-]*?v?(\d[\d.]*\d)(\.exe)?$")


def system_licences(files: Iterable[Path]) -> list[Licence]:
    """Return the licences of those of the files that belong to no Python package.

    Raises
    ------
    SystemExit
        If a library is nobody's, or names the GPL and is none of those that were examined.
    """
    files = sorted(files)
    libraries = [path for path in files if _LIBRARY.search(path.name)]
    found = [_python()]
    if sys.platform.startswith("linux"):
        of_python = [sysconfig.get_path(kind) for kind in ("stdlib", "platlib", "purelib")]
        of_python.append(sysconfig.get_config_var("LIBDIR") + "/libpython")
        foreign = [path for path in libraries if not _is_in(path, of_python)]
        found += debian_licences(foreign)
    else:
        of_python = [sys.base_prefix, *(sysconfig.get_path(kind) for kind in ("platlib", "purelib"))]
        foreign = [path for path in libraries if not _is_in(path, of_python)]
        nobodys = [path for path in foreign if not _OF_MICROSOFT.fullmatch(path.name)]
        if nobodys:
            raise SystemExit(f"It is not known under which licence {nobodys[0]} is.")
    if any(_OF_MICROSOFT.fullmatch(path.name) for path in libraries):
        words = "Microsoft Visual Studio distributable code"
        found.append(Licence("Microsoft Visual C++ runtime", "14", words, (_MICROSOFT,)))
    for path in files:
        if (program := _FFMPEG.match(path.name)) and "imageio_ffmpeg" in path.parts:
            found.append(Licence("FFmpeg", program[1], "GPL-3.0-or-later", (), is_program=True))
    return found


def debian_licences(files: Iterable[Path]) -> list[Licence]:
    """Return the licences of the libraries that were taken from Debian."""
    found: dict[str, Licence] = {}
    for path in files:
        said = ""
        # In Debian 12 /lib is a link, and dpkg may know a file below either.
        for name in (path.resolve(), Path("/", *path.resolve().parts[2:])):
            done = subprocess.run(["dpkg", "-S", str(name)], capture_output=True, text=True)
            said = said or done.stdout
        if not said:
            raise SystemExit(f"It is not known under which licence {path} is: no package of Debian holds it.")
        package = said.split(":")[0]
        words_of_it = Path("/usr/share/doc", package, "copyright")
        if not words_of_it.is_file():
            raise SystemExit(f"{package} brings no text of its licence: there is no {words_of_it}.")
        text = words_of_it.read_text(encoding="utf-8", errors="replace")
        words = ["dpkg-query", "-W", "-f=${Version}", package]
        version = subprocess.run(words, capture_output=True, text=True).stdout.split("\n")[0]
        found[package] = Licence(package, version, licence_in_debian(package, text), (text,), "deb")
    return list(found.values())


def licence_in_debian(package: str, text: str) -> str:
    """Return the licence of a library from the copyright file of its package.

    Raises
    ------
    SystemExit
        If it names the GPL, and nobody has looked yet for what.
    """
    if (name := package.removesuffix("t64")) in EXAMINED:
        return EXAMINED[name]
    names = set(re.findall(r"^License: *(\S.*)$", text, re.MULTILINE))
    if FORBIDDEN.search(" ".join(names)) or (not names and FORBIDDEN.search(text)):
        raise SystemExit(f"{package} names the GPL; look for what, and whether it may be in the package.")
    return ", ".join(sorted(names)) or "see its text"


def _python() -> Licence:
    """Return the licence of Python itself, wherever this one keeps it.

    On Windows and macOS its text holds those of OpenSSL, SQLite and what else comes with it there.
    """
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    places = (
        Path(sysconfig.get_path("stdlib"), "LICENSE.txt"),
        Path(sys.base_prefix, "LICENSE.txt"),
        Path("/usr/share/doc", version, "copyright"),
    )
    texts = [place.read_text(encoding="utf-8") for place in places if place.is_file()][:1]
    return Licence("Python", sys.version.split()[0], "PSF-2.0", tuple(texts))


def _is_in(path: Path, folders: Iterable[str]) -> bool:
    return any(str(at).startswith(folder) for at in (path, path.resolve()) for folder in folders)
