"""The commands from file to file, on small tomograms and a toy model whose labels are known exactly."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pytest
import tifffile
import zarr
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio import __version__
from sxtstudio.cli import main

Expected = Callable[[NDArray[np.float32]], NDArray[np.bool_]]


def volume_of(path: Path) -> NDArray[np.float32]:
    with mrcfile.open(path) as file:
        return file.data.copy()


def save(path: Path, array: NDArray[np.generic]) -> None:
    tifffile.imwrite(path, array, photometric="minisblack")


def run(*words: object) -> None:
    assert main([str(word) for word in words]) == 0


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0 and __version__ in capsys.readouterr().out


def test_info(tomogram: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = volume_of(tomogram)
    run("info", tomogram)
    text = capsys.readouterr().out
    assert "6 × 64 × 80" in text and "10 × 10 × 10 nm" in text and "float32" in text and "MRC" in text
    run("info", tomogram, "--json")
    facts = json.loads(capsys.readouterr().out)
    assert facts["shape_zyx"] == [6, 64, 80] and facts["voxel_nm_zyx"] == pytest.approx([10, 10, 10])
    assert facts["value_range"] == pytest.approx([data.min(), data.max()])
    assert facts["file_bytes"] == tomogram.stat().st_size


def test_info_of_a_dataset_without_voxel_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path / "a.tif", np.eye(30, dtype=np.float32)[None].repeat(3, 0))
    run("info", tmp_path / "a.tif")
    assert "unknown" in capsys.readouterr().out


def test_segment(
    tomogram: Path,
    toy_model: Path,
    tmp_path: Path,
    expected_labels: Expected,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, report = tmp_path / "labels.tif", tmp_path / "report.json"
    run("segment", tomogram, "-o", out, "--model", toy_model, "--device", "cpu", "--report", report)
    told = capsys.readouterr()
    expected = expected_labels(volume_of(tomogram))
    with tifffile.TiffFile(out) as file:
        np.testing.assert_array_equal(file.asarray(), np.where(expected, 255, 0))
        assert file.imagej_metadata["spacing"] == pytest.approx(10, rel=1e-4) or file.imagej_metadata["unit"]
    assert told.err == ""
    assert "CPU" in told.out and "dark" in told.out and f"{expected.sum()} voxels" in told.out
    assert str(out) in told.out and "read back and equal" in told.out and "per slice" in told.out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cell.mrc", "labels.tif", "report.json", "toy.onnx"]

    content = json.loads(report.read_text(encoding="utf-8"))
    assert content["input"]["shape_zyx"] == [6, 64, 80]
    assert content["voxels_labelled"]["written"] == expected.sum()
    assert len(content["model"]["sha256"]) == 64 and content["polarity"]["value"] == "dark"
    assert content["outputs"][0]["verified_by_reading_back"] is True
    assert content["device"]["reason"] and content["seconds"]["total"] > 0
    assert content["versions"]["tifffile"] == tifffile.__version__


@pytest.mark.parametrize(
    "words", [["--tile", "32"], ["--batch", "3"], ["--tile", "48", "--batch", "2"]], ids=" ".join
)
def test_tiles_and_batches_change_nothing(
    words: list[str], tomogram: Path, toy_model: Path, tmp_path: Path, expected_labels: Expected
) -> None:
    run("segment", tomogram, "-o", tmp_path / "a.tif", "--model", toy_model, *words)
    found = tifffile.imread(tmp_path / "a.tif") > 0
    np.testing.assert_array_equal(found, expected_labels(volume_of(tomogram)))


def test_slices_keep_their_place(
    tomogram: Path, toy_model: Path, tmp_path: Path, expected_labels: Expected
) -> None:
    with mrcfile.open(tomogram, "r+") as file:
        file.header.origin = (100.0, 200.0, 300.0)
    run("segment", tomogram, "-o", tmp_path / "a.mrc", "--model", toy_model, "--slices", "2:-1")
    expected = expected_labels(volume_of(tomogram))[2:5]
    with mrcfile.open(tmp_path / "a.mrc") as file:
        np.testing.assert_array_equal(file.data != 0, expected)
        origin = file.header.origin
        # 300 Å and two slices of 100 Å; x and y stay.
        assert [float(origin[axis]) for axis in "xyz"] == pytest.approx([100, 200, 500])
        assert float(file.voxel_size.z) == pytest.approx(100)


def test_bright_polarity(tomogram: Path, toy_model: Path, tmp_path: Path, expected_labels: Expected) -> None:
    data = volume_of(tomogram)
    with mrcfile.new(tmp_path / "bright.mrc") as file:
        file.set_data(-data)
    for words in ([], ["--polarity", "bright"]):
        run(
            "segment",
            tmp_path / "bright.mrc",
            "-o",
            tmp_path / "a.tif",
            "--model",
            toy_model,
            "--neighbours",
            "0",
            *words,
        )
        np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif") > 0, expected_labels(data))
    run(
        "segment",
        tmp_path / "bright.mrc",
        "-o",
        tmp_path / "b.tif",
        "--model",
        toy_model,
        "--neighbours",
        "0",
        "--polarity",
        "dark",
    )
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif") > 0, expected_labels(-data))


def test_slices_without_content_are_empty_and_noted(
    tomogram: Path,
    toy_model: Path,
    tmp_path: Path,
    expected_labels: Expected,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = volume_of(tomogram)
    data[1], data[4] = 3.0, np.nan
    save(tmp_path / "gaps.tif", data)
    run("segment", tmp_path / "gaps.tif", "-o", tmp_path / "a.tif", "--model", toy_model, "--neighbours", "0")
    found = tifffile.imread(tmp_path / "a.tif") > 0
    assert not found[[1, 4]].any()
    np.testing.assert_array_equal(found[[0, 2, 3, 5]], expected_labels(data[[0, 2, 3, 5]]))
    assert "note" in capsys.readouterr().out


def test_a_fill_is_said_and_has_no_labels(
    tomogram: Path,
    toy_model: Path,
    tmp_path: Path,
    expected_labels: Expected,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data, padding = volume_of(tomogram), ((0, 0), (8, 8), (10, 10))
    save(tmp_path / "framed.tif", np.pad(data, padding, constant_values=-9999))
    report = tmp_path / "a.json"
    words = ("--model", toy_model, "--neighbours", "0", "--report", report, "--trust", "none")
    run("segment", tmp_path / "framed.tif", "-o", tmp_path / "a.tif", *words)
    found = tifffile.imread(tmp_path / "a.tif") > 0
    np.testing.assert_array_equal(found, np.pad(expected_labels(data), padding))
    assert "36 % of the slices was not measured" in capsys.readouterr().out
    content = json.loads(report.read_text(encoding="utf-8"))
    assert content["not_measured"]["share"] == pytest.approx(1 - 64 * 80 / (80 * 100))
    assert content["trust"] is None and content["warnings"] == []


def test_no_labels_are_a_warning(
    tomogram: Path, toy_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "a.json"
    words = ("-o", tmp_path / "a.tif", "--model", toy_model, "--report", report)
    nowhere_dark = np.random.default_rng(0).random((3, 40, 40)) ** 4
    save(tmp_path / "nowhere_dark.tif", nowhere_dark.astype(np.float32))
    run("segment", tmp_path / "nowhere_dark.tif", *words, "--polarity", "dark")
    assert "warning" in (said := capsys.readouterr().out) and "Nothing was labelled" in said
    (warning,) = json.loads(report.read_text(encoding="utf-8"))["warnings"]
    assert warning.startswith("Nothing was labelled")
    run("segment", tomogram, *words, "--min-size", "100000000")
    assert "The clean-up removed all labels" in capsys.readouterr().out


def test_labels_taken_for_a_tomogram_are_a_warning(
    tomogram: Path, toy_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels, report = tmp_path / "labels.tif", tmp_path / "report.json"
    words = ("--model", toy_model, "--report", report, "--polarity", "dark")
    run("segment", tomogram, "-o", labels, *words)
    assert "looks like labels" not in capsys.readouterr().out
    kinds = np.random.default_rng(0).integers(0, 7, (3, 5, 5), np.uint8).repeat(8, 1).repeat(8, 2)
    save(tmp_path / "kinds.tif", kinds)
    run("segment", tmp_path / "kinds.tif", "-o", tmp_path / "o.tif", *words)
    assert "kinds.tif looks like labels (6 kinds of label" in capsys.readouterr().out
    assert "looks like labels" in json.loads(report.read_text(encoding="utf-8"))["warnings"][-1]
    assert main([str(word) for word in ("segment", labels, "-o", tmp_path / "p.tif", *words)]) == 2
    said = capsys.readouterr().err
    assert "nothing to segment" in said and "labels.tif looks like labels (1 kind of label)" in said


def test_clean_up_within_segment_and_on_its_own_agree(
    tomogram: Path, toy_model: Path, tmp_path: Path, expected_labels: Expected
) -> None:
    options = ["--min-size", "40", "--crop", "1,2,3"]
    with mrcfile.open(tomogram, "r+") as file:
        # Two specks, of which the cropping alone would leave one.
        file.data[3, 4, 4:8] = file.data[2, 55:58, 70] = -1
    run("segment", tomogram, "-o", tmp_path / "one.tif", "--model", toy_model, *options)
    run("segment", tomogram, "-o", tmp_path / "two.tif", "--model", toy_model)
    run("clean", tmp_path / "two.tif", "-o", tmp_path / "three.tif", *options)

    labels, count = ndimage.label(expected_labels(volume_of(tomogram)), np.ones((3, 3, 3)))
    sizes = np.bincount(labels.ravel())
    expected = (sizes >= 40)[labels] & (labels > 0)
    inside = np.zeros_like(expected)
    inside[1:-1, 2:-2, 3:-3] = True
    assert (count, (sizes[1:] >= 40).sum()) == (3, 1)
    for name in ("one.tif", "three.tif"):
        np.testing.assert_array_equal(tifffile.imread(tmp_path / name) > 0, expected & inside)


def test_size_in_nm3_and_voxel_size_given(tmp_path: Path) -> None:
    labels = np.zeros((4, 20, 20), np.uint8)
    labels[1, 2, 2:9] = 255
    labels[2, 10, 2:8] = 255
    save(tmp_path / "a.tif", labels)
    # 7 voxels of 20 × 10 × 10 nm are 14000 nm³.
    run(
        "clean", tmp_path / "a.tif", "-o", tmp_path / "b.mrc", "--min-size", "14000nm3", "--voxel", "20,10,10"
    )
    with mrcfile.open(tmp_path / "b.mrc") as file:
        assert (file.data != 0).sum() == 7 and (file.data[1, 2, 2:9] != 0).all()
        assert float(file.voxel_size.z) == pytest.approx(200) and float(file.voxel_size.x) == pytest.approx(
            100
        )


def test_voxel_size_given_by_hand_is_no_longer_called_unknown(
    toy_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / "a.tif", np.random.default_rng(0).normal(size=(3, 64, 64)).astype(np.float32))
    for words, unknown in (([], True), (["--voxel", "12"], False)):
        run("segment", tmp_path / "a.tif", "-o", tmp_path / "b.tif", "--model", toy_model, *words)
        assert ("voxel size unknown" in capsys.readouterr().out) == unknown


def test_mask_from_a_file(tomogram: Path, toy_model: Path, tmp_path: Path, expected_labels: Expected) -> None:
    mask = np.zeros((6, 64, 80), np.uint8)
    mask[:, :, :40] = 1
    save(tmp_path / "mask.tif", mask)
    words = ["--model", toy_model, "--mask", tmp_path / "mask.tif", "--slices", "1:4"]
    run("segment", tomogram, "-o", tmp_path / "a.tif", *words)
    expected = (expected_labels(volume_of(tomogram)) & (mask > 0))[1:4]
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif") > 0, expected)


def test_an_empty_mask_is_refused_before_the_work(
    tomogram: Path, toy_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / "mask.tif", np.zeros((6, 64, 80), np.uint8))
    save(tmp_path / "labels.tif", np.eye(64, 80, dtype=np.uint8)[np.newaxis].repeat(6, 0))
    for words in (["segment", tomogram, "--model", toy_model], ["clean", tmp_path / "labels.tif"]):
        words += ["-o", tmp_path / "out.tif", "--mask", tmp_path / "mask.tif"]
        assert main([str(word) for word in words]) == 2
        assert "mask.tif is empty" in capsys.readouterr().err and not (tmp_path / "out.tif").exists()


@pytest.mark.parametrize("outside", [np.nan, 0.0])
def test_what_is_no_number_in_a_mask_is_outside(outside: float, tmp_path: Path, capsys: Any) -> None:
    labels, mask = np.ones((3, 20, 30), np.uint8), np.full((3, 20, 30), outside, np.float32)
    labels[0, 0, 0] = 0
    save(tmp_path / "labels.tif", labels)
    save(tmp_path / "mask.tif", mask)
    words = ["clean", tmp_path / "labels.tif", "-o", tmp_path / "out.tif", "--mask", tmp_path / "mask.tif"]
    assert main([str(word) for word in words]) == 2
    assert "mask.tif is empty: no voxel is a number other than 0" in capsys.readouterr().err
    mask[:, 4:9] = 0.5
    mask[1, 6, 7] = -1
    save(tmp_path / "mask.tif", mask)
    run(*words)
    expected = np.zeros(labels.shape, bool)
    expected[:, 4:9] = True
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out.tif") > 0, expected)


def test_a_clean_up_that_leaves_nothing_is_a_warning(tmp_path: Path, capsys: Any) -> None:
    labels = np.zeros((3, 20, 30), np.uint8)
    save(tmp_path / "none.tif", labels)
    run("clean", tmp_path / "none.tif", "-o", tmp_path / "out.tif")
    assert "warning: There are no labels: every voxel is 0" in " ".join(capsys.readouterr().out.split())
    labels[1, 4:9, 4:9] = 1
    save(tmp_path / "few.tif", labels)
    run("clean", tmp_path / "few.tif", "-o", tmp_path / "out.tif", "--min-size", "26")
    said = " ".join(capsys.readouterr().out.split())
    assert "warning: The clean-up removed all labels (25 voxels)" in said
    run("clean", tmp_path / "few.tif", "-o", tmp_path / "out.tif", "--min-size", "25")
    assert "warning" not in capsys.readouterr().out


def test_automatic_mask(tomogram: Path, toy_model: Path, tmp_path: Path) -> None:
    run("segment", tomogram, "-o", tmp_path / "a.tif", "--model", toy_model)
    run("segment", tomogram, "-o", tmp_path / "b.tif", "--model", toy_model, "--auto-mask")
    run("clean", tmp_path / "a.tif", "-o", tmp_path / "c.tif", "--auto-mask", tomogram)
    a, b, c = (tifffile.imread(tmp_path / name) for name in ("a.tif", "b.tif", "c.tif"))
    np.testing.assert_array_equal(b, c)
    assert not (b & ~a).any()


def test_clean_says_where_it_is_not_sure_of_the_polarity(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grain = np.random.default_rng(0).normal(size=(3, 64, 64)).astype(np.float32)
    save(tmp_path / "a.tif", grain)
    save(tmp_path / "labels.tif", np.eye(64, dtype=np.uint8)[np.newaxis].repeat(3, 0))
    words = ["clean", tmp_path / "labels.tif", "-o", tmp_path / "b.tif", "--auto-mask", tmp_path / "a.tif"]
    run(*words)
    said = capsys.readouterr().out
    assert "warning" in said and "dark or bright here is not sure" in said
    assert "give --polarity" in said and "100 %" not in said
    run(*words, "--polarity", "bright")
    assert "not sure" not in capsys.readouterr().out


def test_probability_and_zarr(
    tomogram: Path, toy_model: Path, tmp_path: Path, expected_labels: Expected
) -> None:
    out, probability = tmp_path / "a.ome.zarr", tmp_path / "p.tif"
    run("segment", tomogram, "-o", out, "--probability", probability, "--model", toy_model)
    expected = expected_labels(volume_of(tomogram))
    values = tifffile.imread(probability)
    np.testing.assert_array_equal(values > 127, expected)
    level = zarr.open_group(out, mode="r")["0"]
    np.testing.assert_array_equal(np.squeeze(np.asarray(level[...])) > 0, expected)


def test_existing_output_is_replaced_after_success(tomogram: Path, toy_model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(b"old")
    run("segment", tomogram, "-o", tmp_path / "a.tif", "--model", toy_model)
    assert tifffile.imread(tmp_path / "a.tif").shape == (6, 64, 80)


def test_surface_and_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    z, y, x = np.indices((24, 40, 40))
    balls = ((z - 12) ** 2 + (y - 20) ** 2 + (x - 10) ** 2 < 49) | (
        (z - 12) ** 2 + (y - 20) ** 2 + (x - 30) ** 2 < 49
    )
    save(tmp_path / "balls.tif", balls.astype(np.uint8))
    words = ["--objects", "--min-faces", "10", "--picture", tmp_path / "a.png", "--voxel", "10"]
    run("surface", tmp_path / "balls.tif", "-o", tmp_path / "a.ply", *words)
    assert "2 objects" in capsys.readouterr().out
    assert (tmp_path / "a.ply").read_bytes().startswith(b"ply")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_models(
    toy_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("models", "check", toy_model)
    told = capsys.readouterr().out
    assert "toy" in told and "passed" in told and "unknown" in told
    monkeypatch.setenv("SXTSTUDIO_MODELS", str(tmp_path))
    run("models")
    assert str(toy_model) in capsys.readouterr().out


def test_demo(tomogram: Path, toy_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sxtstudio.workflow.jobs import demo as module

    monkeypatch.setattr(module, "MIN_FACES", 10)
    result = module.demo(tmp_path / "out", sample=tomogram, model=toy_model)
    assert result.surface.objects > 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "labels.tif",
        "picture.png",
        "report.json",
        "surface.ply",
    ]
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["job"] == "demo" and report["surface"]["faces"] == result.surface.faces
    assert report["clean_up"]["steps"][0]["name"] == "small objects"


def test_demo_without_its_sample(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from sxtstudio.core.errors import UserError
    from sxtstudio.workflow.jobs.demo import demo

    with pytest.raises(UserError, match="sample"):
        demo(tmp_path / "out", sample=tmp_path / "nowhere.tif")
    assert not (tmp_path / "out").exists()


def test_real_slices(toy_model: Path, tmp_path: Path) -> None:
    """The whole way from a real file with a voxel size to a label file that has it as well."""
    source = Path(__file__).parents[2] / "shared/data/real/contour/slab_img.tif"
    if not source.is_file():
        pytest.skip("needs the real images of ../shared/data/real, which are not here")
    copy = shutil.copy(source, tmp_path / "slab.tif")
    run("segment", copy, "-o", tmp_path / "a.mrc", "--model", toy_model)
    with mrcfile.open(tmp_path / "a.mrc") as file:
        assert file.data.shape == (6, 473, 473) and file.data.any()
        assert [float(file.voxel_size[axis]) for axis in "zyx"] == pytest.approx([100, 200, 200], rel=1e-4)


@pytest.fixture
def materials(tmp_path: Path) -> Path:
    """Labels of three values: 1 and 2 touch, 3 lies apart."""
    labels = np.zeros((12, 30, 40), np.uint8)
    labels[2:10, 4:14, 4:14], labels[2:10, 4:14, 14:26], labels[3:9, 18:26, 28:36] = 1, 2, 3
    save(tmp_path / "materials.tif", labels)
    return tmp_path / "materials.tif"


def test_labels_of_several_values_are_merged_with_a_word_only(
    materials: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = tifffile.imread(materials)
    run("clean", materials, "-o", tmp_path / "all.tif")
    said = capsys.readouterr().out.replace("\u202f", "")
    assert "1 (800 voxels), 2 (960 voxels), 3 (384 voxels)" in said
    assert "one kind" in said and "--label" in said
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "all.tif") > 0, labels > 0)
    run("clean", materials, "-o", tmp_path / "two.tif", "--label", "2")
    assert "one kind" not in capsys.readouterr().out
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "two.tif") > 0, labels == 2)
    assert main(["clean", str(materials), "-o", str(tmp_path / "x.tif"), "--label", "9"]) == 2
    assert "no label 9" in capsys.readouterr().err


def test_numbered_objects_that_touch_stay_apart_in_the_surface(
    materials: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("surface", materials, "-o", tmp_path / "a.ply", "--objects", "--min-faces", "0")
    assert "3 objects" in capsys.readouterr().out
    run("surface", materials, "-o", tmp_path / "a.ply", "--objects", "--min-faces", "0", "--label", "1")
    assert "1 object," in capsys.readouterr().out
