"""What of other people lies in a bundle: one text with all licences, and a list of parts for machines (SBOM).

PyInstaller says which files it takes; a file of nobody, or a licence that forbids to hand it on, is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from licences import KNOWN, Licence, licence_of, owners
from system_licences import system_licences

LICENCES, SBOM = "THIRD-PARTY-LICENCES.txt", "sbom.cdx.json"
# Texts that some packages only name.
_COMMON = Path(__file__).parent / "licence_texts"
# Fonts among the resources: name, version, licence; the text of it lies beside each.
_FONTS = {"DejaVuSans.ttf": ("DejaVu Sans", "2.37", "Bitstream-Vera")}
_NOTE = """\
SXT Studio is under the MIT licence. The libraries below are used unchanged, but for their symbols for
debuggers, which the packages for Linux leave out; each is under its own licence, whose text follows.
Those under the LGPL ({lgpl}; PySide6 with Qt)
lie beside the program as files of their own and can be replaced by other versions; their sources are at
https://download.qt.io, https://code.qt.io and https://pypi.org under their names and versions.

FFmpeg (imageio_ffmpeg/binaries) is a program of its own under the GPL, version 3 or later, that SXT Studio
starts to write MP4 movies and is not linked to. It is handed on as imageio-ffmpeg publishes it; its sources
are at https://github.com/imageio/imageio-binaries and https://ffmpeg.org. Without it SXT Studio writes GIF.
"""


def parts_of(sources: Iterable[str]) -> list[Licence]:
    """Return all parts of a bundle, with their licences.

    Parameters
    ----------
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
    return system_licences(files) + sorted(python, key=lambda licence: licence.name.lower())


def fonts_of(resources: Path) -> list[Licence]:
    """Return the fonts that lie in a folder or below it, with their licences.

    Raises
    ------
    SystemExit
        If one is not known, or its licence does not lie beside it.
    """
    found = []
    for font in sorted(path for kind in ("ttf", "otf", "woff2") for path in resources.rglob(f"*.{kind}")):
        text = font.with_suffix(".LICENSE.txt")
        if font.name not in _FONTS or not text.is_file():
            raise SystemExit(f"of the font {font.name} it is not known whether it may be in this package")
        found.append(Licence(*_FONTS[font.name], (text.read_text(encoding="utf-8"),)))
    return found


def write_licences(path: Path, parts: Sequence[Licence]) -> None:
    """Write the licences of all parts as one text."""
    rows = "\n".join(f"{part.name} {part.version}: {part.licence}" for part in parts)
    line = "=" * 100
    bodies = [
        f"{line}\n{part.name} {part.version}: {part.licence}\n{line}\n" + "\n\n".join(part.texts)
        for part in parts
    ]
    for name in ("LGPL-3", "LGPL-2.1", "GPL-3"):
        bodies.append(f"{line}\n{name}\n{line}\n" + (_COMMON / f"{name}.txt").read_text(encoding="utf-8"))
    lgpl = ", ".join(part.name for part in parts if part.licence.startswith("LGPL"))
    path.write_text(f"{_NOTE.format(lgpl=lgpl)}\n{rows}\n\n" + "\n\n".join(bodies) + "\n", encoding="utf-8")
