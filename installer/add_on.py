"""The folder of an add-on of the installed program: PyTorch for retraining, or CUDA for NVIDIA's cards.

    python installer/add_on.py retrain|cuda FOLDER

By the Python that the program's bundle is made with. pip puts the libraries of requirements-retrain.lock or
requirements-cuda.lock into FOLDER; what only developers need goes, their licences are collected, and a
manifest says which program they fit (sxtstudio/core/add_ons.py reads it).
"""

from __future__ import annotations

import argparse
import compileall
import importlib.metadata
import json
import py_compile
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE), str(ROOT)]
from bundled_libraries import bundled_libraries  # noqa: E402
from licences import Licence, licence_of  # noqa: E402
from sbom import write_sbom  # noqa: E402
from third_party import LICENCES, SBOM  # noqa: E402

from sxtstudio import __version__  # noqa: E402
from sxtstudio.core.add_ons import MANIFEST, WANTED, AddOn, made_for  # noqa: E402

_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install")


@dataclass(frozen=True)
class Recipe:
    """How an add-on is made.

    Attributes
    ----------
    lock
        What is installed, exact versions.
    library
        The one that the program must have been tested with.
    index
        Where pip looks besides, where it finds not all.
    needless
        What only developers need: patterns below the folder.
    accepted
        Licences that are taken though they are none for free software; what they allow is in README.md.
    note
        The first lines of the text of licences.
    """

    lock: str
    library: str
    index: str
    needless: tuple[str, ...]
    accepted: re.Pattern[str] | None
    note: str


_OF_PYTHON = ("bin", "**/*.pyi", "**/*.a", "**/*.lib", "**/include", "**/tests", "**/__pycache__")
RECIPES = {
    AddOn.RETRAINING: Recipe(
        "requirements-retrain.lock",
        "torch",
        "https://download.pytorch.org/whl/cpu",
        (
            *_OF_PYTHON, "share", "torch/test", "torch/share", "torchgen/packaged",
            "torch/bin/[!t]*", "torch/bin/test*",  # but torch_shm_manager, which must be there
            "torch/lib/lib*test*.so", "torch/lib/libbackend_with_compiler.so",
            "torch/lib/libaoti_custom_ops.so",
        ),
        None,
        """\
The libraries of SXT Studio's package for retraining, each under its own licence, whose text follows.
PyTorch's wheel for processors holds libraries of others, whose texts stand below its own. Those that it
brings no text of are listed by name, oneMKL and libgomp among them on Linux: Intel's Simplified Software
License allows to hand oneMKL on, and GCC's runtime exception lets programs of any licence use libgomp.""",
    ),
    AddOn.NVIDIA: Recipe(
        "requirements-cuda.lock",
        "onnxruntime-gpu",
        "",
        (
            *_OF_PYTHON, "**/cmake", "**/libnvblas.so*", "**/libcufftw.so*", "**/*.alt.so*",
            "onnxruntime/capi/libonnxruntime_providers_tensorrt.so",
            "onnxruntime/transformers", "onnxruntime/quantization", "onnxruntime/tools",
            "onnxruntime/backend", "onnxruntime/datasets",
        ),
        re.compile(r"LicenseRef-NVIDIA-Proprietary"),
        """\
SXT Studio's package for NVIDIA's cards holds CUDA and cuDNN as NVIDIA publishes them, unchanged. They are no
free software: whoever installs or hands on this package is bound by NVIDIA's terms, which follow.
ONNX Runtime is under the MIT licence.""",
    ),
}  # fmt: skip


def locked(lock: str) -> dict[str, str]:
    """Return the versions in a lock file, without what marks a build of them ("+cpu")."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    return {
        re.sub(r"[-_.]+", "-", name).lower(): version
        for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE)
    }


def library(add_on: AddOn) -> str:
    """Return the main library of an add-on with its version, as manifests say it."""
    recipe = RECIPES[add_on]
    return f"{recipe.library} {locked(recipe.lock)[recipe.library]}"


def write_wanted(folder: Path) -> Path:
    """Write which add-ons fit a program that is built now, and return the file."""
    path = folder / WANTED
    libraries = {add_on.value: library(add_on) for add_on in AddOn}
    path.write_text(
        json.dumps({"schema": "sxtstudio-add-ons/1", "libraries": libraries}, indent=1), encoding="utf-8"
    )
    return path


def write_manifest(add_on: AddOn, folder: Path) -> None:
    """Write which program an add-on fits."""
    python, system = made_for()
    facts = {
        "schema": "sxtstudio-add-on/1", "name": add_on.value, "version": __version__,
        "python": python, "system": system, "library": library(add_on),
    }  # fmt: skip
    (folder / MANIFEST).write_text(json.dumps(facts, indent=1), encoding="utf-8")


def install(recipe: Recipe, folder: Path) -> None:
    """Let pip put the libraries into the folder."""
    words = [*_PIP, "--no-deps", "--no-compile", "--target", str(folder), "-r", str(ROOT / recipe.lock)]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode and recipe.index:
        done = subprocess.run([*words, "--extra-index-url", recipe.index], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr.strip() or "pip failed")


def trim(recipe: Recipe, folder: Path) -> None:
    """Take away what only developers need."""
    for pattern in recipe.needless:
        for path in list(folder.glob(pattern)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def write_licences(recipe: Recipe, folder: Path) -> list[Licence]:
    """Collect the licences of all that was installed; one that does not allow it ends the build."""
    parts = [
        licence_of(distribution) for distribution in importlib.metadata.distributions(path=[str(folder)])
    ]
    for part in parts:
        refusal = part.refusal()
        if refusal and not (recipe.accepted and recipe.accepted.search(part.licence)):
            raise SystemExit(refusal)
        if not part.texts:
            raise SystemExit(f"{part.name} brings no text of its licence.")
    bundled, found = bundled_libraries(folder)
    going = {path for pattern in recipe.needless for path in folder.glob(pattern)}
    strangers = [name for name in found if folder / name not in going]
    parts = sorted([*parts, *bundled], key=lambda part: part.name.lower())
    named = "".join(f"\nof unknown licence: {stranger}" for stranger in strangers)
    if named:  # the licences of the wheels that hold them are all that is known
        print(
            f"Look for the texts of these, and add them to installer/bundled_libraries.py:{named}",
            file=sys.stderr,
        )
    line = "=" * 100
    rows = "\n".join(f"{part.name} {part.version}: {part.licence}" for part in parts)
    bodies = [f"{line}\n{part.name} {part.version}\n{line}\n" + "\n\n".join(part.texts) for part in parts]
    text = f"{recipe.note}\n\n{rows}{named}\n\n" + "\n\n".join(bodies) + "\n"
    (folder / LICENCES).write_text(text, encoding="utf-8")
    return parts


def compile_all(folder: Path) -> None:
    """Compile the sources: in a folder of the system no user could keep what Python compiles."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    # A few files of PyTorch's are no Python of this version (templates); they are not imported either.
    compileall.compile_dir(str(folder), quiet=2, invalidation_mode=mode, stripdir=str(folder), workers=0)


def make(add_on: AddOn, folder: Path) -> None:
    """Make the folder of an add-on anew."""
    recipe = RECIPES[add_on]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    install(recipe, folder)
    parts = write_licences(recipe, folder)
    write_sbom(folder / SBOM, parts, __version__, made_for()[1], name=f"SXT Studio: {add_on.value}")
    trim(recipe, folder)
    compile_all(folder)
    write_manifest(add_on, folder)


def main() -> None:
    """Make the folder that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("add_on", type=AddOn, choices=list(AddOn))
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    make(arguments.add_on, arguments.folder)
    size = sum(path.stat().st_size for path in arguments.folder.rglob("*") if path.is_file())
    print(f"{arguments.folder} ({size / 1e6:.0f} MB)")


if __name__ == "__main__":
    main()
