"""Names of axes, by the file and by the user: whatever the order, the voxels that were written come out."""

import json

import h5py
import mrcfile
import numpy as np
import pytest
import tifffile
import zarr

from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.io import open_volume
from sxtstudio.io.axes import NamedBy, orders_that_fit
from sxtstudio.io.axis_names import as_names, letter_of

BOXES = (Box((0, 0, 0), (5, 7, 11)), Box((1, 2, 3), (4, 6, 10)), Box((3, 0, 0), (4, 7, 11)))


def stored(data, names):
    """Return ``data`` (z, y, x) as a program stores it that calls its axes ``names``."""
    order = [n for n in names if n in "zyx"]
    turned = data.transpose(["zyx".index(n) for n in order])
    return turned.reshape([turned.shape[order.index(n)] if n in order else 1 for n in names])


def opens_as(path, data, *, axes=None, voxel=None, named_by=NamedBy.FILE):
    with open_volume(path, axes) as opened:
        assert opened.shape == data.shape and opened.axes.named_by is named_by
        assert opened.voxel_nm == (None if voxel is None else pytest.approx(voxel))
        for box in BOXES:
            np.testing.assert_array_equal(opened.read(box), data[box.slices])
        return opened


# -- names by the user ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names", "backwards"),
    [
        ("zyx", "zyx", ""),
        ("x, y, z", "xyz", ""),
        ("Z-YX", "zyx", "z"),
        ("zy-x-", "zyx", "yx"),
        ("yx", "yx", ""),
    ],
)
def test_orders_are_read_and_written(text, names, backwards):
    order = AxisOrder.from_text(text)
    assert order == AxisOrder(names, frozenset(backwards))
    assert AxisOrder.from_text(str(order)) == order


@pytest.mark.parametrize("text", ["", "zy", "zyy", "zyxx", "abc", "-zyx", "z--yx", "z y x w", "x" * 100])
def test_what_is_no_order(text):
    with pytest.raises(UserError, match="no order of axes: name z, y and x once each"):
        AxisOrder.from_text(text)


@pytest.mark.parametrize("order", ["zyx", "xyz", "yzx", "z-yx", "xy-z-"])
@pytest.mark.parametrize("kind", ["mrc", "tif", "h5", "zarr", "slices"])
def test_the_user_names_the_axes_of_every_format(tmp_path, volume, kind, order):
    data, order = volume("u2"), AxisOrder.from_text(order)
    flips = tuple(slice(None, None, -1 if n in order.backwards else 1) for n in "zyx")
    disk = np.ascontiguousarray(stored(data[flips], order.names))
    path = tmp_path / f"a.{kind}"
    if kind == "mrc":
        mrcfile.write(path, disk)
    elif kind == "tif":
        tifffile.imwrite(path, disk, photometric="minisblack", compression="zlib")
    elif kind == "h5":
        with h5py.File(path, "w") as file:
            file.create_dataset("data", data=disk, chunks=(2, 3, 4))
    elif kind == "zarr":
        zarr.create_array(str(path), data=disk, chunks=(2, 3, 4), zarr_format=2)
    else:
        path.mkdir()
        for number, image in enumerate(disk):
            tifffile.imwrite(path / f"{number}.tif", image)
    opened = opens_as(path, data, axes=order, named_by=NamedBy.USER)
    assert opened.axes.order == order and opened.axes.sizes == disk.shape


def test_voxel_size_and_origin_go_with_their_axes(tmp_path, volume):
    with mrcfile.new(tmp_path / "a.mrc") as file:
        file.set_data(np.ascontiguousarray(stored(volume("f4"), "yzx")))
        file.voxel_size = (125.0, 200.0, 130.0)  # x, y, z as the file calls them
        file.header.origin = (1000, 2000, 3000)
    order = AxisOrder.from_text("yzx")
    opened = opens_as(
        tmp_path / "a.mrc", volume("f4"), axes=order, voxel=(20, 13, 12.5), named_by=NamedBy.USER
    )
    assert opened.origin_nm == pytest.approx((200, 300, 100))


def test_a_single_image_may_be_turned(tmp_path):
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    tifffile.imwrite(tmp_path / "a.tif", image)
    with open_volume(tmp_path / "a.tif", AxisOrder.from_text("xy-")) as opened:
        np.testing.assert_array_equal(opened.read(Box.whole((1, 4, 3)))[0], image[:, ::-1].T)


@pytest.mark.parametrize("order", ["yx", "tzyx"])
@pytest.mark.parametrize("kind", ["mrc", "h5"])
def test_names_that_do_not_fit(tmp_path, volume, kind, order):
    if kind == "mrc":
        mrcfile.write(tmp_path / "a.mrc", volume("f4"))
    else:
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["data"] = volume("f4")
    with pytest.raises(UserError, match=f"5 × 7 × 11 voxels, which the axes {order} do not fit"):
        open_volume(tmp_path / f"a.{kind}", AxisOrder.from_text(order))


# -- names in HDF5 -------------------------------------------------------------------------------------


def ilastik(dataset, names):
    """As vigra writes it; ilastik 1.4.1 on adds resolutions and units."""
    size = {"x": 12.5, "y": 13.0, "z": 20.0}
    axes = [{"key": n, "typeFlags": 2, "resolution": size.get(n, 0), "description": ""} for n in names]
    dataset.attrs["axistags"] = json.dumps({"axes": axes})
    dataset.attrs["axis_units"] = json.dumps(dict.fromkeys(names, "nm"))


def labels(dataset, names):
    for axis, name in enumerate(names):
        dataset.dims[axis].label = name
    dataset.attrs["voxel_size_nm"] = [{"x": 12.5, "y": 13.0, "z": 20.0}.get(n, 1.0) for n in names]


def scales(dataset, names):
    for axis, name in enumerate(names):
        step = {"x": 12.5, "y": 13.0, "z": 20.0}.get(name, 1.0)
        dataset.parent[name] = np.arange(dataset.shape[axis]) * step / 1000
        dataset.parent[name].attrs["units"] = "um"
        dataset.parent[name].make_scale(name)
        dataset.dims[axis].attach_scale(dataset.parent[name])


def nxdata(dataset, names, one_text=None):
    group = dataset.parent
    group.attrs.update(NX_class="NXdata", signal="data")
    for axis, name in enumerate(names):
        step = {"x": 12.5, "y": 13.0, "z": 20.0}.get(name, 1.0)
        group[f"stage_{name}"] = np.arange(dataset.shape[axis]) * step + 5
        group[f"stage_{name}"].attrs["units"] = np.array(["nm"], dtype=h5py.string_dtype())
    long_names = [f"stage_{name}" for name in names]
    if one_text is None:
        group.attrs["axes"] = long_names
    else:
        dataset.attrs.update(signal=1, axes=one_text.format(*long_names))


def old_nxdata(dataset, names):
    nxdata(dataset, names, one_text=":".join(["{}"] * len(names)))


def old_nxdata_in_brackets(dataset, names):
    nxdata(dataset, names, one_text="[" + ", ".join(["{}"] * len(names)) + "]")


def numbered_axes(dataset, names):
    nxdata(dataset, names)
    del dataset.parent.attrs["axes"], dataset.parent.attrs["signal"]
    dataset.attrs["signal"] = np.array(["1"], dtype=h5py.string_dtype())
    for axis, name in enumerate(names):
        dataset.parent[f"stage_{name}"].attrs["axis"] = np.int32(axis + 1)


@pytest.mark.parametrize("names", ["zyx", "xyz", "yxz", "tzyxc", "cxyz"])
@pytest.mark.parametrize(
    "write", [ilastik, labels, scales, nxdata, old_nxdata, old_nxdata_in_brackets, numbered_axes]
)
def test_hdf5_files_that_name_their_axes(tmp_path, volume, write, names):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        write(file.create_dataset("g/data", data=stored(volume("f4"), names)), names)
    opened = opens_as(tmp_path / "a.h5", volume("f4"), voxel=(20, 13, 12.5))
    assert opened.axes.order.names == "".join(n for n in names if n in "zyx")
    # what the user says goes before the file
    with open_volume(f"{tmp_path / 'a.h5'}::/g/data", AxisOrder.from_text("zyx")) as opened:
        assert opened.shape == tuple(n for n in stored(volume("f4"), names).shape if n > 1)


@pytest.mark.parametrize(
    ("names", "attribute"),
    [("xyz", "xyz"), ("xyz", ["x", "y", "z"]), ("yxz", "Y,X,Z"), ("tzyx", b"TZYX")],
    ids=str,
)
def test_names_in_an_attribute(tmp_path, volume, names, attribute):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = stored(volume("f4"), names)
        file["data"].attrs["dimension_order" if isinstance(attribute, str) else "axes"] = attribute
    opens_as(tmp_path / "a.h5", volume("f4"))


@pytest.mark.parametrize("names", ["xyz", "xyzc", "txyz"])
def test_three_sizes_are_of_the_stored_axes_of_space(tmp_path, volume, names):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = stored(volume("f4"), names)
        file["data"].attrs.update(axes=[*names], element_size_um=[0.0125, 0.013, 0.02])
    opens_as(tmp_path / "a.h5", volume("f4"), voxel=(20, 13, 12.5))


def test_matlab_stores_rows_and_columns_the_other_way_round(tmp_path, volume):
    """Its array is (rows, columns, slices); MIB's box spans the centres of voxels, in µm."""
    with h5py.File(tmp_path / "a.model", "w", userblock_size=512) as file:
        file["mibModel"] = volume("u1").transpose(0, 2, 1)
        file["mibModel"].attrs["MATLAB_class"] = np.bytes_("uint8")
        box = [1, 1 + 0.0125 * 10, 2, 2 + 0.013 * 6, -1, -1 + 0.02 * 4]
        file["BoundingBox"] = np.array([box]).T
    opens_as(tmp_path / "a.model", volume("u1"), voxel=(20, 13, 12.5))


@pytest.mark.parametrize(
    ("names", "order"),
    [
        ([".", "y", "x"], "zyx"),
        ([".", "x", "y"], "zxy"),
        (["z", ".", "."], "zyx"),
        (["x", ".", "."], "xyz"),
        ([".", "y", "."], "zyx"),
        ([".", ".", "z"], "xyz"),
        (["sample_x", "position in y", "SlicePos"], "xyz"),
        (["column", "row", "slice"], "xyz"),
    ],
    ids=str,
)
def test_axes_that_are_named_in_part(tmp_path, volume, names, order):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        group = file.create_group("data")
        group["data"] = stored(volume("f4"), order)
        group.attrs.update(NX_class="NXdata", signal="data", axes=names)
    opens_as(tmp_path / "a.h5", volume("f4"))


@pytest.mark.parametrize(
    "names", [[".", ".", "."], ["x", "x", "x"], ["y", ".", "."], ["q", "r", "s"]], ids=str
)
def test_names_that_say_nothing(tmp_path, volume, names):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = volume("f4")
        file["data"].attrs["axes"] = names
    opens_as(tmp_path / "a.h5", volume("f4"), named_by=NamedBy.NOBODY)


@pytest.mark.parametrize(
    ("names", "shape", "told"),
    [
        ("yxc", (73, 64, 3), "3 colour channels"),
        ("cyx", (2, 73, 64), "2 colour channels"),
        ("zyxc", (5, 7, 11, 2), "four or more dimensions"),
        ("tzyx", (2, 5, 7, 11), "four or more dimensions"),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["h5", "zarr"])
def test_channels_and_times_are_no_slices(tmp_path, kind, names, shape, told):
    if kind == "h5":
        with h5py.File(tmp_path / "a.h5", "w") as file:
            ilastik(file.create_dataset("data", shape, "u1"), names)
    else:
        array = zarr.create_array(str(tmp_path / "a.zarr"), shape=shape, dtype="u1", zarr_format=2)
        array.attrs["_ARRAY_DIMENSIONS"] = [*names]
    with pytest.raises(UserError, match=told):
        open_volume(f"{tmp_path / f'a.{kind}'}::/{'data' if kind == 'h5' else ''}")


@pytest.mark.parametrize(("names", "told"), [("tyx", "time points"), ("cyx", "channels")])
def test_a_series_is_taken_as_slices_with_a_note(tmp_path, volume, names, told):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        ilastik(file.create_dataset("data", data=volume("u1")), names)
    opened = opens_as(tmp_path / "a.h5", volume("u1"), voxel=None)
    assert f"the file calls its slices {told}; they are taken as z" in opened.notes


def test_an_image_of_rows_and_columns(tmp_path):
    image = np.arange(73 * 64, dtype=np.uint16).reshape(64, 73)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        ilastik(file.create_dataset("data", data=image.T[..., None]), "xyc")
    with open_volume(tmp_path / "a.h5") as opened:
        np.testing.assert_array_equal(opened.read(Box.whole((1, 64, 73)))[0], image)


@pytest.mark.parametrize(
    "text", ["", "null", "[]", '{"axes": 3}', '{"axes": [{"k": "x"}]}', "{" * 100_000, "Ξ"]
)
def test_damaged_tags_are_no_tags(tmp_path, volume, text):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = volume("u1")
        file["data"].attrs["axistags"] = np.bytes_(text.encode()[:60_000])
    opens_as(tmp_path / "a.h5", volume("u1"), named_by=NamedBy.NOBODY)


# -- names in Zarr -------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("names", ["zyx", "xyz", "tyxz"])
def test_zarr_arrays_that_name_their_axes(tmp_path, volume, version, names):
    array = zarr.create_array(
        str(tmp_path / "a.zarr"),
        data=stored(volume("f4"), names),
        zarr_format=version,
        dimension_names=[*names] if version == 3 else None,
    )
    array.attrs["voxel_size_nm"] = [{"x": 12.5, "y": 13.0, "z": 20.0}.get(n, 1.0) for n in names]
    if version == 2:
        array.attrs["_ARRAY_DIMENSIONS"] = [*names]
    opens_as(tmp_path / "a.zarr", volume("f4"), voxel=(20, 13, 12.5))


def test_an_ome_zarr_of_another_order(tmp_path, volume):
    group = zarr.create_group(str(tmp_path / "a.zarr"), zarr_format=2)
    group.create_array("0", data=stored(volume("f4"), "xyz"))
    axes = [{"name": n, "type": "space", "unit": "micrometer"} for n in "xyz"]
    step = [
        {"type": "scale", "scale": [0.0125, 0.013, 0.02]},
        {"type": "translation", "translation": [3, 2, 1]},
    ]
    group.attrs["multiscales"] = [
        {"version": "0.4", "axes": axes, "datasets": [{"path": "0", "coordinateTransformations": step}]}
    ]
    opened = opens_as(tmp_path / "a.zarr", volume("f4"), voxel=(20, 13, 12.5))
    assert opened.origin_nm == pytest.approx((1000, 2000, 3000))


@pytest.mark.parametrize(
    ("stored_shape", "wanted", "orders"),
    [
        ((11, 7, 5), (5, 7, 11), ["xyz"]),
        ((7, 5, 11), (5, 7, 11), ["yzx"]),
        ((7, 7, 5), (5, 7, 7), ["xyz", "yxz"]),
        ((5, 7, 12), (5, 7, 11), []),
    ],
)
def test_orders_in_which_a_volume_would_fit(tmp_path, stored_shape, wanted, orders):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros(stored_shape, "u1"), photometric="minisblack")
    with open_volume(tmp_path / "a.tif") as opened:
        assert [str(order) for order in orders_that_fit(opened.axes, wanted)] == orders


# -- words ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "letter"),
    [
        ("x", "x"), ("Z", "z"), ("sample_x", "x"), ("yPosition", "y"), ("SampleZ", "z"), ("xpos", "x"),
        ("voxel size y", "y"), ("depth", "z"), ("Rows", "y"), ("rotation_angle", "a"), ("theta", "a"),
        ("energy", "e"), ("time", "t"), ("channels", "c"), (".", None), ("", None), ("detector", None),
        ("xy", None), ("x_or_y", None), ("exit", None), ("data_0", None),
    ],
)  # fmt: skip
def test_kind_of_an_axis_by_its_name(name, letter):
    assert letter_of(name) == letter


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("z:y:x", ["z", "y", "x"]),
        (b"[z, y,x]", ["z", "y", "x"]),
        (np.array(["a:b:c"], object), ["a", "b", "c"]),
        (np.array([b".", b"y", b"x"]), [".", "y", "x"]),
        ("zyx", ["z", "y", "x"]),
        ("abc", None),
        ("z:y", None),
        (["z", "y"], None),
        (None, None),
        (3.0, None),
        (np.array([1, 2, 3]), [".", ".", "."]),
    ],
    ids=str,
)
def test_names_in_an_attribute_of_any_form(value, names):
    assert as_names(value, 3) == names
