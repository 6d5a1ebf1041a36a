"""``sxtstudio ranges`` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pytest
import tifffile

from sxtstudio.cli import main
from sxtstudio.io import export_zarr, zarr_layers
from sxtstudio.workflow.ranges import cleaning, objects, running, split
from sxtstudio.workflow.ranges.attempts import begin_attempt


@pytest.fixture(autouse=True)
def chunks_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six slices make three ranges."""
    monkeypatch.setattr(export_zarr, "CHUNK", (2, 64, 64))
    for module in (zarr_layers, split, running, cleaning, objects):
        monkeypatch.setattr(module, "LAYER_SLICES", 2)


@pytest.fixture
def words(tomogram: Path, toy_model: Path, tmp_path: Path) -> list[str]:
    """What is asked for, of both commands."""
    options = ["--model", str(toy_model), "--device", "cpu", "--polarity", "dark", "--min-size", "5"]
    return [str(tomogram), *options, "--report", str(tmp_path / "report.json")]


def items(lines: str) -> list[dict[str, Any]]:
    """Return what the lines for programs say of the ranges."""
    found = [json.loads(line) for line in lines.splitlines()]
    assert found[-1]["event"] == "result"
    return [line["figures"] for line in found if line["event"] == "item"]


def ran(*words: object) -> int:
    return main([str(word) for word in words])


def test_plan_run_and_finish_give_the_labels_of_segment(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = tmp_path / "ranges.mrc"
    assert ran("segment", *words, "-o", tmp_path / "once.mrc") == 0
    capsys.readouterr()
    plan = ["ranges", "plan", *words, "-o", labels, "--slices-per-range", "2"]
    assert ran(*plan, "--json") == 0
    state = json.loads(capsys.readouterr().out)
    assert [one["slices"] for one in state["ranges"]] == [[0, 2], [2, 4], [4, 6]]
    assert state["folder"] == f"{labels}.ranges"

    assert ran("ranges", "run", labels, "--range", "1", "--json-lines") == 0
    (done,) = items(capsys.readouterr().out)
    assert (done["range"], done["slices"], done["computed"]) == (1, [2, 4], 2)
    assert ran("ranges", "finish", labels) == 2
    told = capsys.readouterr().err
    assert "0, 2" in told and told.count("\n") == 1

    assert ran(*plan) == 0 and ran("ranges", "run", state["folder"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[-2:]] == ["range 0", "range 2"]
    assert ran("ranges", "run", labels, "--range", "0", "2") == 0
    assert capsys.readouterr().out.count("computed 0") == 2
    assert ran("ranges", "show", labels) == 0
    assert "nothing: finish it" in capsys.readouterr().out
    assert ran("ranges", "finish", labels) == 0
    assert "read back and equal" in capsys.readouterr().out
    with mrcfile.open(labels) as mine, mrcfile.open(tmp_path / "once.mrc") as once:
        assert mine.data.any() and np.array_equal(mine.data, once.data)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["clean_up"] is not None and len(report["ranges"]) == 3
    assert not Path(state["folder"]).exists()


def test_what_another_process_here_works_on_is_left_to_it(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = tmp_path / "ranges.tif"
    assert ran("ranges", "plan", *words, "-o", labels, "--slices-per-range", "2") == 0
    begin_attempt(Path(f"{labels}.ranges") / "range-0001")  # of this process, which is alive
    capsys.readouterr()
    assert ran("ranges", "--json-lines", "run", labels) == 0
    assert [one["range"] for one in items(capsys.readouterr().out)] == [0, 2]


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (["show"], "holds no plan of ranges"),
        (["run"], "holds no plan of ranges"),
        (["finish"], "holds no plan of ranges"),
        (["run", "--range", "-1"], "whole number"),
    ],
    ids=str,
)
def test_what_is_wrong_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], last: list[str], said: str
) -> None:
    assert ran("ranges", last[0], tmp_path / "labels.tif", *last[1:]) == 2
    told = capsys.readouterr().err
    assert said in told and told.count("\n") == 1


def test_clean_objects_and_measure_in_ranges(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    once, ranges = tmp_path / "once", tmp_path / "ranges"
    labels, tomogram = tmp_path / "labels.tif", words[0]
    assert ran("segment", *words, "-o", labels) == 0
    for folder in (once, ranges):
        folder.mkdir()
    clean = ["--smooth-z", "1", "--min-size", "4"]
    find = ["--method", "components"]
    assert ran("clean", labels, "-o", once / "clean.tif", *clean) == 0
    assert ran("objects", once / "clean.tif", "-o", once / "objects.tif", *find) == 0
    assert (
        ran("measure", once / "objects.tif", "-o", once / "table.csv", "--image", tomogram, "--as", "objects")
        == 0
    )

    def in_ranges(action: str, output: Path, *asked: object) -> None:
        assert ran("ranges", action, *asked, "-o", output, "--slices-per-range", "2") == 0
        assert ran("ranges", "run", output) == 0
        assert "3 of 3" not in capsys.readouterr().out.splitlines()[-1]

    in_ranges("plan-clean", ranges / "clean.tif", labels, *clean)
    assert ran("ranges", "finish", ranges / "clean.tif") == 0
    in_ranges("plan-objects", ranges / "objects.tif", ranges / "clean.tif", *find)
    assert ran("ranges", "finish", ranges / "objects.tif") == 0
    measure = [ranges / "objects.tif", "--image", tomogram, "--as", "objects"]
    in_ranges("plan-measure", ranges / "table.csv", *measure)
    assert ran("ranges", "finish", ranges / "table.csv") == 2
    assert "measure" in capsys.readouterr().err
    assert ran("measure", *measure, "-o", ranges / "table.csv", "--ranges") == 0
    for name in ("clean.tif", "objects.tif", "table.csv"):
        assert (once / name).read_bytes() == (ranges / name).read_bytes()
    assert not [path for path in ranges.iterdir() if path.suffix == ".ranges"]


def test_rounded_ranges_are_said_and_no_figure_is_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = np.zeros((5, 24, 24), np.uint8)
    labels[1:4, 5:9, 5:9] = 255
    tifffile.imwrite(tmp_path / "l.tif", labels)
    cleaned = tmp_path / "c.tif"
    assert ran("ranges", "plan-clean", tmp_path / "l.tif", "-o", cleaned, "--slices-per-range", 3) == 0
    out = capsys.readouterr().out
    assert "3 slices per range were rounded up to 4" in out
    assert ran("ranges", "run", cleaned) == 0
    out = capsys.readouterr().out
    assert "range 0: slices 0 to 3, " in out and ", ," not in out
    assert ran("ranges", "finish", cleaned) == 0


def test_ranges_of_a_plan_are_given_to_the_cluster_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    from sxtstudio.cluster import planned

    asked: list[tuple[object, ...]] = []

    def run(job, profile, progress, on_range) -> None:
        asked.append((job.folder.name, job.numbers, job.device, profile.kind, profile.workers))
        on_range(3, "node-7: CPU", {"first": 48, "last": 64, "seconds": 2.5, "objects": 12})

    monkeypatch.setattr(planned, "run_planned_ranges", run)
    words = ["ranges", "run", str(tmp_path / "objects.tif"), "--range", "3", "--cluster", "local:4"]
    assert main([*words, "--device", "cpu"]) == 0
    assert asked == [("objects.tif.ranges", [3], "cpu", "local", 4)]
    said = capsys.readouterr().out
    assert "range 3: slices 48 to 63, objects 12, worker node-7: CPU, 2.5 s" in said
