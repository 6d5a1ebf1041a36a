"""How add-ons are made: what they fit, what is left out, which licences are taken, how a .run installs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import sxtstudio
from sxtstudio.core.add_ons import AddOn, find
from tests.installer.scripts import INSTALLER, loaded


@pytest.fixture(scope="module")
def add_on() -> ModuleType:
    before = list(sys.path)
    module = loaded(INSTALLER / "add_on.py")
    sys.path[:] = before
    return module


def test_add_ons_hold_what_the_program_is_tested_with(add_on: ModuleType) -> None:
    """The same version as in the lock file of the program; tests run with that of retraining itself."""
    name = "onnxruntime-gpu"
    assert add_on.locked("requirements-cuda.lock")[name] == add_on.locked("requirements.lock")[name]


@pytest.mark.parametrize("kind", AddOn)
def test_what_is_made_fits_the_program_that_is_made(
    add_on: ModuleType, kind: AddOn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sxtstudio").mkdir()
    add_on.write_wanted(tmp_path)
    folder = tmp_path / "add-on"
    folder.mkdir()
    add_on.write_manifest(kind, folder)
    name, _, version = add_on.library(kind).partition(" ")
    (folder / f"{name.replace('-', '_')}-{version}.dist-info").mkdir()
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sxtstudio, "__file__", str(tmp_path / "sxtstudio" / "__init__.py"))
    monkeypatch.setenv(kind.variable, str(folder))
    assert find(kind).folder == folder


def installed(folder: Path, licence: str, *, text: bool = True) -> Path:
    """A Python package in a folder, as pip leaves it there."""
    info = folder / "thing-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.4\nName: thing\nVersion: 1.0\nLicense-Expression: {licence}\n"
    )
    (info / "RECORD").write_text("thing-1.0.dist-info/LICENSE,,\n" if text else "")
    (info / "LICENSE").write_text("Do as you like.")
    return folder


NVIDIA = "LicenseRef-NVIDIA-Proprietary"


@pytest.mark.parametrize(
    ("kind", "licence", "text", "refusal"),
    [
        (AddOn.RETRAINING, "MIT", True, ""),
        (AddOn.RETRAINING, "MIT", False, "no text"),
        (AddOn.RETRAINING, NVIDIA, True, "does not allow"),
        (AddOn.RETRAINING, "GPL-3.0-only", True, "does not allow"),
        (AddOn.NVIDIA, NVIDIA, True, ""),
        (AddOn.NVIDIA, NVIDIA, False, "no text"),
        (AddOn.NVIDIA, "GPL-3.0-only", True, "does not allow"),
    ],
)
def test_licences_of_an_add_on(
    add_on: ModuleType, tmp_path: Path, kind: AddOn, licence: str, text: bool, refusal: str
) -> None:
    recipe, folder = add_on.RECIPES[kind], installed(tmp_path, licence, text=text)
    if refusal:
        with pytest.raises(SystemExit, match=refusal):
            add_on.write_licences(recipe, folder)
        return
    add_on.write_licences(recipe, folder)
    written = (folder / add_on.LICENCES).read_text(encoding="utf-8")
    assert f"thing 1.0: {licence}" in written and "Do as you like." in written


def test_libraries_within_a_wheel_are_named_with_their_texts(
    add_on: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """OneMKL is linked into PyTorch; GCC's runtime lies beside it; the third is of nobody."""
    folder = installed(tmp_path, "MIT")
    libraries = folder / "torch" / "lib"
    libraries.mkdir(parents=True)
    (libraries / "libtorch_cpu.so").write_bytes(b"code, and Intel oneMKL FATAL ERROR: Cannot load %s.")
    for name in ("libc10.so", "libgomp.so.1", "libforeign.so.7", "libof_a_test.so", "readme.txt"):
        (libraries / name).write_bytes(b"code")
    names = [part.name for part in add_on.write_licences(add_on.RECIPES[AddOn.RETRAINING], folder)]
    assert names == ["libgomp", "oneMKL", "thing"]
    written = (folder / add_on.LICENCES).read_text(encoding="utf-8")
    assert "Intel Simplified Software License" in written and "GCC RUNTIME LIBRARY EXCEPTION" in written
    named = "of unknown licence: torch/lib/libforeign.so.7"
    said = capsys.readouterr().err
    assert named in written and named in said
    assert "libof_a_test" not in written + said, "it is taken out, as only developers need it"
    (libraries / "libtorch_cpu.so").write_bytes(b"code without it")
    assert "Intel" not in str(add_on.write_licences(add_on.RECIPES[AddOn.RETRAINING], folder))


def test_texts_that_a_wheel_names_must_be_there(add_on: ModuleType, tmp_path: Path) -> None:
    folder = installed(tmp_path, "MIT")
    info = folder / "thing-1.0.dist-info"
    with (info / "METADATA").open("a") as file:
        file.write("License-File: LICENSE\nLicense-File: third_party/fmt/LICENSE.rst\n")
    with pytest.raises(SystemExit, match=r"thing lacks .*third_party/fmt/LICENSE\.rst$"):
        add_on.write_licences(add_on.RECIPES[AddOn.RETRAINING], folder)
    (info / "licenses" / "third_party" / "fmt").mkdir(parents=True)
    (info / "licenses" / "third_party" / "fmt" / "LICENSE.rst").write_text("Of fmt.")
    with (info / "RECORD").open("a") as file:
        file.write("thing-1.0.dist-info/licenses/third_party/fmt/LICENSE.rst,,\n")
    add_on.write_licences(add_on.RECIPES[AddOn.RETRAINING], folder)
    written = (folder / add_on.LICENCES).read_text(encoding="utf-8")
    assert "third_party/fmt/LICENSE.rst:\n\nOf fmt." in written


def test_what_pytorch_needs_to_start_stays(add_on: ModuleType, tmp_path: Path) -> None:
    kept = ("torch/__init__.py", "torch/bin/torch_shm_manager", "torch/lib/libtorch_cpu.so",
            "torch/lib/c10.dll", "torch/nn/a.py")  # fmt: skip
    gone = ("torch/bin/protoc", "torch/bin/test_api", "torch/test/a.py", "torch/include/a.h",
            "torch/lib/libtorchbind_test.so", "torch/lib/dnnl.lib", "torch/_C/a.pyi",
            "sympy/core/tests/a.py")  # fmt: skip
    for name in (*kept, *gone):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    add_on.trim(add_on.RECIPES[AddOn.RETRAINING], tmp_path)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == set(kept)


#: No process has this number: Linux gives none above four million.
DEAD = 99_999_999


@pytest.mark.skipif(sys.platform != "linux", reason="shell scripts of the packages for Linux")
def test_the_run_replaces_and_removes_an_add_on(tmp_path: Path) -> None:
    packed, home = tmp_path / "packed", tmp_path / "Jörg Müller"
    (packed / "sxtstudio-retrain").mkdir(parents=True)
    (packed / "sxtstudio-retrain" / "of-the-new-one").touch()
    (packed / "NAME").write_text("sxtstudio-retrain\n")
    shutil.copy(INSTALLER / "linux" / "files" / "put.sh", packed)
    for name in ("install", "uninstall"):
        shutil.copy(INSTALLER / "linux" / "files" / f"{name}-add-on.sh", packed / f"{name}.sh")
    installed_in = home / ".local" / "lib" / "sxtstudio-retrain"
    installed_in.mkdir(parents=True)
    (installed_in / "of-the-old-one").touch()
    unpacked = tmp_path / "temporary files"
    killed = [
        unpacked / f"sxtstudio-setup.{DEAD}.12",
        installed_in.with_name(f"{installed_in.name}.new.{DEAD}"),
    ]
    others = [unpacked / f"sxtstudio-setup.{os.getpid()}.12", unpacked / "of somebody else"]
    for folder in (*killed, *others):
        (folder / "a part of it").mkdir(parents=True)
    where = os.environ | {"HOME": str(home), "TMPDIR": str(unpacked)}
    where.pop("SXTSTUDIO_PREFIX", None)
    said = subprocess.run(
        ["sh", packed / "install.sh"], env=where, capture_output=True, text=True, check=True
    )
    assert sorted(unpacked.iterdir()) == sorted(others), "what a killed one left goes, and nothing else"
    assert "sxtstudio-retrain is installed" in said.stdout and "SXT Studio itself is not there" in said.stdout
    assert sorted(path.name for path in installed_in.iterdir()) == ["of-the-new-one", "uninstall.sh"]
    subprocess.run(["sh", installed_in / "uninstall.sh"], env=where, capture_output=True, check=True)
    assert list((home / ".local" / "lib").iterdir()) == []
    where["SXTSTUDIO_PREFIX"] = "relative"
    assert subprocess.run(["sh", packed / "install.sh"], env=where, capture_output=True).returncode == 2


@pytest.mark.skipif(sys.platform != "linux", reason="shell scripts of the packages for Linux")
@pytest.mark.parametrize("is_there", [False, True])
def test_the_run_says_what_a_double_click_lacks(tmp_path: Path, is_there: bool) -> None:
    packed, tools = tmp_path / "packed", tmp_path / "bin"
    (packed / "sxtstudio").mkdir(parents=True)
    (packed / "share" / "applications").mkdir(parents=True)
    files = INSTALLER / "linux" / "files"
    for name in ("put.sh", "install.sh", "uninstall.sh"):
        shutil.copy(files / name, packed)
    shutil.copy(files / "sxtstudio.desktop", packed / "share" / "applications")
    tools.mkdir()
    for name in ("awk", "cat", "cp", "cut", "df", "dirname", "du", "ln", "mkdir", "mv", "rm", "sed"):
        (tools / name).symlink_to(str(shutil.which(name)))
    if is_there:
        (tools / "update-desktop-database").write_text("#!/bin/sh\n")
        (tools / "update-desktop-database").chmod(0o755)
    where = {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path), "PATH": str(tools)}
    words = [str(shutil.which("sh")), packed / "install.sh"]
    said = subprocess.run(words, env=where, capture_output=True, text=True, check=True).stdout
    assert "SXT Studio is installed" in said
    assert ("desktop-file-utils" in said) is not is_there


@pytest.mark.skipif(shutil.which("makeself") is None, reason="makeself is not installed")
def test_a_run_unpacks_into_a_folder_of_our_name_and_leaves_nothing(tmp_path: Path) -> None:
    """Were its name makeself's, put.sh could not tell what a killed one has left."""
    package = loaded(INSTALLER / "linux" / "package.py")
    root, temporary = tmp_path / "root", tmp_path / "tmp"
    root.mkdir()
    temporary.mkdir()
    (root / "install.sh").write_text("#!/bin/sh\nset -eu\n. ./put.sh\npwd\n")
    (root / "install.sh").chmod(0o755)
    shutil.copy(INSTALLER / "linux" / "files" / "put.sh", root)
    (temporary / f"sxtstudio-setup.{DEAD}.").mkdir()
    package.pack_run(root, tmp_path / "a.run", "SXT Studio")
    words = ["sh", tmp_path / "a.run", "--quiet"]
    where = os.environ | {"TMPDIR": str(temporary), "SXTSTUDIO_PREFIX": str(tmp_path)}
    done = subprocess.run(words, env=where, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()).name.startswith("sxtstudio-setup.")
    assert list(temporary.iterdir()) == []
    damaged = bytearray((tmp_path / "a.run").read_bytes())
    damaged[-20] ^= 255  # as by a download that went wrong
    (tmp_path / "a.run").write_bytes(damaged)
    failed = subprocess.run(words, env=where, capture_output=True, text=True)
    assert failed.returncode and "checksum" in failed.stderr.lower()
    assert list(temporary.iterdir()) == []


def test_the_manifest_names_what_it_was_made_for(add_on: ModuleType, tmp_path: Path) -> None:
    add_on.write_manifest(AddOn.RETRAINING, tmp_path)
    facts = json.loads((tmp_path / "sxtstudio-add-on.json").read_text())
    assert facts["library"].startswith("torch 2.") and facts["version"] == sxtstudio.__version__
