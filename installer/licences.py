"""The licences of all that lies in a bundle, as one text; a licence that forbids to hand it on is an error.

PyInstaller says which files it takes. A file belongs to a Python package (whose metadata and licence files
say how it may be used), to Python itself, or to a package of Debian.
"""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# May be handed on in a program under another licence, some with their text and their own source.
ALLOWED = re.compile(
    r"\b(MIT|BSD|0BSD|Apache|ISC|PSF|Python Software Foundation|MPL|Mozilla|LGPL|Lesser General|Zlib|CC0|"
    r"HPND|Unlicense|Public Domain|BSL|Boost)\b",
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
# Debian's packages whose copyright file names the GPL for other parts than the library that is taken
# (tests, tools, scripts of the build), or as one of several to choose from. Any other one is refused.
EXAMINED = {
    "libbz2-1.0", "libffi8", "liblz4-1", "liblzma5", "libpng16-16", "libpng16-16t64", "libssl3", "libssl3t64",
    "libxcb-icccm4", "libxcb-image0", "libxcb-keysyms1", "libxcb-render-util0", "libxcb-util1", "libzstd1",
}  # fmt: skip
# Texts that some packages only name.
COMMON = Path("/usr/share/common-licenses")
NOTE = """\
SXT Studio is under the MIT licence. The libraries below are used unchanged, each under its own licence, whose
text follows. Those under the LGPL (Qt and PySide6, connected-components-3d, edt, fastremap, fill_voids) lie
beside the program as files of their own and can be replaced by other versions; their sources are at
https://download.qt.io, https://code.qt.io and https://pypi.org under their names and versions.

FFmpeg (imageio_ffmpeg/binaries) is a program of its own under the GPL, version 3 or later, that SXT Studio
starts to write MP4 movies and is not linked to. It is handed on as imageio-ffmpeg publishes it; its sources
are at https://github.com/imageio/imageio-binaries and https://ffmpeg.org. Without it SXT Studio writes GIF.
"""


@dataclass(frozen=True)
class Licence:
    """How a part may be used: its name, its version, the licence in a few words, and its texts."""

    name: str
    version: str
    licence: str
    texts: tuple[str, ...]

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
    for file in distribution.files or []:
        if re.search(r"licen[cs]e|copying|notice|copyright", file.name, re.IGNORECASE) or (
            re.search(r"/licen[cs]es/", str(file), re.IGNORECASE)
        ):
            path = Path(str(file.locate()))
            if path.is_file() and path.suffix not in (".py", ".pyc", ".pyi", ".so"):
                texts.append(path.read_text(encoding="utf-8", errors="replace"))
    if not texts and lines:
        texts.append("\n".join(lines))
    return Licence(name, distribution.version, next(filter(None, candidates), ""), tuple(texts))


def owners(files: Iterable[Path]) -> dict[str, importlib.metadata.Distribution]:
    """Return the Python packages to which these files belong."""
    packages = {Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib")}
    of_file = {}
    for distribution in importlib.metadata.distributions():
        for file in distribution.files or []:
            of_file[Path(str(file.locate())).resolve()] = distribution
    found = {}
    for path in files:
        owner = of_file.get(path.resolve())
        if owner is not None:
            found[owner.name] = owner
        elif any(path.resolve().is_relative_to(folder) for folder in packages):
            raise SystemExit(f"It is not known to which package {path} belongs.")
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
        text = Path("/usr/share/doc", package, "copyright").read_text(encoding="utf-8", errors="replace")
        names = set(re.findall(r"^License: *(\S.*)$", text, re.MULTILINE))
        strict = FORBIDDEN.search(" ".join(names)) or (not names and FORBIDDEN.search(text))
        if strict and package not in EXAMINED:
            raise SystemExit(f"{package} ({path.name}) names the GPL; look whether it may be in the package.")
        words = ["dpkg-query", "-W", "-f=${Version}", package]
        version = subprocess.run(words, capture_output=True, text=True).stdout.split("\n")[0]
        found[package] = Licence(package, version, ", ".join(sorted(names)) or "see its text", (text,))
    return list(found.values())


def write_licences(path: Path, sources: Iterable[str]) -> list[Licence]:
    """Write the licences of all files of a bundle.

    Parameters
    ----------
    path
        The text to write.
    sources
        The files that PyInstaller takes, where they lie now.

    Raises
    ------
    SystemExit
        If a licence forbids to hand the package on, or is not known.
    """
    files = {Path(source) for source in sources if source and Path(source).is_file()}
    python = [licence_of(owner) for owner in owners(files).values()]
    refused = [
        reason
        for licence in python
        if licence.name not in KNOWN and (reason := licence.refusal())  # what is known was looked at
    ]
    if refused:
        raise SystemExit("\n".join(refused))
    of_python = [sysconfig.get_path(kind) for kind in ("stdlib", "platlib", "purelib")]
    of_python += [sysconfig.get_config_var("LIBDIR") + "/libpython"]
    libraries = [file for file in files if re.search(r"\.so(\.|$)", file.name)]
    system = [
        file
        for file in libraries
        if not any(str(at).startswith(folder) for at in (file, file.resolve()) for folder in of_python)
    ]
    parts = sorted(python, key=lambda licence: licence.name.lower()) + debian_licences(sorted(system))
    version = sys.version.split()[0]
    texts = [p.read_text(encoding="utf-8") for p in python_licence_files()]
    parts.insert(0, Licence("Python", version, "PSF-2.0", tuple(texts)))
    rows = "\n".join(f"{part.name} {part.version}: {part.licence}" for part in parts)
    bodies = []
    for part in parts:
        line = "=" * 100
        bodies.append(
            f"{line}\n{part.name} {part.version}: {part.licence}\n{line}\n" + "\n\n".join(part.texts)
        )
    for name in ("LGPL-3", "LGPL-2.1", "GPL-3"):
        bodies.append(f"{'=' * 100}\n{name}\n{'=' * 100}\n" + (COMMON / name).read_text(encoding="utf-8"))
    path.write_text(f"{NOTE}\n{rows}\n\n" + "\n\n".join(bodies) + "\n", encoding="utf-8")
    return parts


def python_licence_files() -> list[Path]:
    """Return the licence of Python itself, wherever this one keeps it."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    places = (
        Path(sysconfig.get_path("stdlib"), "LICENSE.txt"),
        Path(sys.base_prefix, "LICENSE.txt"),
        Path("/usr/share/doc", version, "copyright"),
    )
    return [place for place in places if place.is_file()][:1]
