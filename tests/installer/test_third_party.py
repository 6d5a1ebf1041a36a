"""What of other people is in a package: whose it is, under which licence, and the list of it for machines."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from license_expression import get_spdx_licensing

ROOT = Path(__file__).parents[2]
MODULES = ("licences", "system_licences", "third_party", "sbom")


@pytest.fixture(scope="module")
def tools() -> Iterator[SimpleNamespace]:
    sys.path.insert(0, str(ROOT / "installer"))
    try:
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in MODULES})
    finally:
        sys.path.remove(str(ROOT / "installer"))
        for name in MODULES:
            sys.modules.pop(name, None)


def test_a_file_of_nobody_ends_the_build(tools: SimpleNamespace, tmp_path: Path) -> None:
    """Such as a library of CUDA that happens to lie on the build machine."""
    library = tmp_path / "libcudart.so.13"
    library.write_bytes(b"")
    with pytest.raises(SystemExit, match=r"libcudart\.so\.13"):
        tools.third_party.parts_of([str(library)])


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_a_file_of_nobody_ends_the_build_elsewhere(
    tools: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    library = tmp_path / {"win32": "cudart64_13.dll", "darwin": "libintl.8.dylib"}[system]
    library.write_bytes(b"")
    monkeypatch.setattr(sys, "platform", system)
    with pytest.raises(SystemExit, match=library.name):
        tools.third_party.parts_of([str(library)])


def test_microsofts_runtime_may_be_in_it(
    tools: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "MSVCP140.dll"
    library.write_bytes(b"")
    monkeypatch.setattr(sys, "platform", "win32")
    parts = {part.name: part for part in tools.third_party.parts_of([str(library)])}
    assert "Distributable Code" in parts["Microsoft Visual C++ runtime"].texts[0]
    assert "Python" in parts


def test_ffmpeg_is_named_as_a_program_of_its_own(tools: SimpleNamespace, tmp_path: Path) -> None:
    program = tmp_path / "imageio_ffmpeg" / "binaries" / "ffmpeg-linux-x86_64-v7.0.2"
    program.parent.mkdir(parents=True)
    program.write_bytes(b"")
    (part,) = [part for part in tools.third_party.parts_of([str(program)]) if part.name == "FFmpeg"]
    assert (part.version, part.licence, part.is_program) == ("7.0.2", "GPL-3.0-or-later", True)


def test_debians_packages_that_name_the_gpl_are_refused_until_somebody_looked(tools: SimpleNamespace) -> None:
    text = "Files: *\nLicense: BSD-3-clause\n\nFiles: debian/*\nLicense: GPL-2+\n"
    licence = tools.system_licences.licence_in_debian
    with pytest.raises(SystemExit, match="libnew1 names the GPL"):
        licence("libnew1", text)
    assert licence("libzstd1", text) == "BSD-3-Clause"
    assert licence("libssl3t64", text) == licence("libssl3", text) == "Apache-2.0"
    assert licence("libnew1", "Files: *\nLicense: Expat\n") == "Expat"


def test_examined_libraries_have_licences_that_allow_it(tools: SimpleNamespace) -> None:
    spdx = get_spdx_licensing()
    for package, licence in tools.system_licences.EXAMINED.items():
        assert licence.startswith("LicenseRef-") or spdx.validate(licence).errors == [], package
        assert not tools.licences.FORBIDDEN.search(licence), package


def test_examined_libraries_are_what_debian_says_of_most_files(tools: SimpleNamespace) -> None:
    """Where they are installed: the GPL is none of "Files: *", unless as one of several to choose from."""
    for package in tools.system_licences.EXAMINED:
        path = Path("/usr/share/doc", package, "copyright")
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            (licence,) = re.findall(r"^Files: \*\n(?:.*\n)*?License: *(.*)$", text, re.MULTILINE)[:1]
            assert "GPL" not in licence or " or " in licence.lower(), (package, licence)


def test_fonts_have_their_licence(tools: SimpleNamespace, tmp_path: Path) -> None:
    """The one among the resources is known; another one, or one without its text, ends the build."""
    (font,) = tools.third_party.fonts_of(ROOT / "resources")
    assert (font.name, font.refusal()) == ("DejaVu Sans", None)
    assert "Bitstream Vera" in font.texts[0]
    (tmp_path / "DejaVuSans.ttf").write_bytes(b"")
    with pytest.raises(SystemExit, match=r"DejaVuSans\.ttf"):
        tools.third_party.fonts_of(tmp_path)
    (tmp_path / "DejaVuSans.ttf").rename(tmp_path / "Other.otf")
    (tmp_path / "Other.LICENSE.txt").write_text("All rights reserved.", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"Other\.otf"):
        tools.third_party.fonts_of(tmp_path)


def test_all_licences_stand_in_one_text(tools: SimpleNamespace, tmp_path: Path) -> None:
    """And those that only name the LGPL or the GPL have its text there as well."""
    licence = tools.licences.Licence
    parts = [
        licence("edt", "3.1", "LGPL-3.0-or-later", ()),
        licence("attrs", "26", "MIT", ("Permission is",)),
    ]
    tools.third_party.write_licences(tmp_path / "all.txt", parts)
    text = (tmp_path / "all.txt").read_text(encoding="utf-8")
    assert "Those under the LGPL (edt; " in text and "attrs 26: MIT" in text and "Permission is" in text
    assert text.count("GNU LESSER GENERAL PUBLIC LICENSE") >= 2 and "GNU GENERAL PUBLIC LICENSE" in text


def test_the_list_of_parts_is_cyclonedx(tools: SimpleNamespace, tmp_path: Path) -> None:
    """Checked by the published schema."""
    licence = tools.licences.Licence
    parts = [
        licence("Python", "3.11.7", "PSF-2.0", ("text",)),
        licence("libzstd1", "1.5.4+dfsg2-5", "BSD-3-Clause", (), "deb"),
        licence("PySide6_Essentials", "6.11.3", "LGPL-3.0-only", (), "pypi"),
        licence("odd", "1", "see LICENSE, and more", (), "pypi"),
        licence("FFmpeg", "7.0.2", "GPL-3.0-or-later", (), is_program=True),
        licence("sxtstudio", "1.2.3", "MIT", (), "pypi"),
    ]
    path = tmp_path / "sbom.json"
    model = ROOT / "models" / "compact.onnx"
    tools.sbom.write_sbom(path, parts, "1.2.3", "linux-x86_64", [model])
    text = path.read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    content = json.loads(text)
    own = content["metadata"]["component"]
    assert (own["name"], own["version"], own["type"]) == ("SXT Studio", "1.2.3", "application")
    found = {part["name"]: part for part in content["components"]}
    assert set(found) == {"Python", "libzstd1", "PySide6_Essentials", "odd", "FFmpeg", "compact"}
    assert found["PySide6_Essentials"]["purl"] == "pkg:pypi/pyside6-essentials@6.11.3"
    assert found["libzstd1"]["purl"].startswith("pkg:deb/debian/libzstd1@1.5.4")
    assert found["libzstd1"]["licenses"] == [{"license": {"id": "BSD-3-Clause"}}]
    assert found["FFmpeg"]["type"] == "application"
    assert found["compact"]["hashes"][0]["alg"] == "SHA-256"
    needs = {entry["ref"]: entry.get("dependsOn", []) for entry in content["dependencies"]}
    assert set(needs["sxtstudio"]) == {part["bom-ref"] for part in found.values()}
