"""The self-check works on a whole installation, and sees what is broken in it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

from sxtstudio.cli import main
from sxtstudio.core.errors import Cancelled
from sxtstudio.core.progress import Progress
from sxtstudio.core.shipped import resources
from sxtstudio.workflow.selfcheck import check, file_parts, parts
from sxtstudio.workflow.selfcheck.check import self_check
from sxtstudio.workflow.selfcheck.record import State


def test_every_part_of_this_checkout_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "check.json"
    code = main(["--selfcheck", "--json", "-o", str(file)])
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(file.read_text())
    failed = [part for part in printed["parts"] if part["state"] == "failed"]
    assert code == 0 and printed["works"] and not failed
    assert {part["name"] for part in printed["parts"]} == set(parts.CHECKS)
    assert printed["libraries"]["numpy"] == np.__version__


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
    assert part.state is State.FAILED and "help/tutorial.md" in part.said


def test_a_codec_that_is_missing_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a package that was made without it: the library is there, the module that unpacks LZW is not."""

    def gone(*_: object, **__: object) -> bytes:
        raise ImportError("imagecodecs._imcd is missing")

    monkeypatch.setattr(file_parts, "TIFF_PACKINGS", ("zlib", "lzw"))
    monkeypatch.setitem(tifffile.TIFF.DECOMPRESSORS._codecs, 5, gone)
    only(monkeypatch, "compression")
    (part,) = self_check().parts
    assert part.state is State.FAILED and "lzw" in part.said


def test_what_nobody_expected_is_said_and_the_next_part_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    def bug() -> str:
        raise RuntimeError("out of luck")

    def absent() -> str:
        raise parts.Absent("not installed")

    monkeypatch.setattr(check, "CHECKS", {"one": bug, "two": absent, "three": lambda: "good"})
    found = self_check()
    assert [part.state for part in found.parts] == [State.FAILED, State.MISSING, State.WORKS]
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
