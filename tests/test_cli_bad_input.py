"""Bad input: one sentence, exit code 2, and what was there before stays as it was."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import h5py
import mrcfile
import numpy as np
import onnx
import pytest
import tifffile
from onnx import TensorProto, helper

from sxtstudio.cli import main
from sxtstudio.segment.check import card_of

BadFile = Callable[[Path], Path]
PRECIOUS = b"hours of work"


def mrc(path: Path, array: np.ndarray) -> Path:
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(array)
        file.voxel_size = 100.0
    return path


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def with_header(path: Path, **numbers: int) -> Path:
    """An MRC file whose header was changed: 32-bit words by their position."""
    mrc(path, noise(4, 48, 64))
    content = bytearray(path.read_bytes())
    for name, number in numbers.items():
        at = 4 * ("nx", "ny", "nz", "mode").index(name)
        content[at : at + 4] = number.to_bytes(4, "little", signed=True)
    path.write_bytes(content)
    return path


def written(name: str, content: bytes) -> BadFile:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


def tiff(array: np.ndarray, **options: object) -> BadFile:
    def write(folder: Path) -> Path:
        tifffile.imwrite(folder / "bad.tif", array, **{"photometric": "minisblack", **options})
        return folder / "bad.tif"

    return write


def truncated_tiff(folder: Path) -> Path:
    path = tiff(noise(6, 64, 80))(folder)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def truncated_mrc(folder: Path) -> Path:
    path = mrc(folder / "bad.mrc", noise(6, 64, 80))
    path.write_bytes(path.read_bytes()[:-5000])
    return path


def hdf5(*shape: int) -> BadFile:
    def write(folder: Path) -> Path:
        with h5py.File(folder / "bad.h5", "w") as file:
            file["data"] = np.zeros(shape, np.float32)
        return folder / "bad.h5"

    return write


def damaged_inside(folder: Path) -> Path:
    """A TIFF that opens well, and whose last compressed slice cannot be decoded."""
    path = tiff(noise(6, 64, 80), compression="zlib", metadata=None)(folder)
    with tifffile.TiffFile(path) as file:
        page = file.pages[-1]
        start, count = page.dataoffsets[0], page.databytecounts[0]
    content = bytearray(path.read_bytes())
    content[start : start + count] = b"\xff" * count
    path.write_bytes(content)
    return path


BAD_FILES: dict[str, BadFile] = {
    "missing": lambda folder: folder / "nowhere.mrc",
    "empty MRC": written("bad.mrc", b""),
    "empty TIFF": written("bad.tif", b""),
    "empty HDF5": written("bad.h5", b""),
    "truncated MRC": truncated_mrc,
    "truncated MRC header": written("bad.mrc", b"\0" * 500),
    "truncated TIFF": truncated_tiff,
    "damaged inside": damaged_inside,
    "text named .mrc": written("bad.mrc", b"a shopping list " * 200),
    "text named .tif": written("bad.tif", b"a shopping list " * 200),
    "unknown ending": written("bad.docx", b"a shopping list " * 200),
    "empty folder": lambda folder: (folder / "slices").mkdir() or folder / "slices",
    "4D HDF5": hdf5(2, 4, 48, 64),
    "4D TIFF": tiff(np.zeros((2, 3, 48, 64), np.uint8), imagej=True, metadata={"axes": "TZYX"}),
    "RGB": tiff(np.zeros((48, 64, 3), np.uint8), photometric="rgb"),
    "RGB stack": tiff(np.zeros((4, 48, 64, 3), np.uint8), photometric="rgb"),
    "complex MRC": lambda folder: mrc(folder / "bad.mrc", noise(4, 48, 64).astype(np.complex64)),
    "NaN throughout": tiff(np.full((4, 48, 64), np.nan, np.float32)),
    "constant throughout": lambda folder: mrc(folder / "bad.mrc", np.full((4, 48, 64), 7, np.float32)),
    "header larger than the file": lambda folder: with_header(folder / "bad.mrc", nz=4000),
    "header of absurd size": lambda folder: with_header(folder / "bad.mrc", nx=2**31 - 1, ny=2**31 - 1),
    "negative size": lambda folder: with_header(folder / "bad.mrc", ny=-48),
    "unknown mode": lambda folder: with_header(folder / "bad.mrc", mode=77),
    "zero-sized axis MRC": lambda folder: with_header(folder / "bad.mrc", nz=0),
    "zero-sized axis HDF5": hdf5(0, 48, 64),
}


def model_without_label(folder: Path) -> Path:
    shape = ["n", 1, "y", "x"]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Tanh", ["input"], ["something"])],
        "bad",
        [value("input", TensorProto.FLOAT, shape)],
        [value("something", TensorProto.FLOAT, shape)],
    )
    onnx.save(helper.make_model(graph, ir_version=9), folder / "bad.onnx")
    return folder / "bad.onnx"


def model_of_a_class_list(folder: Path) -> Path:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Softmax", ["features"], ["label"])],
        "bad",
        [value("features", TensorProto.FLOAT, ["n", 10])],
        [value("label", TensorProto.FLOAT, ["n", 10])],
    )
    onnx.save(helper.make_model(graph, ir_version=9), folder / "bad.onnx")
    return folder / "bad.onnx"


def model_reading_other_folders(location: str) -> BadFile:
    def write(folder: Path) -> Path:
        (folder.parent / "secret.bin").write_bytes(b"\0" * 64)
        shape = ["n", 1, "y", "x"]
        value = helper.make_tensor_value_info
        weight = onnx.TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1, 1, 1, 1])
        weight.data_location = TensorProto.EXTERNAL
        where = location.replace("HERE", str(folder.parent))
        weight.external_data.append(onnx.StringStringEntryProto(key="location", value=where))
        graph = helper.make_graph(
            [
                helper.make_node("Conv", ["input", "w"], ["sum"]),
                helper.make_node("Tanh", ["sum"], ["label"]),
            ],
            "bad",
            [value("input", TensorProto.FLOAT, shape)],
            [value("label", TensorProto.FLOAT, shape)],
            [weight],
        )
        (folder / "bad.onnx").write_bytes(helper.make_model(graph, ir_version=9).SerializeToString())
        return folder / "bad.onnx"

    return write


BAD_MODELS: dict[str, BadFile] = {
    "missing": lambda folder: folder / "nowhere.onnx",
    "unknown name": lambda folder: Path("no-such-model"),
    "empty": written("bad.onnx", b""),
    "text": written("bad.onnx", b"a shopping list " * 200),
    "no output label": model_without_label,
    "other shapes": model_of_a_class_list,
    "weights in another folder": model_reading_other_folders("../secret.bin"),
    "weights at an absolute path": model_reading_other_folders("HERE/secret.bin"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an older result."""
    path = tmp_path / "out"
    path.mkdir()
    (path / "labels.tif").write_bytes(PRECIOUS)
    return path


def refused(words: list[str], folder: Path, capsys: pytest.CaptureFixture[str], *, with_new: int = 0) -> str:
    """Run a command that must fail politely and change nothing; return what it said."""
    before = sorted(p.name for p in folder.iterdir())
    code = main(words)
    told = capsys.readouterr()
    assert code == 2, told.err
    assert "Traceback" not in told.err and "Error:" not in told.err
    lines = told.err.splitlines()
    assert len(lines) == 1, told.err
    assert lines[0].startswith("sxtstudio: ") and len(lines[0]) > 40
    assert (folder / "labels.tif").read_bytes() == PRECIOUS
    assert sorted(p.name for p in folder.iterdir()) == before
    assert told.out == ""
    return lines[0]


@pytest.mark.parametrize("bad", BAD_FILES.values(), ids=BAD_FILES.keys())
def test_segment_bad_file(
    bad: BadFile, tmp_path: Path, folder: Path, toy_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = bad(tmp_path)
    words = ["segment", str(path), "-o", str(folder / "labels.tif"), "--model", str(toy_model)]
    refused([*words, "--device", "cpu"], folder, capsys)


@pytest.mark.parametrize(
    "name", ["missing", "truncated MRC", "4D TIFF", "RGB", "complex MRC", "zero-sized axis MRC"]
)
@pytest.mark.parametrize("command", ["info", "clean", "surface"])
def test_other_commands_bad_file(
    command: str, name: str, tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = {
        "info": [],
        "clean": ["-o", str(folder / "labels.tif")],
        "surface": ["-o", str(folder / "a.ply")],
    }
    refused([command, str(BAD_FILES[name](tmp_path)), *output[command]], folder, capsys)


@pytest.mark.parametrize("bad", BAD_MODELS.values(), ids=BAD_MODELS.keys())
def test_bad_model(
    bad: BadFile, tmp_path: Path, folder: Path, tomogram: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = bad(tmp_path)
    refused(
        ["segment", str(tomogram), "-o", str(folder / "labels.tif"), "--model", str(model)], folder, capsys
    )
    if model.suffix == ".onnx":
        refused(["models", "check", str(model)], folder, capsys)


@pytest.mark.parametrize(
    "options",
    [
        ["--device", "tpu"],
        ["--device", "cuda:99"],
        ["--slices", "6:"],
        ["--slices", "4:4"],
        ["--slices", "abc"],
        ["--threshold", "1.5"],
        ["--threshold", "nan"],
        ["--tile", "0"],
        ["--polarity", "grey"],
        ["--min-size", "5 litres"],
        ["--crop", "1,2"],
        ["--crop", "3,0,0"],
        ["--mask", "nowhere.tif"],
        ["--resume", "--restart"],
        ["--voxel", "-3"],
        ["--probability", "x.png"],
        ["--report", "x.txt"],
        ["--report", "no/such/folder/x.json"],
        ["--no-such-option"],
    ],
    ids=" ".join,
)
def test_segment_bad_option(
    options: list[str],
    folder: Path,
    tomogram: Path,
    toy_model: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    words = ["segment", str(tomogram), "-o", "labels.tif", "--model", str(toy_model), *options]
    refused(words, folder, capsys)


@pytest.mark.parametrize(
    "words", [["segment"], ["surface", "x.tif"], ["fly"], ["models", "check"]], ids=" ".join
)
def test_wrong_usage(words: list[str], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--help" in refused(words, folder, capsys)


@pytest.mark.parametrize("name", ["labels.jpg", "labels", "missing/labels.tif"])
def test_bad_output_is_refused_before_the_work(
    name: str, folder: Path, tomogram: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # There is no model either: the output must have been looked at first.
    said = refused(["segment", str(tomogram), "-o", str(folder / name), "--model", "none"], folder, capsys)
    assert "labels" in said and "model" not in said


def test_input_is_never_the_output(
    folder: Path, tomogram: Path, toy_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tomogram.read_bytes()
    for words in (
        ["segment", str(tomogram), "-o", str(tomogram), "--model", str(toy_model)],
        ["clean", str(tomogram), "-o", str(tomogram)],
    ):
        assert "both input and output" in refused(words, folder, capsys)
    assert tomogram.read_bytes() == before


@pytest.mark.parametrize("command", ["segment", "batch"])
def test_no_report_replaces_the_card_of_the_model(
    command: str, folder: Path, tomogram: Path, toy_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = toy_model.with_suffix(".json")
    card.write_text(card_of(toy_model).to_json(), encoding="utf-8")
    before = card.read_bytes()
    words = {
        "segment": ["segment", str(tomogram), "-o", str(folder / "l.tif"), "--report", str(card)],
        "batch": ["batch", str(tomogram), "-o", str(folder), "--summary", str(card)],
    }[command]
    assert f"{card} is both input and output" in refused([*words, "--model", str(toy_model)], folder, capsys)
    assert card.read_bytes() == before


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that even root cannot write to")
@pytest.mark.parametrize("command", ["segment", "clean", "surface"])
def test_no_permission(
    command: str, folder: Path, tomogram: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "/proc/self/x.ply" if command == "surface" else "/proc/self/x.tif"
    assert "No file can be written" in refused([command, str(tomogram), "-o", name], folder, capsys)


def test_full_disk_is_seen_before_the_work(
    folder: Path,
    tomogram: Path,
    toy_model: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from sxtstudio.workflow.jobs import outputs

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(outputs.shutil, "disk_usage", lambda path: usage(10**9, 10**9, 5000))
    words = ["segment", str(tomogram), "-o", str(folder / "labels.tif"), "--model", str(toy_model)]
    assert "too full" in refused(words, folder, capsys)
    assert "too full" in refused(["clean", str(tomogram), "-o", str(folder / "labels.tif")], folder, capsys)


def test_disk_that_fills_up_while_writing(
    folder: Path,
    tomogram: Path,
    toy_model: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    words = ["segment", str(tomogram), "-o", str(folder / "labels.tif"), "--model", str(toy_model)]
    with monkeypatch.context() as patch:
        patch.setattr(tifffile.TiffWriter, "write", full)
        assert main(words) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1 and "disk is full" in told[0]
    assert (folder / "labels.tif").read_bytes() == PRECIOUS
    # The slices are finished and wait: with space, the rest takes a moment.
    assert sorted(p.name for p in folder.iterdir()) == ["labels.tif", "labels.tif.partial"]
    assert main([*words, "--resume"]) == 0
    assert sorted(p.name for p in folder.iterdir()) == ["labels.tif"]


def test_shapes_that_do_not_fit(
    folder: Path, tomogram: Path, toy_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.tif"
    tifffile.imwrite(other, np.eye(50, 64, dtype=np.uint8)[None].repeat(6, 0))
    labels = tmp_path / "old.tif"
    tifffile.imwrite(labels, np.eye(64, 80, dtype=np.uint8)[None].repeat(6, 0))
    out = ["-o", str(folder / "labels.tif")]
    for words in (
        ["segment", str(tomogram), *out, "--model", str(toy_model), "--mask", str(other)],
        ["clean", str(labels), *out, "--mask", str(other)],
        ["clean", str(labels), *out, "--auto-mask", str(other)],
    ):
        said = refused(words, folder, capsys)
        assert "6 × 50 × 64" in said and "6 × 64 × 80" in said


def test_tomogram_is_no_label_file(folder: Path, tomogram: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command, name in (("clean", "labels.tif"), ("surface", "mesh.ply")):
        said = refused([command, str(tomogram), "-o", str(folder / name)], folder, capsys)
        assert "no label file" in said


def test_labels_without_any_label_have_no_surface(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tifffile.imwrite(tmp_path / "empty.tif", np.zeros((3, 20, 20), np.uint8), photometric="minisblack")
    refused(["surface", str(tmp_path / "empty.tif"), "-o", str(folder / "a.ply")], folder, capsys)


def test_volume_without_voxel_size_and_a_size_in_nm3(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = tmp_path / "old.tif"
    tifffile.imwrite(labels, np.eye(64, 80, dtype=np.uint8)[None].repeat(6, 0))
    words = ["clean", str(labels), "-o", str(folder / "labels.tif"), "--min-size", "2e6nm3"]
    assert "--voxel" in refused(words, folder, capsys)


def test_the_real_program_ends_the_same_way(tmp_path: Path, folder: Path) -> None:
    """As a process of its own: no warnings of libraries, no traceback, the same exit code."""
    done = subprocess.run(
        [sys.executable, "-m", "sxtstudio", "segment", str(truncated_mrc(tmp_path)), "-o", "labels.tif"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("sxtstudio: ")
    assert (folder / "labels.tif").read_bytes() == PRECIOUS and len(list(folder.iterdir())) == 1


OME_IN_TWO_FILES = """<?xml version="1.0" encoding="UTF-8"?>
<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:0"><Image ID="Image:0">
<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" SizeX="16" SizeY="16" SizeZ="2" SizeC="1" SizeT="1">
<TiffData IFD="0" FirstZ="0" PlaneCount="1"><UUID FileName="bad.ome.tif">urn:uuid:0</UUID></TiffData>
<TiffData IFD="0" FirstZ="1" PlaneCount="1"><UUID FileName="gone.ome.tif">urn:uuid:1</UUID></TiffData>
</Pixels></Image></OME>"""


def test_what_libraries_log_does_not_stand_beside_the_sentence(tmp_path: Path) -> None:
    """tifffile logs that the second file is missing, and Python writes such lines to stderr by itself."""
    bad = tmp_path / "bad.ome.tif"
    tifffile.imwrite(bad, np.zeros((16, 16), np.uint8), description=OME_IN_TWO_FILES, metadata=None)
    done = subprocess.run(
        [sys.executable, "-m", "sxtstudio", "info", str(bad)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("sxtstudio: bad.ome.tif is one of several files")
