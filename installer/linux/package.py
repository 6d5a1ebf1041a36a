"""The folder that PyInstaller made as Linux packages: a .deb, and a .run that needs no root.

    python installer/linux/package.py FOLDER OUT      FOLDER is dist/sxtstudio

Nothing but Python's own library, dpkg-deb and makeself is needed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
from bundled_libraries import must_stay_unchanged  # noqa: E402

ROOT = HERE.parents[1]
FILES = HERE / "files"
LICENCES, SBOM = "THIRD-PARTY-LICENCES.txt", "sbom.cdx.json"
PT_LOAD = 1
MAKESELF_HEADER = Path("/usr/share/makeself/makeself-header.sh")
# What makeself's script is changed in: the name of its folder, and that no failure leaves the folder behind.
_ITS_FOLDER, _OUR_FOLDER = r"selfgz\$\$\$RANDOM", r"sxtstudio-setup.\$\$.\$RANDOM"
_ITS_FOLDER_IS_MADE = 'location="\\`pwd\\`"\n'
_IT_GOES_AT_THE_END = (
    r"""if test x"\$keep" = xn; then trap 'cd /; rm -rf "\$tmpdir"' 0; fi""" + "\n" + _ITS_FOLDER_IS_MADE
)
# What must be the system's own; see bundle.spec.
DEPENDS = (
    "libc6 (>= 2.35)", "libstdc++6 (>= 12)", "libgcc-s1", "zlib1g", "libgl1", "libegl1", "libx11-6",
    "libx11-xcb1", "libxcb1", "libxext6", "libxrender1", "libxau6", "libexpat1", "libfontconfig1",
    "libfreetype6", "libdbus-1-3", "libglib2.0-0 | libglib2.0-0t64", "desktop-file-utils",
    "shared-mime-info",
)  # fmt: skip
CONTROL = """\
Package: sxtstudio
Version: {version}
Architecture: amd64
Maintainer: {maintainer}
Installed-Size: {kilobytes}
Section: science
Priority: optional
Depends: {depends}
Recommends: libgl1-mesa-dri
Suggests: sxtstudio-retrain, sxtstudio-cuda, povray
Description: {summary}
 SXT Studio opens a reconstructed tomogram, outlines its membranes with a neural
 network, finds and measures objects, shows them in 3D, and exports files for
 ImageJ, MIB, IMOD and other programs. It brings all that it needs.
"""


def version() -> str:
    """Return the version of the program."""
    return str(project()["version"])


def project() -> dict[str, object]:
    """Return what pyproject.toml says of the program."""
    return dict(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"])


def slim(bundle: Path) -> None:
    """Take from the libraries of the bundle what only debuggers need: a fifth of them.

    Those whose licence allows no change of them stay as they are.
    """
    for path in sorted(bundle.rglob("*.so*")):
        if path.is_symlink() or not path.is_file() or must_stay_unchanged(path):
            continue
        stripped = path.with_name(path.name + ".stripped")
        words = ["strip", "--strip-unneeded", "-o", str(stripped), str(path)]
        done = subprocess.run(words, capture_output=True)
        # Libraries that were changed by patchelf, such as OpenBLAS of NumPy's wheels, cannot be loaded then.
        if done.returncode == 0 and is_loadable(stripped):
            shutil.copymode(path, stripped)
            stripped.replace(path)
        stripped.unlink(missing_ok=True)


def is_loadable(library: Path) -> bool:
    """Return whether each segment of a 64-bit ELF file lies in the file as it must lie in memory."""
    data = library.read_bytes()
    if data[:5] != b"\x7fELF\x02":
        return False
    (table,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for number in range(count):
        kind, _, offset, address = struct.unpack_from("<IIQQ", data, table + number * size)
        (align,) = struct.unpack_from("<Q", data, table + number * size + 48)
        if kind == PT_LOAD and align > 1 and (offset - address) % align:
            return False
    return True


def menu_files(share: Path) -> None:
    """Put the menu entry, the file type and the icon below a ``share`` folder."""
    for name, folder in (
        (FILES / "sxtstudio.desktop", "applications"),
        (FILES / "sxtstudio.xml", "mime/packages"),
        (ROOT / "resources" / "icons" / "sxtstudio.svg", "icons/hicolor/scalable/apps"),
    ):
        (share / folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(name, share / folder / name.name)


def make_deb(bundle: Path, out: Path) -> Path:
    """Write sxtstudio_VERSION_amd64.deb into ``out`` and return it."""
    facts = project()
    with tempfile.TemporaryDirectory(dir=out) as folder:
        root = Path(folder, "root")
        shutil.copytree(bundle, root / "opt" / "sxtstudio", symlinks=True)
        (root / "usr" / "bin").mkdir(parents=True)
        (root / "usr" / "bin" / "sxtstudio").symlink_to("/opt/sxtstudio/sxtstudio")
        menu_files(root / "usr" / "share")
        documents = root / "usr" / "share" / "doc" / "sxtstudio"
        documents.mkdir(parents=True)
        shutil.copy(ROOT / "LICENSE", documents / "copyright")
        shutil.copy(ROOT / "CHANGELOG.md", documents / "CHANGELOG.md")
        for name in (LICENCES, SBOM):
            shutil.copy(bundle / "_internal" / name, documents / name)
        kilobytes = sum(p.lstat().st_size for p in root.rglob("*")) // 1024
        (root / "DEBIAN").mkdir()
        (root / "DEBIAN" / "control").write_text(
            CONTROL.format(
                version=version(),
                maintainer="SXT Studio <none@example.org>",
                kilobytes=kilobytes,
                depends=", ".join(DEPENDS),
                summary=facts["description"],
            ),
            encoding="utf-8",
        )
        for path in [root, *root.rglob("*")]:
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        target = out / f"sxtstudio_{version()}_amd64.deb"
        words = ["dpkg-deb", "--root-owner-group", "-Zzstd", "-z10", "--build", str(root), str(target)]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return target


def make_run(bundle: Path, out: Path) -> Path:
    """Write sxtstudio-VERSION.run into ``out`` and return it: it installs into the home folder."""
    with tempfile.TemporaryDirectory(dir=out) as folder:
        root = Path(folder, "root")
        root.mkdir()
        # Hard links: the bundle has a gigabyte.
        shutil.copytree(bundle, root / "sxtstudio", symlinks=True, copy_function=os.link)
        menu_files(root / "share")
        for name in ("install.sh", "put.sh", "uninstall.sh"):
            shutil.copy(FILES / name, root / name)
            (root / name).chmod(0o755)
        target = out / f"sxtstudio-{version()}.run"
        pack_run(root, target, f"SXT Studio {version()}")
    return target


def pack_run(root: Path, target: Path, title: str) -> None:
    """Make a .run of ``root`` that runs the ``install.sh`` in it; every system can unpack it (gzip).

    It unpacks into a folder of our name, so that put.sh finds what a killed one left.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".sh", dir=target.parent) as header:
        header.write(run_header(MAKESELF_HEADER.read_text(encoding="utf-8")))
        header.flush()
        words = ["makeself", "--gzip", "--complevel", "6", "--nox11", "--quiet", "--header", header.name]
        subprocess.run([*words, str(root), str(target), title, "./install.sh"], check=True)


def run_header(text: str) -> str:
    """Return makeself's script for a .run that unpacks into a folder of our name, which goes however it ends.

    Raises
    ------
    SystemExit
        If this makeself makes its folder otherwise.
    """
    for its, ours in ((_ITS_FOLDER, _OUR_FOLDER), (_ITS_FOLDER_IS_MADE, _IT_GOES_AT_THE_END)):
        if text.count(its) != 1:
            raise SystemExit(f"{MAKESELF_HEADER} has no longer one {its.strip()}: look how it unpacks now.")
        text = text.replace(its, ours)
    return text


def main() -> None:
    """Make both packages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    slim(arguments.bundle)
    shutil.copy(
        arguments.bundle / "_internal" / SBOM, arguments.out / f"sxtstudio-{version()}-linux-x86_64.{SBOM}"
    )
    for made in (make_deb(arguments.bundle, arguments.out), make_run(arguments.bundle, arguments.out)):
        print(f"{made} ({made.stat().st_size / 1e6:.0f} MB)")


if __name__ == "__main__":
    main()
