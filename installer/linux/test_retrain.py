"""Try the package for retraining, as a .deb and as a .run, with the installed program; see test.py."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from package import version
from retrain_in_window import retrain_in_window
from roots import HOME, USER, Root
from screen import Screen
from steps import REPOSITORY, check

PACKAGE = "sxtstudio-retrain"
# What the trial makes itself: gone at its end, so that what is left then is of the program.
TRIAL = f"{HOME}/retraining"
# Long enough for a start, two steps and the export of the model on a slow computer.
MINUTES = 0.2
CONFIG = f"""\
name = "tiny-mine"
start_from = "compact"
labelled = [{{tomogram = "few.tif", labels = "few.labels.tif", polarity = "dark"}}]
[training]
minutes = {MINUTES}
"""
# Runs in a Python of the checkout: six slices of the sample, and what the program made of them.
CUT = """\
import sys, tifffile
sample, labels, out = sys.argv[1:]
size = {"imagej": True, "resolution": (100, 100), "metadata": {"axes": "ZYX", "unit": "um", "spacing": 0.01}}
tifffile.imwrite(out + "/few.tif", tifffile.imread(sample)[30:36], **size)
tifffile.imwrite(out + "/few.labels.tif", tifffile.imread(labels)[:6])
"""


def try_retraining(dist: Path, root: Root, screen: Screen, program: str, *, deb: bool) -> None:
    """Everything with the package in a system where the program is installed.

    Parameters
    ----------
    dist
        Where the packages are.
    root, screen
        The system, and its screen; nothing of the add-on is left in it.
    program
        What starts the installed program.
    deb
        The .deb, by root, and also worked with in the window; else the .run, by the user.
    """
    file = dist / (f"{PACKAGE}_{version()}_amd64.deb" if deb else f"{PACKAGE}-{version()}.run")
    folder = Path("/opt" if deb else f"{HOME}/.local/lib", PACKAGE)
    trial = root.folder / TRIAL[1:]
    trial.mkdir()
    shutil.chown(trial, USER, USER)
    prepare(root, program, trial)
    said = root.run(program, "train", f"{TRIAL}/tiny.toml", code=2)
    check(file.name in said, f"without its package: {said}")
    check("missing" in state(root, program), "the self-check does not miss it")
    before = root.files()
    shutil.copy(file, root.folder / "var/cache" / file.name)
    if deb:
        root.run("apt-get", "install", "-y", "--no-install-recommends", f"/var/cache/{file.name}", user=0)
    else:
        root.run("sh", f"/var/cache/{file.name}")
    check("works" in state(root, program), "the self-check does not find it")
    check_unchanged(root.folder / str(folder)[1:])
    train(root, program, trial)
    if deb:
        retrain_in_window(root, screen, program, "retraining", f"{TRIAL}/few.tif", f"{TRIAL}/learned.sxt")
    check_other_version(root, program, root.folder / str(folder)[1:])
    if deb:
        root.run("apt-get", "purge", "-y", PACKAGE, user=0)
    else:
        root.run(f"{folder}/uninstall.sh")
    left = {name for name in root.files() - before if PACKAGE in name}
    check(not left, f"left behind: {sorted(left)[:20]}")
    said = root.run(program, "train", f"{TRIAL}/tiny.toml", code=2)
    check("not installed" in said, f"after its removal: {said}")
    shutil.rmtree(trial)


def prepare(root: Root, program: str, trial: Path) -> None:
    """Put a few slices with labels into a folder, and what to train with them."""
    sample = REPOSITORY / "resources/sample.tif"
    shutil.copy(sample, trial / "sample.tif")
    root.run(program, "segment", f"{TRIAL}/sample.tif", "-o", f"{TRIAL}/cut.tif", "--slices", "30:36",
             "--trust", "none")  # fmt: skip
    words = [sys.executable, "-c", CUT, str(sample), str(trial / "cut.tif"), str(trial)]
    subprocess.run(words, check=True)
    (trial / "tiny.toml").write_text(CONFIG, encoding="utf-8")
    for name in ("few.tif", "few.labels.tif", "tiny.toml"):
        shutil.chown(trial / name, USER, USER)


def train(root: Root, program: str, trial: Path) -> None:
    """Train as the window does (a child process that writes events), and segment with the new model."""
    # The window listens and can say "pause": where nobody can, a training that may be controlled ends.
    listening = 'mkfifo "$HOME/words" && exec 3<>"$HOME/words" && rm "$HOME/words" && exec "$@" <&3'
    words = ["train", f"{TRIAL}/tiny.toml", "-o", f"{TRIAL}/run", "--json", "--control"]
    said = root.run("sh", "-c", listening, "sh", program, *words)
    events = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    kinds = [event["event"] for event in events]
    check(kinds[0] == "start" and kinds[-1] == "done", f"the training says {said[-2000:]}")
    check("error" not in kinds, f"the training says {said[-2000:]}")
    model = f"{TRIAL}/run/tiny-mine.onnx"
    root.run(program, "segment", f"{TRIAL}/sample.tif", "-o", f"{TRIAL}/by-mine.tif", "--slices", "30:32",
             "--model", model, "--trust", "none")  # fmt: skip
    check((trial / "by-mine.tif").stat().st_size > 1000, "the new model segments nothing")
    shutil.rmtree(trial / "run")


def check_unchanged(folder: Path) -> None:
    """The library that holds Intel's oneMKL has the sum that PyTorch's wheel gives it."""
    (record,) = folder.glob("torch-*.dist-info/RECORD")
    told = re.search(r"^torch/lib/libtorch_cpu\.so,sha256=([\w-]+),", record.read_text("utf-8"), re.MULTILINE)
    check(told is not None, f"{record} names no libtorch_cpu.so")
    with (folder / "torch/lib/libtorch_cpu.so").open("rb") as file:
        found = hashlib.file_digest(file, "sha256").digest()
    same = told is not None and base64.urlsafe_b64encode(found).decode().rstrip("=") == told[1]
    check(same, "libtorch_cpu.so, which holds oneMKL, was changed")


def check_other_version(root: Root, program: str, folder: Path) -> None:
    """A package of another version is not loaded; what is wrong with it is said."""
    manifest = folder / "sxtstudio-add-on.json"
    content = manifest.read_text(encoding="utf-8")
    try:
        manifest.write_text(json.dumps(json.loads(content) | {"library": "torch 1.0.0", "version": "0.0.1"}))
        said = root.run(program, "train", f"{TRIAL}/tiny.toml", code=2)
        check("made for SXT Studio 0.0.1" in said, f"with a package of another version: {said}")
    finally:
        manifest.write_text(content, encoding="utf-8")


def state(root: Root, program: str) -> str:
    """Return what the self-check says of retraining."""
    said = root.run(program, "--selfcheck", "--json")
    parts = json.loads(said[said.index("{") :])["parts"]
    return str(next(part["state"] for part in parts if part["name"] == "retraining"))
