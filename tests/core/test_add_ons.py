"""Add-ons of the installed program: found where they may lie, and taken only where they fit."""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path

import pytest

import sxtstudio
from sxtstudio.core import add_ons
from sxtstudio.core.add_ons import MANIFEST, WANTED, AddOn, find, made_for, places, use, way_to_add

RETRAINING = AddOn.RETRAINING


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed program that was tested with torch 2.13.0, below a folder of its own."""
    folder = tmp_path / "lib" / "sxtstudio"
    (folder / "_internal" / "sxtstudio").mkdir(parents=True)
    wanted = {"schema": "sxtstudio-add-ons/1", "libraries": {"retrain": "torch 2.13.0"}}
    (folder / "_internal" / WANTED).write_text(json.dumps(wanted))
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sys, "executable", str(folder / "sxtstudio"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(add_ons, "_GIVEN_UP", {})
    monkeypatch.setattr(sxtstudio, "__file__", str(folder / "_internal" / "sxtstudio" / "__init__.py"))
    monkeypatch.setattr(add_ons, "_OPT", tmp_path / "opt")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv(RETRAINING.variable, raising=False)
    return folder


def made(folder: Path, **other: str) -> Path:
    """An add-on that fits, but for what is named."""
    python, system = made_for()
    facts = {
        "schema": "sxtstudio-add-on/1", "name": "retrain", "version": "0.0.9", "python": python,
        "system": system, "library": "torch 2.13.0",
    }  # fmt: skip
    folder.mkdir(parents=True)
    (folder / MANIFEST).write_text(json.dumps(facts | other))
    (folder / "torch-2.13.0+cpu.dist-info").mkdir()
    return folder


def test_it_is_found_in_each_of_its_places(program: Path, tmp_path: Path) -> None:
    assert find(RETRAINING) == add_ons.FoundAddOn()
    for parts in ("opt", "home/.local/lib", "lib"):  # the last one, beside the program, is looked at first
        folder = made(tmp_path / parts / "sxtstudio-retrain")
        assert find(RETRAINING).folder == folder
    assert find(AddOn.NVIDIA).folder is None


def test_a_variable_names_the_only_place(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path / "lib" / "sxtstudio-retrain")
    monkeypatch.setenv("SXTSTUDIO_RETRAINING", str(tmp_path / "mine"))
    assert find(RETRAINING).folder is None
    made(tmp_path / "mine")
    assert find(RETRAINING).folder == tmp_path / "mine"


@pytest.mark.parametrize(
    "other",
    [{"python": "3.9"}, {"system": "linux-riscv64"}, {"library": "torch 2.12.0"}],
    ids=lambda other: next(iter(other)),
)
def test_what_was_made_for_another_version_is_not_taken(
    program: Path, tmp_path: Path, other: dict[str, str]
) -> None:
    folder = made(tmp_path / "lib" / "sxtstudio-retrain", **other)
    found = find(RETRAINING)
    assert found.folder is None
    assert found.problem == (
        f"the one in {folder} was made for SXT Studio 0.0.9, and this is another version"
    )
    fitting = made(tmp_path / "opt" / "sxtstudio-retrain")
    assert find(RETRAINING).folder == fitting


@pytest.mark.parametrize("content", ["", "[1", '{"schema": "sxtstudio-add-on/1"}', None])
def test_half_an_add_on_is_said_to_be_one(program: Path, tmp_path: Path, content: str | None) -> None:
    folder = made(tmp_path / "lib" / "sxtstudio-retrain")
    (folder / MANIFEST).unlink()
    if content is not None:
        (folder / MANIFEST).write_text(content)
    assert find(RETRAINING).problem == f"{folder} is not whole"


def test_another_add_on_under_this_name(program: Path, tmp_path: Path) -> None:
    folder = made(tmp_path / "lib" / "sxtstudio-retrain", name="cuda")
    assert find(RETRAINING).problem == f"{folder} holds something else"


def test_its_libraries_go_before_those_of_the_program_but_not_before_pythons(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made(tmp_path / "lib" / "sxtstudio-retrain")
    own = tmp_path / "own"
    for place, words in ((own, "the program's"), (folder, "the add-on's")):
        place.mkdir(exist_ok=True)
        for name in ("library_of_both", "wave"):
            (place / f"{name}.py").write_text(f'WHOSE = "{words}"')
    monkeypatch.syspath_prepend(own)
    monkeypatch.delitem(sys.modules, "wave", raising=False)
    assert use(RETRAINING).folder == folder
    assert use(RETRAINING).folder == folder
    assert sys.path[-1] == str(folder) and sys.path.count(str(folder)) == 1
    assert importlib.import_module("library_of_both").WHOSE == "the add-on's"
    assert importlib.import_module("wave").WHOSE == "the program's"
    add_ons.give_up(RETRAINING, folder, "does not work")
    assert str(folder) not in sys.path
    assert importlib.import_module("library_of_both").WHOSE == "the program's"
    assert use(RETRAINING) == add_ons.FoundAddOn(problem=f"the one in {folder} does not work")
    for name in ("library_of_both", "wave"):
        del sys.modules[name]


@pytest.mark.parametrize("there", [[], ["torch-2.12.0.dist-info"], ["torch_other-2.13.0.dist-info"]])
def test_the_library_must_be_there_in_its_version(program: Path, tmp_path: Path, there: list[str]) -> None:
    folder = made(tmp_path / "lib" / "sxtstudio-retrain")
    (folder / "torch-2.13.0+cpu.dist-info").rmdir()
    for name in there:
        (folder / name).mkdir()
    assert find(RETRAINING).problem == f"{folder} is not whole"
    (folder / "Torch-2.13.0.dist-info").mkdir()
    assert find(RETRAINING).folder == folder


@pytest.mark.skipif(sys.platform == "win32", reason="modes and owners are those of POSIX")
@pytest.mark.parametrize("what", ["folder", "parent", "library", "group", "owner", "owner of the parent"])
@pytest.mark.parametrize("linked", [False, True], ids=["itself", "by a link"])
def test_code_that_others_could_have_written_is_not_taken(
    program: Path, tmp_path: Path, what: str, linked: bool
) -> None:
    parent = tmp_path / "elsewhere" if linked else tmp_path / "lib"
    folder = made(parent / "sxtstudio-retrain")
    (folder / "torch").mkdir()
    if linked:
        (tmp_path / "lib" / "sxtstudio-retrain").symlink_to(folder)
    assert find(RETRAINING).folder == folder
    if "owner" in what:
        if os.getuid():
            pytest.skip("only root can give files to another user")
        os.chown(folder if what == "owner" else parent, 54321, 54321)
    elif what == "group":
        if os.getuid():
            pytest.skip("only root can give files to another group")
        os.chown(folder, -1, 54321)
        folder.chmod(0o775)
    else:
        {"folder": folder, "parent": parent, "library": folder / "torch"}[what].chmod(0o777)
    found = find(RETRAINING)
    assert found.folder is None
    assert found.problem.startswith(f"{folder} may hold code of somebody else, as ")
    if what == "parent":
        parent.chmod(0o1777)  # sticky, as /tmp: nobody else can rename what lies there
        assert find(RETRAINING).folder == folder


def test_a_variable_with_a_relative_path_is_refused(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(RETRAINING.variable, "mine")
    assert find(RETRAINING) == add_ons.FoundAddOn(
        problem="SXTSTUDIO_RETRAINING names mine, which is no absolute path"
    )


def test_what_does_not_fit_is_not_loaded(program: Path, tmp_path: Path) -> None:
    folder = made(tmp_path / "lib" / "sxtstudio-retrain", python="2.7")
    assert use(RETRAINING).folder is None
    assert str(folder) not in sys.path


def test_a_program_with_a_python_of_its_own_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SXTSTUDIO_RETRAINING", str(made(tmp_path / "mine")))
    before = list(sys.path)
    assert use(RETRAINING) == add_ons.FoundAddOn()
    assert sys.path == before


@pytest.mark.parametrize(
    ("system", "where", "file", "command"),
    [
        ("linux", "opt/sxtstudio", "sxtstudio-retrain_{0}_amd64.deb",
         "sudo apt install ./sxtstudio-retrain_{0}_amd64.deb"),
        ("linux", "home/.local/lib/sxtstudio", "sxtstudio-retrain-{0}.run", "sh sxtstudio-retrain-{0}.run"),
        ("win32", "Programs/SXT Studio/sxtstudio", "SXTStudio-{0}-setup.exe", ""),
        ("darwin", "Applications/SXT Studio.app/Contents/MacOS", "sxtstudio-retrain-{0}-macos-", ""),
    ],
    ids=["deb", "run", "Windows", "macOS"],
)  # fmt: skip
def test_the_way_to_add_it_is_that_of_the_installation(
    program: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    system: str,
    where: str,
    file: str,
    command: str,
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(sys, "executable", str(tmp_path / where / "sxtstudio"))
    way = way_to_add(RETRAINING)
    assert way.file.startswith(file.format(sxtstudio.__version__))
    assert way.command == command.format(sxtstudio.__version__)
    assert way.words.endswith(".")


@pytest.mark.parametrize(
    ("system", "where", "place"),
    [
        ("win32", "Programs/SXT Studio/sxtstudio", "Programs/SXT Studio/sxtstudio-cuda"),
        ("darwin", "Applications/SXT Studio.app/Contents/MacOS", "Applications/sxtstudio-cuda"),
    ],
    ids=["Windows", "macOS"],
)
def test_elsewhere_it_lies_with_the_program(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, where: str, place: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(sys, "executable", str(tmp_path / where / "sxtstudio"))
    assert places(AddOn.NVIDIA) == [tmp_path / place]
