"""Names that go on inside a file, beside names that only look so."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.io import open_volume
from sxtstudio.io.inside import join_inside, split_inside


@pytest.fixture
def folder(tmp_path, volume):
    """A folder of that name, and one named like its beginning."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a::b").mkdir()
    with h5py.File(tmp_path / "a::b" / "cell.h5", "w") as file:
        file["entry/data"] = volume("u1")
        file["e::f/data"] = volume("u1") + 1
    (tmp_path / "c.h5::").write_bytes(b"")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "place", "inside"),
    [
        ("a::b/cell.h5", "a::b/cell.h5", None),
        ("a::b", "a::b", None),
        ("a::b/cell.h5::/entry/data", "a::b/cell.h5", "/entry/data"),
        ("a::b/cell.h5::entry/data", "a::b/cell.h5", "entry/data"),
        ("a::b/cell.h5::/e::f/data", "a::b/cell.h5", "/e::f/data"),
        ("a::b/cell.h5::", "a::b/cell.h5", "/"),
        ("c.h5::", "c.h5::", None),
        ("a::b/gone.tif", "a::b/gone.tif", None),
        ("a::b/gone.h5::/entry", "a::b/gone.h5", "/entry"),
        ("gone.h5::/entry/data", "gone.h5", "/entry/data"),
        ("plain.tif", "plain.tif", None),
    ],
)
def test_what_is_there_decides(folder, name, place, inside):
    assert split_inside(f"{folder}/{name}") == (folder / place, inside)
    assert (
        join_inside(place, inside).rstrip("/").removesuffix("::") == name.removesuffix("::") or inside == "/"
    )


def test_a_zarr_store_may_be_followed_by_a_path(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "zarr.json").write_text("{}")
    assert split_inside(tmp_path / "a.zarr::0") == (tmp_path / "a.zarr", "0")


def test_volumes_in_such_a_folder(folder, volume):
    for inside, more in (("/entry/data", 0), ("/e::f/data", 1)):
        with open_volume(f"{folder}/a::b/cell.h5::{inside}") as opened:
            np.testing.assert_array_equal(opened.read(Box.whole(opened.shape)), volume("u1") + more)


def test_a_missing_file_is_named_whole(folder):
    with pytest.raises(UserError, match=r"gone\.tif does not exist"):
        open_volume(Path(folder, "a::b/gone.tif"))
