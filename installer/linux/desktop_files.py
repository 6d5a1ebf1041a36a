"""What a desktop sees of an installation, and what is left when it is gone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from steps import BUILD, check

# Made anew for all programs by what the system runs when a package comes or goes.
_CACHES = (
    "mime/mime.cache", "mime/globs", "mime/globs2", "mime/magic", "mime/XMLnamespaces", "mime/aliases",
    "mime/subclasses", "mime/generic-icons", "mime/icons", "mime/treemagic", "mime/types", "mime/version",
    "applications/mimeinfo.cache", "icons/hicolor/icon-theme.cache",
)  # fmt: skip
_TYPE, _ENTRY = b"application/x-mrc", b"sxtstudio"


def check_file_types(share: Path, home: Path) -> None:
    """The desktop knows tomograms by name and by content, and opens them with the program."""
    # Entries of programs that cannot be found are left out.
    programs = BUILD / "bin"
    programs.mkdir(exist_ok=True)
    (programs / "sxtstudio").unlink(missing_ok=True)
    (programs / "sxtstudio").symlink_to("/bin/true")
    where = {
        **os.environ,
        "XDG_DATA_DIRS": str(share),
        "XDG_DATA_HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "PATH": f"{programs}:{os.environ['PATH']}",
    }
    for name in ("tomogram.rec", "tomogram.map", "tomogram.st", "tomogram-without-ending"):
        shutil.copy(home / "clean.mrc", home / name)
    for name in ("clean.mrc", "tomogram.rec", "tomogram.map", "tomogram.st", "tomogram-without-ending"):
        words = ["gio", "info", "-a", "standard::content-type", str(home / name)]
        said = subprocess.run(words, env=where, capture_output=True, text=True).stdout
        check("application/x-mrc" in said, f"{name} is not known as a tomogram: {said}")
    said = subprocess.run(
        ["gio", "mime", "application/x-mrc"], env=where, capture_output=True, text=True
    ).stdout  # fmt: skip
    check("sxtstudio.desktop" in said, f"no program opens tomograms: {said}")
    check((share / "icons/hicolor/scalable/apps/sxtstudio.svg").is_file(), "the icon is missing")


def check_nothing_left(left: set[str], share: Path) -> None:
    """Of the new files of a system only caches are left, and none of these knows the program any more.

    Parameters
    ----------
    left
        New files, below the root of the system.
    share
        The folder ``share`` of the installation that is gone.
    """
    caches = {str(share / name) for name in _CACHES}
    left = {name for name in left if not any(cache.endswith("/" + name) for cache in caches)}
    check(not left, f"left behind: {sorted(left)[:20]}")
    for path in sorted(share.rglob("*")):
        named = re.search("sxt|x-mrc", path.name)
        check(not named, f"left behind: {path}")
        if (
            path.is_file()
            and path.stat().st_size < 10_000_000
            and path.parent.name in ("mime", "applications")
        ):
            content = path.read_bytes()
            check(_TYPE not in content and _ENTRY not in content, f"{path} still knows the program")
