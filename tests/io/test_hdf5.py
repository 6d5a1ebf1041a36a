import os
import struct
from contextlib import suppress

import h5py
import numpy as np
import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.io import hdf5_dense, hdf5_texts, open_volume
from sxtstudio.io.hdf5_links import attributes
from sxtstudio.io.hdf5_texts import absurd_texts, is_absurd_text


def read_all(path):
    with open_volume(path) as opened:
        return opened, opened.read(Box.whole(opened.shape))


@pytest.fixture
def file(tmp_path):
    """An HDF5 file to fill, closed before it is opened for the test."""
    with h5py.File(tmp_path / "a.h5", "w") as opened:
        yield opened


def closed(file):
    path = file.filename
    file.close()
    return path


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"chunks": (1, 7, 11)},
        {"chunks": (2, 3, 4), "compression": "gzip"},
        {"chunks": (5, 7, 11), "shuffle": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "u1", "<i2", "f2"])
def test_the_one_3d_dataset_is_found(file, volume, dtype, how):
    file.create_dataset("entry/deep/recon", data=volume(dtype), **how)
    file["angles"] = np.arange(9.0)
    file["image"] = np.zeros((4, 5))
    path = closed(file)
    opened, got = read_all(path)
    assert opened.format == "HDF5" and got.dtype.isnative
    np.testing.assert_array_equal(got, volume(dtype))
    assert "dataset /entry/deep/recon" in opened.notes
    with open_volume(path) as opened:
        for box in (Box((1, 2, 3), (4, 6, 10)), Box((3, 0, 0), (4, 7, 11)), Box((2, 0, 0), (3, 7, 11))):
            np.testing.assert_array_equal(opened.read(box), volume(dtype)[box.slices])


def test_no_hdf5_suffix_and_a_user_block(tmp_path, volume):
    with h5py.File(tmp_path / "a.nxs", "w", userblock_size=1024) as file:
        file["data"] = volume("f4")
    np.testing.assert_array_equal(read_all(tmp_path / "a.nxs")[1], volume("f4"))


def test_nexus_default_and_signal_choose_among_several(file, volume):
    file.attrs["default"] = "entry"
    entry = file.create_group("entry")
    entry.attrs.update(NX_class="NXentry", default="recon")
    recon = entry.create_group("recon")
    recon.attrs.update(NX_class="NXdata", signal="values")
    recon["values"] = volume("f4")
    file["raw"] = np.zeros((3, 4, 5))
    opened, got = read_all(closed(file))
    assert opened.format == "NeXus"
    np.testing.assert_array_equal(got, volume("f4"))


def test_nexus_voxel_size_from_coordinates(file, volume):
    data = file.create_group("data")
    data.attrs.update(NX_class="NXdata", signal="values", axes=["z", "y", "x"])
    data["values"] = volume("f4")
    for name, step, n in (("z", 20, 5), ("y", 13, 7), ("x", 12.5, 11)):
        data[name] = np.arange(n) * step / 1000 + 3
        data[name].attrs["units"] = "um"
    file.attrs["default"] = "data"
    assert read_all(closed(file))[0].voxel_nm == pytest.approx((20, 13, 12.5))


def test_several_candidates_are_listed(file, volume):
    file["entry/a"] = volume("f4")
    file["entry/b"] = volume("u1")
    path = closed(file)
    with pytest.raises(UserError) as caught:
        open_volume(path)
    for part in ("/entry/a (5 × 7 × 11)", "/entry/b (5 × 7 × 11)", "a.h5::/entry/a"):
        assert part in str(caught.value)
    opened, got = read_all(f"{path}::/entry/b")
    assert opened.dtype == np.uint8
    np.testing.assert_array_equal(got, volume("u1"))
    np.testing.assert_array_equal(read_all(f"{path}::entry/b")[1], volume("u1"))


@pytest.mark.parametrize("name", ["/entry/c", "/entry", "/", ""])
def test_dataset_that_is_not_there(file, volume, name):
    file["entry/a"] = volume("f4")
    path = closed(file)
    with pytest.raises(UserError, match=r"no dataset.*/entry/a"):
        open_volume(f"{path}::{name}")


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"voxel_size": [20.0, 13.0, 12.5], "voxel_size_units": "nm"}, (20, 13, 12.5)),
        ({"voxel_size": [20.0, 13.0, 12.5], "units": "nm"}, (20, 13, 12.5)),
        ({"voxel_size_nm": [20.0, 13.0, 12.5]}, (20, 13, 12.5)),
        ({"element_size_um": [0.02, 0.013, 0.0125]}, (20, 13, 12.5)),
        ({"pixel_size": 0.013, "pixel_size_units": b"um"}, (13, 13, 13)),
        ({"pixel_size": 130, "unit": "Angstrom"}, (13, 13, 13)),
        ({"PixelSize": 0.013, "units": "µm"}, (13, 13, 13)),
        ({"Voxel size": [0.02, 0.013, 0.0125], "unit": "micron"}, (20, 13, 12.5)),
        (
            {"x_pixel_size": 12.5, "y_pixel_size": 13.0, "z_pixel_size": 20.0, "x_pixel_size_units": "nm"},
            (20, 13, 12.5),
        ),
        ({"x_pixel_size": 12.5, "y_pixel_size": 13.0, "units": "nm"}, None),
        ({"voxel_size": [20.0, 13.0, 12.5]}, None),
        ({"voxel_size": [20.0, 13.0, 12.5], "units": "pixel"}, None),
        ({"voxel_size_nm": 0}, None),
        ({"voxel_size_nm": -3}, None),
        ({"voxel_size_nm": float("nan")}, None),
        ({"voxel_size_nm": "thirteen"}, None),
        ({"element_size_um": [1.0, 1.0, 1.0]}, None),
        ({}, None),
    ],
    ids=str,
)
@pytest.mark.parametrize("where", ["dataset", "group", "root"])
def test_voxel_size_from_attributes(file, volume, attributes, expected, where):
    file["entry/data"] = volume("u1")
    {"dataset": file["entry/data"], "group": file["entry"], "root": file}[where].attrs.update(attributes)
    opened, _ = read_all(closed(file))
    assert opened.voxel_nm == (None if expected is None else pytest.approx(expected))
    assert any(note.startswith("voxel size unknown") for note in opened.notes) == (expected is None)


def test_voxel_size_from_a_dataset_beside_the_data(file, volume):
    file["entry/data"] = volume("u1")
    file["entry/pixel_size"] = 0.013
    file["entry/pixel_size"].attrs["units"] = "um"
    assert read_all(closed(file))[0].voxel_nm == pytest.approx((13, 13, 13))


@pytest.mark.parametrize("shape", [(1, 1, 5, 7, 11), (5, 7, 11, 1), (1, 5, 7, 11), (5, 1, 7, 11)], ids=str)
def test_axes_of_length_1_are_dropped(file, volume, shape):
    file["data"] = volume("u1").reshape(shape)
    path = closed(file)
    np.testing.assert_array_equal(read_all(path)[1], volume("u1"))
    with open_volume(path) as opened:
        box = Box((1, 2, 3), (4, 6, 10))
        np.testing.assert_array_equal(opened.read(box), volume("u1")[box.slices])


@pytest.mark.parametrize("shape", [(7, 11), (1, 7, 11), (1, 1, 7, 11), (1, 7, 11, 1)], ids=str)
def test_single_image_is_one_slice(file, volume, shape):
    file["data"] = volume("u1")[0].reshape(shape)
    file["data"].attrs["voxel_size_nm"] = 13.0
    opened, got = read_all(closed(file))
    assert got.shape == (1, 7, 11) and opened.voxel_nm == (13, 13, 13)
    np.testing.assert_array_equal(got[0], volume("u1")[0])


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (np.zeros((2, 3, 4, 5)), "more dimensions"),
        (np.zeros((0, 7, 11)), "no voxels"),
        (np.zeros((5, 7, 11), "c8"), "complex"),
        (np.zeros((20, 30, 3), "u1"), "colour"),
        (np.zeros(9), "no 3D dataset"),
        (np.array([b"a"] * 8).reshape(2, 2, 2), "no 3D dataset"),
    ],
    ids=["4D", "zero", "complex", "RGB", "1D", "text"],
)
def test_bad_content(file, data, told):
    file["data"] = data
    path = closed(file)
    with pytest.raises(UserError, match=told):
        open_volume(path)


def test_named_4d_dataset_is_refused(file):
    file["data"] = np.zeros((2, 3, 4, 5))
    with pytest.raises(UserError, match="4 dimensions"):
        open_volume(f"{closed(file)}::/data")


def test_empty_file_without_data(file):
    with pytest.raises(UserError, match="no 3D dataset"):
        open_volume(closed(file))


@pytest.mark.parametrize("keep", [100, 0.5, 0.99])
def test_truncated(tmp_path, keep):
    path = tmp_path / "cut.h5"
    with h5py.File(path, "w") as file:
        file["data"] = np.random.default_rng(0).random((9, 30, 40))
    content = path.read_bytes()
    path.write_bytes(content[: keep if keep > 1 else int(len(content) * keep)])
    with pytest.raises(UserError, match=r"cut\.h5"):
        open_volume(path)


def test_unknown_compression_is_told_when_it_is_opened(file):
    # A filter number that nobody has registered.
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk((1, 7, 11))
    properties.set_filter(32999, h5py.h5z.FLAG_OPTIONAL, ())
    h5py.h5d.create(file.id, b"data", h5py.h5t.NATIVE_FLOAT, h5py.h5s.create_simple((5, 7, 11)), properties)
    with pytest.raises(UserError, match="compressed with"):
        open_volume(closed(file))


# Files from strangers: nothing outside the folder of the file is ever read.


@pytest.fixture
def outside(tmp_path, volume):
    """A folder with a file in it, and a tomogram outside the folder that must not be reached."""
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["data"] = volume("u1")
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def add_external_link(file, target):
    file["data"] = h5py.ExternalLink(target, "/data")


def add_soft_link_through_external_link(file, target):
    file["other"] = h5py.ExternalLink(target, "/")
    file["data"] = h5py.SoftLink("/other/data")


def add_virtual(file, target):
    layout = h5py.VirtualLayout((5, 7, 11), "u1")
    layout[...] = h5py.VirtualSource(target, "data", (5, 7, 11))
    file.create_virtual_dataset("data", layout)


def add_raw_storage(file, target):
    file.create_dataset("data", (5, 7, 11), "u1", external=[(target, 0, h5py.h5f.UNLIMITED)])


@pytest.mark.parametrize("named", [False, True], ids=["searched", "named"])
@pytest.mark.parametrize("absolute", [False, True], ids=["relative", "absolute"])
@pytest.mark.parametrize(
    "add", [add_external_link, add_soft_link_through_external_link, add_virtual, add_raw_storage]
)
def test_nothing_outside_the_folder_is_read(outside, add, absolute, named):
    target = str(outside.parent / "secret.h5") if absolute else "../secret.h5"
    with h5py.File(outside / "a.h5", "w") as file:
        add(file, target)
    with pytest.raises(UserError, match=r"refused|no 3D dataset"):
        open_volume(f"{outside / 'a.h5'}::/data" if named else outside / "a.h5")


def test_symbolic_link_out_of_the_folder_is_seen_through(outside):
    os.symlink(outside.parent / "secret.h5", outside / "harmless.h5")
    with h5py.File(outside / "a.h5", "w") as file:
        add_external_link(file, "harmless.h5")
    with pytest.raises(UserError, match="another folder"):
        open_volume(outside / "a.h5")


def test_virtual_dataset_of_a_file_that_leaves_the_folder(outside):
    """Two steps: the second file lies in the folder, its voxels do not."""
    with h5py.File(outside / "b.h5", "w") as file:
        add_virtual(file, "../secret.h5")
    with h5py.File(outside / "a.h5", "w") as file:
        add_virtual(file, "b.h5")
    with pytest.raises(UserError, match="another folder"):
        open_volume(outside / "a.h5")


@pytest.mark.parametrize("add", [add_external_link, add_virtual])
def test_links_within_the_folder_work(tmp_path, volume, add):
    with h5py.File(tmp_path / "part.h5", "w") as file:
        file["data"] = volume("u1")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        add(file, "part.h5")
    np.testing.assert_array_equal(read_all(tmp_path / "a.h5")[1], volume("u1"))


@pytest.mark.parametrize("add", [add_external_link, add_virtual])
def test_missing_part_is_no_black_volume(tmp_path, add):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        add(file, "part.h5")
    with pytest.raises(UserError, match="missing"):
        open_volume(tmp_path / "a.h5")


@pytest.mark.parametrize("kind", ["soft", "external"])
def test_links_in_a_circle(file, kind):
    if kind == "soft":
        file["data"] = h5py.SoftLink("/other")
        file["other"] = h5py.SoftLink("/data")
    else:
        file["data"] = h5py.ExternalLink("a.h5", "/data")
    with pytest.raises(UserError, match="circle"):
        open_volume(f"{closed(file)}::/data")


def test_dangling_soft_link_and_hard_link_loop_do_not_matter(file, volume):
    file["entry/data"] = volume("u1")
    file["entry/loop"] = file["entry"]
    file["twice"] = file["entry/data"]
    file["nowhere"] = h5py.SoftLink("/gone")
    np.testing.assert_array_equal(read_all(closed(file))[1], volume("u1"))


@pytest.mark.parametrize(
    ("names", "fine"),
    [(["g"] * 99, True), (["g"] * 100, False), (["g" * 4000] * 2, True), (["g" * 4000] * 3, False)],
    ids=["99 levels", "100 levels", "short names", "long names"],
)
def test_groups_are_nested_as_deeply_as_in_any_file(file, volume, names, fine):
    """The time of HDF5 grows with the square: 18 s for 3,000 levels, minutes for 6,000."""
    inside = "/".join(names) + "/v"
    file[inside] = volume("u1")
    path = closed(file)
    if fine:
        np.testing.assert_array_equal(read_all(path)[1], volume("u1"))
    else:
        with pytest.raises(UserError, match=r"groups nested too deeply to search\. Name the dataset"):
            open_volume(path)
    np.testing.assert_array_equal(read_all(f"{path}::/{inside}")[1], volume("u1"))  # named


@pytest.mark.parametrize("version", ["earliest", "latest"])
@pytest.mark.parametrize("before", [0, 512], ids=["", "with a block of the user's"])
def test_text_that_says_it_has_gigabytes_is_left_out(tmp_path, version, before):
    """Four damaged bytes: HDF5 would ask for as much memory as they say, twice."""
    path = tmp_path / "a.h5"
    words = ["x" * 17_777, "y" * 22_221]  # lengths that no other number of the file has
    with h5py.File(path, "w", libver=version, userblock_size=before) as file:
        data = file.create_dataset("data", data=np.zeros((3, 20, 20), np.float32))
        data.attrs["name"], data.attrs["units"] = words
        data.attrs["element_size_um"] = (0.02, 0.01, 0.01)
        file["definition"] = words[0]
    content = bytearray(path.read_bytes())
    for word in words:
        length = struct.pack("<I", len(word))
        place = -1
        while (place := content.find(length, place + 1)) >= 0:
            content[place : place + 4] = struct.pack("<I", 0xFFFF_FFF0)
    path.write_bytes(content)
    if version == "latest":  # its headers have checksums, which a stranger would get right
        with pytest.raises(UserError, match="damaged"):
            open_volume(path)
        return
    with h5py.File(path) as file:
        assert absurd_texts(file["data"]) == {"name", "units"}
        assert is_absurd_text(file["definition"])
        assert attributes(file["data"]).keys() == {"element_size_um"}
    with open_volume(path) as opened:
        assert opened.voxel_nm == (20, 10, 10)


@pytest.mark.parametrize("version", ["earliest", "latest"])
def test_texts_are_looked_at_in_all_blocks_of_a_header(tmp_path, version, monkeypatch):
    monkeypatch.setattr(hdf5_texts, "LONGEST_TEXT", 100)
    with h5py.File(tmp_path / "a.h5", "w", libver=version) as file:
        data = file.create_dataset("data", data=np.zeros((3, 20, 20), np.float32))
        for number in range(7):
            data.attrs[f"text {number}"] = "x" * (98 + number)
        data.attrs["number"] = 2**31
    with h5py.File(tmp_path / "a.h5") as file:
        assert absurd_texts(file["data"]) == {f"text {number}" for number in range(3, 7)}


@pytest.mark.parametrize("before", [0, 512], ids=["", "with a block of the user's"])
@pytest.mark.parametrize("count", [9, 20, 28])
def test_texts_are_looked_at_where_there_are_many(tmp_path, count, before, monkeypatch):
    """In the newest format they lie outside of the header, in one block or in several."""
    monkeypatch.setattr(hdf5_texts, "LONGEST_TEXT", 100)
    with h5py.File(tmp_path / "a.h5", "w", libver="latest", userblock_size=before) as file:
        data = file.create_dataset("data", data=np.zeros((3, 20, 20), np.float32))
        for number in range(count):
            data.attrs[f"text {number}" + "x" * 9 * number] = "x" * (101 if number % 3 == 0 else 99)
        data.attrs["element_size_um"] = (0.02, 0.01, 0.01)
    with h5py.File(tmp_path / "a.h5") as file:
        names = {f"text {number}" + "x" * 9 * number for number in range(0, count, 3)}
        assert absurd_texts(file["data"]) == names
        assert attributes(file["data"]).keys() == set(file["data"].attrs) - names


@pytest.mark.parametrize("count", [60, 400])
def test_texts_among_so_many_that_they_are_not_found_are_left_out(tmp_path, count):
    with h5py.File(tmp_path / "a.h5", "w", libver="latest") as file:
        data = file.create_dataset("data", data=np.zeros((3, 20, 20), np.float32))
        for number in range(count):
            data.attrs[f"text {number}"] = "short"
        data.attrs["element_size_um"] = (0.02, 0.01, 0.01)
    with h5py.File(tmp_path / "a.h5") as file:
        assert attributes(file["data"]).keys() == {"element_size_um"}
    with open_volume(tmp_path / "a.h5") as opened:
        assert opened.voxel_nm == (20, 10, 10)


@pytest.mark.parametrize("signature", [b"FRHP", b"BTHD", b"BTLF"])
def test_texts_are_left_out_where_their_storage_is_damaged(tmp_path, signature):
    with h5py.File(tmp_path / "a.h5", "w", libver="latest") as file:
        data = file.create_dataset("data", data=np.zeros((3, 20, 20), np.float32))
        for number in range(12):
            data.attrs[f"text {number}"] = "short"
    content = (tmp_path / "a.h5").read_bytes()
    info = b"\0\0" + struct.pack("<QQ", content.find(b"FRHP"), content.find(b"BTHD"))
    whole, damaged = (
        list(_messages_of(tmp_path / "b.h5", what, info))
        for what in (content, content.replace(signature, b"xxxx"))
    )
    assert (len(whole), damaged) == (12, [])


def _messages_of(path, content, info):
    path.write_bytes(content)
    with path.open("rb") as file, suppress(ValueError):
        yield from hdf5_dense.dense_attributes(file, 0, info)
