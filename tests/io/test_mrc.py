"""MRC files, with headers made by hand: what mrcfile writes is only a part of what exists."""

import struct
import warnings

import mrcfile
import numpy as np
import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.io import open_volume

MODES = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}
STAMP = {"<": b"\x44\x44\0\0", ">": b"\x11\x11\0\0"}


def header(shape, mode, order="<", *, voxel_a=(125.0, 130.0, 200.0), extended=0, origin_a=(0, 0, 0), **other):
    """Return 1024 bytes after the table in the MRC2014 paper; voxel and origin in Å, (x, y, z)."""
    nz, ny, nx = shape
    grid = other.get("grid", (nx, ny, nz))
    head = bytearray(1024)
    struct.pack_into(order + "10i", head, 0, nx, ny, nz, mode, 0, 0, 0, *grid)
    struct.pack_into(order + "3f", head, 40, *(v * n for v, n in zip(voxel_a, grid, strict=True)))
    struct.pack_into(order + "3f3i", head, 52, 90, 90, 90, *other.get("axes", (1, 2, 3)))
    struct.pack_into(order + "2i", head, 88, other.get("ispg", 1), extended)
    struct.pack_into(order + "3f", head, 196, *origin_a)
    head[208:212] = other.get("map", b"MAP ")
    head[212:216] = other.get("stamp", STAMP[order])
    return head


@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("extended", [0, 640], ids=["plain", "extended header"])
def test_modes_and_byte_orders(tmp_path, volume, mode, order, extended):
    data = volume(MODES[mode])
    if mode == 0:
        data = data - 20  # signed bytes
    path = tmp_path / "a.mrc"
    path.write_bytes(
        bytes(header(data.shape, mode, order, extended=extended, origin_a=(10, 20, -30)))
        + bytes(extended)
        + data.astype(order + MODES[mode]).tobytes()
    )
    with open_volume(path) as opened:
        assert opened.format == "MRC" and opened.path == path
        assert opened.shape == (5, 7, 11)
        assert opened.dtype == np.dtype(MODES[mode]) and opened.dtype.isnative
        assert opened.voxel_nm == pytest.approx((20, 13, 12.5))
        assert opened.origin_nm == pytest.approx((-3, 2, 1))
        assert opened.notes == ()
        got = opened.read(Box.whole(opened.shape))
        assert got.dtype == opened.dtype and got.flags.c_contiguous and got.flags.writeable
        np.testing.assert_array_equal(got, data)
        for box in (Box((1, 2, 3), (4, 6, 10)), Box((0, 0, 10), (5, 7, 11)), Box((2, 3, 0), (3, 4, 11))):
            np.testing.assert_array_equal(opened.read(box), data[box.slices])


@pytest.mark.parametrize("suffix", [".mrc", ".rec", ".st", ".map", ".dat"])
def test_files_of_the_reference_library(tmp_path, volume, suffix):
    path = tmp_path / f"a{suffix}"
    with mrcfile.new(path) as mrc:
        mrc.set_data(volume("f4"))
        mrc.voxel_size = (125.0, 130.0, 200.0)
        mrc.header.origin = (1.0, 2.0, 3.0)
    with open_volume(path) as opened:
        assert opened.voxel_nm == pytest.approx((20, 13, 12.5))
        assert opened.origin_nm == pytest.approx((0.3, 0.2, 0.1))
        np.testing.assert_array_equal(opened.read(Box.whole(opened.shape)), volume("f4"))


@pytest.mark.parametrize("columns", [10, 11], ids=["even", "odd"])
def test_packed_4_bit(tmp_path, columns):
    data = (np.indices((3, 4, columns)) * np.array([5, 3, 1])[:, None, None, None]).sum(0) % 16
    rows = np.pad(data, ((0, 0), (0, 0), (0, columns % 2)))
    packed = (rows[..., 0::2] | rows[..., 1::2] << 4).astype("u1")
    path = tmp_path / "a.mrc"
    path.write_bytes(bytes(header((3, 4, columns), 101)) + packed.tobytes())
    with open_volume(path) as opened:
        np.testing.assert_array_equal(opened.read(Box.whole(opened.shape)), data)
        box = Box((1, 1, 3), (3, 3, 8))
        np.testing.assert_array_equal(opened.read(box), data[box.slices])


@pytest.mark.parametrize(("flags", "kind"), [(0, "u"), (1, "i")], ids=["unsigned", "signed"])
def test_bytes_of_imod(tmp_path, flags, kind):
    head = header((2, 3, 4), 0)
    struct.pack_into("<2i", head, 152, 1146047817, flags)
    path = tmp_path / "a.rec"
    path.write_bytes(bytes(head) + bytes([200] * 24))
    with open_volume(path) as opened:
        assert opened.dtype.kind == kind
        assert opened.read(Box.whole(opened.shape))[0, 0, 0] == (200 if kind == "u" else 200 - 256)


def test_old_file_without_the_letters_map(tmp_path, volume):
    path = tmp_path / "a.rec"
    path.write_bytes(bytes(header((5, 7, 11), 1, map=b"\0" * 4, stamp=b"\0" * 4)) + volume("<i2").tobytes())
    with open_volume(path) as opened:
        np.testing.assert_array_equal(opened.read(Box.whole(opened.shape)), volume("i2"))


def test_machine_stamp_that_lies(tmp_path, volume):
    path = tmp_path / "a.mrc"
    path.write_bytes(bytes(header((5, 7, 11), 1, ">", stamp=STAMP["<"])) + volume(">i2").tobytes())
    with open_volume(path) as opened:
        np.testing.assert_array_equal(opened.read(Box.whole(opened.shape)), volume("i2"))


@pytest.mark.parametrize(
    ("voxel_a", "told"),
    [
        ((0, 0, 0), "says 0"),
        ((1, 1, 1), "1 Å"),
        ((-5, 5, 5), "negative"),
        ((float("nan"),) * 3, "not finite"),
    ],
)
def test_voxel_size_is_never_invented(tmp_path, voxel_a, told):
    path = tmp_path / "a.mrc"
    path.write_bytes(bytes(header((2, 3, 4), 0, voxel_a=voxel_a)) + bytes(24))
    with open_volume(path) as opened:
        assert opened.voxel_nm is None
        assert told in opened.notes[0]


def test_header_without_grid(tmp_path):
    path = tmp_path / "a.mrc"
    path.write_bytes(bytes(header((2, 3, 4), 0, grid=(0, 0, 0))) + bytes(24))
    with open_volume(path) as opened:
        assert opened.voxel_nm is None


def test_what_mrcfile_writes_by_default_is_unknown(tmp_path, volume):
    mrcfile.write(tmp_path / "a.mrc", volume("i2"))
    mrcfile.write(tmp_path / "b.mrc", volume("i2"), voxel_size=1.0)
    for name in "ab":
        with open_volume(tmp_path / f"{name}.mrc") as opened:
            assert opened.voxel_nm is None and opened.notes[0].startswith("voxel size unknown")


def test_single_image_is_one_slice(tmp_path):
    image = np.arange(35, dtype="f4").reshape(5, 7)
    mrcfile.write(tmp_path / "a.mrc", image, voxel_size=(130.0, 120.0, 1.0))
    with open_volume(tmp_path / "a.mrc") as opened:
        assert opened.shape == (1, 5, 7)
        assert opened.voxel_nm == pytest.approx((13, 12, 13))
        np.testing.assert_array_equal(opened.read(Box.whole(opened.shape))[0], image)


def test_permuted_axes_keep_the_voxel_size_with_its_axis(tmp_path):
    path = tmp_path / "a.map"
    # Columns are the crystal's z axis: cell and grid are given along x, y, z of the crystal.
    path.write_bytes(bytes(header((2, 3, 4), 0, axes=(3, 2, 1), grid=(2, 3, 4))) + bytes(24))
    with open_volume(path) as opened:
        assert opened.shape == (2, 3, 4)
        assert opened.voxel_nm == pytest.approx((12.5, 13, 20))
        assert any("axes" in note for note in opened.notes)


@pytest.mark.parametrize(
    ("head", "size", "told"),
    [
        (header((5, 7, 11), 2), 4 * 385 - 1, "truncated"),
        (header((5, 7, 11), 2), 0, "truncated"),
        (header((5, 7, 11), 2, extended=1 << 30), 4 * 385, "truncated"),
        (header((5, 7, 11), 2, extended=-4), 4 * 385, "negative"),
        (header((2000, 2000, 2000), 2), 4 * 385, "truncated"),
        (header((2**31 - 1, 2**31 - 1, 2**31 - 1), 2), 4 * 385, "truncated"),
        (header((5, 7, 11), 2), 100_000, "does not fit"),
        (header((0, 7, 11), 2), 0, "no voxels"),
        (header((5, 0, 11), 2), 0, "no voxels"),
        (header((5, 7, -11), 2), 0, "no voxels"),
        (header((5, 7, 11), 3), 4 * 385, "complex"),
        (header((5, 7, 11), 4), 8 * 385, "complex"),
        (header((5, 7, 11), 4, ">"), 8 * 385, "complex"),
        (header((5, 7, 11), 16), 3 * 385, "RGB"),
        (header((5, 7, 11), 77), 4 * 385, "mode 77"),
        (header((6, 7, 11), 2, ispg=401, grid=(11, 7, 3)), 4 * 6 * 77, "4D"),
    ],
)
def test_bad_files(tmp_path, head, size, told):
    path = tmp_path / "bad.mrc"
    path.write_bytes(bytes(head) + bytes(size))
    with pytest.raises(UserError, match=told) as caught:
        open_volume(path)
    assert "bad.mrc" in str(caught.value)


def test_header_alone_cut_short(tmp_path):
    path = tmp_path / "bad.mrc"
    path.write_bytes(bytes(header((5, 7, 11), 2))[:500])
    with pytest.raises(UserError, match="truncated"):
        open_volume(path)


def test_few_bytes_at_the_end_are_noted(tmp_path, volume):
    path = tmp_path / "a.mrc"
    path.write_bytes(bytes(header((5, 7, 11), 1)) + volume("<i2").tobytes() + bytes(10))
    with open_volume(path) as opened:
        assert any("10 bytes" in note for note in opened.notes)


def test_file_that_shrinks_while_open(tmp_path, volume):
    path = tmp_path / "a.mrc"
    path.write_bytes(bytes(header((5, 7, 11), 1)) + volume("<i2").tobytes())
    with open_volume(path) as opened:
        with open(path, "r+b") as file:
            file.truncate(1024 + 100)
        with pytest.raises(UserError, match=r"slices 4 to 5 cannot be read"):
            opened.read(Box.slab(3, 5, opened.shape))


def test_no_warning_escapes(tmp_path, volume):
    path = tmp_path / "a.mrc"
    path.write_bytes(bytes(header((5, 7, 11), 1, extended=8)) + bytes(8) + volume("<i2").tobytes())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_volume(path).close()
