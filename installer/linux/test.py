"""Try the packages in bare systems: `make installer-test`, as root.

    python installer/linux/test.py dist [bookworm trixie run wheel]

Installs each package, runs the self-check and every command with the installed program, opens its window
and takes a picture of it (build/installer/pictures), spoils the installation and looks whether that is
said, upgrades, removes, and compares the files before and after.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from package import DEPENDS, LICENCES, version
from roots import HOME, USER, Failed, Root, end
from screen import Screen
from test_retrain import try_retraining

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = REPOSITORY / "build" / "installer"
TOOLS = {"debootstrap": "debootstrap", "unshare": "util-linux", "Xvfb": "xvfb", "gio": "libglib2.0-bin"}
# A folder of the bare systems for the packages; what is there is no trace of one.
CACHE = "var/cache"
WINDOW_SECONDS = 120
# A window of the program with a tomogram has hundreds of grey values.
COLOURS = 100
Program = Callable[..., str]


@contextmanager
def step(words: str) -> Iterator[None]:
    """Say what is done, and how long it took."""
    begin = time.monotonic()
    yield
    print(f"  {words}: {time.monotonic() - begin:.1f} s", flush=True)


def check(right: bool, words: str) -> None:
    """Raise Failed where something is not right."""
    if not right:
        raise Failed(words)


def self_check(run: Program) -> None:
    """All that must work in an installation works."""
    said = json.loads(re.sub(r"(?s)^.*?(?=^\{)", "", run("--selfcheck", "--json"), flags=re.MULTILINE))
    states = {part["name"]: part["state"] for part in said["parts"]}
    optional = {"retraining", "POV-Ray"}
    bad = {name: state for name, state in states.items() if state != "works" and name not in optional}
    check(said["works"] and not bad, f"the self-check says {bad}")


def commands(root: Root, run: Program) -> None:
    """Do the work of a day with the installed program, each result looked at."""
    home = root.folder / HOME[1:]
    shutil.copytree(REPOSITORY / "tests/data/deep_sxt_m4", home / "weights")
    shutil.copy(REPOSITORY / "resources/sample.tif", home / "My sample ä.tif")
    for path in [*(home / "weights").iterdir(), home / "My sample ä.tif", home / "weights"]:
        shutil.chown(path, USER, USER)
    sample = f"{HOME}/My sample ä.tif"
    with step("info"):
        told = json.loads(run("info", "--json", sample))
        check(told["shape_zyx"][0] > 30, f"info: {told}")
    with step("segment"):
        run("segment", sample, "-o", f"{HOME}/labels.tif", "--slices", "28:36", "--trust", "none")
    with step("clean"):
        run("clean", f"{HOME}/labels.tif", "-o", f"{HOME}/clean.mrc", "--close", "1", "--min-size", "50")
    with step("objects"):
        run("objects", f"{HOME}/clean.mrc", "-o", f"{HOME}/objects.tif", "--table", f"{HOME}/found.csv")
    with step("measure"):
        run("measure", f"{HOME}/objects.tif", "-o", f"{HOME}/objects.xlsx")
        run("measure", f"{HOME}/objects.tif", "-o", f"{HOME}/objects.csv")
        rows = (home / "objects.csv").read_text(encoding="utf-8-sig").splitlines()
        check(len(rows) > 3, f"measure found {len(rows)} rows")
    with step("surface and picture"):
        run("surface", f"{HOME}/clean.mrc", "-o", f"{HOME}/cell.glb", "--picture", f"{HOME}/cell.png")
        check((home / "cell.glb").read_bytes()[:4] == b"glTF", "cell.glb is none")
        check((home / "cell.png").stat().st_size > 5000, "cell.png is empty")
    with step("export for each program"):
        out = home / "exports"
        out.mkdir()
        shutil.chown(out, USER, USER)
        for program, name in (
            ("fiji", "labels.tif"), ("mib", "labels.model"), ("imod", "labels.mod"), ("amira", "labels.am"),
            ("chimerax", "labels.mrc"), ("slicer", "labels.seg.nrrd"), ("napari", "labels.ome.zarr"),
        ):  # fmt: skip
            words = ["--what", "objects", "--for", program, "-o", f"{HOME}/exports/{program}-{name}"]
            run("export", f"{HOME}/objects.tif", *words)
            check((out / f"{program}-{name}").exists(), f"nothing for {program}")
    with step("batch"):
        (home / "batch").mkdir()
        shutil.chown(home / "batch", USER, USER)
        words = ["--slices", "30:32", "--trust", "none", "--probability", f"{HOME}/small.tif"]
        run("segment", sample, "-o", f"{HOME}/few.mrc", *words)
        run("batch", f"{HOME}/small.tif", "-o", f"{HOME}/batch", "--trust", "none", "--polarity", "dark")
        check(any(path.suffix == ".tif" for path in (home / "batch").iterdir()), "batch wrote nothing")
    with step("published weights: import, and segment with them"):
        run("models", "import", f"{HOME}/weights/weights.h5", "--config", f"{HOME}/weights/model_config.json",
            "-o", "published")  # fmt: skip
        run("segment", sample, "-o", f"{HOME}/published.tif", "--slices", "30:32", "--model", "published")
        check("published" in run("models"), "the imported model is not listed")


def project(root: Root, run: Program) -> None:
    """A project of the checkout is opened, exported and run again by the installed program."""
    home = root.folder / HOME[1:]
    make = REPOSITORY / "installer" / "linux" / "make_project.py"
    where = {**os.environ, "PYTHONPATH": str(REPOSITORY), "SXTSTUDIO_WORK": str(BUILD / "sessions")}
    subprocess.run(
        [sys.executable, str(make), str(home / "My sample ä.tif"), str(home / "cell.sxt")],
        check=True,
        env=where,
    )
    for path in [home / "cell.sxt", *(home / "cell.sxt").rglob("*")]:
        shutil.chown(path, USER, USER)
    tomogram = ["--tomogram", f"{HOME}/My sample ä.tif"]
    with step("project: export of objects and of all results"):
        words = ["--what", "objects", "--for", "fiji", "-o", f"{HOME}/of-project.tif"]
        run("export", f"{HOME}/cell.sxt", *words, *tomogram)
        run("export", f"{HOME}/cell.sxt", "--results", "-o", f"{HOME}/results", *tomogram)
        check((home / "results/ro-crate-metadata.json").is_file(), "no results")


def window(root: Root, screen: Screen, program: str, name: str, *words: str) -> None:
    """Open the window, wait until it shows something, and take a picture."""
    begin = time.monotonic()
    process = root.started(program, *words)
    try:
        while screen.colours() < COLOURS:
            check(process.poll() is None, f"{program} ended with code {process.returncode}")
            check(time.monotonic() - begin < WINDOW_SECONDS, f"no window after {WINDOW_SECONDS} s")
            time.sleep(0.5)
        print(f"  window with its content: after {time.monotonic() - begin:.1f} s", flush=True)
        time.sleep(5)
        check(process.poll() is None, f"{program} ended with code {process.returncode}")
        screen.save(BUILD / "pictures" / f"{name}.png")
    finally:
        end(process)
    while screen.colours() >= COLOURS:
        check(time.monotonic() - begin < 2 * WINDOW_SECONDS, "the window is still there")
        time.sleep(0.5)


def file_types(share: Path, home: Path) -> None:
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
    shutil.copy(home / "clean.mrc", home / "tomogram.rec")
    shutil.copy(home / "clean.mrc", home / "tomogram-without-ending")
    for name in ("clean.mrc", "tomogram.rec", "tomogram-without-ending"):
        words = ["gio", "info", "-a", "standard::content-type", str(home / name)]
        said = subprocess.run(words, env=where, capture_output=True, text=True).stdout
        check("application/x-mrc" in said, f"{name} is not known as a tomogram: {said}")
    said = subprocess.run(
        ["gio", "mime", "application/x-mrc"], env=where, capture_output=True, text=True
    ).stdout  # fmt: skip
    check("sxtstudio.desktop" in said, f"no program opens tomograms: {said}")
    check((share / "icons/hicolor/scalable/apps/sxtstudio.svg").is_file(), "the icon is missing")


def spoilt(root: Root, run: Program, internal: Path) -> None:
    """What is missing in an installation is said, and no settings can be written is no reason to fail."""
    with step("half of a package missing"):
        for part, failing in (("models", "files"), ("vtkmodules", "3D picture")):
            (internal / part).rename(internal / "away")
            said = run("--selfcheck", code=1)
            (internal / "away").rename(internal / part)
            line = next((line for line in said.splitlines() if line.startswith(f"{failing}:")), said)
            check("failed" in line, f"without {part} the self-check says: {line}")
    with step("no write access to settings"):
        run("--selfcheck", home="/usr")


def try_deb(suite: str, deb: Path, screen: Screen) -> Root:
    """Everything with the .deb in one system."""
    print(f"{suite}: {deb.name}", flush=True)
    with step("a bare system, with what the package depends on"):
        root = Root.fresh(suite, BUILD / "roots", screen.name)
        root.run("apt-get", "update", user=0)
        needs = ", ".join((*DEPENDS, "libgl1-mesa-dri"))
        root.run("apt-get", "satisfy", "-y", "--no-install-recommends", needs, user=0)
    before = root.files()
    shutil.copy(deb, root.folder / CACHE / deb.name)
    installed = root.folder / "opt/sxtstudio"

    def run(*words: str, **more: object) -> str:
        return root.run("sxtstudio", *words, **more)  # type: ignore[arg-type]

    with step("an older version"):
        old = BUILD / "old"
        shutil.rmtree(old, ignore_errors=True)
        (old / "opt/sxtstudio").mkdir(parents=True)
        (old / "opt/sxtstudio/of-the-old-one.txt").write_text("old", encoding="utf-8")
        (old / "DEBIAN").mkdir()
        lines = [
            "Package: sxtstudio",
            "Version: 0.0.1",
            "Architecture: amd64",
            "Maintainer: none",
            "Description: x",
        ]
        (old / "DEBIAN/control").write_text("\n".join(lines) + "\n", encoding="utf-8")
        words = [
            "dpkg-deb",
            "--root-owner-group",
            "-Znone",
            "--build",
            str(old),
            str(root.folder / CACHE / "old.deb"),
        ]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        root.run("dpkg", "-i", f"/{CACHE}/old.deb", user=0)
    with step("install over it"):
        root.run("apt-get", "install", "-y", "--no-install-recommends", f"/{CACHE}/{deb.name}", user=0)
        check(not (installed / "of-the-old-one.txt").exists(), "a file of the older version is left")
        check(version() in run("--version"), "the version is another")
        check((root.folder / "usr/share/doc/sxtstudio" / LICENCES).is_file(), "no licences")
    with step("self-check"):
        self_check(run)
    commands(root, run)
    file_types(root.folder / "usr/share", root.folder / HOME[1:])
    window(root, screen, "sxtstudio", suite, "gui", f"{HOME}/clean.mrc")
    window(
        root, screen, "sxtstudio", f"{suite}-sample", "gui", "/opt/sxtstudio/_internal/resources/sample.tif"
    )
    project(root, run)
    with step("retraining, by the package for it"):
        try_retraining(deb.parent, root, "sxtstudio", deb=True)
    spoilt(root, run, installed / "_internal")
    with step("remove, and compare the files"):
        root.run("apt-get", "purge", "-y", "sxtstudio", user=0)
        left = {name for name in root.files() - before if not name.startswith(HOME[1:] + "/")}
        left -= {"usr/share/applications/mimeinfo.cache"}  # it is made anew for all programs
        cache = root.folder / "usr/share/applications/mimeinfo.cache"
        check(not left, f"left behind: {sorted(left)[:20]}")
        check(not cache.exists() or "sxtstudio" not in cache.read_text(), "mimeinfo.cache names it")
        check((root.folder / HOME[1:] / "cell.sxt/project.json").is_file(), "data of the user are gone")
    return root


def try_run(file: Path, root: Root, screen: Screen) -> None:
    """The .run, by a user who is not root, in a system that has had what the .deb depends on."""
    print(f"{file.name}, without root", flush=True)
    home = root.folder / HOME[1:]
    shutil.rmtree(home)
    home.mkdir()
    shutil.chown(home, USER, USER)
    shutil.copy(file, root.folder / CACHE / file.name)
    installer = f"/{CACHE}/{file.name}"
    before = root.files()
    program = f"{HOME}/.local/bin/sxtstudio"

    def run(*words: str, **more: object) -> str:
        return root.run(program, *words, **more)  # type: ignore[arg-type]

    with step("install"):
        root.run("sh", installer)
    with step("self-check"):
        self_check(run)
    with step("install over it"):
        root.run("sh", installer)
        check(version() in run("--version"), "the version is another")
        check(not list((home / ".local/lib").glob("sxtstudio.*")), "a former version is left")
    entry = (home / ".local/share/applications/sxtstudio.desktop").read_text(encoding="utf-8")
    check(f'Exec="{HOME}/.local/lib/sxtstudio/sxtstudio" gui %f' in entry, f"the menu entry: {entry}")
    window(root, screen, program, "run", "gui", f"{HOME}/.local/lib/sxtstudio/_internal/resources/sample.tif")
    with step("retraining, by the .run for it"):
        try_retraining(file.parent, root, program, deb=False)
    with step("uninstall, and compare the files"):
        root.run(f"{HOME}/.local/lib/sxtstudio/uninstall.sh")
        left = {
            name for name in root.files() - before if not re.search(r"/\.(config|cache|local/state)\b", name)
        }
        left = {name for name in left if not (root.folder / name).is_dir()}
        left -= {f"{HOME[1:]}/.local/share/applications/mimeinfo.cache"}
        left = {name for name in left if "/.local/share/mime/" not in name or "sxt" in name}
        check(not left, f"left behind: {sorted(left)[:20]}")
    for disk, why in (("size=400m", "too few bytes"), ("size=3g,nr_inodes=300", "too few files")):
        with step(f"full disk: {why}"):
            full_disk(root, installer, disk)


def full_disk(root: Root, installer: str, disk: str) -> None:
    """A version that works stays as it was where the new one does not fit."""
    script = (
        "mkdir -p /small/lib/sxtstudio; "
        "printf '#!/bin/sh\\necho the former version\\n' > /small/lib/sxtstudio/sxtstudio; "
        "chmod +x /small/lib/sxtstudio/sxtstudio; "
        f"SXTSTUDIO_PREFIX=/small sh '{installer}' && exit 9; "
        "ls /small/lib; /small/lib/sxtstudio/sxtstudio"
    )
    said = root.run("sh", "-c", script, small_disk=f"{disk},mode=1777")
    ending = said.strip().splitlines()[-2:]
    check(ending == ["sxtstudio", "the former version"], f"a full disk: {said[-600:]}")


def try_wheel(screen: Screen) -> None:
    """The wheel in a fresh environment, outside of the checkout."""
    print("wheel", flush=True)
    folder = BUILD / "wheel"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    quiet = ["--quiet", "--disable-pip-version-check"]
    with step("build"):
        clean = folder / "source"
        words = ["git", "-C", str(REPOSITORY), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        for name in subprocess.run(words, check=True, capture_output=True).stdout.decode().split("\0"):
            source = REPOSITORY / name
            if name and source.is_file():
                (clean / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, clean / name)
        pip = [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            *quiet,
            "--no-deps",
            "--no-build-isolation",
            "-w",
            str(folder),
        ]
        subprocess.run([*pip, str(clean)], check=True)
        shutil.rmtree(clean)
    with step("install into a fresh environment"):
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
        (wheel,) = folder.glob("*.whl")
        words = [str(folder / "venv/bin/python"), "-m", "pip", "install", *quiet, str(wheel)]
        lock = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
        versions = folder / "versions.txt"  # with hashes, pip would want one of the wheel as well
        versions.write_text(re.sub(r"( \\)?\n +--hash=\S+", "", lock), encoding="utf-8")
        subprocess.run([*words, "-c", str(versions)], check=True)
    with step("self-check"):
        where = {**os.environ, "DISPLAY": screen.name, "HOME": str(folder), "LIBGL_ALWAYS_SOFTWARE": "1"}
        where.pop("PYTHONPATH", None)

        def run(*words: str) -> str:
            done = subprocess.run(
                [str(folder / "venv/bin/sxtstudio"), *words],
                cwd=folder,
                env=where,
                capture_output=True,
                text=True,
            )
            check(
                done.returncode == 0,
                f"exit code {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}",
            )
            return done.stdout

        self_check(run)
    shutil.rmtree(folder)


def main() -> int:
    """Try what was asked for, or all; the exit code says whether all is well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("dist", type=Path)
    parser.add_argument("what", nargs="*", default=["bookworm", "trixie", "run", "wheel"])
    arguments = parser.parse_args()
    missing = [package for tool, package in TOOLS.items() if shutil.which(tool) is None]
    if missing:
        print(f"Please run:  sudo apt-get install -y {' '.join(missing)}", file=sys.stderr)
        return 2
    if os.geteuid() != 0:
        print("Bare systems can be made by root only: sudo make installer-test", file=sys.stderr)
        return 2
    deb = arguments.dist / f"sxtstudio_{version()}_amd64.deb"
    file = arguments.dist / f"sxtstudio-{version()}.run"
    begin = time.monotonic()
    screen = Screen(BUILD / "screen")
    try:
        root = None
        for suite in ("bookworm", "trixie"):
            if suite in arguments.what or (suite == "bookworm" and "run" in arguments.what and root is None):
                root = try_deb(suite, deb, screen)
        if "run" in arguments.what and root is not None:
            try_run(file, root, screen)
        if "wheel" in arguments.what:
            try_wheel(screen)
    except Failed as failed:
        print(f"FAILED: {failed}", file=sys.stderr)
        return 1
    finally:
        screen.close()
    print(f"All is well, after {(time.monotonic() - begin) / 60:.1f} min.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
