"""Older versions to install over: a stub, and this version under a lower number."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from steps import BUILD

STUB, FORMER = "0.0.1", "0.0.9"
_CONTROL = """\
Package: sxtstudio
Version: {version}
Architecture: amd64
Maintainer: none
Description: x
"""


def stub(target: Path) -> None:
    """Write a package with one file that no later version has."""
    folder = BUILD / "old"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "opt/sxtstudio").mkdir(parents=True)
    (folder / "opt/sxtstudio/of-the-old-one.txt").write_text("old", encoding="utf-8")
    (folder / "DEBIAN").mkdir()
    (folder / "DEBIAN/control").write_text(_CONTROL.format(version=STUB), encoding="utf-8")
    words = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(folder), str(target)]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def renumbered(deb: Path, target: Path, version: str = FORMER) -> None:
    """Write a package under another version; what it installs is copied as it is."""
    with tempfile.TemporaryDirectory(dir=BUILD) as name:
        folder = Path(name)
        control = folder / "control"
        subprocess.run(["dpkg-deb", "--control", str(deb), str(control)], check=True)
        text = (control / "control").read_text(encoding="utf-8")
        lines = [f"Version: {version}" if x.startswith("Version:") else x for x in text.splitlines()]
        (control / "control").write_text("\n".join(lines) + "\n", encoding="utf-8")
        members = subprocess.run(["ar", "t", str(deb)], check=True, capture_output=True, text=True).stdout
        subprocess.run(["ar", "x", str(deb)], check=True, cwd=folder)
        archive = folder / "control.tar.xz"
        words = ["tar", "-C", str(control), "--owner=0", "--group=0", "-cJf", str(archive), "."]
        subprocess.run(words, check=True)
        names = [archive.name if member.startswith("control.tar") else member for member in members.split()]
        target.unlink(missing_ok=True)
        subprocess.run(["ar", "rcS", str(target), *names], check=True, cwd=folder)
