"""The installer for Windows, as far as it can be seen without Windows or Wine.

`make installer-windows-test` runs it under Wine.
"""

from __future__ import annotations

import re
import shutil
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

from sxtstudio.io.project_marker import SUFFIX as PROJECT_SUFFIX

INSTALLER = Path(__file__).parents[2] / "installer"
WINDOWS = INSTALLER / "windows"
#: With which Windows begins the numbers of a version in a program.
VERSION_RESOURCE = 0xFEEF04BD
SCRIPTS = {path.name: path.read_text(encoding="utf-8") for path in WINDOWS.glob("*.ns[ih]")}


@pytest.fixture(scope="module")
def make_setup() -> Iterator[ModuleType]:
    sys.path.insert(0, str(WINDOWS))
    try:
        import make_setup  # type: ignore[import-not-found]

        yield make_setup
    finally:
        sys.path.remove(str(WINDOWS))
        sys.modules.pop("make_setup", None)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("0.1.0", (0, 1, 0, 0)), ("1.12", (1, 12, 0, 0)), ("2.0.0rc1", (2, 0, 0, 0)), ("1.2.3.4", (1, 2, 3, 4))],
)
def test_a_version_as_windows_wants_it(make_setup: ModuleType, text: str, numbers: tuple[int, ...]) -> None:
    assert make_setup.four_numbers(text) == numbers


@pytest.mark.parametrize("text", ["", "v1", "70000.1"])
def test_what_is_no_version(make_setup: ModuleType, text: str) -> None:
    with pytest.raises(ValueError, match="no version"):
        make_setup.four_numbers(text)


def test_a_folder_without_the_program_is_refused(make_setup: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"no sxtstudiow\.exe and no sxtstudio\.exe"):
        make_setup.compile_setup(tmp_path, {"PROGRAM": tmp_path})
    with pytest.raises(SystemExit, match="is no folder"):
        make_setup.compile_setup(tmp_path, {"PROGRAM": tmp_path / "none"})


def test_the_nvidia_package_does_not_fit_into_the_same_file(make_setup: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="either --program or --cuda"):
        make_setup.compile_setup(tmp_path, {"PROGRAM": tmp_path, "CUDA": tmp_path})


def test_nothing_is_written_for_all_users() -> None:
    """Which would need an administrator."""
    script = "\n".join(SCRIPTS.values())
    writes = re.findall(r"^\s*(?:Write|Delete)Reg\w+ (?:/\w+ )?(\w+)", script, re.MULTILINE)
    assert len(writes) > 25 and set(writes) == {"HKCU"}
    assert "RequestExecutionLevel user" in SCRIPTS["setup.nsi"]
    assert "SetShellVarContext all" not in script and "PROGRAMFILES" not in script


def test_the_same_file_types_as_on_linux() -> None:
    """And .txm, for which Linux knows no type; projects by the file that stands for them."""
    tree = ElementTree.parse(INSTALLER / "linux" / "files" / "sxtstudio.xml")
    linux = {glob.attrib["pattern"].removeprefix("*") for glob in tree.iter() if glob.tag.endswith("glob")}
    windows = set(re.findall(r'insertmacro \$\{DO\} "([^"]+)"', SCRIPTS["registry.nsh"]))
    assert windows == linux | {".txm"}
    assert PROJECT_SUFFIX in windows


def test_each_key_that_is_written_is_taken_away() -> None:
    def keys(verb: str, text: str) -> set[str]:
        return set(re.findall(rf'^\s*{verb}\w+ (?:/\w+ )?HKCU "([^"]+)"', text, re.MULTILINE))

    writing, removing = SCRIPTS["registry.nsh"].split("!macro UNREGISTER_PROGRAM")
    writing, of_types = writing.split("!macro UNREGISTER_TYPE")
    gone = keys("DeleteReg", removing + of_types)
    classes = {"${CLASSES}\\${TOMOGRAM}", "${CLASSES}\\${PROJECT}"}
    for key in keys("WriteReg", writing + of_types):
        of_class = key.startswith("${CLASSES}\\${CLASS}") and classes <= gone
        inside = key.replace("${CAPABILITIES}", "${KEY}\\Capabilities")
        assert of_class or any(inside == one or inside.startswith(one + "\\") for one in gone), key


def test_only_own_folders_are_removed_with_all_that_is_in_them() -> None:
    """Whoever installs into a folder with other things must not lose these."""
    removed = re.findall(r'RMDir /r "([^"]+)"', SCRIPTS["setup.nsi"] + SCRIPTS["registry.nsh"])
    assert removed
    assert [
        path for path in removed if not re.fullmatch(r"\$INSTDIR\\(\$0|\$\{DIR\w*\})(\.new|\.old)?", path)
    ] == []


@pytest.mark.skipif(not shutil.which("makensis"), reason="makensis is not installed")
def test_the_script_compiles_without_a_warning(make_setup: ModuleType, tmp_path: Path) -> None:
    for name in make_setup.PROGRAMS:
        (tmp_path / name).write_bytes(b"stub")
    for target in ("x86-unicode", "amd64-unicode"):
        made = make_setup.compile_setup(
            tmp_path / target, {"PROGRAM": tmp_path}, target=target, compressor="zlib", number="1.2.3"
        )
        content = made.read_bytes()
        assert made.name == "SXTStudio-1.2.3-setup.exe" and content[:2] == b"MZ"
        at = content.index(struct.pack("<I", VERSION_RESOURCE))
        assert struct.unpack_from("<HHHH", content, at + 8) == (2, 1, 0, 3)
