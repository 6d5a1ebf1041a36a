"""What the installer's own tools refuse: licences that forbid to hand a package on, and spoilt libraries."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest

from tests.installer.scripts import INSTALLER, loaded

licences = loaded(INSTALLER / "licences.py")
package = loaded(INSTALLER / "linux" / "package.py")


@pytest.mark.parametrize(
    "name",
    ["MIT", "BSD-3-Clause AND 0BSD AND Zlib AND CC0-1.0", "LGPL-3.0-or-later", "Apache Software License",
     "Mozilla Public License 2.0 (MPL 2.0)", "GNU Lesser General Public License v3 (LGPLv3)", "PSF-2.0"],
)  # fmt: skip
def test_licences_that_allow_it(name: str) -> None:
    assert licences.Licence("part", "1", name, ()).refusal() is None


@pytest.mark.parametrize(
    "name",
    ["GPL-3.0-only", "GNU General Public License v2 (GPLv2)", "AGPL-3.0", "MIT OR GPL-2.0", "", "see LICENSE",
     "GNU Affero General Public License v3", "Free for non-commercial use", "CC-BY-NC-4.0", "Proprietary"],
)  # fmt: skip
def test_licences_that_forbid_it_or_are_not_known(name: str) -> None:
    refusal = licences.Licence("part", "1", name, ()).refusal()
    assert refusal and "part" in refusal


def elf(offset: int, address: int) -> bytes:
    head = b"\x7fELF\x02".ljust(32, b"\0") + struct.pack("<Q", 64) + b"\0" * 14 + struct.pack("<HH", 56, 1)
    segment = struct.pack("<IIQQQQQQ", 1, 5, offset, address, address, 16, 16, 4096)
    return head.ljust(64, b"\0") + segment


@pytest.mark.parametrize(("offset", "address", "right"), [(0, 0, True), (16, 4112, True), (8, 4112, False)])
def test_a_library_whose_segments_have_moved_is_not_taken(
    tmp_path: Path, offset: int, address: int, right: bool
) -> None:
    """The loader says of it: ELF load command address/offset not page-aligned."""
    (tmp_path / "a.so").write_bytes(elf(offset, address))
    assert package.is_loadable(tmp_path / "a.so") is right


def test_what_is_no_library_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "a.so").write_text("INPUT(libc.so.6)", encoding="utf-8")
    assert not package.is_loadable(tmp_path / "a.so")


def test_what_must_stay_unchanged_keeps_its_symbols(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Intel's licence allows to hand oneMKL on without modification; PyTorch's own may be stripped."""
    whole = elf(0, 0) + b"symbols"
    libraries = {
        "libc10.so": whole,
        "libtorch_cpu.so": whole + b"Intel oneMKL FATAL ERROR: Cannot load %s.",
        "libiomp5.so": whole,
    }
    for name, content in libraries.items():
        (tmp_path / name).write_bytes(content)

    def strip(words: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        Path(words[words.index("-o") + 1]).write_bytes(elf(0, 0))
        return subprocess.CompletedProcess(words, 0)

    monkeypatch.setattr(package.subprocess, "run", strip)
    package.slim(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        **libraries,
        "libc10.so": elf(0, 0),
    }
    (tmp_path / "libtorch_cpu.so").write_bytes(whole)  # a build of PyTorch without oneMKL
    package.slim(tmp_path)
    assert (tmp_path / "libtorch_cpu.so").read_bytes() == elf(0, 0)
