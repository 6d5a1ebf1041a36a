"""``sxtstudio info --quality``: figures and flags of a file, with what belongs to it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from sxtstudio.cli import main
from sxtstudio.core.quality.record import Quality, QualityFlag
from sxtstudio.core.records import record_of
from tests.core.quality.phantoms import cell_in_ice


def write(path: Path, volume: np.ndarray, nm: float = 10) -> Path:
    per_um = 1000 / nm
    tifffile.imwrite(
        path,
        volume,
        imagej=True,
        resolution=(per_um, per_um),
        metadata={"axes": "ZYX", "unit": "um", "spacing": nm / 1000},
    )
    return path


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Path:
    volume, _ = cell_in_ice(shape=(16, 100, 100), noise=0.15)
    return write(tmp_path_factory.mktemp("quality") / "cell.tif", volume)


def test_figures_are_printed_with_a_sentence_each(cell: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(cell), "--quality"]) == 0
    said = capsys.readouterr().out
    assert "Contrast of structures:" in said
    assert "No gold beads." in said
    assert "LOOK:" not in said
    assert main(["info", str(cell)]) == 0
    assert "Contrast of structures:" not in capsys.readouterr().out


def test_json_is_the_record_with_trust_and_objects(
    cell: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    volume, truth = cell_in_ice(shape=(16, 100, 100), noise=0.15)
    half = write(tmp_path / "half.tif", volume + np.float32(0.01))
    labels = write(tmp_path / "labels.tif", truth.astype(np.uint8))
    report = {"trust": {"per_slice": {"certainty": [0.1] * 16, "recognised": [None] * 16}}}
    labels.with_suffix(".json").write_text(json.dumps(report))
    table = tmp_path / "objects.csv"
    table.write_text("object,class\n1,vesicle\n2,\n3,vesicle\n")
    options = ["--half", str(half), "--labels", str(labels), "--objects", str(table), "--voxel", "12"]
    assert main(["info", str(cell), "--quality", "--json", *options]) == 0
    found = record_of(json.loads(capsys.readouterr().out)["quality"], Quality, "The record")
    figures = {figure.name.value: figure for figure in found.figures}
    assert found.objects == {"vesicle": 2, "not classified": 1}
    assert figures["certainty"].flag is QualityFlag.BAD
    assert figures["certainty"].value == pytest.approx(0.1)
    assert "recognised" not in figures
    assert found.voxel_nm == (12, 12, 12)
    assert figures["voxel_size"].value == 12


def test_a_report_of_something_else_is_left_out(
    cell: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = write(tmp_path / "labels.tif", np.zeros((16, 100, 100), np.uint8))
    labels.with_suffix(".json").write_text('{"trust": {"per_slice": "none"}}')
    assert main(["info", str(cell), "--quality", "--labels", str(labels)]) == 0
    assert "Certainty" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--half", "small.tif"], "give --quality as well"),
        (["--quality", "--half", "small.tif"], "The half reconstruction has"),
        (["--quality", "--labels", "small.tif"], "The labels have"),
        (["--quality", "--objects", "no.csv"], "no column"),
    ],
)
def test_what_does_not_belong_together_is_refused_in_a_sentence(
    cell: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "small.tif", np.zeros((4, 70, 70), np.uint8))
    (tmp_path / "no.csv").write_text("number,class\n1,vesicle\n")
    assert main(["info", str(cell), *options]) == 2
    assert said in capsys.readouterr().err
