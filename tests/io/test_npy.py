"""Arrays that NumPy wrote come back the same, in the order of its axes."""

import numpy as np
import pytest

from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.io import open_volume

VOXELS = np.arange(4 * 5 * 6, dtype=np.uint16).reshape(4, 5, 6)


def whole(volume):
    return volume.read(Box((0, 0, 0), volume.shape))


@pytest.mark.parametrize("dtype", ["u1", "i1", "<u2", ">i2", "<u4", ">f4", "f2", "f8", "?", "<i8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_types_and_orders(tmp_path, dtype, order):
    voxels = np.asarray(VOXELS.astype(dtype), order=order)
    np.save(tmp_path / "a.npy", voxels)
    with open_volume(tmp_path / "a.npy") as volume:
        np.testing.assert_array_equal(whole(volume), voxels)
        box = Box((1, 2, 3), (3, 5, 5))
        np.testing.assert_array_equal(volume.read(box), voxels[box.slices])
        assert volume.voxel_nm is None and "array of NumPy" in volume.notes[0]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(("names", "turned"), [("xyz", (2, 1, 0)), ("yzx", (1, 0, 2)), ("z-yx", None)])
def test_axes_are_those_of_the_array(tmp_path, order, names, turned):
    np.save(tmp_path / "a.npy", np.asarray(VOXELS, order=order))
    right = VOXELS[::-1] if turned is None else VOXELS.transpose(turned)
    with open_volume(tmp_path / "a.npy", AxisOrder.from_text(names)) as volume:
        np.testing.assert_array_equal(whole(volume), right)
    with open_volume(f"{tmp_path / 'a.npy'}::axes={names}") as volume:
        np.testing.assert_array_equal(whole(volume), right)


@pytest.mark.parametrize("shape", [(5, 6), (1, 4, 5, 6), (4, 5, 6, 1)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_axes_of_length_1(tmp_path, shape, order):
    voxels = np.asarray(np.arange(np.prod(shape)).reshape(shape).astype(np.float32), order=order)
    np.save(tmp_path / "a.npy", voxels)
    with open_volume(tmp_path / "a.npy") as volume:
        np.testing.assert_array_equal(whole(volume).squeeze(), voxels.squeeze())


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_versions(tmp_path, version):
    with open(tmp_path / "a.npy", "wb") as file:
        np.lib.format.write_array(file, VOXELS, version=version)
    with open_volume(tmp_path / "a.npy") as volume:
        np.testing.assert_array_equal(whole(volume), VOXELS)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.array([{"a": 1}, None], object), "not grey values"),
        (np.zeros((3, 4, 5), [("a", "f4")]), "not grey values"),
        (np.zeros((3, 4, 5), "U3"), "not grey values"),
        (np.zeros((3, 4, 5), complex), "complex"),
        (np.zeros((2, 3, 4, 5)), "dimensions"),
        (np.zeros((0, 4, 5)), "no voxels"),
        (np.zeros((40, 50, 3), np.uint8), "colour"),
    ],
    ids=["objects", "fields", "texts", "complex", "4D", "empty", "colour"],
)
def test_what_is_no_volume(tmp_path, array, words):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(UserError, match=words):
        open_volume(tmp_path / "a.npy")


def test_a_truncated_file(tmp_path):
    np.save(tmp_path / "a.npy", VOXELS)
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content[:-1])
    with pytest.raises(UserError, match="truncated"):
        open_volume(tmp_path / "a.npy")
    (tmp_path / "a.npy").write_bytes(content[:40])
    with pytest.raises(UserError, match="damaged"):
        open_volume(tmp_path / "a.npy")


@pytest.mark.parametrize(
    "header",
    ["[" * 9000, "-" * 9000 + "1", "{'shape': 1 + 1j * a}", "9" * 9000],
    ids=["nested", "signs", "sum", "long"],
)
def test_a_strange_header_is_told_in_one_short_sentence(tmp_path, header):
    length = len(header).to_bytes(2, "little")
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x01\x00" + length + header.encode())
    with pytest.raises(UserError, match="its header does not describe an array") as caught:
        open_volume(tmp_path / "a.npy")
    assert len(str(caught.value)) < 120


def test_a_long_type_is_cut(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((3, 4, 5), [(f"field{n}", "f4") for n in range(100)]))
    with pytest.raises(UserError, match="not grey values") as caught:
        open_volume(tmp_path / "a.npy")
    assert len(str(caught.value)) < 160
