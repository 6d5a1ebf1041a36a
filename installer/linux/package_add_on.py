"""The folder of an add-on as Linux packages: a .deb, and a .run that needs no root.

    python installer/linux/package_add_on.py retrain|cuda FOLDER OUT [--no-run]

FOLDER is what installer/add_on.py made. It comes to /opt/sxtstudio-NAME, or ~/.local/lib/sxtstudio-NAME.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from package import FILES, LICENCES, pack_run, slim, version

CONTROL = """\
Package: {package}
Version: {version}
Architecture: amd64
Maintainer: SXT Studio <none@example.org>
Installed-Size: {kilobytes}
Section: {section}
Priority: optional
Depends: sxtstudio, libc6 (>= 2.35), libstdc++6 (>= 12), libgcc-s1
Description: {summary}
{description}
"""


@dataclass(frozen=True)
class Kind:
    """What differs between the packages.

    Attributes
    ----------
    summary, description
        For the list of packages; each line of the description begins with a space.
    section
        Debian's: "non-free/science" is no free software.
    stripped
        Symbols for debuggers are taken away, but for what must stay unchanged; NVIDIA's libraries must all.
    level
        How hard it is compressed: CUDA's kernels get hardly smaller.
    """

    summary: str
    description: str
    section: str
    stripped: bool
    level: int


KINDS = {
    "retrain": Kind(
        "Retraining for SXT Studio, by PyTorch",
        " With it SXT Studio trains its networks further with labels of your own, on\n processors.",
        "science",
        stripped=True,
        level=10,
    ),
    "cuda": Kind(
        "NVIDIA's cards for SXT Studio, by CUDA 13 and cuDNN 9",
        " With it SXT Studio segments on a graphics card of NVIDIA's, whose driver must\n"
        " know CUDA 13 (version 580 or newer). CUDA and cuDNN are under NVIDIA's terms.",
        "non-free/science",
        stripped=False,
        level=3,
    ),
}


def make_deb(name: str, folder: Path, out: Path) -> Path:
    """Write sxtstudio-NAME_VERSION_amd64.deb into ``out`` and return it."""
    kind, package = KINDS[name], f"sxtstudio-{name}"
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        root = Path(scratch, "root")
        (root / "opt").mkdir(parents=True)
        # Hard links: CUDA has two gigabytes.
        shutil.copytree(folder, root / "opt" / package, symlinks=True, copy_function=os.link)
        documents = root / "usr" / "share" / "doc" / package
        documents.mkdir(parents=True)
        shutil.copy(folder / LICENCES, documents / "copyright")
        (root / "DEBIAN").mkdir()
        (root / "DEBIAN" / "control").write_text(
            CONTROL.format(
                package=package,
                version=version(),
                kilobytes=sum(path.lstat().st_size for path in root.rglob("*")) // 1024,
                section=kind.section,
                summary=kind.summary,
                description=kind.description,
            ),
            encoding="utf-8",
        )
        for path in [root, *root.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        target = out / f"{package}_{version()}_amd64.deb"
        packing = ["-Zzstd", f"-z{kind.level}"]
        words = ["dpkg-deb", "--root-owner-group", *packing, "--build", str(root), str(target)]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return target


def make_run(name: str, folder: Path, out: Path) -> Path:
    """Write sxtstudio-NAME-VERSION.run into ``out`` and return it: it installs into the home folder."""
    package = f"sxtstudio-{name}"
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        root = Path(scratch, "root")
        root.mkdir()
        shutil.copytree(folder, root / package, symlinks=True, copy_function=os.link)
        (root / "NAME").write_text(package + "\n", encoding="utf-8")
        shutil.copy(FILES / "put.sh", root / "put.sh")
        for script in ("install", "uninstall"):
            shutil.copy(FILES / f"{script}-add-on.sh", root / f"{script}.sh")
            (root / f"{script}.sh").chmod(0o755)
        target = out / f"{package}-{version()}.run"
        pack_run(root, target, f"{KINDS[name].summary} {version()}")
    return target


def main() -> None:
    """Make the packages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("name", choices=list(KINDS))
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--no-run", action="store_true", help="the .deb only")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if KINDS[arguments.name].stripped:
        slim(arguments.folder)
    made = [make_deb(arguments.name, arguments.folder, arguments.out)]
    if not arguments.no_run:
        made.append(make_run(arguments.name, arguments.folder, arguments.out))
    for file in made:
        print(f"{file} ({file.stat().st_size / 1e6:.0f} MB)")


if __name__ == "__main__":
    main()
