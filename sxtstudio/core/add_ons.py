"""Packages of their own for the installed program: PyTorch for training, CUDA for NVIDIA's cards.

An add-on is a folder of libraries with a manifest. It is built against the Python and the library that the
program was tested with (``add-ons.json`` in the program's folder), and anything else is not taken:

/opt/sxtstudio                      the program, or ~/.local/lib/sxtstudio from the .run; on Windows
                                    SXT Studio/sxtstudio among the user's programs
/opt/sxtstudio-retrain/             beside it, or in one of the places of the other way to install
  sxtstudio-add-on.json             what it was made for
  torch/ torch-2.13.0.dist-info/ …  taken instead of the program's own by the process that needs them

What lies there runs with the rights of the user: it is taken from folders only that nobody else but the
administrator can change, and never in place of a module of Python's own library.

A program that runs with a Python of its own has no add-ons: pip installs the same libraries.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Literal

from msgspec import Struct

import sxtstudio
from sxtstudio.core.errors import UserError
from sxtstudio.core.folders import home_folder
from sxtstudio.core.packaged import is_packaged
from sxtstudio.core.paths import resolved
from sxtstudio.core.plain_files import read_plain
from sxtstudio.core.private_folders import who_else_writes
from sxtstudio.core.records import read_json_record

MANIFEST, WANTED = "sxtstudio-add-on.json", "add-ons.json"
_MOST_BYTES = 100_000
_OPT = Path("/opt")


class AddOn(StrEnum):
    """An add-on; the value ends the name of its package and of its folder."""

    RETRAINING = "retrain"
    NVIDIA = "cuda"

    @property
    def package(self) -> str:
        """The name of its package, and of its folder."""
        return f"sxtstudio-{self.value}"

    @property
    def variable(self) -> str:
        """The environment variable that names its folder, where that is another one."""
        return f"SXTSTUDIO_{self.name}"


class Manifest(Struct, frozen=True):
    """What an add-on was made for: ``library`` is its main one with its version, such as "torch 2.13.0"."""

    schema: Literal["sxtstudio-add-on/1"]
    name: str
    version: str
    python: str
    system: str
    library: str


class TestedLibraries(Struct, frozen=True):
    """Which libraries this program was tested with, by add-on."""

    schema: Literal["sxtstudio-add-ons/1"]
    libraries: dict[str, str]


@dataclass(frozen=True)
class FoundAddOn:
    """What was found of an add-on: its folder where it fits; else, of one that is there, what is wrong."""

    folder: Path | None = None
    problem: str = ""


@dataclass(frozen=True)
class WayToAdd:
    """How an add-on is added: the file to get, what to do with it, and a line for a terminal (or "")."""

    file: str
    words: str
    command: str = ""


def made_for() -> tuple[str, str]:
    """Return the Python and the system that libraries must be made for, such as "3.11", "linux-x86_64"."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return python, f"{sys.platform}-{platform.machine().lower()}"


def find(add_on: AddOn) -> FoundAddOn:
    """Look for an add-on; nothing of it is loaded.

    The first one that fits is taken. An environment variable (``AddOn.variable``) names the only place. What
    this process found out not to work (``give_up``) is not taken again.
    """
    if not is_packaged():
        return FoundAddOn()
    if add_on in _GIVEN_UP:
        return FoundAddOn(problem=_GIVEN_UP[add_on])
    problems = []
    for place in places(add_on):
        if not place.is_absolute():
            problems.append(f"{add_on.variable} names {place}, which is no absolute path")
            continue
        if not place.is_dir():
            continue
        folder = resolved(place)
        problem = _problem(add_on, folder)
        if not problem:
            return FoundAddOn(folder)
        problems.append(problem)
    return FoundAddOn(problem=problems[0] if problems else "")


def use(add_on: AddOn) -> FoundAddOn:
    """Take the libraries of an add-on that fits instead of those of the program, for this process."""
    found = find(add_on)
    if found.folder is not None and str(found.folder) not in sys.path:
        # Processes that this one starts, and lists of what is installed, go by sys.path.
        sys.path.append(str(found.folder))
        sys.meta_path.insert(0, _AddOnFinder(found.folder))
    return found


def give_up(add_on: AddOn, folder: Path, problem: str) -> None:
    """Go back to the libraries of the program; ``problem`` is the end of a sentence on that folder."""
    _GIVEN_UP[add_on] = f"the one in {folder} {problem}"
    sys.meta_path[:] = [
        finder
        for finder in sys.meta_path
        if not (isinstance(finder, _AddOnFinder) and finder.folder == str(folder))
    ]
    sys.path[:] = [entry for entry in sys.path if entry != str(folder)]
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(f"{folder}{os.sep}"):
            del sys.modules[name]


def wanted_version(add_on: AddOn) -> str:
    """Return the version of its main library that the program was tested with.

    Raises
    ------
    UserError, OSError
        If the program's own list of them cannot be read.
    """
    return _wanted().libraries.get(add_on.value, "").partition(" ")[2]


class _AddOnFinder:
    """Finds the packages of an add-on before those of the program, but none in place of Python's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if path is not None or name in sys.stdlib_module_names:
            return None
        return PathFinder.find_spec(name, [self.folder], target)


_GIVEN_UP: dict[AddOn, str] = {}


def places(add_on: AddOn) -> list[Path]:
    """Return where an add-on may lie, in the order in which it is looked for."""
    named = os.environ.get(add_on.variable)
    if named:
        return [Path(named)]
    program, package = resolved(Path(sys.executable)).parent, add_on.package
    if sys.platform == "win32":
        return [program.parent / package]
    if sys.platform == "darwin":
        bundle = next((path for path in program.parents if path.suffix == ".app"), program)
        return [bundle.parent / package]
    home = home_folder() / ".local" / "lib"
    return list(dict.fromkeys(folder / package for folder in (program.parent, home, _OPT)))


def way_to_add(add_on: AddOn) -> WayToAdd:
    """Return which file adds an add-on to this installation, and how."""
    package, version = add_on.package, sxtstudio.__version__
    where = "Get the file where you got SXT Studio"
    if sys.platform == "win32":
        if add_on is AddOn.NVIDIA:
            return WayToAdd(f"SXTStudio-nvidia-{version}-setup.exe", f"{where}, and start it.")
        file = f"SXTStudio-{version}-setup.exe"
        return WayToAdd(file, f"Start {file} once more and choose “Retraining”.")
    if sys.platform == "darwin":
        file = f"{package}-{version}-macos-{platform.machine()}.tar.gz"
        return WayToAdd(file, f"{where}, and unpack it beside SXT Studio: {places(add_on)[0]}.")
    if resolved(Path(sys.executable)).is_relative_to(_OPT):
        file = f"{package}_{version}_amd64.deb"
        return WayToAdd(
            file, f"{where}, and install it like SXT Studio itself.", f"sudo apt install ./{file}"
        )
    file = f"{package}-{version}.run"
    return WayToAdd(file, f"{where}, and run it like that of SXT Studio, without root.", f"sh {file}")


def _problem(add_on: AddOn, folder: Path) -> str:
    """Return what is wrong with an add-on in a folder, or ""."""
    other = who_else_writes(folder)
    if other:
        return f"{folder} may hold code of somebody else, as {other}"
    try:
        content = read_plain(folder / MANIFEST, _MOST_BYTES)
        manifest = read_json_record(content, Manifest, f"{folder / MANIFEST} is damaged")
        wanted = _wanted()
    except (OSError, UserError):
        return f"{folder} is not whole"
    if manifest.name != add_on.value:
        return f"{folder} holds something else"
    asked = (*made_for(), wanted.libraries.get(add_on.value, ""))
    if (manifest.python, manifest.system, manifest.library) != asked:
        return f"the one in {folder} was made for SXT Studio {manifest.version}, and this is another version"
    return "" if _holds(folder, manifest.library) else f"{folder} is not whole"


def _holds(folder: Path, library: str) -> bool:
    """Whether a library is there by what pip wrote, such as torch-2.13.0+cpu.dist-info for "torch 2.13.0"."""
    name, _, version = library.partition(" ")
    for path in folder.glob("*.dist-info"):
        found, _, there = path.name.removesuffix(".dist-info").partition("-")
        if _plain(found) == _plain(name) and there.partition("+")[0] == version:
            return True
    return False


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _wanted() -> TestedLibraries:
    path = Path(sxtstudio.__file__).resolve().parent.parent / WANTED
    return read_json_record(read_plain(path, _MOST_BYTES), TestedLibraries, f"{path} is damaged")
