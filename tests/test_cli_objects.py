"""``sxtstudio objects`` from file to file."""

from __future__ import annotations

import csv
import shlex
import sys
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import tifffile
import zarr
from numpy.typing import NDArray
from scipy import ndimage

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


def written(path: Path, values: NDArray[np.generic]) -> Path:
    tifffile.imwrite(path, values, photometric="minisblack")
    return path


def test_flags_are_written_as_a_table(labels: Path, packed: Packed, tmp_path: Path) -> None:
    """Half of the outlines are where the network was sure, the others are not; sure is 0…255 or 0…1."""
    sure = np.where(np.arange(96) < 48, 250, 140) * np.ones(packed.outlines.shape)
    for dtype, scale in ((np.uint8, 1), (np.float32, 255)):
        path = written(tmp_path / f"sure-{scale}.tif", (sure / scale).astype(dtype))
        words = ("--probability", path, "--table", tmp_path / "flags.csv", "--no-sheets")
        assert run("objects", labels, "-o", tmp_path / "o.tif", *words) == 0
        numbers = stored(tmp_path / "o.tif")
        with open(tmp_path / "flags.csv", encoding="utf-8") as file:
            flags = {int(row["object"]): set(row["flags"].split()) for row in csv.DictReader(file)}
        assert set(flags) == set(range(1, int(numbers.max()) + 1))
        border = set(np.unique(np.concatenate([face.ravel() for face in faces(numbers)]))) - {0}
        assert {number for number, found in flags.items() if "border" in found} == border
        for number, found in flags.items():
            x = np.nonzero(numbers == number)[2]
            if x.max() < 48 or x.min() > 48:
                assert ("doubtful" in found) == (x.min() > 48), number


def faces(numbers: NDArray[np.generic]) -> list[NDArray[np.generic]]:
    return [np.take(numbers, end, axis) for axis in range(3) for end in (0, -1)]


def test_a_file_of_objects_is_taken_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ids = np.zeros((4, 30, 90), np.uint32)
    for n in range(25):
        ids[1:3, 5:20, 3 * n : 3 * n + 3] = 2**31 + 7 * n
    path = written(tmp_path / "ids.tif", ids)
    assert run("objects", path, "-o", tmp_path / "o.tif") == 0
    assert "holds objects already" in capsys.readouterr().out
    found = stored(tmp_path / "o.tif")
    assert np.array_equal(found > 0, ids > 0) and found.max() == 25
    assert len(np.unique(np.stack([found.ravel(), ids.ravel()], 1), axis=0)) == 26
    one = ("--label", str(2**31), "--method", "components")
    assert run("objects", path, "-o", tmp_path / "o.tif", *one) == 0
    assert np.array_equal(stored(tmp_path / "o.tif") > 0, ids == 2**31)


@pytest.mark.parametrize(
    ("dtype", "numbers"),
    [("u8", (7, 2**32 + 7)), ("u8", (5, 2**63 + 5)), ("i8", (-3, 2**40)), ("f8", (7, 2**32 + 7))],
)
def test_touching_objects_stay_apart_whatever_their_numbers(
    dtype: str, numbers: tuple[int, int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = np.zeros((4, 30, 30), dtype)
    ids[1:3, 5:20, 5:10], ids[1:3, 5:20, 10:20] = numbers
    path = written(tmp_path / "ids.tif", ids)
    for method in ("bodies", "components"):
        assert run("objects", path, "-o", tmp_path / "o.tif", "--method", method) == 0
        out = capsys.readouterr().out
        assert "objects, one per number (ids.tif holds the values" in out and "2 objects" in out
        assert np.array_equal(
            stored(tmp_path / "o.tif"), np.select([ids == numbers[0], ids == numbers[1]], [1, 2], 0)
        )
    assert run("objects", path, "-o", tmp_path / "o.tif", "--method", "components", "--as", "labels") == 0
    assert "taken as: labels (ids.tif" in capsys.readouterr().out
    assert stored(tmp_path / "o.tif").max() == 1


def test_a_tomogram_and_an_output_of_no_number_are_said(
    labels: Path, packed: Packed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = np.full(packed.outlines.shape, np.nan, np.float32)
    image, sure = written(tmp_path / "i.tif", nothing), written(tmp_path / "p.tif", nothing)
    assert run("objects", labels, "-o", tmp_path / "o.tif", "--image", image, "--probability", sure) == 0
    out = capsys.readouterr().out
    assert "i.tif (tomogram) holds no number" in out and "p.tif (network's output) holds no number" in out
    assert "not sure of" not in out
    nothing[-1] = 0.5
    written(tmp_path / "p.tif", nothing)
    assert run("objects", labels, "-o", tmp_path / "o.tif", "--probability", sure) == 0
    out = capsys.readouterr().out
    assert "not sure of" in out and "holds no number" not in out
    nothing[:] = np.nan
    table = tmp_path / "t.csv"
    assert run("measure", tmp_path / "o.tif", "-o", table, "--image", image) == 0
    assert "i.tif holds no number" in capsys.readouterr().out


def test_the_membrane_is_as_thick_as_it_is_said_to_be(packed: Packed, labels: Path, tmp_path: Path) -> None:
    """A wide line around a body is more than its membrane, which is told by itself if the size is known."""
    wide = ndimage.binary_dilation(packed.outlines, ndimage.generate_binary_structure(3, 1))
    path = written(tmp_path / "wide.tif", wide.astype(np.uint8))

    def volume(*words: str, of: Path = path) -> float:
        assert run("objects", of, "-o", tmp_path / "o.tif", "--no-sheets", *words) == 0
        return float((stored(tmp_path / "o.tif") > 0).sum() / (packed.bodies > 0).sum())

    size = ("--voxel", "10")
    drawn, taken, forced = (volume(*size, "--membrane", word) for word in ("drawn", "auto", "30"))
    assert drawn > 1.1 and 0.93 < taken < 1.03 and taken == forced, (drawn, taken)
    assert volume(*size) == taken and volume(*size, "--membrane", "0") == drawn == volume()
    # Lines as wide as membranes are taken as they are, unless a thinner membrane is asked for.
    assert (
        volume(of=labels) == volume("--membrane", "drawn", of=labels) > volume("--membrane", "10", of=labels)
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--close", "x"], "is not a width in nm"),
        (["--split", "1.5"], "is not a share"),
        (["--min-size", "-3"], "is no size"),
        (["--mask", "{folder}/nothing.tif"], "nothing.tif"),
        (["--membrane", "-1"], "is not a width in nm"),
        (["--membrane", "thin"], "is not a width in nm, such as 30, nor auto or drawn"),
        (["--image", "{folder}/nothing.tif"], "nothing.tif"),
        (["--image", "{other}"], "The tomogram has 3 × 8 × 8 voxels (z × y × x) but the labels have"),
        (["--mask", "{other}"], "The mask has 3 × 8 × 8 voxels"),
        (["--probability", "{other}"], "The network's output has 3 × 8 × 8 voxels"),
        (["--table", "{folder}/flags.doc"], "no name for a table"),
    ],
)
def test_bad_options_are_one_sentence(
    words: list[str], sentence: str, labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = written(tmp_path / "other.tif", np.ones((3, 8, 8), np.uint8))
    words = [word.format(folder=tmp_path, other=other) for word in words]
    assert run("objects", labels, "-o", tmp_path / "o.tif", *words) == 2
    assert sentence in capsys.readouterr().err and not (tmp_path / "o.tif").exists()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (np.linspace(0, 1, 4 * 30 * 30, dtype=np.float32).reshape(4, 30, 30), "fractional grey values"),
        (np.full((4, 30, 30), np.nan, np.float32), ""),
    ],
)
def test_what_is_no_label_file_is_one_sentence(
    values: NDArray[np.float32], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "grey.tif", values)
    assert run("objects", path, "-o", tmp_path / "o.tif") == 2
    said = capsys.readouterr().err
    assert sentence in said and "Traceback" not in said and not (tmp_path / "o.tif").exists()


def test_specks_are_no_bodies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """100,000 specks of a voxel each: none is a body, all are components."""
    specks = np.zeros((20, 400, 400), np.uint8)
    specks[::2, ::4, ::4][np.random.default_rng(3).random((10, 100, 100)) < 0.9999] = 1
    path = written(tmp_path / "specks.tif", specks)
    assert run("objects", path, "-o", tmp_path / "o.tif", "--method", "components", "--min-size", "1") == 0
    assert stored(tmp_path / "o.tif").max() == specks.sum() > 99_900
    assert run("objects", path, "-o", tmp_path / "none.tif") == 2
    assert "enclose nothing" in capsys.readouterr().err and not (tmp_path / "none.tif").exists()


def test_closed_outlines_in_too_few_slices_are_said_to_be_flat(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A ring in 4 of 20 slices encloses something; open at one side it does not. Measuring says the same."""
    y, x = np.mgrid[:40, :40]
    ring = np.zeros((20, 40, 40), np.uint8)
    ring[8:12, abs(np.hypot(y - 20, x - 20) - 16) < 1] = 1
    for cut, said in ((0, "enclose is too flat or too small"), (14, "outlines that enclose nothing")):
        ring[:, 20 - cut : 20 + cut, 20:] = 0
        path = written(tmp_path / "ring.tif", ring)
        assert run("objects", path, "-o", tmp_path / "o.tif") == 2
        error = capsys.readouterr().err
        assert said in error and ("--close" in error) == (cut > 0) and "--method components" in error
        assert run("measure", path, "-o", tmp_path / "o.csv") == 2
        assert said in capsys.readouterr().err


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
    assert run("objects", empty, "-o", tmp_path / "o.tif") == 2
    assert "holds 1 label voxel, fewer than 30 voxels" in capsys.readouterr().err
    assert run("objects", empty, "-o", tmp_path / "o.tif", "--min-size", "1") == 2
    assert "enclose nothing" in capsys.readouterr().err
    one[1:3, 10:16, 10:16] = 1
    tifffile.imwrite(empty, one, photometric="minisblack")
    components = ("--method", "components")
    assert run("objects", empty, "-o", tmp_path / "o.tif", *components, "--min-size", "73") == 2
    assert "holds 72 label voxels, fewer than 73" in capsys.readouterr().err
    one[1:3, 20:26, 20:26] = 1
    tifffile.imwrite(empty, one, photometric="minisblack")
    assert run("objects", empty, "-o", tmp_path / "o.tif", *components, "--min-size", "73") == 2
    assert "the 2 objects in empty.tif are all smaller than 73" in capsys.readouterr().err
    assert not (tmp_path / "o.tif").exists()
    assert run("objects", empty, "-o", tmp_path / "o.tif", *components, "--min-size", "72") == 0
    assert stored(tmp_path / "o.tif").max() == 2


def test_the_way_to_measure_is_shown_and_loses_no_flag(
    labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last line of ``objects`` goes on with the flags that it has found; some bodies have no tops."""
    with mrcfile.open(labels, mode="r+") as file:
        file.data[len(file.data) // 2 :] = 0
    assert run("objects", labels, "-o", tmp_path / "o.tif", "--table", tmp_path / "f.csv") == 0
    last = capsys.readouterr().out.strip().splitlines()[-1]
    words = shlex.split(last[last.index("measure") :])
    assert words[:1] == ["measure"] and words[-2:] == ["-o", "measured.csv"]
    assert run(*words[:-1], tmp_path / "t.csv") == 0
    flags, cut = [], []
    for name in ("f.csv", "t.csv"):
        with open(tmp_path / name, encoding="utf-8") as file:
            found = list(csv.DictReader(file))
        flags.append({row["object"]: set(row["flags"].split()) for row in found})
        cut = [(row["object"], row.get("cut_by_wedge")) for row in found]
    assert flags[0] == flags[1] and any("open" in found for found in flags[0].values())
    bodies_open = {number for number, found in flags[0].items() if "open" in found and "sheet" not in found}
    assert bodies_open <= {number for number, value in cut if value == "1"}


def test_where_nothing_is_enclosed_it_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    y, x = np.mgrid[:60, :60]
    flat = np.zeros((12, 60, 60), np.uint8)
    flat[5:7, (np.hypot(y - 30, x - 30) < 20) & (np.hypot(y - 30, x - 30) > 14)] = 255
    tifffile.imwrite(tmp_path / "ring.tif", flat, photometric="minisblack")
    assert run("objects", tmp_path / "ring.tif", "-o", tmp_path / "o.tif") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "bodies: 0" in said and "no outline encloses anything" in said and "--method components" in said
