"""Where the installed program runs without a card, with an old driver, and without or with CUDA; see test.py.

No computer for tests has a card: a stub stands for NVIDIA's driver, which knows one card and a version of
CUDA, and can do nothing. What it lacks, the program must say in one sentence, and go on with the processor.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from package import version
from roots import HOME, Root
from steps import REPOSITORY, check

PACKAGE = "sxtstudio-cuda"
DRIVER = "usr/lib/x86_64-linux-gnu/libcuda.so.1"
STUB = """\
int cuInit(unsigned flags) { return 0; }
int cuDeviceGetCount(int *count) { *count = 1; return 0; }
int cuDriverGetVersion(int *version) { *version = VERSION; return 0; }
int cuDeviceGet(int *device, int number) { *device = number; return 0; }
int cuDeviceGetName(char *name, int length, int device)
{ const char *said = "NVIDIA Stub"; while ((*name++ = *said++)) ; return 0; }
"""


def try_nvidia(dist: Path, root: Root, program: str) -> None:
    """Everything that can be seen without a card, in a system where the program is installed.

    The package for NVIDIA's cards is tried where `make installer-cuda` has made it.
    """
    shutil.copy(REPOSITORY / "resources/sample.tif", root.folder / HOME[1:] / "sample.tif")
    right = labels(root, program)
    check_reason(root, program, "no NVIDIA driver was found")
    file = f"{PACKAGE}_{version()}_amd64.deb"
    with_driver(root, 12020)
    check_reason(root, program, "too old: it knows CUDA 12.2, and 13 is needed")
    with_driver(root, 13000)
    words = "there is a card (NVIDIA Stub), but not the NVIDIA package; to use it, install"
    check_reason(root, program, f"{words} {file}")
    if (dist / file).is_file():
        before = root.files()
        shutil.copy(dist / file, root.folder / "var/cache" / file)
        root.run("apt-get", "install", "-y", "--no-install-recommends", f"/var/cache/{file}", user=0)
        # The stub does nothing, so that CUDA's own libraries find out that there is no card behind it.
        said = reason(root, program)
        check("NVIDIA package" not in said, f"the package is not found: {said}")
        check(labels(root, program) == right, "with a driver that does nothing the labels are others")
        with_driver(root, 12020)
        check_reason(root, program, "too old")
        (root.folder / DRIVER).unlink()
        check_reason(root, program, "no NVIDIA driver was found")
        check(labels(root, program) == right, "with the package the labels are others")
        root.run("apt-get", "purge", "-y", PACKAGE, user=0)
        (root.folder / "var/cache" / file).unlink()
        left = {name for name in root.files() - before if PACKAGE in name}
        check(not left, f"left behind: {sorted(left)[:20]}")
    (root.folder / DRIVER).unlink(missing_ok=True)


def with_driver(root: Root, known: int) -> None:
    """Put a driver into the system that knows this version of CUDA: 12020 is 12.2."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "stub.c")
        source.write_text(STUB, encoding="utf-8")
        words = ["cc", "-shared", "-fPIC", "-nostdlib", "-ffreestanding", f"-DVERSION={known}"]
        subprocess.run([*words, "-o", str(root.folder / DRIVER), str(source)], check=True)


def reason(root: Root, program: str) -> str:
    """Return why the program takes the device that it takes, as the self-check's JSON says it."""
    said = root.run(program, "--selfcheck", "--json")
    device = json.loads(said[said.index("{") :])["device"]
    check(device["kind"] == "cpu", f"the device is {device}")
    print(f"    {device['name']}: {device['reason']}", flush=True)
    return str(device["reason"])


def check_reason(root: Root, program: str, words: str) -> None:
    """Raise Failed where the reason does not hold these words, or is more than a sentence."""
    said = reason(root, program)
    check(words in said and "\n" not in said and len(said) < 300, f"the device is taken because {said!r}")


def labels(root: Root, program: str) -> bytes:
    """Segment two slices of the sample, and return the file of labels."""
    words = ["segment", f"{HOME}/sample.tif", "-o", f"{HOME}/by-device.mrc", "--slices", "30:32"]
    said = root.run(program, *words, "--trust", "none")
    check("CPU" in said, f"segment does not say where it runs: {said[-1500:]}")
    return (root.folder / HOME[1:] / "by-device.mrc").read_bytes()
