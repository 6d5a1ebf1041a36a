"""What is told of a computer to those who help."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path

import pytest

from sxtstudio import __version__
from sxtstudio.workflow.document import diagnostics as module
from sxtstudio.workflow.document.diagnostics import diagnostics
from sxtstudio.workflow.libraries import licences, required_libraries


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home of a person"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    return folder


def test_text_has_what_helps(home: Path) -> None:
    log = home / "sxtstudio.log"
    log.write_text("\n".join([f"line {n}" for n in range(100)] + ['File "job.py", line 3, in run']))
    text = diagnostics(
        more={"OpenGL": "llvmpipe"}, settings={"theme": "dark", "place": home / "x"}, log_file=log
    )
    for wanted in (
        f"SXT Studio {__version__}", platform.python_version(), platform.system(), "memory", "GB",
        "CPUExecutionProvider", "because", "compact", "OpenGL", "llvmpipe", "dark",
        f"numpy {metadata.version('numpy'):>1}".split()[1], metadata.version("PySide6-Essentials"),
        "line 99", 'File "job.py", line 3, in run',
    ):  # fmt: skip
        assert wanted in text, wanted
    assert "line 20" not in text, "only the end of the log"
    assert str(home) not in text and "~" in text


def test_device_comes_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    from sxtstudio.segment import Device

    monkeypatch.setattr(
        module, "choose_device", lambda wanted: Device("cpu", "CPU (3 threads)", "the card sleeps")
    )
    text = diagnostics()
    assert "CPU (3 threads)" in text and "the card sleeps" in text


@pytest.mark.parametrize("name", ["secret_day3.mrc", "patient.ome.tiff", "run7.zarr", "unpublished.sxt"])
def test_names_of_data_are_left_out(home: Path, name: str) -> None:
    log = home / "log"
    log.write_text(f"cannot read {home}/data/{name}: damaged\n")
    text = diagnostics(log_file=log)
    assert name.split(".")[0] not in text and "cannot read" in text


def test_missing_log_is_no_error(home: Path) -> None:
    assert "there is none" in diagnostics(log_file=home / "none")


def test_every_library_has_a_licence() -> None:
    names = required_libraries()
    assert {"numpy", "vtk", "PySide6-Essentials", "tifffile"} <= set(names)
    found = licences(names)
    assert set(found) == set(names)
    assert all(found.values()) and "see its package" not in found.values()
    assert "LGPL" in found["PySide6-Essentials"]


def test_without_a_home_folder_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "nowhere"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "nowhere"))
    assert "cannot be used (No such file or directory)" in diagnostics()
