"""Where the files lie that come with the program: models, icons, help, and the sample tomogram."""

from __future__ import annotations

import site
import sys
from pathlib import Path

import sxtstudio

# Where a wheel puts them (pyproject.toml, data-files), below the prefix of the installation.
_SHARE = Path("share", "sxtstudio")


def shipped_folders(name: str) -> list[Path]:
    """Return the folders that may hold what ships as ``name`` ("models", "resources"), the likeliest first.

    Beside the package, as in a checkout and in a bundle; else where ``pip install`` puts them. Not all of
    them need exist.
    """
    beside = Path(sxtstudio.__file__).resolve().parent.parent
    folders = [beside / _SHARE / name, Path(sys.prefix) / _SHARE / name]  # --target puts them beside
    if beside.name not in ("site-packages", "dist-packages"):
        folders.insert(0, beside / name)  # there it would be somebody else's
    if site.ENABLE_USER_SITE:
        folders.append(Path(site.getuserbase()) / _SHARE / name)
    return folders


def resources() -> Path:
    """Return the folder of icons, help and sample: the first that is there."""
    folders = shipped_folders("resources")
    return next((folder for folder in folders if folder.is_dir()), folders[0])


def sample_tomogram() -> Path:
    """Return the file of the sample tomogram, which may be missing."""
    return resources() / "sample.tif"


def licence_texts() -> Path | None:
    """Return the file with the licences of all that a package brings; None where it was not packaged."""
    files = shipped_folders("THIRD-PARTY-LICENCES.txt")
    return next((file for file in files if file.is_file()), None)
