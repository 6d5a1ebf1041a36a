"""Names of volumes: a file, a dataset in it, an order of axes; and files whose own names only look so."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.io import open_volume
from sxtstudio.io.volume_name import VolumeName, moved_to, with_axes

XYZ = AxisOrder.from_text("xyz")


@pytest.fixture
def folder(tmp_path, volume):
    """A folder of that name, and one named like its beginning."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a::b").mkdir()
    with h5py.File(tmp_path / "a::b" / "cell.h5", "w") as file:
        file["entry/data"] = volume("u1")
        file["e::f/data"] = volume("u1") + 1
    for name in ("c.h5::", "d.tif::axes=xyz"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "place", "inside", "axes"),
    [
        ("a::b/cell.h5", "a::b/cell.h5", None, None),
        ("a::b", "a::b", None, None),
        ("a::b/cell.h5::/entry/data", "a::b/cell.h5", "/entry/data", None),
        ("a::b/cell.h5::entry/data", "a::b/cell.h5", "entry/data", None),
        ("a::b/cell.h5::/e::f/data", "a::b/cell.h5", "/e::f/data", None),
        ("c.h5::", "c.h5::", None, None),
        ("a::b/gone.tif", "a::b/gone.tif", None, None),
        ("a::b/gone.h5::/entry", "a::b/gone.h5", "/entry", None),
        ("gone.h5::/entry/data", "gone.h5", "/entry/data", None),
        ("plain.tif", "plain.tif", None, None),
        ("a::b/cell.h5::/entry/data::axes=xyz", "a::b/cell.h5", "/entry/data", "xyz"),
        ("a::b/cell.h5::axes=z-yx", "a::b/cell.h5", None, "z-yx"),
        ("gone.tif::axes=zyx-", "gone.tif", None, "zyx-"),
        ("gone.h5::/entry::axes=xyz", "gone.h5", "/entry", "xyz"),
        ("d.tif::axes=xyz", "d.tif::axes=xyz", None, None),
        ("gone.tif::axes=abc", "gone.tif::axes=abc", None, None),
    ],
)
def test_what_is_there_decides(folder, name, place, inside, axes):
    found = VolumeName.of(f"{folder}/{name}")
    assert found == VolumeName(folder / place, inside, None if axes is None else AxisOrder.from_text(axes))
    assert str(found) == f"{folder}/{name}"


def test_nothing_behind_the_mark_is_the_root(folder):
    assert VolumeName.of(f"{folder}/a::b/cell.h5::") == VolumeName(folder / "a::b/cell.h5", "/")


def test_a_zarr_store_may_be_followed_by_a_path(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "zarr.json").write_text("{}")
    assert VolumeName.of(tmp_path / "a.zarr::0") == VolumeName(tmp_path / "a.zarr", "0")


def test_volumes_in_such_a_folder(folder, volume):
    for inside, more in (("/entry/data", 0), ("/e::f/data", 1)):
        with open_volume(f"{folder}/a::b/cell.h5::{inside}") as opened:
            np.testing.assert_array_equal(opened.read(Box.whole(opened.shape)), volume("u1") + more)


def test_a_missing_file_is_named_whole(folder):
    with pytest.raises(UserError, match=r"gone\.tif does not exist"):
        open_volume(Path(folder, "a::b/gone.tif"))


def test_the_axes_in_a_name_are_read_and_an_argument_goes_before_them(folder, volume):
    name = with_axes(f"{folder}/a::b/cell.h5::/entry/data", XYZ)
    for axes, data in ((None, volume("u1").T), (AxisOrder.from_text("zyx"), volume("u1"))):
        with open_volume(name, axes) as opened:
            np.testing.assert_array_equal(opened.read(Box.whole(opened.shape)), data)
    assert with_axes(name, None) == name
    assert str(with_axes(name, AxisOrder.from_text("zy-x"))).endswith("/entry/data::axes=zy-x")


@pytest.mark.parametrize(
    ("known", "given", "now"),
    [
        ("/x/cell.h5::/entry/data::axes=xyz", "/y/moved.h5", "/y/moved.h5::/entry/data::axes=xyz"),
        ("/x/cell.h5::/entry/data", "/y/cell.h5::/other", "/y/cell.h5::/other"),
        ("/x/cell.h5::/entry/data", "/y/cell.tif", "/y/cell.tif"),
        ("/x/cell.tif", "/y/cell.tif", "/y/cell.tif"),
    ],
)
def test_a_moved_file_keeps_its_dataset_and_axes(known, given, now):
    assert moved_to(known, given) == now
