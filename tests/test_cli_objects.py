"""``sxtstudio objects`` from file to file."""

from __future__ import annotations

import sys
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import tifffile
import zarr
from numpy.typing import NDArray

from sxtstudio.cli import main

sys.path.append(str(Path(__file__).parent / "judges"))

import packed_bodies

Packed = packed_bodies.Packed


@pytest.fixture(scope="module")
def packed() -> Packed:
    return packed_bodies.pack(7, touching=False, shape=(20, 96, 96), many=14)


@pytest.fixture
def labels(packed: Packed, tmp_path: Path) -> Path:
    path = tmp_path / "labels.mrc"
    with mrcfile.new(path) as file:
        file.set_data(packed.outlines.astype(np.int8) * 127)
        file.voxel_size = 100.0
    return path


def run(*words: object) -> int:
    return main([str(word) for word in words])


def stored(path: Path) -> NDArray[np.generic]:
    """Read a file with another library than the program's own reader."""
    if path.suffix == ".mrc":
        with mrcfile.open(path) as file:
            return file.data.copy()
    if path.suffix == ".zarr":
        return np.asarray(zarr.open_group(path, mode="r")["0"])
    return tifffile.imread(path)


@pytest.mark.parametrize("suffix", [".tif", ".mrc", ".zarr"])
def test_bodies_are_numbered_in_every_format(
    suffix: str, packed: Packed, labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / f"objects{suffix}"
    assert run("objects", labels, "-o", out) == 0
    numbers = stored(out)
    assert numbers.dtype == np.uint16
    score = packed_bodies.judge(numbers.astype(np.uint32), packed.bodies)
    assert score.f1 >= 0.9, score
    assert f"{numbers.max()} objects" in capsys.readouterr().out
    assert set(np.unique(numbers)) == set(range(int(numbers.max()) + 1))


def test_components_are_what_hangs_together(labels: Path, packed: Packed, tmp_path: Path) -> None:
    from skimage.measure import label

    assert run("objects", labels, "-o", tmp_path / "o.tif", "--method", "components") == 0
    assert np.array_equal(stored(tmp_path / "o.tif"), label(packed.outlines, connectivity=3))


def test_small_objects_and_what_lies_outside_a_mask_are_left_out(
    labels: Path, packed: Packed, tmp_path: Path
) -> None:
    assert run("objects", labels, "-o", tmp_path / "all.tif") == 0
    voxels = np.bincount(stored(tmp_path / "all.tif").ravel())[1:]
    least = int(np.median(voxels))
    for size in (str(least), f"{least * 1000}nm3"):
        assert run("objects", labels, "-o", tmp_path / "some.tif", "--min-size", size) == 0
        some = stored(tmp_path / "some.tif")
        assert sorted(np.bincount(some.ravel())[1:]) == sorted(voxels[voxels >= least])
    mask = np.zeros(packed.outlines.shape, np.uint8)
    mask[:, :, :48] = 1
    tifffile.imwrite(tmp_path / "mask.tif", mask, photometric="minisblack")
    assert run("objects", labels, "-o", tmp_path / "half.tif", "--mask", tmp_path / "mask.tif") == 0
    half = stored(tmp_path / "half.tif")
    assert half.any() and not half[:, :, 52:].any()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--close", "x"], "is not a width in nm"),
        (["--split", "1.5"], "is not a share"),
        (["--min-size", "-3"], "is no size"),
        (["--mask", "{folder}/nothing.tif"], "nothing.tif"),
    ],
)
def test_bad_options_are_one_sentence(
    words: list[str], sentence: str, labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word.format(folder=tmp_path) for word in words]
    assert run("objects", labels, "-o", tmp_path / "o.tif", *words) == 2
    assert sentence in capsys.readouterr().err and not (tmp_path / "o.tif").exists()


def test_labels_without_a_label_or_a_voxel_size_say_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty.tif"
    tifffile.imwrite(empty, np.zeros((4, 30, 30), np.uint8), photometric="minisblack")
    assert run("objects", empty, "-o", tmp_path / "o.tif") == 2
    assert "holds no label" in capsys.readouterr().err
    one = np.zeros((4, 30, 30), np.uint8)
    one[2, 15, 15] = 1
    tifffile.imwrite(empty, one, photometric="minisblack")
    assert run("objects", empty, "-o", tmp_path / "o.tif", "--close", "60") == 2
    assert "voxel size is unknown" in capsys.readouterr().err
    assert run("objects", empty, "-o", tmp_path / "o.tif") == 0
    assert "0 objects" in (text := capsys.readouterr().out) and "no object was found" in text
