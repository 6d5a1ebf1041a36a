"""What goes wrong on other people's computers: the program says it in a sentence, and nothing is lost."""

from __future__ import annotations

import re
import time

from roots import HOME, Change, Root, patience
from screen import Screen
from steps import Program, check, step
from window_work import Window, show

_LIBRARIES = "/usr/lib/x86_64-linux-gnu"
# Mesa's drivers: what libgl1-mesa-dri brings, which not every system has.
_DRIVERS = (f"{_LIBRARIES}/dri", f"{_LIBRARIES}/libgallium*", "/usr/share/glvnd/egl_vendor.d")
_HALVES: tuple[tuple[tuple[str, ...], set[str]], ...] = (
    # What is missing of the program's folder; the parts of the self-check that must say so.
    (("vtkmodules", "PySide6", "imageio_ffmpeg"), {"3D picture", "window", "movies"}),
    (("models", "imagecodecs"), {"files", "segmentation", "compression"}),
    (("onnxruntime", "resources/sample.tif"), {"files", "device", "segmentation"}),
)


def failed_parts(said: str) -> set[str]:
    """Return the parts that a self-check says failed."""
    return {line.partition(":")[0] for line in said.splitlines() if re.match(r"[^:]+:\s+failed ", line)}


def half_missing(root: Root, run: Program, internal: str) -> None:
    """Where half of the package is missing, the self-check names that half, and tries the other one."""
    for missing, failing in _HALVES:
        with step(f"missing: {', '.join(missing)}"):
            hidden = Change(hidden=tuple(f"{internal}/{name}" for name in missing))
            said = run("--selfcheck", code=1, change=hidden)
            failed = failed_parts(said)
            check(failing <= failed, f"the self-check says that {failed} failed: {said[-3000:]}")
            check("tables" not in failed and "objects" not in failed, f"what is there failed: {said[-3000:]}")
    with step("missing: numpy"):
        said = run("--selfcheck", code=1, change=Change(hidden=(f"{internal}/numpy",)))
        check("numpy" in said and "Traceback" not in said, f"without numpy: {said[-1000:]}")
    with step("missing: PySide6, and a window is wanted"):
        said = run("gui", code=2, change=Change(hidden=(f"{internal}/PySide6",)))
        check("missing or damaged" in said and "Traceback" not in said, f"without Qt: {said[-1000:]}")


def no_opengl(root: Root, run: Program, screen: Screen, program: str, name: str) -> None:
    """Without a driver the window opens and says why there is no 3D; without libGL, which package has it."""
    without_drivers = Change(hidden=_DRIVERS)
    with step("no OpenGL driver: the self-check"):
        said = run("--selfcheck", code=1, change=without_drivers)
        check(failed_parts(said) == {"3D picture"}, f"the self-check says: {said[-3000:]}")
        check("libgl1-mesa-dri" in said, f"the package is not named: {said[-3000:]}")
    with step("no OpenGL driver: the window, and 3D in it"):
        with Window(root, screen, program, f"{HOME}/clean.mrc", change=without_drivers) as window:
            window.content()
            window.idle()
            window.keys("ctrl+3")
            window.until(lambda: "No 3D view" in window.log(), "the reason why there is no 3D view")
            check("libgl1-mesa-dri" in window.log(), f"the log says: {window.log()[-1000:]}")
            window.picture(f"{name}-no-opengl")
    for library, package in (("libGL.so.1", "libgl1"), ("libEGL.so.1", "libegl1")):
        with step(f"no {library}"):
            said = run("gui", code=2, change=Change(hidden=(f"{_LIBRARIES}/{library}*",)))
            check(f"-y {package}" in said and "Traceback" not in said, f"without {library}: {said[-1000:]}")


def nothing_can_be_written(
    root: Root, run: Program, screen: Screen, program: str, name: str, installed: str
) -> None:
    """The installation is read-only, and so is the folder of the settings: all the same."""
    with step("read-only installation"):
        run("--selfcheck", change=Change(read_only=installed))
    with step("no write access to settings"):
        run("--selfcheck", home="/usr")
        sample = f"{installed}/_internal/resources/sample.tif"
        show(root, screen, program, f"{name}-no-settings", sample, home="/usr")


def second_instance(root: Root, screen: Screen, program: str, name: str) -> None:
    """Two windows at once, and a project that is open in the other one: nobody ends, nothing is lost."""
    project = root.folder / HOME[1:] / "cell.sxt"
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    words = (program, f"{HOME}/cell.sxt")
    with step("two windows with the same project"):
        with Window(root, screen, *words) as first:
            first.content()
            first.idle()
            with Window(root, screen, *words) as second:
                last = time.monotonic() + patience(120)
                while len(second.titles()) < 3:  # two windows, and the question of the second
                    second.alive()
                    check(time.monotonic() < last, f"no word about the other window: {second.titles()}")
                    time.sleep(0.5)
                time.sleep(3)
                first.alive()
                second.picture(f"{name}-second-instance")
                second.finish()
            first.alive()
    left = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    changed = {path.name for path, content in before.items() if left.get(path) != content}
    check(not changed, f"the project is another one: {sorted(changed)}")


def full_disk_of_run(root: Root, installer: str) -> None:
    """A version that works stays as it was where the new one of a .run does not fit."""
    script = (
        "mkdir -p /small/lib/sxtstudio; "
        "printf '#!/bin/sh\\necho the former version\\n' > /small/lib/sxtstudio/sxtstudio; "
        "chmod +x /small/lib/sxtstudio/sxtstudio; "
        f"SXTSTUDIO_PREFIX=/small sh '{installer}' && exit 9; "
        "ls /small/lib; /small/lib/sxtstudio/sxtstudio"
    )
    for disk, why in (("size=400m", "too few bytes"), ("size=3g,nr_inodes=300", "too few files")):
        with step(f"full disk: {why}"):
            said = root.run("sh", "-c", script, change=Change(small_disk=f"{disk},mode=1777"))
            ending = said.strip().splitlines()[-2:]
            check(ending == ["sxtstudio", "the former version"], f"a full disk: {said[-600:]}")


def full_disk_of_deb(root: Root, former: str, deb: str) -> None:
    """A version that works stays as it was where the new one of a .deb does not fit."""
    script = (
        f"dpkg -i '{former}' >/dev/null && cp -a /opt/sxtstudio /opt/before || exit 8; "
        f"dpkg -i '{deb}' && exit 9; "
        "diff -r /opt/before /opt/sxtstudio && dpkg-query -W -f '${Status} ${Version}\\n' sxtstudio; "
        "dpkg --purge sxtstudio >/dev/null 2>&1"
    )
    with step("full disk"):
        full = Change(small_disk="size=300m", small_folder="/opt")
        said = root.run("sh", "-c", script, user=0, change=full)
        ending = said.strip().splitlines()[-1]
        check(ending == "install ok installed 0.0.1", f"a full disk: {said[-1000:]}")
        check("No space left" in said, f"the disk was not full: {said[-1000:]}")
