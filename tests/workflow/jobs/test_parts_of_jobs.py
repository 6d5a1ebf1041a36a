"""Checks of outputs, views of volumes, label files, reports."""

from __future__ import annotations

import json
import os
from collections import namedtuple
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.workflow.document.views import VolumeView, labels_to_disk
from sxtstudio.workflow.jobs import outputs, report
from sxtstudio.workflow.jobs.outputs import VOLUME_SUFFIXES, OutputFile, check_outputs, check_space


def labels(path: Path) -> OutputFile:
    return OutputFile(path, "labels", VOLUME_SUFFIXES)


def test_good_outputs_pass_and_leave_nothing(tmp_path: Path) -> None:
    source = tmp_path / "cell.mrc"
    source.touch()
    for name in ("a.tif", "A.TIFF", "a.mrc", "a.ome.zarr"):
        check_outputs([labels(tmp_path / name)], [source, None])
    assert [p.name for p in tmp_path.iterdir()] == ["cell.mrc"]


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.tif.gz", "a.png"])
def test_output_of_unknown_kind(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="end it in one of"):
        check_outputs([labels(tmp_path / name)], [])


def test_output_that_is_an_input(tmp_path: Path) -> None:
    source = tmp_path / "cell.tif"
    source.touch()
    (tmp_path / "link.tif").symlink_to(source)
    slices = tmp_path / "slices"
    slices.mkdir()
    same = [source, tmp_path / "slices" / ".." / "cell.tif", tmp_path / "link.tif"]
    for path in same:
        with pytest.raises(UserError, match="both input and output"):
            check_outputs([labels(path)], [source])
    with pytest.raises(UserError, match="inside the input"):
        check_outputs([labels(slices / "labels.tif")], [slices])
    (tmp_path / "data.mrc").touch()
    with pytest.raises(UserError, match="both input and output"):
        check_outputs([labels(tmp_path / "data.mrc")], [Path(f"{tmp_path}/data.mrc::/entry/data")])


def test_two_outputs_of_one_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Two outputs"):
        check_outputs([labels(tmp_path / "a.tif"), labels(tmp_path / ".." / tmp_path.name / "a.tif")], [])


def test_folders_that_cannot_be_written_to(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="create it first"):
        check_outputs([labels(tmp_path / "missing" / "a.tif")], [])
    (tmp_path / "b.tif").mkdir()
    with pytest.raises(UserError, match="is a folder"):
        check_outputs([labels(tmp_path / "b.tif")], [])


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that even root cannot write to")
def test_folder_without_permission_for_anybody() -> None:
    with pytest.raises(UserError, match="No file can be written"):
        check_outputs([labels(Path("/proc/self/a.tif"))], [])


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_folder_and_file_without_permission(tmp_path: Path) -> None:
    (tmp_path / "a.tif").touch(0o444)
    with pytest.raises(UserError, match="write-protected"):
        check_outputs([labels(tmp_path / "a.tif")], [])
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(UserError, match="No file can be written"):
            check_outputs([labels(tmp_path / "b.tif")], [])
    finally:
        tmp_path.chmod(0o755)


def test_space_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(outputs.shutil, "disk_usage", lambda path: usage(10**12, 0, 2_500_000_000))
    check_space(tmp_path, 2_500_000_000)
    with pytest.raises(UserError, match=r"2\.5 GB free and up to 3\.0 GB"):
        check_space(tmp_path, 3_000_000_000)


def test_view_shows_its_slices() -> None:
    array = np.arange(5 * 3 * 4).reshape(5, 3, 4)
    view = VolumeView(ArrayVolume(array, (1, 2, 3)), (1, 4))
    assert view.shape == (3, 3, 4) and view.voxel_nm == (1, 2, 3)
    np.testing.assert_array_equal(view.read(Box((0, 1, 0), (2, 3, 3))), array[1:3, 1:3, :3])
    assert VolumeView(ArrayVolume(array), voxel_nm=(9, 9, 9)).voxel_nm == (9, 9, 9)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.float32, np.uint16])
def test_label_file_becomes_zero_and_one(dtype: type, tmp_path: Path) -> None:
    array = np.zeros((4, 3, 5), dtype)
    array[1, 2, 3] = 127
    array[2, 0, 0] = -1 if dtype is np.int8 else 255
    found, values = labels_to_disk(ArrayVolume(array), tmp_path / "x", "x.tif")
    np.testing.assert_array_equal(found, array != 0)
    assert found.dtype == np.uint8
    assert values.voxels == {127: 1, (-1 if dtype is np.int8 else 255): 1}
    np.testing.assert_array_equal(
        labels_to_disk(ArrayVolume(array), tmp_path / "y", "x.tif", value=127)[0], array == 127
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32])
def test_values_are_kept_where_they_are_wanted(dtype: type, tmp_path: Path) -> None:
    array = np.zeros((3, 4, 5), dtype)
    array[0, 0], array[2, 1:, 1:] = 3, 200
    found, values = labels_to_disk(ArrayVolume(array), tmp_path / "x", "x.tif", keep=True)
    np.testing.assert_array_equal(found, array)
    assert values.voxels == {3: 5, 200: 12} and values.several
    with pytest.raises(UserError, match=r"no label 4: it holds the values 3 \(5 voxels\), 200 \(12 voxels\)"):
        labels_to_disk(ArrayVolume(array), tmp_path / "y", "x.tif", value=4)


@pytest.mark.parametrize(
    "array", [np.full((2, 3, 3), 7, np.uint8), np.full((2, 3, 3), 0.5, np.float32)], ids=["full", "grey"]
)
def test_tomogram_is_no_label_file(array: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cell\.tif .* no label file"):
        labels_to_disk(ArrayVolume(array), tmp_path / "x", "cell.tif")


def test_report_is_plain_json(tmp_path: Path) -> None:
    @dataclass
    class Odd:
        path: Path
        voxel: tuple[float, float]
        worst: float

    path = tmp_path / "report.json"
    content = {
        **report.new_report("test"),
        "odd": Odd(Path("a/b"), (1.5, 2.0), float("nan")),
        "n": np.int64(3),
    }
    report.write_report(path, content)
    back = json.loads(path.read_text(encoding="utf-8"))
    assert back["odd"] == {"path": str(Path("a/b")), "voxel": [1.5, 2.0], "worst": None} and back["n"] == 3
    assert back["schema"] == "sxtstudio-report/1"
    assert back["versions"]["numpy"] == np.__version__
