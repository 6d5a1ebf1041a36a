"""The self-check works on a whole installation, and sees what is broken in it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from sxtstudio import segment
from sxtstudio.cli import main
from sxtstudio.core import packaged
from sxtstudio.core.errors import Cancelled
from sxtstudio.core.progress import Progress
from sxtstudio.core.shipped import resources
from sxtstudio.segment.device import Device
from sxtstudio.workflow.jobs import povray, povray_program
from sxtstudio.workflow.retraining import child
from sxtstudio.workflow.selfcheck import check, file_parts, optional_parts, parts
from sxtstudio.workflow.selfcheck.check import self_check
from sxtstudio.workflow.selfcheck.record import PartState


def test_every_part_of_this_checkout_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "check.json"
    code = main(["--selfcheck", "--json", "-o", str(file)])
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(file.read_text())
    failed = [part for part in printed["parts"] if part["state"] == "failed"]
    assert code == 0 and printed["works"] and not failed
    assert {part["name"] for part in printed["parts"]} == set(parts.CHECKS)
    assert printed["libraries"]["numpy"] == np.__version__
    assert printed["device"]["kind"] in ("cpu", "cuda") and printed["device"]["reason"]
    assert printed["seconds"] == pytest.approx(sum(part["seconds"] for part in printed["parts"]), abs=0.01)


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what ships, to spoil."""
    copy = tmp_path / "resources"
    shutil.copytree(resources(), copy)
    monkeypatch.setattr(parts, "resources", lambda: copy)
    return copy


def only(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(check, "CHECKS", {name: parts.CHECKS[name]})


def test_other_labels_than_the_stored_ones_are_a_failure(
    broken: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half a percent of the pixels: more than processors differ, and less than an eye would see."""
    stored = tifffile.imread(broken / "selfcheck.tif")
    flat = stored.reshape(-1)
    flat[::200] ^= 255
    tifffile.imwrite(broken / "selfcheck.tif", stored, photometric="minisblack")
    only(monkeypatch, "segmentation")
    assert main(["selfcheck"]) == 1
    out = capsys.readouterr().out
    assert "0.50% of the labels" in out and "does not work: segmentation failed" in out


def test_a_missing_file_is_named(broken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (broken / "help" / "tutorial.md").unlink()
    only(monkeypatch, "files")
    (part,) = self_check().parts
    assert part.state is PartState.FAILED and "help/tutorial.md" in part.said


def test_a_codec_that_is_missing_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a package that was made without it: the library is there, the module that unpacks LZW is not."""

    def gone(*_: object, **__: object) -> bytes:
        raise ImportError("imagecodecs._imcd is missing")

    monkeypatch.setattr(file_parts, "TIFF_PACKINGS", ("zlib", "lzw"))
    monkeypatch.setitem(tifffile.TIFF.DECOMPRESSORS._codecs, 5, gone)
    only(monkeypatch, "compression")
    (part,) = self_check().parts
    assert part.state is PartState.FAILED and "lzw" in part.said


def test_what_nobody_expected_is_said_and_the_next_part_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    def bug() -> str:
        raise RuntimeError("out of luck")

    def absent() -> str:
        raise parts.Absent("not installed")

    monkeypatch.setattr(check, "CHECKS", {"one": bug, "two": absent, "three": lambda: "good"})
    found = self_check()
    assert [part.state for part in found.parts] == [PartState.FAILED, PartState.MISSING, PartState.WORKS]
    assert "out of luck" in found.parts[0].said and not found.works


def test_it_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    progress = Progress()

    def cancel() -> str:
        progress.cancel()
        return ""

    never = pytest.fail
    monkeypatch.setattr(check, "CHECKS", {"one": cancel, "two": lambda: never("it went on")})
    with pytest.raises(Cancelled):
        self_check(progress)


def test_a_program_without_onnx_runtime_still_checks_itself(tmp_path: Path) -> None:
    """Half of a package is missing: what needs the other half fails, and everything else is tried."""
    file = tmp_path / "check.json"
    script = (
        "import sys; sys.modules['onnxruntime'] = None\n"
        "from sxtstudio.workflow.selfcheck import check, parts\n"
        "check.CHECKS = {name: parts.CHECKS[name] for name in ('device', 'segmentation', 'tables')}\n"
        "from sxtstudio.cli import main\n"
        f"sys.exit(main(['--selfcheck', '-o', {str(file)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    found = json.loads(file.read_text())
    states = {part["name"]: part["state"] for part in found["parts"]}
    assert states == {"device": "failed", "segmentation": "failed", "tables": "works"}
    assert found["device"]["kind"] == "" and "onnxruntime" in found["device"]["reason"]


def alone(monkeypatch: pytest.MonkeyPatch, name: str) -> tuple[PartState, str]:
    only(monkeypatch, name)
    (part,) = self_check().parts
    return part.state, part.said


def test_without_a_card_it_is_said_why_and_that_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment, "choose_device", lambda wish: Device("cpu", "CPU", "the driver is too old"))
    state, said = alone(monkeypatch, "NVIDIA card")
    assert state is PartState.MISSING and said.endswith("gives the same: the driver is too old")


def test_a_pytorch_that_cannot_be_loaded_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho libtorch_cpu.so is damaged >&2; exit 3\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(child, "can_train", lambda: True)
    monkeypatch.setattr(child, "program", lambda: [str(program)])
    state, said = alone(monkeypatch, "retraining")
    assert state is PartState.FAILED and "libtorch_cpu.so is damaged" in said


def test_without_pytorch_it_is_said_what_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "can_train", lambda: False)
    state, said = alone(monkeypatch, "retraining")
    assert state is PartState.MISSING and "cannot be retrained" in said and "PyTorch" in said


@pytest.mark.parametrize(("found", "expected"), [(None, PartState.MISSING), ("/bin/false", PartState.FAILED)])
def test_povray_that_is_missing_or_does_not_draw(
    found: str | None, expected: PartState, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (povray, povray_program):
        monkeypatch.setattr(module, "find_povray", lambda: None if found is None else Path(found))
    state, said = alone(monkeypatch, "POV-Ray")
    assert state is expected and "POV-Ray" in said


@pytest.mark.parametrize(
    ("script", "expected", "words"),
    [
        ("exit 3", PartState.FAILED, "could be opened (Could not connect to display)"),
        (': > "$2"; exit 6', PartState.WORKS, "a window opened; OpenGL does not work inside"),
        ('printf llvmpipe > "$2"', PartState.WORKS, "llvmpipe drew in it"),
    ],
    ids=["no window", "OpenGL ends the process", "all works"],
)
def test_a_window_without_opengl_is_a_window(
    script: str, expected: PartState, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho Could not connect to display >&2\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(packaged, "own_program", lambda command, module: [str(program), command])
    monkeypatch.setenv("DISPLAY", ":7")
    state, said = alone(monkeypatch, "window")
    assert state is expected and words in said


def test_where_the_report_goes_is_tried_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(progress: Progress) -> None:
        raise AssertionError("checked for nothing")

    monkeypatch.setattr(check, "self_check", never)
    assert main(["selfcheck", "-o", str(tmp_path / "nowhere" / "check.json")]) == 2


def test_a_cluster_that_is_missing_or_has_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    state, said = alone(monkeypatch, "cluster")
    assert state is PartState.WORKS and "A worker came after" in said
    monkeypatch.setattr(optional_parts, "find_spec", lambda name: None)
    state, said = alone(monkeypatch, "cluster")
    assert state is PartState.MISSING and "sxtstudio[cluster]" in said
