"""Try the packages in bare systems: `make installer-test`, as root.

    python installer/linux/test.py dist [bookworm trixie run wheel]

bookworm    Debian 12, .deb: full disk, upgrade with projects of the version before, work in the window, the
            same results as this checkout, all other commands, damage, removal
trixie      Debian 13, .deb: the commands of the main work, POV-Ray, no OpenGL, two windows, retraining
            in the window, removal
run         the .run without root, in the first of both systems: twice over itself, read-only, full disks
wheel       in a fresh environment

Where there are two processors, bookworm and run go on beside trixie and wheel, each pair in a lane with
systems and a screen of its own (build/installer/LANE.log grows meanwhile). Pictures of all windows are in
build/installer/pictures.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import bad_cases
import day_of_work
import upgrade
from contents import check_contents
from desktop_files import check_file_types, check_nothing_left
from package import DEPENDS, LICENCES, version
from roots import HOME, Failed, Root
from screen import Screen
from steps import BUILD, CACHE, LANE, check, step
from test_nvidia import try_nvidia
from test_retrain import try_retraining
from wheel import try_wheel
from window_work import show, work_in_window

TOOLS = {
    "debootstrap": "debootstrap", "unshare": "util-linux", "Xvfb": "xvfb", "gio": "libglib2.0-bin",
    "xdotool": "xdotool", "tesseract": "tesseract-ocr", "ar": "binutils", "cc": "gcc",
}  # fmt: skip
_INTERNAL = "/opt/sxtstudio/_internal"
_FIRST_VIEW_S = 180
# What can run side by side; the .run wants the system that the .deb has used.
_LANES = (("bookworm", "run"), ("trixie", "wheel"))


def prepared(suite: str, screen: Screen, *more: str) -> Root:
    """Return a fresh system with what the package depends on, and other packages."""
    with step("a bare system, with what the package depends on"):
        needs = ", ".join((*DEPENDS, "libgl1-mesa-dri", *more))
        return Root.fresh(suite, BUILD / "roots", screen.name, needs)


def install(root: Root, name: str) -> float:
    """Install a .deb; return the seconds."""
    begin = time.monotonic()
    with step(f"install {name}"):
        root.run("apt-get", "install", "-y", "--no-install-recommends", f"/{CACHE}/{name}", user=0)
    return time.monotonic() - begin


def say_first_view(seconds: float) -> None:
    """Say how long it took from the package on disk to the first 3D view of the sample."""
    verdict = "less than" if seconds < _FIRST_VIEW_S else "MORE THAN"
    print(f"  FROM THE PACKAGE TO THE SAMPLE IN 3D: {seconds:.0f} s, {verdict} 3 minutes", flush=True)


def remove(root: Root, before: set[str]) -> None:
    """Remove the .deb; nothing is left but the user's own."""
    with step("remove, and compare the files"):
        root.run("apt-get", "purge", "-y", "sxtstudio", user=0)
        left = {name for name in root.files() - before if not name.startswith(HOME[1:] + "/")}
        check_nothing_left(left, root.folder / "usr/share")
        check((root.folder / HOME[1:] / "cell.sxt/project.json").is_file(), "data of the user are gone")


def try_bookworm(deb: Path, screen: Screen) -> Root:
    """Debian 12: an upgrade, all commands, and damage."""
    print(f"Debian 12: {deb.name}", flush=True)
    root = prepared("bookworm", screen)
    before = root.files()
    packages = root.folder / CACHE
    shutil.copy(deb, packages / deb.name)
    upgrade.stub(packages / "stub.deb")
    upgrade.renumbered(deb, packages / "former.deb")

    def run(*words: str, **more: object) -> str:
        return root.run("sxtstudio", *words, **more)  # type: ignore[arg-type]

    bad_cases.full_disk_of_deb(root, f"/{CACHE}/stub.deb", f"/{CACHE}/{deb.name}")
    root.run("dpkg", "-i", f"/{CACHE}/stub.deb", user=0)
    seconds = install(root, "former.deb")
    check(not (root.folder / "opt/sxtstudio/of-the-old-one.txt").exists(), "a file of the stub is left")
    saved = f"{HOME}/of the version before.sxt"
    sample = f"{_INTERNAL}/resources/sample.tif"
    say_first_view(seconds + work_in_window(root, screen, "sxtstudio", "bookworm", sample, saved))
    words = ["export", saved, "--what", "objects", "--for", "fiji", "-o"]
    run(*words, f"{HOME}/before.tif")
    install(root, deb.name)
    check(version() in run("--version"), "the version is another")
    check((root.folder / "usr/share/doc/sxtstudio" / LICENCES).is_file(), "no licences")
    with step("a project of the version before"):
        run(*words, f"{HOME}/after.tif")
        made = [(root.folder / HOME[1:] / name).read_bytes() for name in ("before.tif", "after.tif")]
        check(made[0] == made[1], "the objects of the project are others")
        show(root, screen, "sxtstudio", "bookworm-project", saved)
    day_of_work.rerun(run, saved)
    with step("self-check"):
        day_of_work.self_check(run)
    check_contents(root, run)
    day_of_work.bring_data(root)
    day_of_work.main_work(root, run)
    day_of_work.same_as_checkout(root)
    day_of_work.more_work(root, run)
    day_of_work.project_work(root, run)
    day_of_work.older_projects(root, run)
    check_file_types(root.folder / "usr/share", root.folder / HOME[1:])
    bad_cases.half_missing(root, run, _INTERNAL)
    remove(root, before)
    return root


def try_trixie(deb: Path, screen: Screen) -> Root:
    """Debian 13, with newer libraries than those of the machine that built it."""
    print(f"Debian 13: {deb.name}", flush=True)
    root = prepared("trixie", screen, "povray")
    before = root.files()
    shutil.copy(deb, root.folder / CACHE / deb.name)

    def run(*words: str, **more: object) -> str:
        return root.run("sxtstudio", *words, **more)  # type: ignore[arg-type]

    install(root, deb.name)
    with step("self-check"):
        day_of_work.self_check(run, day_of_work.OPTIONAL - {"POV-Ray"})
    day_of_work.bring_data(root)
    day_of_work.main_work(root, run)
    day_of_work.povray_draws(root, run)
    check_file_types(root.folder / "usr/share", root.folder / HOME[1:])
    show(root, screen, "sxtstudio", "trixie", f"{HOME}/clean.mrc")
    bad_cases.second_instance(root, screen, "sxtstudio", "trixie")
    bad_cases.no_opengl(root, run, screen, "sxtstudio", "trixie")
    with step("retraining, by the package for it"):
        try_retraining(deb.parent, root, screen, "sxtstudio", deb=True)
    with step("without a card, with an old driver, without or with CUDA"):
        try_nvidia(deb.parent, root, "sxtstudio")
    remove(root, before)
    return root


def try_run(file: Path, root: Root, screen: Screen) -> None:
    """The .run, by a user who is not root, in a system that has had what the .deb depends on."""
    print(f"{file.name}, without root", flush=True)
    home = root.folder / HOME[1:]
    shutil.rmtree(home)
    home.mkdir()
    root.give(home)
    shutil.copy(file, root.folder / CACHE / file.name)
    installer = f"/{CACHE}/{file.name}"
    before = root.files()
    program, installed = f"{HOME}/.local/bin/sxtstudio", f"{HOME}/.local/lib/sxtstudio"

    def run(*words: str, **more: object) -> str:
        return root.run(program, *words, **more)  # type: ignore[arg-type]

    begin = time.monotonic()
    with step("install"):
        root.run("sh", installer)
    seconds = time.monotonic() - begin
    sample = f"{installed}/_internal/resources/sample.tif"
    project = f"{HOME}/cell.sxt"
    say_first_view(seconds + work_in_window(root, screen, program, "run", sample, project))
    with step("self-check"):
        day_of_work.self_check(run)
    with step("install over it"):
        root.run("sh", installer)
        check(version() in run("--version"), "the version is another")
        check(not list((home / ".local/lib").glob("sxtstudio.*")), "a former version is left")
    entry = (home / ".local/share/applications/sxtstudio.desktop").read_text(encoding="utf-8")
    check(f'Exec="{installed}/sxtstudio" gui %f' in entry, f"the menu entry: {entry}")
    with step("the project from before"):
        run("export", project, "--what", "labels", "--for", "mib", "-o", f"{HOME}/labels.model")
    with step("retraining, by the .run for it"):
        try_retraining(file.parent, root, screen, program, deb=False)
    bad_cases.nothing_can_be_written(root, run, screen, program, "run", installed)
    with step("uninstall, and compare the files"):
        root.run(f"{installed}/uninstall.sh")
        check((home / "cell.sxt/project.json").is_file(), "data of the user are gone")
        names = ("cell.sxt", "labels.model", ".config", ".cache", ".local/state")
        own = tuple(f"{HOME[1:]}/{name}" for name in names)
        left = {name for name in root.files() - before if not name.startswith(own)}
        left = {name for name in left if not (root.folder / name).is_dir()}
        check_nothing_left(left, home / ".local/share")
    bad_cases.full_disk_of_run(root, installer)


@contextmanager
def timed(part: str) -> Iterator[None]:
    """Say how long a part took, and how busy the machine was with all that ran there."""
    begin = time.monotonic()
    yield
    load = os.getloadavg()[2]
    print(f"{part}: passed in {(time.monotonic() - begin) / 60:.1f} min, at a load of {load:.0f}", flush=True)


def try_in_lanes(dist: Path, lanes: Sequence[Sequence[str]]) -> bool:
    """Try what is in each lane, one lane beside the other; return whether all is well."""
    running, outputs = [], []
    BUILD.mkdir(parents=True, exist_ok=True)
    for what in lanes:
        name = "-".join(what)
        words = [sys.executable, __file__, str(dist), *what]
        output = BUILD / f"{name}.log"
        with output.open("w", encoding="utf-8") as file:
            where = {**os.environ, LANE: name}
            running.append(subprocess.Popen(words, env=where, stdout=file, stderr=subprocess.STDOUT))
        outputs.append(output)
        print(f"{' and '.join(what)}: follow it in {output}", flush=True)
    try:
        for process, output in zip(running, outputs, strict=True):
            process.wait()
            print(output.read_text(encoding="utf-8"), end="", flush=True)
    finally:
        for process in running:
            process.terminate()
    return not any(process.returncode for process in running)


def try_one_by_one(dist: Path, what: Sequence[str]) -> bool:
    """Try one after another; return whether all is well."""
    deb, file = dist / f"sxtstudio_{version()}_amd64.deb", dist / f"sxtstudio-{version()}.run"
    screen = Screen(BUILD / "screen")
    try:
        root = None
        if "bookworm" in what:
            with timed("Debian 12, .deb"):
                root = try_bookworm(deb, screen)
        if "run" in what:
            with timed("Debian 12, .run"):
                try_run(file, root or prepared("bookworm", screen), screen)
        if "trixie" in what:
            with timed("Debian 13, .deb"):
                try_trixie(deb, screen)
        if "wheel" in what:
            with timed("wheel"):
                try_wheel(screen)
    except Failed as failed:
        print(f"FAILED: {failed}", flush=True)
        return False
    finally:
        screen.close()
    return True


def main() -> int:
    """Try what was asked for, or all; the exit code says whether all is well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("dist", type=Path)
    parser.add_argument("what", nargs="*", default=[part for lane in _LANES for part in lane])
    arguments = parser.parse_args()
    missing = [package for tool, package in TOOLS.items() if shutil.which(tool) is None]
    if missing:
        print(f"Please run:  sudo apt-get install -y {' '.join(missing)}", file=sys.stderr)
        return 2
    if os.geteuid() != 0:
        print("Bare systems can be made by root only: sudo make installer-test", file=sys.stderr)
        return 2
    begin = time.monotonic()
    dist = arguments.dist.resolve()
    lanes = [asked for lane in _LANES if (asked := [part for part in lane if part in arguments.what])]
    if len(lanes) > 1 and (os.cpu_count() or 1) > 1:
        well = try_in_lanes(dist, lanes)
    else:
        well = try_one_by_one(dist, arguments.what)
    if well:
        print(f"All is well, after {(time.monotonic() - begin) / 60:.1f} min.")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
