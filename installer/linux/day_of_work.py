"""Every command of the installed program does its work, and each result is looked at."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from roots import HOME, Root
from steps import BUILD, REPOSITORY, Program, check, step

_SAMPLE = "My sample ä.tif"
# What a self-check may miss in a system where nothing is added.
OPTIONAL = {"NVIDIA card", "retraining", "POV-Ray"}
_EXPORTS = (
    ("fiji", "labels.tif"), ("mib", "labels.model"), ("imod", "labels.mod"), ("amira", "labels.am"),
    ("chimerax", "labels.mrc"), ("slicer", "labels.seg.nrrd"), ("napari", "labels.ome.zarr"),
)  # fmt: skip
_SURFACES = (
    ("blender", "cell.glb"), ("povray", "cell.pov"), ("chimerax", "cell.stl"), ("amira", "cell.ply"),
    ("slicer", "cell.vtp"),
)  # fmt: skip


def self_check(run: Program, optional: set[str] = OPTIONAL) -> None:
    """All that must work in an installation works."""
    said = json.loads(re.sub(r"(?s)^.*?(?=^\{)", "", run("--selfcheck", "--json"), flags=re.MULTILINE))
    states = {part["name"]: part["state"] for part in said["parts"]}
    bad = {name: state for name, state in states.items() if state != "works" and name not in optional}
    check(said["works"] and not bad, f"the self-check says {bad}")
    missing = [name for name, value in said["libraries"].items() if value == "missing"]
    check(bool(said["libraries"]) and not missing, f"versions of libraries are not known: {missing}")
    check(bool(said["device"]["reason"]), f"the self-check says of the device {said['device']}")


def by_checkout(*words: str) -> None:
    """Run something by the sources of this checkout."""
    where = {**os.environ, "PYTHONPATH": str(REPOSITORY), "SXTSTUDIO_WORK": str(BUILD / "sessions")}
    done = subprocess.run([sys.executable, *words], env=where, capture_output=True, text=True)
    check(done.returncode == 0, f"{' '.join(words)}: {done.stdout[-1000:]}{done.stderr[-1000:]}")


def bring_data(root: Root) -> None:
    """Put the sample, published weights and small data into the home folder."""
    home = root.folder / HOME[1:]
    shutil.copytree(REPOSITORY / "tests/data/deep_sxt_m4", home / "weights")
    shutil.copy(REPOSITORY / "resources/sample.tif", home / _SAMPLE)
    for folder in ("exports", "batch", "data"):
        (home / folder).mkdir()
    by_checkout(str(REPOSITORY / "installer/linux/make_data.py"), str(home / "data"))
    by_checkout(
        str(REPOSITORY / "installer/linux/make_project.py"), str(home / _SAMPLE), str(home / "cell.sxt")
    )
    root.give(home)


def main_work(root: Root, run: Program) -> None:
    """Segment, clean, find and measure objects, make surfaces, and export for every program."""
    home, sample = root.folder / HOME[1:], f"{HOME}/{_SAMPLE}"
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
        for suffix in ("xlsx", "parquet", "csv"):
            run("measure", f"{HOME}/objects.tif", "-o", f"{HOME}/objects.{suffix}")
        check(len(rows(home / "objects.csv")) > 2, "measure found nothing")
    with step("surface and picture"):
        run("surface", f"{HOME}/clean.mrc", "-o", f"{HOME}/cell.glb", "--picture", f"{HOME}/cell.png")
        check((home / "cell.glb").read_bytes()[:4] == b"glTF", "cell.glb is none")
        check((home / "cell.png").stat().st_size > 5000, "cell.png is empty")
    with step("export for each program"):
        for program, name in _EXPORTS:
            words = ["--what", "objects", "--for", program, "-o", f"{HOME}/exports/{program}-{name}"]
            run("export", f"{HOME}/objects.tif", *words)
            check((home / "exports" / f"{program}-{name}").exists(), f"nothing for {program}")
        for program, name in _SURFACES:
            words = ["--what", "surfaces", "--for", program, "-o", f"{HOME}/exports/{program}-{name}"]
            run("export", f"{HOME}/objects.tif", *words)
            check((home / "exports" / f"{program}-{name}").stat().st_size > 1000, f"nothing for {program}")


def same_as_checkout(root: Root) -> None:
    """The sources of the checkout give the same labels and objects, bit by bit."""
    home, there = root.folder / HOME[1:], BUILD / "by-checkout"
    shutil.rmtree(there, ignore_errors=True)
    there.mkdir(parents=True)
    with step("the checkout gives the same"):
        words = ["--slices", "28:36", "--trust", "none"]
        by_checkout(
            "-m", "sxtstudio", "segment", str(home / _SAMPLE), "-o", str(there / "labels.tif"), *words
        )
        words = ["--close", "1", "--min-size", "50"]
        by_checkout(
            "-m", "sxtstudio", "clean", str(there / "labels.tif"), "-o", str(there / "clean.mrc"), *words
        )
        by_checkout("-m", "sxtstudio", "objects", str(there / "clean.mrc"), "-o", str(there / "objects.tif"))
        by_checkout(
            "-m", "sxtstudio", "measure", str(there / "objects.tif"), "-o", str(there / "objects.csv")
        )
        for name in ("labels.tif", "objects.tif"):
            sums = [hashlib.sha256((folder / name).read_bytes()).hexdigest() for folder in (home, there)]
            check(sums[0] == sums[1], f"{name} of the package is not that of the checkout")
        mine, other = rows(home / "objects.csv"), rows(there / "objects.csv")
        check([row["object"] for row in mine] == [row["object"] for row in other], "other objects")
        volumes = [[row["volume_um3"] for row in table] for table in (mine, other)]
        check(volumes[0] == volumes[1], f"other volumes: {volumes}")


def more_work(root: Root, run: Program) -> None:
    """All other commands: batch, filopodia, classes, groups, scores, robustness, simulation, models."""
    home, sample = root.folder / HOME[1:], f"{HOME}/{_SAMPLE}"
    data = f"{HOME}/data"
    with step("filopodia"):
        run("filopodia", f"{data}/filopodia.tif", "--seeds", f"{data}/seeds.csv", "-o", f"{data}/f.tif",
            "--table", f"{data}/filopodia.csv", "--profiles", f"{data}/profiles.csv")  # fmt: skip
        found = [(row["class"], row["flags"]) for row in rows(home / "data/filopodia.csv")]
        check(found == [("Filopodium", ""), ("Filopodium", "border")], f"filopodia: {found}")
    with step("classify: train, and by the classifier"):
        words = ["--train", f"{data}/examples.csv", "--save", f"{data}/classifier.json"]
        run("classify", f"{data}/bodies.tif", "-o", f"{data}/trained.csv", *words)
        words = ["--classifier", f"{data}/classifier.json"]
        run("classify", f"{data}/bodies.tif", "-o", f"{data}/classes.csv", *words)
        classes = [row["class"] for row in rows(home / "data/classes.csv")]
        check(classes == ["ball", "rod"] * 6, f"classes: {classes}")
    with step("compare groups, with a plot"):
        for group in "ab":
            run("measure", f"{data}/bodies.tif", "-o", f"{data}/{group}1.csv", "--include-border")
            shutil.copy(home / f"data/{group}1.csv", home / f"data/{group}2.csv")
        root.give(home / "data")
        groups = [word for g in "ab" for word in ("--group", g, f"{data}/{g}1.csv", f"{data}/{g}2.csv")]
        words = ["--column", "volume", "-o", f"{data}/compare.json", "--plot", f"{data}/compare.svg"]
        run("compare", *groups, *words)
        check(b"<svg" in (home / "data/compare.svg").read_bytes()[:400], "no plot of groups")
    with step("evaluate"):
        words = ["-o", f"{HOME}/score.json", "--slices", "28:36"]
        run("evaluate", f"{HOME}/labels.tif", f"{HOME}/clean.mrc", "-o", f"{HOME}/score.json", "--objects")
        check("f1" in (home / "score.json").read_text(encoding="utf-8").lower(), "no score")
    with step("batch, and robustness of the network's output"):
        words = ["--slices", "30:32", "--trust", "none", "--probability", f"{HOME}/small.tif"]
        run("segment", sample, "-o", f"{HOME}/few.mrc", *words)
        run("batch", f"{HOME}/small.tif", "-o", f"{HOME}/batch", "--trust", "none", "--polarity", "dark")
        check(any(path.suffix == ".tif" for path in (home / "batch").iterdir()), "batch wrote nothing")
        words = ["--thresholds", "0", "--erosions", "0", "--min-sizes", "0", "--plot", f"{HOME}/robust.png"]
        run("robustness", f"{HOME}/small.tif", "-o", f"{HOME}/robust.csv", *words)
        check((home / "robust.png").read_bytes()[1:4] == b"PNG", "no plot of robustness")
    with step("batch on two workers of this machine"):
        words = ["--trust", "none", "--polarity", "dark", "--cluster", "local:2"]
        said = run("batch", f"{HOME}/small.tif", "-o", f"{HOME}/by-workers", *words)
        (name,) = (path.name for path in (home / "batch").iterdir() if path.suffix == ".tif")
        alike = [(home / folder / name).read_bytes() for folder in ("batch", "by-workers")]
        check(alike[0] == alike[1], f"the labels by workers are others: {said[-1500:]}")
    with step("simulate"):
        run("simulate", "-o", f"{HOME}/simulated", "--seed", "1", "--size", "16,64,64")
        check(len(list((home / "simulated").glob("*.tif"))) == 4, "no simulated tomogram")
    with step("published weights: import, check, export, and segment with them"):
        run("models", "import", f"{HOME}/weights/weights.h5", "--config", f"{HOME}/weights/model_config.json",
            "-o", "published")  # fmt: skip
        run("segment", sample, "-o", f"{HOME}/published.tif", "--slices", "30:32", "--model", "published")
        check("published" in run("models"), "the imported model is not listed")
        words = [f"{HOME}/published.zip", "--bioimage"]
        run("models", "check", "/opt/sxtstudio/_internal/models/compact.onnx")


def project_work(root: Root, run: Program) -> None:
    """A project of the checkout, drawn by hand, is exported, with all its results."""
    home = root.folder / HOME[1:]
    tomogram = ["--tomogram", f"{HOME}/{_SAMPLE}"]
    with step("project: export of objects and of all results"):
        words = ["--what", "objects", "--for", "fiji", "-o", f"{HOME}/of-project.tif"]
        run("export", f"{HOME}/cell.sxt", *words, *tomogram)
        for what, name in (("table", "t.xlsx"), ("plots", "p.svg"), ("plots", "p.png"), ("methods", "m.txt")):
            run("export", f"{HOME}/cell.sxt", "--what", what, "-o", f"{HOME}/exports/{name}", *tomogram)
            check((home / "exports" / name).exists(), f"no {what}")
        run("export", f"{HOME}/cell.sxt", "--results", "-o", f"{HOME}/results", *tomogram)
        check((home / "results/ro-crate-metadata.json").is_file(), "no results")


def older_projects(root: Root, run: Program) -> None:
    """Projects that older versions saved open, and have the labels that the checkout finds in them."""
    home, there = root.folder / HOME[1:], BUILD / "by-checkout"
    there.mkdir(parents=True, exist_ok=True)
    with step("projects of older versions"):
        for archive in sorted((REPOSITORY / "tests/data/projects").glob("*.zip")):
            name = archive.stem
            shutil.unpack_archive(archive, home / name)
            root.give(home / name)
            words = ["--what", "labels", "--for", "fiji", "-o"]
            run("export", f"{HOME}/{name}/cell.sxt", *words, f"{HOME}/{name}.tif")
            by_checkout(
                "-m", "sxtstudio", "export", str(home / name / "cell.sxt"), *words, str(there / f"{name}.tif")
            )
            made = [(folder / f"{name}.tif").read_bytes() for folder in (home, there)]
            check(made[0] == made[1], f"the labels of {archive.name} are others")


def rerun(run: Program, project: str) -> None:
    """All results of a project that was made by the program's own steps are made again, and are the same."""
    with step("all results of the project, and rerun of their folder"):
        run("export", project, "--results", "-o", f"{HOME}/results of the window")
        run("rerun", f"{HOME}/results of the window")


def povray_draws(root: Root, run: Program) -> None:
    """POV-Ray of the system draws a scene; it finds its own libraries, not those of the bundle."""
    with step("POV-Ray draws"):
        words = ["-o", f"{HOME}/cell.pov", "--picture", f"{HOME}/povray.png"]
        said = run("surface", f"{HOME}/clean.mrc", *words)
        picture = root.folder / HOME[1:] / "povray.png"
        check(picture.is_file() and picture.stat().st_size > 5000, f"no picture by POV-Ray: {said}")


def rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))
