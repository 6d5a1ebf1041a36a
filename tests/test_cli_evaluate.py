"""``sxtstudio evaluate`` from files to report."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import tifffile
from sklearn import metrics

from sxtstudio.cli import main
from sxtstudio.core import walk
from sxtstudio.core.labels import NOT_JUDGED
from sxtstudio.training import simulate

METADATA = {"axes": "ZYX", "unit": "um", "spacing": 0.01}
SHAPE = (6, 24, 30)


def write(path: Path, volume: np.ndarray) -> Path:
    tifffile.imwrite(path, volume, imagej=True, resolution=(100, 100), metadata=METADATA)
    return path


def labels(seed: int) -> np.ndarray:
    return ((np.random.default_rng(seed).random(SHAPE) < 0.3) * 255).astype(np.uint8)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write(tmp_path / "predicted.tif", labels(1)), write(tmp_path / "reference.tif", labels(2))


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main([str(word) for word in words])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_the_scores_in_the_json_are_those_of_scikit_learn(files, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(walk, "SLAB_VOXELS", 2 * SHAPE[1] * SHAPE[2])  # two slices at a time
    code, out, _ = run(capsys, "evaluate", *files, "-o", tmp_path / "r.json")
    assert code == 0 and "F1" in out and "Dice" in out
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    ours, theirs = labels(1) > 0, labels(2) > 0
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        theirs.ravel(), ours.ravel(), average="binary"
    )
    whole = report["all"]
    assert [whole[n] for n in ("precision", "recall", "f1", "dice")] == pytest.approx(
        [precision, recall, f1, f1]
    )
    per_slice = [metrics.f1_score(theirs[z].ravel(), ours[z].ravel()) for z in range(6)]
    assert [row["f1"] for row in report["per_slice"]] == pytest.approx(per_slice)
    assert report["over_slices"]["f1"] == pytest.approx(
        {"slices": 6, "mean": np.mean(per_slice), "sd": np.std(per_slice, ddof=1)}
    )
    assert report["predicted"]["fingerprint"] and report["objects"] is None
    assert report["parameters"]["tolerance"] == 0


def test_the_csv_has_a_row_for_each_slice_all_mean_and_sd(files, tmp_path, capsys) -> None:
    code, _, _ = run(
        capsys, "evaluate", *files, "-o", tmp_path / "r.csv", "--slices", "1,3:5", "--tolerance", "10nm"
    )
    assert code == 0
    with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["slice"] for row in rows] == ["1", "3", "4", "all", "mean", "sd"]
    counts = [sum(int(row[name]) for row in rows[:3]) for name in ("predicted", "true_positive")]
    assert counts == [int(rows[3]["predicted"]), int(rows[3]["true_positive"])]
    f1 = [float(row["f1"]) for row in rows]
    assert f1[4] == pytest.approx(np.mean(f1[:3])) and f1[5] == pytest.approx(np.std(f1[:3], ddof=1))
    assert f1[3] > float(rows[3]["dice"])  # 10 nm are a pixel
    assert "objects_f1" not in rows[0]


def test_objects_and_a_mask(tmp_path, capsys) -> None:
    reference, predicted, mask = (np.zeros(SHAPE, np.uint8) for _ in range(3))
    reference[1:4, 2:8, 2:8], reference[1:4, 12:20, 2:8], reference[:, 5:9, 20:25] = 1, 2, 3
    predicted[1:4, 2:8, 2:8] = predicted[1:4, 12:20, 2:4] = predicted[1:4, 12:20, 6:8] = 255
    mask[:, :, :15] = 1
    names = [
        write(tmp_path / f"{name}.tif", volume)
        for name, volume in (("p", predicted), ("r", reference), ("m", mask))
    ]
    code, out, _ = run(
        capsys, "evaluate", *names[:2], "--mask", names[2], "--objects", "-o", tmp_path / "r.json"
    )
    assert code == 0 and "1 found of 2" in out and "1 split" in out
    found = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["objects"]
    assert found["taken_as"] == {"predicted": "labels", "reference": "objects"}
    assert found["found_objects"] == [{"predicted": 1, "reference": 1, "iou": 1.0}]
    assert (found["split_objects"], found["missed_objects"], found["spurious_objects"]) == ([2], [], [])
    run(capsys, "evaluate", *names[:2], "--objects", "-o", tmp_path / "r.csv")
    with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as file:
        whole = next(row for row in csv.DictReader(file) if row["slice"] == "all")
    assert (whole["objects_reference"], whole["objects_missed"]) == ("3", "1")


def test_an_empty_prediction_scores_nothing_and_is_said(tmp_path, capsys) -> None:
    predicted, reference = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    reference[2, 3:5, 3:5] = 1
    files = write(tmp_path / "p.tif", predicted), write(tmp_path / "r.tif", reference)
    code, out, _ = run(capsys, "evaluate", *files, "--objects", "-o", tmp_path / "r.json")
    assert code == 0 and "p.tif holds no label" in out and "5 of 6 slices" in out
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert report["all"]["precision"] is None and report["all"]["recall"] == 0
    assert (report["objects"]["f1"], report["objects"]["missed"]) == (0, 1)
    code, out, _ = run(capsys, "evaluate", *files, "--slices", "labelled", "-o", tmp_path / "r.json")
    assert code == 0 and "5 of 6" not in out
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["parameters"]["slices"] == [2]


def wrong_shape(tmp: Path) -> list[object]:
    return [write(tmp / "b.tif", labels(2)[:, :20])]


def wrong_voxel(tmp: Path) -> list[object]:
    with mrcfile.new(tmp / "b.mrc") as file:
        file.set_data(labels(2).astype(np.int8) & 1)
        file.voxel_size = 200.0
    return [tmp / "b.mrc"]


def empty(tmp: Path) -> list[object]:
    return [write(tmp / "b.tif", labels(2) * 0)]


def same(*more: object):
    return lambda tmp: [write(tmp / "b.tif", labels(2)), *more]


def image(tmp: Path) -> list[object]:
    return [write(tmp / "b.tif", np.random.default_rng(0).random(SHAPE).astype(np.float32))]


def unknown_voxel(tmp: Path) -> list[object]:
    tifffile.imwrite(tmp / "a.tif", labels(1))
    tifffile.imwrite(tmp / "b.tif", labels(2))
    return [tmp / "b.tif", "--tolerance", "20nm"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (wrong_shape, "The reference has 6 × 20 × 30 voxels"),
        (wrong_voxel, "b.mrc of 20 × 20 × 20 nm"),
        (empty, "The reference b.tif is empty"),
        (same("--slices", "7:9"), "There are no slices 7:9: the volumes have 6"),
        (same("--slices", "x"), "no range of slices"),
        (same("--tolerance", "2mm"), "no tolerance"),
        (same("--tolerance", "1.2.3"), "no tolerance"),
        (same("--label", "9"), "no voxel has the value 9"),
        (image, "fractional grey values"),
        (unknown_voxel, "voxel size is unknown"),
        (same("-o", "r.txt"), "end it in one of .json, .csv"),
    ],
    ids=[
        "shape",
        "voxel size",
        "empty",
        "no slices",
        "no range",
        "no unit",
        "no number",
        "no label",
        "image",
        "nm without voxel size",
        "no report",
    ],
)
def test_what_is_wrong_is_a_sentence(words, said, tmp_path, capsys) -> None:
    predicted = write(tmp_path / "a.tif", labels(1))
    more = words(tmp_path)
    output = [] if "-o" in more else ["-o", tmp_path / "r.json"]
    code, _, error = run(capsys, "evaluate", predicted, *more, *output)
    assert code == 2 and said in error and error.count("\n") == 1
    assert not (tmp_path / "r.json").exists()


def test_another_voxel_size_can_be_given_where_a_file_is_wrong(tmp_path, capsys) -> None:
    predicted, (reference,) = write(tmp_path / "a.tif", labels(1)), wrong_voxel(tmp_path)
    code, _, _ = run(capsys, "evaluate", predicted, reference, "--voxel", "10", "-o", tmp_path / "r.csv")
    assert code == 0


@pytest.mark.parametrize("of", ["reference", "predicted"])
def test_what_is_not_to_be_judged_does_not_count(files, tmp_path, capsys, of) -> None:
    assert NOT_JUDGED == simulate.IGNORE
    ignored = np.random.default_rng(7).random(SHAPE) < 0.2
    ours, theirs = labels(1), labels(2)
    marked = theirs if of == "reference" else ours
    marked[ignored] = NOT_JUDGED
    write(tmp_path / f"{of}.tif", marked)
    code, out, _ = run(capsys, "evaluate", *files, "-o", tmp_path / "r.json", "--objects")
    assert code == 0 and f"{of}.tif holds 128 beside 0 and 255" in out
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    ours, theirs = (ours == 255)[~ignored], (theirs == 255)[~ignored]
    assert report["all"]["f1"] == pytest.approx(metrics.f1_score(theirs, ours))
    for row, one in zip(report["per_slice"], range(SHAPE[0]), strict=True):
        there = ~ignored[one]
        expected = metrics.f1_score((labels(2)[one] > 0)[there], (labels(1)[one] > 0)[there])
        assert row["f1"] == pytest.approx(expected)
    assert out.count("labels (") == 2, "neither file holds numbers of objects"
    assert report["objects"]["reference"] > 2
    code, out, _ = run(capsys, "evaluate", *files, "-o", tmp_path / "r.json", "--label", 255)
    assert code == 0 and "not to be judged" not in out
